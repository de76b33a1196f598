"""Reading the text files of corpora, strictly; free of TensorFlow."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.characters import has_word
from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.formats.streams import PACKED, decode, read_bytes
from keras_textgen.data.splits import check_enough, rows_at_random

# Of the reduced protocol: one in so many sequences is for validation.
_HELD_OUT = 10


def given_path(
    corpus: str, data_dir: str | os.PathLike | None, allowed: str
) -> pathlib.Path:
    """The path that the user has to name.

    Args:
        corpus: its name.
        data_dir: the path, or None.
        allowed: what it may lead to.

    Raises:
        DataError: there is none.

    Example:
        >>> given_path("ptb", None, "a folder")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: ptb: no data_dir given; \
allowed: a folder
    """
    if data_dir is None:
        raise DataError(f"{corpus}: no data_dir given; allowed: {allowed}")
    return pathlib.Path(data_dir)


def find_text_file(folder: pathlib.Path, name: str) -> pathlib.Path | None:
    """Returns `folder/name`, perhaps compressed, or None if none exists."""
    for path in (folder / f"{name}{packed}" for packed in ("", *PACKED)):
        if path.is_file():
            return path
    return None


def read_lines(path: pathlib.Path) -> list[str]:
    r"""Reads a text file, plain or (`.gz`, `.zst`) compressed, line by line.

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
    return lines_of(read_bytes(path), path)


def lines_of(content: bytes, path: pathlib.Path | str) -> list[str]:
    """The lines of the content of a file, see `read_lines`.

    Args:
        content: in UTF-8.
        path: of the file, for messages.

    Raises:
        DataError: it is no UTF-8, is empty, or has a line without words.
    """
    text = decode(content, path)
    if not text:
        raise DataError(f"{path}: the file is empty; allowed: text, UTF-8")
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not has_word(line):
            raise DataError(
                f"{path}:{number}: a line without words; "
                "allowed: one sequence a line"
            )
    return lines


def split_texts(
    name: str,
    texts: list[str],
    seed: int,
    source: pathlib.Path,
    labels: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Corpus:
    """Splits sequences at random, 80/10/10, each split in the given order.

    Args:
        name: of the corpus.
        texts: one string a sequence.
        seed: the split depends on it, on the number of texts and on their
            labels alone.
        source: where the texts are from, for messages.
        labels: int32 `[sequences]`; each label is split by itself.
        names: of the texts; empty for none.

    Returns:
        The three splits; their `label_names` are left to the caller.

    Raises:
        DataError: fewer than 10 texts, so that a split would be empty, or
            fewer than 3 of every label.

    Example:
        >>> texts = [str(i) for i in range(20)]
        >>> splits = split_texts("x", texts, 1, pathlib.Path("x.txt"))
        >>> len(splits.train), len(splits.valid), len(splits.test)
        (16, 2, 2)
    """
    others = " to split, or train.txt, valid.txt and test.txt"
    check_enough(len(texts), "sequence", source, others)
    rows = dict(
        zip(SPLITS, rows_at_random(len(texts), seed, labels), strict=True)
    )
    if not len(rows["valid"]):
        raise DataError(
            f"{source}: no label has 3 texts, which leaves nothing for "
            "validation; allowed: 3 texts or more of a label"
        )
    splits = {
        split: [texts[row] for row in chosen] for split, chosen in rows.items()
    }
    facts: dict[str, Any] = {}
    if labels is not None:
        facts["labels"] = {split: labels[each] for split, each in rows.items()}
    if names:
        facts["names"] = {
            split: [names[row] for row in chosen]
            for split, chosen in rows.items()
        }
    return Corpus.of_splits(name, splits, **facts)


def reduced_splits(
    name: str,
    valid: list[str],
    test: list[str],
    labels: dict[str, np.ndarray],
    train_name: str,
    valid_path: pathlib.Path,
) -> Corpus:
    """Makes do without the training file: the reduced protocol.

    The validation file is the training set. Its last 10 % are held out for
    validation; where there are labels, the last 10 % of each label, because
    files sorted by label would else hold out whole classes. The test set stays
    as it is.

    Args:
        name: of the corpus.
        valid: the sequences of the validation file.
        test: the sequences of the test file.
        labels: of both files, integers `[sequences]`; empty for no labels.
        train_name: name of the missing file, for the note.
        valid_path: the validation file, for the note and messages.

    Returns:
        The three splits, with `_reduced` after the name, and a note.

    Raises:
        DataError: too few sequences to hold out any.

    Example:
        >>> numbers = [str(i) for i in range(20)]
        >>> texts = reduced_splits(
        ...     "n", numbers, ["20"], {}, "train.txt", pathlib.Path("valid.txt")
        ... )
        >>> len(texts.train), texts.valid, texts.test, texts.name
        (18, ['18', '19'], ['20'], 'n_reduced')
    """
    held_out = _last_of_each(labels.get("valid", np.zeros(len(valid))))
    if not held_out.any():
        raise DataError(
            f"{valid_path}: "
            f"{counted(len(valid), 'sequence leaves', 'sequences leave')} "
            f"nothing for validation without {train_name}; "
            f"allowed: {_HELD_OUT} or more of a label"
        )
    rows = {
        "train": np.flatnonzero(~held_out),
        "valid": np.flatnonzero(held_out),
    }
    of_each_label = " of each label" if labels else ""
    splits = {split: [valid[row] for row in rows[split]] for split in rows}
    if labels:
        of_valid = labels["valid"]
        labels = labels | {split: of_valid[rows[split]] for split in rows}
    return Corpus.of_splits(
        f"{name}_reduced",
        splits | {"test": test},
        labels=labels,
        note=f"{train_name} is missing: the reduced protocol trains on "
        f"{valid_path.name}, its last 10 %{of_each_label} held out; not to be "
        "set beside published numbers",
    )


def _last_of_each(labels: np.ndarray) -> np.ndarray:
    """Marks the last 10 % of the rows of each label."""
    marked = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        marked[rows[len(rows) - len(rows) // _HELD_OUT :]] = True
    return marked
