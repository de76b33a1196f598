"""Log-likelihoods of counts of words."""

import tensorflow as tf

from keras_textgen.private_gradients import custom_gradient


def counts_log_likelihood(
    logits: tf.Tensor, counts: tf.SparseTensor
) -> tf.Tensor:
    """Of bags of words, sum over words of n_w log softmax(logits)_w, in nats.

    The multinomial coefficient, which no weight changes, is left out. Counts
    are never dense. The gradient, for which no pass over the logits is made
    twice, is that of the logits alone.

    Args:
        logits: float32 [batch, words].
        counts: n >= 0, sparse float32 [batch, words]; a word may be there
            twice.

    Returns:
        float32 [batch]; 0 for bags without words.

    Example:
        >>> twice = tf.SparseTensor([[0, 1]], [2.0], [1, 4])
        >>> counts_log_likelihood(tf.zeros([1, 4]), twice)  # 2 log(1/4)
        <tf.Tensor: shape=(1,), dtype=float32, \
numpy=array([-2.7725887], dtype=float32)>
    """
    rows = counts.indices[:, 0]
    totals = tf.math.unsorted_segment_sum(
        counts.values, rows, counts.dense_shape[0]
    )

    @custom_gradient
    def log_likelihood(logits: tf.Tensor) -> tuple:
        probabilities = tf.nn.softmax(logits)
        # The largest probability is at least 1/V: its logarithm is exact.
        log_normalizer = tf.reduce_max(logits, axis=1) - tf.math.log(
            tf.reduce_max(probabilities, axis=1)
        )
        chosen = tf.math.unsorted_segment_sum(
            counts.values * tf.gather_nd(logits, counts.indices),
            rows,
            counts.dense_shape[0],
        )

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            factor = -upstream * totals
            return tf.tensor_scatter_nd_add(
                factor[:, tf.newaxis] * probabilities,
                counts.indices,
                tf.gather(upstream, rows) * counts.values,
            )

        return chosen - totals * log_normalizer, gradient

    return log_likelihood(logits)
