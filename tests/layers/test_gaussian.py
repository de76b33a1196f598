"""The diagonal Gaussian head against its formula."""

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.layers.gaussian import GaussianHead

FEATURES = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, 0.3]])


def test_mean_and_standard_deviation():
    head = GaussianHead(latent_dim=2)
    head.build((None, 3))
    kernel = np.array([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]])
    head.loc.kernel.assign(kernel)
    head.loc.bias.assign([1.0, -1.0])
    head.log_variance.kernel.assign(-kernel)
    head.log_variance.bias.assign([0.5, 0.25])
    loc, scale = head(tf.constant(FEATURES, tf.float32))
    np.testing.assert_allclose(loc, FEATURES @ kernel + [1, -1], atol=1e-6)
    log_variance = -FEATURES @ kernel + [0.5, 0.25]
    np.testing.assert_allclose(scale**2, np.exp(log_variance), atol=1e-5)


def test_leading_axes_are_free():
    head = GaussianHead(latent_dim=2)
    features = tf.constant(FEATURES, tf.float32)
    loc, scale = head(features)
    for axes in ([1, 2], [2, 1]):
        shaped = head(tf.reshape(features, [*axes, 3]))
        np.testing.assert_allclose(
            tf.reshape(shaped[0], [2, 2]), loc, atol=1e-6
        )
        assert shaped[1].shape == (*axes, 2)
    assert scale.shape == (2, 2)


def test_stays_in_float32_under_half_precision():
    head = GaussianHead(latent_dim=2, dtype=keras.DTypePolicy("mixed_float16"))
    loc, scale = head(tf.constant(FEATURES, tf.float16))
    assert loc.dtype == scale.dtype == tf.float32
    assert all(each.dtype == "float32" for each in head.weights)
