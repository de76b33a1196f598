"""Imports every class that a saved model may be made of.

Keras loads a file only where the classes in it are registered, which importing
their modules does. Here are also the models by their names.
"""

import keras

from keras_textgen import (
    optimizers,  # noqa: F401 - it registers
    schedules,  # noqa: F401 - it registers
)
from keras_textgen.data.subwords import (
    vocabulary,  # noqa: F401 - it registers
)
from keras_textgen.models.text import (
    optimus,  # noqa: F401 - it registers
)
from keras_textgen.specs import SPECS

__all__ = ["MODELS"]


# From data, such as a vocabulary, and settings to a model.
MODELS: dict[str, type[keras.Model]] = {
    name: spec.load() for name, spec in SPECS.items()
}
