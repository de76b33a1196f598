"""Dual matrix factorization: two networks whose dot product is a cell."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.pair_batching import Batch, PairBatches, check_range
from keras_textgen.data.ratings import Ratings
from keras_textgen.layers.towers import (
    HiddenLayer,
    SparseRows,
    SparseVectors,
    Tower,
)
from keras_textgen.models.global_batch_model import (
    GlobalBatchModel,
    check_sizes,
)

# A sparse matrix whose stored values are the known cells; cells by their
# numbers; a table of named columns with raw ids; or batches of cells.
MatrixData = (
    scipy.sparse.sparray
    | Ratings
    | Mapping[str, Sequence]
    | PairBatches
    | tf.data.Dataset
)
FeatureMatrix = scipy.sparse.sparray | np.ndarray

_FEEDBACK = ("explicit", "implicit")
_ROWS_AT_A_TIME = 1024


class Recommendations(NamedTuple):
    """The best columns of some rows, best first.

    Attributes:
        columns: Their numbers, int32 [rows, k]; -1 where no column is left.
        ids: Their raw ids, str [rows, k]; empty where no column is left.
        scores: Their predicted values, float32 [rows, k]; -inf there.
    """

    columns: np.ndarray
    ids: np.ndarray
    scores: np.ndarray


@keras.saving.register_keras_serializable("keras_textgen")
class DualMatrixFactorization(GlobalBatchModel):
    """Deep matrix factorization with two networks (keras-aquarium).

    After "Collaborative Deep Embedding via Dual Networks" (Xiong et al.
    2016). A tower of its own turns the rows into vectors, and another one the
    columns:

        x_0 = [embedding of the id; linear embedding of the features]
        x_l = hidden layer l of x_{l-1}
        prediction = mean + row bias + column bias + x_L . y_L

    or, with `multi_level`, the sum of x_l . y_l over all levels. Without
    hidden layers and features this is biased matrix factorization.

    Explicit feedback is learnt by squared error. Implicit feedback r > 0 (how
    often) by the weighted loss of Hu et al. (2008), equation 3: the cell is 1
    with the confidence 1 + alpha r, and cells that are not observed are 0 with
    the confidence 1; of those, some are drawn, see `PairBatches`.

    A new model is compiled with Nadam, and can be compiled otherwise.

    Args:
        row_ids: Raw ids of the rows, or their number.
        col_ids: Raw ids of the columns, or their number.
        row_dim: Width of the embedding of row ids; 0 leaves it out.
        col_dim: The same of columns.
        row_features: Features of every row, sparse [rows, features]; they are
            saved with the model.
        col_features: The same of columns.
        row_feature_dim: Width of the linear embedding of row features.
        col_feature_dim: The same of columns.
        join: "concatenate" or "add": how the two embeddings are joined.
        row_layers: Hidden layers: pairs of units and activation, or
            callables, such as Keras layers, from one level to the next.
        col_layers: The same of columns.
        multi_level: Whether to sum over all levels.
        use_biases: Whether there are a mean and biases.
        global_mean: The mean.
        feedback: "explicit" or "implicit".
        alpha: Of the confidence, for implicit feedback.
        negatives: Cells drawn for each observed one, for implicit feedback.
        l2: Weight of the squared embeddings of ids, cell by cell.
        bias_l2: Weight of the squared biases, cell by cell.
        kernel_l2: Weight of the squared kernels of hidden layers given as
            pairs.
        value_range: Predictions are clipped to it, but not in training.
        seen: Cells that are known already, sparse [rows, columns]:
            `recommend` leaves them out. Saved with the model.
        fields: In tables, the columns with ids of rows and columns and with
            values.
        seed: Of what is drawn.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> matrix = scipy.sparse.coo_array([[5.0, 1.0], [4.0, 0.0]])
        >>> model = DualMatrixFactorization.from_matrix(
        ...     matrix, row_layers=[(3, "tanh")], col_layers=[(3, "tanh")]
        ... )
        >>> history = model.fit(matrix, epochs=1, verbose=0)
        >>> model.recommend([1], k=5).columns.tolist()
        [[1, -1]]
    """

    def __init__(
        self,
        row_ids: int | Sequence[str],
        col_ids: int | Sequence[str],
        *,
        row_dim: int = 50,
        col_dim: int = 50,
        row_features: FeatureMatrix | SparseRows | None = None,
        col_features: FeatureMatrix | SparseRows | None = None,
        row_feature_dim: int = 50,
        col_feature_dim: int = 50,
        join: str = "concatenate",
        row_layers: Sequence[HiddenLayer] = ((50, "relu"),),
        col_layers: Sequence[HiddenLayer] = ((50, "relu"),),
        multi_level: bool = False,
        use_biases: bool = True,
        global_mean: float = 0.0,
        feedback: str = "explicit",
        alpha: float = 1.0,
        negatives: int = 4,
        l2: float = 0.0,
        bias_l2: float = 0.0,
        kernel_l2: float = 0.0,
        value_range: tuple[float, float] | None = None,
        seen: FeatureMatrix | SparseRows | None = None,
        fields: tuple[str, str, str] = ("row", "column", "value"),
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.row_ids = _checked_ids("row_ids", row_ids)
        self.col_ids = _checked_ids("col_ids", col_ids)
        if feedback not in _FEEDBACK:
            raise ValueError(
                f"feedback={feedback!r} is not allowed; allowed: "
                f"{', '.join(_FEEDBACK)}"
            )
        for name, value in (
            ("alpha", alpha),
            ("l2", l2),
            ("bias_l2", bias_l2),
            ("kernel_l2", kernel_l2),
            ("row_dim", row_dim),
            ("col_dim", col_dim),
        ):
            if not value >= 0:
                raise ValueError(f"{name}={value}; allowed: 0 or more")
        check_sizes(
            row_feature_dim=row_feature_dim,
            col_feature_dim=col_feature_dim,
            negatives=negatives,
        )
        self.row_dim, self.col_dim = row_dim, col_dim
        self.row_feature_dim = row_feature_dim
        self.col_feature_dim = col_feature_dim
        self.row_layers = _checked_layers("row_layers", row_layers)
        self.col_layers = _checked_layers("col_layers", col_layers)
        self.join = join
        self.multi_level = multi_level
        self.use_biases = use_biases
        self.global_mean = global_mean
        self.feedback = feedback
        self.alpha = alpha
        self.negatives = negatives
        self.l2, self.bias_l2, self.kernel_l2 = l2, bias_l2, kernel_l2
        self.value_range = value_range
        self.fields = tuple(fields)

        shape = len(self.row_ids), len(self.col_ids)
        self.row_features = _as_rows("row_features", row_features, shape[0])
        self.col_features = _as_rows("col_features", col_features, shape[1])
        self.seen = _as_rows("seen", seen, shape[0])
        if self.seen is not None and self.seen.num_columns != shape[1]:
            raise ValueError(
                f"seen has {self.seen.num_columns} columns; allowed: {shape[1]}"
            )
        self.row_lookup = _lookup(self.row_ids)
        self.col_lookup = _lookup(self.col_ids)
        shared = {
            "join": join,
            "kernel_l2": kernel_l2,
            "use_bias": use_biases,
            "dtype": self.dtype_policy,
        }
        self.row_tower = Tower(
            shape[0],
            row_dim,
            features=self.row_features,
            feature_dim=row_feature_dim,
            layers=self.row_layers,
            **shared,
        )
        self.col_tower = Tower(
            shape[1],
            col_dim,
            features=self.col_features,
            feature_dim=col_feature_dim,
            layers=self.col_layers,
            **shared,
        )
        self._check_widths()
        self._loss = keras.metrics.Mean(name="loss")
        self._errors: list[keras.metrics.Metric] = []
        if feedback == "explicit":
            self._errors = [
                keras.metrics.RootMeanSquaredError(name="rmse"),
                keras.metrics.MeanAbsoluteError(name="mae"),
            ]
        self.built = True
        self.compile("nadam")

    @classmethod
    def from_matrix(
        cls, matrix: scipy.sparse.sparray, **settings: Any
    ) -> "DualMatrixFactorization":
        """Make a model for a sparse matrix of known cells.

        Args:
            matrix: What the model will be trained on. It gives the numbers of
                rows and columns (unless `row_ids`, `col_ids` are given), the
                mean for explicit feedback, and what `recommend` leaves out.
            **settings: As in the constructor.
        """
        matrix = scipy.sparse.csr_array(matrix)
        known = {
            "row_ids": matrix.shape[0],
            "col_ids": matrix.shape[1],
            "seen": matrix,
        }
        if settings.get("feedback", "explicit") == "explicit" and matrix.nnz:
            known["global_mean"] = float(matrix.data.mean(dtype=np.float64))
        return cls(**{**known, **settings})

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, Sequence],
        fields: tuple[str, str, str] = ("row", "column", "value"),
        **settings: Any,
    ) -> "DualMatrixFactorization":
        """Make a model for a table of known cells with raw ids.

        Args:
            table: Named columns, such as a dictionary of lists or a data
                frame; what the model will be trained on. Rows and columns are
                in the order in which they occur first.
            fields: Names of the columns with the ids of rows and columns and
                with the values.
            **settings: As in the constructor.

        Example:
            >>> table = {"user": [7, 9], "film": ["a", "b"], "stars": [1, 5]}
            >>> model = DualMatrixFactorization.from_table(
            ...     table, fields=("user", "film", "stars")
            ... )
            >>> model.row_ids, model.global_mean
            (('7', '9'), 3.0)
        """
        ids = [_raw_ids(_column(table, field)) for field in fields[:2]]
        names = [tuple(dict.fromkeys(each)) for each in ids]
        rows, columns = (
            _numbers_of(kind, each, known)
            for kind, each, known in zip(fields[:2], ids, names, strict=True)
        )
        values = np.asarray(_column(table, fields[2]), np.float32)
        cells = Ratings(rows, columns, values)
        known = {"row_ids": names[0], "col_ids": names[1], "fields": fields}
        shape = len(names[0]), len(names[1])
        return cls.from_matrix(cells.matrix(shape), **{**known, **settings})

    # -- The model -----------------------------------------------------------

    def call(self, cells: Batch, training: bool = False) -> tf.Tensor:
        """Predicted values.

        Args:
            cells: "row" and "column", int [batch].
            training: Whether to leave out the clipping.

        Returns:
            float32 [batch].
        """
        predictions = self._predictions(cells)
        return predictions if training else self.clipped(predictions)

    def row_vectors(
        self, rows: tf.Tensor, features: SparseVectors | None = None
    ) -> tf.Tensor:
        """Vectors whose dot product with those of columns is a prediction.

        Args:
            rows: int32 [n]; -1 for a row without an id.
            features: Of these rows, in place of those that the model holds.

        Returns:
            float32 [n, width]: levels, bias, 1.
        """
        parts = self._used(self.row_tower(rows, features))
        if self.use_biases:
            bias = self.row_tower.bias_of(rows)[:, tf.newaxis]
            parts += [bias, tf.ones_like(bias)]
        return tf.concat(parts, axis=1)

    def col_vectors(
        self, columns: tf.Tensor, features: SparseVectors | None = None
    ) -> tf.Tensor:
        """As `row_vectors`: levels, 1, mean and bias."""
        parts = self._used(self.col_tower(columns, features))
        if self.use_biases:
            bias = self.col_tower.bias_of(columns)[:, tf.newaxis]
            parts += [tf.ones_like(bias), self.global_mean + bias]
        return tf.concat(parts, axis=1)

    def clipped(self, predictions: tf.Tensor) -> tf.Tensor:
        """Predictions within the range of the values."""
        if self.value_range is None:
            return predictions
        return tf.clip_by_value(predictions, *self.value_range)

    def _predictions(self, cells: Batch) -> tf.Tensor:
        # A row that occurs more than once is computed once.
        rows, row_index = tf.unique(tf.cast(cells["row"], tf.int32))
        columns, col_index = tf.unique(tf.cast(cells["column"], tf.int32))
        return tf.reduce_sum(
            tf.gather(self.row_vectors(rows), row_index)
            * tf.gather(self.col_vectors(columns), col_index),
            axis=1,
        )

    def _used(self, levels: list[tf.Tensor]) -> list[tf.Tensor]:
        """The levels whose dot products count, float32."""
        used = levels if self.multi_level else levels[-1:]
        return [tf.cast(level, tf.float32) for level in used]

    def _check_widths(self) -> None:
        widths = self.row_tower.widths, self.col_tower.widths
        if not self.multi_level:
            widths = widths[0][-1:], widths[1][-1:]
        if widths[0] != widths[1]:
            raise ValueError(
                f"the widths of rows are {widths[0]} and those of columns "
                f"{widths[1]}; allowed: the same"
            )

    # -- Training and evaluation steps ---------------------------------------

    def step_outputs(self, data: Any, training: bool) -> dict[str, tf.Tensor]:
        """Predictions of a batch of cells, and the loss of each."""
        cells, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        predictions = self(cells, training=training)
        values = tf.cast(cells["value"], tf.float32)
        weights = tf.cast(cells["weight"], tf.float32)
        if self.feedback == "implicit":
            weights *= 1 + self.alpha * values
            values = tf.cast(values > 0, tf.float32)
        errors = predictions - values
        losses = weights * errors**2
        if training:
            losses += self._penalties(cells)
        return {"losses": losses, "errors": errors}

    def _penalties(self, cells: Batch) -> tf.Tensor:
        """What L2 regularization adds to the loss of each cell."""
        penalties = tf.zeros(tf.shape(cells["row"]))
        for tower, ids in (
            (self.row_tower, cells["row"]),
            (self.col_tower, cells["column"]),
        ):
            if self.l2 and tower.embedding is not None:
                vectors = tf.gather(tower.embedding, ids)
                penalties += self.l2 * tf.reduce_sum(vectors**2, axis=1)
            if self.bias_l2 and tower.bias is not None:
                penalties += self.bias_l2 * tf.gather(tower.bias, ids) ** 2
        return penalties + sum(self.losses)

    def update_metrics(self, outputs: dict[str, tf.Tensor]) -> None:
        """Add a batch to loss and errors."""
        self._loss.update_state(outputs["losses"])
        errors = outputs["errors"][:, tf.newaxis]
        for metric in self._errors:
            metric.update_state(tf.zeros_like(errors), errors)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The model's own metrics; Keras's loss tracker is not among them."""
        return [self._loss, *self._errors]

    # -- Matrices in, arrays out ---------------------------------------------

    def fit(
        self,
        x: MatrixData,
        *args: Any,
        batch_size: int = 1024,
        validation_data: MatrixData | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on known cells.

        Args:
            x: A sparse matrix; or a table (named columns with raw ids, see
                `fields`); or cells by their numbers; or batches of them.
            *args: As in `keras.Model.fit`.
            batch_size: Cells a batch.
            validation_data: As `x`.
            **kwargs: As in `keras.Model.fit`.

        Returns:
            Keras's history.

        Raises:
            ValueError: If an id or a value is not allowed.
        """
        if not isinstance(x, tf.data.Dataset):
            x = self.batches(x, batch_size)
            kwargs.setdefault("steps_per_epoch", x.steps_per_epoch)
            x = x.training_stream(kwargs.get("initial_epoch", 0))
        if validation_data is not None:
            validation_data = self._dataset(validation_data, batch_size)
        return super().fit(
            x,
            *args,
            validation_data=validation_data,
            shuffle=False,  # the batches are shuffled already
            **kwargs,
        )

    def evaluate(
        self, x: MatrixData, *args: Any, batch_size: int = 1024, **kwargs: Any
    ) -> Any:
        """Metrics of known cells; for implicit feedback, drawn ones too."""
        dataset = self._dataset(x, batch_size)
        return super().evaluate(dataset, *args, **kwargs)

    def predict(
        self, x: MatrixData, *args: Any, batch_size: int = 1024, **kwargs: Any
    ) -> np.ndarray:
        """Predicted values of cells, float32 [cells]; a table needs no values.

        Those of a matrix are in the order of `matrix.tocoo()`.
        """
        if not isinstance(x, (tf.data.Dataset, PairBatches)):
            cells = self._cells(x, has_values=False)
            x = PairBatches(cells, self.shape, batch_size)
        dataset = self._dataset(x, batch_size)
        return super().predict(dataset, *args, **kwargs)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return len(self.row_ids), len(self.col_ids)

    def batches(self, data: MatrixData, batch_size: int = 1024) -> PairBatches:
        """Known cells in batches; for implicit feedback, with drawn ones.

        What is `seen` is never drawn.

        Args:
            data: As in `fit`, but no dataset.
            batch_size: Known cells a batch.

        Raises:
            ValueError: If an id or a value is not allowed.
        """
        if isinstance(data, PairBatches):
            return data
        implicit = self.feedback == "implicit"
        return PairBatches(
            self._cells(data),
            self.shape,
            batch_size,
            seed=self.seed,
            negatives=self.negatives if implicit else 0,
            observed=self._seen_cells() if implicit else None,
        )

    def row_encoder(
        self,
        rows: Sequence[str] | Sequence[int] | None = None,
        features: FeatureMatrix | None = None,
    ) -> np.ndarray:
        """Vectors of rows: products with those of `col_encoder` predict.

        Args:
            rows: Raw ids (strings) or numbers of rows; None for all of them,
                or for rows without an id if there are features.
            features: Of these rows, [n, features]; None for those that the
                model holds.

        Returns:
            float32 [n, width]: the levels that count, then bias and 1.

        Raises:
            ValueError: If an id or the shape of the features is not allowed.
        """
        numbers = self._numbers("row", rows, features)
        return self._encoded("row", numbers, features)

    def col_encoder(
        self,
        columns: Sequence[str] | Sequence[int] | None = None,
        features: FeatureMatrix | None = None,
    ) -> np.ndarray:
        """As `row_encoder`: the levels that count, then 1, mean and bias."""
        numbers = self._numbers("column", columns, features)
        return self._encoded("column", numbers, features)

    def recommend(
        self,
        rows: Sequence[str] | Sequence[int] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        features: FeatureMatrix | None = None,
    ) -> Recommendations:
        """The columns of the highest predictions.

        Equal predictions are in the order of the columns.

        Args:
            rows: As in `row_encoder`.
            k: How many columns; there are no more than the matrix has.
            exclude_seen: Leave out what is `seen` in a row.
            features: As in `row_encoder`.

        Raises:
            ValueError: If an argument is not allowed.
        """
        if k < 1:
            raise ValueError(f"k={k}; allowed: 1 or more")
        if exclude_seen and self.seen is None:
            raise ValueError(
                "exclude_seen=True needs a model that was made with `seen`; "
                "allowed here: False"
            )
        numbers = self._numbers("row", rows, features)
        vectors = self._encoded("row", numbers, features)
        catalogue = tf.constant(self.col_encoder())
        parts = []
        for start in range(0, len(numbers), _ROWS_AT_A_TIME):
            block = slice(start, start + _ROWS_AT_A_TIME)
            best = self.in_graph("best_columns")(
                tf.constant(vectors[block]),
                catalogue,
                tf.constant(k),
                tf.constant(numbers[block]) if exclude_seen else None,
            )
            parts.append([each.numpy() for each in best])
        columns, scores = (
            np.concatenate(each) for each in zip(*parts, strict=True)
        )
        ids = np.array([*self.col_ids, ""])[columns]
        return Recommendations(columns, ids, scores)

    # -- The same in the graph, for the methods above and for export ---------

    def best_columns(
        self,
        row_vectors: tf.Tensor,
        col_vectors: tf.Tensor,
        k: tf.Tensor,
        rows: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The columns of the highest products.

        Args:
            row_vectors: float32 [n, width].
            col_vectors: float32 [columns, width].
            k: How many, int32 scalar.
            rows: Numbers of the rows whose `seen` columns are left out, int32
                [n]; -1 for none.

        Returns:
            int32 and float32 [n, min(k, columns)]: numbers and products, best
            first and equal ones by number; -1 and -inf where none is left.
        """
        scores = tf.matmul(row_vectors, col_vectors, transpose_b=True)
        if rows is not None:
            seen = self.seen(rows)
            places = tf.stack(
                [tf.cast(seen.vectors, tf.int32), seen.indices], axis=1
            )
            scores = tf.tensor_scatter_nd_update(
                scores, places, tf.fill(tf.shape(seen.indices), -np.inf)
            )
        best = tf.math.top_k(scores, tf.minimum(k, tf.shape(scores)[1]))
        columns = tf.where(best.values > -np.inf, best.indices, -1)
        return columns, best.values

    def row_numbers(self, ids: tf.Tensor) -> tf.Tensor:
        """Numbers of raw ids, int32 [n] for string [n]; -1 if unknown."""
        return tf.cast(self.row_lookup(ids), tf.int32) - 1

    def col_numbers(self, ids: tf.Tensor) -> tf.Tensor:
        """As `row_numbers`."""
        return tf.cast(self.col_lookup(ids), tf.int32) - 1

    # -- From what users have to numbers -------------------------------------

    def _dataset(self, data: MatrixData, batch_size: int) -> tf.data.Dataset:
        if isinstance(data, tf.data.Dataset):
            return data
        return self.batches(data, batch_size).evaluation_dataset()

    def _cells(self, data: MatrixData, has_values: bool = True) -> Ratings:
        if isinstance(data, Ratings):
            return data
        if scipy.sparse.issparse(data):
            if data.shape != self.shape:
                raise ValueError(
                    f"a matrix of shape {list(data.shape)}; allowed: "
                    f"{list(self.shape)}"
                )
            data = data.tocoo()
            return Ratings(*data.coords, np.asarray(data.data, np.float32))
        rows, columns = (
            _numbers_of(field, _raw_ids(_column(data, field)), ids)
            for field, ids in zip(
                self.fields[:2], (self.row_ids, self.col_ids), strict=True
            )
        )
        values = np.zeros(len(rows), np.float32)
        if has_values:
            values = np.asarray(_column(data, self.fields[2]), np.float32)
        if not len(rows) == len(columns) == len(values):
            raise ValueError(
                f"{len(rows)} rows, {len(columns)} columns, {len(values)} "
                "values; allowed: as many"
            )
        return Ratings(rows, columns, values)

    def _seen_cells(self) -> Ratings | None:
        if self.seen is None:
            return None
        splits = np.asarray(self.seen.splits)
        rows = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
        return Ratings(
            rows, np.asarray(self.seen.indices), np.asarray(self.seen.values)
        )

    def _numbers(
        self,
        name: str,
        ids: Sequence[str] | Sequence[int] | None,
        features: FeatureMatrix | None,
    ) -> np.ndarray:
        """Numbers of rows or columns, int32 [n]; -1 without an id."""
        known = self.row_ids if name == "row" else self.col_ids
        if ids is None:
            if features is not None:
                return np.full(features.shape[0], -1, np.int32)
            return np.arange(len(known), dtype=np.int32)
        ids = np.asarray(ids)
        if ids.ndim != 1 or not ids.size:
            raise ValueError(
                f"{name}s of shape {list(ids.shape)}; allowed: [n], n above 0"
            )
        if ids.dtype.kind not in "iu":
            return _numbers_of(name, _raw_ids(ids), known)
        check_range(name, ids, len(known))
        return ids.astype(np.int32)

    def _encoded(
        self, name: str, numbers: np.ndarray, features: FeatureMatrix | None
    ) -> np.ndarray:
        tower = self.row_tower if name == "row" else self.col_tower
        encode = self.in_graph(
            "row_vectors" if name == "row" else "col_vectors"
        )
        if features is not None:
            _check_features(name, features, len(numbers), tower)
            features = scipy.sparse.csr_array(features)
        parts = []
        for start in range(0, len(numbers), _ROWS_AT_A_TIME):
            block = slice(start, start + _ROWS_AT_A_TIME)
            given = None
            if features is not None:
                given = SparseVectors.from_matrix(features[block])
            parts.append(encode(tf.constant(numbers[block]), given).numpy())
        return np.concatenate(parts)

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "row_ids": list(self.row_ids),
            "col_ids": list(self.col_ids),
            "row_dim": self.row_dim,
            "col_dim": self.col_dim,
            "row_features": serialize(self.row_features),
            "col_features": serialize(self.col_features),
            "row_feature_dim": self.row_feature_dim,
            "col_feature_dim": self.col_feature_dim,
            "row_layers": _layers_config(self.row_layers),
            "col_layers": _layers_config(self.col_layers),
            "join": self.join,
            "multi_level": self.multi_level,
            "use_biases": self.use_biases,
            "global_mean": self.global_mean,
            "feedback": self.feedback,
            "alpha": self.alpha,
            "negatives": self.negatives,
            "l2": self.l2,
            "bias_l2": self.bias_l2,
            "kernel_l2": self.kernel_l2,
            "value_range": self.value_range and list(self.value_range),
            "seen": serialize(self.seen),
            "fields": list(self.fields),
        }


def _checked_ids(name: str, ids: int | Sequence[str]) -> tuple[str, ...]:
    if isinstance(ids, (int, np.integer)):
        check_sizes(**{name: ids})
        return tuple(map(str, range(ids)))
    ids = tuple(map(str, ids))
    if not ids:
        raise ValueError(f"{name} is empty; allowed: 1 id or more")
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise ValueError(f"{name} has {twice!r} twice; allowed: every id once")
    return ids


def _checked_layers(
    name: str, layers: Sequence[HiddenLayer]
) -> tuple[HiddenLayer, ...]:
    for layer in layers:
        if not callable(layer):
            if not isinstance(layer, Sequence) or len(layer) != 2:
                raise ValueError(
                    f"{name} has {layer!r}; allowed: (units, activation), or "
                    "a callable"
                )
            check_sizes(units=layer[0])
    return tuple(layers)


def _layers_config(layers: Sequence[HiddenLayer]) -> list:
    return [
        keras.saving.serialize_keras_object(layer)
        if callable(layer)
        else list(layer)
        for layer in layers
    ]


def _as_rows(
    name: str, matrix: FeatureMatrix | SparseRows | None, size: int
) -> SparseRows | None:
    if matrix is None:
        return None
    if not isinstance(matrix, SparseRows):
        matrix = SparseRows.from_matrix(matrix)
    if matrix.num_rows != size:
        raise ValueError(f"{name} has {matrix.num_rows} rows; allowed: {size}")
    return matrix


def _lookup(ids: Sequence[str]) -> keras.layers.StringLookup:
    return keras.layers.StringLookup(vocabulary=list(ids), num_oov_indices=1)


def _column(table: Mapping[str, Sequence], field: str) -> Sequence:
    try:
        return table[field]
    except (KeyError, TypeError, IndexError):
        raise ValueError(
            f"no column {field!r} in the data; allowed: a sparse matrix, or a "
            "table with that column"
        ) from None


def _raw_ids(ids: Sequence) -> list[str]:
    return [str(each) for each in np.asarray(ids).tolist()]


def _numbers_of(
    name: str, ids: Sequence[str], known: Sequence[str]
) -> np.ndarray:
    numbers = {each: number for number, each in enumerate(known)}
    for each in ids:
        if each not in numbers:
            raise ValueError(
                f"{name} {each!r} is unknown; allowed: the {len(known)} ids "
                f"from {known[0]!r} to {known[-1]!r}"
            )
    return np.array([numbers[each] for each in ids], np.int32)


def _check_features(
    name: str, features: FeatureMatrix, count: int, tower: Tower
) -> None:
    if tower.features is None:
        raise ValueError(f"this model has no {name} features; allowed: ids")
    allowed = count, tower.features.num_columns
    if features.shape != allowed:
        raise ValueError(
            f"{name} features of shape {list(features.shape)}; allowed: "
            f"{list(allowed)}"
        )
