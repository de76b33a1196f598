"""What a model of ratings has to beat: a mean, biases, popularity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from keras_textgen.checks import Numbers, check, refused
from keras_textgen.data.cells import Ratings
from keras_textgen.data.shards.matrix import PreparedCells
from keras_textgen.evaluation.ranking import errors_of

STRENGTHS = (0.3, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1e3)
_TOLERANCE, _MOST_ITERATIONS = 1e-8, 1000


class Biases(NamedTuple):
    """A mean, and what rows and columns add to it.

    Attributes:
        mean: Of the values.
        rows: Float64 [rows].
        columns: Float64 [columns].
        strength: Of the regularization.
    """

    mean: float
    rows: np.ndarray
    columns: np.ndarray
    strength: float

    def predict(self, cells: Ratings) -> np.ndarray:
        """The sum of the three for some cells, float64 [cells]."""
        return self.mean + self.rows[cells.rows] + self.columns[cells.columns]


class _Equations:
    """The normal equations of the ridge regression, but for its strength."""

    def __init__(self, cells: Ratings, shape: tuple[int, int]) -> None:
        if not len(cells):
            raise refused("no cells", "1 or more")
        self._shape = shape
        self._mean = cells.mean
        self._sums = np.zeros(sum(shape))
        for chunk in cells.chunks():
            values = chunk.values.astype(np.float64) - self._mean
            self._sums += np.concatenate(
                [
                    np.bincount(numbers, values, size)
                    for numbers, size in zip(
                        (chunk.rows, chunk.columns), shape, strict=True
                    )
                ]
            )
        self._counts = np.concatenate(
            [cells.counts(axis, size) for axis, size in enumerate(shape)]
        )
        self._added = _adder(cells, shape)

    def solved(self, strength: float) -> Biases:
        """The biases of a strength."""
        check(Numbers(above=0), strength=strength)
        diagonal = strength + self._counts

        def product(biases: np.ndarray) -> np.ndarray:
            rows, columns = np.split(biases, [self._shape[0]])
            added = np.concatenate(self._added(rows, columns))
            return diagonal * biases + added

        size = sum(self._shape)
        biases, _ = scipy.sparse.linalg.cg(
            scipy.sparse.linalg.LinearOperator(
                (size, size), product, dtype=float
            ),
            self._sums,
            rtol=_TOLERANCE,
            maxiter=_MOST_ITERATIONS,
            M=scipy.sparse.diags_array(1 / diagonal),
        )
        rows, columns = np.split(biases, [self._shape[0]])
        return Biases(self._mean, rows, columns, strength)


def _adder(
    cells: Ratings, shape: tuple[int, int]
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A function of biases of rows and columns.

    It adds up for each row the biases of the columns that it has, and for each
    column those of its rows.
    """
    if isinstance(cells, PreparedCells):
        # The files are read anew; nothing of their size is held.
        def added(
            rows: np.ndarray, columns: np.ndarray
        ) -> tuple[np.ndarray, np.ndarray]:
            of_rows, of_columns = (np.zeros(size) for size in shape)
            for chunk in cells.chunks():
                of_rows += np.bincount(
                    chunk.rows, columns[chunk.columns], shape[0]
                )
                of_columns += np.bincount(
                    chunk.columns, rows[chunk.rows], shape[1]
                )
            return of_rows, of_columns

        return added
    ones = Ratings(cells.rows, cells.columns, np.ones(len(cells)))
    counts = ones.matrix(shape)
    transposed = counts.T.tocsr()
    return lambda rows, columns: (counts @ columns, transposed @ rows)


def choose_biases(
    cells: Ratings,
    valid: Ratings,
    shape: tuple[int, int],
    strengths: Sequence[float] = STRENGTHS,
) -> Biases:
    """Fit biases with the strength that does best on other cells.

    With the mean m of the values, the biases minimize

        sum over cells of (value - m - b_row - b_column)^2
        + strength (sum over rows of b^2 + sum over columns of b^2)

    (Koren 2008, section 2.1). The normal equations are solved by conjugate
    gradients; nothing is dense.

    Args:
        cells: To fit the biases to.
        valid: To choose the strength by, from its RMSE.
        shape: Rows and columns of the matrix.
        strengths: To choose from, above 0.

    Returns:
        The biases of `cells` alone, 0 for a row or a column without one; of
        equal ones, the first.

    Raises:
        ValueError: No cells, or a strength that is not above 0.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [0, 0], [5.0, 1.0])))
        >>> choose_biases(cells, cells, (2, 1)).strength
        0.3
        >>> biases = choose_biases(cells, cells, (2, 1), strengths=[1.0])
        >>> biases.mean, biases.rows.round(6).tolist()
        (3.0, [1.0, -1.0])
    """
    equations = _Equations(cells, shape)
    fitted = [equations.solved(strength) for strength in strengths]
    return min(
        fitted, key=lambda biases: errors_of(biases.predict, valid)["rmse"]
    )


def rating_baselines(
    biases: Biases,
    test: Ratings,
    value_range: tuple[float, float] | None = None,
) -> dict[str, float]:
    """Errors of the mean and of the biases.

    Args:
        biases: Of the training cells.
        test: Cells to predict.
        value_range: Predictions are clipped to it, as a model's are.

    Returns:
        "global mean rmse", "global mean mae", and the same of "biases".

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [0, 0], [5.0, 1.0])))
        >>> biases = choose_biases(cells, cells, (2, 1), [1.0])
        >>> found = rating_baselines(biases, cells)
        >>> found["global mean rmse"], round(found["biases rmse"], 6)
        (2.0, 1.0)
    """
    systems: dict[str, Callable[[Ratings], np.ndarray]] = {
        "global mean": lambda cells: np.full(len(cells), biases.mean),
        "biases": biases.predict,
    }
    figures: dict[str, float] = {}
    for name, predict in systems.items():
        errors = errors_of(_clipped(predict, value_range), test)
        figures |= {f"{name} {key}": error for key, error in errors.items()}
    return figures


def _clipped(
    predict: Callable[[Ratings], np.ndarray],
    value_range: tuple[float, float] | None,
) -> Callable[[Ratings], np.ndarray]:
    """Predictions within the range of the values, if there is one."""
    if value_range is None:
        return predict
    return lambda cells: np.clip(predict(cells), *value_range)


def popularity_scores(
    cells: Ratings, shape: tuple[int, int], above: float | None = None
) -> np.ndarray:
    """How many rows have a value in each column, float64 [columns].

    Args:
        cells: Known cells.
        shape: Rows and columns of the matrix.
        above: Values count that are above it; None for all.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [1, 1], [5.0, 1.0])))
        >>> popularity_scores(cells, (2, 3)).tolist()
        [0.0, 2.0, 0.0]
        >>> popularity_scores(cells, (2, 3), above=3).tolist()
        [0.0, 1.0, 0.0]
    """
    found = np.zeros(shape[1])
    for chunk in cells.chunks():
        columns = chunk.columns
        if above is not None:
            columns = columns[chunk.values > above]
        found += np.bincount(columns, minlength=shape[1])
    return found
