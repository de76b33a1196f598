"""Corpora of one text file a split, prepared with rare words unknown.

Yahoo answers as prepared by Yang et al. (2017), and two corpora with classes:
short Yahoo questions and DBpedia abstracts. All are tokenized and in lower
case; words are separated by spaces, and words outside the vocabulary of the
preparation read `_UNK`.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.labels import (
    number_splits,
    read_label_file,
    read_labeled_lines,
)
from keras_textgen.data.readers.files import (
    find_text_file,
    given_path,
    read_lines,
    reduced_splits,
)

# In the order of the classes.txt that Zhang et al. publish with their corpora.
_YAHOO_CLASSES = (
    "Society & Culture",
    "Science & Mathematics",
    "Health",
    "Education & Reference",
    "Computers & Internet",
    "Sports",
    "Business & Finance",
    "Entertainment & Music",
    "Family & Relationships",
    "Politics & Government",
)
_DBPEDIA_CLASSES = (
    "Company",
    "EducationalInstitution",
    "Artist",
    "Athlete",
    "OfficeHolder",
    "MeanOfTransportation",
    "Building",
    "NaturalPlace",
    "Village",
    "Animal",
    "Plant",
    "Album",
    "Film",
    "WrittenWork",
)
_UNKNOWN_WORD = re.compile(r"(?<!\S)_UNK(?!\S)")
_NUMBER = re.compile(r"[0-9]{1,9}")
_CODE_OF_HE = "https://github.com/jxhe/vae-lagging-encoder"
_YAHOO_FILES = (
    "yahoo.train.txt, yahoo.valid.txt and yahoo.test.txt (or .txt.gz); "
    f"{_CODE_OF_HE} downloads them"
)
_CLASS_FILES = (
    "train.txt, valid.txt, test.txt, and for each of them "
    "train_class_label.txt and so on, with a class a line (or .txt.gz)"
)


def read_yahoo(data_dir: str | os.PathLike | None) -> Corpus:
    r"""Reads Yahoo answers: a question and its best answer a line.

    A line is the text alone or, in preparations for classification, a label, a
    tab and the text; all lines are of the same kind. Without
    `yahoo.train.txt` the splits are those of `reduced_splits`.

    Args:
        data_dir: folder with `yahoo.train.txt`, `yahoo.valid.txt` and
            `yahoo.test.txt`, plain or `.gz`.

    Returns:
        100,000, 10,000 and 10,000 texts (reduced: 9,000, 1,000 and 10,000), in
        which unknown words read `<unk>`.

    Raises:
        DataError: a file is missing or cannot be used.

    Example:
        >>> import tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for split in ("train", "valid", "test"):
        ...     path = folder / f"yahoo.{split}.txt"
        ...     _ = path.write_text("2\twhy _UNK ? no\n1\twho ? me\n", "utf-8")
        >>> texts = read_yahoo(folder)
        >>> texts.train
        ['why <unk> ? no', 'who ? me']
        >>> texts.label_names, texts.labels["train"]
        (('1', '2'), array([1, 0], dtype=int32))
    """
    folder = _folder("yahoo", data_dir, _YAHOO_FILES)
    paths = {
        split: _find_split(folder, f"yahoo.{split}.txt", split, _YAHOO_FILES)
        for split in SPLITS
    }
    paths = {split: path for split, path in paths.items() if path}
    found = read_labeled_lines(list(paths.values()))
    lines = dict(zip(paths, found.texts, strict=True))
    names: tuple[str, ...] = ()
    numbers: dict[str, np.ndarray] = {}
    if found.labels:
        names, numbers = number_splits(
            dict(zip(paths, found.labels, strict=True)),
            paths,
            dict(zip(paths, found.first_lines, strict=True)),
        )
    texts = _to_corpus(
        "yahoo", lines, numbers, names, "yahoo.train.txt", paths["valid"]
    )
    texts.remarks = found.remarks
    return texts


def read_yahoo_short(data_dir: str | os.PathLike | None) -> Corpus:
    """Reads short Yahoo questions with 10 classes.

    Without `train.txt` the splits are those of `reduced_splits`.

    Args:
        data_dir: folder with `train.txt`, `valid.txt` and `test.txt`, one text
            a line, and `train_class_label.txt` and so on, one class (0 to 9)
            a line; plain or `.gz`.

    Returns:
        The texts, in which unknown words read `<unk>`, and the labels.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    return _read_with_classes("yahoo_short", data_dir, _YAHOO_CLASSES)


def read_dbpedia(data_dir: str | os.PathLike | None) -> Corpus:
    """Reads DBpedia abstracts with 14 classes.

    Args:
        data_dir: folder with the same files as for `read_yahoo_short`; the
            classes are 0 to 13.

    Returns:
        The texts, in which unknown words read `<unk>`, and the labels.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    return _read_with_classes("dbpedia", data_dir, _DBPEDIA_CLASSES)


def _read_with_classes(
    name: str, data_dir: str | os.PathLike | None, names: tuple[str, ...]
) -> Corpus:
    folder = _folder(name, data_dir, _CLASS_FILES)
    paths = {
        split: _find_split(folder, f"{split}.txt", split, _CLASS_FILES)
        for split in SPLITS
    }
    lines = {split: read_lines(path) for split, path in paths.items() if path}
    labels = {}
    for split in lines:
        _refuse_tabs(lines[split], paths[split])
        label_path = _find(folder, f"{split}_class_label.txt", _CLASS_FILES)
        labels[split] = _read_classes(
            label_path, paths[split], lines[split], len(names)
        )
    return _to_corpus(name, lines, labels, names, "train.txt", paths["valid"])


def _folder(
    name: str, data_dir: str | os.PathLike | None, expected: str
) -> pathlib.Path:
    folder = given_path(name, data_dir, expected)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; allowed: {expected}")
    return folder


def _find_split(
    folder: pathlib.Path, name: str, split: str, expected: str
) -> pathlib.Path | None:
    # Only the training file may be missing.
    if split == "train":
        return find_text_file(folder, name)
    return _find(folder, name, expected)


def _find(folder: pathlib.Path, name: str, expected: str) -> pathlib.Path:
    path = find_text_file(folder, name)
    if path is None:
        raise DataError(f"{folder}: {name} is missing; allowed: {expected}")
    return path


def _refuse_tabs(lines: list[str], path: pathlib.Path) -> None:
    # A label in front of a tab would be taken for a word of the text.
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            raise DataError(
                f"{path}:{number}: a tab in the text; "
                "allowed: words separated by spaces"
            )


def _read_classes(
    path: pathlib.Path,
    lines_path: pathlib.Path,
    lines: Sequence[str],
    num_classes: int,
) -> np.ndarray:
    labels = read_label_file(path, lines_path, len(lines))
    for number, label in enumerate(labels, 1):
        if not _NUMBER.fullmatch(label) or int(label) >= num_classes:
            raise DataError(
                f"{path}:{number}: the class {label!r}; "
                f"allowed: a whole number from 0 to {num_classes - 1}"
            )
    return np.array([int(label) for label in labels], np.int32)


def _to_corpus(
    name: str,
    lines: dict[str, list[str]],
    labels: dict[str, np.ndarray],
    names: tuple[str, ...],
    train_name: str,
    valid_path: pathlib.Path,
) -> Corpus:
    splits = {
        split: [_UNKNOWN_WORD.sub("<unk>", line) for line in lines[split]]
        for split in lines
    }
    if "train" in splits:
        corpus = Corpus.of_splits(name, splits, labels=labels)
    else:
        corpus = reduced_splits(
            name,
            splits["valid"],
            splits["test"],
            labels,
            train_name,
            valid_path,
        )
    corpus.label_names = names
    return corpus
