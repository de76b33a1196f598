"""A decoder of attention over what was written, see `layers/decoders.py`."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, OneOf, check
from keras_textgen.layers.transformer import KeysValues, TransformerLayers

LATENT_INJECTIONS = ("memory", "embedding", "cross_attention")


class TransformerState(NamedTuple):
    """What a transformer carries from token to token; rows lead.

    Attributes:
        written: Keys and values of each block, a slot for each token that may
            be written.
        latents: Those that a code gives to each block; none where a code is
            added to the embeddings, or there is no code.
        added: What a code adds to every embedded input, [rows, H]; none
            otherwise.
    """

    written: list[KeysValues]
    latents: list[KeysValues]
    added: list[tf.Tensor]


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerDecoder(TransformerLayers):
    """Blocks in which every token reads itself and those before it.

    How a code z [N, F] enters is one of three ways; the first two are those of
    Li et al. 2020, "Optimus: organizing sentences via pre-trained modeling of
    a latent space" (EMNLP), section 3.1:

    - "memory": W_l z is keys and values of block l, which every token reads
      beside those of the tokens. They stand at no position.
    - "embedding": W z is added to every embedded input.
    - "cross_attention": W z is `latent_tokens` vectors, which every block
      reads by an attention of their own.

    A code of width 0, as of a language model, enters in none. A step computes
    one position: keys and values of those before it are the state.

    Args:
        units: Width H of every block.
        num_layers: Number of blocks.
        num_heads: Heads of attention.
        positions: As in `TransformerLayers`.
        max_positions: As in `TransformerLayers`.
        latent_injection: How a code enters, see above.
        latent_tokens: Slots of "memory" and vectors of "cross_attention".

    Raises:
        ValueError: If a setting is not one of those allowed.

    Example:
        >>> decoder = TransformerDecoder(units=4, num_layers=1, num_heads=2)
        >>> state = decoder.first_state(tf.ones([2, 3]), max_length=5)
        >>> inputs = tf.random.normal([2, 5, 4])
        >>> outputs = decoder.over_time(inputs, state)
        >>> first, _ = decoder.step(inputs[:, 0], state, tf.zeros([2], "int32"))
        >>> (
        ...     outputs.shape,
        ...     bool(tf.reduce_all(abs(first - outputs[:, 0]) < 1e-5)),
        ... )
        (TensorShape([2, 5, 4]), True)
    """

    def __init__(
        self,
        units: int = 128,
        num_layers: int = 2,
        num_heads: int = 4,
        positions: str = "rotary",
        max_positions: int = 512,
        *,
        latent_injection: str = "memory",
        latent_tokens: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, num_layers, num_heads, positions, max_positions, **kwargs
        )
        check(OneOf(LATENT_INJECTIONS), latent_injection=latent_injection)
        check(SIZES, latent_tokens=latent_tokens)
        self.latent_injection = latent_injection
        self.latent_tokens = latent_tokens

    def build(self, inputs_shape: tuple | None, code_shape: tuple) -> None:
        """Build the blocks and the maps of codes [N, code_shape[-1]]."""
        self.of_code = [
            self.made_map(width, f"of_code_{number}")
            for number, width in enumerate(self.code_widths(code_shape[-1]))
        ]
        for each in self.of_code:
            each.build(code_shape)
        is_crossed = self.latent_injection == "cross_attention"
        self.build_blocks(reads_latents=is_crossed and bool(self.of_code))
        if inputs_shape is not None and inputs_shape[-1] != self.units:
            self.of_inputs.build(inputs_shape)

    def made_map(self, width: int, name: str) -> keras.Layer:
        """A map of codes to so wide vectors."""
        return keras.layers.Dense(width, dtype=self.dtype_policy, name=name)

    def code_widths(self, code_size: int) -> list[int]:
        """What codes are mapped to."""
        if code_size == 0:
            return []
        tokens = self.latent_tokens * self.units
        return {
            "memory": [2 * tokens] * self.num_layers,
            "embedding": [self.units],
            "cross_attention": [tokens],
        }[self.latent_injection]

    def call(self, inputs: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
        """Outputs [N, time, H] after inputs [N, time, E], of codes [N, F]."""
        return self.over_time(inputs, self.first_state(code, 0))

    # -- The decoder's three methods -----------------------------------------

    def first_state(
        self, code: tf.Tensor, max_length: int | tf.Tensor
    ) -> TransformerState:
        """State before the start token, of codes [N, F]."""
        if not self.built:
            self.build(None, code.shape)
        size = self.units // self.num_heads
        shape = [tf.shape(code)[0], max_length, self.num_heads, size]
        empty = tf.zeros(shape, self.compute_dtype)
        latents, added = self.entering([each(code) for each in self.of_code])
        written = [KeysValues(empty, empty)] * self.num_layers
        return TransformerState(written, latents, added)

    def entering(
        self, mapped: list[tf.Tensor]
    ) -> tuple[list[KeysValues], list[tf.Tensor]]:
        """What `TransformerState` has of a code, from its maps [N, width]."""
        if self.latent_injection == "embedding":
            return [], mapped
        return self._latents(mapped), []

    def _latents(self, mapped: list[tf.Tensor]) -> list[KeysValues]:
        """Keys and values of a code for each block, from its maps."""
        if not mapped:
            return []
        shape = [tf.shape(mapped[0])[0], self.latent_tokens]
        if self.latent_injection == "cross_attention":
            tokens = tf.reshape(mapped[0], [*shape, self.units])
            return [
                block.latent_attention.keys_values(tokens)
                for block in self.blocks
            ]
        size = self.units // self.num_heads
        return [
            KeysValues(
                *(
                    tf.reshape(half, [*shape, self.num_heads, size])
                    for half in tf.split(each, 2, axis=-1)
                )
            )
            for each in mapped
        ]

    def over_time(
        self, inputs: tf.Tensor, state: TransformerState
    ) -> tf.Tensor:
        """Outputs [N, time, H] after inputs [N, time, E]."""
        time = tf.range(tf.shape(inputs)[1])
        is_read = (time <= time[:, tf.newaxis])[tf.newaxis, tf.newaxis]
        outputs, _ = self._run(
            inputs, time[tf.newaxis], is_read, state, lambda written, new: new
        )
        return outputs

    def step(
        self, inputs: tf.Tensor, state: TransformerState, position: tf.Tensor
    ) -> tuple[tf.Tensor, TransformerState]:
        """Outputs [N, H] after inputs [N, E], and the new state."""
        slots = tf.range(tf.shape(state.written[0].keys)[1])
        is_read = slots <= position[:, tf.newaxis]  # [N, slots]
        place = tf.stack([tf.range(tf.shape(position)[0]), position], axis=1)

        def with_new(written: KeysValues, new: KeysValues) -> KeysValues:
            pairs = zip(written, new, strict=True)
            return KeysValues(
                *(
                    tf.tensor_scatter_nd_update(old, place, each[:, 0])
                    for old, each in pairs
                )
            )

        outputs, written = self._run(
            inputs[:, tf.newaxis],
            position[:, tf.newaxis],
            is_read[:, tf.newaxis, tf.newaxis],
            state,
            with_new,
        )
        return outputs[:, 0], TransformerState(
            written, state.latents, state.added
        )

    def _run(
        self,
        inputs: tf.Tensor,
        positions: tf.Tensor,
        mask: tf.Tensor,
        state: TransformerState,
        kept: Callable[[KeysValues, KeysValues], KeysValues],
    ) -> tuple[tf.Tensor, list[KeysValues]]:
        """Outputs, and the keys and values of all tokens for each block.

        Args:
            inputs: [N, time, E].
            positions: Of them, int32 [N or 1, time].
            mask: bool [N or 1, 1, time, slots], which tokens are read.
            state: Before the inputs.
            kept: From the keys and values of the state, and those of the
                inputs, to those of all tokens.
        """
        hidden = self.entered(inputs, positions)
        for each in state.added:
            hidden += each[:, tf.newaxis]
        if self.latent_injection == "memory" and state.latents:
            before = [[0, 0], [0, 0], [0, 0], [self.latent_tokens, 0]]
            mask = tf.pad(mask, before, constant_values=True)
        latents = state.latents or [None] * self.num_layers
        written = []
        for block, old, of_code in zip(
            self.blocks, state.written, latents, strict=True
        ):
            hidden, tokens = block.run(
                hidden, positions, mask, partial(kept, old), of_code
            )
            written.append(tokens)
        return self.norm(hidden), written

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "latent_injection": self.latent_injection,
            "latent_tokens": self.latent_tokens,
        }
