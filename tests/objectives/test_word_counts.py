"""Log-likelihoods of counts against NumPy, gradients against automatic ones."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from keras_textgen.objectives.word_counts import counts_log_likelihood

# Of five words: one twice in two places, a row without words, a row of one.
PLACES = np.array([[0, 1], [0, 3], [0, 1], [2, 4]])
COUNTS = np.float32([2, 1, 3, 0.5])


@pytest.fixture
def counts():
    return tf.SparseTensor(PLACES, COUNTS, [3, 5])


def dense():
    counts = np.zeros([3, 5], np.float32)
    np.add.at(counts, tuple(PLACES.T), COUNTS)
    return counts


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_values(counts, scale):
    logits = scale * np.random.default_rng(0).normal(size=[3, 5])
    expected = np.sum(dense() * scipy.special.log_softmax(logits, 1), axis=1)

    values = counts_log_likelihood(tf.constant(logits, tf.float32), counts)

    np.testing.assert_allclose(values, expected, rtol=1e-5)
    assert values[1] == 0


def test_gradients_are_those_of_the_operations(counts):
    logits = tf.Variable(
        np.random.default_rng(1).normal(size=[3, 5]), dtype=tf.float32
    )
    upstream = tf.constant([0.5, 2.0, -3.0])

    with tf.GradientTape(persistent=True) as tape:
        values = counts_log_likelihood(logits, counts)
        expected = tf.reduce_sum(dense() * tf.nn.log_softmax(logits), axis=1)

    np.testing.assert_allclose(
        tape.gradient(values, logits, upstream),
        tape.gradient(expected, logits, upstream),
        atol=1e-6,
    )


def test_a_word_that_is_out_of_the_question():
    # Its probability underflows, its logarithm does not.
    counts = tf.SparseTensor([[0, 1]], [2.0], [1, 2])
    value = counts_log_likelihood(tf.constant([[0.0, -200.0]]), counts)
    assert value.numpy() == [-400.0]
