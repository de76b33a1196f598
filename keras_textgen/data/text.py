"""A user's own text: UTF-8, one sequence a line."""

from __future__ import annotations

import os
import pathlib

from keras_textgen.data.reading import (
    SPLITS,
    DataError,
    Texts,
    find_text_file,
    read_lines,
    split_texts,
)

_EXPECTED = (
    "a UTF-8 text file, one sequence a line, or a folder with train.txt, "
    "valid.txt and test.txt, or with other .txt files (all also as .txt.gz)"
)


def read_text(data_dir: str | os.PathLike | None, seed: int = 0) -> Texts:
    r"""Reads a file or a folder of text, one sequence a line.

    A folder with `train.txt`, `valid.txt` and `test.txt` is taken as split.
    A single file, or all the `.txt` files of any other folder in the order of
    their names, are split by `seed`, 80/10/10.

    Args:
        data_dir: the file or folder; every file may also be a `.txt.gz`.
        seed: of the split.

    Returns:
        The three splits.

    Raises:
        DataError: nothing usable is there.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "poems.txt")
        >>> _ = path.write_text("a rose\n" * 30, "utf-8")
        >>> len(read_text(path).train)
        24
    """
    if data_dir is None:
        raise DataError(f"text: no data_dir given; allowed: {_EXPECTED}")
    source = pathlib.Path(data_dir)
    if source.is_file():
        return split_texts(read_lines(source), seed, source)
    if not source.is_dir():
        raise DataError(
            f"{source}: no such file or folder; allowed: {_EXPECTED}"
        )
    splits = {name: find_text_file(source, f"{name}.txt") for name in SPLITS}
    if any(splits.values()):
        return _read_splits(source, splits)
    return _read_and_split(source, seed)


def _read_splits(
    folder: pathlib.Path, splits: dict[str, pathlib.Path | None]
) -> Texts:
    missing = [name for name, path in splits.items() if path is None]
    if missing:
        raise DataError(
            f"{folder}: {missing[0]}.txt is missing; allowed: all of "
            "train.txt, valid.txt and test.txt (or .txt.gz)"
        )
    return Texts(*(read_lines(path) for path in splits.values()))


def _read_and_split(folder: pathlib.Path, seed: int) -> Texts:
    paths = sorted([*folder.glob("*.txt"), *folder.glob("*.txt.gz")])
    if not paths:
        raise DataError(f"{folder}: no .txt file; allowed: {_EXPECTED}")
    texts = [line for path in paths for line in read_lines(path)]
    return split_texts(texts, seed, folder)
