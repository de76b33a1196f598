"""One seed for all that a model draws, its first weights included."""

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

import keras

from keras_textgen.checks import WholeNumbers, check
from keras_textgen.private_names import default_seeds_from

_CONSTRUCTION = threading.local()
# Of int64, as the noise of training is drawn with.
_SEEDS = WholeNumbers(-(2**63), 2**63 - 1)


def drawn_seed() -> int:
    """A seed from Keras's generator.

    Example:
        >>> keras.utils.set_random_seed(1)
        >>> seed = drawn_seed()
        >>> keras.utils.set_random_seed(1)
        >>> drawn_seed() == seed
        True
    """
    return int(keras.random.randint((), 0, 2**31 - 1))


def seeded(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor whose `seed` decides the first weights, too.

    Args:
        init: `__init__` of a model, with an argument `seed`. None for it
            draws one from Keras's generator, which
            `keras.utils.set_random_seed` seeds. Any other has to be a whole
            number, of Python's or of NumPy's types.

    Returns:
        The same; Python's generator is left as it was found.

    Example:
        >>> import random
        >>> class Draw:
        ...     @seeded
        ...     def __init__(self, *, seed=None):
        ...         self.seed, self.number = seed, random.random()
        >>> Draw(seed=3).number == Draw(seed=3).number
        True
    """

    @functools.wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        if getattr(_CONSTRUCTION, "has_begun", False):
            init(self, *args, **kwargs)
            return
        if kwargs.get("seed") is None:
            kwargs["seed"] = drawn_seed()
        check(_SEEDS, seed=kwargs["seed"])
        # Python's generator takes no other type of whole numbers.
        kwargs["seed"] = int(kwargs["seed"])
        _CONSTRUCTION.has_begun = True
        try:
            with default_seeds_from(kwargs["seed"]):
                init(self, *args, **kwargs)
        finally:
            _CONSTRUCTION.has_begun = False

    # Keras reads the arguments' names and does not look through wrappers.
    vars(constructor)["__signature__"] = inspect.signature(init)
    return constructor
