"""Optimus: Li et al. 2020, a BERT and a GPT-2 around a latent variable."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check, refused
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.layers.backbones import BertEncoder, GPT2Decoder
from keras_textgen.models.components import given
from keras_textgen.models.text import pretrained
from keras_textgen.models.text.single_latent_text_model import (
    SingleLatentTextModel,
)
from keras_textgen.schedules import CyclicalSchedule
from keras_textgen.tokens import UNKNOWN_ID


@keras.saving.register_keras_serializable("keras_textgen")
class OptimusVAE(SingleLatentTextModel):
    """Variational autoencoder that reads with BERT and writes with GPT-2.

    Li et al. 2020, "Optimus: organizing sentences via pre-trained modeling of a
    latent space" (EMNLP). q(z | x) is a Gaussian whose parameters are linear in
    BERT's pooled output; z enters GPT-2 as one more key and value of each
    layer, and is added to the embeddings, see `GPT2Decoder`. -(nll + kl) is a
    lower bound of log p(x).

    The ids of texts are those of GPT-2's subwords. BERT has subwords of its
    own: `read` writes the text of the ids, which bytes give back as it was, and
    splits it again.

    `from_backbones` makes one of keras-hub's models, and has their weights;
    without it, all weights are fresh.

    Args:
        vocabulary: Text to GPT-2's ids and back.
        encoder_vocabulary: Text to BERT's ids.
        encoder: A BERT for them.
        decoder: A GPT-2, as wide as the embedding.
        latent_dim: Dimension Z of the latent variable.
        embedding_dim: Width of the embedding; None for the decoder's.
        tied_embeddings: As in `TextModel`, and as in GPT-2.
        **kwargs: As in `SingleLatentTextModel`.

    Raises:
        ValueError: If a setting is out of its range, the encoder knows more or
            fewer ids than its vocabulary has, or keras-hub is not installed.

    Example:
        >>> settings = OptimusVAE.recipe(num_steps=1000)
        >>> settings["free_bits_per_dimension"], settings["kl_schedule"].period
        (0.5, 100)
    """

    objectives = ("bound",)
    shares_embedding = False

    def __init__(
        self,
        vocabulary: SubwordVocabulary,
        *,
        encoder_vocabulary: SubwordVocabulary,
        encoder: BertEncoder,
        decoder: GPT2Decoder,
        latent_dim: int = 32,
        embedding_dim: int | None = None,
        tied_embeddings: bool = True,
        **kwargs: Any,
    ) -> None:
        if embedding_dim is None:
            embedding_dim = decoder.units
        super().__init__(
            vocabulary,
            decoder=decoder,
            latent_dim=latent_dim,
            embedding_dim=embedding_dim,
            tied_embeddings=tied_embeddings,
            **kwargs,
        )
        if encoder.vocabulary_size != encoder_vocabulary.size:
            raise refused(
                f"encoder with vocabulary_size={encoder.vocabulary_size} and "
                f"an encoder_vocabulary of {encoder_vocabulary.size} ids",
                "as many",
            )
        self.encoder_vocabulary = encoder_vocabulary
        self.encoder = encoder
        self.build()

    @classmethod
    def from_backbones(
        cls,
        encoder: Any,
        decoder: Any,
        *,
        encoder_tokenizer: Any,
        decoder_tokenizer: Any,
        **settings: Any,
    ) -> OptimusVAE:
        """Make a model of keras-hub's BERT and GPT-2.

        The model has copies of their weights. Padding, unknown, start and end
        begin with the vector of GPT-2's <|endoftext|>, which both begins and
        ends its texts; that of the unknown token, which no text has, with no
        probability to speak of.

        Args:
            encoder: A `keras_hub.models.BertBackbone`.
            decoder: A `keras_hub.models.GPT2Backbone`.
            encoder_tokenizer: The `keras_hub.models.BertTokenizer` of the
                encoder.
            decoder_tokenizer: The `keras_hub.models.GPT2Tokenizer` of the
                decoder.
            **settings: Further arguments of the constructor.

        Returns:
            The model.

        Raises:
            ValueError: If one of the four is of another class, a tokenizer is
                not that of its backbone, or keras-hub is not installed.
        """
        for argument, value, kind in (
            ("encoder", encoder, "BertBackbone"),
            ("decoder", decoder, "GPT2Backbone"),
            ("encoder_tokenizer", encoder_tokenizer, "BertTokenizer"),
            ("decoder_tokenizer", decoder_tokenizer, "GPT2Tokenizer"),
        ):
            pretrained.check_kind(argument, value, kind)
        read, read_ids = pretrained.bert_vocabulary(encoder_tokenizer)
        written, written_ids = pretrained.gpt2_vocabulary(decoder_tokenizer)
        read_rows = pretrained.embedding_rows(
            encoder, read_ids, "encoder_tokenizer"
        )
        written_rows = pretrained.embedding_rows(
            decoder, written_ids, "decoder_tokenizer"
        )
        dtype = settings.get("dtype")
        model = cls(
            written,
            encoder_vocabulary=read,
            encoder=pretrained.encoder_like(encoder, read.size, dtype),
            decoder=pretrained.decoder_like(decoder, dtype),
            **settings,
        )
        pretrained.copy_to_encoder(model.encoder, encoder, read_rows)
        pretrained.copy_to_decoder(model.decoder, decoder)
        model.embedding.set_weights([written_rows])
        pretrained.make_unlikely(model.output_layer, UNKNOWN_ID)
        return model

    @staticmethod
    def recipe(num_steps: int, num_periods: int = 10) -> dict[str, Any]:
        """Settings against a collapsed posterior, those of the authors' code.

        In each period, the weight of the KL is 0 for one half, rises to 1 in a
        quarter, and stays there for the last one; and a dimension of z whose KL
        is below 0.5 nats costs no less. Pre-training has 10 periods there,
        fine-tuning 1.

        Args:
            num_steps: Steps of the whole training.
            num_periods: In which the weight begins at 0 again.

        Returns:
            Arguments of the constructor and of `from_backbones`.

        Raises:
            ValueError: If a number is not 1 or more.
        """
        check(SIZES, num_steps=num_steps, num_periods=num_periods)
        schedule = CyclicalSchedule(
            -(-num_steps // num_periods), ramp_fraction=0.25, zero_fraction=0.5
        )
        return {"kl_schedule": schedule, "free_bits_per_dimension": 0.5}

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """BERT, and the heads on its pooled output."""
        return [self.encoder, self.head]

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """BERT's pooled output [batch, H] of tokens [batch, time]."""
        texts = self.vocabulary.to_text(tokens)
        return self.encoder(self.encoder_vocabulary(texts))

    @property
    def given_components(self) -> list[keras.Layer]:
        """As in `TextModel`, the encoder among them."""
        return [*super().given_components, self.encoder]

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        vocabulary = keras.saving.serialize_keras_object(
            self.encoder_vocabulary
        )
        return super().get_config() | {
            "encoder_vocabulary": vocabulary,
            "encoder": given(self.encoder, is_own=False),
        }
