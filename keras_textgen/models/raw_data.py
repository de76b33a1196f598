"""Forms in which data come to a model's methods."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.private_names import initial_epoch


class FirstEpoch:
    """The epoch that training begins with, known when it does.

    Args:
        model: What is trained.
        initial_epoch: As `fit` was given it.
    """

    def __init__(self, model: keras.Model, initial_epoch: int) -> None:
        self._model = model
        self._initial_epoch = initial_epoch

    def __call__(self) -> int:
        """What `keras.callbacks.BackupAndRestore` has set, if it has."""
        return initial_epoch(self._model) or self._initial_epoch


def unpacked(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a dataset or a user gives.

    Unlike Keras's own function, a list is x: texts, and no parts.

    Example:
        >>> unpacked((["a"], [1])), unpacked(["a", "b"])
        ((['a'], [1], None), (['a', 'b'], None, None))
    """
    if isinstance(data, tuple) and not hasattr(data, "_fields"):
        return keras.utils.unpack_x_y_sample_weight(data)
    return data, None, None


def packed(x: Any, y: Any, sample_weight: Any) -> Any:
    """The shortest form that `unpacked` reads.

    Example:
        >>> packed("x", None, None), packed("x", None, "weight")
        ('x', ('x', None, 'weight'))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    return x if y is None else (x, y)


def is_numeric_tensor(value: Any) -> bool:
    """Whether a value can be given to `call` as it is.

    Example:
        >>> is_numeric_tensor(tf.constant(1)), is_numeric_tensor(["a rose"])
        (True, False)
    """
    if isinstance(value, keras.KerasTensor):
        return True
    if isinstance(value, tf.RaggedTensor):
        return False
    return tf.is_tensor(value) and value.dtype != tf.string
