"""What a folder of a prepared corpus holds; free of TensorFlow.

`manifest.json` is written last: a folder without one is not finished.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, TypeVar

from keras_textgen.checks import (
    Allowed,
    Instances,
    Numbers,
    WholeNumbers,
    check,
    counted,
    refused,
)
from keras_textgen.data.corpus import SPLITS, DataError

MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"
BAD = "bad.jsonl"
ROWS = "rows.json"
COLUMNS = "columns.json"
FORMAT = 1
# The kind of what holds a matrix; a manifest of texts has none.
CELLS = "cells"
# The values of each part, as NumPy writes their type.
PARTS_OF_CELLS = {"rows": "<i4", "columns": "<i4", "values": "<f4"}
# What may be opened, for messages.
ALLOWED = "a folder that python -m keras_textgen.prepare has finished"
_Record = TypeVar("_Record")
# What reading JSON, and taking fields of it, may raise.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
# Of fields, by their declared type. Above 2**53, JSON's numbers are not exact.
_VALUES: Mapping[str, Allowed] = {
    "int": WholeNumbers(0, 2**53),
    "float": Numbers(),
    "str": Instances(str, "text"),
    "Mapping[str, Any]": Instances(dict, "fields by name"),
}


@dataclasses.dataclass(frozen=True)
class File:
    """A file of the folder.

    Attributes:
        name: of the file, without a folder.
        rows: texts in it; 0 of a file that is no shard.
        bytes: of the file.
        sha256: of its content, in hexadecimal.
    """

    name: str
    rows: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: pathlib.Path, rows: int = 0) -> File:
        """The entry of a file that is there."""
        return cls(path.name, rows, path.stat().st_size, sha256_of(path))


@dataclasses.dataclass(frozen=True)
class Counts:
    """What a split holds.

    Attributes:
        texts: how many.
        words: what stands between white space in them.
        bytes: of them in UTF-8.
        tokens: their ids, start and end tokens included, which documents do
            not have.
        unknown: ids of the unknown token among them.
        too_long: texts that were left out as too long.
    """

    texts: int
    words: int
    bytes: int
    tokens: int
    unknown: int
    too_long: int


@dataclasses.dataclass(frozen=True)
class CellCounts:
    """What a split of a matrix holds.

    Attributes:
        cells: how many.
        lowest: of their values.
        highest: of their values.
        mean: of their values.
    """

    cells: int
    lowest: float
    highest: float
    mean: float


class _Listing:
    """What manifests of all kinds have in common, given their fields."""

    files: tuple[File, ...]

    @property
    def all_files(self) -> tuple[File, ...]:
        """Every file of the folder but the manifest."""
        return self.files

    def file(self, name: str) -> File:
        """The entry of a file that is no shard."""
        return next(each for each in self.files if each.name == name)

    @property
    def text(self) -> str:
        """The content of `manifest.json`."""
        known: Any = self
        return sealed({"format": FORMAT, **dataclasses.asdict(known)})

    @property
    def digest(self) -> int:
        """A number of 63 bits that depends on every file but `bad.jsonl`."""
        sums = [each.sha256 for each in self.all_files if each.name != BAD]
        whole = hashlib.sha256(" ".join(sums).encode()).digest()
        return int.from_bytes(whole[:8], "big") >> 1


@dataclasses.dataclass(frozen=True)
class CellManifest(_Listing):
    """All that is known of a prepared matrix without reading a cell.

    Attributes:
        settings: that it was prepared with, by name.
        counts: of each split.
        files: of it: ids, rows, columns and values of the cells, bad records.
        shape: how many rows and columns the matrix has.
        fields: what the columns of the tables are called, with the ids of rows
            and columns and with the values; None for no values.
        merged: cells that were given again, and became one with another.
        bad: records that could not be used.
        source: files and bytes of the input, and what tells it from others.
        kind: tells it from a corpus of texts.
    """

    settings: Mapping[str, Any]
    counts: Mapping[str, CellCounts]
    files: tuple[File, ...]
    shape: tuple[int, int]
    fields: tuple[str, str, str | None]
    merged: int
    bad: int
    source: Mapping[str, Any]
    kind: str = CELLS


@dataclasses.dataclass(frozen=True)
class Manifest(_Listing):
    """All that is known of a prepared corpus without reading a text.

    Attributes:
        settings: that it was prepared with, by name.
        counts: of each split.
        shards: of each split, in the order of their rows.
        files: the others: vocabulary, lengths, sentences, labels, bad records.
        unit: what a token is.
        vocabulary_size: number of ids.
        label_names: the names that labels are the numbers of.
        bad: records that could not be used.
        source: files and bytes of the input, and what tells it from others.
    """

    settings: Mapping[str, Any]
    counts: Mapping[str, Counts]
    shards: Mapping[str, tuple[File, ...]]
    files: tuple[File, ...]
    unit: str
    vocabulary_size: int
    label_names: tuple[str, ...]
    bad: int
    source: Mapping[str, Any]

    @property
    def sentence_rule(self) -> str | None:
        """How documents were cut into sentences; None of texts."""
        return self.settings.get("sentence_rule")

    @property
    def all_files(self) -> tuple[File, ...]:
        """Every file of the folder but the manifest, the shards first."""
        shards = [each for split in SPLITS for each in self.shards[split]]
        return (*shards, *self.files)


def lengths_file(split: str) -> str:
    """The name of the file with the length of each text.

    It is the number of its tokens; of a document, that of its sentences.

    Example:
        >>> lengths_file("valid")
        'valid.lengths.npy'
    """
    return f"{split}.lengths.npy"


def sentences_file(split: str) -> str:
    """The name of the file with the words of each sentence of documents."""
    return f"{split}.sentences.npy"


def labels_file(split: str) -> str:
    """The name of the file with the label of each text."""
    return f"{split}.labels.npy"


def cells_file(split: str, part: str) -> str:
    """The name of the file with a part of each cell of a split.

    Args:
        split: of the matrix.
        part: `"rows"`, `"columns"` or `"values"`.

    Example:
        >>> cells_file("train", "rows")
        'train.rows.npy'
    """
    return f"{split}.{part}.npy"


def sha256_of(path: pathlib.Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: pathlib.Path, content: str) -> None:
    """Writes a text file so that it is there whole, or not at all."""
    temporary = path.with_name(f".{path.name}.unfinished")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_manifest(folder: str | os.PathLike) -> Manifest | CellManifest:
    """Reads the manifest of a folder, and compares the sizes of its files.

    Args:
        folder: of the prepared corpus.

    Raises:
        DataError: there is none, it cannot be used, or a file is missing or of
            another size.

    Example:
        >>> read_manifest("nowhere")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: nowhere: no manifest.json; \
allowed: a folder that python -m keras_textgen.prepare has finished
    """
    folder = pathlib.Path(folder)
    path = folder / MANIFEST
    try:
        found = _parsed(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{folder}: no {MANIFEST}; allowed: {ALLOWED}"
        ) from None
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}; allowed: {ALLOWED}"
        ) from None
    except _UNREADABLE as error:
        raise DataError(
            f"{path}: no manifest of this format ({error!r:.80}); allowed: "
            f"{ALLOWED}"
        ) from None
    for each in found.all_files:
        _check_size(folder, each)
    return found


def check_content(folder: pathlib.Path, file: File) -> None:
    """Compares the checksum of a file, which reads all of it.

    Args:
        folder: of the prepared corpus.
        file: as the manifest lists it.

    Raises:
        DataError: it is not what was written.
    """
    path = folder / file.name
    if sha256_of(path) != file.sha256:
        raise DataError(
            f"{path}: damaged, as its checksum is not that of {MANIFEST}; "
            "allowed: the file as it was written"
        )


def sealed(fields: Mapping[str, Any]) -> str:
    """The content of a manifest of these fields, with its checksum."""
    fields = {key: fields[key] for key in fields if key != "checksum"}
    return _written({**fields, "checksum": _sum_of(fields)}) + "\n"


def _written(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, indent=1)


def _sum_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(_written(fields).encode()).hexdigest()


def _parsed(content: dict[str, Any]) -> Manifest | CellManifest:
    # Those that were written before have none.
    checksum = content.pop("checksum", None)
    if checksum not in (None, _sum_of(content)):
        raise refused("another checksum", "that of what is written")
    if content.pop("format") != FORMAT:
        raise refused("another format", str(FORMAT))
    files = tuple(_file(each) for each in content["files"])
    if "kind" in content:
        return _of_cells(content, files)
    return _of_texts(content, files)


def _of_texts(content: dict[str, Any], files: tuple[File, ...]) -> Manifest:
    counts, shards = content["counts"], content["shards"]
    found = _record(
        Manifest,
        content
        | {
            "counts": {
                split: _record(Counts, counts[split]) for split in SPLITS
            },
            "shards": {
                split: tuple(_file(each) for each in shards[split])
                for split in SPLITS
            },
            "files": files,
            "label_names": tuple(content["label_names"]),
        },
    )
    for split in SPLITS:
        texts = found.counts[split].texts
        rows = sum(each.rows for each in found.shards[split])
        if rows != texts:
            raise refused(
                f"{counted(rows, 'row')} of {split}", counted(texts, "text")
            )
    for name in found.label_names:
        check(_VALUES["str"], label_name=name)
    rule = found.sentence_rule
    per_split = [
        lengths_file,
        *([sentences_file] if rule is not None else []),
        *([labels_file] if found.label_names else []),
    ]
    _check_listed(
        found, VOCABULARY, *(name(s) for s in SPLITS for name in per_split)
    )
    return found


def _of_cells(content: dict[str, Any], files: tuple[File, ...]) -> CellManifest:
    if content["kind"] != CELLS:
        raise refused("another kind", CELLS)
    counts = content["counts"]
    rows, columns = content["shape"]
    check(WholeNumbers(1, 2**31 - 1), rows=rows, columns=columns)
    row, column, value = content["fields"]
    check(_VALUES["str"], row=row, column=column, value=value or "")
    found = _record(
        CellManifest,
        content
        | {
            "counts": {
                split: _record(CellCounts, counts[split]) for split in SPLITS
            },
            "files": files,
            "shape": (rows, columns),
            "fields": (row, column, value),
        },
    )
    names = (cells_file(s, p) for s in SPLITS for p in PARTS_OF_CELLS)
    _check_listed(found, ROWS, COLUMNS, *names)
    return found


def _record(kind: type[_Record], fields: Mapping[str, Any]) -> _Record:
    """A record, once its values are of the types that are declared."""
    found = kind(**fields)
    for each in dataclasses.fields(found):  # type: ignore[arg-type]
        if each.type in _VALUES:
            value = getattr(found, each.name)
            check(_VALUES[str(each.type)], **{each.name: value})
    return found


def _check_listed(manifest: _Listing, *names: str) -> None:
    for name in names:
        if all(each.name != name for each in manifest.files):
            raise refused(f"no {name} among its files", "all that it needs")


def _file(fields: dict[str, Any]) -> File:
    found = _record(File, fields)
    # A manifest from elsewhere must not name files outside of its folder.
    is_plain = pathlib.PurePath(found.name).name == found.name
    if not is_plain or found.name in ("", "..") or "\\" in found.name:
        raise refused(f"the name {found.name!r}", "one of this folder")
    return found


def _check_size(folder: pathlib.Path, file: File) -> None:
    path = folder / file.name
    try:
        there = path.stat().st_size if path.is_file() else None
    except OSError:
        # Such as of a name that is too long.
        there = None
    if there != file.bytes:
        is_now = "missing" if there is None else counted(there, "byte")
        raise DataError(
            f"{path}: {is_now}; allowed: the file as it was written, "
            f"{counted(file.bytes, 'byte')}"
        )
