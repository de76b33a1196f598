"""JSON lines: an object a line."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import OnBad, decoded_lines, refuse
from keras_textgen.data.formats.table import Row, Table, no_rows_error

# So many rows say which columns there are, as some leave out empty ones; all
# rows do where one that is asked for is in none of these.
_LOOKED_AT = 10_000
# The number of a line and what stands there.
_Object = tuple[int, dict[str, Any]]


def read_json_lines(
    stream: io.BufferedReader,
    name: str,
    suffix: str = ".jsonl",
    on_bad: OnBad = refuse,
) -> Table:
    r"""Reads a file of an object a line.

    Args:
        stream: of the file.
        name: of the file, for messages.
        suffix: of its name.
        on_bad: is told of a line that holds no object.

    Returns:
        The table; its columns are the keys of the first rows, those of later
        ones are found by `reads_on`, and a row may lack some.

    Raises:
        DataError: it is no text, is empty, or a line holds no object.

    Example:
        >>> content = b'{"user": "ann", "stars": 4.0}\n{"user": "bob"}\n'
        >>> stream = io.BufferedReader(io.BytesIO(content))
        >>> table = read_json_lines(stream, "a.jsonl")
        >>> table.columns, [values for _, values in table.rows([1])]
        (('user', 'stars'), [[4.0], [None]])
    """
    del suffix
    objects = _objects(decoded_lines(stream, name, on_bad), name, on_bad)
    first = list(itertools.islice(objects, _LOOKED_AT))
    if not first:
        raise no_rows_error(name)
    names = dict.fromkeys(key for _, each in first for key in each)

    def reads_on() -> Table:
        later = _kept(objects, names)
        return _table(name, names, itertools.chain(first, later))

    table = _table(name, names, itertools.chain(first, objects))
    if len(first) < _LOOKED_AT:
        return table
    return dataclasses.replace(table, reads_on=reads_on)


def _table(
    name: str, names: Iterable[str], objects: Iterable[_Object]
) -> Table:
    columns = tuple(names)

    def rows(places: Sequence[int]) -> Iterator[Row]:
        wanted = [columns[place] for place in places]
        for line, each in objects:
            yield line, [each.get(column) for column in wanted]

    return Table(name, columns, rows)


def _kept(
    objects: Iterable[_Object], names: dict[str, None]
) -> Iterator[_Object]:
    """Adds the keys of all objects to names, and gives them again from disk."""
    copy = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
    for line, each in objects:
        names.update(dict.fromkeys(each))
        copy.write(f"{json.dumps([line, each])}\n")
    copy.seek(0)
    again = (json.loads(line) for line in copy)
    weakref.finalize(again, copy.close)
    return again


def _objects(
    lines: Iterator[str], name: str, on_bad: OnBad
) -> Iterator[_Object]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = _object(line, f"{name}:{number}")
        except DataError as error:
            on_bad(number, error)
            continue
        yield number, found


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(
            f"{where}: no JSON ({error}); allowed: an object a "
            'line, such as {"text": "a rose"}'
        ) from None
    if not isinstance(found, dict):
        raise DataError(
            f"{where}: {type(found).__name__} in the place of an "
            'object; allowed: an object a line, such as {"text": "a rose"}'
        )
    return found
