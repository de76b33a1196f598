"""What a model of ratings has to beat: a mean, biases, popularity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from keras_textgen.checks import Numbers, check, refused
from keras_textgen.data.cells import Ratings
from keras_textgen.evaluation.ranking import rating_errors

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


def fit_biases(
    cells: Ratings, shape: tuple[int, int], strength: float
) -> Biases:
    """Solve the ridge regression on rows and columns.

    With the mean m of the values, the biases minimize

        sum over cells of (value - m - b_row - b_column)^2
        + strength (sum over rows of b^2 + sum over columns of b^2)

    (Koren 2008, section 2.1). The normal equations are solved by conjugate
    gradients; nothing is dense.

    Args:
        cells: Known cells.
        shape: Rows and columns of the matrix.
        strength: Of the regularization, above 0.

    Returns:
        The biases; 0 for a row or a column without a known cell.

    Raises:
        ValueError: No cells, or a strength that is not above 0.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [0, 0], [5.0, 1.0])))
        >>> biases = fit_biases(cells, (2, 1), strength=1.0)
        >>> biases.mean, biases.rows.round(6).tolist()
        (3.0, [1.0, -1.0])
    """
    if not len(cells):
        raise refused("no cells", "1 or more")
    check(Numbers(above=0), strength=strength)
    values = cells.values.astype(np.float64)
    mean = float(values.mean())
    ones = Ratings(cells.rows, cells.columns, np.ones(len(cells)))
    counts = ones.matrix(shape)
    transposed = counts.T.tocsr()
    diagonal = strength + np.concatenate(
        [counts.sum(axis=1), counts.sum(axis=0)]
    )

    def product(biases: np.ndarray) -> np.ndarray:
        rows, columns = np.split(biases, [shape[0]])
        return diagonal * biases + np.concatenate(
            [counts @ columns, transposed @ rows]
        )

    sums = np.concatenate(
        [
            np.bincount(numbers, values - mean, size)
            for numbers, size in zip(
                (cells.rows, cells.columns), shape, strict=True
            )
        ]
    )
    size = sum(shape)
    biases, _ = scipy.sparse.linalg.cg(
        scipy.sparse.linalg.LinearOperator((size, size), product, dtype=float),
        sums,
        rtol=_TOLERANCE,
        maxiter=_MOST_ITERATIONS,
        M=scipy.sparse.diags_array(1 / diagonal),
    )
    rows, columns = np.split(biases, [shape[0]])
    return Biases(mean, rows, columns, strength)


def choose_biases(
    cells: Ratings,
    valid: Ratings,
    shape: tuple[int, int],
    strengths: Sequence[float] = STRENGTHS,
) -> Biases:
    """Fit biases with the strength that does best on other cells.

    Args:
        cells: To fit the biases to.
        valid: To choose the strength by, from its RMSE.
        shape: Rows and columns of the matrix.
        strengths: To choose from.

    Returns:
        The biases of `cells` alone; of equal ones, the first.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [0, 0], [5.0, 1.0])))
        >>> choose_biases(cells, cells, (2, 1)).strength
        0.3
    """
    fitted = [fit_biases(cells, shape, strength) for strength in strengths]
    return min(
        fitted,
        key=lambda biases: rating_errors(biases.predict(valid), valid.values)[
            "rmse"
        ],
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
        >>> found = rating_baselines(fit_biases(cells, (2, 1), 1.0), cells)
        >>> found["global mean rmse"], round(found["biases rmse"], 6)
        (2.0, 1.0)
    """
    predictions = {
        "global mean": np.full(len(test), biases.mean),
        "biases": biases.predict(test),
    }
    figures: dict[str, float] = {}
    for name, predicted in predictions.items():
        if value_range is not None:
            predicted = np.clip(predicted, *value_range)
        errors = rating_errors(predicted, test.values)
        figures |= {f"{name} {key}": error for key, error in errors.items()}
    return figures


def popularity_scores(cells: Ratings, shape: tuple[int, int]) -> np.ndarray:
    """How many rows have a value in each column, float64 [columns].

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [1, 1], [5.0, 1.0])))
        >>> popularity_scores(cells, (2, 3)).tolist()
        [0.0, 2.0, 0.0]
    """
    return np.bincount(cells.columns, minlength=shape[1]).astype(np.float64)
