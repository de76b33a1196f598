"""Layers whose weights are known, and how near outputs have to be."""

import numpy as np


def known(layer, input_shape=(None, None, 3)):
    """The layer, built, its weights set to fixed values."""
    layer.build(input_shape)
    for phase, weight in enumerate(layer.trainable_variables):
        positions = phase + 1.7 * np.arange(np.prod(weight.shape))
        weight.assign(np.sin(positions).reshape(weight.shape))
    return layer


def close(actual, desired):
    """Assert that values are those of equations, but for rounding."""
    np.testing.assert_allclose(actual, desired, atol=1e-5)
