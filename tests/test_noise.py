"""Noise: a function of seed, name and row of the global batch."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.noise import Noise, NoNoise
from keras_textgen.replicas import GlobalRows
from keras_textgen.training.strategies import get_strategy

COUNT = 4000
# A correlation of so many independent draws has this standard deviation.
ERROR = 1 / np.sqrt(COUNT)


def seed(*numbers):
    return tf.constant(numbers, tf.int32)


def draw(noise, kind="normal", name="z", shape=(COUNT,)):
    return getattr(noise, kind)(name, list(shape)).numpy()


KINDS = [("normal", False), ("normal", True), ("uniform", False)]


@pytest.mark.parametrize(("kind", "truncated"), KINDS)
@pytest.mark.parametrize("width", [(), (1,), (3,), (5, 2)])
def test_rows_do_not_depend_on_where_the_batch_is_cut(kind, truncated, width):
    whole = draw(Noise(seed(1, 2), 0, truncated), kind, "z", (11, *width))
    for first, rows in [(0, 1), (0, 4), (3, 5), (4, 7), (10, 1)]:
        part = Noise(seed(1, 2), tf.constant(first), truncated)
        values = draw(part, kind, "z", (rows, *width))
        np.testing.assert_array_equal(values, whole[first : first + rows])


def test_rows_do_not_depend_on_the_size_of_a_large_batch():
    """Large arrays are filled by several threads."""
    for truncated in (False, True):
        noise = Noise(seed(1, 2), 0, truncated)
        large = draw(noise, shape=(50_000, 3))
        small = draw(noise, shape=(777, 3))
        np.testing.assert_array_equal(large[:777], small)


def test_repeats_itself():
    np.testing.assert_array_equal(
        draw(Noise(seed(1, 2))), draw(Noise(seed(1, 2)))
    )


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize(
    ("other", "name"),
    [
        (seed(1, 2), "words"),
        (seed(1, 3), "z"),
        (seed(2, 2), "z"),
        (seed(2, 1), "z"),
    ],
    ids=["name", "second number", "first number", "swapped"],
)
def test_other_names_and_seeds_are_independent(truncated, other, name):
    one = draw(Noise(seed(1, 2), 0, truncated))
    two = draw(Noise(other, 0, truncated), name=name)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 * ERROR
    # Nor is one the other, moved on.
    assert not np.intersect1d(one[:100], two).size


def test_names_of_a_model_are_independent():
    noise = Noise(seed(0, 0))
    names = ["z", "words", "top", "inputs", "outputs", "angle"]
    names += [
        f"{which}{i}" for which in ("inferred", "generated") for i in "012"
    ]
    correlations = np.corrcoef([draw(noise, name=name) for name in names])
    off_diagonal = correlations[~np.eye(len(names), dtype=bool)]
    assert np.max(np.abs(off_diagonal)) < 4.5 * ERROR


def test_rows_and_columns_are_independent():
    values = draw(Noise(seed(5, 6)), shape=(COUNT + 1, 2))
    assert abs(np.corrcoef(values[:-1].T)[0, 1]) < 4 * ERROR
    assert abs(np.corrcoef(values[:-1, 0], values[1:, 0])[0, 1]) < 4 * ERROR


def test_moments_of_the_normal():
    values = draw(Noise(seed(7, 8)), shape=(20_000,))
    assert np.mean(values) == pytest.approx(0, abs=0.03)
    assert np.var(values) == pytest.approx(1, abs=0.05)
    assert np.mean(values**4) == pytest.approx(3, abs=0.3)
    assert np.max(np.abs(values)) > 3


def test_moments_of_the_truncated_normal():
    values = draw(Noise(seed(7, 8), truncated=True), shape=(20_000,))
    assert np.max(np.abs(values)) <= 2
    assert np.max(np.abs(values)) > 1.99
    assert np.mean(values) == pytest.approx(0, abs=0.03)
    # 1 - 4 phi(2) / (Phi(2) - Phi(-2))
    assert np.var(values) == pytest.approx(0.7737, abs=0.02)


def test_moments_of_the_uniform():
    values = draw(Noise(seed(7, 8)), "uniform", shape=(20_000,))
    assert np.min(values) >= 0
    assert np.max(values) < 1
    assert np.mean(values) == pytest.approx(1 / 2, abs=0.01)
    assert np.var(values) == pytest.approx(1 / 12, abs=0.005)


def test_no_noise_is_zero():
    for noise in (NoNoise(), NoNoise().of_copies(3)):
        assert noise.normal("z", [2, 3]).numpy().tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("copies", [1, 3])
def test_copies_of_rows_do_not_depend_on_where_the_batch_is_cut(copies):
    """The copies of a row stand together, each with noise of its own."""
    truncated = Noise(seed(1, 2), 0, truncated=True).of_copies(copies)
    assert np.max(np.abs(draw(truncated))) <= 2
    whole = draw(Noise(seed(1, 2)).of_copies(copies), shape=(11 * copies, 2))
    assert len(np.unique(whole)) == whole.size
    for first, rows in [(0, 4), (3, 5), (10, 1)]:
        part = Noise(seed(1, 2), tf.constant(first)).of_copies(copies)
        values = draw(part, shape=(rows * copies, 2))
        here = slice(first * copies, (first + rows) * copies)
        np.testing.assert_array_equal(values, whole[here])


# -- Rows of the global batch --------------------------------------------------


def test_one_device_holds_all_rows():
    rows = GlobalRows.of(tf.zeros([7, 2]))
    assert (int(rows.first), int(rows.total)) == (0, 7)


def test_outside_of_a_replica_all_rows_are_local():
    strategy = get_strategy("mirrored")
    with strategy.scope():  # The cross-replica context.
        rows = GlobalRows.of(tf.zeros([3]))
    assert (int(rows.first), int(rows.total)) == (0, 3)


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("sizes", [(4, 4), (4, 3), (1, 0), (0, 5)])
def test_replicas_share_the_rows(sizes, copies):
    """The noise of two replicas, joined, is that of one."""
    strategy = get_strategy("mirrored")
    batch = strategy.experimental_distribute_values_from_function(
        lambda context: tf.zeros([sizes[context.replica_id_in_sync_group], 2])
    )

    @tf.function
    def locate_and_draw(tensor):
        rows = GlobalRows.of(tensor)
        noise = Noise(seed(1, 2), rows.first).of_copies(copies)
        return (
            rows.first,
            rows.total,
            noise.normal("z", [copies * tf.shape(tensor)[0], 2]),
        )

    first, total, values = (
        strategy.experimental_local_results(each)
        for each in strategy.run(locate_and_draw, [batch])
    )
    assert [int(each) for each in first] == [0, sizes[0]]
    assert [int(each) for each in total] == [sum(sizes)] * 2
    whole = Noise(seed(1, 2)).normal("z", [copies * sum(sizes), 2])
    np.testing.assert_array_equal(tf.concat(values, 0), whole)
