"""Runs of matrix factorization on a prepared matrix, larger than memory."""

from typing import Any

import scipy.sparse

from keras_textgen.cli.settings import RunError
from keras_textgen.data.corpus import Corpus
from keras_textgen.data.shards.cells import PreparedCellBatches
from keras_textgen.data.shards.matrix import PreparedMatrix
from keras_textgen.models.matrices.cell_settings import NEGATIVES
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.tasks.matrices import MatrixTask


class PreparedMatrixTask(MatrixTask):
    """A run of dual matrix factorization on cells that stay in their files.

    Training, validation and errors are of all cells, rankings of some rows; see
    `ranked_part`.
    """

    def prepare(self, data: Corpus) -> PreparedMatrix:
        """The matrix; no cell of it is held."""
        if not isinstance(data, PreparedMatrix):
            raise TypeError(f"{type(data).__name__} is no PreparedMatrix")
        return data

    def _all_features(self) -> tuple[scipy.sparse.csr_array | None, ...]:
        return None, None

    def validation_data(self) -> PreparedCellBatches:
        """The validation set, in batches of which workers read their parts."""
        return self.batches("valid", self.settings.batch_size)

    def batches(self, split: str, batch_size: int) -> PreparedCellBatches:
        """The cells of a split, for implicit feedback with drawn ones."""
        settings = self.settings
        is_ranking = self._feedback == "ranking"
        try:
            return PreparedCellBatches(
                getattr(self.corpus, split),
                batch_size,
                settings.seed,
                feedback=self._feedback,
                negatives=settings.negatives or NEGATIVES[self._feedback],
                relevant_above=self._relevant_above if is_ranking else None,
            )
        except ValueError as error:
            raise RunError(f"{self.corpus.name}: {error}") from None

    def _model_of_corpus(self, **arguments: Any) -> DualMatrixFactorization:
        return DualMatrixFactorization.from_prepared(self.corpus, **arguments)
