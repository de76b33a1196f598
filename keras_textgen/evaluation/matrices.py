"""All figures of a factorization, beside what it has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.cells import Ratings, relevant_cells
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.shards.matrix import PreparedCells
from keras_textgen.evaluation.ranking import errors_of, ranking_quality
from keras_textgen.evaluation.rating_baselines import (
    choose_biases,
    popularity_scores,
    rating_baselines,
)
from keras_textgen.evaluation.text_tables import csv_text

# The prefixes of their figures, and what is printed before them.
_BASELINES = {
    "global mean": "global mean",
    "biases": "biases",
    "popularity": "ranked by popularity",
}
_CUTOFFS = (10, 50)
# Rows of a prepared matrix that are ranked.
RANKED = 10_000


def rating_figures(
    predict: Callable[[Ratings], np.ndarray],
    splits: Mapping[str, Ratings],
    shape: tuple[int, int],
    value_range: tuple[float, float] | None = None,
) -> dict[str, float]:
    """Errors of the test cells, beside those of a mean and of biases.

    Args:
        predict: From cells to predictions, `[cells]`.
        splits: Known cells, "train", "valid" (which chooses the strength of
            the biases' regularization) and "test".
        shape: Rows and columns of the matrix.
        value_range: The baselines are clipped to it, as a model is.

    Returns:
        "rmse" and "mae", then the same of "global mean" and of "biases".

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [0, 0], [5.0, 1.0])))
        >>> splits = dict.fromkeys(("train", "valid", "test"), cells)
        >>> figures = rating_figures(
        ...     lambda cells: np.array([5.0, 2.0]), splits, (2, 1)
        ... )
        >>> figures["mae"], figures["global mean mae"]
        (0.5, 2.0)
    """
    test = splits["test"]
    biases = choose_biases(splits["train"], splits["valid"], shape)
    return {
        **errors_of(predict, test),
        **rating_baselines(biases, test, value_range),
    }


def ranking_figures(
    scores: Callable[[np.ndarray], np.ndarray],
    splits: Mapping[str, Ratings],
    shape: tuple[int, int],
    relevant_above: float | None = None,
    popularity: np.ndarray | None = None,
) -> dict[str, float]:
    """How well the test cells are ranked, beside a ranking by popularity.

    What training and validation know is left out of the rankings.

    Args:
        scores: From row numbers `[n]` to scores `[n, columns]`.
        splits: Known cells, "train", "valid" and "test".
        shape: Rows and columns of the matrix.
        relevant_above: Test cells of higher values are the ones to recommend;
            None for all.
        popularity: Of each column, `[columns]`; None for how many known cells
            it has in the splits.

    Returns:
        As `ranking_quality`, then the same of "popularity", without its rows;
        nothing where no test cell is to be recommended.

    Raises:
        ValueError: As in `ranking_quality`.

    Example:
        >>> train = Ratings(*map(np.array, ([0, 1], [0, 0], [1.0, 1.0])))
        >>> test = Ratings(*map(np.array, ([0], [1], [1.0])))
        >>> splits = {"train": train, "valid": train, "test": test}
        >>> figures = ranking_figures(
        ...     lambda rows: np.ones((len(rows), 2)), splits, (2, 2)
        ... )
        >>> figures["rows"], figures["recall@10"], figures["popularity ndcg@10"]
        (1, 1.0, 1.0)
    """
    relevant = splits["test"]
    if relevant_above is not None:
        try:
            relevant = relevant_cells(relevant, relevant_above)
        except ValueError:
            return {}  # None of the test cells is one to recommend.
    train, valid = splits["train"], splits["valid"]
    known = Ratings(
        np.concatenate([train.rows, valid.rows]),
        np.concatenate([train.columns, valid.columns]),
        np.ones(len(train) + len(valid), np.float32),
    )
    if popularity is None:
        popularity = popularity_scores(known, shape)
    systems = {
        "": scores,
        "popularity ": lambda rows: np.tile(popularity, (len(rows), 1)),
    }
    figures = {
        f"{prefix}{name}": value
        for prefix, score in systems.items()
        for name, value in ranking_quality(
            score, relevant.matrix(shape), known.matrix(shape), _CUTOFFS
        ).items()
    }
    del figures["popularity rows"]
    return figures


def ranked_part(
    splits: Mapping[str, PreparedCells], relevant_above: float | None = None
) -> tuple[dict[str, Ratings], int]:
    """The cells of the rows of which rankings of a prepared matrix are.

    Args:
        splits: Known cells, "train", "valid" and "test".
        relevant_above: As in `ranking_figures`.

    Returns:
        The cells of 10,000 rows at most, which are at equal distances among
        those with a test cell to recommend; and how many these are.
    """
    test = splits["test"]
    has_relevant = np.zeros(test.shape[0], bool)
    for chunk in test.chunks():
        rows = chunk.rows
        if relevant_above is not None:
            rows = rows[chunk.values > relevant_above]
        has_relevant[rows] = True
    rows = np.flatnonzero(has_relevant)
    chosen = rows[spread_rows(len(rows), RANKED)]
    part = {name: cells.of_rows(chosen) for name, cells in splits.items()}
    return part, len(rows)


def format_matrices(report: Mapping[str, Any]) -> str:
    """Sets the report of a factorization as a table.

    Args:
        report: With "figures"; "relevant_above", the value above which test
            cells are to be recommended, or None; "training_mean"; and perhaps
            "rows_to_rank", see `ranked_part`.

    Returns:
        A line for each figure, and one on what is relevant.

    Example:
        >>> report = {
        ...     "figures": {"rmse": 0.93, "biases rmse": 0.94},
        ...     "relevant_above": 3.5,
        ...     "training_mean": 3.5,
        ... }
        >>> print(format_matrices(report))
        RMSE  0.9300, biases 0.9400
        relevant are values above 3.5, the mean of training
    """
    figures, above = report["figures"], report["relevant_above"]
    text = format_figures(figures) if figures else "nothing to recommend"
    of = report.get("rows_to_rank") or 0
    if figures.get("rows", 0) < of:
        text += (
            f"\nranked are {figures['rows']:,} of {counted(of, 'row')}, at "
            "equal distances"
        )
    if above is None:
        return text
    text += f"\nrelevant are values above {above:.4g}"
    if np.isclose(above, report["training_mean"]):
        text += ", the mean of training"
    return text


def format_figures(figures: dict[str, float]) -> str:
    """Set figures as an aligned table.

    Args:
        figures: Errors, rows, and figures of rankings; those of baselines
            begin with their name, such as "popularity ".

    Returns:
        A line for each figure, those of the baselines behind it.

    Example:
        >>> print(
        ...     format_figures(
        ...         {
        ...             "rmse": 0.93,
        ...             "biases rmse": 0.94,
        ...             "rows": 5,
        ...             "ndcg@10": 0.5,
        ...             "popularity ndcg@10": 0.4,
        ...         }
        ...     )
        ... )
        RMSE         0.9300, biases 0.9400
        rows ranked  5
        NDCG@10      0.5000, ranked by popularity 0.4000
    """
    shown = {
        _shown_name(name): _figure(name, figures)
        for name in figures
        if not name.startswith(tuple(_BASELINES))
    }
    width = max(map(len, shown)) + 2
    return "\n".join(f"{name:{width}}{value}" for name, value in shown.items())


def below_popularity(figures: Mapping[str, float]) -> list[str]:
    """Which figures of a ranking are worse than one that reads no ids.

    Args:
        figures: As in `format_figures`.

    Returns:
        The names of those figures, as they are printed.

    Example:
        >>> below_popularity({"ndcg@10": 0.3, "popularity ndcg@10": 0.4})
        ['NDCG@10']
    """
    return [
        _shown_name(name)
        for name, value in figures.items()
        if value < figures.get(f"popularity {name}", -np.inf)
    ]


def _shown_name(name: str) -> str:
    return (
        name.replace("rmse", "RMSE")
        .replace("mae", "MAE")
        .replace("ndcg", "NDCG")
        .replace("recall", "Recall")
        .replace("rows", "rows ranked")
    )


def _figure(name: str, figures: dict[str, float]) -> str:
    if name == "rows":
        return f"{figures[name]:,}"
    beside = [
        f", {shown} {figures[f'{baseline} {name}']:.4f}"
        for baseline, shown in _BASELINES.items()
        if f"{baseline} {name}" in figures
    ]
    return f"{figures[name]:.4f}{''.join(beside)}"


def figures_csv(figures: Mapping[str, float]) -> str:
    r"""Figures as the text of a CSV file, a row a figure.

    Example:
        >>> figures_csv({"rmse": 0.5})
        'figure,value\nrmse,0.5\n'
    """
    return csv_text([("figure", "value"), *figures.items()])
