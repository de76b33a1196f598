"""What holds for every layer."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.registry import (
    FLOAT32_LAYERS,
    LAYERS,
    LENGTHS,
    Sample,
    assert_moved_by,
    each_layer,
    with_known_weights,
)

FURTHER_STEPS = 3


def arguments(case, change=lambda sample: sample.value):
    """The arguments of a case's layer, made from its samples."""

    def changed(samples):
        if isinstance(samples, Sample):
            return change(samples)
        return [changed(each) for each in samples]

    return {name: changed(each) for name, each in case.samples.items()}


def has_time(case):
    found = []
    arguments(case, lambda sample: found.append(sample.padding is not None))
    return any(found)


timed = [case for case in LAYERS if has_time(case)]
BACKBONES = {"bert_encoder", "gpt2_decoder"}
each_layer_over_time = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.name,
            marks=pytest.mark.skipif(
                case.name in BACKBONES and find_spec("keras_hub") is None,
                reason="no keras_hub (extra transformers)",
            ),
        )
        for case in timed
    ],
)


def make(case, **kwargs):
    """The layer of a case, built, with known weights."""
    layer = case.make(**kwargs)
    layer(**arguments(case))
    return with_known_weights(layer)


def arrays(outputs):
    """Whatever a layer returns as a flat list of arrays."""
    flat = tf.nest.flatten(outputs)
    return [np.asarray(each) for each in flat if each is not None]


def outputs_of(layer, given):
    return arrays(layer(**given))


def corner_of(outputs, corner):
    """The parts of outputs that are where another list of outputs is."""
    pairs = zip(outputs, corner, strict=True)
    return [each[tuple(map(slice, part.shape))] for each, part in pairs]


def assert_close(found, expected, rtol=1e-6, atol=1e-6):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@each_layer
def test_build_and_shapes(case):
    layer = case.make()
    outputs = outputs_of(layer, arguments(case))
    assert layer.built
    for output in outputs:
        assert output.shape[0] == len(LENGTHS)
        assert output.dtype in (np.float32, np.int32)
        assert np.isfinite(output).all()


@each_layer
def test_gradient_reaches_every_weight(case):
    layer = make(case)
    total = tf.constant(0.0)
    with tf.GradientTape() as tape:
        for output in tf.nest.flatten(layer(**arguments(case))):
            if output is not None and output.dtype.is_floating:
                # Different weights, as the sum of a softmax has no gradient.
                weights = tf.range(tf.size(output, tf.int32)) % 7 + 1
                weights = tf.reshape(weights, output.shape)
                total += tf.reduce_sum(tf.cast(weights, tf.float32) * output)
    weights = layer.trainable_weights
    assert_moved_by(tape.gradient(total, weights), weights)


@each_layer_over_time
def test_more_padding_changes_nothing(case):
    def padded(sample):
        value = sample.value
        if sample.padding is None:
            return value
        shape = [*value.shape[:1], FURTHER_STEPS, *value.shape[2:]]
        fill = tf.cast(tf.fill(shape, sample.padding), value.dtype)
        return tf.concat([value, fill], axis=1)

    layer = make(case)
    expected = outputs_of(layer, arguments(case))
    found = outputs_of(layer, arguments(case, padded))
    assert_close(corner_of(found, expected), expected)


@each_layer_over_time
def test_what_is_under_the_padding_does_not_matter(case):
    layer = make(case)
    whole = outputs_of(layer, arguments(case))
    for row, length in enumerate(LENGTHS):

        def cut(sample, row=row, length=length):
            value = sample.value[row : row + 1]
            return value if sample.padding is None else value[:, :length]

        alone = outputs_of(layer, arguments(case, cut))
        of_row = [output[row : row + 1] for output in whole]
        assert_close(alone, corner_of(of_row, alone))


@each_layer
def test_rows_do_not_depend_on_each_other(case):
    layer = make(case)
    whole = outputs_of(layer, arguments(case))
    for row in range(len(LENGTHS)):
        one = slice(row, row + 1)
        given = arguments(case, lambda sample, one=one: sample.value[one])
        alone = outputs_of(layer, given)
        # Strings alone need less padding, hence the corner.
        of_row = [output[one] for output in whole]
        assert_close(alone, corner_of(of_row, alone))


def rebuilt_of(layer, case):
    """The layer, made again from its configuration and its weights."""
    config = keras.saving.serialize_keras_object(layer)
    rebuilt = keras.saving.deserialize_keras_object(config)
    assert type(rebuilt) is type(layer)
    assert rebuilt.get_config() == layer.get_config()
    rebuilt(**arguments(case))
    rebuilt.set_weights(layer.get_weights())
    return rebuilt


@each_layer
def test_round_trip_of_config_and_weights(case):
    layer = make(case)
    given = arguments(case)
    expected = outputs_of(layer, given)
    assert_same(outputs_of(rebuilt_of(layer, case), given), expected)


@each_layer
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("mixed_float16", 0.01), ("mixed_bfloat16", 0.08)],
)
def test_half_precision(case, precision, tolerance, dtype_policy):
    given = arguments(case)
    full = outputs_of(make(case), given)
    layer = make(case, dtype=precision)
    half = outputs_of(layer, given)
    for output in half:
        assert np.isfinite(output.astype(np.float32)).all()
    assert_close(
        [output.astype(np.float64) for output in half],
        full,
        rtol=tolerance,
        atol=tolerance,
    )
    if isinstance(layer, FLOAT32_LAYERS):
        assert_same(half, full)
    # The inner layers have the precision too, and keep it when saved.
    assert_same(outputs_of(rebuilt_of(layer, case), given), half)
    with dtype_policy(precision):
        by_policy = make(case)
    assert_same(outputs_of(by_policy, given), half)


@each_layer
def test_graph_of_unknown_shapes(case):
    def spec(sample):
        known = 1 if sample.padding is None else 2
        shape = [*[None] * known, *sample.value.shape[known:]]
        return tf.TensorSpec(shape, sample.value.dtype)

    layer = make(case)
    graph = tf.function(lambda given: layer(**given))
    graph = graph.get_concrete_function(arguments(case, spec))
    given = arguments(case)
    assert_close(arrays(graph(given)), outputs_of(layer, given))


@each_layer
def test_compiled_by_xla(case):
    layer = make(case)
    if not layer.supports_jit:
        pytest.skip("the layer says that XLA cannot compile it")
    given = arguments(case)
    compiled = tf.function(lambda given: layer(**given), jit_compile=True)
    expected = outputs_of(layer, given)
    assert_close(arrays(compiled(given)), expected, rtol=1e-5, atol=1e-5)
