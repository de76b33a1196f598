"""Checks of arguments, and the one wording of what they refuse.

A refusal is a `ValueError` of one line: "name=value; allowed: ...". What is
allowed is a value itself, which knows what it holds and how it is spelled.
"""

import dataclasses
import math
import operator
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

# What TensorFlow writes of where in a graph an error was.
_NODE = re.compile(r"\{\{.*?\}\} *")


class Allowed(Protocol):
    """Values that an argument may have; `str` says which."""

    def __contains__(self, value: Any) -> bool:
        """Whether a value is one of them."""


@dataclasses.dataclass(frozen=True)
class WholeNumbers:
    """Whole numbers between bounds, of Python's or of NumPy's types.

    Args:
        at_least: The least of them.
        at_most: The largest; None for no bound.

    Example:
        >>> 3 in WholeNumbers(1), 3.0 in WholeNumbers(1), 0 in WholeNumbers(1)
        (True, False, False)
        >>> print(WholeNumbers(1), WholeNumbers(1, 5), sep="; ")
        whole numbers, 1 or more; whole numbers, 1 to 5
    """

    at_least: int
    at_most: int | None = None

    def __contains__(self, value: Any) -> bool:
        """Whether a value is a whole number within the bounds."""
        try:
            number = operator.index(value)
        except TypeError:
            return False
        return self.at_least <= number and (
            self.at_most is None or number <= self.at_most
        )

    def __str__(self) -> str:
        end = "or more" if self.at_most is None else f"to {self.at_most}"
        return f"whole numbers, {self.at_least} {end}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbers:
    """Finite numbers between bounds, which may or may not belong to them.

    Args:
        at_least: The least of them; or, in its place, `above`.
        above: Less than all of them.
        at_most: The largest; or, in its place, `below`; None of both for no
            upper bound.
        below: More than all of them.

    Example:
        >>> shares = Numbers(above=0, at_most=1)
        >>> [value in shares for value in (0, 0.5, 1, float("nan"), "a")]
        [False, True, True, False, False]
        >>> print(shares, Numbers(at_least=0), sep="; ")
        numbers above 0, at most 1; numbers, 0 or more
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def __contains__(self, value: Any) -> bool:
        """Whether a value is a finite number within the bounds."""
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return False
        return (
            not isinstance(value, str | bytes)
            and math.isfinite(number)
            and (self.at_least is None or number >= self.at_least)
            and (self.above is None or number > self.above)
            and (self.at_most is None or number <= self.at_most)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        text = "numbers"
        if self.at_least is not None:
            text += f", {self.at_least:g} or more"
        if self.above is not None:
            text += f" above {self.above:g}"
        if self.at_most is not None:
            text += f", at most {self.at_most:g}"
        if self.below is not None:
            text += f", below {self.below:g}"
        return text


@dataclasses.dataclass(frozen=True)
class OneOf:
    """A few words.

    Example:
        >>> "block" in OneOf(["block", "gru"]), None in OneOf(["block", "gru"])
        (True, False)
        >>> print(OneOf(["block", "gru"]))
        block, gru
    """

    choices: Sequence[Any]

    def __contains__(self, value: Any) -> bool:
        """Whether a value is one of the words."""
        try:
            return any(value == each for each in self.choices)
        except ValueError:
            # An array of several is no single one.
            return False

    def __str__(self) -> str:
        return ", ".join(map(str, self.choices))


@dataclasses.dataclass(frozen=True)
class Instances:
    """Values of a type.

    Args:
        type: Theirs.
        called: What they are, for people.

    Example:
        >>> "3" in Instances(str, "text"), 3 in Instances(str, "text")
        (True, False)
        >>> print(Instances(str, "text"))
        text
    """

    type: type
    called: str

    def __contains__(self, value: Any) -> bool:
        """Whether a value is of the type."""
        return isinstance(value, self.type)

    def __str__(self) -> str:
        return self.called


@dataclasses.dataclass(frozen=True)
class Lists:
    """Lists and all else that holds things, which a single text is not.

    Its letters would be taken for them.

    Args:
        called: What they are, for people.

    Example:
        >>> words = Lists("words")
        >>> ["red"] in words, "red" in words, 3 in words
        (True, False, False)
        >>> print(words)
        a list of words
    """

    called: str

    def __contains__(self, value: Any) -> bool:
        """Whether a value holds things, and is no text."""
        return isinstance(value, Iterable) and not isinstance(
            value, str | bytes
        )

    def __str__(self) -> str:
        return f"a list of {self.called}"


SIZES = WholeNumbers(1)
"""Of layers, of batches, and all else of which there is one or more."""
SWITCHES = OneOf((True, False))
"""Of what is on or off; of a text, whatever it says, Python would make on."""
# Letters of a value that a refusal shows.
_SHOWN = 200


def by_number(number: int, one: str, more: str) -> str:
    """The word that fits a number, such as a verb.

    Args:
        number: Of things.
        one: For a single one.
        more: For any other number.

    Example:
        >>> by_number(1, "is", "are"), by_number(0, "is", "are")
        ('is', 'are')
    """
    return one if number == 1 else more


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with the noun that fits it.

    Args:
        number: Of things.
        noun: For a single one.
        plural: For any other number; None for the noun with an s.

    Example:
        >>> counted(1, "text"), counted(1200, "text")
        ('1 text', '1,200 texts')
        >>> counted(2, "class", "classes")
        '2 classes'
    """
    return f"{number:,} {by_number(number, noun, plural or f'{noun}s')}"


def refused(given: str, allowed: Any) -> ValueError:
    """The error that says what was given, and what is allowed.

    Args:
        given: Such as "name=value", or what is wrong with a value and where.
        allowed: What may stand in its place, or when it may.

    Example:
        >>> raise refused("top_p=2", Numbers(above=0, at_most=1))
        Traceback (most recent call last):
        ValueError: top_p=2; allowed: numbers above 0, at most 1
    """
    return ValueError(f"{given}; allowed: {allowed}")


def check(allowed: Allowed, **values: Any) -> None:
    """Refuse a named value that is none of those that are allowed.

    Args:
        allowed: What the values may be.
        **values: By the names that a caller knows them by.

    Raises:
        ValueError: If one is something else; of the first one.

    Example:
        >>> check(SIZES, rnn_units=4, latent_dim=0)
        Traceback (most recent call last):
        ValueError: latent_dim=0; allowed: whole numbers, 1 or more
        >>> check(OneOf(("add", "concatenate")), join="stack")
        Traceback (most recent call last):
        ValueError: join='stack'; allowed: add, concatenate
    """
    for name, value in values.items():
        if value not in allowed:
            raise refused(f"{name}={_spelled(value)}", allowed)


def _spelled(value: Any) -> str:
    """A value in one line, shortened.

    Example:
        >>> _spelled("a"), _spelled([[1], [2]]), len(_spelled("a" * 999))
        ("'a'", '[[1], [2]]', 203)
    """
    if isinstance(value, str):
        text = repr(value)
    else:
        # Arrays have a line a row.
        text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def refused_in(place: str, error: ValueError) -> ValueError:
    """A refusal that says where the value stands.

    Args:
        place: Such as the name of a file.
        error: What is wrong with a value of it, as `refused` words it.

    Example:
        >>> raise refused_in("sizes.txt", refused("size=0", "1 or more"))
        Traceback (most recent call last):
        ValueError: sizes.txt: size=0; allowed: 1 or more
    """
    return ValueError(f"{place}: {error}")


def first_line(error: Exception) -> str:
    r"""An error in one line, whatever Keras or TensorFlow has put into it.

    Args:
        error: Any exception.

    Returns:
        Its first line, shortened; its class where it says nothing.

    Example:
        >>> first_line(ValueError("no\nmore"))
        'no'
        >>> first_line(OSError("{{function_node __wrapped__SaveV2}} disk full"))
        'disk full'
    """
    told = _NODE.sub("", str(error))
    lines = told.splitlines() or [type(error).__name__]
    return textwrap.shorten(lines[0], 200, placeholder=" ...")
