"""What reads and writes with the layers of keras-hub's BERT and GPT-2.

keras-hub is the extra `transformers`; it is imported where layers are built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check, refused
from keras_textgen.layers.masking import ExplicitMaskLayer
from keras_textgen.layers.transformer import KeysValues
from keras_textgen.layers.transformer_decoder import TransformerDecoder
from keras_textgen.tokens import END_ID, PAD_ID

EXTRA = "pip install 'keras-textgen[transformers]'"
# Standard deviation of first weights that map a code, as of GPT-2's own.
_INITIAL_DEVIATION = 0.02


def hub() -> Any:
    """The module keras_hub.

    Raises:
        ValueError: If it is not installed.

    Example:
        >>> hub().models.GPT2Backbone.__name__
        'GPT2Backbone'
    """
    try:
        import keras_hub
    except ImportError:
        raise refused(
            "a backbone of keras_hub, which is not installed", EXTRA
        ) from None
    return keras_hub


@keras.saving.register_keras_serializable("keras_textgen")
class BertEncoder(ExplicitMaskLayer):
    """A BERT whose pooled output is the features.

    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers
    for language understanding" (NAACL): the output at the first token, through
    a dense layer with tanh. All tokens are of one segment, and nothing is
    dropped in training.

    Args:
        vocabulary_size: Ids there are, 0 for padding and 3 for the end.
        units: Width H of every layer.
        num_layers: Number of layers.
        num_heads: Heads of attention; a divisor of `units`.
        intermediate_dim: Width of the feed-forward layers.
        max_positions: Tokens that are read of a text, the end being the last
            of a longer one, too.

    Raises:
        ValueError: If a setting is out of its range, or keras-hub is missing.

    Example:
        >>> encoder = BertEncoder(
        ...     9, units=4, num_layers=1, num_heads=2, intermediate_dim=8
        ... )
        >>> encoder(tf.constant([[2, 7, 4, 3], [2, 3, 0, 0]])).shape
        TensorShape([2, 4])
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        intermediate_dim: int = 3072,
        max_positions: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(SIZES, vocabulary_size=vocabulary_size, units=units)
        check(SIZES, num_layers=num_layers, num_heads=num_heads)
        check(SIZES, intermediate_dim=intermediate_dim)
        check(SIZES, max_positions=max_positions)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.max_positions = max_positions

    def build(self, input_shape: tuple) -> None:
        """Make the backbone, of whatever shape its inputs are."""
        del input_shape
        self.backbone = hub().models.BertBackbone(
            self.vocabulary_size,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            hidden_dim=self.units,
            intermediate_dim=self.intermediate_dim,
            dropout=0.0,
            max_sequence_length=self.max_positions,
            num_segments=1,
            dtype=self.dtype_policy,
            name="backbone",
        )
        self.built = True

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Features [batch, H] of ids, int32 [batch, time]."""
        last = self.max_positions - 1
        ends = tf.where(token_ids[:, last:] != PAD_ID, END_ID, PAD_ID)
        token_ids = tf.concat([token_ids[:, :last], ends[:, :1]], axis=1)
        outputs = self.backbone(
            {
                "token_ids": token_ids,
                "segment_ids": tf.zeros_like(token_ids),
                "padding_mask": tf.cast(token_ids != PAD_ID, tf.int32),
            }
        )
        return outputs["pooled_output"]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "max_positions": self.max_positions,
        }


class GPT2Block(ExplicitMaskLayer):
    """A layer of GPT-2, as `TransformerDecoder` runs its blocks.

    Args:
        layer: A built `keras_hub.layers.TransformerDecoder`.
    """

    def __init__(self, layer: keras.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.built = True

    def run(
        self,
        inputs: tf.Tensor,
        positions: tf.Tensor,
        mask: tf.Tensor,
        kept: Callable[[KeysValues], KeysValues],
        latents: KeysValues | None = None,
    ) -> tuple[tf.Tensor, KeysValues]:
        """Outputs, and the keys and values of all tokens.

        As `TransformerBlock.run`; positions are those of the inputs already. A
        memory of zeros is not read, as a key of zeros would still take its
        share of the softmax.
        """
        del positions
        attention = self.layer._self_attention_layer
        normal = self.layer._self_attention_layer_norm(inputs)
        tokens = kept(
            KeysValues(
                attention._key_dense(normal), attention._value_dense(normal)
            )
        )
        if latents is not None:
            mask = _without_zeros(mask, latents.keys)
        outputs, _ = self.layer(
            inputs,
            decoder_attention_mask=mask[:, 0],
            self_attention_cache=tf.stack(tokens.after(latents), axis=1),
            use_causal_mask=False,
        )
        return outputs, tokens


def _without_zeros(mask: tf.Tensor, memory: tf.Tensor) -> tf.Tensor:
    """A mask that is off where a memory is 0, too.

    Args:
        mask: bool [rows or 1, 1, time, slots], the memory's being the first.
        memory: [rows, number of them, heads, size].
    """
    is_read = tf.reduce_any(memory != 0, axis=[2, 3])
    rows, num_slots = tf.unstack(tf.shape(is_read))
    mask = tf.broadcast_to(mask, [rows, *tf.unstack(tf.shape(mask))[1:]])
    of_memory = mask[..., :num_slots] & is_read[:, tf.newaxis, tf.newaxis]
    return tf.concat([of_memory, mask[..., num_slots:]], axis=-1)


@keras.saving.register_keras_serializable("keras_textgen")
class GPT2Decoder(TransformerDecoder):
    """A GPT-2 into which a code enters as in Optimus.

    Li et al. 2020, "Optimus: organizing sentences via pre-trained modeling of a
    latent space" (EMNLP), section 3.1, both ways at once, as their code has it
    by default: W_M z is a vector for each layer, key and value of one more
    slot of its cache ("memory"), and W_D z is added to every embedded input
    ("embedding"). Neither has a bias. The memory stands at no position, so that
    tokens have those of GPT-2, and where it is 0, it is not read: without a
    code, this is GPT-2. Nothing is dropped within the layers in training.

    Args:
        units: Width H of every layer, and of the inputs.
        num_layers: Number of layers.
        num_heads: Heads of attention; a divisor of `units`.
        intermediate_dim: Width of the feed-forward layers.
        max_positions: Learned vectors; positions beyond have the last one.

    Raises:
        ValueError: If a setting is out of its range, or keras-hub is missing.

    Example:
        >>> decoder = GPT2Decoder(
        ...     units=4, num_layers=1, num_heads=2, intermediate_dim=8
        ... )
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
        units: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        intermediate_dim: int = 3072,
        max_positions: int = 1024,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            num_layers,
            num_heads,
            "learned",
            max_positions,
            latent_tokens=1,
            **kwargs,
        )
        check(SIZES, intermediate_dim=intermediate_dim)
        self.intermediate_dim = intermediate_dim

    def made_blocks(self, reads_latents: bool) -> list[keras.Layer]:
        """The layers of a backbone, of which nothing else is kept."""
        del reads_latents
        backbone = hub().models.GPT2Backbone(
            vocabulary_size=1,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            hidden_dim=self.units,
            intermediate_dim=self.intermediate_dim,
            dropout=0.0,
            max_sequence_length=1,
            dtype=self.dtype_policy,
        )
        return [
            GPT2Block(layer, dtype=self.dtype_policy, name=f"block_{number}")
            for number, layer in enumerate(backbone.transformer_layers)
        ]

    def made_map(self, width: int, name: str) -> keras.Layer:
        """A map of codes, which has no bias."""
        return keras.layers.Dense(
            width,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(
                stddev=_INITIAL_DEVIATION
            ),
            dtype=self.dtype_policy,
            name=name,
        )

    def code_widths(self, code_size: int) -> list[int]:
        """Of W_M and W_D."""
        if code_size == 0:
            return []
        return [self.num_layers * self.units, self.units]

    def entering(
        self, mapped: list[tf.Tensor]
    ) -> tuple[list[KeysValues], list[tf.Tensor]]:
        """The memory of each layer, and what is added to inputs."""
        if not mapped:
            return [], []
        memory, added = mapped
        size = self.units // self.num_heads
        shape = [-1, 1, self.num_heads, size]
        vectors = [
            tf.reshape(each, shape)
            for each in tf.split(memory, self.num_layers, axis=-1)
        ]
        return [KeysValues(each, each) for each in vectors], [added]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        for name in ("positions", "latent_injection", "latent_tokens"):
            del config[name]
        return config | {"intermediate_dim": self.intermediate_dim}
