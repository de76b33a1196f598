"""How the layers treat masks, and tokens that have no probability."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.tokens import PAD_ID, START_ID

NEVER_PREDICTED = (PAD_ID, START_ID)
"""Ids that are no outcome of any model: padding and the start token."""


def without_tokens(
    scores: tf.Tensor, ids: Sequence[int] | tf.Tensor
) -> tf.Tensor:
    """Sets the scores of some tokens to -inf.

    Args:
        scores: float [..., V], logits, log-probabilities or a bias.
        ids: int [K], the tokens.

    Returns:
        float [..., V].

    Example:
        >>> without_tokens(tf.zeros([5]), NEVER_PREDICTED).numpy().tolist()
        [-inf, 0.0, -inf, 0.0, 0.0]
    """
    ids = tf.cast(ids, tf.int32)[:, tf.newaxis]
    of_scores = tf.range(tf.shape(scores)[-1])
    return tf.where(tf.reduce_any(of_scores == ids, 0), -math.inf, scores)


class ExplicitMaskLayer(keras.layers.Layer):
    """A layer that takes its mask as an argument and passes none on.

    Keras would otherwise warn that the mask is lost, or hang the mask of
    [batch, time] on outputs of another shape.

    Example:
        >>> layer = ExplicitMaskLayer()
        >>> layer.supports_masking, layer.compute_mask(None, "any mask")
        (True, None)
    """

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Give the outputs no mask."""
        del inputs, previous_mask


def num_predicted_tokens(tokens: tf.Tensor) -> tf.Tensor:
    """Tokens of each sequence that are predicted, float32 [batch].

    Example:
        >>> num_predicted_tokens(tf.constant([[2, 7, 3, 0]])).numpy().tolist()
        [2.0]
    """
    is_predicted = tf.cast(tokens[:, 1:] != PAD_ID, tf.float32)
    return tf.reduce_sum(is_predicted, axis=1)
