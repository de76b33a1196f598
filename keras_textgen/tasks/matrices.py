"""Runs of matrix factorization: cells, model, errors, recommendations."""

import pathlib
from typing import Any

import keras
import numpy as np
import scipy.sparse

from keras_textgen.checks import counted
from keras_textgen.cli.settings import (
    RunError,
    Settings,
    constructor_arguments,
)
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.batches.cells import feedback_batches
from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import checksum
from keras_textgen.data.matrix import Matrix, history_features
from keras_textgen.data.shards.matrix import PreparedMatrix
from keras_textgen.data.views import cells
from keras_textgen.evaluation.figures import report_figures
from keras_textgen.evaluation.matrices import below_popularity, figures_csv
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.models.matrices.cell_model import DEFAULT_FIELDS
from keras_textgen.models.matrices.cell_settings import NEGATIVES
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.tasks.base import Task, indented
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.run_directory import write_whole

# RMSE on MovieLens 100K, by the README of Surprise (commit 2381fb1): means of
# five random folds of its own.
PUBLISHED_RMSE = {
    "biases alone": 0.944,
    "biased SVD": 0.934,
    "kNN-baseline": 0.931,
    "SVD++": 0.919,
}
_NUM_ROWS_SHOWN, _NUM_RECOMMENDATIONS = 3, 5
_RESULTS_FILE = "results.csv"
# Whose values say how much a row likes a column, where they differ.
_RATED = ("ml100k", "movielens", "ratings", "prepared")


class MatrixTask(Task):
    """A run of dual matrix factorization on a `Matrix`."""

    def __init__(self, settings: Settings, data: Any = None) -> None:
        super().__init__(settings, data)
        self._feedback = settings.feedback or "explicit"
        corpus = self.corpus
        train = corpus.train
        self._values_differ = train.lowest < train.highest
        if self._feedback == "explicit" and not self._values_differ:
            raise RunError(
                f"{corpus.name}: every training value is {train.lowest:g}, "
                "which leaves --feedback=explicit nothing to learn; allowed: "
                "--feedback=ranking or implicit"
            )
        self._row_features, self._col_features = self._all_features()

    def _all_features(self) -> tuple[scipy.sparse.csr_array | None, ...]:
        """The features of rows and those of columns."""
        corpus, train = self.corpus, self.corpus.train
        transposed = Ratings(train.columns, train.rows, train.values)
        return (
            self._features(corpus.row_features, train, corpus.shape),
            self._features(
                corpus.column_features, transposed, corpus.shape[::-1]
            ),
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

    def prepare(self, data: Any) -> Matrix | PreparedMatrix:
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

    def batches(self, split: str, batch_size: int) -> RowBatches:
        """The cells of a split, for implicit feedback with drawn ones."""
        settings = self.settings
        try:
            return feedback_batches(
                self._feedback,
                getattr(self.corpus, split),
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
            return self.corpus.train.mean
        return None

    # -- The model -----------------------------------------------------------

    def make_model(self) -> keras.Model:
        """The model that the settings describe."""
        is_explicit = self._feedback == "explicit"
        is_ranking = self._feedback == "ranking"
        model = self._model_of_corpus(
            value_range=self.corpus.value_range if is_explicit else None,
            relevant_above=self._relevant_above if is_ranking else None,
            **constructor_arguments(self.settings),
        )
        if self.settings.start_at_baseline:
            model.start_at_baseline(self.corpus.train, self.corpus.valid)
        return model

    def _model_of_corpus(self, **arguments: Any) -> DualMatrixFactorization:
        corpus = self.corpus
        return DualMatrixFactorization.from_matrix(
            corpus.train.matrix(corpus.shape),
            row_ids=corpus.row_names,
            col_ids=corpus.column_names,
            row_features=self._row_features,
            col_features=self._col_features,
            fields=self._fields,
            **arguments,
        )

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
        if self.settings.dataset == "ml100k" and self._feedback == "explicit":
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
        best = unseen_columns(model, corpus, rows, _NUM_RECOMMENDATIONS)
        print("\nRecommended:")
        for row, columns in zip(rows, best, strict=True):
            titles = [corpus.column_titles[each] for each in columns]
            print(f"  {corpus.row_names[row]}: {', '.join(titles)}")


def unseen_columns(
    model: Any, corpus: Any, rows: np.ndarray, number: int
) -> list[list[int]]:
    """The best columns of some rows, without those known in training.

    Args:
      model: trained; one that holds no cells is asked for more columns.
      corpus: of cells that it was trained on.
      rows: their numbers.
      number: how many columns, if there are as many.

    Returns:
      For each row the numbers of columns, the best first.
    """
    if model.seen is not None:
        names = [corpus.row_names[row] for row in rows]
        found = model.recommend(names, k=number).columns
        return [[each for each in row if each >= 0] for row in found.tolist()]
    best = []
    for row in rows:
        known = set(corpus.train.of_row(row).columns.tolist())
        found = model.recommend(
            [corpus.row_names[row]], k=number + len(known), exclude_seen=False
        ).columns
        unseen = [each for each in found[0].tolist() if each not in known]
        best.append(unseen[:number])
    return best
