"""Maximum mean discrepancy between two sets of samples."""

import tensorflow as tf

from keras_textgen.private_gradients import custom_gradient

# Scales of the inverse multiquadric kernels (Tolstikhin et al. 2018).
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def maximum_mean_discrepancy(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Squared MMD of two sets, summed over dimensions and scales.

    Kernel k(x, y) = C / (C + (x - y)^2) with C = 2 s for each scale s, for
    each dimension by itself. Within a set the mean is over pairs of different
    samples (unbiased), B (B - 1) of them; across sets over all B^2 pairs.

    Of all pairs, [B, B, D], no more than a few times [2 B, D] are held at a
    time.

    Args:
        first: Samples, float32 [B, D].
        second: Samples, of the same shape.

    Returns:
        A scalar; around 0 for two sets of one distribution, and negative at
        times. 0 if B is 1, as one sample has no pair within its set.

    Example:
        >>> zeros, ones = tf.zeros([2, 1]), tf.ones([2, 1])
        >>> expected = sum(2 - 2 * 2 * s / (2 * s + 1) for s in SCALES)
        >>> value = maximum_mean_discrepancy(zeros, ones)
        >>> abs(float(value) - expected) < 1e-5
        True
    """
    return _discrepancy(first, second)


@custom_gradient
def _discrepancy(first: tf.Tensor, second: tf.Tensor) -> tuple:
    """The discrepancy, with its gradients beside it.

    The gradients are made with the value, as it is a scalar: no pair has to
    be kept for them.
    """
    # The samples of both sets form a circle. Each is paired with the one that
    # is `distance` behind it; distances up to half of the circle reach all.
    samples = tf.concat([first, second], axis=0)  # [2 B, D]
    size = tf.shape(first)[0]
    is_first = tf.range(2 * size)[:, tf.newaxis] < size
    count = tf.cast(size, tf.float32)
    # Each pair counts in both orders.
    within = tf.math.divide_no_nan(2.0, count * (count - 1))
    across = tf.where(size > 1, -2 / (count * count), 0.0)

    def add_pairs(
        distance: tf.Tensor, total: tf.Tensor, gradient: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        is_within = is_first == tf.roll(is_first, distance, axis=0)
        weight = tf.where(is_within, within, across)
        # From opposite points, a pair is reached twice.
        weight = tf.where(distance == size, weight / 2, weight)
        difference = samples - tf.roll(samples, distance, axis=0)
        value, slope = _kernels(difference)
        slope *= weight
        total += tf.reduce_sum(weight * value, axis=0)
        gradient += slope - tf.roll(slope, -distance, axis=0)
        return distance + 1, total, gradient

    _, total, gradient = tf.while_loop(
        lambda distance, *_: distance <= size,
        add_pairs,
        (
            tf.constant(1),
            tf.zeros(tf.shape(first)[1:]),
            tf.zeros_like(samples),
        ),
    )

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return upstream * gradient[:size], upstream * gradient[size:]

    return tf.reduce_sum(total), gradients


def _kernels(difference: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum of the kernels at x - y, and its derivative."""
    square = tf.square(difference)
    divisors = [square + 2 * scale for scale in SCALES]
    values = [
        2 * scale / divisor
        for scale, divisor in zip(SCALES, divisors, strict=True)
    ]
    slopes = [
        value / divisor for value, divisor in zip(values, divisors, strict=True)
    ]
    return tf.add_n(values), -2 * difference * tf.add_n(slopes)
