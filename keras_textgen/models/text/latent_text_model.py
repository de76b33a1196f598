"""What the text models with latent variables share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, check
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.decoding.common import checked_integer, checked_seed
from keras_textgen.decoding.interpolation import homotopy
from keras_textgen.layers.bag_of_words import BagOfWordsLogLikelihood
from keras_textgen.models.text.aggressive_encoder import AggressiveEncoder
from keras_textgen.models.text.endpoints import Endpoint, latent_endpoints
from keras_textgen.models.text.text_model import (
    DecoderState,
    TextData,
    TextModel,
    decoded_strings,
    num_predicted_tokens,
)
from keras_textgen.noise import GlobalRows, Noise, NoNoise, RowNoise, TextNoise
from keras_textgen.objectives.free_bits import check_floors, free_bits
from keras_textgen.objectives.importance_weights import (
    importance_weighted_bound,
)
from keras_textgen.private_names import strategy_of, unscaled

# Tokens decoded at once for importance weights, which bounds the memory.
_TOKENS_PER_BLOCK = 8192


class Inference(NamedTuple):
    """One sample of the latent variables for each of N rows.

    Attributes:
        code: What the decoder starts from, [N, code_size].
        kl_parts: The KL term of the objective in nats by dimension of the
            latent variables, [N, P].
        log_ratio: log q(z|x) - log p(z) at the sample, [N]; None where the
            objective has no joint density to weigh a sample by.
    """

    code: tf.Tensor
    kl_parts: tf.Tensor
    log_ratio: tf.Tensor | None

    @property
    def kl(self) -> tf.Tensor:
        """The KL term as a whole, [N]."""
        return tf.reduce_sum(self.kl_parts, axis=-1)


class LatentTextModel(TextModel):
    """Base of the variational text models.

    A model is given by `read` (tokens to features), `infer` (features and
    noise to a code and its KL), `prior_code` (noise to a code), `posterior`
    and `prior` (as distributions), and by its `encoder_layers`. The decoder
    starts from the code; training, evaluation and generation are in
    `TextModel`.

    Args:
        vocabulary: Text to ids and back; it is saved with the model.
        latent_dim: Dimension Z of a latent variable.
        objective: "reference" computes what the original code does, "bound" a
            lower bound of log p(x); None for the first of `objectives`.
        kl_schedule: Weight of the KL as a function of the training step; None
            for 1 throughout.
        num_samples: Samples L of the posterior for each sequence; nll and KL
            are means over them. They are decoded in one batch.
        feed_latent: Join the code to every embedded input of the decoder, so
            that it cannot be forgotten on the way.
        free_bits: Floor of the KL in nats, below which the training loss does
            not push it (Kingma et al. 2016, appendix C.8).
        free_bits_per_dimension: The same for each dimension of the latent
            variables; only one of the two floors can be above 0.
        bag_of_words_weight: Weight in the training loss of predicting the
            words from the code alone (Zhao et al. 2017).
        aggressive_encoder: Train the encoder alone until it lags behind the
            decoder no more, then the decoder for one step, and so on, as long
            as `aggressive` is not set to 0 (He et al. 2019). It needs plain
            SGD.
        likelihood_kind: As in `TextModel`; None for what `objective` makes it.
        **kwargs: As in `TextModel`. The embedding is shared by encoder and
            decoder.

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
        latent_dim: int = 16,
        objective: str | None = None,
        kl_schedule: Callable[[tf.Tensor], tf.Tensor] | None = None,
        num_samples: int = 1,
        feed_latent: bool = False,
        free_bits: float = 0.0,
        free_bits_per_dimension: float = 0.0,
        bag_of_words_weight: float = 0.0,
        aggressive_encoder: bool = False,
        likelihood_kind: str | None = None,
        **kwargs: Any,
    ) -> None:
        objective = objective or self.objectives[0]
        if objective not in self.objectives:
            raise ValueError(
                f"objective={objective!r} is unknown; "
                f"allowed: {', '.join(self.objectives)}"
            )
        kinds = {"bound": "lower bound", "reference": "reconstruction"}
        super().__init__(
            vocabulary,
            likelihood_kind=likelihood_kind or kinds[objective],
            **kwargs,
        )
        check(SIZES, latent_dim=latent_dim, num_samples=num_samples)
        check_floors(free_bits, free_bits_per_dimension)
        if not bag_of_words_weight >= 0:
            raise ValueError(
                f"bag_of_words_weight={bag_of_words_weight} is not allowed; "
                "at least 0"
            )
        self.latent_dim = latent_dim
        self.objective = objective
        self.kl_schedule = kl_schedule
        self.num_samples = num_samples
        self.feed_latent = feed_latent
        self.free_bits = free_bits
        self.free_bits_per_dimension = free_bits_per_dimension
        self.bag_of_words_weight = bag_of_words_weight
        self.bag_of_words = None
        if bag_of_words_weight:
            self.bag_of_words = BagOfWordsLogLikelihood(vocabulary.size)
        self.aggressive_encoder = None
        if aggressive_encoder:
            self.aggressive_encoder = AggressiveEncoder(self)
        self.initial_heads = self.make_initial_heads()
        # The step at which the KL schedule begins; before it the weight is 0.
        self.annealing_start = self._counter("annealing_start")

    # -- What a model adds ---------------------------------------------------

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The layers that only the posterior depends on."""
        raise NotImplementedError

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """Features of the posterior, [batch, features], from tokens."""
        raise NotImplementedError

    def infer(
        self, features: tf.Tensor, noise: RowNoise | NoNoise
    ) -> Inference:
        """Draw one sample of the latent variables for each row."""
        raise NotImplementedError

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw codes [num_rows, code_size] from the prior."""
        raise NotImplementedError

    def posterior(self, tokens: tf.Tensor) -> Any:
        """q(z | x) as a tfp distribution with batch shape [batch]."""
        raise NotImplementedError

    @property
    def prior(self) -> Any:
        """p(z) as a tfp distribution."""
        raise NotImplementedError

    @property
    def code_size(self) -> int:
        """Width of a code."""
        raise NotImplementedError

    @property
    def latent_columns(self) -> slice:
        """Which columns of a code are latent variables of the posterior."""
        return slice(0, self.code_size)

    @property
    def has_prior(self) -> bool:
        """Whether the model can generate from a prior, and weigh by one."""
        return True

    def require_prior(self) -> None:
        """Raise ValueError where the model has no prior."""
        if not self.has_prior:
            raise ValueError(
                f"{type(self).__name__} with objective={self.objective!r} "
                "decodes from the encoded text itself: it has no prior and "
                "no likelihood; allowed: objective='bound'"
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
        if self.bag_of_words is not None:
            targets = tf.repeat(tokens[:, 1:], self.codes_per_text, axis=0)
            latents = inference.code[:, self.latent_columns]
            outputs["bag_of_words_nll"] = -self.mean_over_codes(
                self.bag_of_words(latents, targets)
            )
        return outputs

    def training_losses(
        self,
        outputs: dict[str, tf.Tensor],
        kl_weight: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What is minimized, as in `TextModel`."""
        kl = free_bits(
            self.weighted_kl_parts(outputs["kl_parts"]),
            total=self.free_bits,
            per_dimension=self.free_bits_per_dimension,
            sample_weight=sample_weight,
        )
        losses = outputs["nll"] + kl_weight * kl
        if self.bag_of_words is not None:
            losses += self.bag_of_words_weight * outputs["bag_of_words_nll"]
        return losses

    def weighted_kl_parts(self, kl_parts: tf.Tensor) -> tf.Tensor:
        """The KL's parts [batch, P] as the training loss weighs them."""
        return kl_parts

    @property
    def refuses_weights(self) -> str | None:
        """Encoder and decoder take turns by the loss of all sequences."""
        if self.aggressive_encoder is not None:
            return "aggressive_encoder=True"
        return super().refuses_weights

    def selected_gradients(
        self, gradients: list[tf.Tensor], outputs: dict[str, tf.Tensor]
    ) -> list[tf.Tensor]:
        """Those of the side, encoder or decoder, whose turn it is.

        Raises:
            ValueError: If the optimizer moves what has no gradient.
        """
        if self.aggressive_encoder is None:
            return gradients
        inner = unscaled(self.optimizer)
        _check_plain_sgd(inner)
        # Both sides are clipped together, as by the authors.
        if inner.global_clipnorm:
            norm = self.optimizer.scale_loss(tf.constant(inner.global_clipnorm))
            gradients, _ = tf.clip_by_global_norm(gradients, norm)
        gradients = self.aggressive_encoder.masked(
            gradients, self.trainable_variables, self.encoder_variables()
        )
        self.aggressive_encoder.record(
            tf.reduce_sum(outputs["losses"]),
            tf.reduce_sum(outputs["num_tokens"]),
        )
        return gradients

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

    def initial_state(self, code: tf.Tensor) -> DecoderState:
        """The decoder's first state; that of its layers is the same for all.

        Args:
            code: [N, code_size].
        """
        layers = [self.initial_layer_state(code)] * self.num_layers
        return DecoderState(layers, code if self.feed_latent else code[:, :0])

    def kl_weight(self) -> tf.Tensor:
        """Weight of the KL in the training loss at the current step."""
        step = tf.convert_to_tensor(self.train_steps) - self.annealing_start
        has_begun = tf.cast(step >= 0, tf.float32)
        if self.kl_schedule is None:
            return has_begun
        return has_begun * self.kl_schedule(tf.maximum(step, 0))

    def generation_state(
        self, num_texts: tf.Tensor, noise: RowNoise
    ) -> DecoderState:
        """Decoder states of codes from the prior.

        Raises:
            ValueError: If the model has no prior to sample from.
        """
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
            raise ValueError(
                f"codes of shape {list(codes.shape)}; allowed: "
                f"[N, {self.code_size}]"
            )
        if not len(codes):
            raise ValueError("no codes; allowed: 1 code or more")
        not_finite = np.flatnonzero(~np.isfinite(codes).all(axis=1))
        if len(not_finite):
            raise ValueError(
                f"code {not_finite[0]} is {codes[not_finite[0]]}; allowed: "
                "finite numbers"
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
            One text a sequence, at most twice as long as the longest of its
            batch (the cap of the HDGM code base).
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
        return self.beam_search(
            self.initial_state(self.encode_tokens(tokens)),
            beam_width=beam_width,
            max_length=2 * tf.shape(tokens)[1],
            ban_unknown=ban_unknown,
        )

    def log_importance_weights(
        self, tokens: tf.Tensor, num_samples: int | tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """log p(x | z_k) + log p(z_k) - log q(z_k | x), z_k from q(z | x).

        Args:
            tokens: int32 [batch, time].
            num_samples: K.
            seed: int32 [2].

        Returns:
            float32 [K, batch], nats.

        Raises:
            ValueError: If the model defines no likelihood.
        """
        noise = TextNoise.of(tokens, seed).of_samples(0, num_samples)
        return self._weigh(self.read(tokens), tokens, noise, num_samples)

    def importance_weighted_bound(
        self, tokens: tf.Tensor, num_samples: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """`log_likelihood` of tokens [batch, time]: float32 [batch]."""
        features, noise = self.read(tokens), TextNoise.of(tokens, seed)
        bound = importance_weighted_bound(
            lambda first, size: self._weigh(
                features, tokens, noise.of_samples(first, size), size
            ),
            batch_size=tf.shape(tokens)[0],
            num_samples=num_samples,
            block_size=_samples_at_once(tokens),
        )
        return tf.cast(bound, tf.float32)

    def _weigh(
        self,
        features: tf.Tensor,
        tokens: tf.Tensor,
        noise: TextNoise,
        num_samples: int | tf.Tensor,
    ) -> tf.Tensor:
        """Log weights [num_samples, batch]; noise is not truncated."""
        self.require_prior()
        features = tf.repeat(features, num_samples, axis=0)
        inference = self.infer(features, noise)
        log_likelihood = self.decode_log_likelihood(
            self.initial_state(inference.code), tokens
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

    def encoder_variables(self) -> list[keras.Variable]:
        """The trainable variables that only the posterior depends on."""
        # The levels of a deep posterior share their memory.
        distinct = {
            id(variable): variable
            for layer in self.encoder_layers
            for variable in layer.trainable_variables
        }
        return [*distinct.values()]

    def reset_decoder(self) -> None:
        """Give all that the posterior does not depend on fresh values.

        They are a function of the seed, and other than the first ones. Keras's
        global generator is seeded on the way.
        """
        keras.utils.set_random_seed(self.seed + 1)
        config = {**self.get_config(), "seed": self.seed + 1}
        with strategy_of(self).scope():
            fresh = self.from_config(config)
        kept = self.encoder_variables()
        if self.shares_embedding:
            kept.append(self.embedding.embeddings)
        kept = {id(variable) for variable in kept}
        for variable, value in zip(
            self.trainable_variables, fresh.trainable_variables, strict=True
        ):
            if id(variable) not in kept:
                variable.assign(value)

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "objective": self.objective,
            "kl_schedule": serialize(self.kl_schedule),
            "num_samples": self.num_samples,
            "feed_latent": self.feed_latent,
            "free_bits": self.free_bits,
            "free_bits_per_dimension": self.free_bits_per_dimension,
            "bag_of_words_weight": self.bag_of_words_weight,
            "aggressive_encoder": self.aggressive_encoder is not None,
        }


def _samples_at_once(tokens: tf.Tensor) -> tf.Tensor:
    """Samples of each row that make a block; of no rows, any number."""
    size = tf.maximum(tf.size(tokens), 1)
    return tf.maximum(_TOKENS_PER_BLOCK // size, 1)


def _check_plain_sgd(optimizer: keras.optimizers.Optimizer) -> None:
    """Refuse optimizers that move a parameter whose gradient is 0."""
    is_sgd = isinstance(optimizer, keras.optimizers.SGD)
    if not is_sgd or optimizer.momentum or optimizer.weight_decay:
        raise ValueError(
            f"aggressive_encoder with the optimizer {optimizer.name!r} is not "
            "allowed; SGD without momentum and weight decay"
        )
