"""What the wrappers take beside keras-aquarium's own arguments."""

from collections.abc import Iterable

from keras_textgen.checks import refused

OF_KERAS = ("name", "trainable", "dtype", "seed")


def check_others(names: Iterable[str], model: str) -> None:
    """Refuse arguments that a wrapper would not save.

    Args:
        names: Those beside its own.
        model: That has them.

    Raises:
        ValueError: If one is none of `OF_KERAS`.

    Example:
        >>> check_others(["seed", "l2"], "SoftmaxAutoencoder")
        Traceback (most recent call last):
        ValueError: l2, which keras-aquarium has not; allowed: name, \
trainable, dtype, seed; keras_textgen.SoftmaxAutoencoder has all of its own
    """
    for name in names:
        if name not in OF_KERAS:
            raise refused(
                f"{name}, which keras-aquarium has not",
                f"{', '.join(OF_KERAS)}; keras_textgen.{model} has all of its "
                "own",
            )
