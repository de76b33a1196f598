"""Hidden layers as a user gives them, made and built once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, Lists, check, refused

# A hidden layer: its units and activation, or what does its work.
HiddenLayer = tuple[int, str | Callable | None] | Callable


def checked_layers(
    name: str, layers: Sequence[HiddenLayer]
) -> tuple[HiddenLayer, ...]:
    """Refuse what is no hidden layer.

    Args:
        name: Of the argument, for messages.
        layers: Pairs of units and activation, or callables.

    Raises:
        ValueError: A layer is neither, has fewer units than 1, or an
            activation that there is not.

    Example:
        >>> checked_layers("row_layers", [[8, "tanh"]])
        ([8, 'tanh'],)
    """
    check(Lists("layers"), **{name: layers})
    for layer in layers:
        if callable(layer):
            continue
        if not isinstance(layer, Sequence) or len(layer) != 2:
            raise refused(
                f"{name} has {layer!r}", "(units, activation), or a callable"
            )
        units, activation = layer
        check(SIZES, **{f"{name} has units": units})
        if not callable(activation):
            _check_activation(name, activation)
    return tuple(layers)


def built_layers(
    layers: Sequence[HiddenLayer], width: int, dtype: str = "float32"
) -> tuple[HiddenLayer, ...]:
    """Build callables once, and keep what they have made.

    Called for every batch, `lambda x: Dense(3)(x)` would make new weights each
    time, which no training changes.

    Args:
        layers: Pairs of units and activation (a name or a function); Keras
            layers; or other callables from [n, width] to [n, width'], which
            are called once.
        width: Of the first one's input.
        dtype: Of their inputs.

    Returns:
        The layers, with a Keras model in place of each other callable; one
        that uses TensorFlow's functions stays, as it can have no weights.

    Raises:
        ValueError: A callable gives no [n, width'], or uses weights that the
            model would neither train nor save.

    Example:
        >>> (layer,) = built_layers([lambda x: keras.layers.Dense(3)(x)], 2)
        >>> x = tf.ones([1, 2])
        >>> bool(tf.reduce_all(layer(x) == layer(x)))
        True
    """
    if not any(map(_is_function, layers)):
        return tuple(layers)
    built: list[HiddenLayer] = []
    for layer in layers:
        if _is_function(layer):
            layer = _built_once(layer, width, dtype)
        built.append(layer)
        width = _width_after(layer, width, dtype)
    return tuple(built)


def layers_config(layers: Sequence[HiddenLayer]) -> list:
    """Hidden layers, built ones, as a file can hold them.

    Example:
        >>> layers_config([(8, "tanh")])
        [[8, 'tanh']]
    """
    serialize = keras.saving.serialize_keras_object
    return [
        serialize(layer)
        if callable(layer)
        else [int(layer[0]), serialize(layer[1])]
        for layer in layers
    ]


def _is_function(layer: HiddenLayer) -> TypeGuard[Callable]:
    return callable(layer) and not isinstance(layer, keras.Layer)


def _check_activation(name: str, activation: Any) -> None:
    try:
        keras.activations.get(activation)
    except (TypeError, ValueError):
        raise refused(
            f"{name} has activation={activation!r}",
            "None, a function, or a name that Keras knows, such as 'relu'",
        ) from None


def _built_once(layer: Callable, width: int, dtype: str) -> Callable:
    """A callable that uses the same weights at every call."""
    inputs = keras.Input((width,), dtype=dtype)
    example = tf.zeros([1, width], dtype)
    try:
        outputs = layer(inputs)
    except (AttributeError, TypeError, ValueError):
        # TensorFlow's functions take no symbols.
        _check_weights(layer, example, [])
        return layer
    if not isinstance(outputs, keras.KerasTensor) or len(outputs.shape) != 2:
        raise refused(
            f"a callable of the hidden layers gives {outputs!r}",
            "[n, width] for [n, width]",
        )
    network = keras.Model(inputs, outputs)
    _check_weights(network, example, network.trainable_variables)
    return network


def _check_weights(
    layer: Callable, x: tf.Tensor, own: Sequence[keras.Variable]
) -> None:
    """Refuse weights that are used and are not the layer's own."""
    with tf.GradientTape() as tape:
        layer(x)
    # A tape watches the copies of a weight, of which each replica has one.
    copies = tf.distribute.get_strategy().experimental_local_results
    known = {id(copy) for each in own for copy in copies(each.value)}
    others = [
        each for each in tape.watched_variables() if id(each) not in known
    ]
    if others:
        raise refused(
            "a callable of the hidden layers uses the weight "
            f"{others[0].name}, which would not be trained",
            "Keras layers and keras.ops",
        )


def _width_after(layer: HiddenLayer, width: int, dtype: str) -> int:
    if not callable(layer):
        return layer[0]
    if isinstance(layer, keras.Layer):
        return layer(keras.Input((width,), dtype=dtype)).shape[-1]
    return layer(tf.zeros([1, width], dtype)).shape[-1]
