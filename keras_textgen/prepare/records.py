"""Texts of files, one by one; what cannot be used is set aside."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from keras_textgen.data.characters import has_word, normalize_text
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.collect import (
    NoWordsError,
    Texts,
    UnusableError,
)
from keras_textgen.data.formats.columns import (
    Wanted,
    completed,
    find_column,
    is_table_name,
)
from keras_textgen.data.formats.streams import Source
from keras_textgen.data.formats.table import Table, opened_table
from keras_textgen.data.labels import clean_label
from keras_textgen.data.raw_ids import is_missing_field, is_nested
from keras_textgen.data.table_cells import wanted_of
from keras_textgen.data.text_tables import TEXT
from keras_textgen.prepare.lines import (
    are_labeled,
    labeled_lines,
    usable_lines,
)
from keras_textgen.prepare.pieces import Piece, Unit, find_files
from keras_textgen.prepare.settings import CellSettings, PrepareSettings

_HASH_BYTES = 8
_NO_WORDS = "a text without words; allowed: 1 word or more"


class Record(NamedTuple):
    """A text that can be used.

    Attributes:
        text: as it was read, without the end of its line.
        label: of it; None where there are none.
    """

    text: str
    label: str | None


@dataclasses.dataclass(frozen=True)
class Bad:
    """A record that cannot be used.

    Attributes:
        file: that holds it.
        offset: the byte at which the piece of the file begins that it is in;
            0 where files are read from their beginning.
        row: the number of its line, or in Parquet of its row, from there on.
        reason: what is wrong with it.
    """

    file: str
    offset: int
    row: int
    reason: str


class TooManyBadError(Exception):
    """More records cannot be used than are allowed."""


class BadRecords:
    """Those of a unit that cannot be used, up to so many.

    Args:
        most: that are allowed.

    Attributes:
        found: all of them.

    Example:
        >>> bad = BadRecords(0)
        >>> bad.add(Bad("a.csv", 0, 3, "no JSON"))
        Traceback (most recent call last):
        keras_textgen.prepare.records.TooManyBadError
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.found: list[Bad] = []

    def add(self, record: Bad) -> None:
        """Takes one more.

        Raises:
            TooManyBadError: it is one too many.
        """
        self.found.append(record)
        if len(self.found) > self._most:
            raise TooManyBadError


def teller(
    piece: Piece, on_bad: Callable[[Bad], None]
) -> Callable[[int, Exception], None]:
    """What is told of the rows of a piece that cannot be used.

    Args:
        piece: that they are in.
        on_bad: is told of each.

    Returns:
        A function of the number of a row, and of what is wrong with it.
    """

    def tell(row: int, error: Exception) -> None:
        reason = str(error).removeprefix(piece.name)
        reason = re.sub(r"^(?::| row )*\d*: ", "", reason)
        on_bad(Bad(piece.name, piece.start, row, reason))

    return tell


def records_of(
    unit: Unit, settings: PrepareSettings, on_bad: Callable[[Bad], None]
) -> Iterator[Record]:
    """The texts of a unit, in order.

    Args:
        unit: whose pieces are read.
        settings: with the columns of tables.
        on_bad: is told of what is left out.

    Raises:
        DataError: a file cannot be read at all, or lacks a column.
    """
    for piece in unit.pieces:
        tell = teller(piece, on_bad)
        if are_labeled(Source(piece.path), settings):
            for label, text in labeled_lines(piece, tell):
                yield Record(text, label if settings.label_column else None)
        elif is_table_name(piece.path.name):
            yield from _rows(piece, settings, tell)
        else:
            yield from _lines(piece, tell)


def _lines(piece: Piece, tell: Callable[[int, Exception], None]):
    for number, text in usable_lines(piece, tell):
        if has_word(text):
            yield Record(text, None)
        else:
            tell(number, DataError(_NO_WORDS))


def _rows(
    piece: Piece,
    settings: PrepareSettings,
    tell: Callable[[int, Exception], None],
) -> Iterator[Record]:
    with opened_table(piece, tell) as table:
        table, places = placed(table, wanted_of_texts(settings))
        texts = Texts(table.columns[places[0]])
        for number, (text, *labels) in table.value_rows(places):
            try:
                texts.add(text)
                label = _label(labels[0], settings) if labels else None
            except NoWordsError:
                tell(number, DataError(_NO_WORDS))
                continue
            except UnusableError as error:
                tell(number, error)
                continue
            finally:
                texts.found.clear()
            yield Record(text, label)


def wanted_of_texts(settings: PrepareSettings) -> list[Wanted]:
    """The columns of tables with texts, and with labels if there are any."""
    wanted = [Wanted(settings.text_column or TEXT, "text_column", Texts)]
    if settings.label_column is not None:
        wanted.append(Wanted(settings.label_column, "label_column", Texts))
    return wanted


def check_input(settings: PrepareSettings | CellSettings) -> None:
    """Refuses what no preparation can read, by the beginning of each file.

    Args:
        settings: with files and columns.

    Raises:
        DataError: there is no file, or one of them cannot be opened or lacks a
            column. Of JSON lines, late rows may yet have it.
    """
    is_of_cells = isinstance(settings, CellSettings)
    for path in find_files(settings.input, has_texts=not is_of_cells):
        _check_columns(Source(path), settings)


def _check_columns(
    source: Source, settings: PrepareSettings | CellSettings
) -> None:
    """Refuses a table without the columns that are asked for."""
    if isinstance(settings, CellSettings):
        wanted = wanted_of(settings.fields)
    elif are_labeled(source, settings) or not is_table_name(source.path.name):
        return
    else:
        wanted = wanted_of_texts(settings)
    with opened_table(source, lambda number, error: None) as table:
        if table.reads_on is None:
            for each in wanted:
                find_column(table, each, wanted)


def placed(
    table: Table, wanted: Sequence[Wanted]
) -> tuple[Table, tuple[int, ...]]:
    """The table, and the places of the columns that are asked for.

    Args:
        table: as it was opened.
        wanted: columns that it needs.

    Raises:
        DataError: one is not there.
    """
    table = completed(table, wanted)
    places = (find_column(table, each, wanted) for each in wanted)
    return table, tuple(place for place in places if place is not None)


def _label(value: Any, settings: PrepareSettings) -> str:
    if is_missing_field(value) or is_nested(value) or not str(value).strip():
        raise UnusableError(
            f"{settings.label_column} is {value!r:.40}; allowed: a label"
        )
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_label(str(value))


def share_of(text: str, seed: int) -> float:
    """Where a text stands between 0 and 1, by a hash of it.

    Texts that read the same stand at the same place, whatever file they are
    in, so that no text of the test set is in the training set, too.

    Args:
        text: whose spelling and white space do not count.
        seed: another one gives other places.

    Example:
        >>> round(share_of("a rose", 0), 4), round(share_of("a rose", 1), 4)
        (0.2264, 0.6072)
        >>> share_of(" a  rose", 0) == share_of("a rose", 0)
        True
    """
    words = " ".join(normalize_text(text).split())
    digest = hashlib.blake2b(
        words.encode(), digest_size=_HASH_BYTES, salt=str(seed).encode()[:16]
    ).digest()
    return int.from_bytes(digest, "big") / 2 ** (8 * _HASH_BYTES)


def split_of(text: str, settings: PrepareSettings) -> str:
    """The split of a text, by `share_of`."""
    share = share_of(text, settings.split_seed)
    if share < settings.test_share:
        return "test"
    held_out = settings.test_share + settings.valid_share
    return "valid" if share < held_out else "train"
