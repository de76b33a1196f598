"""Which characters are the same, or none; free of TensorFlow.

The tables are those of Python's `unicodedata`. What is assigned in Unicode
keeps its normal form for ever, so that another version of Python changes
nothing but scripts that are new to it.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

JOINERS = "\u200c\u200d"
# Planes without a character that these tables are about are left out.
_CODE_POINTS = (
    *range(0xD800),
    *range(0xE000, 0x30000),
    *range(0xE0000, 0xE0200),
)
# Invisible, too, though no format characters: the grapheme joiner, and the
# selectors of one of the shapes of the character before them.
_INVISIBLE = (0x34F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
# Conjoining letters of Hangul, whose syllables are composed by a formula.
HANGUL_VOWELS = (0x1161, 21)
HANGUL_FINALS = (0x11A8, 27)
HANGUL_SYLLABLES = (0xAC00, 11172)


class Composition(NamedTuple):
    """What normal form C is made of, Hangul's formula apart.

    Attributes:
        decomposed: code points that are decomposed, int32 `[D]`, increasing.
        parts: their full decompositions, int32 `[D, 4]`, 0 where shorter.
        combining: code points of a combining class above 0, int32 `[M]`,
            increasing.
        classes: their classes, int32 `[M]`.
        pairs: two code points, `first << 21 | second`, int64 `[P]`,
            increasing.
        composites: what they are composed to, int32 `[P]`.
        seconds: starters that are the second of a pair, or conjoin, int32
            `[S]`, increasing.
    """

    decomposed: np.ndarray
    parts: np.ndarray
    combining: np.ndarray
    classes: np.ndarray
    pairs: np.ndarray
    composites: np.ndarray
    seconds: np.ndarray


@functools.cache
def composition() -> Composition:
    """Returns the tables of normal form C."""
    classes, parts, pairs = {}, {}, {}
    for code in _CODE_POINTS:
        character = chr(code)
        if unicodedata.combining(character):
            classes[code] = unicodedata.combining(character)
        listed = unicodedata.decomposition(character)
        if not listed or listed.startswith("<"):
            continue
        parts[code] = [ord(c) for c in unicodedata.normalize("NFD", character)]
        pair = [int(each, 16) for each in listed.split()]
        if len(pair) == 2 and unicodedata.is_normalized("NFC", character):
            pairs[pair[0] << 21 | pair[1]] = code
    conjoining = {
        first + place
        for first, count in (HANGUL_VOWELS, HANGUL_FINALS)
        for place in range(count)
    }
    seconds = {pair & (1 << 21) - 1 for pair in pairs} - set(classes)
    padded = [[*each, 0, 0, 0][:4] for each in parts.values()]
    return Composition(
        np.array(list(parts), np.int32),
        np.array(padded, np.int32),
        np.array(list(classes), np.int32),
        np.array(list(classes.values()), np.int32),
        np.array(sorted(pairs), np.int64),
        np.array([pairs[pair] for pair in sorted(pairs)], np.int32),
        np.array(sorted(seconds | conjoining), np.int32),
    )


@functools.cache
def invisible_class() -> str:
    """Returns the characters that are dropped, as a class `[...]` of RE2.

    They are the format characters (Unicode's category Cf: zero-width spaces,
    soft hyphens, marks of direction, byte order marks) but for the two joiners,
    and the selectors of a character's shape.
    """
    codes = {
        code for code in _CODE_POINTS if unicodedata.category(chr(code)) == "Cf"
    }
    return _class(codes - set(map(ord, JOINERS)) | set(_INVISIBLE))


@functools.cache
def unusual_pattern() -> str:
    """Returns a pattern of RE2 that finds what `normalize_text` may change."""
    tables = composition()
    changed = [
        code
        for code in tables.decomposed.tolist()
        if not unicodedata.is_normalized("NFC", chr(code))
    ]
    second = tables.pairs & (1 << 21) - 1
    alone = {*changed, *second.tolist(), *tables.seconds.tolist()}
    marks = _class(tables.combining.tolist())
    joiners = _class(map(ord, JOINERS))
    return f"{invisible_class()}|{joiners}|{_class(alone)}|{marks}{{2}}"


def normalize_text(text: str) -> str:
    r"""Writes a text with one spelling for what reads the same.

    Format characters are dropped, as they never make or split a word; of the
    joiners, those between letters, marks or digits stay. The rest is in
    Unicode's normal form C: a letter with its accent is one character where
    there is one.

    Args:
        text: any text.

    Returns:
        The text.

    Example:
        >>> normalize_text("cafe\u0301s\u00ad\u200b").encode()
        b'caf\xc3\xa9s'
        >>> ascii(normalize_text("\u200d\u0645\u200c\u062e\u200c"))
        "'\\u0645\\u200c\\u062e'"
    """
    if text.isascii():
        return text
    text = re.sub(invisible_class(), "", text)
    if any(joiner in text for joiner in JOINERS):
        text = re.sub(f"[{JOINERS}]+", _inner_joiners, text)
    return unicodedata.normalize("NFC", text)


def has_word(text: str) -> bool:
    """Returns whether anything in a text can be seen."""
    return any(
        char.isprintable() and not char.isspace() and normalize_text(char)
        for char in text
    )


def _inner_joiners(match: re.Match) -> str:
    before = match.string[: match.start()][-1:]
    after = match.string[match.end() :][:1]
    is_inside = all(
        char and unicodedata.category(char)[0] in "LMN"
        for char in (before, after)
    )
    return match[0] if is_inside else ""


def _class(codes: Iterable[int]) -> str:
    """A class of characters, in the notation that RE2 and `re` share."""
    codes = sorted(codes)
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges) + "]"
