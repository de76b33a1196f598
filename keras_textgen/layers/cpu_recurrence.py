"""Keras's LSTM and GRU with a faster recurrence where there is no GPU.

TensorFlow differentiates a loop step by step. Here the loop has its own
gradient: everything that does not depend on the next step is computed for all
steps at once, and the weights' gradient is one product.

In half precision, only products are: states, gates and sums are float32, as
processors multiply half-precision matrices faster, and little else.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from keras_textgen.private_gradients import custom_gradient
from keras_textgen.private_names import OwnLoop

_Tensors = Sequence[tf.Tensor]


def _over_time(
    step: Callable[..., tuple[_Tensors, _Tensors]],
    state: _Tensors,
    sequences: _Tensors,
    num_outputs: int,
    backward: bool = False,
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Fold `step(state, *elements) -> (state, outputs)` over time.

    Args:
        step: The function of a time step.
        state: Tensors [batch, units].
        sequences: Tensors [time, batch, ...].
        num_outputs: How many tensors [batch, ...] a step puts out.
        backward: Whether to begin with the last step.

    Returns:
        The final state, and the outputs [time, batch, ...] in time's order.
    """
    length = tf.shape(sequences[0])[0]
    outputs = [
        tf.TensorArray(state[0].dtype, length) for _ in range(num_outputs)
    ]

    def body(count: tf.Tensor, state: _Tensors, outputs: list) -> tuple:
        time = length - 1 - count if backward else count
        # Slices of the first axis share its memory; an array would copy it.
        state, values = step(state, *(each[time] for each in sequences))
        outputs = [
            array.write(time, value)
            for array, value in zip(outputs, values, strict=True)
        ]
        return count + 1, list(state), outputs

    any_batch = [tf.TensorShape([None, each.shape[-1]]) for each in state]
    any_size = [tf.TensorShape(None)] * num_outputs
    _, state, outputs = tf.while_loop(
        lambda count, *_: count < length,
        body,
        (tf.constant(0), list(state), outputs),
        shape_invariants=(tf.TensorShape([]), any_batch, any_size),
    )
    return list(state), [array.stack() for array in outputs]


def _shifted(first: tf.Tensor, sequence: tf.Tensor) -> tf.Tensor:
    """What was there before each step: `first`, then all but the last."""
    return tf.concat([first[tf.newaxis], sequence[:-1]], axis=0)


def _where(mask: tf.Tensor | None, new: tf.Tensor, old: Any) -> tf.Tensor:
    return new if mask is None else tf.where(mask, new, old)


def _product(values: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Float32 [rows, M] from float32 [rows, N] and a kernel [N, M].

    The product itself is of the kernel's type.
    """
    product = tf.linalg.matmul(tf.cast(values, kernel.dtype), kernel)
    return tf.cast(product, tf.float32)


def _kernel_gradient(
    inputs: tf.Tensor, delta: tf.Tensor, dtype: tf.DType
) -> tf.Tensor:
    """[N, M] from [time, batch, N] and [time * batch, M], in one product."""
    rows = tf.cast(tf.reshape(inputs, [-1, inputs.shape[-1]]), dtype)
    return tf.linalg.matmul(rows, tf.cast(delta, dtype), transpose_a=True)


def lstm_recurrence(
    projected: tf.Tensor,
    hidden: tf.Tensor,
    cell: tf.Tensor,
    kernel: tf.Tensor,
    mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """An LSTM whose inputs are projected already.

    Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000.

    Args:
        projected: Input parts of the gates i, f, g, o, [time, batch, 4 * H].
        hidden: The first hidden state, [batch, H].
        cell: The first cell state, [batch, H].
        kernel: The recurrent kernel, [H, 4 * H]; the type of products with
            it. Everything else is float32.
        mask: Optional bool [time, batch, 1]; False leaves the state as it is.

    Returns:
        The hidden states after every step [time, batch, H], the last hidden
        and the last cell state.

    Example:
        >>> zeros = tf.zeros([2, 3])
        >>> states, _, cell = lstm_recurrence(
        ...     tf.ones([5, 2, 12]), zeros, zeros, tf.zeros([3, 12])
        ... )
        >>> states.shape, cell.shape
        (TensorShape([5, 2, 3]), TensorShape([2, 3]))
    """
    masks = [] if mask is None else [mask]

    @custom_gradient
    def recurrence(
        projected: tf.Tensor,
        hidden: tf.Tensor,
        cell: tf.Tensor,
        kernel: tf.Tensor,
    ) -> tuple[tuple, Callable]:
        def step(
            state: _Tensors, inputs: tf.Tensor, mask: tf.Tensor | None = None
        ) -> tuple[_Tensors, _Tensors]:
            gates = inputs + _product(state[0], kernel)
            i, f, g, o = tf.split(gates, 4, axis=-1)
            i, f, o = tf.sigmoid(i), tf.sigmoid(f), tf.sigmoid(o)
            g = tf.tanh(g)
            c = _where(mask, f * state[1] + i * g, state[1])
            h = _where(mask, o * tf.tanh(c), state[0])
            return [h, c], [h, c, i, f, g, o]

        final, steps = _over_time(
            step, [hidden, cell], [projected, *masks], num_outputs=6
        )

        def gradient(*upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return _lstm_gradient(upstream, steps, (hidden, cell), kernel, mask)

        return (steps[0], *final), gradient

    return recurrence(projected, hidden, cell, kernel)


def _lstm_gradient(
    upstream: _Tensors,
    steps: _Tensors,
    first: _Tensors,
    kernel: tf.Tensor,
    mask: tf.Tensor | None,
) -> tuple[tf.Tensor, ...]:
    """The gradient of `lstm_recurrence` by all but the mask, in its order.

    Args:
        upstream: Gradients by what it gives.
        steps: h, c, i, f, g and o after every step, [time, batch, H].
        first: The first hidden and the first cell state, [batch, H].
        kernel: As there.
        mask: As there.
    """
    d_states, d_hidden, d_cell = upstream
    states, cells, i, f, g, o = steps
    hidden, cell = first
    masks = [] if mask is None else [mask]
    tanh = tf.tanh(cells)
    # Derivatives by a gate's input: of the cell for i, f and g, of the hidden
    # state for o.
    slopes = [
        g * i * (1 - i),
        _shifted(cell, cells) * f * (1 - f),
        i * (1 - g * g),
        tanh * o * (1 - o),
    ]
    # [time, batch, 4, H]
    slopes = tf.stack([_where(mask, s, 0) for s in slopes], axis=2)
    cell_by_hidden = _where(mask, o * (1 - tanh * tanh), 0)
    cell_by_cell = _where(mask, f, 1)
    transposed = tf.transpose(kernel)

    def step_back(
        state: _Tensors,
        d_output: tf.Tensor,
        slopes: tf.Tensor,
        by_hidden: tf.Tensor,
        by_cell: tf.Tensor,
        mask: tf.Tensor | None = None,
    ) -> tuple[_Tensors, _Tensors]:
        d_h = state[0] + d_output
        d_c = state[1] + d_h * by_hidden
        delta = slopes * tf.stack([d_c, d_c, d_c, d_h], axis=1)
        delta = tf.reshape(delta, [-1, kernel.shape[1]])  # [batch, 4 * H]
        before = _product(delta, transposed)
        return [_where(mask, before, d_h), d_c * by_cell], [delta]

    (d_first, d_first_cell), (delta,) = _over_time(
        step_back,
        [d_hidden, d_cell],
        [d_states, slopes, cell_by_hidden, cell_by_cell, *masks],
        num_outputs=1,
        backward=True,
    )
    rows = tf.reshape(delta, [-1, kernel.shape[1]])  # [time * batch, 4 * H]
    d_kernel = _kernel_gradient(_shifted(hidden, states), rows, kernel.dtype)
    return delta, d_first, d_first_cell, d_kernel


def gru_recurrence(
    projected: tf.Tensor,
    hidden: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """A GRU whose inputs are projected already.

    Cho et al. 2014 as in cuDNN and Keras: the reset gate acts on the product
    with the recurrent kernel.

    Args:
        projected: Input parts of the gates z, r and of the candidate,
            [time, batch, 3 * H].
        hidden: The first hidden state, [batch, H].
        kernel: The recurrent kernel, [H, 3 * H]; the type of products with
            it. Everything else is float32.
        bias: The recurrent bias, [3 * H].
        mask: Optional bool [time, batch, 1]; False leaves the state as it is.

    Returns:
        The hidden states after every step [time, batch, H] and the last one.

    Example:
        >>> states, last = gru_recurrence(
        ...     tf.ones([5, 2, 9]),
        ...     tf.zeros([2, 3]),
        ...     tf.zeros([3, 9]),
        ...     tf.zeros([9]),
        ... )
        >>> states.shape, last.shape
        (TensorShape([5, 2, 3]), TensorShape([2, 3]))
    """
    masks = [] if mask is None else [mask]

    @custom_gradient
    def recurrence(
        projected: tf.Tensor,
        hidden: tf.Tensor,
        kernel: tf.Tensor,
        bias: tf.Tensor,
    ) -> tuple[tuple, Callable]:
        def step(
            state: _Tensors, inputs: tf.Tensor, mask: tf.Tensor | None = None
        ) -> tuple[_Tensors, _Tensors]:
            (h,) = state
            inner = tf.nn.bias_add(_product(h, kernel), bias)
            z, r, n = tf.split(inputs, 3, axis=-1)
            z_inner, r_inner, n_inner = tf.split(inner, 3, axis=-1)
            z, r = tf.sigmoid(z + z_inner), tf.sigmoid(r + r_inner)
            n = tf.tanh(n + r * n_inner)
            h = _where(mask, n + z * (h - n), h)
            return [h], [h, z, r, n, n_inner]

        final, steps = _over_time(
            step, [hidden], [projected, *masks], num_outputs=5
        )

        def gradient(*upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return _gru_gradient(upstream, steps, hidden, kernel, mask)

        return (steps[0], *final), gradient

    return recurrence(projected, hidden, kernel, bias)


def _gru_gradient(
    upstream: _Tensors,
    steps: _Tensors,
    first: tf.Tensor,
    kernel: tf.Tensor,
    mask: tf.Tensor | None,
) -> tuple[tf.Tensor, ...]:
    """The gradient of `gru_recurrence` by all but the mask, in its order.

    Args:
        upstream: Gradients by what it gives.
        steps: h, z, r, n and n's recurrent part after every step,
            [time, batch, H].
        first: The first hidden state, [batch, H].
        kernel: As there.
        mask: As there.
    """
    d_states, d_hidden = upstream
    states, z, r, n, n_inner = steps
    before = _shifted(first, states)
    # Derivatives of the hidden state by the inputs of z, r and n.
    by_z = (before - n) * z * (1 - z)
    by_n = (1 - z) * (1 - n * n)
    by_r = by_n * n_inner * r * (1 - r)
    slopes = [by_z, by_r, by_n * r]  # by the recurrent parts
    # [time, batch, 3, H]
    slopes = tf.stack([_where(mask, s, 0) for s in slopes], axis=2)
    transposed = tf.transpose(kernel)

    def step_back(
        state: _Tensors,
        d_output: tf.Tensor,
        slopes: tf.Tensor,
        by_hidden: tf.Tensor,
    ) -> tuple[_Tensors, _Tensors]:
        d_h = state[0] + d_output
        delta = slopes * d_h[:, tf.newaxis]
        delta = tf.reshape(delta, [-1, kernel.shape[1]])  # [batch, 3 * H]
        before = _product(delta, transposed) + d_h * by_hidden
        return [before], [delta, d_h]

    (d_first,), (delta, d_h) = _over_time(
        step_back,
        [d_hidden],
        [d_states, slopes, _where(mask, z, 1)],
        num_outputs=2,
        backward=True,
    )
    rows = tf.reshape(delta, [-1, kernel.shape[1]])  # [time * batch, 3 * H]
    d_projected = tf.concat(
        [delta[..., : -kernel.shape[0]], d_h * _where(mask, by_n, 0)],
        axis=-1,
    )
    return (
        d_projected,
        d_first,
        _kernel_gradient(before, rows, kernel.dtype),
        tf.reduce_sum(rows, axis=0),
    )


def _is_plain(layer: keras.layers.RNN) -> bool:
    """Whether the functions above compute what the layer is set to."""
    return (
        layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
        and getattr(layer, "reset_after", True)
        and not layer.dropout
        and not layer.recurrent_dropout
        and not layer.go_backwards
        and not layer.unroll
        and not layer.zero_output_for_mask
    )


def _runs_here(layer: keras.layers.RNN) -> bool:
    return _is_plain(layer) and not tf.config.list_physical_devices("GPU")


def _projected(
    sequences: tf.Tensor, kernel: keras.Variable, bias: tf.Tensor
) -> tf.Tensor:
    """Input parts of all gates, float32 [time, batch, M].

    Of sequences [batch, time, D], whose type the product has.
    """
    time_major = tf.transpose(sequences, [1, 0, 2])
    product = tf.tensordot(time_major, tf.convert_to_tensor(kernel), axes=1)
    return tf.nn.bias_add(tf.cast(product, tf.float32), bias)


def _time_major(mask: tf.Tensor | None) -> tf.Tensor | None:
    """Bool [time, batch, 1] from [batch, time]."""
    if mask is None:
        return None
    return tf.transpose(tf.cast(mask, tf.bool))[..., tf.newaxis]


def _results(
    states: tf.Tensor, final: _Tensors, mask: tf.Tensor | None, dtype: tf.DType
) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """What Keras expects of an inner loop: last output, outputs, states."""
    states = tf.cast(states, dtype)
    if mask is not None:
        # Keras repeats the output before a masked step, which is zero, not
        # the initial state, if no step has been taken yet.
        began = tf.cumsum(tf.cast(mask, tf.int32)) > 0
        states = tf.where(began, states, 0)
    outputs = tf.transpose(states, [1, 0, 2])
    return outputs[:, -1], outputs, [tf.cast(each, dtype) for each in final]


class _CpuRecurrence(OwnLoop):
    """The loop over time that the layers below share."""

    recurrence: ClassVar[Callable]

    def over_time(
        self,
        sequences: tf.Tensor,
        initial_state: _Tensors,
        mask: tf.Tensor | None,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]] | None:
        """Run over [batch, time, features], where the functions above apply."""
        if not _runs_here(self):
            return None
        cell, mask = self.cell, _time_major(mask)
        # Of the inputs; with `reset_after`, another of the hidden state.
        biases = tf.cast(tf.convert_to_tensor(cell.bias), tf.float32)
        biases = tf.reshape(biases, [-1, cell.kernel.shape[1]])
        bias, *recurrent_bias = tf.unstack(biases)
        states, *final = self.recurrence(
            _projected(sequences, cell.kernel, bias),
            *(tf.cast(each, tf.float32) for each in initial_state),
            tf.convert_to_tensor(cell.recurrent_kernel),
            *recurrent_bias,
            mask,
        )
        return _results(states, final, mask, sequences.dtype)


@keras.saving.register_keras_serializable("keras_textgen")
class LSTM(_CpuRecurrence, keras.layers.LSTM):
    """Keras's LSTM, faster without a GPU.

    Arguments, weights and results are those of `keras.layers.LSTM`, whose
    own code runs on a GPU (there in cuDNN) and for settings other than the
    default activations, a bias and no dropout.

    Example:
        >>> layer = LSTM(4, return_sequences=True)
        >>> layer(tf.ones([2, 3, 5])).shape
        TensorShape([2, 3, 4])
    """

    recurrence = staticmethod(lstm_recurrence)


@keras.saving.register_keras_serializable("keras_textgen")
class GRU(_CpuRecurrence, keras.layers.GRU):
    """Keras's GRU, faster without a GPU.

    Arguments, weights and results are those of `keras.layers.GRU`, whose own
    code runs on a GPU (there in cuDNN) and for settings other than the
    default activations, a bias, `reset_after` and no dropout.

    Example:
        >>> layer = GRU(4, return_sequences=True)
        >>> layer(tf.ones([2, 3, 5])).shape
        TensorShape([2, 3, 4])
    """

    recurrence = staticmethod(gru_recurrence)
