"""Pretrained word vectors in the text formats of GloVe and word2vec."""

from __future__ import annotations

import gzip
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keras_textgen.data.reading import DataError, reading_errors

_HEADING = re.compile(r"\d+ \d+")
_ALLOWED = "a word and its numbers in every line, as GloVe and word2vec write"


class WordVectors(NamedTuple):
    """Vectors of those words that have one.

    Attributes:
        rows: numbers of the words, int64 `[found]`, increasing.
        vectors: float32 `[found, width]`.
    """

    rows: np.ndarray
    vectors: np.ndarray


def read_word_vectors(
    path: str | os.PathLike, words: Sequence[str]
) -> WordVectors:
    r"""Reads the vectors of some words, line by line.

    A line is a word and its numbers, with single spaces between them. A first
    line of two whole numbers (word2vec's number of words and width) is taken
    for a heading. The width is that of the first vector; a word may hold
    spaces. Of several vectors of one word, the first counts. Only what is
    returned is held in memory.

    Args:
        path: the file, UTF-8, plain or (`.gz`) compressed.
        words: the words, in the order of their numbers.

    Returns:
        The vectors found.

    Raises:
        DataError: the file cannot be read, a line is not of this form, or none
            of the words is there.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "vectors.txt")
        >>> _ = path.write_text("rose 0.5 1\nthorn 2 3\n", "utf-8")
        >>> read_word_vectors(path, ["tulip", "rose"])
        WordVectors(rows=array([1]), vectors=array([[0.5, 1. ]], dtype=float32))
    """
    path = pathlib.Path(path)
    numbers = {word: number for number, word in enumerate(words)}
    found: dict[int, np.ndarray] = {}
    width = 0
    for place, line in _lines(path):
        width = width or line.count(" ")
        word, *values = line.rsplit(" ", width) if width else [line]
        if not word.strip() or not values or len(values) < width:
            raise DataError(
                f"{place}: not a word and {width or 'its'} numbers; "
                f"allowed: {_ALLOWED}"
            )
        number = numbers.get(word)
        if number is not None and number not in found:
            found[number] = _vector(values, place)
    if not found:
        raise DataError(
            f"{path}: none of the {len(numbers)} words is there; "
            f"allowed: {_ALLOWED}"
        )
    rows = sorted(found)
    return WordVectors(np.array(rows), np.stack([found[row] for row in rows]))


def _lines(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """The lines with their places, without the heading of word2vec."""
    opened = gzip.open if path.suffix == ".gz" else open
    with reading_errors(path), opened(path, "rb") as file:
        for number, content in enumerate(file, 1):
            place = f"{path}:{number}"
            line = _decoded(content, place)
            if number > 1 or not _HEADING.fullmatch(line):
                yield place, line


def _decoded(content: bytes, place: str) -> str:
    try:
        # word2vec ends its lines with a space.
        return content.decode().rstrip(" \r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: invalid UTF-8 (byte 0x{content[error.start]:02x}); "
            "allowed: text, UTF-8"
        ) from error


def _vector(values: list[str], place: str) -> np.ndarray:
    try:
        vector = np.array(values, np.float32)
    except ValueError:
        vector = np.array(np.nan)
    if not np.isfinite(vector).all():
        raise DataError(
            f"{place}: the vector holds what is no finite number; "
            f"allowed: {_ALLOWED}"
        )
    return vector
