"""Baselines of ratings against a dense ridge regression."""

import numpy as np
import pytest

from keras_textgen.data.cells import Ratings, ratings_of
from keras_textgen.evaluation.rating_baselines import (
    STRENGTHS,
    choose_biases,
    popularity_scores,
    rating_baselines,
)

SHAPE = 7, 5


@pytest.fixture(scope="module")
def cells():
    generator = np.random.default_rng(0)
    places = generator.permutation(30)[:20]  # the last row has none
    rows, columns = np.divmod(places, 5)
    return ratings_of(rows, columns, generator.normal(3, 2, 20))


def ridge(cells, strength):
    """The normal equations of indicators of rows and columns, solved."""
    indicators = np.zeros((len(cells), sum(SHAPE)))
    for place, (row, column) in enumerate(
        zip(cells.rows, cells.columns, strict=True)
    ):
        indicators[place, [row, SHAPE[0] + column]] = 1
    gram = indicators.T @ indicators + strength * np.eye(sum(SHAPE))
    centered = cells.values.astype(float)
    centered -= centered.mean()
    return np.linalg.solve(gram, indicators.T @ centered)


def fit_biases(cells, shape, strength):
    return choose_biases(cells, cells, shape, [strength])


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_biases_are_those_of_a_ridge_regression(cells, strength):
    biases = fit_biases(cells, SHAPE, strength)
    found = np.concatenate([biases.rows, biases.columns])
    np.testing.assert_allclose(found, ridge(cells, strength), atol=1e-6)
    assert biases.mean == pytest.approx(cells.values.mean())
    assert biases.rows[6] == 0


def test_biases_of_one_row_in_closed_form():
    # b = sum of (value - mean) / (n + strength), row by row; no column
    # has two.
    cells = ratings_of([0, 0, 1], [0, 1, 2], [5, 4, 0])
    strength = 1e9  # of which the columns' part vanishes
    biases = fit_biases(cells, (2, 3), strength)
    np.testing.assert_allclose(biases.rows * strength, [3.0, -3.0], rtol=1e-6)


def test_strength_is_chosen_on_other_cells(cells):
    generator = np.random.default_rng(1)
    rows = generator.integers(0, 7, 40)
    columns = generator.integers(0, 5, 40)
    errors = {}
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(size=40) * seed
        valid = ratings_of(rows, columns, 3 + noise)
        for strength in STRENGTHS:
            solved = ridge(cells, strength)
            predicted = cells.values.mean() + solved[rows]
            predicted = predicted + solved[7 + columns]
            errors[strength] = np.mean((predicted - valid.values) ** 2)
        best = min(errors, key=errors.get)
        assert choose_biases(cells, valid, SHAPE).strength == best


def test_errors(cells):
    biases = fit_biases(cells, SHAPE, 2.0)
    test = ratings_of([0, 6, 3], [4, 0, 3], [1, 9, 4])
    found = rating_baselines(biases, test, (2.5, 3.0))
    predicted = [
        np.clip(biases.mean + biases.rows[i] + biases.columns[j], 2.5, 3.0)
        for i, j in zip(test.rows, test.columns, strict=True)
    ]
    assert found == pytest.approx(
        {
            "global mean rmse": np.sqrt(
                np.mean((np.clip(biases.mean, 2.5, 3) - test.values) ** 2)
            ),
            "global mean mae": np.mean(
                np.abs(np.clip(biases.mean, 2.5, 3) - test.values)
            ),
            "biases rmse": np.sqrt(np.mean((predicted - test.values) ** 2)),
            "biases mae": np.mean(np.abs(predicted - test.values)),
        }
    )


def test_popularity(cells):
    scores = popularity_scores(cells, SHAPE)
    assert scores.tolist() == [
        np.count_nonzero(cells.columns == column) for column in range(5)
    ]


def test_refused():
    empty = Ratings(*(np.zeros(0, int) for _ in range(3)))
    with pytest.raises(ValueError, match="no cells; allowed: 1 or more"):
        fit_biases(empty, SHAPE, 1.0)
    with pytest.raises(ValueError, match="strength=0; allowed: numbers above"):
        fit_biases(ratings_of([0], [0], [1]), SHAPE, 0)
