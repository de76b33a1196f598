"""What a text model reads with, and what it can be given instead.

An encoder is a Keras layer: `encoder(inputs, mask=mask)` gives features
[batch, F] of embedded tokens [batch, time, E], the mask bool [batch, time].
"""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import OneOf, check
from keras_textgen.layers.recurrent import RecurrentLayers
from keras_textgen.layers.transformer import TransformerStack

FEATURES = ("hidden", "state")


@keras.saving.register_keras_serializable("keras_textgen")
class RecurrentEncoder(RecurrentLayers):
    """Recurrent layers whose last state is the features.

    Args:
        units: Width H of every layer.
        num_layers: Number of layers.
        rnn_type: As in `RecurrentStack`.
        features: "hidden" for the top layer's last hidden state h, [batch, H];
            "state" for all of its state, of an LSTM [c; h], [batch, 2 H].

    Raises:
        ValueError: If a setting is not one of those allowed.

    Example:
        >>> encoder = RecurrentEncoder(units=4, features="state")
        >>> encoder(tf.ones([3, 5, 2]), mask=tf.fill([3, 5], True)).shape
        TensorShape([3, 8])
    """

    def __init__(
        self,
        units: int,
        num_layers: int = 1,
        rnn_type: str = "block",
        *,
        features: str = "hidden",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, num_layers, rnn_type, **kwargs)
        check(OneOf(FEATURES), features=features)
        self.features = features

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Features [batch, F] of inputs [batch, time, E]."""
        _, states = self.run(inputs, mask)
        hidden_first = states[-1]
        if self.features == "hidden":
            return hidden_first[0]
        return tf.concat(hidden_first[::-1], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"features": self.features}


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerEncoder(TransformerStack):
    """Blocks whose mean over the tokens is the features, [batch, H].

    Args:
        units: As in `TransformerStack`, as all that follows.
        num_layers: Number of blocks.
        num_heads: Heads of attention.
        positions: "rotary" or "learned".
        max_positions: Learned vectors.

    Raises:
        ValueError: If a setting is not one of those allowed.

    Example:
        >>> encoder = TransformerEncoder(units=4, num_layers=1, num_heads=2)
        >>> encoder(tf.ones([3, 5, 2]), mask=tf.fill([3, 5], True)).shape
        TensorShape([3, 4])
    """

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Features [batch, H] of inputs [batch, time, E]."""
        outputs = self.run(inputs, mask)
        if mask is None:
            return tf.reduce_mean(outputs, axis=1)
        weights = tf.cast(mask, outputs.dtype)[..., tf.newaxis]
        length = tf.maximum(tf.reduce_sum(weights, axis=1), 1)
        return tf.reduce_sum(outputs * weights, axis=1) / length
