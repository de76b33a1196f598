"""Ratings as sparse matrices of rows by columns."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse

from keras_textgen.data.labels import sorted_names
from keras_textgen.data.reading import SPLITS, DataError, split_rows

_LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass
class RatingsCorpus:
    """A matrix, its known entries split into three.

    Attributes:
        name: such as `"ml100k"`.
        train: float32 `scipy.sparse.coo_array` `[rows, columns]` with int32
            coordinates, no pair twice; an entry is a rating, and may be 0.
        valid: the same, for validation.
        test: the same, for the final figures.
        row_names: such as users; the place of a name is the number of its row.
        column_names: the same for columns, such as films.
        row_features: float32 `scipy.sparse.csr_array` `[rows, features]` of
            what is known of the rows; None if nothing is.
        column_features: the same for columns.
        row_feature_names: of the features of rows.
        column_feature_names: of the features of columns.
        note: one line that has to be printed beside every result; empty if
            there is nothing to say.
    """

    name: str
    train: scipy.sparse.coo_array
    valid: scipy.sparse.coo_array
    test: scipy.sparse.coo_array
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    row_features: scipy.sparse.csr_array | None = None
    column_features: scipy.sparse.csr_array | None = None
    row_feature_names: tuple[str, ...] = ()
    column_feature_names: tuple[str, ...] = ()
    note: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of columns."""
        return len(self.row_names), len(self.column_names)


def to_value(text: str, place: str) -> float:
    """Reads a number.

    Args:
        text: as it stands in a file.
        place: the file and the line, for messages.

    Returns:
        The number.

    Raises:
        DataError: it is none, or not finite in float32.

    Example:
        >>> to_value("4.5", "ratings.csv:7")
        4.5
    """
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    # False for NaN, too.
    if not abs(value) <= _LARGEST:
        raise DataError(
            f"{place}: the value {text!r}; allowed: a finite number"
        )
    return value


def find_twice(rows: np.ndarray, columns: np.ndarray) -> tuple[int, int] | None:
    """Finds a pair of row and column that is there twice.

    Args:
        rows: integers `[entries]`.
        columns: the same.

    Returns:
        The numbers of the two entries, the later one the first repetition of
        any; None if there is none.

    Example:
        >>> find_twice(np.array([0, 1, 0, 1]), np.array([2, 2, 1, 2]))
        (1, 3)
    """
    # Stable: entries of one pair stay in order.
    order = np.lexsort((columns, rows))
    same = (np.diff(rows[order]) == 0) & (np.diff(columns[order]) == 0)
    if not same.any():
        return None
    later = np.flatnonzero(same) + 1
    first = later[np.argmin(order[later])]
    return int(order[first - 1]), int(order[first])


def split_entries(
    matrix: scipy.sparse.coo_array, seed: int, source: pathlib.Path | str
) -> dict[str, scipy.sparse.coo_array]:
    """Splits the entries of a matrix at random, 80/10/10.

    Args:
        matrix: all known entries.
        seed: the split depends on it and on the number of entries alone.
        source: where the entries are from, for messages.

    Returns:
        The matrix of each split, of the same shape.

    Raises:
        DataError: fewer than 10 entries.
    """
    if matrix.nnz < 10:
        raise DataError(
            f"{source}: {matrix.nnz} entries leave nothing for validation; "
            "allowed: 10 or more"
        )
    chosen = split_rows(matrix.nnz, seed)
    return {
        split: choose(matrix, entries)
        for split, entries in zip(SPLITS, chosen, strict=True)
    }


def choose(
    matrix: scipy.sparse.coo_array, entries: np.ndarray
) -> scipy.sparse.coo_array:
    """Returns some entries of a matrix.

    Args:
        matrix: all entries.
        entries: their numbers.

    Returns:
        A matrix of the same shape.
    """
    places = matrix.row[entries], matrix.col[entries]
    return to_matrix(*places, matrix.data[entries], matrix.shape)


def to_matrix(
    rows: np.ndarray,
    columns: np.ndarray,
    values: Sequence[float] | np.ndarray,
    shape: tuple[int, int],
) -> scipy.sparse.coo_array:
    """Makes a matrix of its entries.

    Args:
        rows: integers `[entries]`.
        columns: the same.
        values: numbers `[entries]`.
        shape: of the matrix.

    Returns:
        float32, with int32 coordinates.
    """
    places = np.asarray(rows, np.int32), np.asarray(columns, np.int32)
    return scipy.sparse.coo_array(
        (np.asarray(values, np.float32), places), shape
    )


def one_hot(
    properties: Mapping[str, Sequence[str]],
) -> tuple[scipy.sparse.csr_array, tuple[str, ...]]:
    """Turns properties of rows into features, one for each value.

    Args:
        properties: for each property, its value for each row.

    Returns:
        float32 `[rows, features]`, and the names of the features.

    Example:
        >>> features, names = one_hot({"age": ["old", "new", "old"]})
        >>> names, features.toarray().tolist()
        (('age new', 'age old'), [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    """
    names, parts = [], []
    for prefix, values in properties.items():
        found = sorted_names(values)
        names += [f"{prefix} {value}" for value in found]
        parts.append(np.asarray(values)[:, np.newaxis] == np.asarray(found))
    dense = np.concatenate(parts, axis=1, dtype=np.float32)
    return scipy.sparse.csr_array(dense), tuple(names)
