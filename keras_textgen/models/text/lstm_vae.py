"""LSTM-VAE: Kruengkrai 2019."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.components import (
    given,
    initialize_uniformly,
)
from keras_textgen.models.text.lstm_lm import INITIAL_LIMIT
from keras_textgen.models.text.single_latent_text_model import (
    SingleLatentTextModel,
)
from keras_textgen.specs import SPECS
from keras_textgen.tokens import PAD_ID


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMVAE(SingleLatentTextModel):
    """Variational autoencoder with L samples of its latent variable.

    Kruengkrai 2019, "Better exploiting latent variables in text modeling"
    (ACL). z sets the decoder's first hidden state and is joined to every
    input embedding. nll is the mean of -log p(x | z_l) over samples z_1 ... z_L
    of q(z | x), and -(nll + kl) a lower bound of log p(x).

    All parameters start from U(-0.1, 0.1), but for those of an encoder or a
    decoder that the model is given; encoder and decoder have embeddings of
    their own.

    Args:
        vocabulary: Text to ids and back.
        encoder: What reads: a layer, see `keras_textgen.layers.encoders`, or a
            name, "recurrent", as None, or "transformer".
        **kwargs: As in `SingleLatentTextModel`; one layer and `feed_latent` by
            default, and `objective` is "bound".

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = LSTMVAE(
        ...     Vocabulary(words), rnn_units=8, embedding_dim=4, latent_dim=2
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape
        (2, 2)
    """

    objectives = ("bound",)
    shares_embedding = False

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        encoder: keras.Layer | str | None = None,
        num_layers: int = 1,
        latent_dim: int = 32,
        feed_latent: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocabulary,
            num_layers=num_layers,
            latent_dim=latent_dim,
            feed_latent=feed_latent,
            **kwargs,
        )
        self.encoder_embedding = keras.layers.Embedding(
            vocabulary.size, self.embedding_dim, dtype=self.dtype_policy
        )
        self.encoder = self.chosen_encoder(encoder)
        self.build()
        initialize_uniformly(
            self.trainable_weights,
            self.given_components,
            INITIAL_LIMIT,
            self.seed,
        )

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The encoder's embedding, its recurrence, and the heads on it."""
        return [self.encoder_embedding, self.encoder, self.head]

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The top layer's last hidden state, [batch, units]."""
        embedded = self.encoder_embedding(tokens)
        return self.encoder(embedded, mask=tokens != PAD_ID)

    @property
    def given_components(self) -> list[keras.Layer]:
        """As in `TextModel`, the encoder among them."""
        encoders = [] if self.has_own_encoder else [self.encoder]
        return super().given_components + encoders

    def make_initial_heads(self) -> list[keras.Layer]:
        """One linear map M2, to the hidden state."""
        return [
            keras.layers.Dense(
                self.rnn_units, use_bias=False, dtype=self.dtype_policy
            )
        ]

    def initial_layer_state(self, code: tf.Tensor) -> list[tf.Tensor]:
        """h0 = M2 z; an LSTM's c0 is 0."""
        hidden = self.initial_heads[0](code)
        zeros = tf.zeros_like(hidden)
        return [hidden, zeros][: self.decoder.num_states]

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "encoder": given(self.encoder, self.has_own_encoder)
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LSTMVAE":
        """Rebuild the model.

        Files of before have LSTM-VAE-AVG as an LSTM-VAE with an argument
        `averaging`.
        """
        config = dict(config)
        if config.pop("averaging", "log_likelihoods") == "hidden_states":
            return SPECS["lstm_vae_avg"].load().from_config(config)
        return super().from_config(config)
