"""Beta distribution with samples inside of (0, 1)."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.distributions.beta import InteriorBeta, move_inside

tfd = tfp.distributions


def test_where_a_sample_would_be_0_or_1():
    alpha, beta = [100.0, 0.1], [0.1, 100.0]
    plain = tfd.Beta(alpha, beta).sample(1000, seed=[0, 1]).numpy()
    assert np.any(plain == 1)
    inside = InteriorBeta(alpha, beta)
    sample = inside.sample(1000, seed=[0, 1])
    assert np.min(sample) == np.float32(1e-6)
    assert np.max(sample) == np.float32(1 - 1e-6)
    is_inside = (plain > 1e-6) & (plain < 1 - 1e-6)
    np.testing.assert_array_equal(sample[is_inside], plain[is_inside])
    assert np.all(np.isfinite(inside.log_prob(sample)))


def test_the_rest_is_that_of_a_beta_distribution():
    alpha, beta = np.array([0.5, 4.0]), np.array([2.0, 1.0])
    inside = InteriorBeta(*map(tf.constant, (alpha, beta)))
    assert inside.batch_shape == [2]
    reference = scipy.stats.beta(alpha, beta)
    np.testing.assert_allclose(inside.mean(), reference.mean())
    np.testing.assert_allclose(
        inside.prob([0.3, 0.9]), reference.pdf([0.3, 0.9])
    )
    sample = inside.copy().sample(2000, seed=[2, 3])
    for column in range(2):
        one = scipy.stats.beta(alpha[column], beta[column])
        assert scipy.stats.kstest(sample[:, column], one.cdf).pvalue > 0.01


@pytest.mark.parametrize("concentration", [0.5, 100.0])
def test_gradients_of_samples_are_finite(concentration):
    """At the ends of the range that the models keep concentrations in."""
    parameters = tf.constant([0.5, 1.0, 100.0]), tf.constant(concentration)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        sample = InteriorBeta(*parameters).sample(2000, seed=[0, 1])
        value = tf.reduce_sum(tf.math.log(sample) - tf.math.log1p(-sample))
    for gradient in tape.gradient(value, parameters):
        assert np.all(np.isfinite(gradient))
        assert np.all(gradient != 0)


def test_no_gradient_where_a_value_was_moved():
    values = tf.constant([0.0, 0.5, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        moved = move_inside(values)
    assert tape.gradient(moved, values).numpy().tolist() == [0, 1, 0]
