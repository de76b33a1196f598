"""What a model of cells may be told, checked."""

import numbers
from collections.abc import Sequence

import numpy as np

from keras_textgen.checks import SIZES, Numbers, OneOf, check, refused

FEEDBACK = ("explicit", "implicit", "ranking")
# Cells drawn for each observed one, unless something else is said.
NEGATIVES = {"explicit": 0, "implicit": 4, "ranking": 32}


def checked_negatives(
    feedback: str,
    negatives: int | None,
    relevant_above: float | None,
    value_range: tuple[float, float] | None,
) -> int:
    """How many cells are drawn for each observed one.

    Args:
        feedback: One of `FEEDBACK`.
        negatives: As many; None for those of `NEGATIVES`.
        relevant_above: Of ranking, or None.
        value_range: Of values, or None.

    Raises:
        ValueError: The feedback does not exist, or the others do not fit it.

    Example:
        >>> checked_negatives("implicit", None, None, None)
        4
        >>> checked_negatives("implicit", 4, 3.5, None)
        Traceback (most recent call last):
        ValueError: relevant_above=3.5 with feedback='implicit'; allowed: \
None; it has a meaning with feedback='ranking' only
    """
    check(OneOf(FEEDBACK), feedback=feedback)
    if feedback == "ranking" and value_range is not None:
        raise refused(
            f"value_range={value_range} with feedback='ranking', whose "
            "predictions are no values",
            "None",
        )
    if feedback != "ranking" and relevant_above is not None:
        raise refused(
            f"relevant_above={relevant_above} with feedback={feedback!r}",
            "None; it has a meaning with feedback='ranking' only",
        )
    if relevant_above is not None:
        check(Numbers(), relevant_above=relevant_above)
    if value_range is not None:
        _check_range(value_range)
    if negatives is None:
        return NEGATIVES[feedback]
    if feedback != "explicit":
        check(SIZES, negatives=negatives)
    elif negatives:
        raise refused(
            f"negatives={negatives} with feedback='explicit', which draws none",
            "None",
        )
    return negatives


def _check_range(value_range: tuple[float, float]) -> None:
    bounds = list(value_range) if np.ndim(value_range) == 1 else []
    are_numbers = all(isinstance(each, numbers.Real) for each in bounds)
    # NaN is not below anything.
    if len(bounds) != 2 or not are_numbers or not bounds[0] <= bounds[1]:
        raise refused(
            f"value_range={value_range!r}",
            "None, or two numbers, the lower one first",
        )


def checked_fields(fields: Sequence[str]) -> tuple[str, str, str]:
    """The names of a table's columns with rows, columns and values.

    Raises:
        ValueError: They are not three different ones.

    Example:
        >>> checked_fields(["user", "film", "stars"])
        ('user', 'film', 'stars')
    """
    if len(fields) != 3 or len(set(fields)) < 3:
        raise refused(
            f"fields={tuple(fields)}",
            "three names, of the columns with rows, columns and values",
        )
    row, column, value = fields
    return row, column, value
