"""Batch normalization against NumPy, and what moves when."""

import numpy as np
import tensorflow as tf

from keras_textgen.layers.batch_normalization import GlobalBatchNormalization

VALUES = np.array([[1.0, -2.0], [4.0, 0.5], [2.5, 3.0], [70.0, -9.0]])
COUNTED = np.array([1.0, 1.0, 1.0, 0.0])


def made():
    layer = GlobalBatchNormalization(momentum=0.75)
    layer.build((None, 2))
    layer.offset.assign([0.25, -1.0])
    return layer


def answer(layer, values=VALUES, training=False):
    values = tf.constant(values, tf.float32)
    counted = tf.constant(COUNTED[: len(values)], tf.float32)
    return layer(values, counted, training=training).numpy()


def test_training_is_by_the_moments_of_the_counted_rows():
    layer = made()
    mean, variance = VALUES[:3].mean(axis=0), VALUES[:3].var(axis=0)
    expected = (VALUES - mean) / np.sqrt(variance + 1e-3) + [0.25, -1.0]
    np.testing.assert_allclose(answer(layer, training=True), expected, 1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.25 * mean, 1e-6)
    moved = 0.75 + 0.25 * variance
    np.testing.assert_allclose(layer.moving_variance, moved, 1e-6)


def test_otherwise_a_row_depends_on_no_other():
    layer = made()
    answer(layer, training=True)
    before = layer.get_weights()
    whole = answer(layer)
    mean, variance = before[1], before[2]
    expected = (VALUES - mean) / np.sqrt(variance + 1e-3) + [0.25, -1.0]
    np.testing.assert_allclose(whole, expected, 1e-5)
    np.testing.assert_array_equal(answer(layer, VALUES[:1]), whole[:1])
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_no_row_that_counts():
    layer = made()
    values, counted = tf.ones([2, 2]), tf.zeros([2])
    assert np.isfinite(layer(values, counted, training=True)).all()


def test_gradients_are_those_of_the_operations():
    draw = np.random.default_rng(0)
    values = tf.Variable(draw.normal(2, 3, [4, 2]), dtype=tf.float32)
    counted = tf.constant([1.0, 0.0, 1.0, 1.0])
    upstream = tf.constant(draw.normal(size=[4, 2]), tf.float32)
    layer = GlobalBatchNormalization()
    layer.build((None, 2))

    with tf.GradientTape(persistent=True) as tape:
        normalized = layer(values, counted, training=True)
        mean, variance = tf.nn.moments(tf.boolean_mask(values, counted > 0), 0)
        expected = (values - mean) / tf.sqrt(variance + 1e-3)

    np.testing.assert_allclose(normalized, expected, atol=1e-6)
    np.testing.assert_allclose(
        tape.gradient(normalized, values, upstream),
        tape.gradient(expected, values, upstream),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        tape.gradient(normalized, layer.offset.value, upstream),
        np.sum(upstream, axis=0),
        rtol=1e-6,
    )
