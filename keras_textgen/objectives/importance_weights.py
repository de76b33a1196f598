"""Importance-weighted bound of the log-likelihood."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_textgen.decoding.common import checked_integer

# From the number of the first sample and how many, S, to weights [S, batch].
LogWeights = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def importance_weighted_bound(
    log_weights: LogWeights,
    batch_size: int | tf.Tensor,
    num_samples: int | tf.Tensor,
    *,
    block_size: int | tf.Tensor,
) -> tf.Tensor:
    """Bounds log p(x) of each sequence from below with `num_samples` samples.

    The bound is log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x), z_k ~ q(z | x)
    (Burda et al. 2016, equation 8). In expectation it rises with K from the
    evidence lower bound, K = 1, to log p(x).

    The samples are drawn in blocks, the last one smaller where K is not a
    multiple, and summed as they come, so that memory does not grow with K. It
    is all in the graph, and K may be a tensor.

    Args:
        log_weights: Given F and S, draws samples F ... F + S - 1 of each
            sequence; gives log p(x | z_k) p(z_k) / q(z_k | x), [S, batch].
        batch_size: Number of sequences.
        num_samples: K, at least 1.
        block_size: Samples of each sequence held at a time.

    Returns:
        float64 [batch], nats per sequence.

    Raises:
        ValueError: If `num_samples` or `block_size` is known and below 1.

    Example:
        >>> weights = tf.random.stateless_normal([10_000, 2], seed=[1, 2])
        >>> bound = importance_weighted_bound(
        ...     lambda first, size: weights[first : first + size],
        ...     batch_size=2,
        ...     num_samples=10_000,
        ...     block_size=300,
        ... )
        >>> bound.numpy().round(1)  # log E[exp(u)] = 1/2 for u ~ N(0, 1)
        array([0.5, 0.5])
    """
    num_samples = checked_integer("num_samples", num_samples, minimum=1)
    block_size = checked_integer("block_size", block_size, minimum=1)

    def add_block(
        drawn: tf.Tensor, log_total: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        size = tf.minimum(block_size, num_samples - drawn)
        block = tf.cast(log_weights(drawn, size), tf.float64)
        log_sum = tf.reduce_logsumexp(block, axis=0)
        log_total = tf.reduce_logsumexp([log_total, log_sum], axis=0)
        return drawn + size, log_total

    nothing = tf.fill([batch_size], tf.constant(-np.inf, tf.float64))
    _, log_total = tf.while_loop(
        lambda drawn, _: drawn < num_samples,
        add_block,
        (tf.constant(0), nothing),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
    )
    return log_total - tf.math.log(tf.cast(num_samples, tf.float64))
