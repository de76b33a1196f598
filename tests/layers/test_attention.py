"""Attention pooling against NumPy, and what masks do to it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.attention import AttentionPooling

INPUTS = np.sin(np.arange(2 * 5 * 3) * 1.3).reshape(2, 5, 3)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], bool)


@pytest.fixture
def pooling():
    layer = AttentionPooling(units=4)
    layer.build((None, None, 3))
    for phase, weight in enumerate(layer.trainable_variables):
        size = np.prod(weight.shape)
        weight.assign(np.cos(phase + np.arange(size)).reshape(weight.shape))
    return layer


def pooled_in_numpy(layer, row):
    """Equations 5 to 7 of Yang et al. 2016 for one row [time, D]."""
    kernel, bias, context = (
        np.asarray(each, np.float64)
        for each in (layer.kernel, layer.bias, layer.context)
    )
    scores = np.exp(np.tanh(row @ kernel + bias) @ context)
    weights = scores / np.sum(scores)
    return weights @ row, weights


def call(layer, inputs, mask=None):
    mask = None if mask is None else tf.constant(mask)
    outputs = layer(tf.constant(inputs, tf.float32), mask=mask)
    return [each.numpy() for each in outputs]


def test_without_mask(pooling):
    pooled, weights = call(pooling, INPUTS)
    for row, vectors in enumerate(INPUTS):
        expected = pooled_in_numpy(pooling, vectors)
        np.testing.assert_allclose(pooled[row], expected[0], atol=1e-6)
        np.testing.assert_allclose(weights[row], expected[1], atol=1e-6)


def test_masked_steps_do_not_count(pooling):
    pooled, weights = call(pooling, INPUTS, MASK)
    for row, (vectors, kept) in enumerate(zip(INPUTS, MASK, strict=True)):
        expected = pooled_in_numpy(pooling, vectors[kept])
        np.testing.assert_allclose(pooled[row], expected[0], atol=1e-6)
        np.testing.assert_allclose(weights[row, kept], expected[1], atol=1e-6)
        assert not np.any(weights[row, ~kept])
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, atol=1e-6)


def test_what_is_masked_does_not_matter(pooling):
    changed = np.where(MASK[..., np.newaxis], INPUTS, 1e6)
    for one, other in zip(
        call(pooling, INPUTS, MASK), call(pooling, changed, MASK), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_order_of_steps_does_not_matter(pooling):
    pooled, weights = call(pooling, INPUTS)
    reverse_pooled, reverse_weights = call(pooling, INPUTS[:, ::-1])
    np.testing.assert_allclose(pooled, reverse_pooled, atol=1e-6)
    np.testing.assert_allclose(weights, reverse_weights[:, ::-1], atol=1e-6)


def test_row_without_steps_is_pooled_to_zeros(pooling):
    inputs = tf.Variable(INPUTS, dtype=tf.float32)
    mask = tf.constant([[False] * 5, [True] * 5])
    with tf.GradientTape() as tape:
        pooled, weights = pooling(inputs, mask=mask)
        total = tf.reduce_sum(pooled**2)
    assert not np.any(pooled[0])
    assert not np.any(weights[0])
    gradients = tape.gradient(total, [inputs, *pooling.trainable_variables])
    for gradient in gradients:
        assert np.all(np.isfinite(gradient))
        assert np.any(gradient)
    assert not np.any(gradients[0][0])


def test_large_scores_stay_finite(pooling):
    pooling.context.assign(1e4 * pooling.context)
    pooled, weights = call(pooling, INPUTS, MASK)
    assert np.all(np.isfinite(pooled))
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, atol=1e-6)


def test_weights_start_as_in_the_original():
    layer = AttentionPooling(units=200)
    layer.build((None, None, 200))
    for weight in layer.trainable_variables:
        assert np.std(weight) == pytest.approx(0.1, rel=0.2)
        assert np.mean(weight) == pytest.approx(0, abs=0.03)
    assert not np.allclose(layer.bias, layer.context)


def test_computes_in_float32_under_half_precision():
    layer = AttentionPooling(units=4, dtype=keras.DTypePolicy("mixed_float16"))
    pooled, weights = layer(tf.constant(INPUTS, tf.float16))
    assert pooled.dtype == weights.dtype == tf.float32
