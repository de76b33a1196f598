"""What a model of cells may be told, checked."""

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import SIZES, Lists, Numbers, OneOf, check, refused

FEEDBACK = ("explicit", "implicit", "ranking")
# Cells drawn for each observed one, unless something else is said.
NEGATIVES = {"explicit": 0, "implicit": 4, "ranking": 32}


def checked_alpha(feedback: str, alpha: float | None) -> float | None:
    """What the confidence in what occurs grows by.

    Args:
        feedback: One of `FEEDBACK`.
        alpha: Of implicit feedback, None for 1; of others None.

    Raises:
        ValueError: If it is out of its range, or has no meaning.

    Example:
        >>> checked_alpha("implicit", None)
        1.0
        >>> checked_alpha("ranking", 2.0)
        Traceback (most recent call last):
        ValueError: alpha=2.0 with feedback='ranking'; allowed: None; it has a \
meaning with feedback='implicit' only
    """
    if alpha is not None:
        check(Numbers(at_least=0), alpha=alpha)
        if feedback != "implicit":
            raise refused(
                f"alpha={alpha} with feedback={feedback!r}",
                "None; it has a meaning with feedback='implicit' only",
            )
    return 1.0 if alpha is None and feedback == "implicit" else alpha


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


def without_meaningless(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config of before, when what has no meaning was not refused.

    Args:
        config: Of a model of cells.

    Returns:
        The same without negatives of explicit feedback, which drew none, the
        confidence of any but implicit feedback, and a weight of biases where
        there are none.

    Example:
        >>> without_meaningless({"feedback": "ranking", "alpha": 1.0})
        {'feedback': 'ranking'}
        >>> without_meaningless({"use_biases": False, "bias_l2": 0.1})
        {'use_biases': False}
    """
    feedback = config.get("feedback", "explicit")
    has_none = {
        "negatives": feedback == "explicit",
        "alpha": feedback != "implicit",
        "bias_l2": not config.get("use_biases", True),
    }
    return {
        name: value
        for name, value in config.items()
        if not has_none.get(name, False)
    }


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
    check(Lists("three names"), fields=fields)
    if len(fields) != 3 or len(set(fields)) < 3:
        raise refused(
            f"fields={tuple(fields)}",
            "three names, of the columns with rows, columns and values",
        )
    row, column, value = fields
    return row, column, value
