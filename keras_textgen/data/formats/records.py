"""Records of a file one after the other, in memory that does not grow."""

from __future__ import annotations

import contextlib
import io
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from keras_textgen.checks import counted
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.collect import NoWordsError, UnusableError
from keras_textgen.data.formats.columns import Wanted, completed, find_column
from keras_textgen.data.formats.streams import (
    STANDARD_INPUT,
    Source,
    decoded_lines,
    reading_errors,
    standard_input,
)
from keras_textgen.data.formats.table import (
    SUFFIXES,
    Table,
    starts_as_table,
    table_of,
)

# How files begin that cannot be read as they come: they are packed, or begin
# at their end.
_READ_FROM_COPY = (b"PAR1", b"ARROW1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_FLAG = "input_columns"
# Gives the text of a value of a column.
Checked = Callable[[str, Any], str]


class Record(NamedTuple):
    """A record.

    Attributes:
        where: file and line, for messages.
        values: what was asked for; None if it has no words.
        given: what stands there, as text.
    """

    where: str
    values: tuple[str, ...] | None
    given: tuple[str, ...] = ()


def read_records(
    path: str,
    columns: Sequence[str],
    checked: Checked,
    is_table: bool = False,
) -> Iterator[Record]:
    r"""Reads the records of a file.

    A table gives the columns that are asked for. Any other file is text: a
    record a line, of as many fields, with tabs between them, as there are
    columns; of one column, the whole line.

    Args:
        path: the file, or `-` for standard input, which is read as it comes.
        columns: names of columns.
        checked: gives the text of a value, and raises `UnusableError` or, for
            one without words, `NoWordsError`.
        is_table: whether it is a table where its name and its first bytes do
            not tell.

    Yields:
        Records.

    Raises:
        DataError: the file cannot be read, lacks a column, or a value cannot
            be used; the message names the line.

    Example:
        >>> import tempfile
        >>> from keras_textgen.data.formats.collect import checked_text
        >>> path = pathlib.Path(tempfile.mkdtemp(), "a.txt")
        >>> _ = path.write_text("a rose\n\na thorn\n")
        >>> [r.values for r in read_records(path, ["text"], checked_text)]
        [('a rose',), None, ('a thorn',)]
    """
    source = Source(pathlib.Path(path))
    with _opened(source) as stream, reading_errors(source.name):
        is_table = is_table or source.suffix in SUFFIXES
        if is_table or starts_as_table(stream):
            rows = _rows(table_of(stream, source), columns)
        else:
            rows = _lines(stream, source, columns)
        for where, values in rows:
            yield _record(where, columns, values, checked)


def _record(
    where: str, columns: Sequence[str], values: Sequence[Any], checked: Checked
) -> Record:
    given = tuple("" if value is None else str(value) for value in values)
    try:
        return Record(where, tuple(map(checked, columns, values)), given)
    except NoWordsError:
        return Record(where, None, given)
    except UnusableError as error:
        raise DataError(f"{where}: {error}") from None


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[io.BufferedReader]:
    """The content of a source; of standard input, as it comes if it can be."""
    if str(source.path) == STANDARD_INPUT:
        stream: Any = standard_input()
        if not stream.peek(6)[:6].startswith(_READ_FROM_COPY):
            yield stream
            return
    with source.opened() as unpacked:
        yield unpacked


def _rows(
    table: Table, columns: Sequence[str]
) -> Iterator[tuple[str, Sequence[Any]]]:
    wanted = [Wanted(name, _FLAG, _no_collector) for name in columns]
    table = completed(table, wanted)
    places = [find_column(table, each) for each in wanted]
    wanted_places = [place for place in places if place is not None]
    for number, values in table.value_rows(wanted_places):
        yield table.where(number), values


def _no_collector(column: str) -> Any:
    raise NotImplementedError(column)


def _check_is_text(where: str, line: str, columns: Sequence[str]) -> None:
    """Refuses a first line that names the columns of a table."""
    for mark in ",\t;|":
        fields = [field.strip(' "') for field in line.split(mark)]
        if len(fields) > 1 and set(columns) <= set(fields):
            raise DataError(
                f"{where}: it names columns, {', '.join(columns)} among them; "
                "allowed: lines of text, or for a table "
                f"--{_FLAG}={','.join(columns)}"
            )


def _lines(
    stream: io.BufferedReader, source: Source, columns: Sequence[str]
) -> Iterator[tuple[str, Sequence[str]]]:
    num_fields = len(columns)
    for number, line in enumerate(decoded_lines(stream, source.name), 1):
        where = f"{source.name}:{number}"
        line = line.rstrip("\n")
        # What is piped has no name that would tell.
        if number == 1 and str(source.path) == STANDARD_INPUT:
            _check_is_text(where, line, columns)
        fields = line.split("\t") if num_fields > 1 else [line]
        if len(fields) != num_fields:
            raise DataError(
                f"{where}: {counted(len(fields), 'field')}; allowed: "
                f"{num_fields}, with a tab between them"
            )
        yield where, fields
