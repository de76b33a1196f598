"""Runs of matrix factorization: cells, model, errors, recommendations."""

import pathlib
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import counted
from keras_textgen.cli.settings import (
    RunError,
    Settings,
    constructor_arguments,
)
from keras_textgen.data.batches.cells import PairBatches, feedback_batches
from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import checksum
from keras_textgen.data.matrix import Matrix, history_features
from keras_textgen.data.views import cells
from keras_textgen.evaluation.figures import report_figures
from keras_textgen.evaluation.matrices import below_popularity, figures_csv
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.models.matrices.cell_model import (
    DEFAULT_FIELDS,
    NEGATIVES,
)
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.tasks.base import Task, indented
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.run_directory import write_whole

# RMSE on MovieLens 100K, mean of five folds, published.
PUBLISHED_RMSE = {
    "biases alone": 0.944,
    "biased SVD": 0.934,
    "kNN-baseline": 0.931,
    "SVD++": 0.919,
}
_NUM_ROWS_SHOWN, _NUM_RECOMMENDATIONS = 3, 5
_RESULTS_FILE = "results.csv"
# Whose values say how much a row likes a column, where they differ.
_RATED = ("ml100k", "movielens", "ratings")


class MatrixTask(Task):
    """A run of dual matrix factorization on a `Matrix`."""

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

    def prepare(self, data: Matrix) -> Matrix:
        """The cells; where rows are texts, those of their words."""
        return cells(data)

    @property
    def size_text(self) -> str:
        """Rows, columns and known cells."""
        rows, columns = self.corpus.shape
        return (
            f"{rows:,} x {columns:,}, "
            f"{counted(len(self.corpus.train), 'training value')}"
        )

    def fingerprint(self) -> int:
        """Depends on every id, every known cell and every feature."""
        parts = []
        for features in (self._row_features, self._col_features):
            if features is not None:
                parts += [features.indptr, features.indices, features.data]
        return checksum(parts, self.corpus.fingerprint)

    def training_set(self, batch_size: int) -> PairBatches:
        """The training cells."""
        return self._batches(self.corpus.train, batch_size)

    def evaluation_data(self, split: str) -> tf.data.Dataset:
        """The cells of a split, for implicit feedback with drawn ones."""
        return self._batches(
            getattr(self.corpus, split), self.settings.batch_size
        ).evaluation_dataset()

    def _batches(self, cells: Ratings, batch_size: int) -> PairBatches:
        settings = self.settings
        try:
            return feedback_batches(
                self._feedback,
                cells,
                self.corpus.shape,
                batch_size,
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
            fields=self._fields,
            **constructor_arguments(self.settings),
        )
        if self.settings.start_at_baseline:
            model.start_at_baseline(corpus.train, corpus.valid)
        return model

    @property
    def _fields(self) -> tuple[str, str, str]:
        """The columns of tables that the model will be given."""
        if self.corpus.fields is None:
            return DEFAULT_FIELDS
        row, column, value = self.corpus.fields
        return row, column, value or DEFAULT_FIELDS[2]

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
            results = evaluate_model(model, self.corpus)
        except ValueError as error:
            raise RunError(f"{self.corpus.name}: {error}") from None
        self.print_heading()
        print(indented(format_table(results)))
        self.figures += report_figures(results)
        if self.settings.dataset == "ml100k":
            published = ", ".join(
                f"{name} {rmse:.3f}" for name, rmse in PUBLISHED_RMSE.items()
            )
            print(f"  RMSE published, mean of five folds: {published}")
        below = below_popularity(results["figures"])
        if below:
            print(f"  {', '.join(below)}: below popularity's; {self._remedy}.")
        self._print_recommendations(model)
        with writing(folder / _RESULTS_FILE):
            write_whole(folder / _RESULTS_FILE, figures_csv(results["figures"]))
        return {_RESULTS_FILE: "the figures above"}

    @property
    def _remedy(self) -> str:
        """What may bring the ranking above that by popularity."""
        if self._feedback != "ranking":
            return "--feedback=ranking trains which columns come first"
        if not self.settings.start_at_baseline:
            return "--start_at_baseline begins at popularity"
        return "a larger --l2 holds the factors smaller"

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
