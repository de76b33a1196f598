"""From a code to the likelihood of a sequence's words in any order."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.layers.masking import (
    NEVER_PREDICTED,
    ExplicitMaskLayer,
    without_tokens,
)
from keras_textgen.tokens import END_ID, PAD_ID


@keras.saving.register_keras_serializable("keras_textgen")
class BagOfWordsLogLikelihood(ExplicitMaskLayer):
    """A tanh layer and one softmax over the vocabulary for all words.

    The bag-of-words loss of Zhao et al. 2017 (ACL), equation 6, is minus what
    this layer gives: the words must be predicted from the code alone, without
    the words before them. The end token says nothing of the content and is
    not among the words: like padding and the start token it has probability
    0. Computed in float32 under every precision policy.

    Args:
        vocabulary_size: Number V of tokens, the special ones included.
        hidden_units: Width of the tanh layer; 400 in the authors' code.

    Example:
        >>> layer = BagOfWordsLogLikelihood(vocabulary_size=8)
        >>> targets = tf.constant([[5, 5, 3, 0]])
        >>> log_likelihood = layer(tf.zeros([1, 2]), targets)
        >>> log_likelihood.numpy().round(3).tolist()  # log(1/5) twice
        [-3.2190001010894775]
    """

    def __init__(
        self, vocabulary_size: int, hidden_units: int = 400, **kwargs: Any
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.vocabulary_size = vocabulary_size
        self.hidden_units = hidden_units
        self.hidden = keras.layers.Dense(
            hidden_units, activation="tanh", dtype="float32"
        )
        self.logits = keras.layers.Dense(vocabulary_size, dtype="float32")

    def build(self, input_shape: tuple) -> None:
        """Build both layers for codes [batch, input_shape[-1]]."""
        self.hidden.build(input_shape)
        self.logits.build((*input_shape[:-1], self.hidden_units))
        self.built = True

    def call(self, code: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Log-likelihoods of bags of words.

        Args:
            code: [batch, code].
            targets: Token ids, int32 [batch, time]; 0 is padding.

        Returns:
            Sum of the words' log-probabilities in nats, [batch].
        """
        logits = self.logits(self.hidden(code))  # [batch, V]
        logits = without_tokens(logits, [*NEVER_PREDICTED, END_ID])
        log_probabilities = tf.nn.log_softmax(logits)
        of_targets = tf.gather(log_probabilities, targets, batch_dims=1)
        is_word = (targets != PAD_ID) & (targets != END_ID)
        return tf.reduce_sum(tf.where(is_word, of_targets, 0), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "hidden_units": self.hidden_units,
        }
