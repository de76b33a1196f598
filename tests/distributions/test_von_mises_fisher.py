"""von Mises-Fisher against closed forms and numerical integration."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.distributions.sphere import (
    kl_to_uniform,
    mean_resultant_length,
    sample_from_noise,
    uniform_on_sphere,
    von_mises_fisher,
)
from keras_textgen.noise import Noise

SETTINGS = [(2, 0.5), (2, 80.0), (3, 5.0), (4, 0.1), (5, 300.0), (32, 80.0)]
SETTINGS += [(32, 1.0), (100, 80.0)]
each_setting = pytest.mark.parametrize(("dimension", "kappa"), SETTINGS)


def log_area(dimension):
    """Log of the area of the unit sphere in so many dimensions."""
    half = dimension / 2
    return math.log(2) + half * math.log(math.pi) - math.lgamma(half)


class Cosine:
    """The distribution of w = mu.z, by the trapezoidal rule.

    The grid is one of angles, w = cos a: the density of the angle has no
    poles, and w itself is so fine a grid where the mass is.
    """

    def __init__(self, dimension, kappa):
        self.angle = np.linspace(0, math.pi, 200_001)
        self.w = np.cos(self.angle)
        sine = np.sin(self.angle)
        self.weight = np.exp(kappa * (self.w - 1)) * sine ** (dimension - 2)
        self.total = np.trapezoid(self.weight, self.angle)
        # The slice of the sphere at w is itself a sphere, of radius sin(a).
        self.log_normalizer = kappa + math.log(self.total)
        self.log_normalizer += log_area(dimension - 1)

    def mean(self, function):
        return np.trapezoid(function(self.w) * self.weight, self.angle) / (
            self.total
        )

    def distribution_function(self, w):
        cells = (self.weight[1:] + self.weight[:-1]) / 2
        below = np.append(0.0, np.cumsum(cells[::-1]))
        return np.interp(w, self.w[::-1], below / below[-1])


def directions(rows, dimension, seed=3):
    raw = np.random.default_rng(seed).normal(size=(rows, dimension))
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    return tf.constant(raw, tf.float32)


def noise_of(rows, dimension, seed=5):
    noise = Noise(tf.constant([seed, 1]))
    return (
        noise.uniform("angle", [rows]),
        noise.normal("tangent", [rows, dimension]),
    )


def samples(dimension, kappa, rows):
    """One direction, and so many samples around it."""
    mean = directions(1, dimension)
    return mean, sample_from_noise(mean, kappa, *noise_of(rows, dimension))


# -- The density ---------------------------------------------------------------


@each_setting
def test_log_density(dimension, kappa):
    mean, values = directions(3, dimension), directions(3, dimension, seed=4)
    posterior = von_mises_fisher(mean, kappa)
    assert posterior.batch_shape == [3]
    assert posterior.event_shape == [dimension]
    cosine = np.sum(mean.numpy().astype(float) * values.numpy(), axis=1)
    expected = kappa * cosine - Cosine(dimension, kappa).log_normalizer
    log_density = tf.function(posterior.log_prob)(values)
    np.testing.assert_allclose(log_density, expected, rtol=2e-6, atol=2e-4)
    np.testing.assert_allclose(
        posterior.log_prob(values), log_density, rtol=1e-6, atol=1e-5
    )


def test_log_density_on_the_circle():
    """The von Mises distribution: exp(kappa cos a) / (2 pi I_0(kappa))."""
    angle = np.linspace(-3, 3, 7)
    values = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    posterior = von_mises_fisher(tf.constant([1.0, 0.0]), 2.5)
    density = np.exp(2.5 * np.cos(angle)) / (2 * math.pi * np.i0(2.5))
    np.testing.assert_allclose(
        posterior.prob(tf.constant(values, tf.float32)), density, rtol=1e-5
    )


def test_log_density_in_space():
    """The Fisher distribution: kappa exp(kappa w) / (4 pi sinh(kappa))."""
    values = directions(5, 3)
    mean = tf.constant([0.0, 0.6, 0.8])
    cosine = values.numpy() @ mean.numpy()
    density = 2.5 * np.exp(2.5 * cosine) / (4 * math.pi * np.sinh(2.5))
    np.testing.assert_allclose(
        von_mises_fisher(mean, 2.5).prob(values), density, rtol=1e-5
    )


def test_gradient_of_the_log_density():
    mean, values = directions(4, 32), directions(4, 32, seed=4)
    with tf.GradientTape() as tape:
        tape.watch([mean, values])
        total = tf.reduce_sum(von_mises_fisher(mean, 80.0).log_prob(values))
    by_mean, by_values = tape.gradient(total, [mean, values])
    np.testing.assert_allclose(by_mean, 80 * values, rtol=1e-5)
    np.testing.assert_allclose(by_values, 80 * mean, rtol=1e-5)


@pytest.mark.parametrize("dimension", [2, 3, 4, 32])
def test_uniform(dimension):
    uniform = uniform_on_sphere(dimension)
    assert uniform.batch_shape == []
    assert uniform.event_shape == [dimension]
    np.testing.assert_allclose(
        uniform.log_prob(directions(3, dimension)),
        [-log_area(dimension)] * 3,
        rtol=1e-5,
    )
    drawn = uniform.sample(4, seed=tf.constant([1, 2]))
    np.testing.assert_allclose(tf.norm(drawn, axis=1), 1, rtol=1e-5)


def test_mode_and_mean():
    mean = directions(3, 32)
    posterior = von_mises_fisher(mean, 80.0)
    np.testing.assert_allclose(posterior.mode(), mean)
    expected = mean_resultant_length(32, 80.0) * mean
    np.testing.assert_allclose(posterior.mean(), expected, atol=1e-6)


def test_samples_of_the_distribution_object():
    """Evaluation draws from it where rows may depend on each other."""
    mean = directions(3, 32)
    drawn = von_mises_fisher(mean, 80.0).sample(2000, seed=tf.constant([1, 2]))
    np.testing.assert_allclose(tf.norm(drawn, axis=-1), 1, rtol=1e-5)
    cosine = tf.reduce_sum(drawn * mean, axis=-1)
    length = mean_resultant_length(32, 80.0)
    # The standard deviation of w is 0.045.
    np.testing.assert_allclose(np.mean(cosine, axis=0), length, atol=0.004)


def test_names_tell_the_parts_of_a_joint_apart():
    assert von_mises_fisher(directions(1, 2), 1.0, name="z1").name == "z1"
    assert uniform_on_sphere(2, name="z2").name == "z2"


# -- Constants -----------------------------------------------------------------


@each_setting
def test_mean_resultant_length(dimension, kappa):
    expected = Cosine(dimension, kappa).mean(lambda w: w)
    length = mean_resultant_length(dimension, kappa)
    assert length == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("dimension", [2, 4, 32])
def test_mean_resultant_length_is_a_ratio_of_bessel_functions(dimension):
    angle = np.linspace(0, math.pi, 2001)

    def bessel(order):
        values = np.exp(80 * (np.cos(angle) - 1)) * np.cos(order * angle)
        return np.trapezoid(values, angle)

    ratio = bessel(dimension // 2) / bessel(dimension // 2 - 1)
    assert mean_resultant_length(dimension, 80.0) == pytest.approx(ratio)


@each_setting
def test_divergence_by_integration(dimension, kappa):
    cosine = Cosine(dimension, kappa)
    expected = cosine.mean(
        lambda w: kappa * w - cosine.log_normalizer + log_area(dimension)
    )
    divergence = kl_to_uniform(dimension, kappa)
    assert divergence == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kappa", [0.01, 1.0, 30.0])
def test_divergence_in_space(kappa):
    expected = kappa / math.tanh(kappa) - 1 + math.log(kappa / math.sinh(kappa))
    assert kl_to_uniform(3, kappa) == pytest.approx(expected, rel=1e-6)


def test_divergence_by_sampling():
    mean, drawn = samples(32, 80.0, 20_000)
    ratio = von_mises_fisher(mean, 80.0).log_prob(drawn)
    ratio -= uniform_on_sphere(32).log_prob(drawn)
    # The standard deviation of kappa w is 3.6.
    assert np.mean(ratio) == pytest.approx(kl_to_uniform(32, 80.0), abs=0.1)


@each_setting
def test_divergence_of_the_distribution_objects(dimension, kappa):
    posterior = von_mises_fisher(directions(3, dimension), kappa)
    divergence = posterior.kl_divergence(uniform_on_sphere(dimension))
    np.testing.assert_allclose(
        divergence, [kl_to_uniform(dimension, kappa)] * 3, rtol=1e-4, atol=3e-5
    )


def test_divergence_grows_with_the_concentration_from_zero():
    divergences = [kl_to_uniform(16, 2.0**power) for power in range(-20, 14)]
    assert np.all(np.diff(divergences) > 0)
    assert divergences[0] == pytest.approx(2.0**-40 / 32, rel=1e-2)


# -- Samples -------------------------------------------------------------------


@each_setting
def test_samples_have_unit_length(dimension, kappa):
    _, drawn = samples(dimension, kappa, 1000)
    np.testing.assert_allclose(tf.norm(drawn, axis=1), 1, rtol=1e-3)


@each_setting
def test_cosine_is_the_inverse_of_its_distribution_function(dimension, kappa):
    uniform = np.arange(0.5, 1000) / 1000
    mean = directions(1, dimension)
    _, normal = noise_of(1000, dimension)
    drawn = sample_from_noise(
        mean, kappa, tf.constant(uniform, tf.float32), normal
    )
    cosine = np.sum(drawn.numpy() * mean.numpy().astype(float), axis=1)
    found = Cosine(dimension, kappa).distribution_function(cosine)
    # The larger the angle, the smaller its cosine. In float32 a cosine near 1
    # is coarse beside the spread of w where kappa is large.
    np.testing.assert_allclose(found, 1 - uniform, atol=2e-3)
    assert np.mean(found) == pytest.approx(0.5, abs=1e-4)


def test_the_ends_of_the_noise():
    ends = tf.constant([0.0, 1 - 2.0**-24])
    mean = directions(1, 32)
    drawn = sample_from_noise(mean, 80.0, ends, noise_of(2, 32)[1])
    cosine = tf.reduce_sum(drawn * mean, axis=1).numpy()
    assert np.isfinite(drawn).all()
    found = Cosine(32, 80.0).distribution_function(cosine)
    np.testing.assert_allclose(found, 1 - ends, atol=2e-7)


@each_setting
def test_kolmogorov_smirnov(dimension, kappa):
    count = 10_000
    mean, drawn = samples(dimension, kappa, count)
    cosine = np.sort(np.sum(drawn * mean, axis=1))
    expected = Cosine(dimension, kappa).distribution_function(cosine)
    steps = np.arange(count + 1) / count
    distance = np.max(
        np.maximum(np.abs(expected - steps[1:]), np.abs(expected - steps[:-1]))
    )
    assert distance < 1.95 / math.sqrt(count)  # Exceeded by one in a thousand.


@pytest.mark.parametrize(("dimension", "kappa"), [(2, 3.0), (3, 3.0), (16, 30)])
def test_moments(dimension, kappa):
    """E[z] = E[w] mu; E[z z'] has E[w^2] along mu, the rest is even."""
    count = 40_000
    mean, drawn = samples(dimension, kappa, count)
    mean, drawn = mean[0].numpy(), drawn.numpy()
    cosine = Cosine(dimension, kappa)
    tolerance = 5 / math.sqrt(count)
    np.testing.assert_allclose(
        drawn.mean(0), cosine.mean(lambda w: w) * mean, atol=tolerance
    )
    square = cosine.mean(lambda w: w**2)
    along = np.outer(mean, mean)
    expected = square * along
    expected += (1 - square) / (dimension - 1) * (np.eye(dimension) - along)
    np.testing.assert_allclose(
        drawn.T @ drawn / count, expected, atol=tolerance
    )


def test_gradient_reaches_the_mean_direction():
    """d E[(c.z)^2] by sampling and in closed form, on the sphere.

    E[(c.z)^2] = a |c|^2 + (b - a) (c.mu)^2 with b = E[w^2] and
    a = (1 - b) / (Z - 1); mu = h / |h|.
    """
    dimension, kappa, count = 4, 3.0, 40_000
    h, c = np.array([0.5, -1.0, 2.0, 0.3]), np.array([1.0, 0.5, -0.2, 2.0])
    b = Cosine(dimension, kappa).mean(lambda w: w**2)
    a = (1 - b) / (dimension - 1)
    mu = h / np.linalg.norm(h)
    on_sphere = c - (c @ mu) * mu
    expected = 2 * (b - a) * (c @ mu) * on_sphere / np.linalg.norm(h)

    raw = tf.constant(h, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        mean = tf.math.l2_normalize(raw)[tf.newaxis]
        drawn = sample_from_noise(mean, kappa, *noise_of(count, dimension))
        value = tf.reduce_mean(
            tf.linalg.matvec(drawn, tf.constant(c, tf.float32)) ** 2
        )
    np.testing.assert_allclose(tape.gradient(value, raw), expected, atol=0.02)


def test_rows_do_not_depend_on_each_other():
    mean = directions(6, 32)
    uniform, normal = noise_of(6, 32)
    whole = sample_from_noise(mean, 80.0, uniform, normal)
    for rows in (slice(0, 1), slice(2, 6)):
        part = sample_from_noise(mean[rows], 80.0, uniform[rows], normal[rows])
        np.testing.assert_allclose(part, whole[rows], rtol=1e-6, atol=1e-7)


def test_further_axes_and_unknown_shapes():
    mean = directions(6, 5)
    uniform, normal = noise_of(6, 5)
    expected = sample_from_noise(mean, 8.0, uniform, normal)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 5]),
            tf.TensorSpec([None, None]),
            tf.TensorSpec([None, None, 5]),
        ]
    )
    def sample(mean, uniform, normal):
        return sample_from_noise(mean, 8.0, uniform, normal)

    shaped = sample(
        tf.reshape(mean, [2, 3, 5]),
        tf.reshape(uniform, [2, 3]),
        tf.reshape(normal, [2, 3, 5]),
    )
    np.testing.assert_allclose(
        shaped, tf.reshape(expected, [2, 3, 5]), atol=1e-6
    )


# -- Failures ------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [0.0, -1.0, math.inf, math.nan])
def test_concentration_out_of_its_range(kappa):
    with pytest.raises(
        ValueError, match=r"concentration=.*allowed: numbers above 0"
    ):
        kl_to_uniform(3, kappa)
    with pytest.raises(ValueError, match="concentration="):
        von_mises_fisher(directions(1, 3), kappa)


def test_dimension_out_of_its_range():
    with pytest.raises(
        ValueError, match=r"dimension=1; allowed: whole numbers, 2"
    ):
        uniform_on_sphere(1)
    with pytest.raises(ValueError, match="dimension=1"):
        sample_from_noise(tf.ones([1, 1]), 1.0, tf.zeros([1]), tf.zeros([1, 1]))
