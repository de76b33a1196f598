"""Texts, perhaps with labels, of the columns of tables."""

from __future__ import annotations

import dataclasses
import glob
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.formats.collect import (
    Labels,
    Texts,
    Times,
    UnusableError,
)
from keras_textgen.data.formats.columns import (
    Columns,
    Wanted,
    find_sources,
    has_column,
    is_table_name,
    names_of,
    read_columns,
    split_of,
    tables_in,
)
from keras_textgen.data.formats.delimited import first_names
from keras_textgen.data.formats.streams import STANDARD_INPUT, Source
from keras_textgen.data.formats.table import Row, Table, is_typed
from keras_textgen.data.labels import (
    check_names,
    listing,
    number_found,
    number_labels,
    sorted_names,
)
from keras_textgen.data.readers.files import read_lines, split_texts
from keras_textgen.data.splits import (
    check_enough,
    rows_at_random,
    rows_by_time,
    split_rule,
)

NAME = "text"
# What --label_column is for a table whose labels are not wanted.
NO_LABELS = "none"
TEXT, LABEL, TIME = "text", "label", "timestamp"
# Beside the tables of Zhang et al. (2015), whose classes are numbers from 1.
_CLASSES = "classes.txt"


@dataclasses.dataclass(frozen=True)
class TextColumns:
    """Which columns of a table are read; None leaves it to their names.

    Attributes:
        text: of the texts.
        label: of the labels; `none` for no labels.
        time: of the times by which is split.
        split: `"random"` or `"time"`.
    """

    text: str | None = None
    label: str | None = None
    time: str | None = None
    split: str | None = None

    @property
    def are_named(self) -> bool:
        """Whether anything is said that only tables have."""
        return any((self.text, self.label, self.time, self.split == "time"))

    @property
    def times(self) -> str | None:
        """The column of times, if they are needed."""
        rule = split_rule(self.split, self.time)
        return None if rule == "random" else self.time or TIME

    @property
    def wanted(self) -> list[Wanted]:
        """What is asked of a table."""
        wanted = [Wanted(self.text or TEXT, "text_column", Texts)]
        if self.label != NO_LABELS:
            is_needed = self.label is not None
            label = self.label or LABEL
            wanted.append(Wanted(label, "label_column", Labels, is_needed))
        if self.times is not None:
            wanted.append(Wanted(self.times, "time_column", Times))
        return wanted


def holds_tables(data_dir: str | os.PathLike, columns: TextColumns) -> bool:
    """Whether what a user names are tables, and not lines of text.

    Args:
        data_dir: as in `read_text`.
        columns: what is said of them.

    Raises:
        DataError: some of what a pattern fits are tables, and others are not.
    """
    if columns.are_named:
        return True
    path = pathlib.Path(data_dir)
    if str(path) == STANDARD_INPUT:
        return _tells_itself(Source.of_input())
    if path.is_file():
        source = Source(path)
        if is_table_name(path.name):
            return not _has_labeled_lines(source)
        return source.suffix != ".txt" and _tells_itself(source)
    if path.is_dir():
        return _is_folder_of_tables(path)
    found = sorted(glob.glob(str(path)))
    tables = [each for each in found if is_table_name(os.path.basename(each))]
    if tables and len(tables) < len(found):
        other = next(each for each in found if each not in tables)
        raise DataError(
            f"{data_dir}: {tables[0]} is a table and {other} is none; allowed: "
            "a pattern that fits files of one kind"
        )
    return bool(tables)


def _has_labeled_lines(source: Source) -> bool:
    """Whether a file of tabs is a label and a text a line, without names."""
    return source.suffix in (".tsv", ".tab") and not _names_texts(source)


def _tells_itself(source: Source) -> bool:
    """Whether what is not named as a table begins as one."""
    return is_typed(source) or _names_texts(source)


def _names_texts(source: Source) -> bool:
    """Whether a first line names a column of texts.

    That of labeled lines does not: they are read as lines.
    """
    with source.opened() as stream:
        names, mark = first_names(stream, source.name, source.suffix)
    if mark == "\t" and names[1:] == (TEXT,):
        return False
    return not set(names_of(TEXT)).isdisjoint(names)


def _is_folder_of_tables(folder: pathlib.Path) -> bool:
    tables = tables_in(folder)
    if any((folder / f"{split}.txt").is_file() for split in SPLITS):
        return False
    if any(split_of(path) == "train" for path in tables):
        return True
    others = (path for path in folder.iterdir() if path not in tables)
    has_texts = any(path.name.endswith((".txt", ".txt.gz")) for path in others)
    return bool(tables) and not has_texts


def check_not_split(
    folder: pathlib.Path, parts: Iterable[str], asked: TextColumns
) -> None:
    """Refuses to split what is split already.

    Args:
        folder: of it.
        parts: the splits that are there.
        asked: of the texts.

    Raises:
        DataError: a split is asked for.
    """
    if asked.split is not None or asked.times is not None:
        raise DataError(
            f"{folder}: split already into {', '.join(parts)}; allowed: no "
            "--time_column and no --split"
        )


def said_of_tables(folder: pathlib.Path) -> tuple[str, ...]:
    """A line on the tables in a folder whose texts are read."""
    tables = [path.name for path in tables_in(folder)]
    if not tables:
        return ()
    return (
        f"Left out: {listing(tables)}, tables beside files of text; the "
        f"pattern '{folder}/*{pathlib.Path(tables[0]).suffix}' reads them.",
    )


def read_text_tables(
    data_dir: str | os.PathLike, seed: int, asked: TextColumns
) -> Corpus:
    """Reads the texts of tables.

    Args:
        data_dir: a table; a folder of tables, those of a split named after it,
            or all to be split; a pattern; or `-` for standard input.
        seed: of a split at random.
        asked: of the tables.

    Returns:
        The corpus.

    Raises:
        DataError: they cannot be read or split.
    """
    sources = find_sources(data_dir)
    parts = _by_split(sources) if pathlib.Path(data_dir).is_dir() else {}
    if parts:
        corpus = _of_parts(parts, seed, asked)
        corpus.remarks += _said_of_others(sources)
        return corpus
    columns = _read(sources, asked)
    name = sources[0].name if len(sources) == 1 else str(data_dir)
    texts = columns.kept[asked.text or TEXT].found
    labels = _labels(columns, asked)
    remarks = columns.remarks + _said_of(columns, asked)
    names: tuple[str, ...] = ()
    numbers = None
    if labels is not None:
        names = sorted_names(labels)
        check_names(names, pathlib.Path(name))
        numbers = number_labels(labels, names)
    if asked.times is None:
        corpus = split_texts(NAME, texts, seed, pathlib.Path(name), numbers)
    else:
        collected = columns.kept[asked.times]
        times = np.asarray(collected.found)
        check_enough(len(times), "text", name)
        rows = dict(zip(SPLITS, rows_by_time(times), strict=True))
        if numbers is not None:
            _check_known(rows, numbers, names, columns)
        corpus = _of_rows(texts, numbers, rows)
        shown = collected.shown
        corpus.times = {split: shown[each] for split, each in rows.items()}
    corpus.label_names = names
    corpus.remarks = remarks
    return corpus


def _read(sources: Sequence[Source], asked: TextColumns) -> Columns:
    def adapt(table: Table) -> Table:
        needed = [each for each in asked.wanted if each.is_needed]
        is_named = any(has_column(table, each) for each in needed)
        if table.has_header or is_named or asked.text is not None:
            return table
        return _with_classes(table, sources[0].path.parent / _CLASSES)

    columns = read_columns(sources, asked.wanted, adapt)
    if not len(columns):
        raise DataError(
            f"{columns.first_file}: no row with a text; allowed: 10 or more"
        )
    return columns


def _labels(columns: Columns, asked: TextColumns) -> list[str] | None:
    kept = columns.kept.get(asked.label or LABEL)
    return None if kept is None else kept.found


def _said_of(columns: Columns, asked: TextColumns) -> tuple[str, ...]:
    """A line on what columns were chosen that nobody has named."""
    chosen = [
        f"{what} from column {columns.names.get(default)!r}"
        for what, default, named in (
            ("texts", TEXT, asked.text),
            ("labels", LABEL, asked.label),
        )
        if named is None and columns.names.get(default) is not None
    ]
    if not chosen:
        return ()
    return (f"{columns.first_file}: {' and '.join(chosen)}.",)


def _said_of_others(sources: Sequence[Source]) -> tuple[str, ...]:
    """A line on the tables of a folder that are of none of its splits."""
    others = [each.name for each in sources if split_of(each.path) is None]
    if not others:
        return ()
    return (
        f"Left out: {listing(others)}, as others there are named train and "
        "test.",
    )


def _of_rows(
    texts: Sequence[str],
    labels: np.ndarray | None,
    rows: Mapping[str, np.ndarray],
) -> Corpus:
    splits = {
        split: [texts[row] for row in chosen] for split, chosen in rows.items()
    }
    if labels is None:
        return Corpus.of_splits(NAME, splits)
    of_splits = {split: labels[chosen] for split, chosen in rows.items()}
    return Corpus.of_splits(NAME, splits, labels=of_splits)


def _check_known(
    rows: Mapping[str, np.ndarray],
    labels: np.ndarray,
    names: Sequence[str],
    columns: Columns,
) -> None:
    """Refuses labels of later rows that the training rows lack."""
    in_training = np.bincount(labels[rows["train"]], minlength=len(names)) > 0
    later = np.concatenate([rows[split] for split in SPLITS[1:]])
    unknown = later[~in_training[labels[later]]]
    if len(unknown):
        trained = [names[int(each)] for each in np.flatnonzero(in_training)]
        raise DataError(
            f"{columns.where(unknown[0])}: the label "
            f"{names[labels[unknown[0]]]!r} is not in the training set, the "
            f"earliest 80 %; allowed: {listing(trained)}"
        )


# -- Tables that are split already --------------------------------------------


def _by_split(sources: Sequence[Source]) -> dict[str, list[Source]]:
    """The tables of each split; nothing if none is for training."""
    parts: dict[str, list[Source]] = {}
    for source in sources:
        split = split_of(source.path)
        if split is not None:
            parts.setdefault(split, []).append(source)
    if "train" not in parts:
        return {}
    return {split: parts[split] for split in SPLITS if split in parts}


def _of_parts(
    parts: Mapping[str, list[Source]], seed: int, asked: TextColumns
) -> Corpus:
    folder = parts["train"][0].path.parent
    if "test" not in parts:
        raise DataError(
            f"{folder}: tables of train, and none of test; allowed: tables "
            "named train, test and perhaps valid, or others, to be split"
        )
    check_not_split(folder, parts, asked)
    columns = {split: _read(parts[split], asked) for split in parts}
    texts = {
        split: each.kept[asked.text or TEXT].found
        for split, each in columns.items()
    }
    found = {split: _labels(each, asked) for split, each in columns.items()}
    names, numbers = _numbered(columns, found)
    if "valid" not in texts:
        _hold_out(texts, numbers, seed, folder)
    remarks = itertools.chain(*(each.remarks for each in columns.values()))
    return Corpus.of_splits(
        NAME,
        texts,
        labels=numbers,
        label_names=names,
        remarks=(*remarks, *_said_of(columns["train"], asked)),
    )


def _numbered(
    columns: Mapping[str, Columns], found: Mapping[str, list[str] | None]
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    given = {split: labels for split, labels in found.items() if labels}
    if not given:
        return (), {}
    for split, each in columns.items():
        if split not in given:
            raise DataError(
                f"{each.first_file}: no labels, which other splits have; "
                "allowed: labels in all, or --label_column=none"
            )
    return number_found(
        given,
        pathlib.Path(columns["train"].first_file),
        lambda split, row: columns[split].where(row),
    )


def _hold_out(
    texts: dict[str, list[str]],
    labels: dict[str, np.ndarray],
    seed: int,
    folder: pathlib.Path,
) -> None:
    """Takes a tenth of the training texts for validation, label by label."""
    of_train = labels.get("train")
    train = texts["train"]
    rows = rows_at_random(len(train), seed, of_train, held_out_parts=1)
    if not len(rows[1]):
        few = counted(
            len(train), "training text leaves", "training texts leave"
        )
        raise DataError(
            f"{folder}: {few} nothing for validation; allowed: 2 "
            "or more of a label"
        )
    for split, chosen in zip(SPLITS, rows, strict=False):
        texts[split] = [train[row] for row in chosen]
        if of_train is not None:
            labels[split] = of_train[chosen]


# -- Tables of Zhang et al. (2015) --------------------------------------------


def _with_classes(table: Table, classes: pathlib.Path) -> Table:
    r"""Class, title and text, without names: AG News, DBpedia, Yelp and more.

    The columns after the class are one text, a line each; `\n` in them is a
    line end. The file `classes.txt` names the classes, whose numbers are from
    1; without it they keep their numbers.
    """
    if len(table.columns) < 2:
        return table
    names = _read_classes(classes) if classes.is_file() else []
    places = range(len(table.columns))

    def rows(wanted: Sequence[int]) -> Iterator[Row]:
        for number, (label, *parts) in table.rows(places):
            text = "\n".join(part for part in parts if part.strip())
            made: tuple[Any, Any] = (
                text.replace("\\n", "\n"),
                _class_name(label, names, table.where(number)),
            )
            yield number, [made[place] for place in wanted]

    return dataclasses.replace(
        table, columns=(TEXT, LABEL), rows=rows, has_header=True
    )


def _read_classes(path: pathlib.Path) -> list[str]:
    """The names of classes, a line each, of which no two are one label."""
    labels = Labels("the class")
    for number, name in enumerate(read_lines(path), 1):
        try:
            labels.add(name)
        except UnusableError as error:
            raise DataError(f"{path}:{number}: {error}") from None
    names = labels.found
    for number, name in enumerate(names):
        first = names.index(name)
        if first < number:
            raise DataError(
                f"{path}:{number + 1}: the class {name!r} is there already "
                f"(line {first + 1}); allowed: every class once"
            )
    return names


def _class_name(label: str, names: Sequence[str], where: str) -> str:
    if not names:
        return label
    if not label.isdecimal() or not 0 < int(label) <= len(names):
        raise DataError(
            f"{where}: the class {label!r}; allowed: a whole number from 1 to "
            f"{len(names)}, the lines of {_CLASSES}"
        )
    return names[int(label) - 1]
