"""Texts that a user holds in Python, checked; free of TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_textgen.checks import refused
from keras_textgen.data.frames import frame_of

_STRING_KINDS = "SUOT"
# Types of pandas, by name: pandas is not imported for them.
_MISSING_TYPES = ("NAType", "NaTType")


def is_missing(value: object) -> bool:
    """Returns whether a value stands for one that is not there.

    Args:
        value: anything.

    Returns:
        True for None, for numbers and times that are none, and for pandas' NA.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "nan", 0)]
        [True, True, False, False]
    """
    if value is None or type(value).__name__ in _MISSING_TYPES:
        return True
    return isinstance(value, float | np.generic) and bool(value != value)


def checked_texts(texts: Iterable[Any], what: str = "text") -> list[str]:
    r"""Refuses what is no text.

    Args:
        texts: strings, or bytes in UTF-8.
        what: they are called in messages, before their number from 0.

    Returns:
        The same as a list.

    Raises:
        ValueError: one is missing, or of another type, or holds half of a
            surrogate pair, which UTF-8 cannot write, or bytes that are not
            UTF-8; or there is but one string in place of a list, whose
            characters would be texts, or a table, whose names of columns would.

    Example:
        >>> checked_texts(["a rose", float("nan")])
        Traceback (most recent call last):
        ValueError: text 1 is missing (nan); allowed: strings
        >>> checked_texts(["a rose", "\ud83d"])
        Traceback (most recent call last):
        ValueError: text 1 holds the surrogate '\ud83d'; allowed: Unicode text
    """
    if isinstance(texts, str | bytes):
        raise refused(
            f"{what}s are one string, {texts!r:.40}", "a list of strings"
        )
    table = texts if isinstance(texts, Mapping) else frame_of(texts)
    if table is not None:
        raise refused(
            f"{what}s are a table, of type {type(texts).__name__}",
            f"a column of it, such as table[{next(iter(table), 'text')!r}]",
        )
    texts = list(texts)
    for place, text in enumerate(texts):
        if is_missing(text):
            raise refused(f"{what} {place} is missing ({text})", "strings")
        if not isinstance(text, str | bytes):
            raise refused(
                f"{what} {place} is {text!r:.40}, of type "
                f"{type(text).__name__}",
                "strings",
            )
        if not text.isascii():
            check_unicode(text, f"{what} {place}")
    return texts


def as_text(value: Any) -> Any:
    """Bytes in UTF-8 as a string; all else as it is.

    Example:
        >>> as_text(b"rose"), as_text("rose"), as_text(3)
        ('rose', 'rose', 3)
    """
    return value.decode() if isinstance(value, bytes) else value


def check_unicode(text: str | bytes, place: str) -> None:
    r"""Refuses a text that UTF-8 cannot write.

    Args:
        text: a string, or bytes in UTF-8.
        place: what it is called in messages.

    Raises:
        ValueError: it holds half of a surrogate pair, or bytes that are not
            UTF-8.

    Example:
        >>> check_unicode(b"a \xff", "prefix")
        Traceback (most recent call last):
        ValueError: prefix holds invalid UTF-8 (byte 0xff); allowed: Unicode
        text
    """
    try:
        text.decode() if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError as error:
        raise refused(
            f"{place} holds the surrogate {text[error.start]!a}", "Unicode text"
        ) from None
    except UnicodeDecodeError as error:
        raise refused(
            f"{place} holds invalid UTF-8 (byte 0x{text[error.start]:02x})",
            "Unicode text",
        ) from None


def texts_or_none(data: Any) -> list[str] | None:
    """Returns data as checked texts if there is a text in them, else None.

    Args:
        data: a list, a tuple, or what NumPy makes an array of.

    Returns:
        The texts; None for numbers.

    Raises:
        ValueError: one of the texts is none, see `checked_texts`; or they can
            be read once alone, such as those of a generator.

    Example:
        >>> texts_or_none(np.array(["a", "b"])), texts_or_none([[2, 4, 3]])
        (['a', 'b'], None)
    """
    if hasattr(data, "__next__"):
        raise refused(
            f"texts of type {type(data).__name__}, which are read once",
            "a list",
        )
    if not isinstance(data, list | tuple):
        data = np.asarray(data)
        if data.dtype.kind not in _STRING_KINDS:
            return None
        data = data.tolist()
    if not any(isinstance(x, str | bytes) or is_missing(x) for x in data):
        return None
    return checked_texts(data)
