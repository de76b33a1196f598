"""Recurrent stacks: order of states, directions, masks, single steps."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers import cpu_recurrence
from keras_textgen.layers.recurrent import (
    RNN_TYPES,
    BidirectionalStack,
    RecurrentStack,
)
from tests.layers.known import close, known
from tests.models import numpy_reference as reference

INPUTS = np.sin(np.arange(2 * 5 * 3) * 1.3).reshape(2, 5, 3)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)


def call(layer, inputs, mask=None, **kwargs):
    mask = None if mask is None else tf.constant(mask)
    return layer(tf.constant(inputs, tf.float32), mask=mask, **kwargs)


def in_numpy(stack, row):
    """Outputs and final states for one row [time, features]."""
    weights = [
        tuple(
            np.asarray(each, np.float64)
            for each in (
                layer.cell.kernel,
                layer.cell.recurrent_kernel,
                layer.cell.bias,
            )
        )
        for layer in stack.layers
    ]
    return reference.run_stack(weights, row)


@pytest.mark.parametrize("rnn_type", RNN_TYPES)
def test_stack_agrees_with_numpy(rnn_type):
    stack = known(RecurrentStack(4, num_layers=2, rnn_type=rnn_type))
    outputs, states = call(stack, INPUTS, MASK)
    for row, (vectors, kept) in enumerate(zip(INPUTS, MASK, strict=True)):
        expected, final = in_numpy(stack, vectors[kept])
        close(outputs[row].numpy()[kept], expected)
        for state, desired in zip(states, final, strict=True):
            assert len(state) == stack.num_states
            for tensor, array in zip(state, desired, strict=True):
                close(tensor[row], array)


def test_goes_on_from_a_state():
    stack = known(RecurrentStack(4, num_layers=2))
    outputs, final = call(stack, INPUTS)
    _, middle = call(stack, INPUTS[:, :2])
    rest, end = call(stack, INPUTS[:, 2:], initial_state=middle)
    close(rest, outputs[:, 2:])
    for state, desired in zip(end, final, strict=True):
        close(state, desired)


def test_both_directions_agree_with_numpy():
    stack = known(BidirectionalStack(4, num_layers=2))
    outputs = call(stack, INPUTS, MASK).numpy()
    for row, (vectors, kept) in enumerate(zip(INPUTS, MASK, strict=True)):
        ahead, _ = in_numpy(stack.forward, vectors[kept])
        back, _ = in_numpy(stack.backward, vectors[kept][::-1])
        expected = np.concatenate([ahead, back[::-1]], axis=-1)
        close(outputs[row, kept], expected)


def test_directions_are_independent():
    """A step changes the forward half from there on, the backward up to it."""
    stack = known(BidirectionalStack(4, num_layers=3))
    changed = INPUTS.copy()
    changed[:, 2] += 1
    outputs, others = call(stack, INPUTS), call(stack, changed)
    differs = np.any(outputs.numpy() != others.numpy(), axis=0)  # [time, 8]
    assert np.array_equal(np.any(differs[:, :4], axis=1), [0, 0, 1, 1, 1])
    assert np.array_equal(np.any(differs[:, 4:], axis=1), [1, 1, 1, 0, 0])


@pytest.mark.parametrize("rnn_type", ["block", "gru"])
def test_padding_does_not_matter(rnn_type):
    stack = known(BidirectionalStack(4, num_layers=2, rnn_type=rnn_type))
    outputs = call(stack, INPUTS, MASK).numpy()
    extra = np.full([2, 3, 3], 7.0)
    padded = np.concatenate([INPUTS, extra], axis=1)
    mask = np.concatenate([MASK, np.zeros([2, 3], bool)], axis=1)
    further = call(stack, padded, mask).numpy()
    close(further[:, :5][MASK], outputs[MASK])
    alone = call(stack, INPUTS[1:, :3]).numpy()
    close(outputs[1:, :3], alone)


@pytest.mark.parametrize("stack_class", [RecurrentStack, BidirectionalStack])
def test_unknown_type_is_refused(stack_class):
    message = "rnn_type='rnn'; allowed: block, basic, gru, gru_of_keras_2"
    with pytest.raises(ValueError, match=f"^{message}$"):
        stack_class(4, rnn_type="rnn")


@pytest.mark.parametrize("rnn_type", ["block", "gru"])
def test_both_directions_and_their_gradients_are_those_of_keras(
    rnn_type, monkeypatch
):
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    inputs = tf.sin(tf.reshape(tf.range(45.0), [3, 5, 3]))
    upstream = tf.cos(tf.reshape(tf.range(120.0), [3, 5, 8]))
    stack = known(BidirectionalStack(4, num_layers=2, rnn_type=rnn_type))

    def outputs_and_gradients():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = stack(inputs, mask=mask)
        sources = [inputs, *stack.trainable_variables]
        return outputs, tape.gradient(outputs, sources, upstream)

    outputs, gradients = outputs_and_gradients()
    # From here on, Keras's own loop.
    monkeypatch.setattr(cpu_recurrence, "_runs_here", lambda layer: False)
    desired, desired_gradients = outputs_and_gradients()

    close(outputs, desired)
    for one, other in zip(gradients, desired_gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
