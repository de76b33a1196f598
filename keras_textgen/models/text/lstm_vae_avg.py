"""LSTM-VAE-AVG: Kruengkrai 2019."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.decoding.common import checked_seed
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.text_model import DecoderState, TextData
from keras_textgen.noise import Noise, RowNoise, TextNoise


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMVAEAVG(LSTMVAE):
    """LSTM-VAE that averages the hidden states of its L samples.

    Kruengkrai 2019, "Better exploiting latent variables in text modeling"
    (ACL). The decoder's hidden states of the samples z_1 ... z_L of q(z | x)
    are averaged before the softmax, so that nll is -log p(x | z_1 ... z_L).
    The paper charges for one KL, but the likelihood depends on L latents:
    -(nll + kl) is no bound and can exceed log p(x). -(nll + L kl) is one, of
    the model whose prior draws L latents; `log_likelihood` bounds that model,
    and texts are generated from it. Codes of `encode` are single latents.

    A code is L latents side by side, [N, L * Z], or a single one, and the
    tensors of a decoder state are [N, L, ...].

    Args:
        vocabulary: Text to ids and back.
        num_samples: L; with 1 the model is an `LSTMVAE`.
        **kwargs: As in `LSTMVAE`.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = LSTMVAEAVG(
        ...     Vocabulary(words),
        ...     rnn_units=8,
        ...     embedding_dim=4,
        ...     latent_dim=2,
        ...     num_samples=3,
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape
        (2, 2)
        >>> model.likelihood_kind
        'reconstruction'
    """

    def __init__(
        self, vocabulary: Vocabulary, *, num_samples: int = 1, **kwargs: Any
    ) -> None:
        # Of a single latent there is nothing to average.
        kind = "reconstruction" if num_samples > 1 else "lower bound"
        super().__init__(
            vocabulary,
            num_samples=num_samples,
            likelihood_kind=kind,
            **kwargs,
        )

    @property
    def averages_states(self) -> bool:
        """Whether there is more than one state to average."""
        return self.num_samples > 1

    @property
    def codes_per_text(self) -> int:
        """Codes decoded for each sequence: the L latents are one."""
        return 1

    def infer(self, features: tf.Tensor, noise: RowNoise) -> Inference:
        """Draw L latents for each row.

        `kl_parts` charges for one of them, as the paper does, and `log_ratio`
        for all.
        """
        copies, rows = self.num_samples, tf.shape(features)[0]
        samples = super().infer(
            tf.repeat(features, copies, axis=0), noise.of_copies(copies)
        )
        log_ratios = tf.reshape(samples.log_ratio, [rows, copies])
        return Inference(
            code=tf.reshape(samples.code, [rows, copies * self.latent_dim]),
            kl_parts=samples.kl_parts[::copies],
            log_ratio=tf.reduce_sum(log_ratios, axis=1),
        )

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw z_1 ... z_L from the prior."""
        copies = self.num_samples
        latents = super().prior_code(num_rows * copies, noise.of_copies(copies))
        return tf.reshape(latents, [num_rows, copies * self.latent_dim])

    def initial_state(
        self, code: tf.Tensor, max_length: int | tf.Tensor | None = None
    ) -> DecoderState:
        """The decoder's first state, from one latent or L side by side."""
        rows, copies = tf.shape(code)[0], code.shape[-1] // self.latent_dim
        latents = tf.reshape(code, [rows * copies, self.latent_dim])
        state = super().initial_state(latents, max_length)
        return _unflatten(state, rows, copies)

    def decode_hidden(
        self, state: DecoderState, tokens: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """The decoder's outputs, averaged, as in `TextModel`."""
        state, copies = _flatten(state)
        hidden = super().decode_hidden(state, tokens, noise)
        return _group_means(hidden, copies)

    def next_token_logits(
        self, tokens: tf.Tensor, state: DecoderState
    ) -> tuple[tf.Tensor, DecoderState]:
        """One step of the decoder, as in `TextModel`."""
        flat, copies = _flatten(state)
        tokens = tf.repeat(tokens, copies)
        hidden, flat = self.decoder_step(tokens, flat)
        logits = self.output_layer.logits(_group_means(hidden, copies))
        return logits, _unflatten(flat, tf.shape(logits)[0], copies)

    def single_latent_bound(
        self, data: TextData, seed: int = 0, batch_size: int = 32
    ) -> np.ndarray:
        """Lower bound of log p(x) of the model that decodes from one latent.

        E[log p(x | z)] - KL(q(z | x) || p(z)) with one sample; with averaged
        hidden states this is the bound that a single latent gives.

        Args:
            data: Texts or token ids, N sequences.
            seed: The same seed gives the same numbers.
            batch_size: Sequences at a time.

        Returns:
            float32 [N], nats.
        """
        bound = self.in_graph("single_latent_bound_of_tokens")
        seed = tf.constant([self.seed, checked_seed(seed)])
        return self.map_batches(
            lambda tokens: bound(tokens, seed), data, batch_size
        )

    def single_latent_bound_of_tokens(
        self, tokens: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """`single_latent_bound` of tokens [batch, time]: float32 [batch]."""
        noise = TextNoise.of(tokens, seed)
        inference = super().infer(self.read(tokens), noise)
        state = self.initial_state(inference.code)
        log_likelihood = self.decode_log_likelihood(state, tokens)
        return log_likelihood - inference.kl


def _flatten(state: DecoderState) -> tuple[DecoderState, int]:
    """Rows [N * L, ...] of tensors [N, L, ...], and L."""
    copies = state.position.shape[1]
    return _with_rows(state, [-1], rank=2), copies


def _unflatten(
    state: DecoderState, num_rows: tf.Tensor, copies: int
) -> DecoderState:
    """Undo `_flatten`."""
    return _with_rows(state, [num_rows, copies], rank=1)


def _with_rows(
    state: DecoderState, rows: list[tf.Tensor | int], rank: int
) -> DecoderState:
    """Tensors of the shape [*rows, ...] in place of `rank` axes of rows."""

    def reshaped(values: tf.Tensor) -> tf.Tensor:
        shape = tf.concat([rows, tf.shape(values)[rank:]], axis=0)
        return tf.reshape(values, shape)

    return tf.nest.map_structure(reshaped, state)


def _group_means(hidden: tf.Tensor, copies: int) -> tf.Tensor:
    """Means [N, ...] over the groups of [N * copies, ...]."""
    rows = tf.shape(hidden)[0] // copies
    grouped = tf.reshape(
        hidden, tf.concat([[rows, copies], tf.shape(hidden)[1:]], axis=0)
    )
    return tf.reduce_mean(grouped, axis=1)
