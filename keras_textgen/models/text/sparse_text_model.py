"""What HSVAE and MAT-VAE share: encoder, and how the code is decoded."""

from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import SWITCHES, check, refused
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.spike_and_slab import SpikeAndSlab
from keras_textgen.models.components import given
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.text_model import TextData
from keras_textgen.noise import RowNoise
from keras_textgen.serving.endpoints import (
    Endpoint,
    Outputs,
    of_texts_or_tokens,
)
from keras_textgen.tokens import PAD_ID

SPIKE_SCALE = 0.05


class SparseTextModel(LatentTextModel):
    """Base of the models with sparse codes.

    A GRU reads the text; a second one, from a state of zeros, writes it with
    the code joined to every input. The end token starts a sequence.

    Args:
        vocabulary: Text to ids and back.
        encoder: What reads: a layer, see `keras_textgen.layers.encoders`, or a
            name, "recurrent", as None, or "transformer".
        **kwargs: As in `LatentTextModel`; `objective` is "bound".

    Raises:
        ValueError: If a setting is out of its range; `feed_latent` must be
            True, as nothing else of the decoder depends on the code.
    """

    objectives = ("bound",)

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        embedding_dim: int = 256,
        rnn_units: int = 512,
        num_layers: int = 1,
        rnn_type: str = "gru",
        latent_dim: int = 32,
        feed_latent: bool = True,
        starts_with_end: bool = True,
        encoder: keras.Layer | str | None = None,
        **kwargs: Any,
    ) -> None:
        if not feed_latent:
            raise refused(
                f"feed_latent={feed_latent}",
                "True, as the decoder's first state is zero",
            )
        super().__init__(
            vocabulary,
            embedding_dim=embedding_dim,
            rnn_units=rnn_units,
            num_layers=num_layers,
            rnn_type=rnn_type,
            latent_dim=latent_dim,
            feed_latent=feed_latent,
            starts_with_end=starts_with_end,
            **kwargs,
        )
        self.encoder = self.chosen_encoder(encoder)

    # -- What a model adds ---------------------------------------------------

    def codes_and_mask(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean codes, and which of their dimensions say something.

        Args:
            tokens: int32 [batch, time].

        Returns:
            float32 and bool, both [batch, Z].
        """
        raise NotImplementedError

    def code_views(
        self, tokens: tf.Tensor, noise: RowNoise
    ) -> dict[str, tf.Tensor]:
        """The codes whose sparsity is measured, by name: each [batch, Z]."""
        raise NotImplementedError

    # -- The model -----------------------------------------------------------

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The encoder's last output, [batch, units]."""
        words = tokens[:, 1:]
        return self.encoder(self.embed(words), mask=words != PAD_ID)

    def make_initial_heads(self) -> list[keras.Layer]:
        """None: the decoder starts from zeros."""
        return []

    def initial_layer_state(self, code: tf.Tensor) -> list[tf.Tensor]:
        """Zeros."""
        return self.decoder.zero_state(code)

    def kl_outputs(self, inference: Inference) -> dict[str, tf.Tensor]:
        """Adds "weighted_kl", the KL as the objective weighs its parts."""
        parts = self.weighted_kl_parts(inference.kl_parts)
        weighted_kl = self.mean_over_codes(tf.reduce_sum(parts, axis=-1))
        return {**super().kl_outputs(inference), "weighted_kl": weighted_kl}

    def evaluation_losses(self, outputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Of each sequence, the objective with its own weights of the KL.

        The best epoch by the bound would be one before the codes are used:
        weights far below 1 trade the bound for codes that tell more.
        """
        return outputs["nll"] + outputs["weighted_kl"]

    # -- Texts in, codes out -------------------------------------------------

    def encode(
        self, data: TextData, batch_size: int = 32, sparse: bool = False
    ) -> np.ndarray | scipy.sparse.csr_matrix:
        """Mean codes, whole or with the dimensions that are off left out.

        Args:
            data: Texts or token ids, N sequences.
            batch_size: Sequences at a time.
            sparse: Keep only the dimensions that `is_on` names.

        Returns:
            float32 [N, Z]; a SciPy matrix of the same shape if `sparse`, made
            batch by batch.
        """
        check(SWITCHES, sparse=sparse)
        if not sparse:
            return super().encode(data, batch_size)
        dataset, order = self.in_batches(data, batch_size)
        codes = self.in_graph("masked_codes")
        rows = [
            scipy.sparse.csr_matrix(codes(each).numpy()) for each in dataset
        ]
        return scipy.sparse.vstack(rows, "csr")[order]

    # -- The same in the graph, for the methods above and for export ---------

    def encode_tokens(self, tokens: tf.Tensor) -> tf.Tensor:
        """Mean codes [batch, Z] of tokens [batch, time]."""
        codes, _ = self.codes_and_mask(tokens)
        return codes

    def is_on(self, tokens: tf.Tensor) -> tf.Tensor:
        """Which dimensions say something about a text: bool [batch, Z]."""
        _, is_on = self.codes_and_mask(tokens)
        return is_on

    def masked_codes(self, tokens: tf.Tensor) -> tf.Tensor:
        """Mean codes [batch, Z], 0 where a dimension is off."""
        codes, is_on = self.codes_and_mask(tokens)
        return tf.where(is_on, codes, 0.0)

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""

        def encode(tokens: tf.Tensor) -> Outputs:
            code, mask = self.codes_and_mask(tokens)
            return {"code": code, "mask": mask}

        return super().endpoints() | {
            "encode": of_texts_or_tokens(self.vocabulary, encode)
        }

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "encoder": given(self.encoder, self.has_own_encoder)
        }


def sample_by_row(
    distribution: SpikeAndSlab, shape: list[tf.Tensor | int], noise: RowNoise
) -> tf.Tensor:
    """Samples [rows, Z] that depend on nothing but seed, step and row."""
    return distribution.from_noise(
        noise.uniform("choice", shape),
        noise.normal("spike", shape),
        noise.normal("slab", shape),
    )
