"""From tables of cells to a folder that is finished."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.shards.manifest import (
    BAD,
    MANIFEST,
    PARTS_OF_CELLS,
    CellCounts,
    CellManifest,
    File,
    cells_file,
    sha256_of,
    write_atomically,
)
from keras_textgen.data.shards.matrix import ids_text
from keras_textgen.data.table_cells import ONCE
from keras_textgen.prepare.cell_parts import (
    first_rows,
    hashes_file,
    id_hashes,
    part_facts,
    part_file,
)
from keras_textgen.prepare.cell_pipeline import (
    Ids,
    finish_parts,
    number_cells,
    read_cells,
)
from keras_textgen.prepare.cell_units import (
    SIDES,
    CellJob,
    ids_file,
    numbered_file,
    read_file,
    where_pair_is,
)
from keras_textgen.prepare.folder import (
    check_source,
    collected,
    join_arrays,
    remove_parts,
)
from keras_textgen.prepare.pieces import Unit, plan_units
from keras_textgen.prepare.settings import CellSettings
from keras_textgen.prepare.work_files import (
    read_facts,
    write_array,
    writing,
)


def prepare_cells(
    settings: CellSettings,
    paths: list[pathlib.Path],
    source: dict[str, Any],
    work: pathlib.Path,
    options: Any,
) -> None:
    """Fills the folder of work; the manifest is its last file.

    Args:
        settings: of the preparation.
        paths: of the tables.
        source: what they are known by.
        work: the folder.
        options: of Beam.

    Raises:
        DataError: the tables cannot be used.
    """
    units = plan_units(paths, has_texts=False)
    job = CellJob(settings, work, units=len(units))
    ids = read_cells(job, units, options)
    bad, facts = collected(
        work, read_facts(work, "read", len(units)), settings.max_bad
    )
    _check_cells(settings, facts)
    job = _with_ids(job, ids)
    number_cells(job, units, options)
    for unit in units:
        read_file(work, unit.number).unlink()
    finish_parts(job, options)
    found = list(part_facts(work, len(job.first_rows)))
    _check_pairs(job, units, ids, found)
    for unit in units:
        numbered_file(work, unit.number).unlink()
        ids_file(work, unit.number).unlink()
    counts = {split: _counts(found, split, settings) for split in SPLITS}
    names = _joined(work, len(found))
    row, column, value = facts[0]["fields"]
    manifest = CellManifest(
        settings=dataclasses.asdict(settings),
        counts=counts,
        files=tuple(File.of(work / name) for name in (*SIDES, BAD, *names)),
        shape=(len(ids[0].names), len(ids[1].names)),
        fields=(row, column, value),
        merged=sum(each["merged"] for each in found),
        bad=bad,
        source=source,
    )
    check_source(settings, paths, source)
    remove_parts(work, manifest)
    write_atomically(work / MANIFEST, manifest.text)


def _check_cells(
    settings: CellSettings, facts: Sequence[dict[str, Any]]
) -> None:
    if not any(each["cells"] for each in facts):
        raise DataError(
            f"{settings.input}: no cell that can be used; allowed: 1 or more"
        )


def _with_ids(job: CellJob, ids: tuple[Ids, ...]) -> CellJob:
    """The job, its folder holding all ids and what they are split by."""
    for side, each in zip(SIDES, ids, strict=True):
        with writing(job.folder):
            write_atomically(job.folder / side, ids_text(each.names))
            hashes = id_hashes(each.names, side, job.settings.split_seed)
            write_array(hashes_file(job.folder, side), hashes)
    return job._replace(
        ids_sums=tuple(sha256_of(job.folder / side) for side in SIDES),
        are_whole=tuple(each.are_whole for each in ids),
        first_rows=first_rows(ids[0].counts),
    )


def _check_pairs(
    job: CellJob,
    units: Sequence[Unit],
    ids: tuple[Ids, ...],
    facts: Sequence[dict[str, Any]],
) -> None:
    """Refuses pairs that are given again, the first of them by its row."""
    again = [each for each in facts if each["again"]]
    if not again:
        return
    told = min(
        (each["first"] for each in again),
        key=lambda first: (first["units"][1], first["pair"]),
    )
    row, column = told["pair"]
    pair = ids[0].names[row], ids[1].names[column]
    places = itertools.chain.from_iterable(
        where_pair_is(units[number], job, pair)
        for number in dict.fromkeys(told["units"])
    )
    first, where = itertools.islice(places, 2)
    others = sum(each["again"] for each in again) - 1
    more = f", as are {others:,} more cells" if others else ""
    raise DataError(
        f"{where}: {', '.join(pair)} is there already, first in {first}{more}; "
        f"{ONCE}"
    )


def _counts(
    facts: Sequence[dict[str, Any]], split: str, settings: CellSettings
) -> CellCounts:
    found = [each[split] for each in facts if each[split]["cells"]]
    if not found:
        raise DataError(
            f"{settings.input}: no cell is left for {split}; allowed: more "
            "cells, or larger shares of valid and test"
        )
    cells = sum(each["cells"] for each in found)
    return CellCounts(
        cells=cells,
        lowest=min(each["lowest"] for each in found),
        highest=max(each["highest"] for each in found),
        mean=sum(each["sum"] for each in found) / cells,
    )


def _joined(work: pathlib.Path, parts: int) -> list[str]:
    """Joins the arrays of all parts, and gives the names of the files."""
    names = []
    for split in SPLITS:
        for part, kind in PARTS_OF_CELLS.items():
            name = cells_file(split, part)
            paths = [
                part_file(work, split, part, number) for number in range(parts)
            ]
            with writing(work):
                join_arrays(work / name, paths, kind)
            for path in paths:
                path.unlink()
            names.append(name)
    return names
