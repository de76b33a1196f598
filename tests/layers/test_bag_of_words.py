"""The bag-of-words likelihood against its formula, word by word."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.bag_of_words import BagOfWordsLogLikelihood
from keras_textgen.tokens import END_ID, PAD_ID, START_ID

CODE = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 0.1]])
TARGETS = np.array([[4, 5, 4, 3], [1, 3, 0, 0], [3, 0, 0, 0]])
HIDDEN = np.array([[0.3, -0.6, 0.9], [0.2, 0.7, -0.4]])
HIDDEN_BIAS = np.array([0.1, -0.2, 0.3])
KERNEL = np.sin(1.7 * np.arange(18)).reshape(3, 6)
BIAS = np.cos(np.arange(6))


def layer_with_known_weights(**kwargs):
    layer = BagOfWordsLogLikelihood(6, hidden_units=3, **kwargs)
    layer.build((None, 2))
    layer.set_weights([HIDDEN, HIDDEN_BIAS, KERNEL, BIAS])
    return layer


def log_likelihoods(code, targets):
    """One probability after the other, in float64."""
    result = []
    for row, words in zip(code, targets, strict=True):
        scores = np.exp(np.tanh(row @ HIDDEN + HIDDEN_BIAS) @ KERNEL + BIAS)
        scores[[PAD_ID, START_ID, END_ID]] = 0
        words = [word for word in words if word not in (PAD_ID, END_ID)]
        result.append(sum(np.log(scores[word] / sum(scores)) for word in words))
    return result


def test_log_likelihood():
    found = layer_with_known_weights()(
        tf.constant(CODE, tf.float32), tf.constant(TARGETS)
    )
    assert found.shape == (3,)
    np.testing.assert_allclose(found, log_likelihoods(CODE, TARGETS), rtol=1e-5)
    assert found[2] == 0  # No word, only the end.


def test_order_does_not_matter():
    layer = layer_with_known_weights()
    code = tf.constant(CODE[:1], tf.float32)
    np.testing.assert_allclose(
        layer(code, tf.constant([[4, 1, 5, 4, 3]])),
        layer(code, tf.constant([[5, 4, 4, 1, 3]])),
        rtol=1e-6,
    )


def test_probabilities_of_all_pairs_sum_to_one():
    layer = layer_with_known_weights()
    words = set(range(6)) - {PAD_ID, START_ID, END_ID}
    pairs = [[one, other, END_ID] for one in words for other in words]
    code = tf.constant(np.repeat(CODE[:1], len(pairs), 0), tf.float32)
    total = np.sum(np.exp(layer(code, tf.constant(pairs))))
    assert total == pytest.approx(1)


def test_gradient_by_the_code():
    code = tf.constant(CODE, tf.float32)
    layer = layer_with_known_weights()
    with tf.GradientTape() as tape:
        tape.watch(code)
        total = tf.reduce_sum(layer(code, tf.constant(TARGETS)))
    expected = np.zeros_like(CODE)
    for index in np.ndindex(CODE.shape):
        step = np.zeros_like(CODE)
        step[index] = 1e-5
        above = log_likelihoods(CODE + step, TARGETS)
        below = log_likelihoods(CODE - step, TARGETS)
        expected[index] = (sum(above) - sum(below)) / 2e-5
    np.testing.assert_allclose(
        tape.gradient(total, code), expected, rtol=1e-4, atol=1e-5
    )


def test_no_array_of_all_positions_and_words():
    graph = tf.function(layer_with_known_weights()).get_concrete_function(
        tf.TensorSpec([7, 2]), tf.TensorSpec([7, 50], tf.int32)
    )
    sizes = [
        output.shape.num_elements()
        for operation in graph.graph.get_operations()
        for output in operation.outputs
    ]
    assert max(sizes) == 7 * 50  # And not times the 6 of the vocabulary.


def test_stays_in_float32_under_half_precision():
    layer = layer_with_known_weights(dtype=keras.DTypePolicy("mixed_bfloat16"))
    found = layer(tf.constant(CODE, tf.bfloat16), tf.constant(TARGETS))
    assert found.dtype == tf.float32
    rounded = tf.constant(CODE, tf.bfloat16).numpy().astype(np.float64)
    np.testing.assert_allclose(
        found, log_likelihoods(rounded, TARGETS), rtol=1e-5
    )
