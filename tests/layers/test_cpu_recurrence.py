"""The recurrences with gradients of their own against Keras's layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.cpu_recurrence import GRU, LSTM
from tests.layers.known import known

UNITS, FEATURES = 4, 3
INPUTS = np.sin(np.arange(3 * 5 * FEATURES) * 1.3).reshape(3, 5, FEATURES)
MASKS = {
    "none": None,
    "right": [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]],
    "left": [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1]],
    "holes": [[1, 0, 1, 0, 1], [0, 1, 1, 0, 1], [1, 1, 0, 1, 0]],
}
PAIRS = [(LSTM, keras.layers.LSTM), (GRU, keras.layers.GRU)]

each_pair = pytest.mark.parametrize(
    ("ours", "original"), PAIRS, ids=["lstm", "gru"]
)


def first_state(layer):
    count = len(layer.get_initial_state(1))
    positions = np.arange(count * 3 * UNITS) * 0.7
    return list(np.cos(positions).reshape(count, 3, UNITS))


def outputs_and_gradients(layer, mask, inputs=INPUTS):
    """Outputs, final states, and gradients by all that they depend on."""
    inputs = tf.constant(inputs, tf.float32)
    state = [tf.constant(each, tf.float32) for each in first_state(layer)]
    mask = None if mask is None else tf.constant(np.array(mask, bool))
    with tf.GradientTape() as tape:
        tape.watch([inputs, *state])
        results = layer(inputs, initial_state=state, mask=mask)
        weighted = [
            tf.reduce_sum(
                tf.cos(tf.range(tf.size(each), dtype=tf.float32))
                * tf.reshape(tf.cast(each, tf.float32), [-1])
            )
            for each in results
        ]
        total = tf.add_n(weighted)
    sources = [inputs, *state, *layer.trainable_variables]
    return [*results, *tape.gradient(total, sources)]


def both(ours, original, **settings):
    layers = [known(each(UNITS, **settings)) for each in (ours, original)]
    for layer in layers:
        layer.return_sequences = layer.return_state = True
    return layers


@each_pair
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("in_graph", [False, True])
def test_values_and_gradients_are_those_of_keras(
    ours, original, mask, in_graph
):
    layer, expected = both(ours, original)

    def function():
        return outputs_and_gradients(layer, mask)

    if in_graph:
        function = tf.function(function, autograph=False)
    desired = outputs_and_gradients(expected, mask)
    for _ in range(2):
        actual = function()
        for one, other in zip(actual, desired, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@each_pair
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(ours, original, dtype):
    layer, expected = both(ours, original, dtype=dtype)
    actual = outputs_and_gradients(layer, MASKS["right"])
    desired = outputs_and_gradients(expected, MASKS["right"])
    for one, other in zip(actual, desired, strict=True):
        assert one.dtype == other.dtype
        one, other = (tf.cast(each, tf.float32) for each in (one, other))
        scale = np.max(np.abs(other))
        np.testing.assert_allclose(one, other, atol=0.03 * scale)


@each_pair
def test_what_is_under_the_padding_does_not_matter(ours, original):
    layer, _ = both(ours, original)
    is_padding = np.array(MASKS["right"])[..., np.newaxis] == 0
    spoilt = np.where(is_padding, np.nan, INPUTS)
    actual = outputs_and_gradients(layer, MASKS["right"], spoilt)
    desired = outputs_and_gradients(layer, MASKS["right"])
    for one, other in zip(actual[:-3], desired[:-3], strict=True):
        np.testing.assert_array_equal(one, other)


@each_pair
def test_last_output_alone(ours, original):
    layers = [known(each(UNITS)) for each in (ours, original)]
    inputs = tf.constant(INPUTS, tf.float32)
    mask = tf.constant(np.array(MASKS["right"], bool))
    one, other = (layer(inputs, mask=mask) for layer in layers)
    np.testing.assert_allclose(one, other, atol=1e-6)


@each_pair
@pytest.mark.parametrize(
    "settings",
    [
        {"go_backwards": True},
        {"use_bias": False},
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"unroll": True},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_settings_are_left_to_keras(ours, original, settings):
    layer, expected = both(ours, original, **settings)
    actual = outputs_and_gradients(layer, None)
    desired = outputs_and_gradients(expected, None)
    for one, other in zip(actual, desired, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_reset_before_the_product_is_left_to_keras():
    test_other_settings_are_left_to_keras(*PAIRS[1], {"reset_after": False})


@each_pair
def test_dropout_drops_in_training_only(ours, original):
    layer, expected = both(ours, original, dropout=0.5, recurrent_dropout=0.5)
    inputs = tf.constant(INPUTS, tf.float32)
    plain, *_ = expected(inputs, training=False)
    np.testing.assert_allclose(layer(inputs)[0], plain, atol=1e-5)
    assert np.any(np.abs(layer(inputs, training=True)[0] - plain) > 0.01)


@each_pair
def test_config_and_names_are_those_of_keras(ours, original):
    settings = {"units": UNITS, "dropout": 0.1, "name": "layer"}
    layer, expected = known(ours(**settings)), known(original(**settings))
    assert layer.get_config() == expected.get_config()
    again = ours.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    paths = [weight.path for weight in layer.weights]
    assert paths == [weight.path for weight in expected.weights]
    # Files name the members of a list after their classes.
    assert ours.__name__ == original.__name__


@each_pair
@pytest.mark.parametrize("batch", [0, 1])
def test_batch_of_any_size(ours, original, batch):
    layer, _ = both(ours, original)
    inputs = tf.ones([batch, 5, FEATURES])
    with tf.GradientTape() as tape:
        outputs, *state = layer(inputs)
        total = tf.reduce_sum(outputs)
    gradients = tape.gradient(total, layer.trainable_variables)
    assert outputs.shape == (batch, 5, UNITS)
    assert all(each.shape == (batch, UNITS) for each in state)
    assert all(bool(np.any(each)) == bool(batch) for each in gradients)


@each_pair
def test_export_with_gradient(ours, original, tmp_path):
    """A SavedModel that TensorFlow alone loads, runs and differentiates."""
    layer, _ = both(ours, original)
    module = tf.Module()
    module.weights = [weight.value for weight in layer.weights]
    module.call = tf.function(
        lambda inputs: layer(inputs)[0],
        input_signature=[tf.TensorSpec([None, None, FEATURES])],
        autograph=False,
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    inputs = tf.constant(INPUTS, tf.float32)
    slopes = []
    for function in (layer, lambda inputs: [loaded.call(inputs)]):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(inputs)[0]
        slopes.append(tape.gradient(outputs, inputs))
    np.testing.assert_array_equal(loaded.call(inputs), layer(inputs)[0])
    np.testing.assert_allclose(*slopes, atol=1e-6)
