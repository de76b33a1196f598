"""Noise of texts: a function of seed, tokens and number of the sample."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from keras_textgen.noise import Noise, TextNoise

COUNT = 20_000
# A correlation of so many independent draws has this standard deviation.
ERROR = 1 / np.sqrt(COUNT)
TEXT = [2, 7, 5, 9, 3]


def noise_of(tokens, *, seed=(1, 2), truncated=False):
    return TextNoise.of(tf.constant(tokens, tf.int32), seed, truncated)


def texts(count=COUNT):
    """Different texts, int32 [count, 8], padding included."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(4, 2000, size=(count, 8))
    lengths = generator.integers(4, 9, size=(count, 1))
    return np.where(np.arange(8) < lengths, tokens, 0)


def bags(count=COUNT):
    """Different bags of three words: columns, and how often each is there."""
    generator = np.random.default_rng(0)
    columns = generator.integers(0, 2000, size=(count, 3))
    return columns, generator.integers(1, 9, size=(count, 3))


def noise_of_bags(columns, counts, *, seed=(1, 2)):
    return TextNoise.of_bags(
        tf.constant(columns, tf.int32), tf.constant(counts, tf.float32), seed
    )


def uniform(noise, rows=COUNT, name="z"):
    return noise.uniform(name, [rows]).numpy().astype(np.float64)


def normal(noise, *shape, name="z"):
    return noise.normal(name, [*shape]).numpy().astype(np.float64)


def assert_independent(*draws):
    correlations = np.corrcoef(draws)
    others = correlations[~np.eye(len(draws), dtype=bool)]
    assert np.max(np.abs(others)) < 4 * ERROR
    # Nor do they hold the same numbers, moved: 2^23 are possible.
    one, two = draws[:2]
    assert len(np.intersect1d(one, two)) < 2 * COUNT**2 / 2**23


def of_samples(count, **options):
    return noise_of([TEXT], **options).of_samples(0, count)


EACH = {
    "texts": lambda **options: noise_of(texts(), **options),
    "samples": lambda **options: of_samples(COUNT, **options),
    "bags": lambda **options: noise_of_bags(*bags(), **options),
    # The words are neighbors, and nothing else differs.
    "words": lambda **options: noise_of(
        np.arange(COUNT)[:, np.newaxis] + 1, **options
    ),
}
each_kind = pytest.mark.parametrize("kind", EACH)


# -- Distributions -------------------------------------------------------------


@each_kind
def test_uniform(kind):
    values = uniform(EACH[kind]())
    assert 0 < np.min(values) < 1e-3 < 1 - 1e-3 < np.max(values) < 1
    assert scipy.stats.kstest(values, "uniform").pvalue > 1e-3
    # The steps between neighbors, too.
    spacings = np.diff(np.sort(values)) * COUNT
    assert np.mean(spacings**2) == pytest.approx(2, abs=0.1)


@each_kind
def test_normal(kind):
    values = normal(EACH[kind](), COUNT, 2)
    for column in values.T:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-3
        assert np.mean(column) == pytest.approx(0, abs=4 * ERROR)
        assert np.var(column) == pytest.approx(1, abs=4 * np.sqrt(2) * ERROR)
        assert scipy.stats.skew(column) == pytest.approx(
            0, abs=4 * np.sqrt(6) * ERROR
        )
        assert scipy.stats.kurtosis(column) == pytest.approx(
            0, abs=4 * np.sqrt(24) * ERROR
        )


def test_tails_of_the_normal():
    """Of two million draws: beyond 4, and as many on either side."""
    values = normal(of_samples(2000), 2000, 1000).ravel()
    expected = 2e6 * scipy.stats.norm.sf(4)  # 63
    for tail in (values > 4, values < -4):
        assert abs(np.sum(tail) - expected) < 4 * np.sqrt(expected)
    assert np.max(np.abs(values)) > 4.6


@pytest.mark.parametrize("kind", sorted(EACH.keys() - {"bags"}))
def test_truncated_normal(kind):
    values = normal(EACH[kind](truncated=True), COUNT)
    assert 1.99 < np.max(np.abs(values)) <= 2
    expected = scipy.stats.truncnorm(-2, 2)
    assert scipy.stats.kstest(values, expected.cdf).pvalue > 1e-3
    assert np.var(values) == pytest.approx(expected.var(), abs=0.02)


# -- Independence --------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 2, 3])
def test_another_token_gives_other_noise(place):
    tokens = texts()
    other = tokens.copy()
    other[:, place] += 1
    assert_independent(uniform(noise_of(tokens)), uniform(noise_of(other)))


def test_one_more_token_gives_other_noise():
    tokens = texts()
    lengths = np.count_nonzero(tokens, axis=1)
    longer = np.pad(tokens, [(0, 0), (0, 1)])
    longer[np.arange(COUNT), lengths] = 5
    assert_independent(uniform(noise_of(tokens)), uniform(noise_of(longer)))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_word_or_count_gives_a_bag_other_noise(place):
    columns, counts = bags()
    word, count = columns.copy(), counts.copy()
    word[:, place] += 1
    count[:, place] += 1
    assert_independent(
        uniform(noise_of_bags(columns, counts)),
        uniform(noise_of_bags(word, counts)),
        uniform(noise_of_bags(columns, count)),
        uniform(noise_of_bags(columns, counts, seed=(1, 3))),
    )


def test_a_bag_has_no_order():
    columns, counts = bags(50)
    expected = uniform(noise_of_bags(columns, counts), 50)
    order = [2, 0, 1]
    found = noise_of_bags(columns[:, order], counts[:, order])
    np.testing.assert_array_equal(uniform(found, 50), expected)
    # A word at two places, and one that is not needed.
    columns = np.concatenate([columns, columns[:, :1], columns * 0], axis=1)
    more = np.concatenate([counts, np.ones([50, 1]), counts * 0], axis=1)
    more[:, 0] -= 1
    np.testing.assert_array_equal(
        uniform(noise_of_bags(columns, more), 50), expected
    )


def test_the_order_of_the_tokens_counts():
    tokens = texts()
    other = tokens[:, [1, 0, 2, 3, 4, 5, 6, 7]]
    differs = tokens[:, 0] != tokens[:, 1]
    draws = [uniform(noise_of(each))[differs] for each in (tokens, other)]
    assert_independent(*draws)


def test_names_elements_samples_and_seeds_are_independent():
    noise = noise_of(texts())
    wide = noise.uniform("z", [COUNT, 2, 2]).numpy().reshape(COUNT, 4)
    draws = [np.float64(column) for column in wide.T]
    draws += [uniform(noise, name=name) for name in ("top", "choice", "Z")]
    draws += [uniform(noise.of_samples(number, 1)) for number in (1, 2)]
    draws += [
        uniform(noise_of(texts(), seed=seed))
        for seed in [(2, 1), (1, 3), (2, 2), (1, -2), (0, 0)]
    ]
    assert_independent(*draws)


def test_neighbors_among_samples_and_words_are_independent():
    for kind in ("samples", "words"):
        values = uniform(EACH[kind]())
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 4 * ERROR


def test_training_draws_other_numbers():
    row = Noise(tf.constant([1, 2])).uniform("z", [COUNT]).numpy()
    assert_independent(row, uniform(EACH["texts"]()))


# -- What it depends on --------------------------------------------------------


def assert_equal(found, expected):
    """But for the last digit: vector units round quantiles otherwise."""
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 2)])
@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_rows_do_not_depend_on_the_batch(draw, shape):
    tokens = texts(11)
    whole = getattr(noise_of(tokens), draw)("z", [11, *shape]).numpy()
    order = [3, 10, 0, 4]
    part = getattr(noise_of(tokens[order]), draw)("z", [4, *shape])
    assert_equal(part, whole[order])
    wider = np.pad(tokens, [(0, 0), (0, 9)])
    part = getattr(noise_of(wider), draw)("z", [11, *shape])
    assert_equal(part, whole)
    alone = getattr(noise_of([tokens[5][tokens[5] != 0]]), draw)
    assert_equal(alone("z", [1, *shape]), whole[5:6])


def test_draws_do_not_depend_on_those_before():
    noise = noise_of(texts(3))
    first = normal(noise, 3, 2, name="a")
    normal(noise, 3, 2, name="b")
    assert_equal(normal(noise, 3, 2, name="a"), first)


def test_a_graph_of_unknown_sizes_draws_the_same():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def draw(tokens):
        noise = TextNoise.of(tokens, [1, 2]).of_samples(0, 2)
        return noise.normal("z", [2 * tf.shape(tokens)[0], 3])

    tokens = texts(5)
    expected = noise_of(tokens).of_samples(0, 2).normal("z", [10, 3])
    assert_equal(draw(tf.constant(tokens, tf.int32)), expected)


def test_nothing_is_drawn_for_no_texts():
    assert normal(noise_of(np.zeros([0, 4])), 0, 3).shape == (0, 3)


def test_numbers_are_kept():
    """They are those of NumPy's uint64, on every machine and for ever."""
    mask = 2**64 - 1

    def hashed(key, counter):
        value = (key + (counter + 1) * 0x9E3779B97F4A7C15) & mask
        for shift, factor in [
            (30, 0xBF58476D1CE4E5B9),
            (27, 0x94D049BB133111EB),
        ]:
            value = ((value ^ value >> shift) * factor) & mask
        return value ^ value >> 31

    # The generator of Steele et al. 2014: its first two numbers of seed 0.
    assert hashed(0, 0) == 0xE220A8397B1DCDAF
    assert hashed(0, 1) == 0x6E789E6AA1B965F4
    seed = hashed(hashed(0, 1), 2)
    total = sum(
        hashed(hashed(seed, place), token) for place, token in enumerate(TEXT)
    )
    key = hashed(total & mask, seed)
    tag = 0x62D277AF & 0x7FFFFFFF  # CRC-32 of "z"
    bits = [hashed(hashed(hashed(key, 6), tag), i) for i in range(3)]
    expected = [((each >> 41) + 0.5) / 2**23 for each in bits]
    found = noise_of([TEXT]).of_samples(6, 1).uniform("z", [1, 3])
    assert_equal(found, np.float32([expected]))


# -- Copies and samples --------------------------------------------------------


def test_blocks_are_parts_of_one_series():
    noise, tokens = noise_of(texts(3)), 3
    whole = normal(noise.of_samples(0, 10), 10 * tokens, 2)
    whole = whole.reshape(tokens, 10, 2)
    for first, count in [(0, 5), (5, 5), (9, 1), (0, 1)]:
        block = noise.of_samples(tf.constant(first), tf.constant(count))
        values = normal(block, count * tokens, 2).reshape(tokens, count, 2)
        assert_equal(values, whole[:, first : first + count])


def test_copies_are_the_first_samples():
    noise = noise_of(texts(3))
    assert_equal(
        normal(noise.of_copies(4), 12), normal(noise.of_samples(0, 4), 12)
    )
    assert_equal(normal(noise.of_copies(1), 3), normal(noise, 3))


def test_copies_of_samples_are_all_different():
    """Copy c of sample n is number n * copies + c."""
    noise = noise_of(texts(3))
    values = normal(noise.of_samples(0, 5).of_copies(2), 30).reshape(3, 10)
    assert len(np.unique(values)) == 30
    assert_equal(values, normal(noise.of_samples(0, 10), 30).reshape(3, 10))
