"""CSV and TSV, with whatever mark between the columns."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence

from keras_textgen.checks import counted
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import OnBad, decoded_lines, refuse
from keras_textgen.data.formats.table import Row, Table
from keras_textgen.data.formats.table_header import is_numbered

# What may divide columns; the first does where none is more frequent.
_MARKS = {".csv": ",\t;|", ".tsv": "\t,;|", ".tab": "\t,;|"}
_QUOTES = "\"'"
# Characters of a field: a document may be longer than the library allows.
_LARGEST_FIELD = 2**31 - 1


def read_delimited(
    stream: io.BufferedReader,
    name: str,
    suffix: str = ".csv",
    on_bad: OnBad = refuse,
) -> Table:
    r"""Reads a table of text, whose first line names the columns.

    The mark between the columns is the most frequent of comma, tab, semicolon
    and bar in the first line; quotes are double, or single where the first
    name has such.

    Args:
        stream: of the file.
        name: of the file, for messages.
        suffix: of its name, which decides where marks are as frequent.
        on_bad: is told of a row of another number of columns, and of a line
            that is no text. A quote that is never closed is always refused:
            what follows it cannot be told apart.

    Returns:
        The table; its values are text. One without columns is empty.

    Raises:
        DataError: it is no text, or no such table.

    Example:
        >>> content = b"user;item\nann;'Alien'\n"
        >>> table = read_delimited(io.BufferedReader(io.BytesIO(content)), "a")
        >>> table.columns, list(table.rows([1]))
        (('user', 'item'), [(2, ["'Alien'"])])
    """
    lines = decoded_lines(stream, name, on_bad)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return Table(name, (), lambda places: iter(()))
    mark, quote = _marks_of(first, suffix)
    records = _records(itertools.chain([first], lines), mark, quote, name)
    _, header = next(records)
    columns = tuple(column.strip() for column in header)
    if columns[0].isdecimal() and not is_numbered(columns):
        # Perhaps no names: the first line is one of the rows, too.
        records = itertools.chain([(1, header)], records)
        return _table(name, header, records, "", on_bad, has_header=False)
    told = f" (the mark between them is {mark!r})"
    return _table(name, columns, records, told, on_bad)


def _table(
    name: str,
    columns: Sequence[str],
    records: Iterator[tuple[int, list[str]]],
    told: str,
    on_bad: OnBad,
    has_header: bool = True,
) -> Table:
    """The table that records make; `told` ends what is said of a bad one."""

    def rows(places: Sequence[int]) -> Iterator[Row]:
        for line, record in records:
            if len(record) == len(columns):
                yield line, [record[place] for place in places]
                continue
            problem = (
                f"{name}:{line}: {counted(len(record), 'column')}; allowed: "
                f"{len(columns)}, as in the first line{told}"
            )
            on_bad(line, DataError(problem))

    return Table(name, tuple(columns), rows, has_header=has_header)


def first_names(
    stream: io.BufferedReader, name: str, suffix: str = ".csv"
) -> tuple[tuple[str, ...], str]:
    r"""What the first line of a text would name columns, and its mark.

    Args:
        stream: of the file.
        name: of the file, for messages.
        suffix: of its name, as in `read_delimited`.

    Example:
        >>> content = b"user;item\nann;'Alien'\n"
        >>> first_names(io.BufferedReader(io.BytesIO(content)), "a")
        (('user', 'item'), ';')
    """
    first = next(filter(str.strip, decoded_lines(stream, name)), "")
    if not first:
        return (), ""
    mark, quote = _marks_of(first, suffix)
    reader = csv.reader([first], delimiter=mark, quotechar=quote, strict=True)
    try:
        return tuple(column.strip() for column in next(reader)), mark
    except csv.Error:
        return (), mark


def _marks_of(first: str, suffix: str) -> tuple[str, str]:
    """The mark between columns and that of quotes, by the first line."""
    quote = first.strip()[0]
    quote = quote if quote in _QUOTES else _QUOTES[0]
    return most_frequent_mark(first, _MARKS.get(suffix, ",\t;|"), quote), quote


def most_frequent_mark(line: str, marks: str, quote: str) -> str:
    r"""The mark between the columns of a line.

    Args:
        line: that names the columns.
        marks: which there may be, the likeliest first.
        quote: between two of which no mark counts.

    Example:
        >>> most_frequent_mark('"a,b";c;d', ",;", '"')
        ';'
    """
    outside = "".join(line.split(quote)[::2])
    return max(marks, key=outside.count)


def _records(
    lines: Iterator[str], mark: str, quote: str, name: str
) -> Iterator[tuple[int, list[str]]]:
    """Gives the first line and the fields of every record with any."""
    csv.field_size_limit(_LARGEST_FIELD)
    # Strict, as a quote that is never closed would take the lines after it
    # into one field.
    reader = csv.reader(lines, delimiter=mark, quotechar=quote, strict=True)
    before = 0
    try:
        for record in reader:
            first, before = before + 1, reader.line_num
            if record:
                yield first, record
    except csv.Error as error:
        told = str(error)
        if told.startswith("new-line"):
            told = "a carriage return within a line that a line feed ends"
        # A quote may have been opened many lines before.
        raise DataError(
            f"{name}:{before + 1}: {told}; allowed: a table with {mark!r} "
            "between the columns, in which a field that begins with a quote "
            f"({quote}) ends with one, and quotes inside it are doubled"
        ) from error
