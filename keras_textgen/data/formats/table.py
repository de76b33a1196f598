"""What every format of tables gives, and which format a file has."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import (
    OnBad,
    Source,
    reading_errors,
    refuse,
)

# The number of a row or line, and the values asked for.
Row = tuple[int, Sequence[Any]]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of named columns, read one after the other.

    Attributes:
        name: of the file, for messages.
        columns: the names of all its columns.
        rows: gives the values of the columns of some places, row by row, as
            text or as Python's own values; None for one that is not there.
        by_line: whether the numbers of rows are those of lines.
        has_header: whether the first row surely names the columns. If not, it
            is among the rows, and names them if it holds a name that is asked
            for.
        reads_on: gives the same table with the columns that show in later rows
            only; None where all columns are known.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Sequence[int]], Iterator[Row]]
    by_line: bool = True
    has_header: bool = True
    reads_on: Callable[[], Table] | None = None

    def where(self, number: int) -> str:
        """File and row, for messages.

        Example:
            >>> Table("a.csv", (), lambda places: iter(())).where(3)
            'a.csv:3'
        """
        joint = ":" if self.by_line else ": row "
        return f"{self.name}{joint}{number}"

    def value_rows(self, places: Sequence[int]) -> Iterator[Row]:
        """As `rows`, of columns that are asked for by their names.

        Example:
            >>> rows = [(1, ["user"]), (2, ["ann"])]
            >>> table = Table(
            ...     "a.csv", ("user",), lambda _: iter(rows), has_header=False
            ... )
            >>> list(table.value_rows([0]))
            [(2, ['ann'])]
        """
        rows = self.rows(places)
        if not self.has_header:
            # The first one has these names, so that it is none of values.
            next(rows)
        return rows


class Format(NamedTuple):
    """A format of tables.

    Attributes:
        suffixes: that its files have, before `.gz` or `.zst`.
        starts: first bytes of a file of it, where these tell.
        reader: "module:function" of what makes a `Table` of a stream, the name
            of the file, its suffix, and an `OnBad`.
    """

    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    reader: str


_HERE = "keras_textgen.data.formats"
FORMATS = (
    Format((".parquet", ".pq"), (b"PAR1",), f"{_HERE}.columnar:read_parquet"),
    Format(
        (".arrow", ".feather", ".ipc"),
        (b"ARROW1", b"\xff\xff\xff\xff"),
        f"{_HERE}.columnar:read_arrow",
    ),
    Format(
        (".jsonl", ".ndjson", ".json"),
        (b"{", b"\xef\xbb\xbf{"),
        f"{_HERE}.json_lines:read_json_lines",
    ),
    Format((".csv", ".tsv", ".tab"), (), f"{_HERE}.delimited:read_delimited"),
)
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
LISTED = f"{', '.join(SUFFIXES)}, each also as .gz or .zst"


@contextlib.contextmanager
def opened_table(source: Source, on_bad: OnBad = refuse) -> Iterator[Table]:
    """A table of whatever format, to be read while it is open.

    Args:
        source: of the table; its name says the format, or where that says
            nothing, its first bytes do.
        on_bad: is told of a row that cannot be read, where others can.

    Yields:
        The table.

    Raises:
        DataError: it cannot be read.
    """
    with source.opened() as stream, reading_errors(source.name):
        yield table_of(stream, source, on_bad)


def table_of(
    stream: io.BufferedReader, source: Source, on_bad: OnBad = refuse
) -> Table:
    """The table that a stream holds.

    Args:
        stream: of the source, unpacked.
        source: of the table, as for `opened_table`.
        on_bad: as for `opened_table`.

    Raises:
        DataError: it cannot be read.
    """
    found = _format(source.suffix, stream)
    module, function = found.reader.split(":")
    reader = getattr(importlib.import_module(module), function)
    return reader(stream, source.name, source.suffix, on_bad)


def is_typed(source: Source) -> bool:
    """Whether its first bytes alone tell that it is a table.

    They do of all formats but delimited text.
    """
    with source.opened() as stream:
        return starts_as_table(stream)


def starts_as_table(stream: io.BufferedReader) -> bool:
    """Whether the first bytes of a stream alone tell that it is a table."""
    return bool(_format("", stream).starts)


def _format(suffix: str, stream: io.BufferedReader) -> Format:
    for each in FORMATS:
        if suffix in each.suffixes:
            return each
    start = stream.peek(8)[:8]
    told = (
        each for each in FORMATS if start.startswith(each.starts or (b"\0",))
    )
    return next(told, FORMATS[-1])


def no_rows_error(name: str) -> DataError:
    """The error of a table without rows."""
    return DataError(f"{name}: the table has no rows; allowed: 1 or more")
