"""What is kept of a column of a table, and what is refused of it."""

from __future__ import annotations

import array
import datetime
import decimal
import math
import re
from collections.abc import Container, Sequence
from typing import Any, Protocol

import numpy as np

from keras_textgen.data.cells import LARGEST, number_of_text
from keras_textgen.data.characters import has_word
from keras_textgen.data.labels import clean_label
from keras_textgen.data.raw_ids import is_missing_field, is_nested, raw_id

# Numbers, some of which a data frame may have written with a fraction.
_WHOLE_NUMBER = re.compile(r"(-?[0-9]+)(?:\.0+)?")
# Halves of characters, which JSON can write by themselves.
_SURROGATE = re.compile("[\ud800-\udfff]")
_YEAR_1970 = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_NANOSECONDS_A_YEAR = 365.2425 * 86_400 * 1e9
# What a date may have below the microsecond, which Python leaves out.
_NANOSECONDS = re.compile(r"[.,]\d{6}(\d{1,3})")
# Whole numbers below are floats exactly, and so is text of fewer characters.
_EXACT, _EXACT_LENGTH = 2**53, 17


class UnusableError(ValueError):
    """A value that cannot be used: what is wrong, what is allowed."""


class NoWordsError(Exception):
    """A row without a text, which is left out."""


class Collector(Protocol):
    """Takes the values of a column one after the other."""

    def add(self, value: Any) -> None:
        """Takes the value of the next row.

        Raises:
            UnusableError: it cannot be used.
            NoWordsError: the row is to be left out.
        """


class Texts:
    """Texts.

    Attributes:
        found: the text of each row.

    Example:
        >>> texts = Texts("review")
        >>> texts.add("a rose")
        >>> texts.found
        ['a rose']
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.found: list[str] = []

    def add(self, value: Any) -> None:
        """Takes a text; one without words leaves its row out."""
        self.found.append(checked_text(self.column, value))


def checked_text(column: str, value: Any) -> str:
    """A text that has words.

    Args:
        column: where it stands, for messages.
        value: perhaps a text.

    Raises:
        UnusableError: it is none, or not whole.
        NoWordsError: it is missing, or has no words.

    Example:
        >>> checked_text("review", "a rose")
        'a rose'
    """
    if value is None:
        raise NoWordsError
    if not isinstance(value, str):
        raise UnusableError(
            f"{column} is {value!r:.40}, of type "
            f"{type(value).__name__}; allowed: a text"
        )
    if not has_word(value):
        raise NoWordsError
    if not value.isascii() and _SURROGATE.search(value):
        raise UnusableError(
            f"{column} holds half a character (a lone surrogate); "
            "allowed: a text of whole characters"
        )
    return value


class Labels:
    """Labels, as text.

    Example:
        >>> labels = Labels("stars")
        >>> for each in ("5.0", "4.0", "5.0"):
        ...     labels.add(each)
        >>> labels.found
        ['5', '4', '5']
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self._numbers = Ids(column)

    @property
    def found(self) -> list[str]:
        """The label of each row; whole numbers without a fraction."""
        numbers, names = self._numbers.numbered()
        return [names[number] for number in numbers]

    def add(self, value: Any) -> None:
        """Takes a label."""
        self._numbers.known(clean_label(_text(self.column, value, "a label")))


class Ids:
    """Raw ids, each kept once.

    Example:
        >>> ids = Ids("user")
        >>> for each in (3.0, "7.0", " 3 "):
        ...     ids.add(each)
        >>> ids.numbered()
        (array([0, 1, 0], dtype=int32), ('3', '7'))
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self._known: dict[str, int] = {}
        self._names: list[str] = []
        self._numbers = array.array("i")

    def add(self, value: Any) -> None:
        """Takes an id."""
        # Most are there already, and need no second look.
        if isinstance(value, str) and value in self._known:
            self._numbers.append(self._known[value])
            return
        self.known(checked_id(self.column, value))

    def known(self, text: str) -> None:
        """Takes the text of an id that is not missing."""
        number = self._known.setdefault(text, len(self._names))
        if number == len(self._names):
            self._names.append(text)
        self._numbers.append(number)

    def raw(self, row: int) -> str:
        """The text of a row, as it was given."""
        return self._names[self._numbers[row]]

    def numbered(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """The number of each row's id, int32 `[rows]`, and all ids.

        Where every id is a whole number, `3.0` is `3`.
        """
        numbers = np.array(self._numbers, np.int32)
        names = without_fractions(self._names)
        merged: dict[str, int] = {}
        new = [merged.setdefault(name, len(merged)) for name in names]
        return np.array(new, np.int32)[numbers], tuple(merged)


def without_fractions(ids: Sequence[str]) -> list[str]:
    """Ids as they are compared: `3.0` is `3` where all are whole numbers.

    Example:
        >>> without_fractions(["3.0", "7"]), without_fractions(["3.0", "ann"])
        (['3', '7'], ['3.0', 'ann'])
    """
    matches = [_WHOLE_NUMBER.fullmatch(each) for each in ids]
    if not all(matches):
        return list(ids)
    return [match[1] for match in matches if match]


def checked_id(column: str, value: Any) -> str:
    """The text of an id.

    Args:
        column: where it stands, for messages.
        value: perhaps an id.

    Raises:
        UnusableError: it is missing, or a list or an object.

    Example:
        >>> checked_id("user", " ann "), checked_id("user", 3.0)
        ('ann', '3.0')
    """
    return _text(column, value, "an id").strip()


def checked_id_or_none(column: str, value: Any) -> str:
    """As `checked_id`, of a record that may have none.

    Raises:
        UnusableError: it is a list or an object.
        NoWordsError: it is missing.

    Example:
        >>> checked_id_or_none("user", " ann ")
        'ann'
    """
    if not is_nested(value) and is_missing_field(value):
        raise NoWordsError
    return checked_id(column, value)


def id_among(known: Container[str], text: str) -> str:
    """An id as it is known: `3.0` is `3` if that is there.

    Example:
        >>> id_among({"3"}, "3.0"), id_among({"3"}, "4.0")
        ('3', '4.0')
    """
    match = _WHOLE_NUMBER.fullmatch(text)
    is_other = text not in known and match is not None
    return match[1] if is_other and match[1] in known else text


class Values:
    """Finite numbers.

    Example:
        >>> values = Values("stars")
        >>> values.add("4.5")
        >>> values.found.tolist()
        [4.5]
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.found = array.array("d")

    def add(self, value: Any) -> None:
        """Takes a number, or the text of one."""
        number = _number(value)
        # False for NaN, too.
        if not abs(number) <= LARGEST:
            raise UnusableError(f"value {value!r}; allowed: a finite number")
        self.found.append(number)


class Times:
    """Times, as numbers that grow with them.

    Example:
        >>> times = Times("when")
        >>> times.add("2024-05-01 10:00"), times.add("2024-05-01T12:00+02:00")
        (None, None)
        >>> times.add("2024-05-01T10:00:00Z"), times.found.tolist()
        (None, [0, 0, 0])
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self._numbers = array.array("d")
        # What floats leave out of integers of many digits, such as nanoseconds.
        self._rests = array.array("d")
        self._are_numbers: bool | None = None

    @property
    def found(self) -> np.ndarray:
        """The place of each row's time among all times, int64 `[rows]`."""
        times = np.asarray(self._numbers), np.asarray(self._rests)
        order = np.lexsort(times[::-1])
        is_later = np.zeros(len(order), bool)
        for each in times:
            is_later[1:] |= np.diff(each[order]) != 0
        places = np.empty(len(order), np.int64)
        places[order] = np.cumsum(is_later)
        return places

    @property
    def shown(self) -> np.ndarray:
        """Each row's time for people, float64 `[rows]`: dates in years.

        Example:
            >>> times = Times("when")
            >>> times.add("1970-01-01"), times.add("1980-07-02")
            (None, None)
            >>> times.shown.round(1).tolist()
            [1970.0, 1980.5]
        """
        numbers = np.array(self._numbers)
        if self._are_numbers:
            return numbers
        return 1970 + numbers / _NANOSECONDS_A_YEAR

    def add(self, value: Any) -> None:
        """Takes a number, a date, or the text of one of them."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        exact = value
        number = _number(value)
        is_number = math.isfinite(number)
        if not is_number:
            exact = _nanoseconds(value)
            number = _number(exact)
        if not math.isfinite(number):
            raise UnusableError(
                f"{self.column} {value!r:.40} is no time; allowed: a number, "
                "or a date such as 2024-05-01 or 2024-05-01T10:00:00Z"
            )
        if self._are_numbers not in (None, is_number):
            raise UnusableError(
                f"{self.column} {value!r:.40} is of another kind than those "
                "above; allowed: numbers in every row, or dates in every row"
            )
        self._are_numbers = is_number
        self._numbers.append(number)
        self._rests.append(_rest(exact, number))


def _number(value: Any) -> float:
    if isinstance(value, str):
        return number_of_text(value.strip())
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _rest(value: Any, number: float) -> float:
    """What the nearest float leaves of a number; 0 of most."""
    if isinstance(value, float):
        return 0.0
    text = str(value).strip()
    is_exact = number.is_integer() and abs(number) < _EXACT
    if is_exact and len(text) < _EXACT_LENGTH:
        return 0.0
    return float(decimal.Decimal(text) - decimal.Decimal(number))


def _nanoseconds(value: Any) -> int | None:
    """Since 1970, if it is a date; one without a zone is that of Greenwich."""
    below = getattr(value, "nanosecond", 0)
    if isinstance(value, str):
        match = _NANOSECONDS.search(value)
        below = int(match[1].ljust(3, "0")) if match else 0
        try:
            value = datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime.datetime):
        if not isinstance(value, datetime.date):
            return None
        value = datetime.datetime.combine(value, datetime.time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.UTC)
    since = value - _YEAR_1970
    seconds = since.days * 86_400 + since.seconds
    return seconds * 10**9 + since.microseconds * 1000 + below


def _text(column: str, value: Any, allowed: str) -> str:
    """A label or an id as text; a whole float with the fraction `.0`.

    A text file has it so, too, and all rows decide what becomes of it.

    Raises:
        UnusableError: it is missing, or a list or an object.
    """
    if is_nested(value):
        raise UnusableError(
            f"{column} is {value!r:.40}, of type {type(value).__name__}; "
            f"allowed: {allowed}"
        )
    if is_missing_field(value):
        is_text = isinstance(value, str) and value.strip()
        shown = f" ({value.strip()!r})" if is_text else ""
        raise UnusableError(f"{column} is missing{shown}; allowed: {allowed}")
    if isinstance(value, float) and value.is_integer():
        return f"{int(value)}.0"
    return raw_id(value)
