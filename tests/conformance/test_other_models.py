"""What holds for every model that is no text VAE."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.training.strategies import get_strategy
from tests.conformance.other_models import each_other_model, evaluation_data
from tests.conformance.registry import assert_moved_by


def train(case, strategy, **options):
    """Weights, and the logs of fit and of evaluate."""
    with get_strategy(strategy).scope():
        model = case.make()
        # So low that every gradient is clipped.
        model.compile(keras.optimizers.SGD(1.0, global_clipnorm=0.1), **options)
    data = evaluation_data(case)
    history = model.fit(data, epochs=2, verbose=0).history
    evaluation = model.evaluate(data, verbose=0, return_dict=True)
    weights = [each.numpy() for each in model.trainable_weights]
    return weights, history, evaluation


@pytest.mark.slow
@each_other_model
def test_replicas_equal_one(case):
    # Without a graph, as tracing takes most of the time; replicas need one.
    one = train(case, "none", run_eagerly=True)
    several = train(case, "mirrored")
    before = [each.numpy() for each in case.make().trainable_weights]
    assert any(
        np.any(np.abs(new - old) > 0.01)
        for new, old in zip(one[0], before, strict=True)
    )
    for found, expected in zip(several[0], one[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=3e-6)
    for logs, expected in zip(several[1:], one[1:], strict=True):
        assert logs.keys() == expected.keys()
        for name, value in logs.items():
            np.testing.assert_allclose(
                value, expected[name], rtol=1e-5, err_msg=name
            )


@each_other_model
def test_file(case, tmp_path):
    model = case.make()
    model.compile(keras.optimizers.SGD(0.1))
    expected = case.answers(model)
    assert np.ptp(expected) > 0.01
    model.save(tmp_path / "model.keras")
    loaded = keras_textgen.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(case.answers(loaded), expected)
    # As files hold them, to which a tuple is a list.
    configs = [json.dumps(each.get_config()) for each in (loaded, model)]
    assert configs[0] == configs[1]


@each_other_model
def test_every_weight_has_a_gradient(case):
    model = case.make()
    with tf.GradientTape() as tape:
        losses = [
            model.step_outputs(batch, training=True)["losses"]
            for batch in evaluation_data(case)
        ]
    weights = model.trainable_weights
    assert_moved_by(tape.gradient(losses, weights), weights)


@each_other_model
def test_training_in_half_precision(case):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = case.make()
        model.compile(keras.optimizers.SGD(0.01))
        half = model.evaluate(
            evaluation_data(case), verbose=0, return_dict=True
        )
        model.fit(evaluation_data(case), verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    whole = case.make()
    whole.compile()
    expected = whole.evaluate(
        evaluation_data(case), verbose=0, return_dict=True
    )
    assert half["loss"] == pytest.approx(expected["loss"], rel=0.05)
    for weight in model.trainable_weights:
        assert weight.dtype == "float32"
        assert np.all(np.isfinite(weight))
