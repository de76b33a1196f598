"""Transformers against NumPy; what a step reads and costs."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.encoders import TransformerEncoder
from keras_textgen.layers.transformer import (
    POSITIONS,
    TransformerStack,
    rotated,
)
from keras_textgen.layers.transformer_decoder import (
    LATENT_INJECTIONS,
    TransformerDecoder,
)
from tests.conformance.registry import with_known_weights
from tests.layers import transformer_reference as reference

ROWS, TIME, UNITS, LAYERS = 3, 5, 8, 2
INPUTS = np.sin(1.3 * np.arange(ROWS * TIME * 6)).reshape(ROWS, TIME, 6)
INPUTS = INPUTS.astype(np.float32)
CODES = np.cos(np.arange(ROWS * 4)).reshape(ROWS, 4).astype(np.float32)
NO_CODES = np.zeros([ROWS, 0], np.float32)
LENGTHS = [5, 2, 4]

each_kind = pytest.mark.parametrize(
    ("injection", "positions"),
    list(itertools.product(LATENT_INJECTIONS, POSITIONS)),
)


def decoder(injection="memory", positions="rotary", codes=CODES):
    """A decoder with weights of a size that makes every part count."""
    made = TransformerDecoder(
        UNITS, LAYERS, 2, positions, latent_injection=injection
    )
    made(tf.constant(INPUTS), tf.constant(codes))
    return with_known_weights(made)


def over_time(made, inputs=INPUTS, codes=CODES):
    state = made.first_state(tf.constant(codes), 1)
    return made.over_time(tf.constant(inputs), state).numpy()


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# -- The equations -------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("codes", [CODES, NO_CODES], ids=["code", "no code"])
def test_a_decoder_agrees_with_numpy(injection, positions, codes):
    made = decoder(injection, positions, codes)
    expected = [
        reference.decoder(made, *row) for row in zip(INPUTS, codes, strict=True)
    ]
    close(over_time(made, codes=codes), expected)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_stack_agrees_with_numpy(positions):
    made = TransformerStack(UNITS, LAYERS, 2, positions)
    mask = np.arange(TIME) < np.array(LENGTHS)[:, np.newaxis]
    made(INPUTS, mask=mask)
    outputs = with_known_weights(made)(INPUTS, mask=mask)
    for row, length in enumerate(LENGTHS):
        expected = reference.stack(made, INPUTS[row], length)
        close(outputs[row], expected)
    encoder = TransformerEncoder(UNITS, LAYERS, 2, positions)
    encoder(INPUTS, mask=mask)
    features = with_known_weights(encoder)(INPUTS, mask=mask)
    for row, length in enumerate(LENGTHS):
        close(features[row], outputs[row, :length].numpy().mean(axis=0))


def test_without_a_mask_everything_is_read():
    encoder = TransformerEncoder(UNITS, 1, 2)
    everything = encoder(INPUTS, mask=tf.fill([ROWS, TIME], True))
    close(encoder(INPUTS), everything)


def test_inputs_of_the_width_enter_as_they_are():
    made = TransformerStack(6, 1, 1)
    made(INPUTS)
    assert not made.of_inputs.built
    np.testing.assert_array_equal(
        made.entered(INPUTS, tf.range(TIME)[np.newaxis]), INPUTS
    )


def test_products_of_turned_vectors_depend_on_distance():
    vectors = tf.constant(np.sin(np.arange(16)).reshape(1, 2, 1, 8), tf.float32)

    def product(first, second):
        left, right = rotated(vectors, tf.constant([[first, second]]))[0, :, 0]
        return float(tf.reduce_sum(left * right))

    assert product(3, 10) == pytest.approx(product(40, 47), abs=1e-5)
    assert product(3, 10) != pytest.approx(product(3, 11), abs=1e-2)
    plain = tf.reduce_sum(vectors[0, 0] * vectors[0, 1])
    assert product(7, 7) == pytest.approx(float(plain), abs=1e-5)


def test_positions_beyond_those_learned_have_the_last_vector():
    made = TransformerStack(6, 1, 1, "learned", max_positions=2)
    made(INPUTS)
    vectors = made.of_positions.embeddings.numpy()
    added = made.entered(tf.zeros([1, 4, 6]), tf.range(4)[np.newaxis])
    close(added[0], vectors[[0, 1, 1, 1]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"units": 6, "num_heads": 4},
            "units=6 with num_heads=4; allowed: a m",
        ),
        ({"units": 6, "num_heads": 2}, "and positions='rotary'; allowed: an e"),
        ({"positions": "sine"}, "positions='sine'; allowed: rotary, learned"),
        ({"num_layers": 0}, "num_layers=0; allowed"),
        ({"latent_injection": "state"}, "latent_injection='state'; allowed"),
        ({"latent_tokens": 0}, "latent_tokens=0; allowed"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TransformerDecoder(**settings)


# -- Steps ---------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("codes", [CODES, NO_CODES], ids=["code", "no code"])
def test_steps_equal_outputs_over_time(injection, positions, codes):
    made = decoder(injection, positions, codes)
    expected = over_time(made, codes=codes)
    state = made.first_state(tf.constant(codes), TIME + 2)
    for position in range(TIME):
        found, state = made.step(
            tf.constant(INPUTS[:, position]), state, tf.fill([ROWS], position)
        )
        np.testing.assert_allclose(found, expected[:, position], atol=1e-5)


@each_kind
def test_outputs_do_not_see_what_comes_later(injection, positions):
    made = decoder(injection, positions)
    changed = INPUTS.copy()
    changed[:, 3] += 1
    differs = np.abs(over_time(made) - over_time(made, changed)) > 1e-6
    assert np.any(differs, axis=(0, 2)).tolist() == [False] * 3 + [True] * 2


@each_kind
def test_every_output_depends_on_the_code(injection, positions):
    made = decoder(injection, positions)
    differs = np.abs(over_time(made) - over_time(made, codes=-CODES)) > 1e-4
    assert np.any(differs, axis=2).all()


def test_a_step_writes_its_own_slot_alone():
    """Rows may be at different positions, as those of other texts are."""
    made = decoder()
    state = made.first_state(tf.constant(CODES), TIME)
    positions = [2, 0, 4]
    _, after = made.step(
        tf.constant(INPUTS[:, 0]), state, tf.constant(positions)
    )
    for pair in after.written:
        for each in pair:
            is_written = np.any(each.numpy() != 0, axis=(2, 3))
            assert [np.flatnonzero(row).tolist() for row in is_written] == [
                [position] for position in positions
            ]


def multiplications(made, num_slots):
    """Of the products of matrices in the graph of a step."""
    state = made.first_state(tf.constant(CODES), num_slots)
    graph = tf.function(made.step).get_concrete_function(
        tf.constant(INPUTS[:, 0]), state, tf.zeros([ROWS], tf.int32)
    )
    total = 0
    for op in graph.graph.get_operations():
        assert "BatchMatMul" not in op.type
        if op.type in ("MatMul", "Einsum"):
            is_einsum = op.type == "Einsum"
            names = op.get_attr("equation").decode() if is_einsum else "ab,bc->"
            sizes = {}
            for axes, each in zip(
                names.partition("->")[0].split(","), op.inputs, strict=True
            ):
                sizes |= dict(zip(axes, each.shape, strict=True))
            total += np.prod(list(sizes.values()))
    return total


@pytest.mark.parametrize("injection", LATENT_INJECTIONS)
def test_a_step_computes_one_position(injection):
    """Each weight is used once a row, whatever was written before it.

    What grows with the slots is the product of one query with their keys, and
    the mean of their values.
    """
    made = decoder(injection)
    matrices = [
        weight
        for layer in (*made.blocks, made.of_inputs)
        for weight in layer.trainable_weights
        if len(weight.shape) == 2
    ]
    if injection == "cross_attention":
        # Those of latent tokens are the state's.
        matrices = [
            weight
            for weight in matrices
            if "latent_attention/key" not in weight.path
            and "latent_attention/value" not in weight.path
        ]
    once = ROWS * sum(np.prod(weight.shape) for weight in matrices)
    for num_slots in (6, 60):
        read = num_slots
        if injection != "embedding":
            read += made.latent_tokens
        expected = once + LAYERS * 2 * ROWS * read * UNITS
        assert multiplications(made, num_slots) == expected
