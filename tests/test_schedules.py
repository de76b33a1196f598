"""Schedules against NumPy, and their way through Keras's serialisation."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import schedules

STEPS = np.array([0, 1, 7, 99, 100, 101, 250, 999, 13_000, 40_000_000])

CASES = {
    "constant": (
        schedules.ConstantSchedule(0.3),
        np.full(STEPS.shape, 0.3),
    ),
    "linear": (
        schedules.LinearSchedule(num_steps=200, start_step=50, max_weight=0.8),
        0.8 * np.interp(STEPS, [50, 250], [0, 1]),
    ),
    "sigmoid": (
        schedules.SigmoidSchedule(bias=26_000, slope=1 / 2600, max_weight=2),
        2 / (1 + np.exp(-(STEPS - 13_000.0) / 2600)),
    ),
    "cyclical": (
        schedules.CyclicalSchedule(100, ramp_fraction=0.25, max_weight=0.5),
        0.5 * np.minimum(np.mod(STEPS, 100) / 25, 1),
    ),
    "cyclical from zero": (
        schedules.CyclicalSchedule(80, 0.25, 2.0, zero_fraction=0.5),
        np.interp(np.mod(STEPS, 80), [0, 40, 60, 80], [0, 0, 2, 2]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_weights_agree_with_numpy(name):
    schedule, expected = CASES[name]
    weights = schedule(tf.constant(STEPS, tf.int64))
    assert weights.dtype == tf.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_accepts_int_tensor_variable_and_graph(name):
    schedule, expected = CASES[name]
    step = int(STEPS[6])
    variable = keras.Variable(step, dtype="int32", trainable=False)
    for given in (step, tf.constant(step), tf.Variable(step), variable):
        weight = schedule(given)
        assert weight.shape == ()
        np.testing.assert_allclose(weight, expected[6], rtol=1e-6)
    in_graph = tf.function(schedule)(tf.constant(step))
    np.testing.assert_allclose(in_graph, expected[6], rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip(name):
    schedule, _ = CASES[name]
    again = type(schedule).from_config(schedule.get_config())
    assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize("name", CASES)
def test_keras_serialization_round_trip(name):
    schedule, _ = CASES[name]
    text = json.dumps(keras.saving.serialize_keras_object(schedule))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()


def test_a_schedule_resumes_from_the_step_alone():
    schedule, _ = CASES["sigmoid"]
    in_one_go = [float(schedule(step)) for step in range(20)]
    resumed = [float(schedule(step)) for step in range(10, 20)]
    assert in_one_go[10:] == resumed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ConstantSchedule(-1), "weight=.*; allowed: numbers"),
        (
            lambda: schedules.ConstantSchedule(float("nan")),
            "weight=.*; allowed: numbers",
        ),
        (lambda: schedules.LinearSchedule(0), "num_steps=.*; allowed: numbers"),
        (lambda: schedules.LinearSchedule(5, start_step=-1), "start_step"),
        (lambda: schedules.SigmoidSchedule(-1, 1), "bias=.*; allowed: numbers"),
        (lambda: schedules.SigmoidSchedule(1, 0), "slope=.*; allowed: numbers"),
        (lambda: schedules.CyclicalSchedule(0), "period=.*; allowed: whole"),
        (
            lambda: schedules.CyclicalSchedule(5, 1.5),
            "ramp_fraction=.*; allowed: numbers",
        ),
        (
            lambda: schedules.CyclicalSchedule(5, max_weight=-1),
            "max_weight=.*; allowed: numbers",
        ),
        (
            lambda: schedules.CyclicalSchedule(5, 0.3, zero_fraction=0.8),
            "zero_fraction=0.8; allowed: numbers, 0 or more, at most 0.7",
        ),
        (lambda: schedules.halved_learning_rate(1, 0, -1), "first_halved"),
    ],
)
def test_out_of_range_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_halved_learning_rate():
    rates = [schedules.halved_learning_rate(1e-3, e, 5) for e in range(7)]
    expected = [1e-3] * 4 + [5e-4, 2.5e-4, 1.25e-4]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert schedules.halved_learning_rate(1e-3, 50, 0) == 1e-3
