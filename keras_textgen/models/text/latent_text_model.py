"""What the text models with latent variables share."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    Numbers,
    OneOf,
    check,
    refused,
)
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.decoding.common import checked_integer, checked_seed
from keras_textgen.decoding.interpolation import homotopy
from keras_textgen.layers.encoders import RecurrentEncoder, TransformerEncoder
from keras_textgen.layers.masking import num_predicted_tokens
from keras_textgen.models.aggressive_encoder import AggressiveEncoder
from keras_textgen.models.components import chosen, is_recurrent
from keras_textgen.models.latent import Inference, LatentModel
from keras_textgen.models.remedies import BagOfWordsLoss, Remedy
from keras_textgen.models.text.endpoints import Endpoint, latent_endpoints
from keras_textgen.models.text.text_model import (
    DecoderState,
    TextData,
    TextModel,
    decoded_strings,
)
from keras_textgen.noise import Noise, NoNoise, RowNoise, TextNoise
from keras_textgen.replicas import GlobalRows
from keras_textgen.tokens import PAD_ID

# Tokens decoded at once for importance weights, which bounds the memory.
_TOKENS_PER_BLOCK = 8192


class LatentTextModel(LatentModel, TextModel):
    """Base of the variational text models.

    A model is given by `read` (tokens to features), `infer` (features and
    noise to a code and its KL), `prior_code` (noise to a code), `posterior`
    and `prior` (as distributions), and by its `encoder_layers`. The decoder
    starts from the code; training, evaluation and generation are in
    `TextModel`.

    Args:
        vocabulary: Text to ids and back; it is saved with the model.
        objective: "reference" computes what the original code does, "bound" a
            lower bound of log p(x); None for the first of `objectives`.
        num_samples: Samples L of the posterior for each sequence; nll and KL
            are means over them. They are decoded in one batch.
        feed_latent: Join the code to every embedded input of the decoder, so
            that it cannot be forgotten on the way.
        bag_of_words_weight: Weight in the training loss of predicting the
            words from the code alone (Zhao et al. 2017).
        aggressive_encoder: Train the encoder alone until it lags behind the
            decoder no more, then the decoder for one step, and so on, as long
            as `aggressive` is not set to 0 (He et al. 2019). It needs plain
            SGD.
        likelihood_kind: As in `LikelihoodModel`; None for what `objective`
            makes it.
        **kwargs: As in `LatentModel` and `TextModel`. The embedding is shared
            by encoder and decoder.

    Raises:
        ValueError: If a setting is out of its range.

    Attributes:
        objectives: What a class allows as `objective`.
        shares_embedding: Whether the encoder reads the decoder's embedding.
    """

    objectives = ("reference", "bound")
    shares_embedding = True

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        objective: str | None = None,
        num_samples: int = 1,
        feed_latent: bool = False,
        bag_of_words_weight: float = 0.0,
        aggressive_encoder: bool = False,
        likelihood_kind: str | None = None,
        **kwargs: Any,
    ) -> None:
        objective = self.objectives[0] if objective is None else objective
        check(OneOf(self.objectives), objective=objective)
        check(SWITCHES, feed_latent=feed_latent)
        check(SWITCHES, aggressive_encoder=aggressive_encoder)
        kinds = {"bound": "lower bound", "reference": "reconstruction"}
        super().__init__(
            vocabulary,
            likelihood_kind=likelihood_kind or kinds[objective],
            joins_code=feed_latent,
            remedies=_remedies(bag_of_words_weight, aggressive_encoder),
            **kwargs,
        )
        check(SIZES, num_samples=num_samples)
        self.objective = objective
        self.num_samples = num_samples
        self.feed_latent = feed_latent
        self.bag_of_words_weight = bag_of_words_weight
        self.initial_heads = []
        if self.has_own_decoder:
            self.initial_heads = self.make_initial_heads()

    # -- What a model adds ---------------------------------------------------

    @property
    def latent_columns(self) -> slice:
        """Which columns of a code are latent variables of the posterior."""
        return slice(0, self.code_size)

    def require_prior(self) -> None:
        """Raise ValueError where the model has no prior."""
        if not self.has_prior:
            raise refused(
                f"{type(self).__name__} with objective={self.objective!r}"
                " decodes from the encoded text itself: it has no prior and "
                "no likelihood",
                "objective='bound'",
            )

    # -- The model -----------------------------------------------------------

    def call(
        self, tokens: tf.Tensor, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Objective of each sequence, as in `TextModel`.

        "nll" is -log p(x | z) at one sample z of the posterior.
        """
        truncated = self.objective == "reference"
        if training:
            seed, first = self.step_seed(), GlobalRows.of(tokens).first
            noise = Noise(seed, first, truncated)
            dropout_noise = Noise(seed, first)
        else:
            # The samples that weigh first in `log_likelihood`, with seed 0.
            noise = TextNoise.of(tokens, [self.seed, 0], truncated)
            dropout_noise = None
        features = tf.repeat(self.read(tokens), self.codes_per_text, axis=0)
        inference = self.infer(features, noise.of_copies(self.codes_per_text))
        log_likelihood = self.decode_log_likelihood(
            self.initial_state(inference.code), tokens, dropout_noise
        )
        outputs = {
            "nll": -self.mean_over_codes(log_likelihood),
            **self.kl_outputs(inference),
            "num_tokens": num_predicted_tokens(tokens),
        }
        if training:
            outputs |= self.training_outputs(
                inference, tokens, noise.of_copies(self.codes_per_text)
            )
        return outputs

    def kl_outputs(self, inference: Inference) -> dict[str, tf.Tensor]:
        """The KL of each sequence, [batch], from the rows of its codes."""
        return {"kl": self.mean_over_codes(inference.kl)}

    def training_outputs(
        self, inference: Inference, tokens: tf.Tensor, noise: RowNoise
    ) -> dict[str, tf.Tensor]:
        """What only the training loss is made of, of each sequence.

        Args:
            inference: Of codes_per_text rows a sequence.
            tokens: int32 [batch, time].
            noise: For the rows of the inference.

        Returns:
            Tensors [batch, ...].
        """
        del noise
        outputs = {"kl_parts": self.mean_over_codes(inference.kl_parts)}
        for remedy in self.remedies:
            outputs |= remedy.outputs(self, inference.code, tokens)
        return outputs

    @property
    def codes_per_text(self) -> int:
        """Codes that are drawn and decoded for each sequence."""
        return self.num_samples

    def mean_over_codes(self, values: tf.Tensor) -> tf.Tensor:
        """Means [batch, ...] of [batch * codes_per_text, ...]."""
        if self.codes_per_text == 1:
            return values
        rows = tf.shape(values)[0] // self.codes_per_text
        shape = [rows, self.codes_per_text, *values.shape[1:]]
        return tf.reduce_mean(tf.reshape(values, shape), axis=1)

    def chosen_encoder(
        self, encoder: keras.Layer | str | None, features: str = "hidden"
    ) -> keras.Layer:
        """The encoder that the model was given, or else recurrent layers.

        Args:
            encoder: A layer, see `keras_textgen.layers.encoders`, or a name.
            features: Of the recurrent layers: see `RecurrentEncoder`.
        """
        self.has_own_encoder = is_recurrent(encoder)
        if self.has_own_encoder:
            return RecurrentEncoder(
                self.rnn_units,
                self.num_layers,
                self.rnn_type,
                features=features,
                dtype=self.dtype_policy,
            )
        return chosen(
            encoder,
            "encoder",
            TransformerEncoder,
            units=self.embedding_dim,
            dtype=self.dtype_policy,
        )

    def make_initial_heads(self) -> list[keras.Layer]:
        """The layers between a code and the decoder's first state."""
        return [
            keras.layers.Dense(
                self.rnn_units, activation="elu", dtype=self.dtype_policy
            )
            for _ in range(self.decoder.num_states)
        ]

    def initial_layer_state(self, code: tf.Tensor) -> list[tf.Tensor]:
        """First state of each recurrent layer: h0 = elu(head(code)), ..."""
        return [head(code) for head in self.initial_heads]

    def generation_state(
        self,
        num_texts: tf.Tensor,
        noise: RowNoise,
        condition: tf.Tensor | None = None,
    ) -> DecoderState:
        """Decoder states of codes from the prior, or a text's posterior.

        Raises:
            ValueError: If it is the prior, and the model has none.
        """
        if condition is not None:
            features = tf.repeat(self.read(condition), num_texts, axis=0)
            return self.initial_state(self.infer(features, noise).code)
        self.require_prior()
        return self.initial_state(self.prior_code(num_texts, noise))

    # -- Texts and arrays in, texts and arrays out ---------------------------

    def encode(self, data: TextData, batch_size: int = 32) -> np.ndarray:
        """Mean codes: every latent variable at its mean.

        Args:
            data: Texts or token ids, N sequences.
            batch_size: Sequences at a time.

        Returns:
            float32 [N, code_size].
        """
        encode = self.in_graph("encode_tokens")
        return self.map_batches(encode, data, batch_size)

    def decode(
        self,
        codes: np.ndarray | tf.Tensor,
        beam_width: int = 5,
        ban_unknown: bool = True,
    ) -> list[str]:
        """Find the most likely text of each code by beam search.

        Args:
            codes: [N, code_size].
            beam_width: Hypotheses kept.
            ban_unknown: Never emit the unknown token.

        Returns:
            N strings.

        Raises:
            ValueError: If there are no codes, or they are not finite numbers
                [N, code_size].
        """
        codes = np.asarray(codes, np.float32)
        if codes.ndim != 2 or codes.shape[1] != self.code_size:
            raise refused(
                f"codes of shape {list(codes.shape)}", f"[N, {self.code_size}]"
            )
        if not len(codes):
            raise refused("no codes", "1 code or more")
        not_finite = np.flatnonzero(~np.isfinite(codes).all(axis=1))
        if len(not_finite):
            raise refused(
                f"code {not_finite[0]} is {codes[not_finite[0]]}",
                "finite numbers",
            )
        tokens = self.in_graph("decode_codes")(
            tf.constant(codes),
            beam_width=beam_width,
            ban_unknown=ban_unknown,
        )
        return decoded_strings(self.vocabulary.to_text(tokens))

    def reconstruct(
        self,
        data: TextData,
        beam_width: int = 5,
        ban_unknown: bool = True,
        batch_size: int = 32,
    ) -> list[str]:
        """Decode each sequence's mean code by beam search.

        Args:
            data: Texts or token ids.
            beam_width: Hypotheses kept.
            ban_unknown: Never emit the unknown token.
            batch_size: Sequences at a time.

        Returns:
            One text a sequence, of at most twice as many tokens (the HDGM code
            base caps all of a batch by its longest, so that a text would have
            other reconstructions beside others).
        """
        reconstruct = self.in_graph("reconstruct_tokens")

        def texts(tokens: tf.Tensor) -> tf.Tensor:
            tokens = reconstruct(
                tokens, beam_width=beam_width, ban_unknown=ban_unknown
            )
            return self.vocabulary.to_text(tokens)

        return decoded_strings(self.map_batches(texts, data, batch_size))

    def interpolate(
        self, first: str, second: str, steps: int = 5, beam_width: int = 5
    ) -> list[str]:
        """Decode the straight line between the codes of two texts.

        Bowman et al. 2016, section 4.3 (homotopies).

        Args:
            first: Where the line starts.
            second: Where it ends.
            steps: Number of texts, both ends included.
            beam_width: Hypotheses kept.

        Returns:
            `steps` strings.
        """
        start, end = self.encode([first, second])
        return self.decode(homotopy(start, end, steps)[0], beam_width)

    def log_likelihood(
        self,
        data: TextData,
        num_samples: int = 100,
        seed: int = 0,
        batch_size: int = 32,
    ) -> np.ndarray:
        """Importance-weighted lower bound of log p(x) (Burda et al. 2016).

        log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x), z_k from q(z | x). The
        samples of a text are a function of the text and the seed, and the
        first of many are those of fewer.

        Args:
            data: Texts or token ids, N sequences.
            num_samples: K, at least 1; memory does not grow with it.
            seed: The same seed gives the same numbers.
            batch_size: Sequences at a time.

        Returns:
            float32 [N], nats.

        Raises:
            ValueError: If the model defines no likelihood.
        """
        num_samples = checked_integer("num_samples", num_samples, minimum=1)
        seed = tf.constant([self.seed, checked_seed(seed)])
        bound = self.in_graph("importance_weighted_bound")
        return self.map_batches(
            lambda tokens: bound(tokens, num_samples, seed), data, batch_size
        )

    # -- The same in the graph, for the methods above and for export ---------

    def encode_tokens(self, tokens: tf.Tensor) -> tf.Tensor:
        """Mean codes [batch, code_size] of tokens [batch, time]."""
        return self.infer(self.read(tokens), NoNoise()).code

    def decode_codes(
        self, codes: tf.Tensor, *, beam_width: int, ban_unknown: bool
    ) -> tf.Tensor:
        """Tokens [N, length] of codes [N, code_size], by beam search."""
        return self.beam_search(
            self.initial_state(codes),
            beam_width=beam_width,
            max_length=self.max_length,
            ban_unknown=ban_unknown,
        )

    def reconstruct_tokens(
        self,
        tokens: tf.Tensor,
        *,
        beam_width: int = 5,
        ban_unknown: bool = True,
    ) -> tf.Tensor:
        """Encode tokens [batch, time] and decode the mean codes."""
        max_length = 2 * tf.shape(tokens)[1]
        is_token = tf.cast(tokens != PAD_ID, tf.int32)
        return self.beam_search(
            self.initial_state(self.encode_tokens(tokens), max_length),
            beam_width=beam_width,
            max_length=max_length,
            max_lengths=2 * tf.reduce_sum(is_token, axis=1),
            ban_unknown=ban_unknown,
        )

    def importance_noise(self, x: tf.Tensor, seed: tf.Tensor) -> TextNoise:
        """Noise of the samples of tokens x [batch, time]."""
        return TextNoise.of(x, seed)

    def samples_at_once(self, x: tf.Tensor) -> tf.Tensor:
        """Samples of each row that make a block; of no rows, any number."""
        size = tf.maximum(tf.size(x), 1)
        return tf.maximum(_TOKENS_PER_BLOCK // size, 1)

    def log_weights(
        self,
        features: tf.Tensor,
        x: tf.Tensor,
        noise: RowNoise,
        num_samples: int | tf.Tensor,
    ) -> tf.Tensor:
        """Log weights [num_samples, batch]; noise is not truncated."""
        self.require_prior()
        features = tf.repeat(features, num_samples, axis=0)
        inference = self.infer(features, noise)
        log_likelihood = self.decode_log_likelihood(
            self.initial_state(inference.code), x
        )
        weights = log_likelihood - inference.log_ratio  # [batch * samples]
        return tf.transpose(tf.reshape(weights, [-1, num_samples]))

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""
        return latent_endpoints(self)

    # -- The encoder's weights and the others --------------------------------

    @property
    def aggressive(self) -> keras.Variable:
        """1 while the encoder is trained aggressively; 0 ends it."""
        return self.aggressive_encoder.aggressive

    def posterior_variables(self) -> list[keras.Variable]:
        """Those of the encoder, and the embedding if it is shared."""
        shared = [self.embedding.embeddings] if self.shares_embedding else []
        return self.encoder_variables() + shared

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "objective": self.objective,
            "num_samples": self.num_samples,
            "feed_latent": self.feed_latent,
            "bag_of_words_weight": self.bag_of_words_weight,
            "aggressive_encoder": any(
                isinstance(each, AggressiveEncoder) for each in self.remedies
            ),
        }


def _remedies(
    bag_of_words_weight: float, aggressive_encoder: bool
) -> list[Remedy]:
    """The remedies that the arguments of these names ask for."""
    check(Numbers(at_least=0), bag_of_words_weight=bag_of_words_weight)
    remedies: list[Remedy] = []
    if bag_of_words_weight:
        remedies.append(BagOfWordsLoss(bag_of_words_weight))
    if aggressive_encoder:
        remedies.append(AggressiveEncoder())
    return remedies
