"""The pipelines of Apache Beam for cells: read, number, put in order.

What the runner passes on are ids, never cells. Beam is imported where it is
used, and is given functions: the package works without it.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_textgen.data.formats.collect import without_fractions
from keras_textgen.prepare.beam import in_parallel
from keras_textgen.prepare.cell_parts import finish_part
from keras_textgen.prepare.cell_units import (
    SIDES,
    CellJob,
    Places,
    number_unit,
    read_unit,
)
from keras_textgen.prepare.pieces import Unit
from keras_textgen.prepare.work_files import write_json, writing


class Ids(NamedTuple):
    """The ids of rows, or of columns.

    Attributes:
        names: in the order in which they occur first.
        counts: how many cells each has, int64; of rows alone.
        are_whole: whether `3.0` was made `3`, as all are whole numbers.
    """

    names: list[str]
    counts: np.ndarray
    are_whole: bool


def read_cells(
    job: CellJob, units: Sequence[Unit], options: Any
) -> tuple[Ids, ...]:
    """Reads all units, and gives the ids of rows and those of columns.

    Args:
        job: that the units are part of.
        units: to be read.
        options: of Beam.
    """
    import apache_beam as beam

    with in_parallel("units to read", units, options) as each:
        (
            each
            | "read" >> beam.FlatMap(_read, job)
            | "put together" >> beam.CombinePerKey(_joined)
            | "write" >> beam.Map(_write_places, job)
        )
    return tuple(_ids(job.folder, side) for side in SIDES)


def number_cells(job: CellJob, units: Sequence[Unit], options: Any) -> None:
    """Writes the cells of all units by their numbers in the matrix.

    Args:
        job: that the units are part of; its folder holds the ids.
        units: that have been read.
        options: of Beam.
    """
    import apache_beam as beam

    with in_parallel("units to number", units, options) as each:
        each | "number" >> beam.Map(_number, job)


def finish_parts(job: CellJob, options: Any) -> None:
    """Puts the cells of all parts in order, and splits them.

    Args:
        job: whose folder holds the numbered cells.
        options: of Beam.
    """
    import apache_beam as beam

    with in_parallel("parts", range(len(job.first_rows)), options) as each:
        each | "put in order" >> beam.Map(_finish, job)


def _read(unit: Unit, job: CellJob) -> Iterable[Any]:
    return read_unit(job, unit)


def _number(unit: Unit, job: CellJob) -> int:
    number_unit(job, unit)
    return unit.number


def _finish(number: int, job: CellJob) -> int:
    finish_part(job, number)
    return number


def _joined(many: Iterable[Places]) -> Places:
    whole: Places = {}
    for part in many:
        for text, place in part.items():
            known = whole.get(text)
            if known is None:
                whole[text] = place
            else:
                count = known[2] + place[2]
                whole[text] = (*min(known[:2], place[:2]), count)
    return whole


def _write_places(part: tuple[tuple[str, int], Places], job: CellJob) -> None:
    (side, number), places = part
    with writing(job.folder):
        write_json(job.folder / f"places-{number:02}.{side}", places)


def _ids(folder: pathlib.Path, side: str) -> Ids:
    """All ids of a side, from the parts that were put together."""
    found: list[tuple[int, int, int, str]] = []
    for path in sorted(folder.glob(f"places-*.{side}")):
        places = json.loads(path.read_text("utf-8"))
        found += ((*place, text) for text, place in places.items())
    found.sort()
    texts = [text for *_, text in found]
    names = without_fractions(texts)
    numbers: dict[str, int] = {}
    for name in names:
        numbers.setdefault(name, len(numbers))
    counts = np.zeros(len(numbers), np.int64)
    rows = np.array([numbers[name] for name in names], np.int64)
    np.add.at(counts, rows, [count for _, _, count, _ in found])
    return Ids(list(numbers), counts, names != texts)
