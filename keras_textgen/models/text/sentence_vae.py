"""Sentence VAE: Bowman et al. 2016, the baseline of the HDGM code base."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.components import given
from keras_textgen.models.text.single_latent_text_model import (
    SingleLatentTextModel,
)
from keras_textgen.tokens import PAD_ID


@keras.saving.register_keras_serializable("keras_textgen")
class SentenceVAE(SingleLatentTextModel):
    """Variational autoencoder of sentences with a single Gaussian latent.

    Bowman et al. 2016, "Generating sentences from a continuous space"
    (CoNLL), as the HDGM code base has it: a recurrent encoder whose final
    state gives the posterior, and a recurrent decoder that sees the latent
    variable in its initial state only.

    With `objective="reference"` the noise is a truncated normal, in
    evaluation too, and -(nll + kl) is a reconstruction score; with "bound" it
    is normal, and -(nll + kl) a lower bound of log p(x). Importance weights
    (`log_likelihood`) use normal noise in both cases.

    Args:
        vocabulary: Text to ids and back.
        encoder: What reads: a layer, see `keras_textgen.layers.encoders`, or a
            name, "recurrent", as None, or "transformer".
        **kwargs: As in `SingleLatentTextModel`.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = SentenceVAE(
        ...     Vocabulary(words), rnn_units=8, embedding_dim=4, latent_dim=2
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape
        (2, 2)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        encoder: keras.Layer | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary, **kwargs)
        self.encoder = self.chosen_encoder(encoder, features="state")
        self.build()

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The recurrent encoder and the heads on its final state."""
        return [self.encoder, self.head]

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The top layer's final [c; h], [batch, 2 * units].

        The encoder reads the decoder's own inputs, hence all targets but the
        last.
        """
        is_predicted = tokens[:, 1:] != PAD_ID
        embedded = self.embed(tokens[:, :-1])
        return self.encoder(embedded, mask=is_predicted)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "encoder": given(self.encoder, self.has_own_encoder)
        }
