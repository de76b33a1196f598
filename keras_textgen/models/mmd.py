"""Maximum mean discrepancy between two sets of samples."""

import tensorflow as tf

# Scales of the inverse multiquadric kernels (Tolstikhin et al. 2018).
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# Elements of the distances that are held at a time.
_BLOCK_ELEMENTS = 2**24


def maximum_mean_discrepancy(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Squared MMD of two sets, summed over dimensions and scales.

    Kernel k(x, y) = C / (C + (x - y)^2) with C = 2 s for each scale s, for
    each dimension by itself. Within a set the mean is over pairs of different
    samples (unbiased); across sets over all pairs.

    The distances of all pairs, [B, B, D], are made a block of rows at a time.

    Args:
        first: Samples, float [B, D], B at least 2.
        second: Samples, of the same shape.

    Returns:
        A scalar; around 0 for two sets of one distribution, and negative at
        times.

    Example:
        >>> zeros, ones = tf.zeros([2, 1]), tf.ones([2, 1])
        >>> expected = sum(2 - 2 * 2 * s / (2 * s + 1) for s in SCALES)
        >>> value = maximum_mean_discrepancy(zeros, ones)
        >>> abs(float(value) - expected) < 1e-5
        True
    """
    size = tf.shape(first)[0]
    within = _kernel_sum(first, first) + _kernel_sum(second, second)
    # A sample beside itself has kernel 1 at every scale and dimension.
    itself = 2 * size * tf.shape(first)[1] * len(SCALES)
    pairs = tf.cast(size * (size - 1), tf.float32)
    across = _kernel_sum(first, second) / tf.cast(size * size, tf.float32)
    return (within - tf.cast(itself, tf.float32)) / pairs - 2 * across


@tf.custom_gradient
def _kernel_sum(first: tf.Tensor, second: tf.Tensor) -> tuple:
    """Sum of all kernels of all pairs, with its gradients beside it.

    The gradients are made with the values, since the sum is a scalar: nothing
    of size [B, B, D] has to be kept for later.
    """
    rows, width = tf.unstack(tf.shape(first))
    block = tf.maximum(_BLOCK_ELEMENTS // (tf.shape(second)[0] * width), 1)

    def add_block(
        begin: tf.Tensor,
        total: tf.Tensor,
        d_first: tf.TensorArray,
        d_second: tf.Tensor,
    ) -> tuple:
        some = first[begin : begin + block, tf.newaxis]
        distances = some - second[tf.newaxis]  # [block, B, D]
        squares = tf.square(distances)
        slopes = tf.zeros_like(squares)
        for scale in SCALES:
            kernel = 1 / (1 + squares / (2 * scale))
            total += tf.reduce_sum(kernel)
            slopes -= tf.square(kernel) / scale
        slopes *= distances
        d_first = d_first.write(begin // block, tf.reduce_sum(slopes, axis=1))
        d_second -= tf.reduce_sum(slopes, axis=0)
        return begin + block, total, d_first, d_second

    parts = tf.TensorArray(
        tf.float32, -(-rows // block), infer_shape=False, element_shape=None
    )
    _, total, parts, d_second = tf.while_loop(
        lambda begin, *_: begin < rows,
        add_block,
        (tf.constant(0), tf.constant(0.0), parts, tf.zeros_like(second)),
    )
    d_first = tf.reshape(parts.concat(), [rows, width])

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return upstream * d_first, upstream * d_second

    return total, gradient
