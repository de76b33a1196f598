"""Beta distribution near 0 and 1: in logarithms, or inside of (0, 1)."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.distributions.beta import InteriorBeta, LogBeta

tfd = tfp.distributions

# The ends of what float32 holds inside of (0, 1).
LEAST, LARGEST = np.finfo(np.float32).tiny, np.float32(1 - 2.0**-24)
GRID = np.array([1e-3, 0.05, 0.5, 1.0, 30.0, 1e3])


def test_where_a_sample_would_be_0_or_1():
    alpha, beta = [100.0, 1e-3], [1e-3, 100.0]
    plain = tfd.Beta(alpha, beta).sample(1000, seed=[0, 1]).numpy()
    assert np.any(plain == 1)
    inside = InteriorBeta(alpha, beta)
    sample = inside.sample(1000, seed=[0, 1])
    assert np.min(sample) == LEAST
    assert np.max(sample) == LARGEST
    is_inside = (plain >= LEAST) & (plain < 1)
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


# -- In logarithms -------------------------------------------------------------


def test_logarithms_of_a_logit():
    logit = np.array([-1e5, -200.0, -20.0, -1e-3, 0.0, 3.0, 20.0, 80.0, 1e5])
    gamma = LogBeta.of_logit(tf.constant(logit, tf.float32))
    np.testing.assert_allclose(
        gamma.log, -np.logaddexp(0, -logit), rtol=1e-6, atol=1e-30
    )
    np.testing.assert_allclose(
        gamma.log_complement, -np.logaddexp(0, logit), rtol=1e-6, atol=1e-30
    )
    np.testing.assert_allclose(gamma.logit, logit, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("logit", [-8.0, 0.3, 8.0])
def test_density_of_logarithms(logit):
    alpha, beta = np.meshgrid(GRID, GRID)
    gamma = LogBeta.of_logit(tf.constant(logit))
    found = InteriorBeta(*map(np.float32, (alpha, beta)))
    probability = scipy.special.expit(np.float64(np.float32(logit)))
    np.testing.assert_allclose(
        found.log_prob_of_logs(gamma),
        scipy.stats.beta(alpha, beta).logpdf(probability),
        rtol=1e-5,
        atol=1e-3,
    )


@pytest.mark.parametrize("logit", [-1e5, -100.0, 100.0, 1e5])
def test_density_where_a_number_would_be_0_or_1(logit):
    alpha, beta = np.meshgrid(GRID, GRID)
    parameters = [tf.constant(each, tf.float32) for each in (alpha, beta)]
    logit = tf.constant(logit)
    with tf.GradientTape() as tape:
        tape.watch([*parameters, logit])
        density = InteriorBeta(*parameters).log_prob_of_logs(
            LogBeta.of_logit(logit)
        )
    far = -abs(float(logit))
    power = (alpha if logit < 0 else beta) - 1
    expected = power * far - scipy.special.betaln(alpha, beta)
    np.testing.assert_allclose(density, expected, rtol=1e-5, atol=1e-3)
    for gradient in tape.gradient(density, [*parameters, logit]):
        assert np.all(np.isfinite(gradient))


def test_divergences_and_their_gradients():
    """Against float64, over all pairs of q and p."""
    alpha, beta, alpha_p, beta_p = np.meshgrid(*[GRID] * 4)
    parameters = [tf.constant(each, tf.float32) for each in (alpha, beta)]
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        divergence = tfd.kl_divergence(
            InteriorBeta(*parameters),
            InteriorBeta(*map(np.float32, (alpha_p, beta_p))),
        )
    gradients = tape.gradient(divergence, parameters)
    of_sum = alpha + beta
    changes = alpha - alpha_p, beta - beta_p, -(alpha - alpha_p + beta - beta_p)
    terms = [
        change * scipy.special.digamma(own)
        for change, own in zip(changes, (alpha, beta, of_sum), strict=True)
    ]
    terms += [
        scipy.special.betaln(alpha_p, beta_p),
        -scipy.special.betaln(alpha, beta),
    ]
    # Rounding is that of the largest of the terms, which cancel.
    largest = 1 + np.max(np.abs(terms), axis=0)
    assert np.all(np.abs(divergence - sum(terms)) < 5e-5 * largest)
    digammas = scipy.special.digamma(np.minimum(alpha, beta))
    slopes = [
        change * scipy.special.polygamma(1, own)
        for change, own in zip(changes, (alpha, beta, of_sum), strict=True)
    ]
    for gradient, slope in zip(gradients, slopes[:2], strict=True):
        largest = 1 + np.abs(slope) + np.abs(slopes[2]) + np.abs(digammas)
        error = np.abs(gradient - (slope + slopes[2]))
        assert np.all(error < 5e-5 * largest)
