"""Which files are read, and how they are cut into units of work.

The cut depends on the files alone, so that the same input gives the same
shards, however many processes read them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import io
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.columns import is_table_name
from keras_textgen.data.formats.streams import PACKED, Source, reading_errors

# Bytes of a unit; more where there would be more units than this.
_UNIT_BYTES = 64 << 20
_MOST_UNITS = 1024
# In these, every line begins a row, so that they can be cut anywhere.
_LINES = (".txt", ".jsonl", ".ndjson")
# First bytes of what is packed, or is UTF-16.
_WHOLE = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xfe\xff")


@dataclasses.dataclass(frozen=True)
class Piece(Source):
    """A file, or whole lines of it.

    Attributes:
        start: the first byte.
        stop: the byte after the last one; None for all that follow.
    """

    start: int = 0
    stop: int | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[io.BufferedReader]:
        """The content, unpacked, see `Source.opened`."""
        if self.stop is None:
            with super().opened() as stream:
                yield stream
            return
        with reading_errors(self.name), self.path.open("rb") as file:
            file.seek(self.start)
            yield io.BufferedReader(_Part(file, self.stop))


class _Part(io.RawIOBase):
    """A file up to some byte."""

    def __init__(self, file: io.BufferedReader, stop: int) -> None:
        self._file = file
        self._stop = stop

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), self._stop - self._file.tell())
        return self._file.readinto(buffer[:size])


class Unit(NamedTuple):
    """What is read at a time, by one process, and becomes a shard a split.

    Attributes:
        number: of it, from 0.
        pieces: in their order.
    """

    number: int
    pieces: tuple[Piece, ...]


def find_files(
    source: str | os.PathLike, *, has_texts: bool = True
) -> list[pathlib.Path]:
    """The files that a user names.

    Args:
        source: a file; a folder, with the folders in it, of `.txt` files and
            tables; or a pattern, such as `data/**/*.jsonl.zst`.
        has_texts: False for the tables of a folder alone.

    Returns:
        One or more, in the order of their names.

    Raises:
        DataError: there is none.

    Example:
        >>> find_files("nothing/*.txt")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: nothing/*.txt: no file; allowed: \
a file, a folder with .txt files or tables, or a pattern such as 'data/*.gz'
    """
    # As a process elsewhere has to find it.
    path = pathlib.Path(source).absolute()
    if path.is_file():
        return [path]
    if path.is_dir():
        is_wanted = _is_data if has_texts else _is_table
        found = sorted(each for each in path.rglob("*") if is_wanted(each))
    else:
        names = sorted(glob.glob(str(path), recursive=True))
        found = [each for each in map(pathlib.Path, names) if each.is_file()]
    if not found:
        of_texts = ".txt files or " if has_texts else ""
        raise DataError(
            f"{source}: no file; allowed: a file, a folder with {of_texts}"
            "tables, or a pattern such as 'data/*.gz'"
        )
    return found


def _is_data(path: pathlib.Path) -> bool:
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    is_text = name.endswith(".txt") and not name.startswith((".", "_"))
    return (is_text or is_table_name(path.name)) and path.is_file()


def _is_table(path: pathlib.Path) -> bool:
    return is_table_name(path.name) and path.is_file()


def plan_units(
    paths: Sequence[pathlib.Path],
    unit_bytes: int = _UNIT_BYTES,
    *,
    has_texts: bool = True,
) -> list[Unit]:
    """Cuts files into units of about the same size.

    Args:
        paths: of the files.
        unit_bytes: of a unit, unless there would be too many of them. Files
            that can only be read from their beginning are not cut.
        has_texts: False where `.txt` files are tables, whose first line is to
            be read with all others.

    Returns:
        The units; together they hold every line once, in order.
    """
    sizes = [path.stat().st_size for path in paths]
    unit_bytes = max(unit_bytes, -(-sum(sizes) // _MOST_UNITS))
    units: list[Unit] = []
    waiting: list[Piece] = []
    filled = 0
    for path, size in zip(paths, sizes, strict=True):
        can_be_cut = _can_be_cut(path, has_texts)
        for piece, length in _pieces(path, size, unit_bytes, can_be_cut):
            waiting.append(piece)
            filled += length
            if filled >= unit_bytes:
                units.append(Unit(len(units), tuple(waiting)))
                waiting, filled = [], 0
    if waiting:
        units.append(Unit(len(units), tuple(waiting)))
    return units


def _pieces(
    path: pathlib.Path, size: int, unit_bytes: int, can_be_cut: bool
) -> Iterator[tuple[Piece, int]]:
    """The pieces of a file, with their bytes."""
    if size <= unit_bytes or not can_be_cut:
        yield Piece(path), size
        return
    start = 0
    with path.open("rb") as file:
        while start < size:
            file.seek(min(start + unit_bytes, size))
            file.readline()
            stop = min(file.tell(), size)
            yield Piece(path, start, stop), stop - start
            start = stop


def _can_be_cut(path: pathlib.Path, has_texts: bool) -> bool:
    suffix = Source(path).suffix
    if suffix == ".txt" and not has_texts:
        return False
    if suffix not in _LINES or path.suffix in PACKED:
        return False
    with path.open("rb") as file:
        return not file.read(4).startswith(_WHOLE)
