"""Ranks the movies of MovieLens 100K by simple recommenders, to compare with.

Item neighbours (cosine, BM25) and alternating least squares (Hu, Koren and
Volinsky 2008) of the package `implicit`, in the five published folds, judged as
runs with `--feedback=ranking` are: by the same code, with the same relevant
cells (test ratings above the training mean), all movies ranked but those that
training or validation knows. Settings are those of the highest NDCG@10 of the
validation part; then training and validation are fitted together.

    pip install implicit
    python benchmarks/ranking_baselines.py --data_dir=DIR
"""

import argparse
import itertools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

from keras_textgen.data.cells import Ratings, relevant_cells
from keras_textgen.data.ratings import load_ratings
from keras_textgen.evaluation.ranking import ranking_quality

FOLDS = range(1, 6)
NAMES = ("recall@10", "ndcg@10", "recall@50", "ndcg@50")
# The matrix of users and movies that is fitted, and scores of users.
Fit = Callable[[scipy.sparse.csr_matrix], Callable[[np.ndarray], np.ndarray]]


def neighbours(make: type, size: int) -> Fit:
    """Scores by the movies that are most like those of a user."""

    def fit(known: scipy.sparse.csr_matrix) -> Any:
        model = make(K=size)
        model.fit(known, show_progress=False)
        return lambda users: (known[users] @ model.similarity.T).toarray()

    return fit


def least_squares(factors: int, strength: float, alpha: float) -> Fit:
    """Scores by products of factors."""

    def fit(known: scipy.sparse.csr_matrix) -> Any:
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=strength,
            alpha=alpha,
            iterations=20,
            random_state=0,
        )
        model.fit(known, show_progress=False)
        return lambda users: model.user_factors[users] @ model.item_factors.T

    return fit


def settings() -> dict[str, dict[str, Fit]]:
    """Those to choose from, by recommender."""
    sizes = (20, 50, 100, 200, 400)
    return {
        "item neighbours": {
            f"{make.__name__}, K={size}": neighbours(make, size)
            for make in (CosineRecommender, BM25Recommender)
            for size in sizes
        },
        "ALS": {
            f"{factors} factors, {strength:g}, alpha {alpha:g}": least_squares(
                factors, strength, alpha
            )
            for factors, strength, alpha in itertools.product(
                (8, 16, 32, 64), (0.1, 1, 10, 30), (1, 5, 20)
            )
        },
    }


def joined(*parts: Ratings) -> Ratings:
    """Cells of several splits."""
    columns = zip(*((p.rows, p.columns, p.values) for p in parts), strict=True)
    return Ratings(*map(np.concatenate, columns))


def ones(cells: Ratings, shape: tuple[int, int]) -> scipy.sparse.csr_matrix:
    """1 in each cell."""
    filled = Ratings(cells.rows, cells.columns, np.ones_like(cells.values))
    return scipy.sparse.csr_matrix(filled.matrix(shape))


def fold_figures(
    data_dir: pathlib.Path, fold: int
) -> Iterator[tuple[str, str, list[float]]]:
    """Recommender, chosen setting, and figures of the test part."""
    matrix = load_ratings("ml100k", data_dir, fold=fold)
    train, valid, test = matrix.train, matrix.valid, matrix.test
    shape, above = matrix.shape, float(train.values.mean())
    relevant = {
        name: relevant_cells(cells, above).matrix(shape)
        for name, cells in (("valid", valid), ("test", test))
    }
    known = joined(train, valid)
    # Every rating says that a movie was seen; those above the mean, that it
    # was liked.
    inputs = {
        "all": lambda cells: ones(cells, shape),
        "liked": lambda cells: ones(relevant_cells(cells, above), shape),
    }
    for name, choices in settings().items():
        chosen = max(
            itertools.product(inputs, choices),
            key=lambda pair: ranking_quality(
                choices[pair[1]](inputs[pair[0]](train)),
                relevant["valid"],
                train.matrix(shape),
            )["ndcg@10"],
        )
        scores = choices[chosen[1]](inputs[chosen[0]](known))
        found = ranking_quality(scores, relevant["test"], known.matrix(shape))
        yield name, ", ".join(chosen), [found[each] for each in NAMES]


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True, type=pathlib.Path)
    options = parser.parse_args()
    print(f"| recommender | fold | {' | '.join(NAMES)} | ratings, setting |")
    print("|---|---|---|---|---|---|---|")
    of_folds: dict[str, list[list[float]]] = {}
    for fold in FOLDS:
        for name, chosen, figures in fold_figures(options.data_dir, fold):
            of_folds.setdefault(name, []).append(figures)
            print(row(name, fold, figures, chosen), flush=True)
    for name, rows in of_folds.items():
        print(row(name, "mean", np.mean(rows, axis=0), ""))


def row(name: str, fold: Any, figures: Any, chosen: str) -> str:
    """A row of the table."""
    cells = " | ".join(f"{each:.4f}" for each in figures)
    return f"| {name} | {fold} | {cells} | {chosen} |"


if __name__ == "__main__":
    main()
