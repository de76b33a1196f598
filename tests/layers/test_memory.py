"""The dual-memory cells against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.memory import BroadMemory, DeepMemory, LatentLevel
from tests.layers.known import close, known
from tests.models import numpy_reference as reference

INPUTS = np.sin(np.arange(2 * 5 * 3) * 1.3).reshape(2, 5, 3)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)


def arrays(*weights):
    return tuple(np.asarray(each, np.float64) for each in weights)


def cell_weights(cell):
    return arrays(cell.kernel, cell.recurrent_kernel, cell.bias)


# -- Broad memory --------------------------------------------------------------


@pytest.fixture
def broad():
    layer = BroadMemory(units=4, num_layers=2, attention_units=3)
    return known(layer)


def test_broad_memory_agrees_with_numpy(broad):
    memory, weights = broad(
        tf.constant(INPUTS, tf.float32), mask=tf.constant(MASK)
    )
    stacks = [
        [cell_weights(layer.cell) for layer in stack.layers]
        for stack in (broad.encoder.forward, broad.encoder.backward)
    ]
    attention = broad.attention
    attention = arrays(attention.kernel, attention.bias, attention.context)
    for row, (vectors, kept) in enumerate(zip(INPUTS, MASK, strict=True)):
        read = reference.run_both_ways(*stacks, vectors[kept])
        close(memory[row], reference.attend(attention, read))
    close(np.sum(weights, axis=1), [1, 1])
    assert not np.any(weights.numpy()[~MASK])


def test_broad_memory_does_not_change_with_padding(broad):
    memory, _ = broad(tf.constant(INPUTS, tf.float32), mask=tf.constant(MASK))
    alone, _ = broad(tf.constant(INPUTS[1:, :3], tf.float32))
    close(memory[1], alone[0])


# -- Deep memory ---------------------------------------------------------------


@pytest.mark.parametrize("num_layers", [1, 2])
def test_deep_memory_carries_its_state_from_level_to_level(num_layers):
    memory = known(DeepMemory(units=4, num_layers=num_layers), (None, 3))
    state = memory.empty(batch_size=2)
    assert [[each.shape for each in pair] for pair in state] == (
        [[(2, 4), (2, 4)]] * num_layers
    )
    cells = [cell_weights(cell) for cell in memory.cells]
    outputs = []
    for level in range(3):
        inputs = tf.constant(INPUTS[:, level], tf.float32)
        output, state = memory(inputs, state)
        outputs.append(output)
    # Over depth it is what an LSTM is over time.
    expected, final = reference.run_stack(
        cells,
        INPUTS[:, :3].swapaxes(0, 1),
        [reference.zero_state(c, (2,)) for c in cells],
    )
    close(outputs, expected)
    for pair, desired in zip(state, final, strict=True):
        close(pair, desired)


# -- Latent level --------------------------------------------------------------


def gaussian_head(head):
    return tuple(
        arrays(each.kernel, each.bias) for each in (head.loc, head.log_variance)
    )


def test_level_without_deep_memory_is_linear():
    level = known(LatentLevel(latent_dim=2), (None, 3))
    assert len(level.trainable_variables) == 4
    loc, scale, state = level(tf.constant(INPUTS[:, 0], tf.float32))
    expected = reference.gaussian(gaussian_head(level.head), INPUTS[:, 0])
    close(loc, expected.mean)
    close(scale, np.exp(expected.log_variance / 2))
    assert state is None


def test_levels_share_a_deep_memory():
    memory = DeepMemory(units=4, num_layers=2)
    first = known(LatentLevel(latent_dim=2, deep_memory=memory), (None, 3))
    second = known(LatentLevel(latent_dim=1, deep_memory=memory), (None, 5))
    inputs = [INPUTS[:, 0], INPUTS[:, :2].reshape(2, 6)[:, :5]]
    state = memory.empty(batch_size=2)
    cells = [cell_weights(cell) for cell in memory.cells]
    kept = reference.empty_memory(cells, (2,))
    for level, vectors in zip([first, second], inputs, strict=True):
        loc, scale, state = level(tf.constant(vectors, tf.float32), state)
        weights = {
            "head": gaussian_head(level.head),
            "projection": arrays(
                level.projection.kernel, level.projection.bias
            ),
        }
        expected, kept = reference.latent_level(weights, cells, vectors, kept)
        close(loc, expected.mean)
        close(scale, np.exp(expected.log_variance / 2))
    shared = {id(each) for each in memory.trainable_variables}
    for level in (first, second):
        assert shared < {id(each) for each in level.trainable_variables}


def test_level_is_rebuilt_with_its_memory():
    level = LatentLevel(2, DeepMemory(units=4, num_layers=3), name="z1")
    copy = LatentLevel.from_config(level.get_config())
    assert copy.latent_dim == 2
    assert copy.deep_memory.units == 4
    assert copy.deep_memory.num_layers == 3
    plain = LatentLevel.from_config(LatentLevel(2).get_config())
    assert plain.deep_memory is None
