"""Telling corpora from other data, without the readers behind them."""

from typing import Any

from keras_textgen.data.readers.files import SPLITS


def is_corpus(data: Any) -> bool:
    """Whether something has a training, a validation and a test set.

    Example:
        >>> from types import SimpleNamespace
        >>> is_corpus(SimpleNamespace(train=["a"], valid=["b"], test=["c"]))
        True
        >>> is_corpus(["a"])
        False
    """
    return all(hasattr(data, split) for split in SPLITS)
