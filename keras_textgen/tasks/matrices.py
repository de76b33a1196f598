"""Runs of matrix factorization: cells, model, errors, recommendations."""

import csv
import io
import pathlib
import zlib
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.cli.flag_table import hidden_layers
from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.batches.cells import PairBatches, feedback_batches
from keras_textgen.data.cells import Ratings, relevant_cells
from keras_textgen.data.ratings import history_features
from keras_textgen.evaluation.ranking import ranking_quality, rating_errors
from keras_textgen.evaluation.rating_baselines import (
    choose_biases,
    popularity_scores,
    rating_baselines,
)
from keras_textgen.models.matrices.dmf import NEGATIVES, DualMatrixFactorization
from keras_textgen.models.matrices.export import export_dmf
from keras_textgen.tasks.base import Task, indented
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.run_directory import write_whole

# The constructor's arguments by the flags that give them.
_ARGUMENTS = {
    "embedding_dim": ("row_dim", "col_dim"),
    "feature_dim": ("row_feature_dim", "col_feature_dim"),
    "hidden_layers": ("row_layers", "col_layers"),
    **{
        name: (name,)
        for name in (
            "join",
            "multi_level",
            "use_biases",
            "feedback",
            "alpha",
            "negatives",
            "l2",
            "bias_l2",
            "kernel_l2",
        )
    },
}
# RMSE on MovieLens 100K, mean of five folds, published.
PUBLISHED_RMSE = {
    "biases alone": 0.944,
    "biased SVD": 0.934,
    "kNN-baseline": 0.931,
    "SVD++": 0.919,
}
# The prefixes of their figures, and what is printed before them.
_BASELINES = {
    "global mean": "global mean",
    "biases": "biases",
    "popularity": "ranked by popularity",
}
_CUTOFFS = (10, 50)
_NUM_ROWS_SHOWN, _NUM_RECOMMENDATIONS = 3, 5
_RESULTS_FILE = "results.csv"
# Whose values say how much a row likes a column, where they differ.
_RATED = ("ml100k", "ratings")


class MatrixTask(Task):
    """A run of dual matrix factorization on a `RatingsCorpus`."""

    def __init__(self, settings: Settings, data: Any = None) -> None:
        super().__init__(settings, data)
        self._feedback = settings.feedback or "explicit"
        corpus = self.corpus
        values = corpus.train.values
        self._values_differ = bool(values.min() < values.max())
        if self._feedback == "explicit" and not self._values_differ:
            raise RunError(
                f"{corpus.name}: every training value is {values[0]:g}, which "
                "leaves --feedback=explicit nothing to learn; allowed: "
                "--feedback=ranking or implicit"
            )
        self._row_features = self._features(
            corpus.row_features, corpus.train, corpus.shape
        )
        transposed = Ratings(
            corpus.train.columns, corpus.train.rows, corpus.train.values
        )
        self._col_features = self._features(
            corpus.column_features, transposed, corpus.shape[::-1]
        )

    def _features(
        self,
        side: scipy.sparse.csr_array | None,
        cells: Ratings,
        shape: tuple[int, int],
    ) -> scipy.sparse.csr_array | None:
        parts = []
        if self.settings.side_features is not False and side is not None:
            parts.append(side)
        if self.settings.history_features:
            parts.append(history_features(cells, shape))
        return scipy.sparse.hstack(parts, format="csr") if parts else None

    # -- The data ------------------------------------------------------------

    @property
    def size_text(self) -> str:
        """Rows, columns and known cells."""
        rows, columns = self.corpus.shape
        return (
            f"{rows:,} x {columns:,}, {len(self.corpus.train):,} training "
            "values"
        )

    def fingerprint(self) -> int:
        """Depends on every id, every known cell and every feature."""
        corpus = self.corpus
        names = "\n".join([*corpus.row_names, "", *corpus.column_names])
        number = zlib.crc32(names.encode())
        parts = []
        for cells in (corpus.train, corpus.valid):
            parts += [cells.rows, cells.columns, cells.values]
        for features in (self._row_features, self._col_features):
            if features is not None:
                parts += [features.indptr, features.indices, features.data]
        for part in parts:
            number = zlib.crc32(np.ascontiguousarray(part).tobytes(), number)
        return number

    def training_batches(self) -> PairBatches:
        """The training cells."""
        return self._batches(self.corpus.train)

    def validation_data(self) -> tf.data.Dataset:
        """The validation cells, for implicit feedback with drawn ones."""
        return self._batches(self.corpus.valid).evaluation_dataset()

    def _batches(self, cells: Ratings) -> PairBatches:
        settings = self.settings
        try:
            return feedback_batches(
                self._feedback,
                cells,
                self.corpus.shape,
                settings.batch_size,
                seed=settings.seed,
                negatives=settings.negatives or NEGATIVES[self._feedback],
                observed=self.corpus.train,
                relevant_above=self._relevant_above,
            )
        except ValueError as error:
            raise RunError(f"{self.corpus.name}: {error}") from None

    @property
    def _relevant_above(self) -> float | None:
        """Of ratings, those above the mean are the ones to recommend."""
        is_rated = self.settings.dataset in _RATED and self._values_differ
        if self._feedback == "explicit" or (
            self._feedback == "ranking" and is_rated
        ):
            return float(self.corpus.train.values.mean(dtype=float))
        return None

    def _relevant(self, cells: Ratings) -> Ratings:
        above = self._relevant_above
        return cells if above is None else relevant_cells(cells, above)

    # -- The model -----------------------------------------------------------

    def make_model(self) -> keras.Model:
        """The model that the settings describe."""
        corpus = self.corpus
        is_explicit = self._feedback == "explicit"
        is_ranking = self._feedback == "ranking"
        model = DualMatrixFactorization.from_matrix(
            corpus.train.matrix(corpus.shape),
            row_ids=corpus.row_names,
            col_ids=corpus.column_names,
            row_features=self._row_features,
            col_features=self._col_features,
            value_range=corpus.value_range if is_explicit else None,
            relevant_above=self._relevant_above if is_ranking else None,
            seed=self.settings.seed,
            **_model_arguments(self.settings),
        )
        if self.settings.start_at_baseline:
            model.start_at_baseline(corpus.train, corpus.valid)
        return model

    def fits(self, model: keras.Model) -> bool:
        """Whether rows and columns have the same ids."""
        here = self.corpus.row_names, self.corpus.column_names
        return here == (model.row_ids, model.col_ids)

    # -- What comes after training -------------------------------------------

    def print_results(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print errors, the quality of rankings, and recommendations."""
        try:
            figures = self._figures(model)
        except ValueError as error:
            raise RunError(f"{self.corpus.name}: {error}") from None
        self.print_heading()
        print(indented(format_figures(figures)))
        if self._relevant_above is not None:
            print(
                f"  relevant are values above {self._relevant_above:.4g}, the "
                "mean of training"
            )
        if self.settings.dataset == "ml100k":
            published = ", ".join(
                f"{name} {rmse:.3f}" for name, rmse in PUBLISHED_RMSE.items()
            )
            print(f"  RMSE published, mean of five folds: {published}")
        below = below_popularity(figures)
        if below:
            print(f"  {', '.join(below)}: below popularity's; {self._remedy}.")
        self._print_recommendations(model)
        with writing(folder / _RESULTS_FILE):
            write_whole(folder / _RESULTS_FILE, _as_csv(figures))
        return {_RESULTS_FILE: "the figures above"}

    @property
    def _remedy(self) -> str:
        """What may bring the ranking above that by popularity."""
        if self._feedback != "ranking":
            return "--feedback=ranking trains which columns come first"
        if not self.settings.start_at_baseline:
            return "--start_at_baseline begins at popularity"
        return "a larger --l2 holds the factors smaller"

    def _figures(self, model: keras.Model) -> dict[str, float]:
        figures: dict[str, float] = {}
        if self._feedback == "explicit":
            figures |= self._errors(model)
        return figures | self._rankings(model)

    def _errors(self, model: keras.Model) -> dict[str, float]:
        corpus = self.corpus
        predictions = model.predict(corpus.test, verbose=0)
        biases = choose_biases(corpus.train, corpus.valid, corpus.shape)
        return {
            **rating_errors(predictions, corpus.test.values),
            **rating_baselines(biases, corpus.test, corpus.value_range),
        }

    def _rankings(self, model: keras.Model) -> dict[str, float]:
        corpus = self.corpus
        try:
            relevant = self._relevant(corpus.test)
        except ValueError:
            return {}  # None of the test cells is one to recommend.
        known = Ratings(
            np.concatenate([corpus.train.rows, corpus.valid.rows]),
            np.concatenate([corpus.train.columns, corpus.valid.columns]),
            np.ones(len(corpus.train) + len(corpus.valid), np.float32),
        )
        row_vectors, col_vectors = model.row_encoder(), model.col_encoder()
        popularity = popularity_scores(known, corpus.shape)
        scores = {
            "": lambda rows: row_vectors[rows] @ col_vectors.T,
            "popularity ": lambda rows: np.tile(popularity, (len(rows), 1)),
        }
        figures = {
            f"{prefix}{name}": value
            for prefix, score in scores.items()
            for name, value in ranking_quality(
                score,
                relevant.matrix(corpus.shape),
                known.matrix(corpus.shape),
                _CUTOFFS,
            ).items()
        }
        del figures["popularity rows"]
        return figures

    def _print_recommendations(self, model: keras.Model) -> None:
        corpus = self.corpus
        number = min(_NUM_ROWS_SHOWN, corpus.shape[0])
        rows = np.arange(number) * corpus.shape[0] // number
        names = [corpus.row_names[row] for row in rows]
        best = model.recommend(names, k=_NUM_RECOMMENDATIONS)
        print("\nRecommended:")
        for name, columns in zip(names, best.columns, strict=True):
            titles = [
                corpus.column_titles[each] for each in columns if each >= 0
            ]
            print(f"  {name}: {', '.join(titles)}")

    @staticmethod
    def export(model: keras.Model, path: pathlib.Path) -> None:
        """Write a SavedModel with raw ids and features as inputs."""
        export_dmf(model, path)


def format_figures(figures: dict[str, float]) -> str:
    """Set the figures of a run as an aligned table.

    Args:
      figures: errors, rows, and figures of rankings; those of baselines
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


def below_popularity(figures: dict[str, float]) -> list[str]:
    """Which figures of a ranking are worse than one that reads no ids.

    Args:
      figures: as in `format_figures`.

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


def _as_csv(figures: dict[str, float]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["figure", "value"])
    writer.writerows(figures.items())
    return buffer.getvalue()


def _model_arguments(settings: Settings) -> dict[str, Any]:
    arguments = {}
    for name, targets in _ARGUMENTS.items():
        value = getattr(settings, name)
        if value is not None and name == "hidden_layers":
            value = hidden_layers(value)
        if value is not None:
            arguments |= dict.fromkeys(targets, value)
    return arguments
