"""The von Mises-Fisher distribution, the normal distribution of the sphere.

Xu and Durrett 2018 (EMNLP) take it as posterior of a text VAE, with a fixed
concentration and the uniform distribution on the sphere as prior: the KL is a
constant then, which training cannot bring to zero.
"""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import Numbers, WholeNumbers, check

tfd = tfp.distributions

# Angles at which the density is looked at to find where its mass is.
_NUM_COARSE_ANGLES = 100_001
# Cells of the table of quantiles, spread over the mass alone.
_NUM_CELLS = 4096
# The mass ends where the density is exp(-20) of its maximum: what is beyond
# is less than the step of float32 uniform numbers, 2^-23.
_LOG_DENSITY_RANGE = 20.0


def von_mises_fisher(
    mean_direction: tf.Tensor,
    concentration: float,
    name: str = "von_mises_fisher",
) -> tfd.Distribution:
    """vMF(mu, kappa), with density C exp(kappa mu.z) on the unit sphere.

    Its `mode()` is mu, its `mean()` is mu times `mean_resultant_length`.
    TensorFlow Probability's documentation speaks of up to 5 dimensions, but
    its density holds in any number; samples are best drawn by
    `sample_from_noise`, as its own sampler rejects and so gives rows that
    depend on each other.

    Args:
        mean_direction: mu, unit vectors [..., Z], Z at least 2.
        concentration: kappa, above 0.
        name: Name of the variable in a joint distribution.

    Returns:
        A distribution of batch shape [...] and event shape [Z].

    Raises:
        ValueError: If Z or kappa is out of its range.

    Example:
        >>> posterior = von_mises_fisher(tf.constant([[0.6, 0.8]]), 80.0)
        >>> posterior.batch_shape, posterior.event_shape
        (TensorShape([1]), TensorShape([2]))
    """
    _check(mean_direction.shape[-1], concentration)
    return tfd.VonMisesFisher(mean_direction, concentration, name=name)


def uniform_on_sphere(
    dimension: int, name: str = "uniform_on_sphere"
) -> tfd.Distribution:
    """The uniform distribution over unit vectors, batch shape [].

    Args:
        dimension: Z, at least 2; the sphere itself has one less.
        name: Name of the variable in a joint distribution.

    Returns:
        A distribution of event shape [Z].

    Raises:
        ValueError: If Z is out of its range.

    Example:
        >>> uniform = uniform_on_sphere(3)  # The density is 1 / (4 pi).
        >>> round(float(uniform.prob([0.0, 0.0, 1.0])), 4)
        0.0796
    """
    _check_dimension(dimension)
    return tfd.SphericalUniform(dimension, name=name)


def mean_resultant_length(dimension: int, concentration: float) -> float:
    """Length of the mean of vMF(mu, kappa): I_{Z/2}(kappa) / I_{Z/2-1}(kappa).

    Args:
        dimension: Z, at least 2.
        concentration: kappa, above 0.

    Returns:
        E[mu.z], between 0 and 1.

    Raises:
        ValueError: If Z or kappa is out of its range.

    Example:
        >>> round(mean_resultant_length(3, 2.0), 4)  # coth(2) - 1 / 2
        0.5373
    """
    _check(dimension, concentration)
    log_ratio = _log_series(dimension / 2 + 1, concentration)
    log_ratio -= _log_series(dimension / 2, concentration)
    return concentration / dimension * float(np.exp(log_ratio))


def kl_to_uniform(dimension: int, concentration: float) -> float:
    """KL(vMF(mu, kappa) || uniform), the same for every mu.

    It is kappa E[mu.z] - log 0F1(Z/2; kappa^2 / 4), as the hypergeometric
    function is the ratio of the two normalizers. Computed in float64, where
    the difference of two entropies in float32 would lose small values.

    Args:
        dimension: Z, at least 2.
        concentration: kappa, above 0.

    Returns:
        The divergence in nats.

    Raises:
        ValueError: If Z or kappa is out of its range.

    Example:
        >>> round(kl_to_uniform(32, 80.0), 4)
        17.8631
    """
    length = mean_resultant_length(dimension, concentration)
    return concentration * length - _log_series(dimension / 2, concentration)


def sample_from_noise(
    mean_direction: tf.Tensor,
    concentration: float,
    uniform: tf.Tensor,
    normal: tf.Tensor,
) -> tf.Tensor:
    """Reparameterized samples of vMF(mu, kappa), one for each row of noise.

    z = cos(a) mu + sin(a) v: the angle a is drawn by its inverse distribution
    function, as kappa and Z are fixed; v is a direction at a right angle to
    mu, uniform as normal noise is the same in all directions. A row depends
    on nothing but its own mu and noise, unlike with rejection sampling.

    Args:
        mean_direction: mu, unit vectors [..., Z], Z at least 2.
        concentration: kappa, above 0.
        uniform: Noise from U[0, 1), [...].
        normal: Noise from N(0, 1), not truncated, [..., Z].

    Returns:
        Unit vectors [..., Z].

    Raises:
        ValueError: If Z or kappa is out of its range.

    Example:
        >>> sample = sample_from_noise(
        ...     tf.constant([[1.0, 0.0, 0.0]]),
        ...     concentration=80.0,
        ...     uniform=tf.constant([0.5]),
        ...     normal=tf.constant([[0.3, 0.0, 0.7]]),
        ... )
        >>> along, aside, tangent = sample[0].numpy()
        >>> round(float(along), 4)  # The median of cos(a), 1 - log(2) / 80.
        0.9913
        >>> float(aside), round(float(tangent), 3)
        (0.0, 0.131)
    """
    dimension = mean_direction.shape[-1]
    _check(dimension, concentration)
    angles, cumulative = _angle_quantiles(dimension, concentration)
    angle = _interpolate(uniform, cumulative, angles)[..., tf.newaxis]
    along = tf.reduce_sum(normal * mean_direction, axis=-1, keepdims=True)
    tangent = tf.math.l2_normalize(normal - along * mean_direction, axis=-1)
    return tf.cos(angle) * mean_direction + tf.sin(angle) * tangent


def _check(dimension: int, concentration: float) -> None:
    _check_dimension(dimension)
    check(Numbers(above=0), concentration=concentration)


def _check_dimension(dimension: int) -> None:
    # A sphere of one dimension is two points.
    check(WholeNumbers(2), dimension=dimension)


def _log_series(order: float, concentration: float) -> float:
    """Log of 0F1(order; kappa^2 / 4), the sum of a series of positive terms.

    I_v(kappa) = (kappa / 2)^v / Gamma(v + 1) * 0F1(v + 1; kappa^2 / 4).
    """
    # The terms grow until kappa / 2 and are negligible long before 2 kappa.
    index = np.arange(1, 2 * int(concentration) + 100)
    log_ratios = 2 * np.log(concentration / 2) - np.log(index)
    log_ratios -= np.log(order + index - 1)
    return float(np.logaddexp.reduce(np.append(0.0, np.cumsum(log_ratios))))


@functools.cache
def _angle_quantiles(
    dimension: int, concentration: float
) -> tuple[np.ndarray, np.ndarray]:
    """Angles between mu and a sample, and their distribution function.

    The density of the angle is proportional to exp(kappa cos a) sin(a)^(Z-2),
    which is smooth in every dimension, as that of the cosine is not.

    Returns:
        Two float32 arrays of a common length, both ascending.
    """

    def log_density(angle: np.ndarray) -> np.ndarray:
        sine = np.maximum(np.sin(angle), np.finfo(np.float64).tiny)
        return concentration * np.cos(angle) + (dimension - 2) * np.log(sine)

    coarse = np.linspace(0, np.pi, _NUM_COARSE_ANGLES)
    values = log_density(coarse)
    has_mass = np.flatnonzero(values > np.max(values) - _LOG_DENSITY_RANGE)
    angles = np.linspace(
        coarse[has_mass[0]], coarse[has_mass[-1]], _NUM_CELLS + 1
    )
    middles = (angles[:-1] + angles[1:]) / 2
    at_angles = np.exp(log_density(angles) - np.max(values))
    at_middles = np.exp(log_density(middles) - np.max(values))
    mass = at_angles[:-1] + 4 * at_middles + at_angles[1:]  # Simpson's rule
    cumulative = np.append(0.0, np.cumsum(mass)) / np.sum(mass)
    return angles.astype(np.float32), cumulative.astype(np.float32)


def _interpolate(
    values: tf.Tensor, inputs: np.ndarray, outputs: np.ndarray
) -> tf.Tensor:
    """The piecewise linear function through (inputs, outputs), [...].

    The values lie in [inputs[0], inputs[-1]), so that one of two neighbors is
    below or equal and the other above, and inputs may repeat.
    """
    flat = tf.reshape(values, [-1])
    right = tf.searchsorted(tf.constant(inputs), flat, side="right")
    left = right - 1
    inputs_left, inputs_right = (
        tf.gather(inputs, left),
        tf.gather(inputs, right),
    )
    share = (flat - inputs_left) / (inputs_right - inputs_left)
    angle_left, angle_right = (
        tf.gather(outputs, left),
        tf.gather(outputs, right),
    )
    return tf.reshape(
        angle_left + share * (angle_right - angle_left), tf.shape(values)
    )
