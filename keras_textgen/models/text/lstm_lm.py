"""LSTM-LM: the recurrent language model of Kruengkrai 2019."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.masking import num_predicted_tokens
from keras_textgen.models.components import (
    initialize_uniformly,
)
from keras_textgen.models.text.text_model import (
    DecoderState,
    TextData,
    TextModel,
)
from keras_textgen.noise import Noise
from keras_textgen.replicas import GlobalRows
from keras_textgen.serving.endpoints import (
    Endpoint,
    Outputs,
    of_texts_or_tokens,
)

# All parameters start from U(-0.1, 0.1), but for those of a given decoder.
INITIAL_LIMIT = 0.1


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMLanguageModel(TextModel):
    """Recurrent language model, the baseline of the LSTM-VAE.

    Kruengkrai 2019, "Better exploiting latent variables in text modeling"
    (ACL). It has no latent variable: -nll is log p(x) itself.

    Args:
        vocabulary: Text to ids and back.
        **kwargs: As in `TextModel`; one layer by default.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = LSTMLanguageModel(
        ...     Vocabulary(words), rnn_units=8, embedding_dim=4
        ... )
        >>> model.log_likelihood(["the cat sat", "on a mat"]).shape
        (2,)
    """

    def __init__(
        self, vocabulary: Vocabulary, *, num_layers: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(
            vocabulary,
            likelihood_kind="exact",
            num_layers=num_layers,
            **kwargs,
        )
        self.build()
        initialize_uniformly(
            self.trainable_weights,
            self.given_components,
            INITIAL_LIMIT,
            self.seed,
        )

    def call(
        self, tokens: tf.Tensor, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Objective of each sequence, as in `TextModel`; "kl" is 0."""
        noise = None
        if training:
            noise = Noise(self.step_seed(), GlobalRows.of(tokens).first)
        log_likelihood = self.token_log_likelihood(tokens, noise)
        return {
            "nll": -log_likelihood,
            "kl": tf.zeros_like(log_likelihood),
            "num_tokens": num_predicted_tokens(tokens),
        }

    def generation_state(
        self,
        num_texts: tf.Tensor,
        noise: Noise,
        condition: tf.Tensor | None = None,
    ) -> DecoderState:
        """Every text starts from the same state.

        Raises:
            ValueError: If there is a `condition`.
        """
        del noise
        if condition is not None:
            raise refused(
                "condition_on of a language model, which has no code of a text",
                "prefix, or a model with latent variables",
            )
        return self._start(num_texts)

    def log_likelihood(
        self, data: TextData, batch_size: int = 32
    ) -> np.ndarray:
        """log p(x) of each sequence, exactly.

        Args:
            data: Texts or token ids, N sequences.
            batch_size: Sequences at a time.

        Returns:
            float32 [N], nats.
        """
        score = self.in_graph("token_log_likelihood")
        return self.map_batches(score, data, batch_size)

    def token_log_likelihood(
        self, tokens: tf.Tensor, noise: Noise | None = None
    ) -> tf.Tensor:
        """log p(x) of tokens [batch, time]: float32 [batch], nats."""
        state = self._start(tf.shape(tokens)[0])
        return self.decode_log_likelihood(state, tokens, noise)

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""

        def log_likelihood(tokens: tf.Tensor) -> Outputs:
            return {"log_likelihood": self.token_log_likelihood(tokens)}

        return super().endpoints() | {
            "log_likelihood": of_texts_or_tokens(
                self.vocabulary, log_likelihood
            )
        }

    def _start(self, num_rows: tf.Tensor) -> DecoderState:
        """What every text starts from: the state of a code of width 0."""
        return self.initial_state(tf.zeros([num_rows, 0]))
