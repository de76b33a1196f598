"""Hidden layers as a user gives them, made and built once."""

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

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
    for layer in layers:
        if callable(layer):
            continue
        if not isinstance(layer, Sequence) or len(layer) != 2:
            raise ValueError(
                f"{name} has {layer!r}; allowed: (units, activation), or "
                "a callable"
            )
        units, activation = layer
        if not isinstance(units, numbers.Integral) or units < 1:
            raise ValueError(
                f"{name} has units={units}, which is not allowed; at least 1"
            )
        if not callable(activation):
            _check_activation(name, activation)
    return tuple(layers)


def made_layers(
    layers: Sequence[HiddenLayer],
    width: int,
    *,
    kernel_l2: float = 0.0,
    dtype: str | keras.DTypePolicy | None = None,
) -> list[Callable]:
    """Make hidden layers, each of which gives the next one its input.

    A callable that makes layers, such as `lambda x: Dense(3)(x)`, is called
    once, and what it has made is kept: called for every batch, it would make
    new weights each time, which no training changes.

    Args:
        layers: Pairs of units and activation (a name or a function); Keras
            layers; or callables from [n, width] to [n, width'].
        width: Of the first one's input.
        kernel_l2: Weight of the squared kernels of layers given as pairs.
        dtype: Of what is made of pairs, and of the input of callables.

    Returns:
        For each layer a Keras layer; or the callable itself, where it uses
        TensorFlow's functions.

    Raises:
        ValueError: A callable gives no [n, width'], or uses weights that the
            model would neither train nor save.

    Example:
        >>> layers = made_layers([lambda x: keras.layers.Dense(3)(x)], 2)
        >>> x = tf.ones([1, 2])
        >>> bool(tf.reduce_all(layers[0](x) == layers[0](x)))
        True
    """
    policy = keras.dtype_policies.get(dtype)
    made: list[Callable] = []
    for layer in layers:
        if callable(layer):
            made.append(_built_once(layer, width, policy.compute_dtype))
            width = _width_after(made[-1], width, policy.compute_dtype)
            continue
        width, activation = layer
        made.append(
            keras.layers.Dense(
                width,
                activation=activation,
                kernel_regularizer=keras.regularizers.L2(kernel_l2),
                dtype=policy,
            )
        )
    return made


def layers_config(
    layers: Sequence[HiddenLayer], made: Sequence[Callable]
) -> list:
    """Hidden layers as a file can hold them.

    Args:
        layers: As they were given.
        made: What `made_layers` made of them, which stands for callables.

    Example:
        >>> layers_config([(8, "tanh")], [keras.layers.Dense(8)])
        [[8, 'tanh']]
    """
    serialize = keras.saving.serialize_keras_object
    return [
        serialize(one_made)
        if callable(layer)
        else [int(layer[0]), serialize(layer[1])]
        for layer, one_made in zip(layers, made, strict=True)
    ]


def _check_activation(name: str, activation: Any) -> None:
    try:
        keras.activations.get(activation)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} has activation={activation!r}; allowed: None, a function, "
            "or a name that Keras knows, such as 'relu'"
        ) from None


def _built_once(layer: Callable, width: int, dtype: str) -> Callable:
    """A callable that uses the same weights at every call."""
    if isinstance(layer, keras.Layer):
        return layer
    inputs = keras.Input((width,), dtype=dtype)
    try:
        outputs = layer(inputs)
    except (AttributeError, TypeError, ValueError):
        # TensorFlow's functions take no symbols.
        return _without_weights(layer, width, dtype)
    if not isinstance(outputs, keras.KerasTensor) or len(outputs.shape) != 2:
        raise ValueError(
            f"a callable of the hidden layers gives {outputs!r}; allowed: "
            "[n, width] for [n, width]"
        )
    network = keras.Model(inputs, outputs)
    own = {id(variable.value) for variable in network.trainable_variables}
    _check_weights(network, tf.zeros([1, width], dtype), own)
    return network


def _without_weights(layer: Callable, width: int, dtype: str) -> Callable:
    """The callable itself, which must not have weights."""
    _check_weights(layer, tf.zeros([1, width], dtype), set())
    return layer


def _check_weights(layer: Callable, x: tf.Tensor, own: set[int]) -> None:
    """Refuse weights that are used and are not the layer's own."""
    with tf.GradientTape() as tape:
        layer(x)
    others = [each for each in tape.watched_variables() if id(each) not in own]
    if others:
        raise ValueError(
            f"a callable of the hidden layers uses the weight "
            f"{others[0].name}, which would not be trained; allowed: Keras "
            "layers and keras.ops"
        )


def _width_after(layer: Callable, width: int, dtype: str) -> int:
    if isinstance(layer, keras.Layer):
        return layer(keras.Input((width,), dtype=dtype)).shape[-1]
    return layer(tf.zeros([1, width], dtype)).shape[-1]
