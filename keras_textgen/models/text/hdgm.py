"""HDGM: hierarchical deep generative model with dual memory."""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import SIZES, WholeNumbers, check
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.gaussian import (
    diagonal_normal,
    per_dimension,
    standard_normal,
)
from keras_textgen.layers.memory import BroadMemory, DeepMemory, LatentLevel
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.noise import NoNoise, RowNoise
from keras_textgen.tokens import PAD_ID

tfd = tfp.distributions
_Root = tfd.JointDistributionCoroutine.Root


class Level(NamedTuple):
    """A latent level: its Gaussian given the level before, and a value."""

    gaussian: tfd.Distribution
    value: tf.Tensor


# From the index of a latent variable (0 is z1) and its Gaussian to its value.
Choose = Callable[[int, tfd.Distribution], tf.Tensor]


@keras.saving.register_keras_serializable("keras_textgen")
class HDGM(LatentTextModel):
    """Hierarchical deep generative model with dual memory.

    Zheng et al. 2017 (CIKM). A broad memory (attention over a bidirectional
    encoder) informs a chain of latent levels z1 ... zL, which set the
    decoder's initial state.

    `objective="reference"` is the released code: the decoder is given the
    broad memory of the text itself, so it cannot generate from the prior, and
    -(nll + kl) is a reconstruction score, no likelihood. `objective="bound"`
    is a hierarchical VAE with p(zL) = N(0, I), p(z_l | z_{l+1}) and
    p(x | z1 ... zL), whose -(nll + kl) is a lower bound of log p(x).

    `deterministic_layers=0` is the released code; 1 or more puts a deep
    memory before each Gaussian, this project's reading of the paper's figure.

    Args:
        vocabulary: Text to ids and back.
        num_levels: Number L of latent levels.
        deterministic_layers: Cells of the deep memory; 0 for none.
        attention_units: Width of the attention space.
        **kwargs: As in `LatentTextModel`; `latent_dim` is that of one level.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = HDGM(
        ...     Vocabulary(words),
        ...     rnn_units=8,
        ...     embedding_dim=4,
        ...     latent_dim=2,
        ...     objective="bound",
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape  # [z1; z2]
        (2, 4)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        num_levels: int = 2,
        deterministic_layers: int = 0,
        attention_units: int = 50,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary, **kwargs)
        check(SIZES, num_levels=num_levels, attention_units=attention_units)
        check(WholeNumbers(0), deterministic_layers=deterministic_layers)
        self.num_levels = num_levels
        self.deterministic_layers = deterministic_layers
        self.attention_units = attention_units
        self.broad_memory = BroadMemory(
            self.rnn_units,
            self.num_layers,
            attention_units,
            self.rnn_type,
            dtype=self.dtype_policy,
        )
        self.inference_memory = self._deep_memory(num_levels)
        self.inference_levels = [
            LatentLevel(
                self.latent_dim, self.inference_memory, dtype=self.dtype_policy
            )
            for _ in range(num_levels)
        ]
        self.generation_memory = self._deep_memory(num_levels - 1)
        self.generation_levels = [
            LatentLevel(
                self.latent_dim, self.generation_memory, dtype=self.dtype_policy
            )
            for _ in range(num_levels - 1)
        ]
        self.build()

    def _deep_memory(self, num_levels: int) -> DeepMemory | None:
        """The memory of a network of so many levels, if it has one."""
        if self.deterministic_layers == 0 or num_levels == 0:
            return None
        return DeepMemory(
            self.rnn_units, self.deterministic_layers, dtype=self.dtype_policy
        )

    @property
    def has_prior(self) -> bool:
        """Only the bound has one; the reference decodes from the memory."""
        return self.objective == "bound"

    @property
    def code_size(self) -> int:
        """Width of a code: [z1 ... zL], or all the reference decoder sees."""
        latents = self.num_levels * self.latent_dim
        if self.objective == "bound":
            return latents
        generated = (self.num_levels - 1) * self.latent_dim
        return 2 * self.rnn_units + latents + generated

    @property
    def latent_columns(self) -> slice:
        """The columns of z1 ... zL in a code."""
        start = 0 if self.objective == "bound" else 2 * self.rnn_units
        return slice(start, start + self.num_levels * self.latent_dim)

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The broad memory and the inference network."""
        return [self.broad_memory, *self.inference_levels]

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The broad memory m of tokens, [batch, 2 * units]."""
        is_predicted = tokens[:, 1:] != PAD_ID
        embedded = self.embed(tokens[:, :-1])
        memory, _ = self.broad_memory(embedded, mask=is_predicted)
        return memory

    def infer(
        self, features: tf.Tensor, noise: RowNoise | NoNoise
    ) -> Inference:
        """Sample every level from the bottom up and charge for it."""
        rows = tf.shape(features)[0]
        inferred = self._climb(features, self._draw(noise, rows, "inferred"))
        if self.objective == "bound":
            return self._infer_bound(inferred)
        draw = self._draw(noise, rows, "generated")
        generated = self._descend(inferred[-1].value, draw, memory=features)
        return self._infer_reference(features, inferred, generated)

    def _infer_reference(
        self, memory: tf.Tensor, inferred: list[Level], generated: list[Level]
    ) -> Inference:
        """The released code: the decoder sees memory and every level.

        KL = KL(q(z1) || N(0, I)) + sum_{l > 1} KL(q(z_l) || generated_l).
        """
        kl_parts = [self._kl_from_standard(inferred[0].gaussian)]
        for level, rival in zip(inferred[:0:-1], generated, strict=True):
            kl_parts.append(
                tfd.kl_divergence(
                    per_dimension(level.gaussian), per_dimension(rival.gaussian)
                )
            )
        values = [level.value for level in inferred + generated]
        return Inference(
            code=tf.concat([memory, *values], -1),
            kl_parts=tf.concat(kl_parts, -1),
            log_ratio=None,
        )

    def _infer_bound(self, inferred: list[Level]) -> Inference:
        """A true bound; the decoder sees z1 ... zL alone.

        The top level's KL is analytic given the level below. The others are
        log q - log p at the sample: z_{l+1} depends on z_l, so the analytic
        KL of z_l given one z_{l+1} is not that of the joint distribution.
        """
        top = inferred[-1]
        values = [level.value for level in inferred]
        priors = self._descend(top.value, lambda index, _: values[index])
        kl_parts = [
            per_dimension(level.gaussian).log_prob(level.value)
            - per_dimension(prior.gaussian).log_prob(level.value)
            for level, prior in zip(inferred[-2::-1], priors, strict=True)
        ]
        top_prior = standard_normal(self.latent_dim)
        log_ratio = top.gaussian.log_prob(top.value)
        log_ratio -= top_prior.log_prob(top.value)
        for part in kl_parts:
            log_ratio += tf.reduce_sum(part, -1)
        return Inference(
            code=tf.concat(values, -1),
            kl_parts=tf.concat(
                [*kl_parts, self._kl_from_standard(top.gaussian)], -1
            ),
            log_ratio=log_ratio,
        )

    def _kl_from_standard(self, gaussian: tfd.Distribution) -> tf.Tensor:
        """KL(gaussian || N(0, I)) by dimension."""
        return tfd.kl_divergence(
            per_dimension(gaussian),
            per_dimension(standard_normal(self.latent_dim)),
        )

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw zL from N(0, I), then each level below from the one above."""
        top = noise.normal("top", [num_rows, self.latent_dim])
        lower = self._descend(top, self._draw(noise, num_rows, "generated"))
        return tf.concat([level.value for level in lower[::-1]] + [top], -1)

    def posterior(self, tokens: tf.Tensor) -> tfd.Distribution:
        """q(z1 ... zL | x) as a joint distribution, z1 first.

        Args:
            tokens: int32 [batch, time].

        Returns:
            A `JointDistributionCoroutine` of L parts, each of batch shape
            [batch] and event shape [latent_dim].
        """
        memory = self.read(tokens)

        def chain() -> Generator:
            values = [(yield _Root(self._posterior_given(memory, [])))]
            while len(values) < self.num_levels:
                values.append((yield self._posterior_given(memory, values)))

        return tfd.JointDistributionCoroutine(chain)

    @property
    def prior(self) -> tfd.Distribution:
        """p(zL) ... p(z1 | z2) as a joint distribution, zL first.

        Raises:
            ValueError: With `objective="reference"`, which has no prior.
        """
        self.require_prior()

        def chain() -> Generator:
            name = f"z{self.num_levels}"
            top = yield _Root(standard_normal(self.latent_dim, name))
            values = [top]
            while len(values) < self.num_levels:
                values.append((yield self._prior_given(values)))

        return tfd.JointDistributionCoroutine(chain)

    def _posterior_given(
        self, memory: tf.Tensor, values: list[tf.Tensor]
    ) -> tfd.Distribution:
        """q(z_l | z_1 ... z_{l-1}, x); the arguments' batch shapes broadcast.

        Every pair of a text and another text's sample can so be scored.
        """
        batch, (memory, *values) = _flat_rows([memory, *values])
        known = dict(enumerate(values))
        levels = self._climb(
            memory,
            lambda index, gaussian: known.get(index, gaussian.mean()),
            num_levels=len(values) + 1,
        )
        return _with_batch_shape(levels[-1].gaussian, batch, len(levels))

    def _prior_given(self, values: list[tf.Tensor]) -> tfd.Distribution:
        """p(z_l | z_{l+1} ... z_L), values from the top down."""
        batch, values = _flat_rows(values)
        known = {
            self.num_levels - 1 - depth: value
            for depth, value in enumerate(values)
        }
        levels = self._descend(
            values[0],
            lambda index, gaussian: known.get(index, gaussian.mean()),
        )
        number = self.num_levels - len(values)
        return _with_batch_shape(
            levels[len(values) - 1].gaussian, batch, number
        )

    def _climb(
        self, memory: tf.Tensor, choose: Choose, num_levels: int | None = None
    ) -> list[Level]:
        """The inference network, from z1 up: heads[memory; level below]."""
        state = _empty(self.inference_memory, memory)
        below, levels = memory, []
        for index, level in enumerate(self.inference_levels[:num_levels]):
            inputs = tf.concat([memory, below], -1)
            loc, scale, state = level(inputs, state)
            gaussian = diagonal_normal(loc, scale)
            below = choose(index, gaussian)
            levels.append(Level(gaussian, below))
        return levels

    def _descend(
        self, top: tf.Tensor, choose: Choose, memory: tf.Tensor | None = None
    ) -> list[Level]:
        """The generative network, below zL: heads[(memory;) level above]."""
        state = _empty(self.generation_memory, top)
        above, levels = top, []
        for depth, level in enumerate(self.generation_levels, start=2):
            inputs = above
            if memory is not None:
                inputs = tf.concat([memory, above], -1)
            loc, scale, state = level(inputs, state)
            gaussian = diagonal_normal(loc, scale)
            above = choose(self.num_levels - depth, gaussian)
            levels.append(Level(gaussian, above))
        return levels

    def _draw(
        self, noise: RowNoise | NoNoise, num_rows: tf.Tensor, network: str
    ) -> Choose:
        def draw(index: int, gaussian: tfd.Distribution) -> tf.Tensor:
            shape = [num_rows, self.latent_dim]
            epsilon = noise.normal(f"{network}{index}", shape)
            return gaussian.mean() + gaussian.stddev() * epsilon

        return draw

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "num_levels": self.num_levels,
            "deterministic_layers": self.deterministic_layers,
            "attention_units": self.attention_units,
        }


def _empty(memory: DeepMemory | None, rows: tf.Tensor) -> list | None:
    return None if memory is None else memory.empty(tf.shape(rows)[0])


def _flat_rows(
    tensors: list[tf.Tensor],
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Broadcast the batch shapes of [..., width] and flatten them to rows."""
    batch = tf.shape(tensors[0])[:-1]
    for tensor in tensors[1:]:
        batch = tf.broadcast_dynamic_shape(batch, tf.shape(tensor)[:-1])
    flat = []
    for tensor in tensors:
        width = tensor.shape[-1]
        full = tf.broadcast_to(tensor, tf.concat([batch, [width]], 0))
        flat.append(tf.reshape(full, [-1, width]))
    return batch, flat


def _with_batch_shape(
    gaussian: tfd.Distribution, batch: tf.Tensor, number: int
) -> tfd.Distribution:
    """Undo `_flat_rows` for the Gaussian of latent variable `number`."""
    width = gaussian.event_shape[0]
    shape = tf.concat([batch, [width]], 0)
    return diagonal_normal(
        tf.reshape(gaussian.mean(), shape),
        tf.reshape(gaussian.stddev(), shape),
        name=f"z{number}",
    )
