"""What is dropped of a decoder's words and of its vectors."""

import tensorflow as tf

from keras_textgen.noise import Noise
from keras_textgen.tokens import START_ID, UNKNOWN_ID


def dropout(
    values: tf.Tensor,
    rate: float,
    num_sequences: tf.Tensor,
    name: str,
    noise: Noise | None,
) -> tf.Tensor:
    """Drop a share of values; the rest is scaled up.

    Args:
        values: [num_sequences * S, ...].
        rate: The share; 0 for none.
        num_sequences: Rows of the batch.
        name: Of the draw.
        noise: In training; None drops nothing.

    Returns:
        Of the shape of `values`.

    Example:
        >>> values = tf.ones([2, 3])
        >>> dropout(values, 0.5, 2, "inputs", None) is values
        True
    """
    if noise is None or not rate:
        return values
    # By the row of the batch, as all noise is, whatever S is.
    size = tf.size(values) // tf.maximum(num_sequences, 1)
    chance = noise.uniform(name, [num_sequences, size])
    kept = tf.reshape(chance, tf.shape(values)) >= rate
    scale = tf.constant(1 / (1 - rate), values.dtype)
    return tf.where(kept, values * scale, 0)


def drop_words(
    inputs: tf.Tensor, keep_rate: float, noise: Noise | None
) -> tf.Tensor:
    """Replace words by the unknown token; the start token stays.

    Args:
        inputs: Tokens that a decoder reads, int32 [batch, time] or [batch].
        keep_rate: The share that is kept; with 0 no word is, in evaluation
            either.
        noise: In training.

    Returns:
        Of the shape of `inputs`.

    Example:
        >>> drop_words(tf.constant([[2, 7, 8]]), 0.0, None).numpy().tolist()
        [[2, 1, 1]]
    """
    if keep_rate == 1 or (keep_rate > 0 and noise is None):
        return inputs
    dropped = inputs != START_ID
    if noise is not None:
        chance = noise.uniform("words", tf.unstack(tf.shape(inputs)))
        dropped &= chance >= keep_rate
    return tf.where(dropped, UNKNOWN_ID, inputs)
