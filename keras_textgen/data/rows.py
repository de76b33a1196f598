"""Rows that a user holds in memory, whatever holds them: counted and cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import Numbers, check, counted, refused


def in_memory(data: Any) -> Any:
    """Data without the clothes of pandas and of TensorFlow's strings.

    Args:
        data: anything.

    Returns:
        The values of a pandas Series as an array, and a tensor of strings as a
        list of bytes; all else as it is.

    Example:
        >>> in_memory(tf.constant(["a rose"]))
        [b'a rose']
    """
    if tf.is_tensor(data) and not isinstance(data, tf.RaggedTensor):
        return data.numpy().tolist() if data.dtype == tf.string else data
    if hasattr(data, "to_numpy") and getattr(data, "ndim", None) == 1:
        return data.to_numpy()
    return data


def num_rows(data: Any) -> int:
    """How many rows data have.

    Args:
        data: a list, an array, a tensor, a sparse matrix or a table of named
            columns.

    Example:
        >>> num_rows(["a", "b"]), num_rows({"user": [1, 2, 3]})
        (2, 3)
    """
    if isinstance(data, Mapping):
        return num_rows(next(iter(data.values()), ()))
    shape = getattr(data, "shape", None)
    if shape is not None and len(shape):
        return int(shape[0])
    return len(data)


def take_rows(data: Any, rows: slice) -> Any:
    """Some rows of data that follow each other.

    Args:
        data: as in `num_rows`, or None.
        rows: which.

    Returns:
        The same kind of data; None for None.

    Example:
        >>> take_rows({"user": [1, 2, 3]}, slice(1, None))
        {'user': [2, 3]}
    """
    if data is None:
        return None
    if isinstance(data, Mapping):
        return {name: take_rows(each, rows) for name, each in data.items()}
    if scipy.sparse.issparse(data):
        return data.tocsr()[rows]
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    return data[rows]


def split_rows(
    parts: tuple[Any, ...], validation_split: float
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Cuts the last part off rows for validation, as Keras does.

    Args:
        parts: data whose rows belong together; None stays None.
        validation_split: share of the rows, above 0 and below 1.

    Returns:
        The first rows of each, and the last.

    Raises:
        ValueError: the share is outside of its range, or one of the two would
            have no rows.

    Example:
        >>> split_rows((["a", "b", "c", "d"], None), 0.25)
        ((['a', 'b', 'c'], None), (['d'], None))
    """
    check(Numbers(above=0, below=1), validation_split=validation_split)
    count = num_rows(parts[0])
    at = int(np.floor(count * (1.0 - validation_split)))
    if not 0 < at < count:
        raise refused(
            f"validation_split={validation_split} of {counted(count, 'row')} "
            "leaves one side empty",
            "a share that leaves rows on both",
        )
    first, last = slice(0, at), slice(at, None)
    return (
        tuple(take_rows(each, first) for each in parts),
        tuple(take_rows(each, last) for each in parts),
    )


def spread_rows(count: int, most: int) -> np.ndarray:
    """Numbers of at most so many rows, at equal distances.

    Args:
        count: of all rows.
        most: of those that are wanted.

    Example:
        >>> spread_rows(6, 3).tolist(), spread_rows(2, 3).tolist()
        ([0, 2, 4], [0, 1])
    """
    number = min(count, most)
    return np.arange(number) * count // max(number, 1)
