"""What the text models with latent variables share."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.data.batching import SequenceBatches, as_batches
from keras_textgen.data.vocabulary import (
    PAD_ID,
    START_ID,
    UNKNOWN_ID,
    Vocabulary,
)
from keras_textgen.evaluation.likelihood import importance_weighted_bound
from keras_textgen.generation.beam_search import beam_search
from keras_textgen.generation.common import (
    checked_integer,
    checked_temperature,
    checked_top_p,
)
from keras_textgen.generation.interpolation import homotopy
from keras_textgen.generation.sampling import sample
from keras_textgen.layers.noise import GlobalRows, Noise, NoNoise
from keras_textgen.layers.recurrent import RecurrentStack, State
from keras_textgen.layers.vocabulary import VocabularyLogLikelihood
from keras_textgen.models.metrics import LikelihoodMetrics

OBJECTIVES = ("reference", "bound")

# Texts, or token ids: what the methods for users take.
TextData = (
    Sequence[str] | np.ndarray | tf.Tensor | tf.data.Dataset | SequenceBatches
)

# Tokens decoded at once for importance weights, which bounds the memory.
_TOKENS_PER_BLOCK = 8192

# Streams of noise that must not meet.
_TRAINING, _EVALUATION = 0, 1


class Inference(NamedTuple):
    """One sample of the latent variables for each of N rows.

    Attributes:
        code: What the decoder starts from, [N, code_size].
        kl: The KL term of the objective in nats, [N].
        log_ratio: log q(z|x) - log p(z) at the sample, [N]; None where the
            objective has no joint density to weigh a sample by.
    """

    code: tf.Tensor
    kl: tf.Tensor
    log_ratio: tf.Tensor | None


class LatentTextModel(keras.Model):
    """Base of the variational text models.

    A model is given by five methods: `read` (tokens to features), `infer`
    (features and noise to a code and its KL), `prior_code` (noise to a code),
    `posterior` and `prior` (as distributions). The rest is here: embedding,
    decoder and vocabulary, training and evaluation steps, decoding, and the
    methods for strings.

    Tokens are int32 [batch, time] with start and end tokens inside and 0 on
    the right as padding. Noise is a function of seed, step and row of the
    global batch.

    Args:
        vocabulary: Text to ids and back; it is saved with the model.
        embedding_dim: Width E of the embedding, shared by encoder and decoder.
        rnn_units: Width H of the recurrent layers.
        num_layers: Number of recurrent layers.
        latent_dim: Dimension Z of a latent variable.
        rnn_type: "block" or "basic" (both LSTM) or "gru".
        objective: "reference" computes what the original code does, "bound" a
            lower bound of log p(x).
        word_keep_rate: Share of the decoder's input words kept in training
            (Bowman et al. 2016, section 3.1.1); the others become the
            unknown token. 0 is the inputless decoder, in evaluation too.
        kl_schedule: Weight of the KL as a function of the training step; None
            for 1 throughout.
        max_length: Cap on generated tokens, the end token included.
        seed: Seed of all noise.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        embedding_dim: int = 128,
        rnn_units: int = 200,
        num_layers: int = 2,
        latent_dim: int = 16,
        rnn_type: str = "block",
        objective: str = "reference",
        word_keep_rate: float = 1.0,
        kl_schedule: Callable[[tf.Tensor], tf.Tensor] | None = None,
        max_length: int = 60,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # XLA makes recurrent models slower on a CPU and compiles them anew
        # for each length; `compile(jit_compile=True)` still asks for it.
        self.supports_jit = False
        check_sizes(
            embedding_dim=embedding_dim,
            rnn_units=rnn_units,
            num_layers=num_layers,
            latent_dim=latent_dim,
            max_length=max_length,
        )
        if objective not in OBJECTIVES:
            raise ValueError(
                f"objective={objective!r} is unknown; "
                f"allowed: {', '.join(OBJECTIVES)}"
            )
        if not 0 <= word_keep_rate <= 1:
            raise ValueError(
                f"word_keep_rate={word_keep_rate} is outside [0, 1]"
            )
        self.vocabulary = vocabulary
        self.embedding_dim = embedding_dim
        self.rnn_units = rnn_units
        self.num_layers = num_layers
        self.latent_dim = latent_dim
        self.rnn_type = rnn_type
        self.objective = objective
        self.word_keep_rate = word_keep_rate
        self.kl_schedule = kl_schedule
        self.max_length = max_length
        self.seed = seed

        self.embedding = keras.layers.Embedding(
            vocabulary.size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
        )
        self.decoder = RecurrentStack(rnn_units, num_layers, rnn_type)
        self.initial_heads = [
            keras.layers.Dense(rnn_units, activation="elu")
            for _ in range(self.decoder.num_states)
        ]
        self.output_layer = VocabularyLogLikelihood(vocabulary.size)
        self.train_steps = self._counter("train_steps")
        self.test_steps = self._counter("test_steps")
        self._likelihood_metrics = LikelihoodMetrics(
            has_perplexity=self.likelihood_kind != "reconstruction"
        )
        self._in_graph: dict[str, Callable] = {}

    # -- What a model adds ---------------------------------------------------

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """Features of the posterior, [batch, features], from tokens."""
        raise NotImplementedError

    def infer(self, features: tf.Tensor, noise: Noise | NoNoise) -> Inference:
        """Draw one sample of the latent variables for each row."""
        raise NotImplementedError

    def prior_code(self, num_rows: tf.Tensor, noise: Noise) -> tf.Tensor:
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
    def likelihood_kind(self) -> str:
        """What -(nll + kl) is: "lower bound" or "reconstruction"."""
        return "lower bound" if self.objective == "bound" else "reconstruction"

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

    # -- Building ------------------------------------------------------------

    def build(self, input_shape: tuple | None = None) -> None:
        """Create all weights; constructors call it, users need not."""
        del input_shape
        if not self.built:
            self.built = True
            self(tf.constant([[START_ID, UNKNOWN_ID]]))

    def _counter(self, name: str) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )

    # -- The model -----------------------------------------------------------

    def call(
        self, tokens: tf.Tensor, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Objective of each sequence, with one sample of the posterior.

        Args:
            tokens: int32 [batch, time].
            training: Whether words are dropped from the decoder's inputs.

        Returns:
            float32 [batch] each: "nll", -log p(x | z) in nats; "kl", the KL
            term in nats; "num_tokens", the number of predicted tokens.
        """
        noise = Noise(
            self._step_seed(training),
            GlobalRows.of(tokens).first,
            truncated=self.objective == "reference",
        )
        inference = self.infer(self.read(tokens), noise)
        log_likelihood = self.decode_log_likelihood(
            inference.code, tokens, noise if training else None
        )
        predicted = tf.cast(tokens[:, 1:] != PAD_ID, tf.float32)
        return {
            "nll": -log_likelihood,
            "kl": inference.kl,
            "num_tokens": tf.reduce_sum(predicted, axis=1),
        }

    def decode_log_likelihood(
        self,
        code: tf.Tensor,
        tokens: tf.Tensor,
        word_noise: Noise | None = None,
    ) -> tf.Tensor:
        """log p(x | code) of each sequence.

        Args:
            code: [batch * S, code_size]; S codes of a sequence follow each
                other.
            tokens: int32 [batch, time].
            word_noise: Drops words from the decoder's inputs; None keeps all.

        Returns:
            float32 [batch * S], nats.
        """
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        embedded = self.embedding(self._drop_words(inputs, word_noise))
        copies = tf.shape(code)[0] // tf.maximum(tf.shape(tokens)[0], 1)
        embedded = tf.repeat(embedded, copies, axis=0)  # [batch * S, T, E]
        targets = tf.repeat(targets, copies, axis=0)
        hidden, _ = self.decoder(
            embedded, initial_state=self.initial_state(code)
        )
        return tf.reduce_sum(self.output_layer(hidden, targets), axis=1)

    def initial_state(self, code: tf.Tensor) -> State:
        """The decoder's first state, the same for every layer.

        c0 = elu(head(code)), h0 = elu(head'(code)).
        """
        state = [head(code) for head in self.initial_heads]
        return [state] * self.num_layers

    def next_token_logits(
        self, tokens: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, State]:
        """One step of the decoder.

        Args:
            tokens: The tokens just read, int32 [N].
            state: The state before them.

        Returns:
            Logits of the next token, float32 [N, V], and the new state.
        """
        tokens = self._drop_words(tokens, None)
        hidden, state = self.decoder.step(self.embedding(tokens), state)
        return self.output_layer.logits(hidden), state

    def _drop_words(self, inputs: tf.Tensor, noise: Noise | None) -> tf.Tensor:
        """Replace words by the unknown token; the start token stays."""
        if self.word_keep_rate == 1 or (
            self.word_keep_rate > 0 and noise is None
        ):
            return inputs
        dropped = inputs != START_ID
        if noise is not None:
            chance = noise.uniform("words", tf.unstack(tf.shape(inputs)))
            dropped &= chance >= self.word_keep_rate
        return tf.where(dropped, UNKNOWN_ID, inputs)

    def _step_seed(self, training: bool) -> tf.Tensor:
        stream = _TRAINING if training else _EVALUATION
        step = self.train_steps if training else self.test_steps
        seed = tf.constant([self.seed, stream])
        return tf.random.experimental.stateless_fold_in(
            seed, tf.convert_to_tensor(step)
        )

    # -- Training and evaluation steps ---------------------------------------

    def kl_weight(self) -> tf.Tensor:
        """Weight of the KL in the training loss at the current step."""
        if self.kl_schedule is None:
            return tf.constant(1.0)
        return self.kl_schedule(tf.convert_to_tensor(self.train_steps))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update; Keras calls it, in every replica."""
        tokens, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        kl_weight = self.kl_weight()
        with tf.GradientTape() as tape:
            outputs = self(tokens, training=True)
            losses = outputs["nll"] + kl_weight * outputs["kl"]
            # Replicas add up their gradients, so each divides by the rows of
            # all of them; the last batch need not be divided evenly.
            rows = tf.cast(GlobalRows.of(tokens).total, tf.float32)
            loss = self.optimizer.scale_loss(tf.reduce_sum(losses) / rows)
        gradients = tape.gradient(loss, self.trainable_weights)
        # Dense before they are clipped: the norm of a sparse gradient counts
        # the rows of a repeated word separately.
        gradients = [tf.convert_to_tensor(each) for each in gradients]
        self.optimizer.apply(
            _clip_over_replicas(gradients, self.optimizer),
            self.trainable_weights,
        )
        self.train_steps.assign_add(1)
        self._likelihood_metrics.update(outputs, losses, kl_weight)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One evaluation batch, with KL weight 1; Keras calls it."""
        tokens, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(tokens, training=False)
        self.test_steps.assign_add(1)
        losses = outputs["nll"] + outputs["kl"]
        self._likelihood_metrics.update(outputs, losses, tf.constant(1.0))
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The model's own metrics; Keras's loss tracker is not among them."""
        return self._likelihood_metrics.all

    # -- Strings and arrays in, strings and arrays out -----------------------

    def fit(
        self,
        x: TextData,
        *args: Any,
        batch_size: int = 32,
        validation_data: TextData | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on texts, token ids or a `tf.data.Dataset` of either.

        Texts and arrays are shuffled and batched by length.

        Args:
            x: Texts, int32 [N, time], or batches of either.
            *args: As in `keras.Model.fit`.
            batch_size: Sequences a batch, for texts and arrays.
            validation_data: As `x`.
            **kwargs: As in `keras.Model.fit`.

        Returns:
            Keras's history.
        """
        batches = as_batches(x, self.vocabulary, batch_size)
        if isinstance(batches, SequenceBatches):
            kwargs.setdefault("steps_per_epoch", batches.steps_per_epoch)
            batches = batches.training_stream()
        if validation_data is not None:
            validation_data = _evaluation_dataset(
                as_batches(validation_data, self.vocabulary, batch_size)
            )
        return super().fit(
            batches,
            *args,
            validation_data=validation_data,
            shuffle=False,  # the batches are shuffled already
            **kwargs,
        )

    def evaluate(
        self,
        x: TextData,
        *args: Any,
        batch_size: int = 32,
        **kwargs: Any,
    ) -> Any:
        """Metrics over a set; the same set gives the same numbers again."""
        self.test_steps.assign(0)
        batches = as_batches(x, self.vocabulary, batch_size)
        return super().evaluate(_evaluation_dataset(batches), *args, **kwargs)

    def predict(
        self,
        x: TextData,
        *args: Any,
        batch_size: int = 32,
        **kwargs: Any,
    ) -> dict[str, np.ndarray]:
        """`call` for every sequence, in the order of `x`."""
        self.test_steps.assign(0)
        batches = as_batches(x, self.vocabulary, batch_size)
        outputs = super().predict(_evaluation_dataset(batches), *args, **kwargs)
        if isinstance(batches, SequenceBatches):
            order = batches.original_order
            outputs = {name: each[order] for name, each in outputs.items()}
        return outputs

    def encode(self, data: TextData, batch_size: int = 32) -> np.ndarray:
        """Mean codes: every latent variable at its mean.

        Args:
            data: Texts or token ids, N sequences.
            batch_size: Sequences at a time.

        Returns:
            float32 [N, code_size].
        """
        encode = self._graph("encode_tokens")
        return self._for_each_batch(encode, data, batch_size)

    def decode(
        self, codes: np.ndarray | tf.Tensor, beam_width: int = 5
    ) -> list[str]:
        """Most likely text of each code [N, code_size], by beam search."""
        tokens = self._graph("decode_codes")(
            tf.convert_to_tensor(codes, tf.float32),
            beam_width=beam_width,
            max_length=self.max_length,
        )
        return _strings(self.vocabulary.to_text(tokens))

    def reconstruct(
        self, data: TextData, beam_width: int = 5, batch_size: int = 32
    ) -> list[str]:
        """Decode each sequence's mean code by beam search.

        Args:
            data: Texts or token ids.
            beam_width: Hypotheses kept.
            batch_size: Sequences at a time.

        Returns:
            One text a sequence, at most twice as long as the longest of its
            batch (the cap of the HDGM code base).
        """
        reconstruct = self._graph("reconstruct_tokens")

        def texts(tokens: tf.Tensor) -> tf.Tensor:
            tokens = reconstruct(tokens, beam_width=beam_width)
            return self.vocabulary.to_text(tokens)

        return _strings(self._for_each_batch(texts, data, batch_size))

    def generate(
        self,
        num_texts: int,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        ban_unknown: bool = True,
        seed: int = 0,
    ) -> list[str]:
        """Sample texts from the model: a code from the prior, then words.

        Args:
            num_texts: How many.
            temperature: Divides the logits; below 1 is more cautious.
            top_k: Keep the k most likely words only; 0 keeps all.
            top_p: Keep the most likely words of this total probability.
            ban_unknown: Never emit the unknown token.
            seed: The same seed gives the same texts.

        Returns:
            `num_texts` strings.

        Raises:
            ValueError: If the model has no prior to sample from, or an
                argument is out of its range.
        """
        checked_integer("num_texts", num_texts, minimum=1)
        checked_integer("top_k", top_k, minimum=0)
        checked_temperature(temperature)
        checked_top_p(top_p)
        tokens = self._graph("generate_tokens")(
            tf.constant(num_texts),
            seed=tf.constant([self.seed, seed]),
            temperature=tf.constant(temperature, tf.float32),
            top_k=tf.constant(top_k),
            top_p=tf.constant(top_p, tf.float32),
            ban_unknown=ban_unknown,
        )
        return _strings(self.vocabulary.to_text(tokens))

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

        log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x), z_k from q(z | x).

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
        checked_integer("num_samples", num_samples, minimum=1)
        bound = self._graph("importance_weighted_bound")
        seed = tf.constant([self.seed, seed])
        return self._for_each_batch(
            lambda tokens: bound(tokens, tf.constant(num_samples), seed),
            data,
            batch_size,
        )

    # -- The same in the graph, for the methods above and for export ---------

    def encode_tokens(self, tokens: tf.Tensor) -> tf.Tensor:
        """Mean codes [batch, code_size] of tokens [batch, time]."""
        return self.infer(self.read(tokens), NoNoise()).code

    def decode_codes(
        self,
        codes: tf.Tensor,
        *,
        beam_width: int,
        max_length: int | tf.Tensor,
    ) -> tf.Tensor:
        """Tokens [N, length] of codes [N, code_size], by beam search."""
        tokens, _ = beam_search(
            self.next_token_logits,
            self.initial_state(codes),
            beam_width=beam_width,
            max_length=max_length,
        )
        return tokens

    def reconstruct_tokens(
        self, tokens: tf.Tensor, *, beam_width: int = 5
    ) -> tf.Tensor:
        """Encode tokens [batch, time] and decode the mean codes."""
        return self.decode_codes(
            self.encode_tokens(tokens),
            beam_width=beam_width,
            max_length=2 * tf.shape(tokens)[1],
        )

    def generate_tokens(
        self,
        num_texts: tf.Tensor,
        *,
        seed: tf.Tensor,
        temperature: tf.Tensor | float = 1.0,
        top_k: tf.Tensor | int = 0,
        top_p: tf.Tensor | float = 1.0,
        ban_unknown: bool = True,
    ) -> tf.Tensor:
        """Sample tokens [num_texts, length]; arguments as in `generate`."""
        self.require_prior()
        code = self.prior_code(num_texts, Noise(seed))
        return sample(
            self.next_token_logits,
            self.initial_state(code),
            seed=seed,
            max_length=self.max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            banned_ids=[UNKNOWN_ID] if ban_unknown else [],
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
        return self._weigh(self.read(tokens), tokens, num_samples, seed)

    def importance_weighted_bound(
        self, tokens: tf.Tensor, num_samples: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """`log_likelihood` of tokens [batch, time]: float32 [batch]."""
        features = self.read(tokens)
        bound = importance_weighted_bound(
            lambda size, seed: self._weigh(features, tokens, size, seed),
            batch_size=tf.shape(tokens)[0],
            num_samples=num_samples,
            seed=seed,
            block_size=tf.maximum(_TOKENS_PER_BLOCK // tf.size(tokens), 1),
        )
        return tf.cast(bound, tf.float32)

    def _weigh(
        self,
        features: tf.Tensor,
        tokens: tf.Tensor,
        num_samples: int | tf.Tensor,
        seed: tf.Tensor,
    ) -> tf.Tensor:
        """Log weights [num_samples, batch]; noise is normal, as q is."""
        self.require_prior()
        features = tf.repeat(features, num_samples, axis=0)
        inference = self.infer(features, Noise(seed))
        log_likelihood = self.decode_log_likelihood(inference.code, tokens)
        weights = log_likelihood - inference.log_ratio  # [batch * samples]
        return tf.transpose(tf.reshape(weights, [-1, num_samples]))

    def _graph(self, method: str) -> Callable:
        """A method of this model, compiled once."""
        if method not in self._in_graph:
            # Without AutoGraph, an error reaches the user as it was raised.
            self._in_graph[method] = tf.function(
                getattr(self, method), reduce_retracing=True, autograph=False
            )
        return self._in_graph[method]

    def _for_each_batch(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        data: TextData,
        batch_size: int,
    ) -> np.ndarray:
        """Outputs of `function` for each sequence, in the order of `data`."""
        if not isinstance(data, SequenceBatches):
            data = as_batches(data, self.vocabulary, batch_size)
        dataset = _evaluation_dataset(data)
        outputs = np.concatenate([function(batch).numpy() for batch in dataset])
        if isinstance(data, SequenceBatches):
            outputs = outputs[data.original_order]
        return outputs

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "embedding_dim": self.embedding_dim,
            "rnn_units": self.rnn_units,
            "num_layers": self.num_layers,
            "latent_dim": self.latent_dim,
            "rnn_type": self.rnn_type,
            "objective": self.objective,
            "word_keep_rate": self.word_keep_rate,
            "kl_schedule": keras.saving.serialize_keras_object(
                self.kl_schedule
            ),
            "max_length": self.max_length,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LatentTextModel":
        """Rebuild the model with its vocabulary and KL schedule."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("vocabulary", "kl_schedule")
        }
        return cls(**{**config, **parts})


def check_sizes(**sizes: int) -> None:
    """Refuse a named size below 1.

    Example:
        >>> check_sizes(latent_dim=0)
        Traceback (most recent call last):
        ValueError: latent_dim=0 is not allowed; at least 1
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size} is not allowed; at least 1")


def _strings(texts: tf.Tensor | np.ndarray) -> list[str]:
    return [text.decode() for text in np.asarray(texts)]


def _evaluation_dataset(
    batches: SequenceBatches | tf.data.Dataset,
) -> tf.data.Dataset:
    if isinstance(batches, SequenceBatches):
        return batches.evaluation_dataset()
    return batches


def _clip_over_replicas(
    gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer
) -> list[tf.Tensor]:
    """Clip the summed gradient of all replicas to the optimizer's norm.

    Keras clips each replica's gradient before adding them up, which is not
    what one replica does with the whole batch.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    if replicas == 1 or not inner.global_clipnorm:
        return gradients
    gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    norm = optimizer.scale_loss(tf.constant(inner.global_clipnorm))
    clipped, _ = tf.clip_by_global_norm(gradients, norm)
    # The optimizer adds the replicas' gradients up once more.
    return [gradient / replicas for gradient in clipped]
