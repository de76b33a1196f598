"""The gate's heads against their formulas."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.gating import SpikeAndSlabGate

FEATURES = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, 0.3]])
KERNEL = np.array([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]])
HEADS = ("loc", "scale", "alpha", "beta")


def softplus(x):
    return np.log1p(np.exp(x))


def known_gate(biases=(0.0, 0.0, 0.0, 0.0), **settings):
    """A gate, the kernels of its heads multiples of one another."""
    gate = SpikeAndSlabGate(latent_dim=2, **settings)
    gate.build((None, 3))
    for factor, (name, bias) in enumerate(
        zip(HEADS, biases, strict=True), start=1
    ):
        head = getattr(gate, name)
        head.kernel.assign(factor * KERNEL)
        head.bias.assign([bias, bias])
    return gate


def features():
    return tf.constant(FEATURES, tf.float32)


def test_parameters():
    parameters = known_gate((0.3, -0.2, 1.0, 2.0))(features())
    x = FEATURES @ KERNEL
    expected = {
        "loc": x + 0.3,
        "scale": softplus(2 * x - 0.2),
        "alpha": softplus(3 * x + 1) + 1e-5,
        "beta": softplus(4 * x + 2) + 1e-5,
    }
    for name, value in expected.items():
        found = getattr(parameters, name)
        np.testing.assert_allclose(found, value, rtol=1e-5, err_msg=name)


def test_concentrations_are_clipped_but_keep_their_gradient():
    biases = (0.0, 0.0, -6.0, 150.0)
    x = FEATURES @ KERNEL
    gate = known_gate(biases)
    free = known_gate(biases, concentration_range=None)
    with tf.GradientTape(persistent=True) as tape:
        clipped, plain = gate(features()), free(features())
    assert np.all(np.abs(clipped.alpha - 0.5) < 1e-6)
    assert np.all(np.abs(clipped.beta - 100) < 1e-4)
    np.testing.assert_allclose(plain.alpha, softplus(3 * x - 6) + 1e-5, 1e-5)
    np.testing.assert_allclose(plain.beta, 4 * x + 150, rtol=1e-6)
    slopes = {"alpha": 1 / (1 + np.exp(6 - 3 * x)), "beta": np.ones((2, 2))}
    for name, slope in slopes.items():
        gradient = tape.gradient(
            getattr(clipped, name), getattr(gate, name).kernel
        )
        np.testing.assert_allclose(gradient, FEATURES.T @ slope, rtol=1e-4)
        unclipped = tape.gradient(
            getattr(plain, name), getattr(free, name).kernel
        )
        np.testing.assert_array_equal(gradient, unclipped)


def test_concentrations_stay_above_0():
    gate = known_gate((0.0, 0.0, -200.0, 0.0), concentration_range=None)
    assert np.all(gate(features()).alpha == np.float32(1e-5))


def test_leading_axes_are_free():
    gate = known_gate()
    flat = gate(features())
    for axes in ([1, 2], [2, 1]):
        shaped = gate(tf.reshape(features(), [*axes, 3]))
        for value, other in zip(shaped, flat, strict=True):
            assert value.shape == (*axes, 2)
            np.testing.assert_allclose(
                tf.reshape(value, [2, 2]), other, rtol=1e-6
            )


def test_stays_in_float32_under_half_precision():
    gate = SpikeAndSlabGate(2, dtype=keras.DTypePolicy("mixed_float16"))
    parameters = gate(tf.cast(features(), tf.float16))
    assert {each.dtype for each in parameters} == {tf.float32}
    assert {each.dtype for each in gate.weights} == {"float32"}


@pytest.mark.parametrize(
    "bounds", [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0)]
)
def test_range_is_checked(bounds):
    message = (
        f"concentration_range={bounds}; allowed: two numbers above 0, "
        "the lower one first"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        SpikeAndSlabGate(2, concentration_range=bounds)


@pytest.mark.parametrize("bounds", [5, "12", ("1", "2"), (1, 2, 3), ()])
def test_a_range_is_two_numbers(bounds):
    with pytest.raises(
        ValueError, match=r"^concentration_range=.*; allowed: tw"
    ):
        SpikeAndSlabGate(2, concentration_range=bounds)
