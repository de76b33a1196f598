"""What transformers are made of: positions, attention, blocks, stacks.

Attention is put together here of Keras's `Dense` and `dot_product_attention`,
as `keras.layers.MultiHeadAttention` keeps neither keys and values for the next
step, nor turns them by their positions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, OneOf, check, refused
from keras_textgen.layers.masking import ExplicitMaskLayer

POSITIONS = ("rotary", "learned")
# Width of a feed-forward layer over that of a block (Vaswani et al. 2017).
_WIDENING = 4
_EPSILON = 1e-5
# Angles of the slowest pair turn by 1 / 10,000 of a radian a position.
_SLOWEST = 10000.0


class KeysValues(NamedTuple):
    """What attention reads, rows leading.

    Attributes:
        keys: [rows, slots, heads, size].
        values: Of the same shape.
    """

    keys: tf.Tensor
    values: tf.Tensor

    def after(self, earlier: "KeysValues | None") -> "KeysValues":
        """The slots of another one, then those of this one."""
        if earlier is None:
            return self
        pairs = zip(earlier, self, strict=True)
        return KeysValues(*(tf.concat(pair, axis=1) for pair in pairs))


def rotated(values: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Queries or keys, turned by their positions.

    Su et al. 2021, "RoFormer: enhanced transformer with rotary position
    embedding", equation 34: the pair (i, i + size / 2) of a vector at position
    m is turned by the angle m 10000^(-2 i / size), so that the product of a
    query and a key depends on how far they are from each other.

    Args:
        values: [rows, time, heads, size]; size is even.
        positions: int32 [rows or 1, time].

    Returns:
        Of the shape of `values`.

    Example:
        >>> turned = rotated(tf.constant([[[[1.0, 0.0]]]]), tf.constant([[2]]))
        >>> turned.numpy().round(3).ravel()  # cos 2, sin 2
        array([-0.416,  0.909], dtype=float32)
    """
    half = values.shape[-1] // 2
    frequencies = _SLOWEST ** (-tf.range(half, dtype=tf.float32) / half)
    angles = tf.cast(positions, tf.float32)[..., tf.newaxis] * frequencies
    angles = angles[:, :, tf.newaxis]  # [rows or 1, time, 1, half]
    cosine = tf.cast(tf.cos(angles), values.dtype)
    sine = tf.cast(tf.sin(angles), values.dtype)
    first, second = tf.split(values, 2, axis=-1)
    return tf.concat(
        [first * cosine - second * sine, first * sine + second * cosine], -1
    )


class Attention(ExplicitMaskLayer):
    """Attention of several heads (Vaswani et al. 2017, section 3.2.2).

    Keys have no bias, as it would change no weight of a softmax.

    Args:
        units: Width H; each head has H / num_heads of it.
        num_heads: Number of heads.

    Example:
        >>> attention = Attention(units=4, num_heads=2)
        >>> inputs = tf.ones([3, 5, 4])
        >>> attention.read(inputs, attention.keys_values(inputs)).shape
        TensorShape([3, 5, 4])
    """

    def __init__(self, units: int, num_heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.num_heads = num_heads
        dtype = self.dtype_policy
        self.query = keras.layers.Dense(units, dtype=dtype, name="query")
        self.key = keras.layers.Dense(
            units, use_bias=False, dtype=dtype, name="key"
        )
        self.value = keras.layers.Dense(units, dtype=dtype, name="value")
        self.output_map = keras.layers.Dense(units, dtype=dtype, name="output")

    def build(self, input_shape: tuple) -> None:
        """Build the four maps of [rows, time, H]."""
        for each in (self.query, self.key, self.value, self.output_map):
            each.build(input_shape)
        self.built = True

    def keys_values(
        self, inputs: tf.Tensor, positions: tf.Tensor | None = None
    ) -> KeysValues:
        """What is read at inputs.

        Args:
            inputs: [rows, time, H].
            positions: That keys are turned by, int32 [rows or 1, time].
        """
        keys = self._by_head(self.key(inputs))
        if positions is not None:
            keys = rotated(keys, positions)
        return KeysValues(keys, self._by_head(self.value(inputs)))

    def read(
        self,
        inputs: tf.Tensor,
        seen: KeysValues,
        mask: tf.Tensor | None = None,
        positions: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What queries find.

        Args:
            inputs: That ask, [rows, time, H].
            seen: What there is to read, of so many slots.
            mask: bool [rows or 1, 1, time or 1, slots], off where a slot is
                not read; None where all are.
            positions: That queries are turned by, int32 [rows or 1, time].

        Returns:
            [rows, time, H].
        """
        queries = self._by_head(self.query(inputs))
        if positions is not None:
            queries = rotated(queries, positions)
        found = keras.ops.dot_product_attention(queries, *seen, mask=mask)
        return self.output_map(tf.reshape(found, tf.shape(inputs)))

    def _by_head(self, values: tf.Tensor) -> tf.Tensor:
        """[rows, time, H] as [rows, time, heads, size]."""
        rows, time, _ = tf.unstack(tf.shape(values))
        size = self.units // self.num_heads
        return tf.reshape(values, [rows, time, self.num_heads, size])


class TransformerBlock(ExplicitMaskLayer):
    """Attention and a feed-forward layer, each after its normalization.

    Pre-norm, Xiong et al. 2020, "On layer normalization in the transformer
    architecture" (ICML):

        x = x + attention(norm(x))
        x = x + attention to latent tokens(norm(x))     if there are any
        x = x + W2 gelu(W1 norm(x))

    Args:
        units: Width H; the feed-forward layer has four times as many.
        num_heads: Heads of attention.
        is_rotary: Turn queries and keys by their positions, see `rotated`.
        reads_latents: Whether there is attention to latent tokens.
    """

    def __init__(
        self,
        units: int,
        num_heads: int,
        is_rotary: bool,
        reads_latents: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.is_rotary = is_rotary
        dtype = self.dtype_policy
        self.attention_norm = self._norm("attention_norm")
        self.attention = Attention(
            units, num_heads, dtype=dtype, name="attention"
        )
        self.latent_attention = None
        if reads_latents:
            self.latent_norm = self._norm("latent_norm")
            self.latent_attention = Attention(
                units, num_heads, dtype=dtype, name="latent_attention"
            )
        self.feed_norm = self._norm("feed_norm")
        self.wide = keras.layers.Dense(
            _WIDENING * units, activation="gelu", dtype=dtype, name="wide"
        )
        self.narrow = keras.layers.Dense(units, dtype=dtype, name="narrow")

    def _norm(self, name: str) -> keras.Layer:
        return keras.layers.LayerNormalization(
            epsilon=_EPSILON, dtype=self.dtype_policy, name=name
        )

    def build(self, input_shape: tuple) -> None:
        """Build all layers for [rows, time, H]."""
        parts = [self.attention_norm, self.attention]
        if self.latent_attention is not None:
            parts += [self.latent_norm, self.latent_attention]
        for each in (*parts, self.feed_norm, self.wide):
            each.build(input_shape)
        self.narrow.build((*input_shape[:-1], self.wide.units))
        self.built = True

    def run(
        self,
        inputs: tf.Tensor,
        positions: tf.Tensor,
        mask: tf.Tensor | None,
        kept: Callable[[KeysValues], KeysValues],
        latents: KeysValues | None = None,
    ) -> tuple[tf.Tensor, KeysValues]:
        """Outputs [rows, time, H], and the keys and values of all tokens.

        Args:
            inputs: [rows, time, H].
            positions: Of them, int32 [rows or 1, time].
            mask: Of what attention reads, as in `Attention.read`.
            kept: From the keys and values of the inputs to those of all tokens.
            latents: Keys and values of a code: of latent tokens where the block
                has an attention to them, else read beside those of the tokens,
                before them.
        """
        turned_by = positions if self.is_rotary else None
        normal = self.attention_norm(inputs)
        tokens = kept(self.attention.keys_values(normal, turned_by))
        seen = tokens
        if self.latent_attention is None:
            seen = tokens.after(latents)
        inputs += self.attention.read(normal, seen, mask, turned_by)
        if self.latent_attention is not None:
            inputs += self.latent_attention.read(
                self.latent_norm(inputs), latents
            )
        outputs = inputs + self.narrow(self.wide(self.feed_norm(inputs)))
        return outputs, tokens


class TransformerLayers(ExplicitMaskLayer):
    """Base of what runs blocks over embedded tokens.

    Args:
        units: Width H of every block. Inputs of another width are mapped to
            it.
        num_layers: Number of blocks.
        num_heads: Heads of attention; a divisor of `units`.
        positions: "rotary", by distance and of any length, or "learned", a
            vector a position.
        max_positions: Learned vectors; positions beyond have the last one.

    Raises:
        ValueError: If a setting is not one of those allowed.
    """

    def __init__(
        self,
        units: int = 128,
        num_layers: int = 2,
        num_heads: int = 4,
        positions: str = "rotary",
        max_positions: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(SIZES, units=units, num_layers=num_layers, num_heads=num_heads)
        check(SIZES, max_positions=max_positions)
        check(OneOf(POSITIONS), positions=positions)
        _check_heads(units, num_heads, positions)
        self.units = units
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.positions = positions
        self.max_positions = max_positions

    def build_blocks(self, reads_latents: bool) -> None:
        """Build all but the map of inputs, whose width may come later."""
        dtype = self.dtype_policy
        self.of_inputs = keras.layers.Dense(
            self.units, dtype=dtype, name="of_inputs"
        )
        if self.positions == "learned":
            self.of_positions = keras.layers.Embedding(
                self.max_positions, self.units, dtype=dtype, name="of_positions"
            )
            self.of_positions.build(None)
        self.blocks = self.made_blocks(reads_latents)
        self.norm = keras.layers.LayerNormalization(
            epsilon=_EPSILON, dtype=dtype, name="norm"
        )
        for each in (*self.blocks, self.norm):
            each.build((None, None, self.units))
        self.built = True

    def made_blocks(self, reads_latents: bool) -> list[keras.Layer]:
        """The blocks, which `build_blocks` builds."""
        return [
            TransformerBlock(
                self.units,
                self.num_heads,
                self.positions == "rotary",
                reads_latents,
                dtype=self.dtype_policy,
                name=f"block_{number}",
            )
            for number in range(self.num_layers)
        ]

    def entered(self, inputs: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """What the first block reads.

        Args:
            inputs: Embedded tokens [rows, time, E].
            positions: Of them, int32 [rows or 1, time].

        Returns:
            [rows, time, H].
        """
        hidden = tf.cast(inputs, self.compute_dtype)
        if inputs.shape[-1] != self.units:
            hidden = self.of_inputs(hidden)
        if self.positions == "learned":
            last = self.max_positions - 1
            hidden += self.of_positions(tf.minimum(positions, last))
        return hidden

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "units": self.units,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "positions": self.positions,
            "max_positions": self.max_positions,
        }


def _check_heads(units: int, num_heads: int, positions: str) -> None:
    """Refuse heads that cannot share the width, or be turned in pairs."""
    size, rest = divmod(units, num_heads)
    if rest:
        raise refused(
            f"units={units} with num_heads={num_heads}",
            "a multiple of the number of heads",
        )
    if positions == "rotary" and size % 2:
        raise refused(
            f"units={units} with num_heads={num_heads} and positions='rotary'",
            "an even width of each head",
        )


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerStack(TransformerLayers):
    """Blocks in which every token reads every other, earlier and later ones.

    Vaswani et al. 2017, "Attention is all you need" (NeurIPS), its encoder,
    with normalization before each layer and after the last.

    Args:
        units: Width H of every block.
        num_layers: Number of blocks.
        num_heads: Heads of attention.
        positions: As in `TransformerLayers`.
        max_positions: As in `TransformerLayers`.

    Raises:
        ValueError: If a setting is not one of those allowed.

    Example:
        >>> stack = TransformerStack(units=8, num_layers=1, num_heads=2)
        >>> stack(tf.ones([3, 5, 8]), mask=tf.fill([3, 5], True)).shape
        TensorShape([3, 5, 8])
    """

    def build(self, input_shape: tuple) -> None:
        """Build the blocks for inputs [batch, time, input_shape[-1]]."""
        self.build_blocks(reads_latents=False)
        if input_shape[-1] != self.units:
            self.of_inputs.build(input_shape)

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Outputs [batch, time, H] of inputs [batch, time, E].

        Args:
            inputs: Embedded tokens.
            mask: bool [batch, time]; what is off is not read.
        """
        return self.run(inputs, mask)

    def run(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
        """Run the blocks: see `call`."""
        positions = tf.range(tf.shape(inputs)[1])[tf.newaxis]
        if mask is not None:
            mask = mask[:, tf.newaxis, tf.newaxis]
        hidden = self.entered(inputs, positions)
        for block in self.blocks:
            hidden, _ = block.run(hidden, positions, mask, lambda new: new)
        return self.norm(hidden)
