"""Pretrained word vectors in the text formats of GloVe and word2vec."""

from __future__ import annotations

import codecs
import collections
import gzip
import itertools
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keras_textgen.checks import counted, refused
from keras_textgen.data.characters import normalize_text
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import reading_errors

_HEADING = re.compile(r"\d+ (\d+)")
_ALLOWED = "a word and its numbers in every line, as GloVe and word2vec write"
# Where there is no heading, the width is that of most of so many first lines:
# a broken one may be the first of them.
_FIRST_LINES = 100
# So many good lines make up for one that cannot be used.
_LINES_A_BROKEN_ONE = 1000


class WordVectors(NamedTuple):
    """Vectors of those words that have one.

    Attributes:
        rows: numbers of the words, int64 `[found]`, increasing.
        vectors: float32 `[found, width]`.
        note: one line that counts the lines left out and names the first of
            them; empty for none.
    """

    rows: np.ndarray
    vectors: np.ndarray
    note: str = ""


class _BrokenLineError(ValueError):
    """What is wrong with a line."""


def read_word_vectors(
    path: str | os.PathLike, words: Sequence[str]
) -> WordVectors:
    r"""Reads the vectors of some words, line by line.

    A line is a word and its numbers, with single spaces or tabs between them. A
    first line of two whole numbers (word2vec's number of words and width) is
    taken for a heading. The width is that of the heading or of most of the
    first lines; a word may hold spaces. A word is found in another spelling of
    Unicode, too, see `normalize_text`. Of several vectors of one word, the
    first counts. Only what is returned is held in memory.

    A blank line, one of another width or without finite numbers, and one that
    is no UTF-8 are left out and counted, up to one in a thousand lines. The
    numbers of words that are not asked for are not looked at.

    Args:
        path: the file, UTF-8, plain or (`.gz`) compressed.
        words: the words, in the order of their numbers.

    Returns:
        The vectors found.

    Raises:
        DataError: the file cannot be read, more than one line in a thousand is
            not of this form, or none of the words is there.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "vectors.txt")
        >>> _ = path.write_text("rose 0.5 1\nthorn 2 3\n", "utf-8")
        >>> found = read_word_vectors(path, ["tulip", "rose"])
        >>> found.rows, found.vectors
        (array([1]), array([[0.5, 1. ]], dtype=float32))
    """
    path = pathlib.Path(path)
    numbers = {word: number for number, word in enumerate(words)}
    found: dict[int, np.ndarray] = {}
    lines = enumerate(_lines(path), 1)
    width, first_lines = _width(lines)
    count, num_broken, first_broken = 0, 0, ""
    for count, content in itertools.chain(first_lines, lines):
        try:
            word, values = _split(_decoded(content), width)
            number = numbers.get(word)
            if number is None and not word.isascii():
                # Texts have one spelling of what reads the same.
                number = numbers.get(normalize_text(word))
            if number is not None and number not in found:
                found[number] = _vector(values)
        except _BrokenLineError as error:
            num_broken += 1
            first_broken = first_broken or f"{path}:{count}: {error}"
    if num_broken * _LINES_A_BROKEN_ONE > count:
        others = f" ({counted(num_broken, 'such line')} of {count:,})"
        raise DataError(
            f"{first_broken}{others if num_broken > 1 else ''}; "
            f"allowed: {_ALLOWED}"
        )
    if not found:
        raise DataError(
            f"{path}: none of the {counted(len(numbers), 'word')} is there; "
            f"allowed: {_ALLOWED}"
        )
    rows = sorted(found)
    return WordVectors(
        np.array(rows),
        np.stack([found[row] for row in rows]),
        f"Left out: {num_broken:,} of {counted(count, 'line')}; {first_broken}."
        if num_broken
        else "",
    )


def word_vectors_of(matrix: np.ndarray, num_words: int) -> WordVectors:
    """Takes the rows of a matrix for the vectors of words.

    Args:
        matrix: numbers `[num_words, width]`; row i is the vector of word i.
        num_words: how many there are.

    Returns:
        The vectors of all words.

    Raises:
        ValueError: the matrix is of another type or shape, or holds what is
            no finite number.

    Example:
        >>> word_vectors_of([[0, 0], [0.5, 1]], num_words=2).vectors
        array([[0. , 0. ],
               [0.5, 1. ]], dtype=float32)
    """
    matrix = np.asarray(matrix)
    is_matrix = matrix.dtype.kind in "iuf" and matrix.ndim == 2
    if not is_matrix or len(matrix) != num_words:
        raise refused(
            f"word vectors of type {matrix.dtype} and shape "
            f"{list(matrix.shape)}",
            f"numbers [{num_words}, width]",
        )
    # What is too large becomes infinite, and is refused.
    with np.errstate(over="ignore"):
        vectors = matrix.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise refused(
            f"word vectors with row {wrong[0]} of {matrix[wrong[0]]!s:.40}",
            "finite numbers",
        )
    return WordVectors(np.arange(num_words), vectors)


def _lines(path: pathlib.Path) -> Iterator[bytes]:
    opened = gzip.open if path.suffix == ".gz" else open
    with reading_errors(path), opened(path, "rb") as file:
        for first in itertools.islice(file, 1):
            yield first.removeprefix(codecs.BOM_UTF8)
        yield from file


def _width(
    lines: Iterator[tuple[int, bytes]],
) -> tuple[int, list[tuple[int, bytes]]]:
    """The width, and the first lines, without the heading."""
    first_lines = list(itertools.islice(lines, _FIRST_LINES))
    first = b"".join(content for _, content in first_lines[:1])
    heading = _HEADING.fullmatch(_tidy(first).decode("latin-1"))
    if heading:
        return int(heading[1]), first_lines[1:]
    widths = collections.Counter(
        _tidy(content).count(b" ") for _, content in first_lines
    )
    # Of equally frequent ones, the first.
    return max(widths, key=widths.get, default=0), first_lines


def _tidy(content: bytes) -> bytes:
    # word2vec ends its lines with a space.
    return content.replace(b"\t", b" ").rstrip(b" \r\n")


def _decoded(content: bytes) -> str:
    try:
        return _tidy(content).decode()
    except UnicodeDecodeError as error:
        raise _BrokenLineError(
            f"invalid UTF-8 (byte 0x{error.object[error.start]:02x})"
        ) from None


def _split(line: str, width: int) -> tuple[str, list[str]]:
    word, *values = line.rsplit(" ", width) if width else [line]
    if not word.strip() or not values or len(values) < width:
        raise _BrokenLineError(f"not a word and {width or 'its'} numbers")
    return word, values


def _vector(values: list[str]) -> np.ndarray:
    try:
        # What is too large becomes infinite, and is refused below.
        with np.errstate(over="ignore"):
            vector = np.array(values, np.float32)
    except ValueError:
        vector = np.array(np.nan)
    # Python takes 1_0 for a 10.
    if any("_" in value for value in values) or not np.isfinite(vector).all():
        raise _BrokenLineError("the vector holds what is no finite number")
    return vector
