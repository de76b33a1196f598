"""Greedy decoding and sampling with a table of logits as the model."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.decoding.drawing import draw_tokens, filter_logits
from keras_textgen.decoding.sampling import greedy, sample
from keras_textgen.tokens import END_ID, PAD_ID, START_ID, UNKNOWN_ID

VOCABULARY = 8
SEED = (3, 4)


def table_step(table):
    """Logits of the next token are the row of the last one."""

    def step(tokens, state):
        return tf.gather(table, tokens), state + 1

    return step


def first_state(rows):
    return tf.zeros([rows, 1])


@pytest.fixture
def table() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.standard_normal([VOCABULARY, VOCABULARY]).astype(np.float32)


def constant_table(probs) -> np.ndarray:
    """The same distribution whatever came before."""
    with np.errstate(divide="ignore"):
        logits = np.log(np.array(probs, np.float32))
    return np.tile(logits, [len(probs), 1])


def frequencies(**kwargs) -> np.ndarray:
    """Frequencies of the first token among 20,000 draws."""
    probs = [0.05, 0.1, 0.05, 0.1, 0.2, 0.4, 0.06, 0.04]
    tokens = sample(
        table_step(constant_table(probs)),
        first_state(20_000),
        seed=SEED,
        max_length=1,
        **kwargs,
    )
    return np.bincount(tokens[:, 1], minlength=len(probs)) / 20_000


def normalized(weights) -> np.ndarray:
    return np.array(weights) / np.sum(weights)


def test_greedy_follows_the_argmax(table):
    tokens = greedy(table_step(table), first_state(1), max_length=6)
    allowed = table.copy()
    allowed[:, [PAD_ID, START_ID]] = -np.inf
    expected = [START_ID]
    for _ in range(6):
        if expected[-1] in (END_ID, PAD_ID):
            expected.append(PAD_ID)
        else:
            expected.append(int(np.argmax(allowed[expected[-1]])))
    assert tokens.dtype == tf.int32
    assert tokens.numpy().tolist() == [expected]


def test_ties_go_to_the_lower_id():
    step = table_step(np.zeros([VOCABULARY, VOCABULARY], np.float32))
    tokens = greedy(step, first_state(1), max_length=2)
    assert tokens.numpy().tolist() == [[START_ID, UNKNOWN_ID, UNKNOWN_ID]]


def test_padding_follows_the_end_and_other_rows_go_on():
    def step(tokens, state):  # Row i ends at step i.
        logits = tf.one_hot(tf.fill(tf.shape(tokens), 4), VOCABULARY)
        ends = 9.0 * tf.cast(state["left"] == 0, tf.float32)[:, tf.newaxis]
        logits += ends * tf.one_hot(END_ID, VOCABULARY)
        return logits, {"left": state["left"] - 1}

    tokens = greedy(step, {"left": tf.range(3)}, max_length=5)
    assert tokens.numpy().tolist() == [
        [START_ID, END_ID, PAD_ID, PAD_ID, PAD_ID, PAD_ID],
        [START_ID, 4, END_ID, PAD_ID, PAD_ID, PAD_ID],
        [START_ID, 4, 4, END_ID, PAD_ID, PAD_ID],
    ]


def test_stops_when_every_row_has_ended():
    calls = []

    def step(tokens, state):
        calls.append(tokens)
        return tf.one_hot([END_ID, END_ID], VOCABULARY), state

    greedy(step, first_state(2), max_length=50)
    assert len(calls) == 1


def test_padding_start_and_banned_ids_are_never_generated():
    step = table_step(constant_table([0.3, 0.2, 0.3, 0.001, 0.1, 0.099]))
    tokens = sample(
        step,
        first_state(500),
        seed=SEED,
        max_length=4,
        banned_ids=[UNKNOWN_ID, END_ID],
    )
    assert set(np.unique(tokens[:, 1:])) == {4, 5}


def test_sample_has_the_frequencies_of_the_model():
    expected = normalized([0, 0.1, 0, 0.1, 0.2, 0.4, 0.06, 0.04])
    np.testing.assert_allclose(frequencies(), expected, atol=0.015)


def test_temperature_is_a_power_of_the_probabilities():
    expected = normalized([0, 0.01, 0, 0.01, 0.04, 0.16, 0.0036, 0.0016])
    drawn = frequencies(temperature=0.5)
    np.testing.assert_allclose(drawn, expected, atol=0.015)


def test_top_k_keeps_the_likeliest_and_renormalizes():
    expected = normalized([0, 0, 0, 0, 0.2, 0.4, 0, 0])
    np.testing.assert_allclose(frequencies(top_k=2), expected, atol=0.015)


def test_nucleus_counts_only_what_may_be_generated():
    # Of the allowed 0.9, the three likeliest hold 0.7 / 0.9 = 0.78.
    expected = normalized([0, 0.1, 0, 0, 0.2, 0.4, 0, 0])
    np.testing.assert_allclose(frequencies(top_p=0.75), expected, atol=0.015)


def test_nucleus_is_taken_of_what_top_k_left():
    # Of the two that top-k leaves, the likeliest holds two thirds.
    drawn = frequencies(top_k=2, top_p=0.6)
    np.testing.assert_array_equal(drawn, np.eye(VOCABULARY)[5])


def test_top_k_of_one_is_greedy(table):
    expected = greedy(table_step(table), first_state(2), max_length=6)
    tokens = sample(
        table_step(table), first_state(2), seed=SEED, max_length=6, top_k=1
    )
    np.testing.assert_array_equal(tokens, expected)


def test_same_seed_same_tokens_other_seed_others(table):
    def draw(seed):
        state = first_state(20)
        return sample(table_step(table), state, seed=seed, max_length=5).numpy()

    np.testing.assert_array_equal(draw([1, 2]), draw(tf.constant([1, 2])))
    assert (draw([1, 2]) != draw([1, 3])).any()


def test_texts_that_have_ended_leave_the_batch():
    sizes = []

    def step(tokens, state):  # Text i ends at step i.
        sizes.append(len(tokens))
        ends = tf.cast(state["left"] == 0, tf.float32)[:, tf.newaxis]
        logits = tf.one_hot(tf.fill(tf.shape(tokens), 4), VOCABULARY)
        logits += 9.0 * ends * tf.one_hot(END_ID, VOCABULARY)
        return logits, {"left": state["left"] - 1, "code": state["code"]}

    codes = tf.random.stateless_normal([8, 3], SEED)
    tokens = greedy(step, {"left": tf.range(8), "code": codes}, max_length=9)
    # One of eight is less than a quarter of them, one of four is not.
    assert sizes == [8, 8, 6, 6, 4, 3, 2, 1]
    lengths = np.sum(tokens != PAD_ID, axis=1)
    np.testing.assert_array_equal(lengths, 2 + np.arange(8))


def test_a_text_depends_on_no_other_and_on_no_thread():
    # TensorFlow's own sampler gives other numbers where threads divide rows.
    table = np.random.default_rng(5).standard_normal([3000, 3000])
    table[:, END_ID] += 6.0
    step = table_step(table.astype(np.float32))
    many = sample(step, first_state(2000), seed=SEED, max_length=20).numpy()
    few = sample(step, first_state(3), seed=SEED, max_length=20).numpy()
    np.testing.assert_array_equal(many[:3], few)
    # Row n takes number n of each step's, by the inverse in float64.
    logits = table.astype(np.float32).astype(np.float64)[START_ID]
    logits[[PAD_ID, START_ID]] = -np.inf
    cumulative = np.cumsum(np.exp(logits - logits.max()))
    uniform = tf.random.stateless_uniform(
        [2000], tf.random.fold_in(SEED, 0), dtype=tf.float64
    )
    expected = np.searchsorted(
        cumulative, uniform * cumulative[-1], side="right"
    )
    assert np.mean(many[:, 1] == expected) >= 0.999


@pytest.mark.parametrize("temperature", [1e39, tf.constant(1e300, tf.float64)])
def test_a_temperature_beyond_float32_draws_evenly(table, temperature):
    drawn = sample(
        table_step(1e30 * table),
        first_state(20_000),
        seed=SEED,
        max_length=1,
        temperature=temperature,
    ).numpy()[:, 1]
    shares = np.bincount(drawn, minlength=VOCABULARY) / len(drawn)
    expected = np.full(VOCABULARY, 1 / (VOCABULARY - 2))
    expected[[PAD_ID, START_ID]] = 0
    np.testing.assert_allclose(shares, expected, atol=0.02)


@pytest.mark.parametrize("size", [1, 127, 128, 129, 700])
def test_draws_against_the_inverse_in_float64(size):
    rng = np.random.default_rng(size)
    logits = rng.standard_normal([500, size]).astype(np.float32) * 3
    logits[:, 1::3] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    uniform = rng.uniform(size=500)
    mass = np.exp(logits.astype(np.float64))
    cumulative = np.cumsum(mass, axis=1)
    target = uniform * cumulative[:, -1]
    expected = np.sum(cumulative <= target[:, np.newaxis], axis=1)
    drawn = draw_tokens(tf.constant(logits), tf.constant(uniform))
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1 - 2.0**-53])
@pytest.mark.parametrize("spread", [0.0, 1.0, 80.0])
def test_what_cannot_occur_is_never_drawn(uniform, spread):
    rng = np.random.default_rng(3)
    logits = spread * rng.standard_normal([64, 300]).astype(np.float32)
    kept = rng.uniform(size=logits.shape) < 0.02
    kept[np.arange(64), rng.integers(300, size=64)] = True
    logits[~kept] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    drawn = draw_tokens(
        tf.constant(logits), tf.fill([64], tf.constant(uniform, tf.float64))
    )
    assert np.isfinite(logits[np.arange(64), drawn.numpy()]).all()


def test_a_longer_limit_leaves_earlier_tokens_as_they_are(table):
    def draw(max_length):
        return sample(
            table_step(table), first_state(9), seed=SEED, max_length=max_length
        ).numpy()

    np.testing.assert_array_equal(draw(8)[:, :5], draw(4))


def test_graph_with_tensor_arguments_equals_eager(table):
    scalar = tf.TensorSpec([])
    whole = tf.TensorSpec([], tf.int32)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 1]),
            whole,
            scalar,
            whole,
            scalar,
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def draw(state, max_length, temperature, top_k, top_p, banned_ids):
        return sample(
            table_step(table),
            state,
            seed=SEED,
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            banned_ids=banned_ids,
        )

    for top_k, top_p, banned in [(0, 1.0, []), (3, 0.9, [4]), (0, 0.5, [4, 5])]:
        expected = sample(
            table_step(table),
            first_state(7),
            seed=SEED,
            max_length=5,
            temperature=0.7,
            top_k=top_k,
            top_p=top_p,
            banned_ids=banned,
        )
        banned = tf.constant(banned, tf.int32)
        tokens = draw(first_state(7), 5, 0.7, top_k, top_p, banned)
        np.testing.assert_array_equal(tokens, expected)


def test_saved_model_equals_eager(table, tmp_path):
    class Decoder(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 1])])
        def generate(self, state):
            return greedy(table_step(table), state, max_length=6)

    tf.saved_model.save(Decoder(), str(tmp_path))
    tokens = tf.saved_model.load(str(tmp_path)).generate(first_state(4))
    expected = greedy(table_step(table), first_state(4), max_length=6)
    np.testing.assert_array_equal(tokens, expected)


def test_state_whose_shape_is_lost_in_the_step(table):
    @tf.function
    def decode():
        def step(tokens, state):
            logits, state = table_step(table)(tokens, state)
            return logits, tf.boolean_mask(state, tf.fill([2], True))

        return greedy(step, tf.zeros([2, 1]), max_length=3)

    assert decode().shape == (2, 4)


def kept(logits, **kwargs):
    filtered = filter_logits(tf.constant(logits), **kwargs)
    return np.isfinite(filtered).tolist()


def test_equal_logits_are_ranked_by_id():
    logits = [[0.0, 1.0, 1.0, 1.0]]
    assert kept(logits, top_k=2) == [[False, True, True, False]]


def test_top_k_beyond_the_vocabulary_keeps_all():
    assert kept([[0.0, 1.0, 2.0]], top_k=9) == [[True, True, True]]


def test_filters_keep_the_likeliest_token_at_least():
    assert kept([[0.0, 1.0, 2.0]], top_p=1e-9) == [[False, False, True]]


def test_no_nucleus_keeps_the_faintest_token():
    # Float32 probabilities of these sum to 1 before the last one.
    logits = [[0.0] + [-40.0] * 5]
    assert kept(logits, top_k=6) == [[True] * 6]


@pytest.mark.parametrize("top_k", [0, 3])
@pytest.mark.parametrize("top_p", [0.3, 0.8, 1.0])
def test_filters_against_numpy(top_k, top_p):
    rng = np.random.default_rng(2)
    logits = rng.standard_normal([5, VOCABULARY]).astype(np.float32)
    expected = np.zeros_like(logits, bool)
    for row, keep in zip(logits, expected, strict=True):
        order = np.argsort(-row)[: top_k or VOCABULARY]
        probs = normalized(np.exp(row[order]))
        size = 1 + np.sum(np.cumsum(probs)[:-1] < top_p)
        keep[order[:size]] = True
    assert kept(logits, top_k=top_k, top_p=top_p) == expected.tolist()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"max_length": 0}, "max_length=0; allowed: whole numbers, 1 to 2"),
        ({"max_length": 1.5}, "max_length=1.5; allowed: whole numbers"),
        ({"temperature": 0.0}, "temperature=0.0; allowed: .* above 0"),
        ({"temperature": float("nan")}, "temperature=nan; allowed"),
        (
            {"temperature": float("inf")},
            "temperature=inf; allowed: numbers",
        ),
        ({"top_k": -1}, "top_k=-1; allowed: whole numbers, 0 to 2"),
        ({"top_p": 0.0}, "top_p=0.0; allowed: numbers above 0, at most 1"),
        ({"top_p": 1.5}, "top_p=1.5; allowed: numbers above 0, at most 1"),
        ({"top_p": tf.constant(2.0)}, "top_p=2.0; allowed"),
        ({"max_length": None}, "max_length=None; allowed: whole numbers"),
        ({"max_length": "3"}, "max_length='3'; allowed: whole numbers"),
        ({"max_length": np.array([3])}, "max_length=.3.; allowed: whole"),
        ({"temperature": None}, "temperature=None; allowed: numbers above 0"),
        ({"top_k": None}, "top_k=None; allowed: whole numbers, 0 to 2"),
        ({"top_p": None}, "top_p=None; allowed: numbers above 0, at most 1"),
    ],
)
def test_arguments_out_of_range(table, argument, message):
    arguments = {"seed": SEED, "max_length": 3, **argument}
    with pytest.raises(ValueError, match=message):
        sample(table_step(table), first_state(1), **arguments)


@pytest.mark.parametrize(
    ("argument", "allowed"),
    [
        ({"max_length": 0}, "whole numbers, 1 to 2147483647"),
        ({"temperature": 0.0}, "numbers above 0"),
        ({"temperature": -1.0}, "numbers above 0"),
        ({"temperature": float("nan")}, "numbers above 0"),
        ({"temperature": float("inf")}, "numbers above 0"),
        ({"top_k": -1}, "whole numbers, 0 to 2147483647"),
        ({"top_p": 0.0}, "numbers above 0, at most 1"),
        ({"top_p": 1.5}, "numbers above 0, at most 1"),
        ({"top_p": float("nan")}, "numbers above 0, at most 1"),
    ],
)
def test_arguments_out_of_range_in_a_graph(table, argument, allowed):
    """As of a served function, whose arguments are known when it runs."""

    @tf.function(autograph=False)
    def draw(rows, arguments):
        return sample(
            table_step(table),
            first_state(rows),
            **{"seed": SEED, "max_length": 3, **arguments},
        )

    (name,) = argument
    message = f"{name} out of its range; allowed: {allowed}"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        draw(tf.constant(1), {name: tf.constant(argument[name])})
