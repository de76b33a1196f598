"""The dual-memory cells: memory over time, memory over depth, latent level.

Zheng et al. 2017, "Sequence modeling with hierarchical deep generative models
with dual memory" (CIKM). The paper's figure puts a deterministic layer with
deep memory in front of every stochastic layer; its equations were not
available, so the deep memory below is this project's reading of the figure.
"""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check
from keras_textgen.layers.attention import AttentionPooling
from keras_textgen.layers.gaussian import GaussianHead
from keras_textgen.layers.masking import ExplicitMaskLayer
from keras_textgen.layers.recurrent import BidirectionalStack


@keras.saving.register_keras_serializable("keras_textgen")
class BroadMemory(ExplicitMaskLayer):
    """Broad memory: what attention keeps of a sequence read both ways.

    Args:
        units: Width H of a recurrent layer in one direction.
        num_layers: Recurrent layers in each direction.
        attention_units: Width of the attention space.
        rnn_type: "block", "basic" (both LSTM) or "gru".

    Example:
        >>> memory = BroadMemory(units=4, num_layers=2, attention_units=3)
        >>> read, weights = memory(tf.ones([2, 5, 6]))
        >>> read.shape, weights.shape
        (TensorShape([2, 8]), TensorShape([2, 5]))
    """

    def __init__(
        self,
        units: int,
        num_layers: int = 1,
        attention_units: int = 50,
        rnn_type: str = "block",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(SIZES, attention_units=attention_units)
        self.units = units
        self.num_layers = num_layers
        self.attention_units = attention_units
        self.rnn_type = rnn_type
        self.encoder = BidirectionalStack(
            units, num_layers, rnn_type, dtype=self.dtype_policy
        )
        self.attention = AttentionPooling(attention_units)

    def build(self, input_shape: tuple) -> None:
        """Build the encoder and the attention."""
        self.encoder.build(input_shape)
        self.attention.build((None, None, 2 * self.units))
        self.built = True

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Read embedded tokens [batch, time, E].

        Args:
            inputs: Embedded tokens.
            mask: Optional bool [batch, time]; masked steps are neither
                encoded nor attended.

        Returns:
            The memory m [batch, 2 * units] and the attention weights
            [batch, time].
        """
        return self.attention(self.encoder(inputs, mask=mask), mask=mask)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "units": self.units,
            "num_layers": self.num_layers,
            "attention_units": self.attention_units,
            "rnn_type": self.rnn_type,
        }


@keras.saving.register_keras_serializable("keras_textgen")
class DeepMemory(keras.layers.Layer):
    """Deep memory: LSTM cells whose recurrence runs over depth, not time.

    One step is one latent level: the cell state is carried from level to
    level, and the output is the level's deterministic layer.

    Args:
        units: Width D of a cell.
        num_layers: Cells on top of each other.

    Example:
        >>> memory = DeepMemory(units=4, num_layers=2)
        >>> state = memory.empty(batch_size=3)
        >>> output, state = memory(tf.ones([3, 5]), state)
        >>> output.shape, len(state)
        (TensorShape([3, 4]), 2)
    """

    def __init__(self, units: int, num_layers: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check(SIZES, units=units, num_layers=num_layers)
        self.units = units
        self.num_layers = num_layers
        self.cells = [
            keras.layers.LSTMCell(units, dtype=self.dtype_policy)
            for _ in range(num_layers)
        ]

    def build(self, input_shape: tuple) -> None:
        """Build the cells for inputs [batch, input_shape[-1]]."""
        width = input_shape[-1]
        for cell in self.cells:
            cell.build((None, width))
            width = self.units
        self.built = True

    def empty(self, batch_size: int | tf.Tensor) -> list[list[tf.Tensor]]:
        """State before the first level: zeros, [hidden, cell] per cell."""
        zeros = tf.zeros([batch_size, self.units], self.compute_dtype)
        return [[zeros, zeros] for _ in self.cells]

    def call(
        self, inputs: tf.Tensor, state: list[list[tf.Tensor]]
    ) -> tuple[tf.Tensor, list[list[tf.Tensor]]]:
        """Go one level further.

        Args:
            inputs: The level's input [batch, features].
            state: State left by the level before.

        Returns:
            The deterministic layer [batch, units] and the new state.
        """
        new_state = []
        for cell, cell_state in zip(self.cells, state, strict=True):
            inputs, cell_state = cell(inputs, cell_state)
            new_state.append(list(cell_state))
        return inputs, new_state

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "units": self.units,
            "num_layers": self.num_layers,
        }


@keras.saving.register_keras_serializable("keras_textgen")
class LatentLevel(keras.layers.Layer):
    """One stochastic level: where broad and deep memory meet.

    The level's input (broad memory joined with the level below, or the level
    above alone) goes through the deep memory where there is one, and then to
    the mean and scale of a diagonal Gaussian.

    Args:
        latent_dim: Dimension Z of the level.
        deep_memory: Memory shared by the levels of one network, or None for
            the released code, which has linear heads on the level's input.

    Example:
        >>> level = LatentLevel(latent_dim=2, deep_memory=DeepMemory(units=4))
        >>> state = level.deep_memory.empty(batch_size=3)
        >>> loc, scale, state = level(tf.ones([3, 6]), state)
        >>> loc.shape, scale.shape
        (TensorShape([3, 2]), TensorShape([3, 2]))
    """

    def __init__(
        self,
        latent_dim: int,
        deep_memory: DeepMemory | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.deep_memory = deep_memory
        self.head = GaussianHead(latent_dim)
        if deep_memory is not None:
            # Levels differ in the width of their input; one memory serves
            # all of them.
            self.projection = keras.layers.Dense(
                deep_memory.units, dtype=self.dtype_policy
            )

    def build(self, input_shape: tuple) -> None:
        """Build for level inputs [batch, input_shape[-1]]."""
        if self.deep_memory is None:
            self.head.build(input_shape)
        else:
            deep_shape = (None, self.deep_memory.units)
            self.projection.build(input_shape)
            if not self.deep_memory.built:
                self.deep_memory.build(deep_shape)
            self.head.build(deep_shape)
        self.built = True

    def call(
        self, inputs: tf.Tensor, state: list[list[tf.Tensor]] | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, list[list[tf.Tensor]] | None]:
        """Parameters of the level's Gaussian.

        Args:
            inputs: The level's input [batch, features].
            state: Deep memory left by the level before; None without one.

        Returns:
            Mean [batch, Z], standard deviation [batch, Z], and the deep
            memory for the next level.
        """
        if self.deep_memory is not None:
            inputs, state = self.deep_memory(self.projection(inputs), state)
        loc, scale = self.head(inputs)
        return loc, scale, state

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "deep_memory": keras.saving.serialize_keras_object(
                self.deep_memory
            ),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LatentLevel":
        """Rebuild a level; its deep memory is a new one."""
        memory = keras.saving.deserialize_keras_object(config["deep_memory"])
        return cls(**{**config, "deep_memory": memory})
