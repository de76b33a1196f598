"""The parts of a model by their names: frozen, or trained at another rate."""

from collections.abc import Mapping

import keras

from keras_textgen.checks import Numbers, check, refused


def freeze(model: keras.Model, names: str | None) -> None:
    """Keep layers of a model as they are.

    Args:
        model: Not compiled yet.
        names: Of layers, as its attributes are called, separated by commas;
            None for none.

    Raises:
        ValueError: If it has no layer of a name.
    """
    for name in [] if names is None else names.split(","):
        _part(model, name, "--freeze").trainable = False


def rate_factors(
    model: keras.Model, learning_rate_of: Mapping[str, float]
) -> dict[int, float]:
    """Factors on the learning rate, by the weights that they are for.

    Args:
        model: Its weights are there.
        learning_rate_of: A factor above 0 by the name of a layer, as the
            model's attributes are called.

    Returns:
        By `id` of a weight; others have 1.

    Raises:
        ValueError: If it has no layer of a name, a factor is none, a layer is
            frozen, or two factors are for one weight.

    Example:
        >>> model = keras.Model()
        >>> model.head = keras.layers.Dense(2)
        >>> model.head.build((None, 3))
        >>> list(rate_factors(model, {"head": 0.1}).values())
        [0.1, 0.1]
    """
    factors: dict[int, float] = {}
    for name, factor in learning_rate_of.items():
        weights = _part(model, name, "learning_rate_of").trainable_weights
        check(Numbers(above=0.0), **{f"learning_rate_of[{name!r}]": factor})
        if not weights:
            raise refused(
                f"learning_rate_of={name}, which is frozen", "what is trained"
            )
        for weight in weights:
            if factors.setdefault(id(weight), factor) != factor:
                raise refused(
                    f"learning_rate_of={name}: {factor} for weights that have "
                    f"{factors[id(weight)]} by another name",
                    "one factor for them",
                )
    return factors


def _part(model: keras.Model, name: str, asked_by: str) -> keras.Layer:
    """The layer of a name, which has weights."""
    layers = {
        name: layer
        for name, layer in vars(model).items()
        if isinstance(layer, keras.Layer) and layer.weights
    }
    if name not in layers:
        allowed = ", ".join(layers) or "no name, as it has no such layer"
        raise refused(f"{asked_by}={name}: no such layer", allowed)
    return layers[name]
