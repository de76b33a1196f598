"""The direction head against its formula."""

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.layers.von_mises_fisher import DirectionHead

FEATURES = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, 0.3]])
KERNEL = np.array([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]])
BIAS = np.array([1.0, -1.0])


def head_with_known_weights(**kwargs):
    head = DirectionHead(latent_dim=2, **kwargs)
    head.build((None, 3))
    head.direction.kernel.assign(KERNEL)
    head.direction.bias.assign(BIAS)
    return head


def test_unit_vectors():
    linear = FEATURES @ KERNEL + BIAS
    expected = linear / np.linalg.norm(linear, axis=1, keepdims=True)
    head = head_with_known_weights()
    for axes in ([2], [1, 2], [2, 1]):
        shaped = tf.constant(FEATURES.reshape([*axes, 3]), tf.float32)
        np.testing.assert_allclose(
            head(shaped), expected.reshape([*axes, 2]), atol=1e-6
        )


def test_zero_has_no_direction_but_a_finite_gradient():
    head = DirectionHead(latent_dim=2)
    features = tf.zeros([1, 3])
    with tf.GradientTape() as tape:
        direction = head(features)
        total = tf.reduce_sum(direction)
    assert direction.numpy().tolist() == [[0.0, 0.0]]
    for gradient in tape.gradient(total, head.trainable_weights):
        assert np.isfinite(gradient).all()


def test_stays_in_float32_under_half_precision():
    policy = keras.DTypePolicy("mixed_float16")
    direction = head_with_known_weights(dtype=policy)(
        tf.constant(FEATURES, tf.float16)
    )
    assert direction.dtype == tf.float32
    np.testing.assert_allclose(tf.norm(direction, axis=1), 1, rtol=1e-6)
