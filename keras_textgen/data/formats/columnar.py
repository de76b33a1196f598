"""Parquet and Arrow files, by way of pyarrow (extra `tables`)."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import OnBad, arrow_module, refuse
from keras_textgen.data.formats.table import Row, Table

_ROWS_AT_ONCE = 4096


def read_parquet(
    stream: io.BufferedReader,
    name: str,
    suffix: str = ".parquet",
    on_bad: OnBad = refuse,
) -> Table:
    """Reads a Parquet file.

    Args:
        stream: of the file.
        name: of the file, for messages.
        suffix: of its name.
        on_bad: is not used: such files are read whole, or not at all.

    Returns:
        The table; only the columns asked for are read, some rows at a time.

    Raises:
        DataError: it is none, or pyarrow is not installed.
    """
    del suffix, on_bad
    arrow = arrow_module(name, "Parquet")
    with _errors(arrow, name):
        import pyarrow.parquet

        file = pyarrow.parquet.ParquetFile(_seekable(stream))

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        return file.iter_batches(_ROWS_AT_ONCE, columns=list(columns))

    return _table(arrow, name, file.schema_arrow.names, batches)


def read_arrow(
    stream: io.BufferedReader,
    name: str,
    suffix: str = ".arrow",
    on_bad: OnBad = refuse,
) -> Table:
    """Reads an Arrow file (Feather, too) or stream, as Hugging Face writes.

    Args:
        stream: of the file.
        name: of the file, for messages.
        suffix: of its name.
        on_bad: is not used: such files are read whole, or not at all.

    Returns:
        The table, read some rows at a time.

    Raises:
        DataError: it is none, or pyarrow is not installed.
    """
    del suffix, on_bad
    arrow = arrow_module(name, "Arrow")
    is_file = stream.peek(6)[:6] == b"ARROW1"
    with _errors(arrow, name):
        import pyarrow.ipc

        if is_file:
            file = pyarrow.ipc.open_file(_seekable(stream))
        else:
            watched = _Watched(stream)
            file = pyarrow.ipc.open_stream(watched)

    def batches(columns: Sequence[str]) -> Iterator[Any]:
        every: Iterable[Any] = file
        if is_file:
            every = map(file.get_batch, range(file.num_record_batches))
        for batch in every:
            yield batch.select(list(columns))
        if not is_file and watched.is_at_end:
            raise DataError(
                f"{name}: the stream ends without its mark, so that rows may "
                "be missing; allowed: a whole Arrow stream"
            )

    return _table(arrow, name, file.schema.names, batches)


class _Watched:
    """A stream, and whether more was asked of it than there is.

    pyarrow takes the end of a stream for the mark that ends one.
    """

    closed = False

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self.is_at_end = False

    def read(self, size: int = -1) -> bytes:
        """Some bytes, fewer than asked for at the end alone."""
        found = self._stream.read(size)
        self.is_at_end = not found and size != 0
        return found

    def readable(self) -> bool:
        """It can be read."""
        return True

    def close(self) -> None:
        """Whoever has opened the stream closes it."""


def _table(
    arrow: Any, name: str, columns: Sequence[str], batches: Any
) -> Table:
    def rows(places: Sequence[int]) -> Iterator[Row]:
        number = 0
        wanted = [columns[place] for place in places]
        with _errors(arrow, name):
            for batch in batches(wanted):
                # What a damaged file says of lengths may lead anywhere.
                batch.validate(full=True)
                values = [_values(arrow, batch.column(x)) for x in wanted]
                for row in zip(*values, strict=True):
                    number += 1
                    yield number, row

    return Table(name, tuple(columns), rows, by_line=False)


def _values(arrow: Any, column: Any) -> list[Any]:
    """Python's values; text of times that are finer than Python's."""
    if arrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        zone = column.type.tz and "UTC"
        column = column.cast(arrow.timestamp("ns", zone)).cast(arrow.string())
    return column.to_pylist()


def _seekable(stream: io.BufferedReader) -> Any:
    """The file itself, or what was unpacked, as these begin at their end."""
    is_plain = isinstance(stream, io.BufferedReader) and stream.seekable()
    return stream if is_plain else io.BytesIO(stream.read())


@contextlib.contextmanager
def _errors(arrow: Any, name: str) -> Iterator[None]:
    try:
        yield
    except OverflowError as error:
        # Of a date that Python has none for.
        raise DataError(
            f"{name}: a time out of range ({error}); allowed: years 1 to 9999"
        ) from error
    except arrow.ArrowException as error:
        told = " ".join(str(error).split())
        raise DataError(
            f"{name}: damaged, or of another format ({told:.200}); allowed: a "
            "whole Parquet or Arrow file"
        ) from error
