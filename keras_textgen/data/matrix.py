"""A matrix as a corpus: known cells, their splits, features of both sides.

Free of TensorFlow, as the readers are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.splits import rows_at_random


@dataclasses.dataclass
class Matrix(Corpus):
    """A corpus of the known cells of a matrix.

    Attributes:
        row_names: the raw id of each row.
        column_names: the raw id of each column.
        column_titles: what to show of each column.
        row_features: of each row, sparse `[rows, features]`, or None.
        column_features: the same of each column.
        value_range: the lowest and the highest value allowed, or None.
        split_seed: None where the splits hold cells. Else `train` holds a text
            for each row, whose words `keras_textgen.data.views.cells` counts,
            and it is the seed by which the cells are then split.
        fields: what the columns of the table are called that it was read
            from, as `Fields` of `readers.tables`; None for no table.
    """

    _: dataclasses.KW_ONLY
    row_names: tuple[str, ...]
    column_names: tuple[str, ...] = ()
    column_titles: tuple[str, ...] = ()
    row_features: scipy.sparse.csr_array | None = None
    column_features: scipy.sparse.csr_array | None = None
    value_range: tuple[float, float] | None = None
    split_seed: int | None = None
    fields: tuple[str, str, str | None] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return len(self.row_names), len(self.column_names)

    def contents(self) -> Iterator[str | np.ndarray]:
        """Every id and every known cell."""
        yield "\n".join([*self.row_names, "", *self.column_names])
        for cells in (self.train, self.valid):
            yield from (cells.rows, cells.columns, cells.values)


def split_cells(
    name: str,
    cells: Ratings,
    row_names: tuple[str, ...],
    column_names: tuple[str, ...],
    seed: int,
    chosen: Sequence[np.ndarray] | None = None,
    **features: Any,
) -> Matrix:
    """Splits cells at random, 80/10/10, or as they are told.

    Args:
        name: of the matrix.
        cells: all that are known.
        row_names: raw ids.
        column_names: raw ids.
        seed: of the split.
        chosen: the numbers of the cells of each split; None for at random.
        **features: of rows and columns and more, as in `Matrix`.

    Example:
        >>> columns = np.arange(20)
        >>> cells = Ratings(0 * columns, columns, 1.0 * columns)
        >>> names = tuple(map(str, range(20)))
        >>> len(split_cells("numbers", cells, ("0",), names, 0).test)
        2
    """
    if chosen is None:
        chosen = rows_at_random(len(cells), seed)
    splits = {
        split: cells[rows] for split, rows in zip(SPLITS, chosen, strict=True)
    }
    features.setdefault("column_titles", column_names)
    return Matrix.of_splits(
        name,
        splits,
        row_names=row_names,
        column_names=column_names,
        **features,
    )


def one_hot(features: Iterable[Sequence[str]]) -> scipy.sparse.csr_array:
    """Makes a matrix of named features, scaled by their number in each row.

    Args:
        features: the names of each row's features.

    Returns:
        float32 `[rows, names]`; n features have the value 1 / sqrt(n), so that
        every row has the norm 1. Names are sorted.

    Example:
        >>> one_hot([["b"], ["a"], []]).toarray().tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    """
    features = [list(names) for names in features]
    known = sorted({name for names in features for name in names})
    numbers = {name: i for i, name in enumerate(known)}
    counts = np.array([len(names) for names in features])
    columns = [numbers[name] for names in features for name in names]
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    splits = np.concatenate([[0], np.cumsum(counts)])
    return scipy.sparse.csr_array(
        (values.astype(np.float32), columns, splits),
        shape=(len(features), len(known)),
    )


def history_features(
    ratings: Ratings, shape: tuple[int, int]
) -> scipy.sparse.csr_array:
    """Makes features of which columns a row has values in.

    What a user has rated at all tells of the taste, as the implicit feedback
    of SVD++ does (Koren 2008, section 4.1).

    Args:
        ratings: known cells.
        shape: rows and columns of the matrix.

    Returns:
        float32 `[rows, columns]`: 1 / sqrt(n) in each of the n cells of a row.

    Example:
        >>> columns = np.array([0, 1, 2, 4])
        >>> ratings = Ratings(0 * columns, columns, 1.0 + columns)
        >>> history_features(ratings, (1, 5)).toarray().tolist()
        [[0.5, 0.5, 0.5, 0.0, 0.5]]
    """
    matrix = ratings.matrix(shape)
    counts = np.diff(matrix.indptr)
    matrix.data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    return matrix.astype(np.float32)
