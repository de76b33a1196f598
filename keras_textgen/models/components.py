"""The encoders and decoders that models are given, by name or made."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import OneOf, check, refused

# What `encoder` and `decoder` can be beside layers.
NAMES = ("recurrent", "transformer")


def is_recurrent(choice: keras.Layer | str | None) -> bool:
    """Whether the model makes recurrent layers of its own.

    Example:
        >>> is_recurrent(None), is_recurrent("transformer")
        (True, False)
    """
    return choice is None or choice == "recurrent"


def chosen(
    choice: keras.Layer | str,
    argument: str,
    make_transformer: Callable[..., keras.Layer],
    **settings: Any,
) -> keras.Layer:
    """A component that is not the model's own.

    Args:
        choice: The layer, or a name.
        argument: Of the model's constructor.
        make_transformer: What the name "transformer" stands for.
        **settings: Of it.

    Raises:
        ValueError: If there is nothing of the name.

    Example:
        >>> chosen("transformer", "decoder", keras.layers.Dense, units=3).units
        3
        >>> chosen("gru", "decoder", keras.layers.Dense)
        Traceback (most recent call last):
        ValueError: decoder='gru'; allowed: recurrent, transformer
    """
    if isinstance(choice, keras.Layer):
        return choice
    if not isinstance(choice, str):
        raise refused(
            f"{argument}={choice!r}", f"a layer, or {' or '.join(NAMES)}"
        )
    check(OneOf(NAMES), **{argument: choice})
    return make_transformer(**settings)


def given(component: keras.Layer, is_own: bool) -> dict[str, Any] | None:
    """A component as the config has it; None for one that the model made.

    Keras would build it before there is a model, whose seed decides weights.

    Example:
        >>> given(keras.layers.Dense(2), is_own=True) is None
        True
    """
    if is_own:
        return None
    config = keras.saving.serialize_keras_object(component)
    return {name: config[name] for name in config if name != "build_config"}


def initialize_uniformly(
    variables: Iterable[keras.Variable],
    components: Iterable[keras.Layer],
    limit: float,
    seed: int,
) -> None:
    """Give variables values from U(-limit, limit) that depend on the seed.

    Args:
        variables: In the order that their seeds depend on.
        components: Whose variables stay as they are.
        limit: The largest value.
        seed: Of all of them.

    Example:
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> variable = keras.Variable([9.0, 9.0])
        >>> initialize_uniformly([variable, layer.bias], [layer], 0.1, seed=1)
        >>> bool(tf.reduce_all(tf.abs(variable) <= 0.1))
        True
        >>> layer.bias.numpy().tolist()
        [0.0, 0.0]
    """
    theirs = {id(each) for layer in components for each in layer.variables}
    own = [each for each in variables if id(each) not in theirs]
    for index, variable in enumerate(own):
        values = tf.random.stateless_uniform(
            variable.shape, [seed, index], -limit, limit
        )
        variable.assign(values)
