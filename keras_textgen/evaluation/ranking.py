"""Errors of predicted values, and how well all columns are ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse

from keras_textgen.checks import SIZES, check, counted, refused
from keras_textgen.data.cells import Ratings

_ROWS_AT_A_TIME = 256


def errors_of(
    predict: Callable[[Ratings], np.ndarray], cells: Ratings
) -> dict[str, float]:
    """Root of the mean squared error, and mean absolute error.

    Some cells are predicted at a time.

    Args:
        predict: From cells to predictions, `[cells]`.
        cells: To predict.

    Returns:
        `rmse` and `mae`.

    Raises:
        ValueError: No cells, or not one prediction a cell.

    Example:
        >>> cells = Ratings(*np.array([[0, 1], [0, 0], [3, 5]]))
        >>> errors_of(lambda cells: np.full(len(cells), 3.0), cells)
        {'rmse': 1.4142135623730951, 'mae': 1.0}
    """
    count, squares, distances = 0, 0.0, 0.0
    for chunk in cells.chunks():
        predictions, values = (
            np.asarray(each, np.float64)
            for each in (predict(chunk), chunk.values)
        )
        if predictions.shape != values.shape:
            raise refused(
                f"{counted(predictions.size, 'prediction')} of "
                f"{counted(values.size, 'value')}",
                "as many",
            )
        errors = predictions - values
        count += len(errors)
        squares += float(np.sum(errors**2))
        distances += float(np.sum(np.abs(errors)))
    if not count:
        raise refused("no values", "1 or more")
    return {"rmse": float(np.sqrt(squares / count)), "mae": distances / count}


def ranking_quality(
    scores: Callable[[np.ndarray], np.ndarray],
    relevant: scipy.sparse.sparray,
    seen: scipy.sparse.sparray | None = None,
    cutoffs: Sequence[int] = (10, 50),
) -> dict[str, float]:
    """Recall and normalized discounted cumulative gain of full rankings.

    Every column is ranked, but those that a row has seen; equal scores by the
    number of the column. With rel the relevant columns of a row,

        Recall@k = relevant columns among the first k / rel
        DCG@k    = sum of 1 / log2(1 + rank) over those
        NDCG@k   = DCG@k / (that of a ranking with all relevant ones in front)

    which are averaged over the rows that have a relevant column.

    Args:
        scores: From row numbers `[n]` to scores `[n, columns]`.
        relevant: Cells whose columns are relevant for their rows, sparse
            `[rows, columns]`; what is stored counts, zeros too.
        seen: Cells to leave out of the ranking; None for none.
        cutoffs: The values of k.

    Returns:
        `rows`, the number of rows with relevant columns; then, for every k,
        `recall@k` and `ndcg@k`.

    Raises:
        ValueError: No cell is relevant, a relevant cell is seen, a `k` below
            1, or a score that is NaN.

    Example:
        >>> relevant = scipy.sparse.csr_array([[0, 1, 1]])
        >>> quality = ranking_quality(
        ...     lambda rows: np.array([[0.1, 0.9, 0.0]]), relevant, cutoffs=[1]
        ... )
        >>> quality["recall@1"], quality["ndcg@1"]
        (0.5, 1.0)
    """
    for k in cutoffs:
        check(SIZES, cutoff=k)
    relevant = _cells(relevant)
    seen = _cells(seen) if seen is not None else None
    if seen is not None and (relevant * seen).nnz:
        raise refused("a relevant cell is seen", "either of the two")
    rows = np.flatnonzero(np.diff(relevant.indptr))
    if not len(rows):
        raise refused("no cell is relevant", "1 or more")
    names = [f"{name}@{k}" for k in cutoffs for name in ("recall", "ndcg")]
    totals = dict.fromkeys(names, 0.0)
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        block = rows[start : start + _ROWS_AT_A_TIME]
        found = np.array(scores(block), np.float64)
        if np.isnan(found).any():
            row = block[np.isnan(found).any(axis=1)][0]
            raise refused(f"row {row} has a score that is NaN", "numbers")
        if seen is not None:
            found[_places(seen, block)] = -np.inf
        order = np.argsort(-found, axis=1, kind="stable")
        is_relevant = np.zeros(found.shape, bool)
        is_relevant[_places(relevant, block)] = True
        hits = np.take_along_axis(is_relevant, order, axis=1)
        for k in cutoffs:
            recall, gain = _quality(hits, k)
            totals[f"recall@{k}"] += recall.sum()
            totals[f"ndcg@{k}"] += gain.sum()
    means = {name: float(total / len(rows)) for name, total in totals.items()}
    return {"rows": len(rows), **means}


def _quality(hits: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Recall and NDCG of each row of hits, bool [rows, columns] by rank."""
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    relevant = hits.sum(axis=1)
    ideal = np.cumsum(discounts)[np.minimum(relevant, k) - 1]
    first = hits[:, :k]
    recall = first.sum(axis=1) / relevant
    return recall, first @ discounts[:k] / ideal


def _cells(matrix: scipy.sparse.sparray) -> scipy.sparse.csr_array:
    """Ones where a matrix stores values."""
    matrix = scipy.sparse.csr_array(matrix, copy=True)
    matrix.sum_duplicates()
    ones = np.ones(matrix.nnz, np.int8)
    return scipy.sparse.csr_array(
        (ones, matrix.indices, matrix.indptr), shape=matrix.shape
    )


def _places(
    matrix: scipy.sparse.csr_array, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where some rows of a matrix store values, by the place of the row."""
    return matrix[rows].nonzero()
