"""What is done to a part of a matrix: its cells are put in order and split.

A part is some rows, with all their cells of all units.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_textgen.data.cells import (
    Ratings,
    merge_repeated,
    repeated_pairs,
)
from keras_textgen.data.corpus import SPLITS
from keras_textgen.data.shards.manifest import PARTS_OF_CELLS
from keras_textgen.prepare.cell_units import (
    CELL,
    SIDES,
    CellJob,
    numbered_file,
    starts_file,
)
from keras_textgen.prepare.settings import CellSettings
from keras_textgen.prepare.work_files import (
    facts_file,
    write_array,
    write_json,
    writing,
)

# Cells of a part, if its rows have no more.
_CELLS = 1 << 22
_HASH_BYTES = 8


def first_rows(counts: np.ndarray) -> tuple[int, ...]:
    """The first row of each part, parts being about as large.

    Args:
        counts: cells of each row.

    Example:
        >>> first_rows(np.full(3, 3_000_000))
        (0, 2)
    """
    begins = np.cumsum(counts) - counts
    parts = begins // _CELLS
    return tuple(np.flatnonzero(np.diff(parts, prepend=-1)).tolist())


def finish_part(job: CellJob, number: int) -> None:
    """Writes the cells of a part by row and column, split by split.

    It writes `facts`: counts by split, how many cells were merged with others,
    and pairs that are given again and must not.

    Args:
        job: that it is part of.
        number: of the part.
    """
    slices = [_slice(job.folder, unit, number) for unit in range(job.units)]
    found = np.concatenate(slices)
    cells = Ratings(found["row"], found["column"], found["value"])
    settings = job.settings
    facts: dict[str, Any] = {"merged": 0, "again": 0}
    if settings.duplicates is None:
        again = repeated_pairs(cells)
        facts["again"] = len(again)
        if len(again):
            ends = np.cumsum([len(each) for each in slices])
            place, first = again[0]
            facts["first"] = {
                "units": np.searchsorted(
                    ends, [first, place], "right"
                ).tolist(),
                "pair": [int(cells.rows[place]), int(cells.columns[place])],
            }
    else:
        merged = merge_repeated(cells, settings.duplicates)
        facts["merged"] = len(cells) - len(merged)
        cells = merged
    cells = cells[np.lexsort((cells.columns, cells.rows))]
    hashes = [
        np.load(hashes_file(job.folder, side), mmap_mode="r") for side in SIDES
    ]
    shares = pair_shares(hashes[0][cells.rows], hashes[1][cells.columns])
    with writing(job.folder):
        for split, is_in in splits_of(shares, settings).items():
            facts[split] = _write_split(job.folder, split, number, cells[is_in])
        write_json(job.folder / facts_file("finished", number), facts)


def _slice(folder: pathlib.Path, unit: int, part: int) -> np.ndarray:
    starts = np.load(starts_file(folder, unit), allow_pickle=False)
    begin, end = int(starts[part]), int(starts[part + 1])
    return np.fromfile(
        numbered_file(folder, unit),
        CELL,
        end - begin,
        offset=begin * CELL.itemsize,
    )


def _write_split(
    folder: pathlib.Path, split: str, number: int, cells: Ratings
) -> dict[str, Any]:
    for part, values in zip(
        PARTS_OF_CELLS, (cells.rows, cells.columns, cells.values), strict=True
    ):
        write_array(part_file(folder, split, part, number), values)
    if not len(cells):
        return {"cells": 0}
    return {
        "cells": len(cells),
        "lowest": cells.lowest,
        "highest": cells.highest,
        "sum": float(cells.values.sum(dtype=float)),
    }


# -- Which split a pair is in -------------------------------------------------


def id_hashes(ids: Sequence[str], side: str, seed: int) -> np.ndarray:
    """A number of 64 bits for each id, uint64.

    Args:
        ids: of rows or of columns.
        side: one of `SIDES`, so that a row and a column of one id differ.
        seed: another one gives other numbers.
    """
    salt, person = str(seed).encode()[:16], side.encode()
    digests = (
        hashlib.blake2b(
            each.encode(), digest_size=_HASH_BYTES, salt=salt, person=person
        ).digest()
        for each in ids
    )
    return np.frombuffer(b"".join(digests), ">u8").astype("<u8")


def pair_shares(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Where pairs of a row and a column stand between 0 and 1.

    The sum of the numbers of both is mixed as SplitMix64 does (Steele, Lea and
    Flood 2014), so that pairs which share an id are as good as independent.

    Args:
        rows: of each pair, what `id_hashes` gives for the row.
        columns: the same for the column.

    Example:
        >>> numbers = np.array([1, 2**63], np.uint64)
        >>> pair_shares(numbers, numbers[::-1]).round(4).tolist()
        [0.1359, 0.1359]
    """
    mixed = rows + columns
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return mixed / 2.0 ** (8 * _HASH_BYTES)


def splits_of(
    shares: np.ndarray, settings: CellSettings
) -> dict[str, np.ndarray]:
    """Which cells are in each split, by what `pair_shares` gives."""
    is_test = shares < settings.test_share
    is_held_out = shares < settings.test_share + settings.valid_share
    found = (~is_held_out, is_held_out & ~is_test, is_test)
    return dict(zip(SPLITS, found, strict=True))


# -- Files of a part ----------------------------------------------------------


def hashes_file(folder: pathlib.Path, side: str) -> pathlib.Path:
    """Where the hashes of ids are."""
    return folder / f"{side}.hashes.npy"


def part_file(
    folder: pathlib.Path, split: str, part: str, number: int
) -> pathlib.Path:
    """Where rows, columns or values of a split of a part are."""
    return folder / f"{split}-{number:05}.{part}.npy"


def part_facts(folder: pathlib.Path, count: int) -> Iterator[dict[str, Any]]:
    """What is known of each part, in order."""
    for number in range(count):
        path = folder / facts_file("finished", number)
        yield json.loads(path.read_text("utf-8"))
