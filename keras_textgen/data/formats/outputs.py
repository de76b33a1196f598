"""Results as text, tables, JSON lines or Parquet, some rows at a time."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import (
    PACKED,
    STANDARD_INPUT,
    arrow_module,
)
from keras_textgen.data.formats.table import SUFFIXES

# Values by the names of columns; None, or nothing, where there is none.
Row = Mapping[str, Any]
Write = Callable[[Iterable[Row]], None]


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of results.

    Attributes:
        name: its name.
        kind: of its values: `str`, `int` or `float`.
        parts: names of the parts of each value, which is a list; none where it
            is no list.
        is_named: whether the parts are known by their names, not their places.
        is_input: whether it repeats what was read.

    Example:
        >>> Column("code", float, ("1", "2")).fields
        ('code_1', 'code_2')
    """

    name: str
    kind: type = str
    parts: tuple[str, ...] = ()
    is_named: bool = False
    is_input: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns of a table that has no lists."""
        if not self.parts:
            return (self.name,)
        return tuple(f"{self.name}_{part}" for part in self.parts)

    def flat(self, row: Row) -> list[Any]:
        """The values of `fields`."""
        value = row.get(self.name)
        if not self.parts:
            return [value]
        return [None] * len(self.parts) if value is None else list(value)


@contextlib.contextmanager
def opened_output(
    path: str | None, columns: Sequence[Column]
) -> Iterator[Write]:
    r"""Where rows of results can be written to, in the format of its name.

    Text has a line a row, with tabs between its columns, without those that
    repeat the input. A file gets its name when all is written; until then, and
    if that fails, it has `.unfinished` in its name.

    Args:
        path: of a file that ends in `.jsonl`, `.csv`, `.tsv` or `.parquet`, or
            of a text; `-` or None for standard output.
        columns: of the rows.

    Yields:
        What writes some rows.

    Raises:
        DataError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
        >>> columns = [Column("text", is_input=True), Column("n", int)]
        >>> with opened_output(path, columns) as write:
        ...     write([{"text": "a, b", "n": 2}, {"text": "c"}])
        >>> path.read_text().splitlines()
        ['text,n', '"a, b",2', 'c,']
        >>> with opened_output("-", columns) as write:
        ...     write([{"text": "a, b", "n": 2}])
        2
    """
    if path is None or os.fspath(path) == STANDARD_INPUT:
        yield _text(sys.stdout, columns)
        sys.stdout.flush()
        return
    check_output(path)
    # Of a link, what it leads to.
    target = pathlib.Path(os.path.realpath(path))
    temporary = target.with_name(f"{target.stem}.unfinished{target.suffix}")
    if target.exists() and not target.is_file():
        # A pipe or a device, which no file is to take the place of.
        temporary = target
    opened = _FORMATS.get(pathlib.Path(path).suffix.lower(), _opened_text)
    try:
        with opened(temporary, columns) as write:
            yield write
        if temporary != target:
            os.replace(temporary, target)
    except OSError as error:
        raise DataError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "allowed: a file that can be written"
        ) from error


def check_output(path: str | os.PathLike) -> None:
    """Refuses a name that says another format than can be written.

    Args:
        path: of a file.

    Raises:
        DataError: it says so, or is a folder.

    Example:
        >>> check_output("a.csv.gz")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: a.csv.gz: .gz is not written; \
allowed: .csv, .json, .jsonl, .ndjson, .parquet, .pq, .tab, .tsv, or a text
    """
    target = pathlib.Path(path)
    if target.is_dir():
        raise DataError(f"{target}: a folder; allowed: a file")
    suffix = target.suffix.lower()
    if suffix in (*PACKED, *SUFFIXES) and suffix not in _FORMATS:
        raise DataError(
            f"{target}: {suffix} is not written; allowed: "
            f"{', '.join(sorted(_FORMATS))}, or a text"
        )


def _text(stream: TextIO, columns: Sequence[Column]) -> Write:
    shown = [column for column in columns if not column.is_input]

    def write(rows: Iterable[Row]) -> None:
        for row in rows:
            values = [value for each in shown for value in each.flat(row)]
            stream.write("\t".join(map(_shown, values)) + "\n")
        stream.flush()

    return write


def _shown(value: Any) -> str:
    """A value on a line of its own text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def _opened_text(
    path: pathlib.Path, columns: Sequence[Column]
) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as stream:
        yield _text(stream, columns)


@contextlib.contextmanager
def _opened_table(
    path: pathlib.Path, columns: Sequence[Column], mark: str = ","
) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(
            stream,
            delimiter=mark,
            lineterminator="\n",
            quoting=csv.QUOTE_MINIMAL,
        )
        writer.writerow(field for each in columns for field in each.fields)

        def write(rows: Iterable[Row]) -> None:
            for row in rows:
                writer.writerow(
                    _number(value)
                    for each in columns
                    for value in each.flat(row)
                )

        yield write


def _opened_tsv(
    path: pathlib.Path, columns: Sequence[Column]
) -> contextlib.AbstractContextManager[Write]:
    return _opened_table(path, columns, "\t")


@contextlib.contextmanager
def _opened_json(
    path: pathlib.Path, columns: Sequence[Column]
) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as stream:

        def write(rows: Iterable[Row]) -> None:
            for row in rows:
                line = json.dumps(json_row(columns, row), ensure_ascii=False)
                stream.write(line + "\n")

        yield write


def json_row(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """A row as an object of JSON.

    Args:
        columns: those that are wanted.
        row: the row.

    Example:
        >>> json_row([Column("code", float, ("1", "2"))], {"code": [0.1, 2.0]})
        {'code': [0.1, 2.0]}
    """
    return {each.name: _json(each, row.get(each.name)) for each in columns}


def _json(column: Column, value: Any) -> Any:
    if value is None or not column.parts:
        return _number(value)
    numbers = [_number(each) for each in value]
    if column.is_named:
        return dict(zip(column.parts, numbers, strict=True))
    return numbers


def _number(value: Any) -> Any:
    """A float in the seven digits that float32 has."""
    return float(f"{value:.7g}") if isinstance(value, float) else value


@contextlib.contextmanager
def _opened_parquet(
    path: pathlib.Path, columns: Sequence[Column]
) -> Iterator[Write]:
    arrow = arrow_module(str(path), "Parquet")
    import pyarrow.parquet

    kinds = {str: arrow.string(), int: arrow.int64(), float: arrow.float32()}
    fields: list[tuple[str, Any]] = []
    for each in columns:
        kind = kinds[each.kind]
        if each.is_named:
            fields += [(name, kind) for name in each.fields]
        else:
            fields.append(
                (each.name, arrow.list_(kind) if each.parts else kind)
            )
    schema = arrow.schema(fields)

    def with_fields(row: Row) -> Row:
        named = {
            name: value
            for each in columns
            if each.is_named
            for name, value in zip(each.fields, each.flat(row), strict=True)
        }
        return {**row, **named}

    with pyarrow.parquet.ParquetWriter(path, schema) as writer:

        def write(rows: Iterable[Row]) -> None:
            found = [with_fields(row) for row in rows]
            writer.write_table(arrow.Table.from_pylist(found, schema=schema))

        yield write


_FORMATS = {
    ".csv": _opened_table,
    **dict.fromkeys((".tsv", ".tab"), _opened_tsv),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), _opened_json),
    **dict.fromkeys((".parquet", ".pq"), _opened_parquet),
}
