"""The softmax of a relevant column among unobserved ones, some drawn."""

import tensorflow as tf


def sampled_softmax_losses(
    relevant: tf.Tensor, drawn: tf.Tensor, unobserved: tf.Tensor
) -> tf.Tensor:
    """What ranking a relevant column behind unobserved ones costs.

    The loss of a cell with the prediction s is

        -s + log(exp(s) + U / N * sum over the N drawn of exp(s_n)),

    whose second part estimates the sum over all U unobserved columns of the
    row, from which the N are drawn uniformly (Bengio and Senecal 2008,
    importance sampling; of recommendation, Wu et al. 2022, "On the
    Effectiveness of Sampled Softmax Loss for Item Recommendation").

    Args:
        relevant: Predictions of relevant cells, float32 [n].
        drawn: Those of columns drawn for each, float32 [n, N].
        unobserved: How many columns they were drawn from, float32 [n]; where
            there are none, nothing is behind which the cell could be.

    Returns:
        In nats, float32 [n].

    Example:
        >>> losses = sampled_softmax_losses(
        ...     tf.constant([0.0]),
        ...     tf.constant([[0.0, 0.0]]),
        ...     tf.constant([3.0]),
        ... )
        >>> round(float(tf.exp(losses[0])), 4)  # one of four
        4.0
    """
    count = tf.cast(tf.shape(drawn)[1], tf.float32)
    weights = tf.math.log(unobserved / count)[:, tf.newaxis]
    together = tf.concat([relevant[:, tf.newaxis], drawn + weights], axis=1)
    return tf.reduce_logsumexp(together, axis=1) - relevant
