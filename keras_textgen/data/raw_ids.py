"""Raw ids of rows and columns: as text, as numbers, and missing."""

from __future__ import annotations

import math
import numbers
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import refused

# What writers of tables put in place of an id that is not there: what pandas
# reads as missing, which R, spreadsheets and databases write; NaT of its dates,
# and the mark of dumps of MySQL and PostgreSQL.
MISSING_TEXTS = frozenset(
    (
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
        "NaT",
        "\\N",
    )
)


def raw_ids(name: str, ids: Any, known: Container[str] = ()) -> list[str]:
    """Reads ids as the text that they are compared by.

    A number without a fraction is the same id whatever its type, and bytes
    are UTF-8.

    Args:
        name: what they are ids of, for messages.
        ids: strings, bytes or numbers: a sequence, an array, a column.
        known: texts that are ids, although they may stand for a missing one.

    Returns:
        The text of each.

    Raises:
        ValueError: an id is missing, see `is_missing_field`, its bytes are not
            UTF-8, or it is a list or an object.

    Example:
        >>> raw_ids("user", [3, 3.0, np.float32(3), b"ann"])
        ['3', '3', '3', 'ann']
        >>> raw_ids("user", ["ann", float("nan")])
        Traceback (most recent call last):
        ValueError: user of place 1 is missing (nan); allowed: an id
    """
    found = []
    for place, each in enumerate(as_list(ids)):
        if is_nested(each):
            raise refused(
                f"{name} of place {place} is {each!r:.40}, of type "
                f"{type(each).__name__}",
                "text or a number",
            )
        is_text = isinstance(each, (str, bytes))
        if is_missing_field(each) and not (is_text and raw_id(each) in known):
            raise refused(
                f"{name} of place {place} is missing ({each!r})", "an id"
            )
        found.append(raw_id(each))
    return found


def raw_id(value: Any) -> str:
    r"""The text of one id that is not missing.

    Args:
        value: text, bytes or a number.

    Raises:
        ValueError: its bytes are not UTF-8.

    Example:
        >>> raw_id(b"caf\xc3\xa9"), raw_id(2.5)
        ('café', '2.5')
    """
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise refused(
                f"id {value!r} is not UTF-8", "text, UTF-8, or numbers"
            ) from None
    if _is_whole_float(value):
        return str(int(value))
    return str(value)


def is_missing_field(value: Any) -> bool:
    """Whether a field of a table stands for what is not there.

    Text does if it is one of `MISSING_TEXTS`, to the letter. As a text to learn
    from it would be one, see `keras_textgen.data.text_lists.is_missing`.

    Example:
        >>> [
        ...     is_missing_field(each)
        ...     for each in (None, float("nan"), " ", 0, "nan")
        ... ]
        [True, True, True, False, True]
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.strip() in MISSING_TEXTS
    # pandas.NA refuses to be compared, so that it is known by its class.
    if value is None or type(value).__name__ == "NAType":
        return True
    return bool(np.ndim(value) == 0 and value != value)


def is_nested(value: Any) -> bool:
    """Whether a value is several: a list, an object, an array.

    Example:
        >>> [is_nested(each) for each in (["ann"], {"id": 3}, "ann", 3, None)]
        [True, True, False, False, False]
    """
    if isinstance(value, (str, bytes)):
        return False
    is_several = isinstance(value, (list, tuple, set, frozenset, Mapping))
    return is_several or np.ndim(value) > 0


def is_whole_number(value: Any) -> bool:
    """Whether a value is a number without a fraction, whatever its type.

    Example:
        >>> [is_whole_number(each) for each in (3, 3.0, 3.5, "3", True)]
        [True, True, False, False, False]
    """
    if isinstance(value, (bool, np.bool_)):
        return False
    return isinstance(value, numbers.Integral) or _is_whole_float(value)


def numbers_of_ids(name: str, ids: Any, known: Sequence[str]) -> np.ndarray:
    """The numbers of raw ids.

    Args:
        name: what they are ids of, for messages.
        ids: as in `raw_ids`.
        known: every raw id, in the order of their numbers.

    Returns:
        int32 `[ids]`.

    Raises:
        ValueError: an id is missing, or unknown.

    Example:
        >>> numbers_of_ids("film", ["b", b"a"], ["a", "b"]).tolist()
        [1, 0]
    """
    numbers_of = {each: number for number, each in enumerate(known)}
    found = []
    for given, text in zip(
        as_list(ids), raw_ids(name, ids, numbers_of), strict=True
    ):
        # A model may know 3.0 by the text that it once had.
        number = numbers_of.get(text, numbers_of.get(str(given)))
        if number is None:
            raise refused(
                f"{name} {text!r} is unknown",
                f"the {len(known)} ids from {known[0]!r} to {known[-1]!r}",
            )
        found.append(number)
    return np.array(found, np.int32)


def as_list(ids: Any) -> list:
    """Ids or values as Python's own, in a list.

    Not by way of an array, which makes text of a NaN beside text.

    Example:
        >>> as_list(np.array([1.5])), as_list(("ann", None))
        ([1.5], ['ann', None])
    """
    if hasattr(ids, "numpy"):
        ids = ids.numpy()
    return ids.tolist() if hasattr(ids, "tolist") else list(ids)


def _is_whole_float(value: Any) -> bool:
    is_float = isinstance(value, numbers.Real) and not isinstance(
        value, numbers.Integral
    )
    return is_float and math.isfinite(value) and value == int(value)
