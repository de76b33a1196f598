"""The rows of each split: at random, by time, or the last of each owner."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textgen.checks import counted, refused
from keras_textgen.data.corpus import DataError

_HELD_OUT = 0.1
# Of fewer rows, a tenth is none.
_FEWEST = 10


def split_rule(split: str | None, time_column: str | None) -> str:
    """By which rule rows are split.

    Args:
        split: `"random"`, `"time"` or `"leave_last_out"`; None where nothing
            is said.
        time_column: the column with the times, or None.

    Returns:
        The rule: of None, `"time"` if there is a column of times.

    Raises:
        ValueError: there is one, and it has no use.

    Example:
        >>> split_rule(None, None), split_rule(None, "year")
        ('random', 'time')
    """
    if split is None:
        return "random" if time_column is None else "time"
    if split == "random" and time_column is not None:
        raise refused(
            f"split=random with time_column={time_column}",
            "split=time or leave_last_out, or no time_column",
        )
    return split


def check_enough(
    count: int, noun: str, source: Any, otherwise: str = ""
) -> None:
    """Refuses too few rows to split.

    Args:
        count: how many there are.
        noun: what a row is called.
        source: of the rows, for the message.
        otherwise: what is allowed beside 10 rows or more.

    Raises:
        DataError: there are fewer than 10.

    Example:
        >>> check_enough(1, "text", "a.csv")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: a.csv: 1 text leaves nothing for \
validation; allowed: 10 or more
    """
    if count < _FEWEST:
        few = counted(count, f"{noun} leaves", f"{noun}s leave")
        raise DataError(
            f"{source}: {few} nothing for validation; allowed: {_FEWEST} or "
            f"more{otherwise}"
        )


def rows_at_random(
    size: int,
    seed: int,
    labels: np.ndarray | None = None,
    held_out_parts: int = 2,
) -> list[np.ndarray]:
    """Splits row numbers at random into 80 %, 10 % and 10 %.

    Args:
        size: number of rows, 10 or more without labels.
        seed: the split depends on it, on `size` and on the labels alone.
        labels: integers `[size]`; the rows of each label are split by
            themselves. A label of 3 to 19 rows gives one to each held-out
            part, and one of 1 or 2 rows only to the training part.
        held_out_parts: how many parts of 10 % follow the training part.

    Returns:
        Sorted integer arrays: training, then the held-out parts: by default
        validation and test.

    Example:
        >>> [len(rows) for rows in rows_at_random(249, seed=0)]
        [201, 24, 24]
        >>> labels = np.array([0] * 30 + [1] * 5)
        >>> [
        ...     np.bincount(labels[r]).tolist()
        ...     for r in rows_at_random(35, 0, labels)
        ... ]
        [[24, 3], [3, 1], [3, 1]]
    """
    if labels is None:
        labels = np.zeros(size)
    generator = np.random.Generator(np.random.Philox(seed))
    parts = [
        _split_at_random(
            np.flatnonzero(labels == label), generator, held_out_parts
        )
        for label in np.unique(labels)
    ]
    return [np.sort(np.concatenate(part)) for part in zip(*parts, strict=True)]


def _split_at_random(
    rows: np.ndarray, generator: np.random.Generator, held_out_parts: int
) -> list[np.ndarray]:
    size = len(rows)
    held_out = max(1, size // 10) if size > held_out_parts else 0
    ends = size - held_out * np.arange(held_out_parts, 0, -1)
    return np.split(rows[generator.permutation(size)], ends)


def rows_by_time(times: np.ndarray) -> list[np.ndarray]:
    """The first 80 % for training, then 10 % and 10 %.

    Args:
        times: of each row, `[rows]`; rows of one time stay in their order.

    Returns:
        Sorted numbers of rows for training, validation and test.

    Example:
        >>> [rows.tolist() for rows in rows_by_time(np.arange(10)[::-1])]
        [[2, 3, 4, 5, 6, 7, 8, 9], [1], [0]]
    """
    order = np.argsort(times, kind="stable")
    held_out = max(1, int(len(order) * _HELD_OUT))
    parts = np.split(order, [len(order) - 2 * held_out, len(order) - held_out])
    return [np.sort(part) for part in parts]


def leave_last_out(owners: np.ndarray, times: np.ndarray) -> list[np.ndarray]:
    """The last row of each owner for the test, the one before to validate.

    Args:
        owners: whose each row is, integers `[rows]`; one who has fewer than 3
            keeps all of them for training.
        times: of each row, `[rows]`; of rows of one time, the later one counts
            as later.

    Returns:
        Sorted numbers of rows for training, validation and test.

    Example:
        >>> owners = np.array([7, 7, 7, 7, 3])
        >>> times = np.array([9, 2, 5, 1, 1])
        >>> [rows.tolist() for rows in leave_last_out(owners, times)]
        [[1, 3, 4], [2], [0]]
    """
    order = np.lexsort((times, owners))
    _, starts, counts = np.unique(
        owners[order], return_index=True, return_counts=True
    )
    ends = (starts + counts)[counts >= 3]
    test, valid = order[ends - 1], order[ends - 2]
    is_train = np.ones(len(order), bool)
    is_train[test] = is_train[valid] = False
    return [np.flatnonzero(is_train), np.sort(valid), np.sort(test)]
