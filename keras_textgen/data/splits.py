"""Splits by time, beside those at random of `readers.files`."""

from __future__ import annotations

import numpy as np

from keras_textgen.checks import refused

_HELD_OUT = 0.1


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
