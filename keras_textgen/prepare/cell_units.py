"""What is done to a unit of tables of cells: it is read, then numbered.

A unit is read once. Its cells go to the folder of work with the numbers that
its ids have in it; once all ids are known, with those that they have in the
matrix, part by part. What a unit writes is under a name of its own, so that one
that is done twice, as runners may, leaves the same.
"""

from __future__ import annotations

import array
import dataclasses
import functools
import json
import pathlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.collect import (
    UnusableError,
    Values,
    checked_id,
    without_fractions,
)
from keras_textgen.data.formats.table import opened_table
from keras_textgen.data.shards.manifest import COLUMNS, ROWS
from keras_textgen.data.shards.matrix import read_ids
from keras_textgen.data.table_cells import wanted_of
from keras_textgen.prepare.pieces import Piece, Unit
from keras_textgen.prepare.records import (
    Bad,
    BadRecords,
    TooManyBadError,
    placed,
    teller,
)
from keras_textgen.prepare.settings import CellSettings
from keras_textgen.prepare.work_files import (
    facts_file,
    temporary,
    write_array,
    write_json,
    writing,
)

SIDES = (ROWS, COLUMNS)
# A cell in the folder of work.
CELL = np.dtype([("row", "<i4"), ("column", "<i4"), ("value", "<f4")])
# Cells that are held at a time.
_BLOCK = 1 << 20
# Parts of all ids, which are put together side by side.
_PARTS = 64

# Of an id: where it is first, by the unit and by its number there; and how many
# cells it has.
Place = tuple[int, int, int]
Places = dict[str, Place]


class CellJob(NamedTuple):
    """What all units of a matrix have in common.

    Attributes:
        settings: of the preparation.
        folder: of work, which all processes see.
        ids_sums: the checksums of the files of ids, once all are known.
        are_whole: of each side, whether `3.0` is to be `3`; likewise.
        first_rows: of each part of the cells, the first row; likewise.
        units: how many there are.
    """

    settings: CellSettings
    folder: pathlib.Path
    ids_sums: tuple[str, ...] = ()
    are_whole: tuple[bool, ...] = ()
    first_rows: tuple[int, ...] = ()
    units: int = 0


# -- Reading ------------------------------------------------------------------


class CellReader:
    """Reads the cells of a unit, in order.

    Args:
        unit: whose pieces are read.
        settings: with the columns of tables.
        on_bad: is told of what is left out.

    Attributes:
        fields: what the columns are called in the first table.
        ids: of rows and of columns, numbered as they occur first.
        last: the ids of the last row and column.

    Raises:
        DataError: of its iteration, if a file cannot be read at all, or lacks a
            column.
    """

    def __init__(
        self, unit: Unit, settings: CellSettings, on_bad: Callable[[Bad], None]
    ) -> None:
        self._unit = unit
        self._settings = settings
        self._on_bad = on_bad
        self.fields: tuple[str | None, ...] = ()
        self.ids: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self.last = "", ""
        self._clear()

    def _clear(self) -> None:
        self._numbers = array.array("i"), array.array("i")
        self._values = Values("")

    def __iter__(self) -> Iterator[tuple[Piece, int]]:
        """Takes a cell, and says in which row of which piece it stands."""
        for piece in self._unit.pieces:
            for number in self._rows(piece):
                yield piece, number

    def _rows(self, piece: Piece) -> Iterator[int]:
        tell = teller(piece, self._on_bad)
        wanted = wanted_of(self._settings.fields)
        with opened_table(piece, tell) as table:
            table, places = placed(table, wanted)
            names = [table.columns[place] for place in places]
            if not self.fields:
                self.fields = (*names, None)[:3]
            for number, values in table.value_rows(places):
                try:
                    self._take(names, values)
                except UnusableError as error:
                    tell(number, error)
                    continue
                yield number

    def _take(self, names: Sequence[str], values: Sequence[Any]) -> None:
        row = self._id(0, names[0], values[0])
        column = self._id(1, names[1], values[1])
        self._values.add(values[2] if len(values) > 2 else 1.0)
        # From here on, the cell is one that can be used.
        self.last = row, column
        for ids, numbers, each in zip(
            self.ids, self._numbers, self.last, strict=True
        ):
            numbers.append(ids.setdefault(each, len(ids)))

    def _id(self, side: int, name: str, value: Any) -> str:
        # Most are there already, and need no second look.
        if isinstance(value, str) and value in self.ids[side]:
            return value
        text = checked_id(name, value)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnusableError(
                f"{name} holds half a character (a lone surrogate); allowed: "
                "an id of whole characters"
            ) from None
        return text

    def __len__(self) -> int:
        return len(self._values.found)

    def taken(self) -> np.ndarray:
        """The cells since the last call, `CELL`."""
        found = np.empty(len(self), CELL)
        found["row"], found["column"] = self._numbers
        found["value"] = self._values.found
        self._clear()
        return found


def read_unit(
    job: CellJob, unit: Unit
) -> Iterator[tuple[tuple[str, int], Places]]:
    """Reads the cells of a unit into the folder of work.

    It writes the ids of the unit, and `facts`: how many cells there are, bad
    records, and what ended it.

    Args:
        job: that it is part of.
        unit: to be read.

    Yields:
        The side and the number of a part of the ids, and the part.
    """
    bad = BadRecords(job.settings.max_bad)
    reader = CellReader(unit, job.settings, bad.add)
    problem = None
    is_whole = False
    count = 0
    counts = np.zeros(0, np.int64)
    path = read_file(job.folder, unit.number)
    unfinished = temporary(path)
    with writing(job.folder):
        file = unfinished.open("wb")
    with file:
        try:
            for cells in _blocks(reader):
                with writing(job.folder):
                    cells.tofile(file)
                count += len(cells)
                more = np.bincount(cells["row"], minlength=len(reader.ids[0]))
                more[: len(counts)] += counts
                counts = more
            is_whole = True
        except DataError as error:
            problem = str(error)
        except TooManyBadError:
            pass
    facts = {
        "bad": [dataclasses.asdict(each) for each in bad.found],
        "problem": problem,
        "fields": reader.fields,
        "cells": count,
    }
    with writing(job.folder):
        unfinished.replace(path)
        write_json(ids_file(job.folder, unit.number), [*map(list, reader.ids)])
        write_json(job.folder / facts_file("read", unit.number), facts)
    if is_whole:
        yield from _parts(unit.number, reader, counts)


def _blocks(reader: CellReader) -> Iterator[np.ndarray]:
    for _ in reader:
        if len(reader) >= _BLOCK:
            yield reader.taken()
    yield reader.taken()


def _parts(
    unit: int, reader: CellReader, counts: np.ndarray
) -> Iterator[tuple[tuple[str, int], Places]]:
    known = counts.tolist()
    for side, ids in zip(SIDES, reader.ids, strict=True):
        parts: dict[int, Places] = {}
        for text, number in ids.items():
            part = parts.setdefault(zlib.crc32(text.encode()) % _PARTS, {})
            # Only those of rows are needed, to cut the matrix by.
            count = known[number] if side == ROWS else 0
            part[text] = (unit, number, count)
        for number, part in parts.items():
            yield (side, number), part


def where_pair_is(
    unit: Unit, job: CellJob, pair: tuple[str, str]
) -> Iterator[str]:
    """Reads a unit again, for the rows with a pair of ids.

    Args:
        unit: that holds it.
        job: that it is part of.
        pair: the ids as the matrix has them.

    Yields:
        File and row of each, for messages.
    """
    reader = CellReader(unit, job.settings, lambda record: None)
    for piece, number in reader:
        found = [
            without_fractions([each])[0] if is_whole else each
            for each, is_whole in zip(reader.last, job.are_whole, strict=True)
        ]
        if (found[0], found[1]) == pair:
            start = f" from byte {piece.start:,} on" if piece.start else ""
            yield f"{piece.name}:{number}{start}"


# -- Numbering ----------------------------------------------------------------


def number_unit(job: CellJob, unit: Unit) -> None:
    """Writes the cells of a unit by their numbers in the matrix.

    Those of a part of the matrix stand together, in the order of the unit;
    beside them is written where each part begins.

    Args:
        job: that it is part of.
        unit: that has been read.
    """
    texts = json.loads(ids_file(job.folder, unit.number).read_text("utf-8"))
    numbers = []
    for side, name in enumerate(SIDES):
        known = _numbers_of(str(job.folder / name), job.ids_sums[side])
        ids = texts[side]
        if job.are_whole[side]:
            ids = without_fractions(ids)
        numbers.append(np.array([known[each] for each in ids], np.int32))
    path = read_file(job.folder, unit.number)
    first_rows = np.array(job.first_rows)
    part_of_row = np.searchsorted(first_rows, numbers[0], side="right") - 1
    sizes = np.zeros(len(first_rows), np.int64)
    for cells in blocks_of(path):
        parts = part_of_row[cells["row"]]
        sizes += np.bincount(parts, minlength=len(sizes))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    with writing(job.folder):
        write_array(starts_file(job.folder, unit.number), starts)
        _write_parts(job, unit.number, numbers, part_of_row, starts)


def _write_parts(
    job: CellJob,
    number: int,
    numbers: Sequence[np.ndarray],
    part_of_row: np.ndarray,
    starts: np.ndarray,
) -> None:
    path = numbered_file(job.folder, number)
    unfinished = temporary(path)
    filled = starts[:-1].copy()
    # Not mapped, as a full disk would end the process then.
    with unfinished.open("wb") as file:
        for cells in blocks_of(read_file(job.folder, number)):
            parts = part_of_row[cells["row"]]
            order = np.argsort(parts, kind="stable")
            cells["row"] = numbers[0][cells["row"]]
            cells["column"] = numbers[1][cells["column"]]
            sizes = np.bincount(parts, minlength=len(filled))
            chunks = np.split(cells[order], np.cumsum(sizes)[:-1])
            for part in np.flatnonzero(sizes):
                file.seek(int(filled[part]) * CELL.itemsize)
                file.write(chunks[part].tobytes())
            filled += sizes
    unfinished.replace(path)


@functools.lru_cache(maxsize=2)
def _numbers_of(path: str, checksum: str) -> dict[str, int]:
    """The number of each id, read once a process, as long as they are these."""
    del checksum
    ids = read_ids(pathlib.Path(path))
    return {each: number for number, each in enumerate(ids)}


def blocks_of(path: pathlib.Path) -> Iterator[np.ndarray]:
    """The cells of a file, some at a time."""
    with path.open("rb") as file:
        while len(cells := np.fromfile(file, CELL, _BLOCK)):
            yield cells


# -- Files of a unit ----------------------------------------------------------


def read_file(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Where the cells of a unit are as they were read."""
    return folder / f"read-{number:05}.cells"


def ids_file(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Where the ids of a unit are, those of rows and those of columns."""
    return folder / f"ids-{number:05}.json"


def numbered_file(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Where the cells of a unit are by their numbers, part by part."""
    return folder / f"numbered-{number:05}.cells"


def starts_file(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Where it is said at which cell of these each part begins."""
    return folder / f"numbered-{number:05}.npy"
