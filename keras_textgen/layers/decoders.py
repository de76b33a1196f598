"""What a text model writes with, and what it can be given instead.

A decoder is a Keras layer with three methods. The model embeds the tokens
before it, and turns its outputs into probabilities of words after it.

- `first_state(code, max_length)`: the state before the start token of texts
  that are generated from codes [N, F], of at most `max_length` tokens; any
  nested structure of tensors whose leading axis is N, which beam search and
  sampling gather.
- `over_time(inputs, state)`: outputs [N, time, H] after inputs
  [N, time, E], from the first state; outputs at a step depend on the inputs
  up to it.
- `step(inputs, state, position)`: one of these steps: outputs [N, H] after
  inputs [N, E], the `position`-th (int32 [N], from 0) of their texts, and the
  state after them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_textgen.checks import SWITCHES, check
from keras_textgen.layers.recurrent import RecurrentStack, State


class RecurrentState(NamedTuple):
    """What a recurrent decoder carries from token to token; rows lead.

    Attributes:
        layers: State of every recurrent layer.
        joined: What is joined to every embedded input, [rows, F]; F may be 0.
    """

    layers: State
    joined: tf.Tensor


@keras.saving.register_keras_serializable("keras_textgen")
class RecurrentDecoder(RecurrentStack):
    """Recurrent layers whose first state comes from a code.

    Args:
        units: Width H of every layer.
        num_layers: Number of layers.
        rnn_type: As in `RecurrentStack`.
        state_of_code: From codes [N, F] to the first state of a layer, a list
            of tensors [N, H]; all layers begin with the same. None for zeros.
        joins_code: Join the code to every input, too.

    Example:
        >>> decoder = RecurrentDecoder(units=4, joins_code=True)
        >>> state = decoder.first_state(tf.ones([2, 3]), max_length=5)
        >>> inputs = tf.ones([2, 6, 8])
        >>> outputs = decoder.over_time(inputs, state)
        >>> first, _ = decoder.step(inputs[:, 0], state, tf.zeros([2], "int32"))
        >>> (
        ...     outputs.shape,
        ...     bool(tf.reduce_all(abs(first - outputs[:, 0]) < 1e-6)),
        ... )
        (TensorShape([2, 6, 4]), True)
    """

    def __init__(
        self,
        units: int,
        num_layers: int = 1,
        rnn_type: str = "block",
        *,
        state_of_code: Callable[[tf.Tensor], list[tf.Tensor]] | None = None,
        joins_code: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, num_layers, rnn_type, **kwargs)
        check(SWITCHES, joins_code=joins_code)
        self.state_of_code = state_of_code or self.zero_state
        self.joins_code = joins_code

    def zero_state(self, code: tf.Tensor) -> list[tf.Tensor]:
        """A layer's state of zeros for each row of codes [N, F]."""
        zeros = tf.zeros([tf.shape(code)[0], self.units], self.compute_dtype)
        return [zeros] * self.num_states

    def first_state(
        self, code: tf.Tensor, max_length: int | tf.Tensor
    ) -> RecurrentState:
        """State before the start token, of codes [N, F]."""
        del max_length
        layers = [self.state_of_code(code)] * self.num_layers
        return RecurrentState(layers, code if self.joins_code else code[:, :0])

    def over_time(self, inputs: tf.Tensor, state: RecurrentState) -> tf.Tensor:
        """Outputs [N, time, H] after inputs [N, time, E]."""
        time = tf.shape(inputs)[1]
        joined = tf.repeat(state.joined[:, tf.newaxis], time, axis=1)
        inputs = _join(inputs, joined)  # [N, time, E + F]
        outputs, _ = self(inputs, initial_state=state.layers)
        return outputs

    def step(
        self, inputs: tf.Tensor, state: RecurrentState, position: tf.Tensor
    ) -> tuple[tf.Tensor, RecurrentState]:
        """Outputs [N, H] after inputs [N, E], and the new state."""
        del position
        inputs = _join(inputs, state.joined)
        outputs = tf.cast(inputs, self.compute_dtype)
        layers = []
        for layer, of_layer in zip(self.layers, state.layers, strict=True):
            outputs, of_layer = layer.cell(outputs, of_layer)
            layers.append(list(of_layer))
        return outputs, RecurrentState(layers, state.joined)

    def get_config(self) -> dict[str, Any]:
        """Return the settings; a model sets `state_of_code` by itself."""
        return super().get_config() | {"joins_code": self.joins_code}


@keras.saving.register_keras_serializable("keras_textgen")
class CodeStateDecoder(RecurrentDecoder):
    """Recurrent layers that make their first state of the code by themselves.

    He et al. 2019, "Lagging inference networks and posterior collapse in
    variational autoencoders" (ICLR), as their code has it: c0 = W z,
    h0 = tanh(c0), and z is joined to every input. A GRU has h0 alone.

    Args:
        units: Width H of every layer.
        num_layers: Number of layers.
        rnn_type: As in `RecurrentStack`.
        joins_code: Join the code to every input, too.

    Example:
        >>> decoder = CodeStateDecoder(units=4)
        >>> state = decoder.first_state(tf.ones([2, 3]), max_length=5)
        >>> hidden, cell = state.layers[0]
        >>> bool(tf.reduce_all(hidden == tf.tanh(cell))), state.joined.shape
        (True, TensorShape([2, 3]))
    """

    def __init__(
        self,
        units: int,
        num_layers: int = 1,
        rnn_type: str = "block",
        *,
        joins_code: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            num_layers,
            rnn_type,
            state_of_code=self._mapped,
            joins_code=joins_code,
            **kwargs,
        )
        self.of_code = keras.layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy, name="of_code"
        )

    def _mapped(self, code: tf.Tensor) -> list[tf.Tensor]:
        """The state of a layer, [hidden, cell]."""
        cell = self.of_code(code)
        return [tf.tanh(cell), cell][: self.num_states]


def _join(inputs: tf.Tensor, joined: tf.Tensor) -> tf.Tensor:
    """Inputs [..., E] with [..., F] at their end."""
    if joined.shape[-1] == 0:
        return inputs
    return tf.concat([inputs, tf.cast(joined, inputs.dtype)], axis=-1)
