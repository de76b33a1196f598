"""Free bits against the formula of the paper, differentiated by NumPy."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.objectives.free_bits import check_floors, free_bits
from keras_textgen.training.strategies import get_strategy

# Means over the rows: 1, 0.1, 2, and 3.1 in total.
KL_PARTS = np.array(
    [[0.5, 0.0, 3.0], [1.5, 0.3, 1.0], [0.0, 0.1, 2.5], [2.0, 0.0, 1.5]]
)
TOTALS = [{"total": floor} for floor in (0.5, 3.0, 3.2, 8.0)]
PARTS = [{"per_dimension": floor} for floor in (0.05, 0.5, 1.5, 5.0)]
each_floor = pytest.mark.parametrize("floors", [{}, *TOTALS, *PARTS], ids=str)


def objective(kl_parts, total=0.0, per_dimension=0.0):
    """What the paper subtracts from the log-likelihood; nats a sequence."""
    means = np.mean(kl_parts, axis=0)
    if per_dimension:
        return np.sum(np.maximum(per_dimension, means))
    return max(total, np.sum(means))


def slopes(function, inputs, step=1e-4):
    """Central differences of a function of an array."""
    result = np.zeros_like(inputs)
    for index in np.ndindex(inputs.shape):
        moved = np.zeros_like(inputs)
        moved[index] = step
        result[index] = function(inputs + moved) - function(inputs - moved)
    return result / (2 * step)


def penalty_and_gradient(kl_parts, floors):
    kl_parts = tf.convert_to_tensor(kl_parts)
    with tf.GradientTape() as tape:
        tape.watch(kl_parts)
        penalty = free_bits(kl_parts, **floors)
        total = tf.reduce_sum(penalty)
    return penalty, tape.gradient(total, kl_parts)


@each_floor
def test_mean_and_gradient(floors):
    penalty, gradient = penalty_and_gradient(
        tf.constant(KL_PARTS, tf.float32), floors
    )
    assert penalty.shape == (4,)
    assert penalty.dtype == tf.float32
    of_floors = functools.partial(objective, **floors)
    assert np.mean(penalty) == pytest.approx(of_floors(KL_PARTS), rel=1e-6)
    np.testing.assert_allclose(
        gradient / len(KL_PARTS), slopes(of_floors, KL_PARTS), atol=1e-6
    )


def test_no_floor_is_the_divergence_itself():
    np.testing.assert_allclose(
        free_bits(tf.constant(KL_PARTS)), KL_PARTS.sum(axis=1)
    )


def test_a_divergence_is_let_rise_to_the_floor():
    """Descent on reconstruction + penalty ends where the KL is the floor.

    The reconstruction asks for little: it gains 0.1 nats from each of KL.
    """
    kl = tf.Variable([[0.2], [0.6]])
    for _ in range(300):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                free_bits(kl, total=2.0) - 0.1 * tf.reduce_sum(kl, axis=1)
            )
        kl.assign_sub(0.2 * tape.gradient(loss, kl))
    assert np.mean(kl) == pytest.approx(2.0, abs=0.1)


@each_floor
@pytest.mark.parametrize("rows", [2, 1, 4], ids=["even", "uneven", "empty"])
def test_two_replicas_are_one(floors, rows):
    strategy = get_strategy("mirrored")
    parts = tf.constant(KL_PARTS, tf.float32)
    halves = [parts[:rows], parts[rows:]]
    batch = strategy.experimental_distribute_values_from_function(
        lambda context: halves[context.replica_id_in_sync_group]
    )
    run = tf.function(lambda part: penalty_and_gradient(part, floors))
    found = [
        tf.concat(strategy.experimental_local_results(each), 0)
        for each in strategy.run(run, [batch])
    ]
    for one, other in zip(
        found, penalty_and_gradient(parts, floors), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_floors_out_of_their_range():
    with pytest.raises(
        ValueError, match=r"free_bits=-1.0; allowed: numbers, 0 or"
    ):
        check_floors(-1.0, 0.0)
    with pytest.raises(ValueError, match=r"free_bits_per_dimension=nan"):
        free_bits(tf.zeros([1, 1]), per_dimension=np.nan)
    with pytest.raises(ValueError, match=r"one of them, and 0 for the other"):
        free_bits(tf.zeros([1, 1]), total=1.0, per_dimension=1.0)


@each_floor
def test_whole_weights_are_repeated_sequences(floors):
    """In the weighted sum of the penalties, and in its gradient."""
    times = np.array([3, 1, 0, 2])
    kl_parts = tf.constant(KL_PARTS, tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(kl_parts)
        weights = tf.constant(times, tf.float32)
        weighted = tf.reduce_sum(
            weights * free_bits(kl_parts, sample_weight=weights, **floors)
        )
        rows = np.repeat(np.arange(4), times)
        repeated = tf.reduce_sum(free_bits(tf.gather(kl_parts, rows), **floors))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)
    found, expected = (
        tf.convert_to_tensor(
            tape.gradient(
                each,
                kl_parts,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
        )
        for each in (weighted, repeated)
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
