"""Diagonal Gaussians against closed forms."""

import numpy as np
import tensorflow as tf

from keras_textgen.distributions.gaussian import (
    diagonal_normal,
    standard_normal,
)

LOC = np.array([[0.5, -1.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
SCALE = np.array([[0.5, 2.0], [1.0, 0.1], [1.0, 1.0]], np.float32)


def test_shapes():
    normal = diagonal_normal(tf.constant(LOC), tf.constant(SCALE))
    assert normal.batch_shape == [3]
    assert normal.event_shape == [2]
    assert standard_normal(4).batch_shape == []
    assert standard_normal(4).event_shape == [4]


def test_log_density():
    value = np.array([0.3, 0.7])
    normal = diagonal_normal(tf.constant(LOC), tf.constant(SCALE))
    density = np.exp(-(((value - LOC) / SCALE) ** 2) / 2)
    density /= SCALE * np.sqrt(2 * np.pi)
    np.testing.assert_allclose(
        normal.log_prob(value.astype(np.float32)),
        np.log(np.prod(density, axis=1)),
        rtol=1e-5,
    )


def test_divergence_from_the_standard_normal():
    """Kingma and Welling 2014, appendix B."""
    normal = diagonal_normal(tf.constant(LOC), tf.constant(SCALE))
    closed_form = -0.5 * np.sum(1 + np.log(SCALE**2) - LOC**2 - SCALE**2, 1)
    divergence = normal.kl_divergence(standard_normal(2))
    np.testing.assert_allclose(divergence, closed_form, rtol=1e-5, atol=1e-6)
    assert divergence[2] == 0


def test_names_tell_the_parts_of_a_joint_apart():
    assert standard_normal(2, name="z2").name == "z2"
