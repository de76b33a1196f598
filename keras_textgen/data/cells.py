"""Known cells of a matrix, and the tables and matrices that hold them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from keras_textgen.checks import by_number, counted, refused
from keras_textgen.data.cell_columns import DUPLICATES, check_duplicates
from keras_textgen.data.raw_ids import (
    as_list,
    is_missing_field,
    numbers_of_ids,
    raw_id,
)

# Pairs that are given again are named up to so many, the others counted.
_PAIRS_NAMED = 3
LARGEST = float(np.finfo(np.float32).max)
# The squares of larger values, summed over the cells, are no float32.
LARGEST_SQUARED = 1e15
# Cells that are looked at together.
_CHUNK = 1 << 22


@dataclasses.dataclass
class Ratings:
    """Cells of a matrix whose values are known.

    Attributes:
        rows: int32 `[cells]`.
        columns: int32 `[cells]`.
        values: float32 `[cells]`.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray | slice) -> Ratings:
        return Ratings(
            self.rows[index], self.columns[index], self.values[index]
        )

    @property
    def lowest(self) -> float:
        """The lowest value."""
        return float(self.values.min())

    @property
    def highest(self) -> float:
        """The highest value."""
        return float(self.values.max())

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return float(self.values.mean(dtype=float))

    def chunks(self) -> Iterator[Ratings]:
        """All cells, some at a time, so that what is made of them is small.

        Example:
            >>> cells = ratings_of([0, 1], [2, 2], [5, 4])
            >>> [len(chunk) for chunk in cells.chunks()]
            [2]
        """
        for begin in range(0, len(self), _CHUNK):
            yield self[begin : begin + _CHUNK]

    def counts(self, axis: int, size: int) -> np.ndarray:
        """How many cells each row, or each column, has.

        Args:
            axis: 0 for rows, 1 for columns.
            size: how many of them there are.

        Returns:
            int64 `[size]`.

        Example:
            >>> ratings_of([0, 1], [2, 2], [5, 4]).counts(1, 3).tolist()
            [0, 0, 2]
        """
        found = np.zeros(size, np.int64)
        for chunk in self.chunks():
            ids = chunk.columns if axis else chunk.rows
            found += np.bincount(ids, minlength=size)
        return found

    def of_row(self, row: int) -> Ratings:
        """The cells of a row, in their order."""
        return self[np.flatnonzero(self.rows == row)]

    def matrix(self, shape: tuple[int, int]) -> scipy.sparse.csr_array:
        """The cells as a sparse matrix, zeros among the values included.

        Args:
            shape: rows and columns of the matrix.

        Example:
            >>> ratings = Ratings(np.array([1]), np.array([0]), np.array([3.0]))
            >>> ratings.matrix((2, 2)).toarray().tolist()
            [[0.0, 0.0], [3.0, 0.0]]
        """
        cells = (self.values, (self.rows, self.columns))
        return scipy.sparse.coo_array(cells, shape=shape).tocsr()


def ratings_of(
    rows: Sequence[int], columns: Sequence[int], values: Sequence[float]
) -> Ratings:
    """Makes cells of whatever can be made arrays of their types."""
    return Ratings(
        np.asarray(rows, np.int32),
        np.asarray(columns, np.int32),
        np.asarray(values, np.float32),
    )


def relevant_cells(cells: Ratings, above: float) -> Ratings:
    """The cells of values above one, which are those to recommend.

    Raises:
        ValueError: there are none.

    Example:
        >>> relevant_cells(ratings_of([0, 0], [1, 2], [3, 5]), 3).columns
        array([2], dtype=int32)
    """
    relevant = cells[cells.values > above]
    if not len(relevant):
        raise refused(f"no value above {above:g}", "1 or more")
    return relevant


def check_values(cells: Ratings, feedback: str) -> None:
    """Refuses values that a kind of feedback cannot be learnt from.

    Raises:
        ValueError: see `wrong_value`.

    Example:
        >>> check_values(ratings_of([7], [2], [0]), "implicit")
        Traceback (most recent call last):
        ValueError: value 0 in row 7, column 2, with feedback=implicit; \
allowed: above 0
    """
    wrong = wrong_value(cells.values, feedback)
    if wrong is not None:
        place, allowed = wrong
        raise refused(
            f"value {cells.values[place]:g} in row {cells.rows[place]}, column "
            f"{cells.columns[place]}, with feedback={feedback}",
            allowed,
        )


def wrong_value(values: np.ndarray, feedback: str) -> tuple[int, str] | None:
    """The first value that a kind of feedback cannot be learnt from.

    Args:
        values: finite, `[cells]`.
        feedback: `"explicit"`, whose errors are squared; `"implicit"`, where
            values say how often; `"ranking"`, which takes any.

    Returns:
        Its place, and what is allowed; None if there is none.

    Example:
        >>> wrong_value(np.array([3.0, 1e38]), "explicit")
        (1, '-1e+15 to 1e+15, which can be squared; divide all by one number')
        >>> wrong_value(np.array([3.0, 1e38]), "ranking")
    """
    if feedback == "ranking":
        return None
    if feedback == "implicit" and (values <= 0).any():
        place = int(np.argmax(values <= 0))
        return place, "above 0"
    is_large = np.abs(values) > LARGEST_SQUARED
    if not is_large.any():
        return None
    least = "above 0" if feedback == "implicit" else f"{-LARGEST_SQUARED:g}"
    return int(np.argmax(is_large)), (
        f"{least} to {LARGEST_SQUARED:g}, which can be squared; divide all by "
        "one number"
    )


# -- Pairs that are given more than once --------------------------------------


def repeated_pairs(cells: Ratings) -> np.ndarray:
    """Finds the pairs of row and column that are there already.

    Args:
        cells: known cells.

    Returns:
        int64 `[pairs, 2]`: the place of a cell, and of the first one of its
        row and column before it.

    Example:
        >>> cells = ratings_of([0, 1, 0], [2, 2, 2], [5, 4, 3])
        >>> repeated_pairs(cells).tolist()
        [[2, 0]]
    """
    _, first, group = _groups(cells)
    places = np.arange(len(cells))
    again = np.flatnonzero(first[group] != places)
    return np.stack([again, first[group[again]]], axis=1)


def merge_repeated(cells: Ratings, duplicates: str | None) -> Ratings:
    """Makes one cell of those of the same row and column.

    Args:
        cells: known cells.
        duplicates: `"first"`, `"last"`, `"mean"` or `"sum"`: which value, or
            what is made of all. None refuses them.

    Returns:
        Cells in the order in which their pairs occur first.

    Raises:
        ValueError: pairs are given again and `duplicates` is None, or is not
            allowed.

    Example:
        >>> cells = ratings_of([0, 1, 0], [2, 2, 2], [5, 4, 3])
        >>> merge_repeated(cells, "mean").values.tolist()
        [4.0, 4.0]
        >>> merge_repeated(cells, None)
        Traceback (most recent call last):
        ValueError: row 0, column 2 is given again; allowed: every pair once, \
or duplicates=first, last, mean or sum
    """
    check_duplicates(duplicates)
    again = repeated_pairs(cells)
    if not len(again):
        return cells
    if duplicates is None:
        named = pairs_named(
            f"row {cells.rows[place]}, column {cells.columns[place]}"
            for place in again[:, 0]
        )
        raise refused(
            f"{named} given again",
            f"every pair once, or duplicates="
            f"{', '.join(DUPLICATES[:-1])} or {DUPLICATES[-1]}",
        )
    size, first, group = _groups(cells)
    values = cells.values.astype(np.float64)
    if duplicates == "first":
        merged = values[first]
    elif duplicates == "last":
        merged = values[_last_places(size, group)]
    else:
        merged = np.bincount(group, values, size)
        if duplicates == "mean":
            merged = merged / np.bincount(group, minlength=size)
    order = np.argsort(first)
    return Ratings(
        cells.rows[first[order]],
        cells.columns[first[order]],
        merged[order].astype(np.float32),
    )


def merge_times(
    cells: Ratings, times: np.ndarray, duplicates: str | None
) -> np.ndarray:
    """The times of the cells that `merge_repeated` makes.

    Args:
        cells: known cells.
        times: of each, `[cells]`.
        duplicates: as there; what is made of all is as late as the latest.

    Returns:
        A time for each merged cell.

    Example:
        >>> cells = ratings_of([0, 1, 0], [2, 2, 2], [5, 4, 3])
        >>> merge_times(cells, np.array([7.0, 8.0, 9.0]), "mean").tolist()
        [9.0, 8.0]
    """
    size, first, group = _groups(cells)
    if duplicates == "first":
        merged = times[first]
    elif duplicates == "last":
        merged = times[_last_places(size, group)]
    else:
        merged = np.full(size, -np.inf)
        np.maximum.at(merged, group, times)
    return merged[np.argsort(first)]


def pairs_named(pairs: Iterable[str]) -> str:
    """Names the first pairs and the number of the others, with a verb.

    Example:
        >>> pairs_named(["ann, Alien", "bob, Diva"])
        'ann, Alien; bob, Diva are'
    """
    pairs = list(pairs)
    others = len(pairs) - _PAIRS_NAMED
    named = "; ".join(pairs[:_PAIRS_NAMED])
    if others > 0:
        named += f" and {counted(others, 'more pair')}"
    return f"{named} {by_number(len(pairs), 'is', 'are')}"


def _last_places(size: int, group: np.ndarray) -> np.ndarray:
    """The place of the last cell of each pair."""
    last = np.zeros(size, np.int64)
    np.maximum.at(last, group, np.arange(len(group)))
    return last


def _groups(cells: Ratings) -> tuple[int, np.ndarray, np.ndarray]:
    """Number of pairs, the first place of each, and the pair of each cell."""
    rows = np.asarray(cells.rows).astype(np.int64)
    columns = np.asarray(cells.columns).astype(np.int64)
    width = int(columns.max(initial=0)) + 1
    _, first, group = np.unique(
        rows * width + columns, return_index=True, return_inverse=True
    )
    return len(first), first, group


# -- Tables and matrices ------------------------------------------------------


def table_cells(
    table: Mapping[str, Sequence],
    fields: tuple[str, str, str | None],
    row_ids: Sequence[str],
    col_ids: Sequence[str],
) -> Ratings:
    """Reads the cells of a table with raw ids.

    Args:
        table: named columns, such as a dictionary of lists or a data frame.
        fields: names of the columns with the ids of rows and columns and with
            the values; None in the last place makes every value 0.
        row_ids: every raw id of rows, in the order of their numbers.
        col_ids: the same of columns.

    Raises:
        ValueError: a column is not there or of another length, an id is
            missing or unknown, or a value is not finite.

    Example:
        >>> table = {"user": ["ann"], "film": [7], "stars": [4]}
        >>> fields = "user", "film", "stars"
        >>> table_cells(table, fields, ["bob", "ann"], ["7"]).rows.tolist()
        [1]
    """
    given = [table_column(table, field) for field in fields[:2]]
    rows, columns = (
        numbers_of_ids(field, ids, known)
        for field, ids, known in zip(
            fields, given, (row_ids, col_ids), strict=False
        )
    )
    values = np.zeros(len(rows), np.float32)
    if fields[2] is not None:
        values = table_values(fields[2], table_column(table, fields[2]))
    if not len(rows) == len(columns) == len(values):
        raise refused(
            f"{counted(len(rows), 'row')}, {counted(len(columns), 'column')}, "
            f"{counted(len(values), 'value')}",
            "as many",
        )
    return Ratings(rows, columns, values)


def matrix_cells(matrix: scipy.sparse.sparray) -> Ratings:
    """The stored cells of a sparse matrix, in the order of `tocoo`.

    Raises:
        ValueError: the values are complex.

    Example:
        >>> matrix_cells(scipy.sparse.csr_array([[0.0, 2.0]])).values.tolist()
        [2.0]
    """
    matrix = scipy.sparse.coo_array(matrix)
    if np.iscomplexobj(matrix.data):
        raise refused(f"{matrix.dtype} values", "real numbers")
    # What is too large becomes infinite, which is refused with its place.
    with np.errstate(over="ignore"):
        rows, columns = matrix.coords
        return ratings_of(rows, columns, matrix.data)


def table_column(table: Mapping[str, Sequence], field: str) -> Sequence:
    """One column of a table.

    Raises:
        ValueError: it is not there.

    Example:
        >>> table_column({"user": ["ann"]}, "user")
        ['ann']
    """
    try:
        return table[field]
    except (KeyError, TypeError, IndexError):
        there = ""
        if isinstance(table, Mapping) or hasattr(table, "columns"):
            there = f"; there are {', '.join(map(str, table)) or 'none'}"
        raise refused(
            f"no column {field!r} in the data{there}",
            "a sparse matrix, or a table with that column",
        ) from None


def table_values(field: str, values: Any) -> np.ndarray:
    """The values of a table, float32 `[cells]`.

    Raises:
        ValueError: one is missing, no number, or not finite.

    Example:
        >>> table_values("stars", [1, 2.5]).tolist()
        [1.0, 2.5]
        >>> table_values("stars", [1, None])
        Traceback (most recent call last):
        ValueError: stars of place 1 is None; allowed: a finite number
    """
    found = []
    for place, each in enumerate(as_list(values)):
        number = math.nan
        if not is_missing_field(each):
            number = _number(each)
        # False for NaN, too.
        if not abs(number) <= LARGEST:
            raise refused(
                f"{field} of place {place} is {each!r}", "a finite number"
            )
        found.append(number)
    return np.array(found, np.float32)


def number_of_text(text: str) -> float:
    """A number as text; NaN for what is none.

    `float` takes underscores between digits, which no table has.

    Example:
        >>> number_of_text("2.5"), number_of_text("1_0")
        (2.5, nan)
    """
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _number(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        return number_of_text(raw_id(value))
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
