"""LSTM-VAE and LSTM-VAE-AVG: Kruengkrai 2019."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.recurrent import RecurrentStack
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.lstm_lm import INITIAL_LIMIT
from keras_textgen.models.text.single_latent_text_model import (
    SingleLatentTextModel,
)
from keras_textgen.models.text.text_model import (
    DecoderState,
    TextData,
    initialize_uniformly,
)
from keras_textgen.noise import Noise, RowNoise, TextNoise
from keras_textgen.tokens import PAD_ID

AVERAGING = ("log_likelihoods", "hidden_states")


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMVAE(SingleLatentTextModel):
    """Variational autoencoder with L samples of its latent variable.

    Kruengkrai 2019, "Better exploiting latent variables in text modeling"
    (ACL). z sets the decoder's first hidden state and is joined to every
    input embedding. What becomes of the samples z_1 ... z_L of q(z | x):

    - `averaging="log_likelihoods"` (LSTM-VAE): nll is the mean of
      -log p(x | z_l), and -(nll + kl) a lower bound of log p(x).
    - `averaging="hidden_states"` (LSTM-VAE-AVG): the decoder's hidden states
      of the L samples are averaged before the softmax, so that nll is
      -log p(x | z_1 ... z_L). The paper charges for one KL, but the likelihood
      depends on L latents: -(nll + kl) is no bound and can exceed log p(x).
      -(nll + L kl) is one, of the model whose prior draws L latents;
      `log_likelihood` bounds that model, and texts are generated from it.
      Codes of `encode` are single latents.

    All parameters start from U(-0.1, 0.1); encoder and decoder have
    embeddings of their own.

    Args:
        vocabulary: Text to ids and back.
        averaging: "log_likelihoods" or "hidden_states".
        num_samples: L; with 1 the two are the same.
        **kwargs: As in `SingleLatentTextModel`; one layer and `feed_latent` by
            default, and `objective` is "bound".

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = LSTMVAE(
        ...     Vocabulary(words),
        ...     rnn_units=8,
        ...     embedding_dim=4,
        ...     latent_dim=2,
        ...     num_samples=3,
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
        averaging: str = "log_likelihoods",
        num_samples: int = 1,
        num_layers: int = 1,
        latent_dim: int = 32,
        feed_latent: bool = True,
        **kwargs: Any,
    ) -> None:
        if averaging not in AVERAGING:
            raise ValueError(
                f"averaging={averaging!r} is unknown; "
                f"allowed: {', '.join(AVERAGING)}"
            )
        # Of a single latent there is nothing to average.
        averages_states = averaging == "hidden_states" and num_samples > 1
        super().__init__(
            vocabulary,
            num_samples=num_samples,
            num_layers=num_layers,
            latent_dim=latent_dim,
            feed_latent=feed_latent,
            likelihood_kind="reconstruction" if averages_states else None,
            **kwargs,
        )
        self.averaging = averaging
        self.averages_states = averages_states
        self.encoder_embedding = keras.layers.Embedding(
            vocabulary.size, self.embedding_dim, dtype=self.dtype_policy
        )
        self.encoder = RecurrentStack(
            self.rnn_units,
            self.num_layers,
            self.rnn_type,
            dtype=self.dtype_policy,
        )
        self.build()
        initialize_uniformly(self.trainable_weights, INITIAL_LIMIT, self.seed)

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The encoder's embedding, its recurrence, and the heads on it."""
        return [self.encoder_embedding, self.encoder, self.head]

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The top layer's last hidden state, [batch, units]."""
        embedded = self.encoder_embedding(tokens)
        _, states = self.encoder(embedded, mask=tokens != PAD_ID)
        return states[-1][0]

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

    # -- Averaged hidden states ----------------------------------------------
    # A code is then L latents side by side, [N, L * Z], or a single one, and
    # the tensors of a decoder state are [N, L, ...].

    @property
    def codes_per_text(self) -> int:
        """Codes decoded for each sequence; the L latents can be one code."""
        return 1 if self.averages_states else self.num_samples

    def infer(self, features: tf.Tensor, noise: RowNoise) -> Inference:
        """Draw one latent, or L of them to be averaged, for each row.

        Of the L latents `kl_parts` charges for one, as the paper does, and
        `log_ratio` for all of them.
        """
        if not self.averages_states:
            return super().infer(features, noise)
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
        """Draw z, or z_1 ... z_L, from the prior."""
        if not self.averages_states:
            return super().prior_code(num_rows, noise)
        copies = self.num_samples
        latents = super().prior_code(num_rows * copies, noise.of_copies(copies))
        return tf.reshape(latents, [num_rows, copies * self.latent_dim])

    def initial_state(self, code: tf.Tensor) -> DecoderState:
        """The decoder's first state, from one latent or L side by side."""
        if not self.averages_states:
            return super().initial_state(code)
        rows, copies = tf.shape(code)[0], code.shape[-1] // self.latent_dim
        latents = tf.reshape(code, [rows * copies, self.latent_dim])
        return _unflatten(super().initial_state(latents), rows, copies)

    def decode_log_likelihood(
        self,
        state: DecoderState,
        tokens: tf.Tensor,
        noise: Noise | None = None,
    ) -> tf.Tensor:
        """Log-likelihoods, as in `TextModel`, averaging first if asked to."""
        if not self.averages_states:
            return super().decode_log_likelihood(state, tokens, noise)
        state, copies = _flatten(state)
        hidden = self.decode_hidden(state, tokens, noise)
        return self.hidden_log_likelihood(
            _group_means(hidden, copies), tokens, noise
        )

    def next_token_logits(
        self, tokens: tf.Tensor, state: DecoderState
    ) -> tuple[tf.Tensor, DecoderState]:
        """One step of the decoder, as in `TextModel`."""
        if not self.averages_states:
            return super().next_token_logits(tokens, state)
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
        seed = tf.constant([self.seed, seed])
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

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"averaging": self.averaging}


def _flatten(state: DecoderState) -> tuple[DecoderState, int]:
    """Rows [N * L, ...] of tensors [N, L, ...], and L."""
    rows, copies = tf.shape(state.joined)[0], state.joined.shape[1]
    flat = tf.nest.map_structure(
        lambda each: tf.reshape(each, [rows * copies, each.shape[-1]]), state
    )
    return flat, copies


def _unflatten(
    state: DecoderState, num_rows: tf.Tensor, copies: int
) -> DecoderState:
    """Undo `_flatten`."""
    return tf.nest.map_structure(
        lambda each: tf.reshape(each, [num_rows, copies, each.shape[-1]]), state
    )


def _group_means(hidden: tf.Tensor, copies: int) -> tf.Tensor:
    """Means [N, ...] over the groups of [N * copies, ...]."""
    rows = tf.shape(hidden)[0] // copies
    grouped = tf.reshape(
        hidden, tf.concat([[rows, copies], tf.shape(hidden)[1:]], axis=0)
    )
    return tf.reduce_mean(grouped, axis=1)
