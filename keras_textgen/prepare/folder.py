"""The folder that is made: who makes it, of what, and what is left in it."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.corpus import DataError
from keras_textgen.data.shards.manifest import (
    BAD,
    MANIFEST,
    CellManifest,
    Manifest,
    read_manifest,
)
from keras_textgen.prepare.settings import CellSettings, PrepareSettings

_WORK = ".unfinished"
_LOCK = ".lock"


def is_finished(
    folder: pathlib.Path,
    settings: PrepareSettings | CellSettings,
    source: dict[str, Any],
) -> bool:
    """Whether a folder holds the corpus already.

    Raises:
        DataError: it holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not (folder / MANIFEST).exists():
        raise DataError(
            f"{folder}: is there, and no prepared corpus; allowed: a folder "
            "that is not there"
        )
    found = read_manifest(folder)
    there = {**found.settings, "source": found.source}
    asked = {**dataclasses.asdict(settings), "source": source}
    other = [name for name in asked if asked[name] != there.get(name)]
    if other:
        raise DataError(
            f"{folder}: a corpus prepared with another {' and '.join(other)}; "
            "allowed: the same settings of the same files, or another output"
        )
    return True


def described(paths: Sequence[pathlib.Path]) -> dict[str, Any]:
    """What tells input from another one, without reading it."""
    sizes = [path.stat().st_size for path in paths]
    listing = json.dumps(
        [[str(p), s] for p, s in zip(paths, sizes, strict=True)]
    )
    return {
        "files": len(paths),
        "bytes": sum(sizes),
        "listing": hashlib.sha256(listing.encode()).hexdigest(),
    }


@contextlib.contextmanager
def work_folder(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """An empty folder beside the one to be made, for one process alone.

    What a preparation has left that was killed is removed. Where this one
    fails, what it has left stays: `bad.jsonl` says why.

    Args:
        folder: to be made.

    Yields:
        The folder to work in.

    Raises:
        DataError: what is there is another's, or another process is at it.
    """
    work = folder.absolute().with_name(f"{folder.name}{_WORK}")
    lock = work / _LOCK
    if work.exists() and not lock.exists():
        raise DataError(
            f"{work}: is there, and none of a preparation; allowed: another "
            "output, or this folder moved away"
        )
    work.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"{work}: another process prepares this corpus; allowed: one "
                "at a time"
            ) from None
        for path in list(work.iterdir()):
            if path != lock:
                path.unlink()
        yield work


def collected(
    folder: pathlib.Path, facts: Iterable[dict[str, Any]], max_bad: int
) -> tuple[int, list[dict[str, Any]]]:
    """Lists the records that cannot be used, and says what has ended a unit.

    Args:
        folder: of work, in which `bad.jsonl` is written.
        facts: of each unit, in order, with "bad" and "problem".
        max_bad: that are allowed.

    Returns:
        How many there are, and all facts.

    Raises:
        DataError: there are too many, or a unit was ended.
    """
    count, first = 0, ""
    found = []
    with (folder / BAD).open("w", encoding="utf-8") as file:
        for each in facts:
            for record in each["bad"]:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                first = first or told(record)
            count += len(each["bad"])
            if each["problem"] is not None:
                raise DataError(each["problem"])
            found.append({**each, "bad": None})
    if count > max_bad:
        raise DataError(
            f"{first} ({counted(count, 'record')} or more that cannot be "
            f"used, listed in {folder / BAD}); allowed: max_bad={max_bad}"
        )
    return count, found


def told(record: dict[str, Any]) -> str:
    """Where a record is that cannot be used, and why, for messages."""
    start = f" from byte {record['offset']:,} on" if record["offset"] else ""
    reason = record["reason"].partition("; allowed")[0]
    return f"{record['file']}:{record['row']}{start}: {reason}"


def join_arrays(
    path: pathlib.Path, parts: Sequence[pathlib.Path], kind: str = "<i4"
) -> None:
    """Writes arrays one after the other as one, without holding them.

    Args:
        path: of the `.npy` to be made.
        parts: of those that are there.
        kind: of their values, as NumPy writes it.
    """
    arrays = [
        np.load(part, mmap_mode="r", allow_pickle=False) for part in parts
    ]
    count = sum(map(len, arrays))
    with path.open("wb") as file:
        header = {"descr": kind, "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        for each in arrays:
            each.astype(kind, copy=False).tofile(file)


def check_source(
    settings: PrepareSettings | CellSettings,
    paths: Sequence[pathlib.Path],
    source: dict[str, Any],
) -> None:
    """Refuses files that have changed while they were read.

    Args:
        settings: of the preparation.
        paths: of the files.
        source: what `described` gave before.

    Raises:
        DataError: they have another size.
    """
    if described(paths) != source:
        raise DataError(
            f"{settings.input}: changed while it was read; allowed: files that "
            "nobody writes to"
        )


def remove_parts(work: pathlib.Path, manifest: Manifest | CellManifest) -> None:
    """Leaves what the manifest lists."""
    listed = {each.name for each in manifest.all_files}
    for path in list(work.iterdir()):
        if path.name not in listed:
            path.unlink()
