"""Beta variables in logarithms, over concentrations from 1e-3 to 1e3."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_textgen.noise import Noise, TextNoise

COUNT = 20_000
GRID = np.array([1e-3, 0.05, 0.5, 1.0, 30.0, 1e3])
ALPHA, BETA = np.meshgrid(GRID, GRID, indexing="ij")


def noise_of_rows(count):
    del count
    return Noise(tf.constant([1, 2]))


def noise_of_texts(count):
    return TextNoise.of(tf.constant([[2, 5, 3]]), [1, 2]).of_samples(0, count)


each_noise = pytest.mark.parametrize(
    "noise_of", [noise_of_rows, noise_of_texts], ids=["rows", "texts"]
)


def filled(values, count):
    values = np.broadcast_to(values, (count, *np.shape(values)))
    return tf.constant(values, tf.float32)


def assert_mean(values, expected, variance=None):
    """Within four standard errors, over the leading axis."""
    values = np.float64(values)
    assert np.all(np.isfinite(values))
    if variance is None:
        variance = np.var(values, axis=0)
    errors = np.sqrt(variance / len(values))
    np.testing.assert_array_less(
        np.abs(np.mean(values, axis=0) - expected), 4 * errors
    )


@each_noise
def test_means_of_the_logarithms_and_their_gradients(noise_of):
    """digamma and trigamma; the gradients of the mean are draws' mean ones."""
    alpha, beta = filled(ALPHA, COUNT), filled(BETA, COUNT)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([alpha, beta])
        gamma = noise_of(COUNT).beta("gamma", alpha, beta)
    digamma = scipy.special.digamma([ALPHA, BETA, ALPHA + BETA])
    trigamma = scipy.special.polygamma(1, [ALPHA, BETA, ALPHA + BETA])
    for which, value in enumerate(gamma):
        assert_mean(
            value,
            digamma[which] - digamma[2],
            variance=trigamma[which] - trigamma[2],
        )
        gradients = tape.gradient(value, [alpha, beta])
        assert_mean(gradients[which], trigamma[which] - trigamma[2])
        assert_mean(gradients[1 - which], -trigamma[2])


# Of the larger concentrations' draws none is near 0 or 1; of the smaller ones'
# many are too near for float64, too, and left out.
@each_noise
@pytest.mark.parametrize(
    ("alpha", "beta"),
    [
        (1e-3, 1e-3),
        (1e-3, 1e3),
        (0.01, 2.0),
        (0.05, 0.05),
        (0.5, 0.5),
        (1.0, 1.0),
        (2.0, 30.0),
        (1e3, 0.05),
        (1e3, 1e3),
    ],
)
def test_distribution(noise_of, alpha, beta):
    count = 100_000
    gamma = noise_of(count).beta(
        "gamma", filled(alpha, count), filled(beta, count)
    )
    log, log_complement = map(np.float64, gamma)
    is_low = log < np.log(0.5)
    quantile = np.where(
        is_low,
        scipy.special.betainc(alpha, beta, np.exp(log)),
        1 - scipy.special.betainc(beta, alpha, np.exp(log_complement)),
    )
    # In the order of gamma, which has a gap of float64 at either end.
    order = np.lexsort((-log_complement, log))
    quantile = quantile[order]
    is_held = (np.minimum(log, log_complement) > -700)[order]
    assert np.mean(is_held) > 0.3
    above = np.arange(1, count + 1) / count - quantile
    distance = max(np.max(above[is_held]), np.max(1 / count - above[is_held]))
    assert scipy.stats.kstwo.sf(distance, count) > 1e-3


@each_noise
def test_neither_half_is_rounded_away(noise_of):
    """gamma and its complement are one where the other is at its smallest."""
    count = 1000
    gamma = noise_of(count).beta(
        "gamma", filled([1e-3, 1e3], count), filled([1e3, 1e-3], count)
    )
    small = gamma.log[:, 0], gamma.log_complement[:, 1]
    large = gamma.log_complement[:, 0], gamma.log[:, 1]
    for far, near in zip(small, large, strict=True):
        assert np.min(far) < -1000
        assert np.all(np.abs(near) <= 0.02)
        total = np.exp(np.float64(far)) + np.exp(np.float64(near))
        np.testing.assert_allclose(total, 1, rtol=1e-6)
    np.testing.assert_allclose(
        gamma.logit, gamma.log - gamma.log_complement, rtol=1e-6
    )


def test_rows_are_those_of_the_whole_batch():
    alpha, beta = filled(GRID, 7), filled(GRID[::-1], 7)
    whole = noise_of_rows(7).beta("gamma", alpha, beta)
    part = Noise(tf.constant([1, 2]), first_row=tf.constant(3)).beta(
        "gamma", alpha[:4], beta[:4]
    )
    np.testing.assert_allclose(part.log, whole.log[3:], rtol=1e-6)


def test_names_are_independent():
    ones = tf.ones([COUNT])
    draws = [
        noise_of_texts(COUNT).beta(name, ones, ones).log
        for name in ("gamma", "delta")
    ]
    correlation = np.corrcoef(draws)[0, 1]
    assert abs(correlation) < 4 / np.sqrt(COUNT)
