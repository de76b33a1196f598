"""Free bits: a KL below a floor costs no more, and is not pushed down."""

import tensorflow as tf

from keras_textgen.checks import Numbers, check, refused
from keras_textgen.replicas import sum_over_replicas


def free_bits(
    kl_parts: tf.Tensor,
    *,
    total: float = 0.0,
    per_dimension: float = 0.0,
    sample_weight: tf.Tensor | None = None,
) -> tf.Tensor:
    """Penalty of each sequence under a floor of the mean KL.

    Kingma et al. 2016 (NIPS), appendix C.8. The penalties' mean over the
    global batch is max(floor, mean KL) with a floor of the total, and
    sum_d max(floor, mean KL_d) with a floor of each dimension d. Where the
    mean is not above its floor, no gradient comes from it. The mean is that
    of all replicas, so that two replicas compute what one does.

    Args:
        kl_parts: KL of each dimension (or other part) of the code in nats,
            float [batch, parts].
        total: Floor of the sum of the parts in nats; 0 for none.
        per_dimension: Floor of each part in nats; 0 for none.
        sample_weight: Weight of each sequence in the mean, float [batch];
            None for 1 throughout.

    Returns:
        Nats, [batch]. Without a floor, the KL itself.

    Raises:
        ValueError: If a floor is negative, or both are above 0.

    Example:
        >>> kl_parts = tf.constant([[0.5, 3.0], [1.5, 1.0]])  # Means 1 and 2.
        >>> free_bits(kl_parts, total=2.0).numpy().tolist()
        [3.5, 2.5]
        >>> free_bits(kl_parts, total=4.0).numpy().tolist()
        [4.0, 4.0]
        >>> free_bits(kl_parts, per_dimension=1.5).numpy().tolist()
        [4.5, 2.5]
    """
    check_floors(total, per_dimension)
    if per_dimension:
        floored = _floored(kl_parts, per_dimension, sample_weight)
        return tf.reduce_sum(floored, axis=1)
    kl = tf.reduce_sum(kl_parts, axis=1)
    return _floored(kl, total, sample_weight) if total else kl


def check_floors(total: float, per_dimension: float) -> None:
    """Refuse floors that `free_bits` cannot hold.

    Args:
        total: Of the whole KL, nats.
        per_dimension: Of each dimension's, nats.

    Raises:
        ValueError: One is below 0, or both are above it.

    Example:
        >>> check_floors(total=4.0, per_dimension=0.1)
        Traceback (most recent call last):
        ValueError: free_bits=4.0, free_bits_per_dimension=0.1; allowed: one
        of them, and 0 for the other
    """
    check(
        Numbers(at_least=0),
        free_bits=total,
        free_bits_per_dimension=per_dimension,
    )
    if total and per_dimension:
        raise refused(
            f"free_bits={total}, free_bits_per_dimension={per_dimension}",
            "one of them, and 0 for the other",
        )


def _floored(
    values: tf.Tensor, floor: float, sample_weight: tf.Tensor | None
) -> tf.Tensor:
    """Values [batch, ...] where their mean over rows is above the floor.

    Elsewhere the floor: the mean of what is returned is max(floor, mean).
    """
    is_above = _global_mean(values, sample_weight) > floor
    return tf.where(is_above, values, tf.constant(floor, values.dtype))


def _global_mean(
    values: tf.Tensor, sample_weight: tf.Tensor | None
) -> tf.Tensor:
    """Mean over the rows of all replicas; it is compared, never trained."""
    values = tf.stop_gradient(values)
    if sample_weight is None:
        rows = tf.cast(tf.shape(values)[0], values.dtype)
    else:
        weights = tf.cast(sample_weight, values.dtype)
        rows = tf.reduce_sum(weights)
        shape = [-1, *[1] * (values.shape.rank - 1)]
        values *= tf.reshape(weights, shape)
    sums = tf.reduce_sum(values, axis=0)
    return tf.math.divide_no_nan(*sum_over_replicas([sums, rows]))
