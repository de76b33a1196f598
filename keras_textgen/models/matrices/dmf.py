"""Dual matrix factorization: two networks whose dot product is a cell."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    WholeNumbers,
    check,
    counted,
    refused,
)
from keras_textgen.data.batches.cells import (
    Batch,
    check_cells,
)
from keras_textgen.data.cells import (
    Ratings,
    matrix_cells,
    merge_repeated,
    table_cells,
    table_column,
)
from keras_textgen.data.raw_ids import (
    raw_ids,
)
from keras_textgen.data.shards.matrix import PreparedMatrix
from keras_textgen.evaluation.rating_baselines import (
    choose_biases,
    popularity_scores,
)
from keras_textgen.layers.hidden_layers import (
    HiddenLayer,
    built_layers,
    checked_layers,
    layers_config,
)
from keras_textgen.layers.sparse_vectors import (
    SparseVectors,
    dot_products,
    repeated_rows,
)
from keras_textgen.layers.towers import (
    FeatureMatrix,
    SparseRows,
    Tower,
    as_rows,
    features_of_ids,
    first_width,
    of_each,
)
from keras_textgen.models.matrices.cell_model import (
    DEFAULT_FIELDS,
    CellModel,
)
from keras_textgen.models.matrices.cell_settings import checked_fields
from keras_textgen.models.matrices.factor_model import (
    checked_ids,
    id_lookup,
)


@keras.saving.register_keras_serializable("keras_textgen")
class DualMatrixFactorization(CellModel):
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

    Ranking learns which columns of a row come before others: each cell by the
    softmax of its prediction among those of the row's unobserved columns, of
    which some are drawn, see `sampled_softmax_losses`.

    A new model is compiled with Nadam, and can be compiled otherwise.

    Args:
        row_ids: Raw ids of the rows, or their number.
        col_ids: Raw ids of the columns, or their number.
        row_dim: Width of the embedding of row ids; 0 leaves it out.
        col_dim: The same of columns.
        row_features: Features of every row, sparse [rows, features], which
            are saved with the model; or their number, for explicit feedback,
            if every cell brings those of its row.
        col_features: The same of columns.
        row_feature_dim: Width of the linear embedding of row features; None
            takes the features as they are.
        col_feature_dim: The same of columns.
        join: "concatenate" or "add": how the two embeddings are joined.
        row_layers: Hidden layers: pairs of units and activation (a name or a
            function), or callables, such as Keras layers, from one level to
            the next; they are called once to be built, see `built_layers`.
        col_layers: The same of columns.
        multi_level: Whether to sum over all levels.
        use_biases: Whether there are a mean and biases.
        seen: Cells that are known already, sparse [rows, columns]:
            `recommend` leaves them out. Saved with the model.
        **kwargs: As in `CellModel`.

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

    default_batch_size = 1024
    default_optimizer = "nadam"

    def __init__(
        self,
        row_ids: int | Sequence[str],
        col_ids: int | Sequence[str],
        *,
        row_dim: int = 50,
        col_dim: int = 50,
        row_features: FeatureMatrix | SparseRows | int | None = None,
        col_features: FeatureMatrix | SparseRows | int | None = None,
        row_feature_dim: int | None = 50,
        col_feature_dim: int | None = 50,
        join: str = "concatenate",
        row_layers: Sequence[HiddenLayer] = ((50, "relu"),),
        col_layers: Sequence[HiddenLayer] = ((50, "relu"),),
        multi_level: bool = False,
        use_biases: bool = True,
        seen: FeatureMatrix | SparseRows | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(row_ids, col_ids, **kwargs)
        check(WholeNumbers(0), row_dim=row_dim, col_dim=col_dim)
        check(SWITCHES, multi_level=multi_level, use_biases=use_biases)
        if self.bias_l2 and not use_biases:
            raise refused(
                f"bias_l2={self.bias_l2} with use_biases=False", "0, or True"
            )
        for name, width in (
            ("row_feature_dim", row_feature_dim),
            ("col_feature_dim", col_feature_dim),
        ):
            if width is not None:
                check(SIZES, **{name: width})
        self.row_dim, self.col_dim = row_dim, col_dim
        self.row_feature_dim = row_feature_dim
        self.col_feature_dim = col_feature_dim
        shape = len(self.row_ids), len(self.col_ids)
        row_features = features_of_ids("row_features", row_features, shape[0])
        col_features = features_of_ids("col_features", col_features, shape[1])
        self.row_layers = built_layers(
            checked_layers("row_layers", row_layers),
            first_width(row_dim, row_features, row_feature_dim, join),
            self.compute_dtype,
        )
        self.col_layers = built_layers(
            checked_layers("col_layers", col_layers),
            first_width(col_dim, col_features, col_feature_dim, join),
            self.compute_dtype,
        )
        self.join = join
        self.multi_level = multi_level
        self.use_biases = use_biases
        self.row_features, self.col_features = row_features, col_features
        self.seen = as_rows("seen", seen, shape[0])
        if self.seen is not None and self.seen.num_columns != shape[1]:
            raise refused(
                f"seen has {counted(self.seen.num_columns, 'column')}",
                f"{shape[1]}",
            )
        self.row_lookup = id_lookup(self.row_ids)
        self.col_lookup = id_lookup(self.col_ids)
        shared = {
            "join": join,
            "kernel_l2": self.kernel_l2,
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
        self._check_brought()
        self._make_metrics()
        self.built = True
        self.compile(self.default_optimizer)

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
        return cls._from_cells(matrix_cells(matrix), matrix.shape, settings)

    @classmethod
    def _from_cells(
        cls, cells: Ratings, shape: tuple[int, int], settings: dict[str, Any]
    ) -> "DualMatrixFactorization":
        """A model for known cells, perhaps none, of which some are repeated."""
        known = {"row_ids": shape[0], "col_ids": shape[1]}
        if len(cells):
            check_cells(cells, shape)
            cells = merge_repeated(cells, settings.get("duplicates"))
            if settings.get("feedback", "explicit") == "explicit":
                known["global_mean"] = float(cells.values.mean(dtype=float))
        known["seen"] = cells.matrix(shape)
        return cls(**{**known, **settings})

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, Sequence],
        fields: tuple[str, str, str] = DEFAULT_FIELDS,
        **settings: Any,
    ) -> "DualMatrixFactorization":
        """Make a model for a table of known cells with raw ids.

        Args:
            table: Named columns, such as a dictionary of lists or a data
                frame; what the model will be trained on. Rows and columns are
                in the order in which they occur first.
            fields: Names of the columns with the ids of rows and columns and
                with the values.
            **settings: As in the constructor. `row_ids` and `col_ids`, if
                given, say the order, such as that of features, and may hold
                ids that are not in the table.

        Example:
            >>> table = {"user": [7, 9], "film": ["a", "b"], "stars": [1, 5]}
            >>> model = DualMatrixFactorization.from_table(
            ...     table, fields=("user", "film", "stars")
            ... )
            >>> model.row_ids, model.global_mean
            (('7', '9'), 3.0)
        """
        fields = checked_fields(fields)
        names = {}
        for side, field in zip(("row_ids", "col_ids"), fields, strict=False):
            ids = settings.get(side)
            if ids is None:
                ids = dict.fromkeys(raw_ids(field, table_column(table, field)))
            names[side] = checked_ids(side, ids)
        cells = table_cells(table, fields, **names)
        shape = len(names["row_ids"]), len(names["col_ids"])
        known = {**settings, **names, "fields": fields}
        return cls._from_cells(cells, shape, known)

    @classmethod
    def from_prepared(
        cls, matrix: PreparedMatrix, **settings: Any
    ) -> "DualMatrixFactorization":
        """Make a model for a prepared matrix, as `open_prepared` gives it.

        It has the ids of the matrix, the names of its columns as `fields`, and
        for explicit feedback the mean of its training values. It holds none of
        the cells: `recommend` takes `exclude_seen=False` alone, unless `seen`
        is given.

        Args:
            matrix: What the model will be trained on.
            **settings: As in the constructor.
        """
        row, column, value = matrix.fields
        known = {
            "row_ids": matrix.row_names,
            "col_ids": matrix.column_names,
            "fields": (row, column, value or DEFAULT_FIELDS[2]),
        }
        if settings.get("feedback", "explicit") == "explicit":
            known["global_mean"] = matrix.train.mean
        return cls(**{**known, **settings})

    def start_at_baseline(self, cells: Ratings, valid: Ratings) -> None:
        """Give the biases the values from which nothing but factors is left.

        With explicit feedback, those of `choose_biases`; with ranking, the
        logarithm of how often a column is relevant, whose softmax is its
        share.

        Args:
            cells: What the model will be trained on.
            valid: To choose the strength of the regularization by.

        Raises:
            ValueError: With implicit feedback, or without biases.
        """
        if self.feedback == "implicit" or not self.use_biases:
            raise refused(
                f"feedback={self.feedback!r}, use_biases={self.use_biases}",
                "explicit or ranking, and True",
            )
        if self.feedback == "ranking":
            counts = popularity_scores(cells, self.shape, self.relevant_above)
            if not counts.any():
                raise refused(
                    f"no value above {self.relevant_above}", "1 or more"
                )
            shares = np.log(counts + 1)
            self.col_tower.bias.assign(shares - shares.mean())
            return
        biases = choose_biases(cells, valid, self.shape)
        self.global_mean = biases.mean
        self.row_tower.bias.assign(biases.rows)
        self.col_tower.bias.assign(biases.columns)

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
        levels = self._levels(self.row_tower, rows, features)
        if not self.use_biases:
            return levels
        bias = self.row_tower.bias_of(rows)[:, tf.newaxis]
        return tf.concat([levels, bias, tf.ones_like(bias)], axis=1)

    def col_vectors(
        self, columns: tf.Tensor, features: SparseVectors | None = None
    ) -> tf.Tensor:
        """As `row_vectors`: levels, 1, mean and bias."""
        levels = self._levels(self.col_tower, columns, features)
        if not self.use_biases:
            return levels
        bias = self.col_tower.bias_of(columns)[:, tf.newaxis]
        parts = [levels, tf.ones_like(bias), self.global_mean + bias]
        return tf.concat(parts, axis=1)

    @property
    def num_bias_entries(self) -> int:
        """Two, of a bias and of what it is multiplied by; or none."""
        return 2 if self.use_biases else 0

    def clipped(self, predictions: tf.Tensor) -> tf.Tensor:
        """Predictions within the range of the values."""
        if self.value_range is None:
            return predictions
        return tf.clip_by_value(predictions, *self.value_range)

    def _predictions(self, cells: Batch) -> tf.Tensor:
        """As the products of `row_vectors` and `col_vectors`."""
        predictions = dot_products(
            *self._levels_of_cells("row", self.row_tower, cells),
            *self._levels_of_cells("column", self.col_tower, cells),
        )
        if not self.use_biases:
            return predictions
        of_rows = self.row_tower.bias_of(cells["row"])
        of_columns = self.col_tower.bias_of(cells["column"])
        return predictions + of_rows + (self.global_mean + of_columns)

    def _levels_of_cells(
        self, name: str, tower: Tower, cells: Batch
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Those of rows, or of columns, and which is that of each cell."""
        features = f"{name}_features"
        ids = tf.cast(cells[name], tf.int32)
        if features not in self.brought_features:
            return of_each(functools.partial(self._levels, tower), ids)
        given = SparseVectors.from_dense(cells[features])
        return self._levels(tower, ids, given), tf.range(tf.size(ids))

    def drawn_predictions(self, cells: Batch) -> tf.Tensor:
        """Of the columns drawn for each cell, float32 [batch, negatives]."""
        rows = repeated_rows(*of_each(self.row_vectors, cells["row"]))
        drawn = tf.reshape(cells["drawn"], [-1])
        columns = repeated_rows(*of_each(self.col_vectors, drawn))
        shape = [*tf.unstack(tf.shape(cells["drawn"])), columns.shape[1]]
        return tf.einsum("nw,nmw->nm", rows, tf.reshape(columns, shape))

    def _levels(
        self,
        tower: Tower,
        ids: tf.Tensor,
        features: SparseVectors | None = None,
    ) -> tf.Tensor:
        """The levels whose dot products count, float32 [n, width]."""
        levels = tower(ids, features)
        used = levels if self.multi_level else levels[-1:]
        return tf.concat([tf.cast(each, tf.float32) for each in used], axis=1)

    def _check_widths(self) -> None:
        widths = self.row_tower.widths, self.col_tower.widths
        if not self.multi_level:
            widths = widths[0][-1:], widths[1][-1:]
        if widths[0] != widths[1]:
            raise refused(
                f"the widths of rows are {widths[0]} and those of columns "
                f"{widths[1]}",
                "the same",
            )

    def _check_brought(self) -> None:
        if self.brought_features and self.feedback != "explicit":
            raise refused(
                f"{', '.join(self.brought_features)} that come with cells "
                f"and feedback={self.feedback!r}, which draws cells "
                "without them",
                "features of every id, or feedback='explicit'",
            )

    def penalties(self, cells: Batch) -> tf.Tensor:
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

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "row_dim": self.row_dim,
            "col_dim": self.col_dim,
            "row_features": serialize(self.row_features),
            "col_features": serialize(self.col_features),
            "row_feature_dim": self.row_feature_dim,
            "col_feature_dim": self.col_feature_dim,
            "row_layers": layers_config(self.row_layers),
            "col_layers": layers_config(self.col_layers),
            "join": self.join,
            "multi_level": self.multi_level,
            "use_biases": self.use_biases,
            "seen": serialize(self.seen),
        }
