"""What a factorization learns cells by, and the forms in which they come."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import Numbers, check, refused
from keras_textgen.data.batches.cell_features import (
    CellsWithFeatures,
    checked_features,
)
from keras_textgen.data.batches.cells import (
    Batch,
    PairBatches,
    check_cells,
    feedback_batches,
)
from keras_textgen.data.cell_columns import check_duplicates
from keras_textgen.data.cells import (
    Ratings,
    check_values,
    matrix_cells,
    merge_repeated,
    table_cells,
    table_column,
)
from keras_textgen.data.frames import Frame
from keras_textgen.data.shards.cells import (
    PreparedCellBatches,
    cell_batches_of,
)
from keras_textgen.data.shards.matrix import PreparedCells
from keras_textgen.models.matrices.cell_settings import (
    checked_alpha,
    checked_fields,
    checked_negatives,
    without_meaningless,
)
from keras_textgen.models.matrices.factor_model import FactorModel
from keras_textgen.models.matrices.prepared_cells import prepared_cells
from keras_textgen.objectives.sampled_softmax import sampled_softmax_losses

# A sparse matrix whose stored values are the known cells; cells by their
# numbers, those of a prepared matrix, too; a table of named columns with raw
# ids; or batches of cells.
MatrixData = (
    scipy.sparse.sparray
    | Ratings
    | Mapping[str, Sequence]
    | PairBatches
    | tf.data.Dataset
)

# Columns of a table with ids of rows and columns, and with values.
DEFAULT_FIELDS = ("row", "column", "value")


class CellModel(FactorModel):
    """Base of factorizations that learn the cells of a matrix.

    It has the data, the loss and the metrics of each kind of feedback. A model
    has what `FactorModel` says, and adds what follows.

    Args:
        *args: As in `FactorModel`.
        global_mean: The mean, to which biases are added.
        feedback: "explicit", "implicit" or "ranking".
        alpha: Of the confidence, for implicit feedback; None for 1.
        negatives: Cells drawn for each observed one, but for explicit
            feedback; None for 4 with implicit feedback, 32 with ranking.
        relevant_above: For ranking, cells of higher values alone are to come
            first, and others may be drawn; None for all known cells.
        value_range: Predictions are clipped to it, but not in training; not
            for ranking.
        l2: Weight of the squared embeddings of ids, cell by cell.
        bias_l2: Weight of the squared biases, cell by cell.
        kernel_l2: Weight of the squared kernels of hidden layers given as
            pairs.
        fields: In tables, the columns with ids of rows and columns and with
            values.
        duplicates: "first", "last", "mean" or "sum": what becomes of a pair
            of row and column that is given again; None refuses it.
        **kwargs: As in `FactorModel`.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        *args: Any,
        global_mean: float = 0.0,
        feedback: str = "explicit",
        alpha: float | None = None,
        negatives: int | None = None,
        relevant_above: float | None = None,
        value_range: tuple[float, float] | None = None,
        l2: float = 0.0,
        bias_l2: float = 0.0,
        kernel_l2: float = 0.0,
        fields: tuple[str, str, str] = DEFAULT_FIELDS,
        duplicates: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        weights = {"l2": l2, "bias_l2": bias_l2, "kernel_l2": kernel_l2}
        check(Numbers(at_least=0), **weights)
        check(Numbers(), global_mean=global_mean)
        check_duplicates(duplicates)
        self.global_mean = global_mean
        self.feedback = feedback
        self.alpha = checked_alpha(feedback, alpha)
        self.negatives = checked_negatives(
            feedback, negatives, relevant_above, value_range
        )
        self.relevant_above = relevant_above
        self.value_range = value_range
        self.l2, self.bias_l2, self.kernel_l2 = l2, bias_l2, kernel_l2
        self.fields = checked_fields(fields)
        self.duplicates = duplicates

    reads_shards = (PreparedCells,)

    # -- What a model adds ---------------------------------------------------

    def drawn_predictions(self, cells: Batch) -> tf.Tensor:
        """Of the columns drawn for each cell, float32 [batch, negatives]."""
        raise NotImplementedError

    def penalties(self, cells: Batch) -> tf.Tensor:
        """What regularization adds to the loss of each cell, [batch]."""
        raise NotImplementedError

    # -- Training and evaluation steps ---------------------------------------

    def with_losses(
        self,
        outputs: tf.Tensor,
        x: Batch,
        y: None,
        sample_weight: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """The loss of each cell, beside its prediction."""
        del y, sample_weight
        weights = tf.cast(x["weight"], tf.float32)
        found = {"predictions": outputs}
        if self.feedback == "ranking":
            found["losses"] = weights * sampled_softmax_losses(
                outputs, self.drawn_predictions(x), x["unobserved"]
            )
        else:
            values = tf.cast(x["value"], tf.float32)
            if self.feedback == "implicit":
                weights *= 1 + self.alpha * values
                values = tf.cast(values > 0, tf.float32)
            found["errors"] = outputs - values
            found["losses"] = weights * found["errors"] ** 2
        if training:
            found["losses"] += self.penalties(x)
        return found

    def _make_metrics(self) -> None:
        self._loss = keras.metrics.Mean(name="loss")
        self._errors: list[keras.metrics.Metric] = []
        if self.feedback == "explicit":
            self._errors = [
                keras.metrics.RootMeanSquaredError(name="rmse"),
                keras.metrics.MeanAbsoluteError(name="mae"),
            ]

    def update_metrics(
        self, outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> None:
        """Add a batch to loss and errors."""
        self._loss.update_state(outputs["losses"], sample_weight)
        for metric in self._errors:
            errors = outputs["errors"][:, tf.newaxis]
            metric.update_state(tf.zeros_like(errors), errors, sample_weight)

    @property
    def takes_metrics(self) -> bool:
        """Whether predictions are those of values."""
        return self.feedback == "explicit"

    def adapted_metrics(self, metrics: Any) -> Any:
        """Metrics of values, not of classes."""
        for each in keras.tree.flatten(metrics):
            if isinstance(each, str) and each in ("accuracy", "acc"):
                raise refused(
                    f"compile with the metric {each!r}",
                    "metrics of numbers, such as 'mae'",
                )
        return metrics

    def target_and_prediction(
        self, outputs: dict[str, tf.Tensor], x: Batch, y: None
    ) -> tuple[tf.Tensor, tf.Tensor] | None:
        """Values and predictions, float32 [batch, 1], of explicit feedback."""
        del y
        if not self.takes_metrics:
            return None
        # Of [batch], Keras's metrics would take the mean of the batch for one
        # row, and leave aside its weights.
        values = tf.cast(x["value"], tf.float32)
        return values[:, tf.newaxis], outputs["predictions"][:, tf.newaxis]

    @property
    def own_metrics(self) -> list[keras.metrics.Metric]:
        """Loss, and for explicit feedback the errors."""
        return [self._loss, *self._errors]

    # -- Matrices in, arrays out ---------------------------------------------

    def row_batches(
        self,
        x: MatrixData,
        y: Sequence[float] | None,
        sample_weight: np.ndarray | None,
        batch_size: int,
        *,
        is_shuffled: bool = True,
        is_prediction: bool = False,
    ) -> PairBatches | PreparedCellBatches:
        """A sparse matrix; or a table (named columns with raw ids, `fields`).

        Or cells by their numbers, or those of a prepared matrix. A table may
        hold its values, or `y` them; it holds the `brought_features` of its
        cells. Predictions need no values; those of a matrix are in the order of
        `matrix.tocoo()`.
        """
        data = x if y is None else self._with_values(x, y)
        if isinstance(data, PreparedCells):
            return cell_batches_of(
                data,
                self,
                batch_size,
                sample_weight=sample_weight,
                is_shuffled=is_shuffled,
                is_prediction=is_prediction,
            )
        cells = self._cells(data, has_values=not is_prediction)
        features = self._features_of_cells(data, len(cells))
        settings = {"is_shuffled": is_shuffled, "sample_weight": sample_weight}
        if not is_prediction:
            cells = self._each_once(
                cells, has_more=bool(features) or sample_weight is not None
            )
        if features:
            return CellsWithFeatures(
                cells,
                self.shape,
                batch_size,
                features,
                seed=self.seed,
                **settings,
            )
        if is_prediction:
            return PairBatches(cells, self.shape, batch_size, **settings)
        return feedback_batches(
            self.feedback,
            cells,
            self.shape,
            batch_size,
            seed=self.seed,
            negatives=self.negatives,
            observed=self._seen_cells(),
            relevant_above=self.relevant_above,
            **settings,
        )

    def from_frame(self, frame: Frame, y: Any) -> tuple[Any, Any]:
        """The columns that the model knows; a data frame as it is."""
        names = [*self.fields, *self.brought_features]
        if hasattr(frame.table, "iloc"):
            return frame.table, y
        if not {*names[:2]} <= {*frame}:
            return frame, y
        return {name: frame[name] for name in names if name in frame}, y

    def merged(self, cells: Ratings) -> Ratings:
        """Known cells without pairs that are given again; see `duplicates`."""
        return merge_repeated(cells, self.duplicates)

    def _each_once(self, cells: Ratings, has_more: bool) -> Ratings:
        check_cells(cells, self.shape)
        merged = self.merged(cells)
        check_values(merged, self.feedback)
        if has_more and len(merged) < len(cells):
            raise refused(
                "sample_weight, or features of cells, with duplicates="
                f"{self.duplicates!r}, which makes one cell of several",
                "every pair once",
            )
        return merged

    def prepared(self, x: Batch, y: tf.Tensor | None) -> tuple[Batch, None]:
        """Cells by their numbers, of a batch of a dataset.

        Args:
            x: "row" and "column", their numbers or raw ids as strings; or the
                columns of a table, see `fields`, with raw ids. Beside them
                the values, unless they are in `y`; the `brought_features`,
                [batch, features]; perhaps "weight", and for ranking what
                `RankingBatches` gives.
            y: Values, or None.
        """
        batch = prepared_cells(self, x, y)
        for name, number in self.brought_features.items():
            if name not in batch:
                raise refused(
                    f"no {name!r} in the batches", f"{number} of each cell"
                )
        if self.feedback == "ranking" and y is not None:
            raise refused(
                "batches (x, y) with feedback='ranking', which needs what "
                "is drawn beside a cell",
                "model.batches(data)",
            )
        return batch, None

    def _prepared_batch(self, batch: tuple, is_prediction: bool) -> Any:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(
            batch if len(batch) > 1 else batch[0]
        )
        names = "value", self.fields[2]
        has_values = y is not None or not isinstance(x, dict) or {*names} & {*x}
        needs_values = self.feedback != "ranking" and not is_prediction
        if needs_values and not has_values:
            raise refused(
                f"batches of {', '.join(map(repr, x))}, without values",
                f"a column {self.fields[2]!r}, or values as y",
            )
        return super()._prepared_batch(batch, is_prediction)

    def _check_targets(self, are_given: bool) -> None:
        """Values are in the data, or beside them."""

    def _with_values(self, x: MatrixData, y: Sequence[float]) -> MatrixData:
        is_table = isinstance(x, Mapping) or hasattr(x, "columns")
        is_table &= not isinstance(x, Ratings)
        if not is_table or self.fields[2] in x:
            raise refused(
                "y beside data that hold their values",
                f"None, or a table without the column {self.fields[2]!r}",
            )
        names = *self.fields[:2], *self.brought_features
        table = {name: table_column(x, name) for name in names}
        return table | {self.fields[2]: y}

    @property
    def brought_features(self) -> dict[str, int]:
        """The features that come with cells: name -> how many.

        "row_features" or "column_features", of a model that was given their
        number.
        """
        towers = {
            "row_features": self.row_tower,
            "column_features": self.col_tower,
        }
        return {
            name: tower.num_features
            for name, tower in towers.items()
            if tower.needs_features
        }

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return len(self.row_ids), len(self.col_ids)

    def batches(
        self, data: MatrixData, batch_size: int = 1024
    ) -> PairBatches | PreparedCellBatches:
        """Known cells in batches; but for explicit feedback, with drawn ones.

        What is `seen` is never drawn, but for ranking, where it is not
        relevant.

        Args:
            data: As in `fit`, but no dataset.
            batch_size: Known cells a batch.

        Raises:
            ValueError: If an id or a value is not allowed, or a pair is given
                again and `duplicates` is None.
        """
        if isinstance(data, PairBatches | PreparedCellBatches):
            return data
        return self.row_batches(data, None, None, batch_size)

    # -- From what users have to numbers -------------------------------------

    def _cells(self, data: MatrixData, has_values: bool = True) -> Ratings:
        if isinstance(data, Ratings):
            return data
        if scipy.sparse.issparse(data):
            if data.shape != self.shape:
                raise refused(
                    f"a matrix of shape {list(data.shape)}",
                    f"{list(self.shape)}",
                )
            return matrix_cells(data)
        fields = (*self.fields[:2], self.fields[2] if has_values else None)
        return table_cells(data, fields, self.row_ids, self.col_ids)

    def _features_of_cells(
        self, data: MatrixData, count: int
    ) -> dict[str, scipy.sparse.csr_array]:
        return {
            name: checked_features(
                name, table_column(data, name), (count, number)
            )
            for name, number in self.brought_features.items()
        }

    def _seen_cells(self) -> Ratings | None:
        if self.seen is None:
            return None
        splits = np.asarray(self.seen.splits)
        if not splits[-1]:
            # A model that is made of its config alone has seen nothing.
            return None
        rows = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
        return Ratings(
            rows, np.asarray(self.seen.indices), np.asarray(self.seen.values)
        )

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "global_mean": self.global_mean,
            "feedback": self.feedback,
            "alpha": self.alpha,
            "negatives": self.negatives,
            "relevant_above": self.relevant_above,
            "value_range": self.value_range and list(self.value_range),
            "l2": self.l2,
            "bias_l2": self.bias_l2,
            "kernel_l2": self.kernel_l2,
            "fields": list(self.fields),
            "duplicates": self.duplicates,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CellModel":
        """Rebuild the model.

        Files of before may have what has no meaning; see
        `without_meaningless`.
        """
        return super().from_config(without_meaningless(config))
