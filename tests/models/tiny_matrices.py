"""Weights of tiny models of matrices."""

import numpy as np


def with_sines(model):
    """The model, its weights set to sines, all different."""
    for index, weight in enumerate(model.trainable_weights):
        positions = np.arange(np.prod(weight.shape)).reshape(weight.shape)
        weight.assign(np.sin(1 + 1.3 * positions + 2 * index))
    return model
