"""What HSVAE and MAT-VAE share: encoder, and how the code is decoded."""

from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.vocabulary import PAD_ID, Vocabulary
from keras_textgen.distributions.spike_and_slab import SpikeAndSlab
from keras_textgen.layers.noise import Noise
from keras_textgen.layers.recurrent import RecurrentStack
from keras_textgen.models.latent_text_model import LatentTextModel
from keras_textgen.models.text_model import TextData

SPIKE_SCALE = 0.05


class SparseTextModel(LatentTextModel):
    """Base of the models with sparse codes.

    A GRU reads the text; a second one, from a state of zeros, writes it with
    the code joined to every input. The end token starts a sequence.

    Args:
        vocabulary: Text to ids and back.
        **kwargs: As in `LatentTextModel`; `objective` is "bound".
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
        **kwargs: Any,
    ) -> None:
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
        self.encoder = RecurrentStack(
            rnn_units, num_layers, rnn_type, dtype=self.dtype_policy
        )

    # -- What a model adds ---------------------------------------------------

    def is_on(self, tokens: tf.Tensor) -> tf.Tensor:
        """Which dimensions say something about a text: bool [batch, Z]."""
        raise NotImplementedError

    def code_views(
        self, tokens: tf.Tensor, noise: Noise
    ) -> dict[str, tf.Tensor]:
        """The codes whose sparsity is measured, by name: each [batch, Z]."""
        raise NotImplementedError

    # -- The model -----------------------------------------------------------

    @property
    def code_size(self) -> int:
        """Width of a code: the latent variable itself."""
        return self.latent_dim

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The encoder's last output, [batch, units]."""
        words = tokens[:, 1:]
        _, states = self.encoder(self.embed(words), mask=words != PAD_ID)
        return states[-1][0]

    def make_initial_heads(self) -> list[keras.Layer]:
        """None: the decoder starts from zeros."""
        return []

    def initial_layer_state(self, code: tf.Tensor) -> list[tf.Tensor]:
        """Zeros."""
        zeros = tf.zeros([tf.shape(code)[0], self.rnn_units])
        zeros = tf.cast(zeros, self.compute_dtype)
        return [zeros] * self.decoder.num_states

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
            float32 [N, Z]; a SciPy matrix of the same shape if `sparse`.
        """
        if not sparse:
            return super().encode(data, batch_size)
        dataset, order = self.in_batches(data, batch_size)
        codes = self.in_graph("masked_codes")
        rows = [scipy.sparse.csr_matrix(codes(batch)) for batch in dataset]
        return scipy.sparse.vstack(rows, "csr")[order]

    def masked_codes(self, tokens: tf.Tensor) -> tf.Tensor:
        """Mean codes [batch, Z], 0 where a dimension is off."""
        return tf.where(self.is_on(tokens), self.encode_tokens(tokens), 0.0)


def sample_by_row(
    distribution: SpikeAndSlab, shape: list[tf.Tensor | int], noise: Noise
) -> tf.Tensor:
    """Samples [rows, Z] that depend on nothing but seed, step and row."""
    return distribution.from_noise(
        noise.uniform("choice", shape),
        noise.normal("spike", shape),
        noise.normal("slab", shape),
    )


def check_weights(**weights: float) -> None:
    """Refuse a named weight below 0.

    Example:
        >>> check_weights(alpha=-1.0)
        Traceback (most recent call last):
        ValueError: alpha=-1.0 is not allowed; at least 0
    """
    for name, weight in weights.items():
        if not weight >= 0:
            raise ValueError(f"{name}={weight} is not allowed; at least 0")
