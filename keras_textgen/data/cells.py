"""Known cells of a matrix, and raw ids of its rows and columns."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from keras_textgen.checks import OneOf, check, refused

# What may be done with a pair of row and column that is given again.
DUPLICATES = ("first", "last", "mean", "sum")
_PAIRS_NAMED = 3
LARGEST = float(np.finfo(np.float32).max)


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
        last = np.zeros(size, np.int64)
        np.maximum.at(last, group, np.arange(len(cells)))
        merged = values[last]
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


def check_duplicates(duplicates: str | None) -> None:
    """Refuses what cannot be done with pairs that are given again."""
    if duplicates is not None:
        check(OneOf(DUPLICATES), duplicates=duplicates)


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
        named += f" and {others:,} more pairs"
    return f"{named} {'is' if len(pairs) == 1 else 'are'}"


def _groups(cells: Ratings) -> tuple[int, np.ndarray, np.ndarray]:
    """Number of pairs, the first place of each, and the pair of each cell."""
    rows = np.asarray(cells.rows).astype(np.int64)
    columns = np.asarray(cells.columns).astype(np.int64)
    width = int(columns.max(initial=0)) + 1
    _, first, group = np.unique(
        rows * width + columns, return_index=True, return_inverse=True
    )
    return len(first), first, group


# -- Raw ids ------------------------------------------------------------------


def raw_ids(name: str, ids: Any) -> list[str]:
    """Reads ids as the text that they are compared by.

    A number without a fraction is the same id whatever its type, and bytes
    are UTF-8.

    Args:
        name: what they are ids of, for messages.
        ids: strings, bytes or numbers: a sequence, an array, a column.

    Returns:
        The text of each.

    Raises:
        ValueError: an id is missing (None, NaN, empty), or its bytes are not
            UTF-8.

    Example:
        >>> raw_ids("user", [3, 3.0, np.float32(3), b"ann"])
        ['3', '3', '3', 'ann']
        >>> raw_ids("user", ["ann", float("nan")])
        Traceback (most recent call last):
        ValueError: user of place 1 is missing (nan); allowed: an id
    """
    found = []
    for place, each in enumerate(as_list(ids)):
        if is_missing(each):
            raise refused(
                f"{name} of place {place} is missing ({each!r})", "an id"
            )
        found.append(raw_id(each))
    return found


def raw_id(value: Any) -> str:
    r"""The text of one id that is not missing.

    Example:
        >>> raw_id(b"caf\xc3\xa9"), raw_id(2.5)
        ('café', '2.5')
    """
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise refused(
                f"id {value!r} is not UTF-8", "text, UTF-8, or numbers"
            ) from None
    if _is_whole_float(value):
        return str(int(value))
    return str(value)


def is_missing(value: Any) -> bool:
    """Whether an id, or a value, stands for one that is not there.

    Example:
        >>> [is_missing(each) for each in (None, float("nan"), " ", 0, "nan")]
        [True, True, True, False, False]
    """
    if isinstance(value, (str, bytes)):
        return not value.strip()
    # pandas.NA refuses to be compared, so that it is known by its class.
    if value is None or type(value).__name__ == "NAType":
        return True
    return bool(np.ndim(value) == 0 and value != value)


def is_whole_number(value: Any) -> bool:
    """Whether a value is a number without a fraction, whatever its type.

    Example:
        >>> [is_whole_number(each) for each in (3, 3.0, 3.5, "3", True)]
        [True, True, False, False, False]
    """
    if isinstance(value, (bool, np.bool_)):
        return False
    return isinstance(value, numbers.Integral) or _is_whole_float(value)


def numbers_of_ids(name: str, ids: Any, known: Sequence[str]) -> np.ndarray:
    """The numbers of raw ids.

    Args:
        name: what they are ids of, for messages.
        ids: as in `raw_ids`.
        known: every raw id, in the order of their numbers.

    Returns:
        int32 `[ids]`.

    Raises:
        ValueError: an id is missing, or unknown.

    Example:
        >>> numbers_of_ids("film", ["b", b"a"], ["a", "b"]).tolist()
        [1, 0]
    """
    numbers_of = {each: number for number, each in enumerate(known)}
    found = []
    for given, text in zip(as_list(ids), raw_ids(name, ids), strict=True):
        # A model may know 3.0 by the text that it once had.
        number = numbers_of.get(text, numbers_of.get(str(given)))
        if number is None:
            raise refused(
                f"{name} {text!r} is unknown",
                f"the {len(known)} ids from {known[0]!r} to {known[-1]!r}",
            )
        found.append(number)
    return np.array(found, np.int32)


def as_list(ids: Any) -> list:
    """Ids or values as Python's own, in a list.

    Not by way of an array, which makes text of a NaN beside text.

    Example:
        >>> as_list(np.array([1.5])), as_list(("ann", None))
        ([1.5], ['ann', None])
    """
    if hasattr(ids, "numpy"):
        ids = ids.numpy()
    return ids.tolist() if hasattr(ids, "tolist") else list(ids)


def _is_whole_float(value: Any) -> bool:
    is_float = isinstance(value, numbers.Real) and not isinstance(
        value, numbers.Integral
    )
    return is_float and math.isfinite(value) and value == int(value)


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
            f"{len(rows)} rows, {len(columns)} columns, {len(values)} values",
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
        if not is_missing(each):
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
