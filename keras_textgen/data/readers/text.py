"""A user's own text: UTF-8, a sequence a line or a file, perhaps labeled."""

from __future__ import annotations

import glob
import itertools
import os
import pathlib
from collections.abc import Mapping, Sequence

from keras_textgen.data.characters import has_word
from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.formats.streams import (
    PACKED,
    STANDARD_INPUT,
    decode,
    read_bytes,
)
from keras_textgen.data.labels import (
    check_names,
    clean_label,
    listing,
    number_labels,
    number_splits,
    read_label_file,
    read_labeled_lines,
    sorted_names,
)
from keras_textgen.data.readers.files import (
    find_text_file,
    given_path,
    split_texts,
)
from keras_textgen.data.text_tables import (
    TextColumns,
    check_not_split,
    holds_tables,
    read_text_tables,
    said_of_tables,
)

_NAME = "text"
_EXPECTED = (
    "a UTF-8 text file, one sequence a line, or a folder with train.txt, "
    "valid.txt and test.txt, or with other .txt files (all also as .txt.gz), "
    "or with a folder a label that holds a file a text; tables (.csv, .jsonl "
    "and others) in their place; a pattern such as 'data/*.txt'; or - for "
    "standard input"
)

# What archives, file systems, file servers and Python leave in folders, in
# lower case; names that begin with a dot are left out as well.
_LEFT_BY_SYSTEMS = (
    "__macosx",
    "__pycache__",
    "lost+found",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "$recycle.bin",
    "system volume information",
    "#recycle",
    "@eadir",
)


def read_text(
    data_dir: str | os.PathLike | None,
    seed: int = 0,
    text_column: str | None = None,
    label_column: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
) -> Corpus:
    r"""Reads a file or a folder of text, perhaps with labels.

    - A folder with `train.txt`, `valid.txt` and `test.txt` is taken as split.
    - A single file, or all the `.txt` files of any other folder in the order
      of their names, are split by `seed`, 80/10/10.
    - A folder without `.txt` files of its own has a folder for each label,
      with a file for each text; split by `seed`, or taken as split if these
      folders are in `train`, `valid` and `test`.

    Lines may be labeled: a label, a tab and the text in every line. The files
    `train_class_label.txt` and so on, with a label a line, do the same for a
    folder that is split. What `seed` splits, it splits label by label.

    Tables, of any of the formats of `keras_textgen.data.formats`, take the
    place of files of lines; those of a folder are split if their names begin
    with `train`, `test` and perhaps `valid`.

    Args:
        data_dir: the file or folder; a pattern of files, such as `a/*.txt`; or
            `-` for standard input. Every file may be packed, `.gz` or `.zst`.
        seed: of the split.
        text_column: of tables, the column of texts; None for `text` or a name
            of `OTHER_NAMES`.
        label_column: of tables, the column of labels; None for `label` or a
            name of `OTHER_NAMES`, if there is one; `none` for no labels.
        time_column: of tables, the column by which is split; `timestamp` if
            None.
        split: `"random"` (None without a `time_column`), 80/10/10; or
            `"time"`, the last tenth for the test and the one before for
            validation. None of what is split already.

    Returns:
        The three splits. The labels are numbered in the order of their names;
        validation and test have no label that the training texts lack.

    Raises:
        DataError: nothing usable is there.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "poems.txt")
        >>> _ = path.write_text("glad\ta rose\nsad\ta thorn\n" * 15, "utf-8")
        >>> texts = read_text(path)
        >>> len(texts.train), texts.valid, texts.labels["valid"]
        (26, ['a rose', 'a thorn'], array([0, 1], dtype=int32))
        >>> texts.label_names
        ('glad', 'sad')
    """
    source = given_path(_NAME, data_dir, _EXPECTED)
    columns = TextColumns(text_column, label_column, time_column, split)
    if holds_tables(data_dir, columns):
        return read_text_tables(data_dir, seed, columns)
    if source.is_file() or str(source) == STANDARD_INPUT:
        return _read_and_split([source], seed, source)
    found = [pathlib.Path(each) for each in sorted(glob.glob(str(source)))]
    if not source.is_dir() and found and not any(map(os.path.isdir, found)):
        return _read_and_split(found, seed, source)
    if not source.is_dir():
        raise DataError(
            f"{source}: no such file or folder; allowed: {_EXPECTED}"
        )
    splits = {name: find_text_file(source, f"{name}.txt") for name in SPLITS}
    if any(splits.values()):
        check_not_split(source, splits, columns)
        return _read_splits(source, splits)
    paths = [path for path in _visible(source) if _is_text_file(path)]
    if paths:
        corpus = _read_and_split(sorted(paths), seed, source)
        corpus.remarks += said_of_tables(source)
        return corpus
    folders = _folders(source)
    if set(folders) & set(SPLITS):
        check_not_split(source, SPLITS, columns)
        return _read_split_folders(source, folders)
    if folders:
        corpus = _split_labeled(*_read_folders(folders), seed, source)
        corpus.remarks = _rubbish([source, *folders.values()])
        return corpus
    raise DataError(f"{source}: no .txt file; allowed: {_EXPECTED}")


def _read_splits(
    folder: pathlib.Path, paths: Mapping[str, pathlib.Path | None]
) -> Corpus:
    _check_splits(folder, paths, ".txt", " (or .txt.gz)")
    lines = read_labeled_lines(list(paths.values()))
    splits = dict(zip(SPLITS, lines.texts, strict=True))
    labels = dict(zip(SPLITS, lines.labels, strict=False))
    first_lines = dict(zip(SPLITS, lines.first_lines, strict=True))
    files = {
        split: find_text_file(folder, f"{split}_class_label.txt")
        for split in SPLITS
    }
    if any(files.values()):
        if labels:
            raise DataError(
                f"{paths['train']}:1: a tab in the text, which has a file of "
                "labels; allowed: labels either before a tab or in files"
            )
        _check_splits(folder, files, "_class_label.txt", " (or .txt.gz)")
        labels = {
            split: read_label_file(files[split], paths[split], len(texts))
            for split, texts in splits.items()
        }
        paths = files
    if not labels:
        return Corpus.of_splits(_NAME, splits)
    names, numbers = number_splits(labels, paths, first_lines)
    return Corpus.of_splits(
        _NAME,
        splits,
        labels=numbers,
        label_names=names,
        remarks=lines.remarks,
    )


def _read_and_split(
    paths: Sequence[pathlib.Path], seed: int, source: pathlib.Path
) -> Corpus:
    lines = read_labeled_lines(paths)
    texts = list(itertools.chain(*lines.texts))
    if not lines.labels:
        return split_texts(_NAME, texts, seed, source)
    labels = list(itertools.chain(*lines.labels))
    splits = _split_labeled(texts, labels, (), seed, source)
    splits.remarks = lines.remarks
    return splits


def _split_labeled(
    texts: list[str],
    labels: list[str],
    files: Sequence[str],
    seed: int,
    source: pathlib.Path,
) -> Corpus:
    names = sorted_names(labels)
    check_names(names, source)
    numbers = number_labels(labels, names)
    splits = split_texts(_NAME, texts, seed, source, numbers, files)
    splits.label_names = names
    return splits


def _read_split_folders(
    source: pathlib.Path, folders: Mapping[str, pathlib.Path]
) -> Corpus:
    of_split = {split: folders.get(split) for split in SPLITS}
    _check_splits(source, of_split, "", "")
    names: tuple[str, ...] = ()
    splits, labels, files = {}, {}, {}
    searched = [source]
    for split, folder in of_split.items():
        searched += [folder, *_folders(folder).values()]
        splits[split], listed, files[split] = _read_folders(_folders(folder))
        if not listed:
            raise DataError(
                f"{folder}: no texts; allowed: a folder a label with a file a "
                "text"
            )
        names = names or sorted_names(listed)
        for label in sorted_names(listed):
            if label not in names:
                raise DataError(
                    f"{folder / label}: the label {label!r} is not in the "
                    f"training set; allowed: {listing(names)}"
                )
        labels[split] = number_labels(listed, names)
    check_names(names, of_split["train"])
    return Corpus.of_splits(
        _NAME,
        splits,
        labels=labels,
        label_names=names,
        names=files,
        remarks=_rubbish(searched),
    )


def _read_folders(
    folders: Mapping[str, pathlib.Path],
) -> tuple[list[str], list[str], list[str]]:
    """Returns texts, labels and names of files, in the order of names."""
    texts, labels, files = [], [], []
    for name in sorted_names(folders):
        for path in sorted(_visible(folders[name])):
            text = decode(read_bytes(path), path)
            if not has_word(text):
                raise DataError(
                    f"{path}: a file without words; allowed: one text a file"
                )
            texts.append(text)
            # Some systems write accents in the names of folders apart.
            labels.append(clean_label(name))
            files.append(f"{name}/{path.name}")
    return texts, labels, files


def _is_text_file(path: pathlib.Path) -> bool:
    return path.name.endswith(tuple(f".txt{each}" for each in ("", *PACKED)))


def _folders(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    return {path.name: path for path in _visible(folder) if path.is_dir()}


def _visible(folder: pathlib.Path) -> list[pathlib.Path]:
    """What is in a folder, but for what no user has put there."""
    return [
        path
        for path in folder.iterdir()
        if not path.name.startswith(".")
        and path.name.lower() not in _LEFT_BY_SYSTEMS
    ]


def _rubbish(folders: Sequence[pathlib.Path]) -> tuple[str, ...]:
    """A line on each file or folder that some system has left there."""
    found = [
        path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.name.lower() in _LEFT_BY_SYSTEMS
    ]
    return tuple(f"{path}: no text of the corpus; left out." for path in found)


def _check_splits(
    folder: pathlib.Path,
    paths: Mapping[str, pathlib.Path | None],
    ending: str,
    variant: str,
) -> None:
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        train, valid, test = (f"{name}{ending}" for name in SPLITS)
        raise DataError(
            f"{folder}: {missing[0]}{ending} is missing; allowed: all of "
            f"{train}, {valid} and {test}{variant}"
        )
