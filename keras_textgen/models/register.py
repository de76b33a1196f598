"""Imports every class that a saved model may be made of.

Keras loads a file only where the classes in it are registered, which importing
their modules does. Here are also the models by their names.
"""

import functools
import importlib
from collections.abc import Callable

import keras

from keras_textgen import (
    optimizers,  # noqa: F401 - it registers
    schedules,  # noqa: F401 - it registers
)
from keras_textgen.specs import SPECS, ModelSpec

__all__ = ["MODELS"]


def _constructor(spec: ModelSpec) -> Callable[..., keras.Model]:
    module, _, name = spec.class_path.partition(":")
    model = getattr(importlib.import_module(module), name)
    return functools.partial(model, **spec.fixed) if spec.fixed else model


# From data, such as a vocabulary, and settings to a model.
MODELS: dict[str, Callable[..., keras.Model]] = {
    name: _constructor(spec) for name, spec in SPECS.items()
}
