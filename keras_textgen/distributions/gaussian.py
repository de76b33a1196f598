"""Diagonal Gaussians, the distributions of the latent variables."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def diagonal_normal(
    loc: tf.Tensor, scale: tf.Tensor, name: str = "diagonal_normal"
) -> tfd.Distribution:
    """N(loc, diag(scale^2)) over the last axis.

    Args:
        loc: Means [..., Z].
        scale: Standard deviations [..., Z].
        name: Name of the variable in a joint distribution.

    Returns:
        A distribution of batch shape [...] and event shape [Z].

    Example:
        >>> diagonal_normal(tf.zeros([3, 2]), tf.ones([3, 2])).event_shape
        TensorShape([2])
    """
    return tfd.Independent(tfd.Normal(loc, scale), 1, name=name)


def standard_normal(
    dimension: int, name: str = "standard_normal"
) -> tfd.Distribution:
    """N(0, I) of the given dimension, batch shape [].

    Example:
        >>> round(float(standard_normal(2).log_prob(tf.zeros([2]))), 4)
        -1.8379
    """
    return diagonal_normal(tf.zeros([dimension]), tf.ones([dimension]), name)


def per_dimension(gaussian: tfd.Distribution) -> tfd.Normal:
    """The dimensions of a `diagonal_normal` as a batch of their own.

    Example:
        >>> per_dimension(standard_normal(2)).batch_shape
        TensorShape([2])
    """
    return tfd.Normal(gaussian.mean(), gaussian.stddev())
