"""Reading the text files of corpora, strictly; free of TensorFlow."""

from __future__ import annotations

import dataclasses
import gzip
import pathlib
import zlib

import numpy as np

SPLITS = ("train", "valid", "test")


class DataError(ValueError):
    """Input data that cannot be used; the message is one line.

    It names the file, and the line where there is one: `FILE:LINE: what is
    wrong; what is allowed`.
    """


@dataclasses.dataclass
class Texts:
    """The sequences of a corpus as text.

    Attributes:
        train: one string a sequence.
        valid: the same, for validation.
        test: the same, for the final figures.
        labels: for each split, an integer array `[sequences]`; empty where the
            corpus has no labels.
    """

    train: list[str]
    valid: list[str]
    test: list[str]
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


def find_text_file(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    """Returns `folder/name` or `folder/name.gz`, or None if neither exists."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def read_lines(path: pathlib.Path) -> list[str]:
    r"""Reads a UTF-8 text file, plain or (`.gz`) compressed, line by line.

    Args:
        path: the file.

    Returns:
        The lines without their ends.

    Raises:
        DataError: the file cannot be read, is empty, is no UTF-8 text, or has
            a line without words.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "notes.txt")
        >>> _ = path.write_text("one line\nanother\n", "utf-8")
        >>> read_lines(path)
        ['one line', 'another']
    """
    text = decode(read_bytes(path), path)
    if not text:
        raise DataError(f"{path}: the file is empty; allowed: text, UTF-8")
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not _has_word(line):
            raise DataError(
                f"{path}:{number}: a line without words; "
                "allowed: one sequence a line"
            )
    return lines


def read_bytes(path: pathlib.Path) -> bytes:
    """Reads a file, decompressed if its name ends in `.gz`.

    Args:
        path: the file.

    Returns:
        The content.

    Raises:
        DataError: the file cannot be read, or is compressed and damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed file is damaged ({error}); "
            "allowed: a whole .gz file"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}; allowed: a readable file"
        ) from error


def decode(content: bytes, source: pathlib.Path | str) -> str:
    r"""Decodes UTF-8 and normalizes the ends of lines to one character.

    Args:
        content: of a text file.
        source: the name of the file, for messages.

    Returns:
        The text, without a byte order mark.

    Raises:
        DataError: `content` is binary or is not valid UTF-8.

    Example:
        >>> decode(b"caf\xc3\xa9", "menu.txt")
        'café'
    """
    if b"\0" in content:
        raise DataError(
            f"{source}: a binary file (it holds zero bytes); "
            "allowed: text, UTF-8"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{source}:{number}: invalid UTF-8 "
            f"(byte 0x{content[error.start]:02x}); allowed: text, UTF-8"
        ) from error
    return text.replace("\r\n", "\n")


def split_texts(texts: list[str], seed: int, source: pathlib.Path) -> Texts:
    """Splits sequences at random, 80/10/10, each split in the given order.

    Args:
        texts: one string a sequence.
        seed: the split depends on it and on the number of texts alone.
        source: where the texts are from, for messages.

    Returns:
        The three splits.

    Raises:
        DataError: fewer than 10 texts, so that a split would be empty.

    Example:
        >>> texts = [str(i) for i in range(20)]
        >>> splits = split_texts(texts, seed=1, source=pathlib.Path("x.txt"))
        >>> len(splits.train), len(splits.valid), len(splits.test)
        (16, 2, 2)
    """
    if len(texts) < 10:
        raise DataError(
            f"{source}: {len(texts)} sequences leave nothing for validation; "
            "allowed: 10 or more to split, or train.txt, valid.txt and test.txt"
        )
    train, valid, test = split_rows(len(texts), seed)
    return Texts(
        [texts[row] for row in train],
        [texts[row] for row in valid],
        [texts[row] for row in test],
    )


def split_rows(size: int, seed: int) -> list[np.ndarray]:
    """Splits row numbers at random into 80 %, 10 % and 10 %.

    Args:
        size: number of rows, 10 or more.
        seed: the split depends on it and on `size` alone.

    Returns:
        Three sorted integer arrays: training, validation, test.

    Example:
        >>> [len(rows) for rows in split_rows(249, seed=0)]
        [201, 24, 24]
    """
    generator = np.random.Generator(np.random.Philox(seed))
    rows = generator.permutation(size)
    held_out = size // 10
    parts = np.split(rows, [size - 2 * held_out, size - held_out])
    return [np.sort(part) for part in parts]


def _has_word(line: str) -> bool:
    return any(char.isprintable() and not char.isspace() for char in line)
