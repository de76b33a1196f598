"""Stacks of recurrent layers, one-directional and bidirectional."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, OneOf, check
from keras_textgen.layers.cpu_recurrence import GRU, LSTM
from keras_textgen.layers.masking import ExplicitMaskLayer

RNN_TYPES = ("block", "basic", "gru", "gru_of_keras_2")

# A stack's state: for each layer a list of [batch, units] tensors,
# [hidden, cell] for an LSTM and [hidden] for a GRU (Keras's order).
State = list[list[tf.Tensor]]


@keras.saving.register_keras_serializable("keras_textgen")
def hard_sigmoid_of_keras_2(values: tf.Tensor) -> tf.Tensor:
    """0.2 x + 0.5 within 0 and 1; Keras 3 has another slope.

    Example:
        >>> hard_sigmoid_of_keras_2(tf.constant([-3.0, 0.0, 1.0])).numpy()
        array([0. , 0.5, 0.7], dtype=float32)
    """
    return tf.clip_by_value(0.2 * values + 0.5, 0.0, 1.0)


def _make_layer(
    rnn_type: str, units: int, dtype: keras.DTypePolicy
) -> keras.layers.RNN:
    """One recurrent layer, initialized as in the original TensorFlow code."""
    if rnn_type.startswith("gru"):
        of_before = {
            "reset_after": False,
            "recurrent_activation": hard_sigmoid_of_keras_2,
        }
        return GRU(
            units,
            kernel_initializer="orthogonal",
            return_sequences=True,
            return_state=True,
            dtype=dtype,
            **(of_before if rnn_type == "gru_of_keras_2" else {}),
        )
    return LSTM(
        units,
        recurrent_initializer="glorot_uniform",
        unit_forget_bias=False,
        return_sequences=True,
        return_state=True,
        dtype=dtype,
    )


class _StackBase(ExplicitMaskLayer):
    """The settings of a stack of recurrent layers."""

    def __init__(
        self,
        units: int,
        num_layers: int = 1,
        rnn_type: str = "block",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(SIZES, units=units, num_layers=num_layers)
        check(OneOf(RNN_TYPES), rnn_type=rnn_type)
        self.units = units
        self.num_layers = num_layers
        self.rnn_type = rnn_type

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "units": self.units,
            "num_layers": self.num_layers,
            "rnn_type": self.rnn_type,
        }


class RecurrentLayers(_StackBase):
    """Base of what runs recurrent layers in one direction."""

    @property
    def num_states(self) -> int:
        """Tensors in one layer's state: 2 for an LSTM, 1 for a GRU."""
        return 1 if self.rnn_type.startswith("gru") else 2

    def build(self, input_shape: tuple) -> None:
        """Build every layer for inputs [batch, time, input_shape[-1]]."""
        self.layers = [
            _make_layer(self.rnn_type, self.units, self.dtype_policy)
            for _ in range(self.num_layers)
        ]
        width = input_shape[-1]
        for layer in self.layers:
            layer.build((None, None, width))
            width = self.units
        self.built = True

    def run(
        self,
        inputs: tf.Tensor,
        mask: tf.Tensor | None = None,
        initial_state: State | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Run the stack over time.

        Args:
            inputs: [batch, time, features].
            mask: Optional bool [batch, time]; a masked step leaves the state
                as it is.
            initial_state: Optional state of every layer; zeros by default.

        Returns:
            The top layer's outputs [batch, time, units] and the final state
            of every layer.
        """
        states = initial_state or [None] * self.num_layers
        final = []
        for layer, state in zip(self.layers, states, strict=True):
            inputs, *state = layer(inputs, initial_state=state, mask=mask)
            final.append(state)
        return inputs, final


@keras.saving.register_keras_serializable("keras_textgen")
class RecurrentStack(RecurrentLayers):
    """Recurrent layers on top of each other, in one direction.

    LSTM layers have forget bias 0 as in the HDGM code base. The layers are
    Keras's own on a GPU, hence cuDNN.

    Args:
        units: Width H of every layer.
        num_layers: Number of layers.
        rnn_type: "block" or "basic" for LSTM (the original's names for two
            kernels of one function), "gru" for GRU; "gru_of_keras_2" for that
            of Keras before 2.3, for converted weights: slower, it has no
            kernel of its own.

    Raises:
        ValueError: If `rnn_type` is not one of the above.

    Example:
        >>> stack = RecurrentStack(units=4, num_layers=2)
        >>> outputs, state = stack(tf.ones([3, 5, 2]))
        >>> outputs.shape, len(state), state[-1][0].shape
        (TensorShape([3, 5, 4]), 2, TensorShape([3, 4]))
    """

    def call(
        self,
        inputs: tf.Tensor,
        mask: tf.Tensor | None = None,
        initial_state: State | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Run the stack over time: see `RecurrentLayers.run`."""
        return self.run(inputs, mask, initial_state)


@keras.saving.register_keras_serializable("keras_textgen")
class BidirectionalStack(_StackBase):
    """Two independent stacks, one per direction, joined at the top.

    A forward layer sees only the forward layer below it, unlike a stack of
    `keras.layers.Bidirectional`; this is the encoder of the HDGM code base.

    Args:
        units: Width H of every layer in one direction.
        num_layers: Layers in each direction.
        rnn_type: As in `RecurrentStack`.

    Example:
        >>> stack = BidirectionalStack(units=4, num_layers=2)
        >>> stack(tf.ones([3, 5, 2])).shape
        TensorShape([3, 5, 8])
    """

    def build(self, input_shape: tuple) -> None:
        """Build both directions."""
        settings = (self.units, self.num_layers, self.rnn_type)
        self.forward = RecurrentStack(*settings, dtype=self.dtype_policy)
        self.backward = RecurrentStack(*settings, dtype=self.dtype_policy)
        self.forward.build(input_shape)
        self.backward.build(input_shape)
        self.built = True

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Encode [batch, time, features] as [batch, time, 2 * units].

        Args:
            inputs: [batch, time, features].
            mask: Optional bool [batch, time]. The backward direction starts
                from zeros at each sequence's last unmasked step.

        Returns:
            Forward and backward outputs of the top layers, joined.
        """
        forward, _ = self.forward(inputs, mask=mask)
        reversed_mask = None if mask is None else tf.reverse(mask, [1])
        backward, _ = self.backward(tf.reverse(inputs, [1]), mask=reversed_mask)
        return tf.concat([forward, tf.reverse(backward, [1])], axis=-1)
