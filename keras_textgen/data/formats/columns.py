"""The columns of one or several tables that are asked for, and no others."""

from __future__ import annotations

import array
import bisect
import dataclasses
import glob
import os
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_textgen.checks import counted
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.formats.collect import (
    Collector,
    NoWordsError,
    UnusableError,
)
from keras_textgen.data.formats.streams import PACKED, STANDARD_INPUT, Source
from keras_textgen.data.formats.table import (
    LISTED,
    SUFFIXES,
    Table,
    opened_table,
)
from keras_textgen.data.formats.table_header import header_hint

# The most letters that a message shows of a column's name.
_SHOWN = 40
_TIMES = "time_column"

# Other names that a column is found by, where none has its own.
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("reviewText", "review", "content", "document", "sentence"),
    "label": (
        "class",
        "category",
        "target",
        "overall",
        "stars",
        "rating",
    ),
    "user": ("user_id", "userId", "reviewerID"),
    "item": ("item_id", "parent_asin", "asin", "movieId", "business_id"),
    "rating": ("overall", "stars"),
    "timestamp": ("unixReviewTime", "time", "date"),
}
# How files of a split begin, as Hugging Face names its shards, too.
_OF_SPLIT = re.compile(
    r"(?:(train|training)|(valid|validation|val|dev)|(test|testing))"
    r"(?:[-_.\d]|$)",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A column that is asked for.

    Attributes:
        name: its name; one of those of `OTHER_NAMES` will do.
        flag: that names it otherwise.
        collector: makes what keeps its values, given its name.
        is_needed: whether the table has to have it.
    """

    name: str
    flag: str
    collector: Callable[[str], Collector]
    is_needed: bool = True


@dataclasses.dataclass
class Columns:
    """What is kept of the columns that were asked for.

    Attributes:
        names: of the columns as the tables have them, by what was asked for;
            None for one that is not there.
        kept: what keeps the values of each that is there.
        numbers: of each row kept, in its file.
        left_out: of each file some rows of which have no words, how many and
            where the first is.
    """

    names: dict[str, str | None] = dataclasses.field(default_factory=dict)
    kept: dict[str, Any] = dataclasses.field(default_factory=dict)
    numbers: array.array = dataclasses.field(
        default_factory=lambda: array.array("q")
    )
    left_out: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    _tables: list[Table] = dataclasses.field(default_factory=list)
    _starts: list[int] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers)

    def where(self, row: int) -> str:
        """File and line of a row, for messages."""
        return self.table_of(row).where(self.numbers[row])

    def table_of(self, row: int) -> Table:
        """The table that a row is of."""
        return self._tables[bisect.bisect_right(self._starts, row) - 1]

    @property
    def first_file(self) -> str:
        """The name of the first table, for messages."""
        return self._tables[0].name

    @property
    def remarks(self) -> tuple[str, ...]:
        """A line on each file of which rows were left out."""
        return tuple(
            f"{where}: {counted(count, 'row')} without words, the first of "
            "them here; left out."
            for count, where in self.left_out
        )

    def read(self, table: Table, wanted: Sequence[Wanted]) -> None:
        """Keeps what is wanted of one more table.

        Raises:
            DataError: a column is not there, or a value cannot be used.
        """
        places: dict[str, int] = {}
        table = completed(table, wanted)
        for each in wanted:
            place = find_column(table, each, wanted)
            name = None if place is None else table.columns[place]
            if place is not None:
                _check_own_column(table, place, each, wanted, places)
                places[each.name] = place
            if each.name not in self.names:
                self.names[each.name] = name
                if name is not None:
                    self.kept[each.name] = each.collector(name)
            elif (each.name in self.kept) != (place is not None):
                raise DataError(
                    f"{table.name}: column {each.name!r} is in some files "
                    f"only; allowed: in all, or its name by --{each.flag}"
                )
        self._starts.append(len(self))
        self._tables.append(table)
        self._take(table, places)

    def _take(self, table: Table, places: Mapping[str, int]) -> None:
        kept = [self.kept[name] for name in places]
        first_left_out, left_out = 0, 0
        for number, values in table.value_rows(list(places.values())):
            try:
                for each, value in zip(kept, values, strict=True):
                    each.add(value)
            except NoWordsError:
                first_left_out = first_left_out or number
                left_out += 1
                continue
            except UnusableError as error:
                raise DataError(f"{table.where(number)}: {error}") from None
            self.numbers.append(number)
        if left_out:
            self.left_out.append((left_out, table.where(first_left_out)))


def read_columns(
    sources: Sequence[Source],
    wanted: Sequence[Wanted],
    adapt: Callable[[Table], Table] = lambda table: table,
) -> Columns:
    r"""Reads columns of tables, one below the other.

    Args:
        sources: of the tables.
        wanted: the columns; one of texts first, as it decides which rows are
            left out.
        adapt: what is to be made of each table.

    Returns:
        The columns.

    Raises:
        DataError: a table cannot be read, a column is not there, or a value
            cannot be used.

    Example:
        >>> import tempfile
        >>> from keras_textgen.data.formats.collect import Values
        >>> path = pathlib.Path(tempfile.mkdtemp(), "a.csv")
        >>> _ = path.write_text("film,stars\nAlien,5\nDiva,4\n", "utf-8")
        >>> found = read_columns(
        ...     [Source(path)], [Wanted("rating", "value_column", Values)]
        ... )
        >>> found.names, found.kept["rating"].found.tolist()
        ({'rating': 'stars'}, [5.0, 4.0])
    """
    columns = Columns()
    for source in sources:
        with opened_table(source) as table:
            columns.read(adapt(table), wanted)
    return columns


def _check_own_column(
    table: Table,
    place: int,
    asked: Wanted,
    wanted: Sequence[Wanted],
    places: Mapping[str, int],
) -> None:
    """Refuses one column for two things; times may be labels or values."""
    for other in wanted:
        flags = other.flag, asked.flag
        if places.get(other.name) == place and _TIMES not in flags:
            raise DataError(
                f"{table.name}: column {table.columns[place]!r} by "
                f"--{other.flag} and by --{asked.flag}; allowed: a column of "
                "its own for each"
            )


def find_column(
    table: Table, wanted: Wanted, beside: Sequence[Wanted] = ()
) -> int | None:
    """The place of a column, by its name or by another known one.

    Args:
        table: that has it.
        wanted: what is asked for.
        beside: all that is asked for, for messages.

    Raises:
        DataError: it is there twice, or not there though it is needed.
    """
    for name in names_of(wanted.name):
        there = table.columns.count(name)
        if there > 1:
            raise DataError(
                f"{_first(table)}: {counted(there, 'column')} {name!r}; "
                "allowed: one of that name"
            )
        if there:
            return table.columns.index(name)
    if not wanted.is_needed:
        return None
    needed = [each for each in beside if each.is_needed] or [wanted]
    hint = header_hint(table.columns) if table.by_line else ""
    flags = " and ".join(f"--{each.flag}" for each in needed[-1:])
    if needed[:-1]:
        flags = f"{', '.join(f'--{x.flag}' for x in needed[:-1])} and {flags}"
    named = ", ".join(each.name for each in needed)
    allowed = (
        f"a table with the columns {named}, or their names by {flags}"
        if hint or not table.columns
        else f"one that is there, by {flags}"
    )
    raise DataError(
        f"{_first(table)}: no column {wanted.name!r}; there are "
        f"{shown_columns(table.columns)}{hint}; allowed: {allowed}"
    )


def shown_columns(columns: Sequence[str]) -> str:
    """Columns for a message; of a file without a head they are whole texts.

    Example:
        >>> shown_columns(["stars", 50 * "good "])
        'stars, good good good good good good good good...'
        >>> shown_columns([])
        'none'
    """
    shown = (
        each if len(each) <= _SHOWN else f"{each[: _SHOWN - 1]}..."
        for each in columns
    )
    return ", ".join(shown) or "none"


def names_of(name: str) -> tuple[str, ...]:
    """All names of a column, its own first.

    Example:
        >>> names_of("user")
        ('user', 'user_id', 'userId', 'reviewerID')
    """
    return name, *OTHER_NAMES.get(name, ())


def has_column(table: Table, wanted: Wanted) -> bool:
    """Whether a table has a column, by whatever name."""
    return not set(names_of(wanted.name)).isdisjoint(table.columns)


def completed(table: Table, wanted: Sequence[Wanted]) -> Table:
    """The table with the columns of later rows, if one of them is asked for."""
    if table.reads_on is None or all(has_column(table, x) for x in wanted):
        return table
    return table.reads_on()


def _first(table: Table) -> str:
    return table.where(1) if table.by_line else table.name


# -- Which tables -------------------------------------------------------------


def is_table_name(name: str) -> bool:
    """Whether a file of that name is a table.

    Example:
        >>> [is_table_name(each) for each in ("a.csv.gz", "b.txt", ".c.csv")]
        [True, False, False]
    """
    lower = name.lower()
    for packed in PACKED:
        lower = lower.removesuffix(packed)
    return lower.endswith(SUFFIXES) and not name.startswith((".", "_"))


def find_sources(data_dir: str | os.PathLike) -> list[Source]:
    """The tables that a user names.

    Args:
        data_dir: a file of any name; a folder with tables; a pattern of both,
            such as `data/*.csv`; or `-` for standard input.

    Returns:
        One or more, in the order of their names.

    Raises:
        DataError: there is none.
    """
    if os.fspath(data_dir) == STANDARD_INPUT:
        return [Source.of_input()]
    path = pathlib.Path(data_dir)
    if path.is_file():
        return [Source(path)]
    if path.is_dir():
        return _sources_in(path)
    found = [pathlib.Path(each) for each in sorted(glob.glob(str(path)))]
    if not found:
        problem = "no file fits" if glob.has_magic(str(path)) else "not a file"
        raise DataError(
            f"{path}: {problem}; allowed: a table ({LISTED}), a folder with "
            "such, a pattern such as 'data/*.csv', or - for standard input"
        )
    sources = []
    for each in found:
        sources += _sources_in(each) if each.is_dir() else [Source(each)]
    return sources


def _sources_in(folder: pathlib.Path) -> list[Source]:
    found = tables_in(folder)
    if not found:
        raise DataError(f"{folder}: no table in it; allowed: {LISTED}")
    return [Source(path) for path in found]


def split_of(path: pathlib.Path) -> str | None:
    """The split that a file is named after, if any.

    Example:
        >>> split_of(pathlib.Path("train-00000.parquet"))
        'train'
        >>> split_of(pathlib.Path("dev.csv")), split_of(pathlib.Path("a.csv"))
        ('valid', None)
    """
    found = _OF_SPLIT.match(path.name)
    if found is None:
        return None
    return SPLITS[next(i for i, name in enumerate(found.groups()) if name)]


def tables_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The tables that stand in a folder, in the order of their names."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and is_table_name(path.name)
    )
