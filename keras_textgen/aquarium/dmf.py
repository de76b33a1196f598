"""Dual matrix factorization as keras-aquarium has it: lists of inputs."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.aquarium.arguments import OF_KERAS, check_others
from keras_textgen.checks import SIZES, check, refused
from keras_textgen.data.batches.cells import Batch, PairBatches
from keras_textgen.data.cells import Ratings
from keras_textgen.data.shards.cells import PreparedCellBatches
from keras_textgen.layers.hidden_layers import HiddenLayer
from keras_textgen.models.matrices import dmf

# Settings of the model that are the wrapper's by the same names.
_SAME = (
    *OF_KERAS,
    "row_dim",
    "col_dim",
    "row_feature_dim",
    "col_feature_dim",
    "row_layers",
    "col_layers",
)


@keras.saving.register_keras_serializable("keras_textgen.aquarium")
class DualMatrixFactorization(dmf.DualMatrixFactorization):
    """`keras_textgen.DualMatrixFactorization`, called as in keras-aquarium.

    Inputs are lists: rows, their features if there are any, columns, and
    theirs; numbers from 0, and features [cells, features], sparse or dense.
    The prediction is the dot product of the last levels, without biases. All
    else is what the model has: `fit`, `evaluate`, `predict` and their like on
    arrays, generators and datasets, `row_encoder`, `export`, saving.

    What differs from keras-aquarium: the two sides may have different numbers
    of hidden layers, predictions are [cells], and a callable that makes a
    layer is called once.

    Args:
        n_row: Rows of the matrix.
        n_col: Its columns.
        n_row_feature: Features of a row; None if there are none.
        n_col_feature: The same of columns.
        row_dim: Width of the embedding of rows.
        col_dim: The same of columns.
        row_feature_dim: Width of the linear embedding of row features; None
            takes the features as they are.
        col_feature_dim: The same of columns.
        row_layers: Hidden layers: pairs of units and activation (a name or a
            function), or callables from one level to the next.
        col_layers: The same of columns.
        model_name: Name of the model.
        **kwargs: As in `GlobalBatchModel`: `seed`, `dtype`.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> model = DualMatrixFactorization(
        ...     n_row=2,
        ...     n_col=3,
        ...     n_col_feature=4,
        ...     col_feature_dim=None,
        ...     row_layers=[(5, "relu"), (3, keras.ops.tanh)],
        ...     col_layers=[lambda x: keras.layers.Dense(3)(x)],
        ... )
        >>> model.compile(loss="mse", optimizer="adam")
        >>> users, items, features = [0, 1], [2, 0], np.ones([2, 4])
        >>> history = model.fit([users, items, features], [5, 1], verbose=0)
        >>> model.predict([users, items, features], verbose=0).shape
        (2,)
    """

    default_batch_size = 32

    def __init__(
        self,
        n_row: int,
        n_col: int,
        n_row_feature: int | None = None,
        n_col_feature: int | None = None,
        row_dim: int = 50,
        col_dim: int = 50,
        row_feature_dim: int | None = 50,
        col_feature_dim: int | None = 50,
        row_layers: Sequence[HiddenLayer] = ((50, "relu"),),
        col_layers: Sequence[HiddenLayer] = ((50, "relu"),),
        model_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        check(SIZES, n_row=n_row, n_col=n_col)
        check_others(kwargs, "DualMatrixFactorization")
        if model_name is not None:
            kwargs["name"] = model_name
        super().__init__(
            n_row,
            n_col,
            row_features=n_row_feature,
            col_features=n_col_feature,
            row_dim=row_dim,
            col_dim=col_dim,
            row_feature_dim=row_feature_dim,
            col_feature_dim=col_feature_dim,
            row_layers=row_layers,
            col_layers=col_layers,
            use_biases=False,
            **kwargs,
        )

    def compile(
        self,
        optimizer: str | dict | keras.optimizers.Optimizer = "rmsprop",
        loss: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """As in Keras; the loss is the mean squared error.

        Raises:
            ValueError: For another loss, or what the model refuses.
        """
        if loss is not None and not _is_mean_squared(keras.losses.get(loss)):
            raise refused(
                f"compile with loss={loss!r}",
                "'mse', as the model learns by squared errors",
            )
        super().compile(optimizer, None, *args, **kwargs)

    def fit(
        self, x: Any = None, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """As in the model, with `x` and `validation_data` of lists."""
        return super().fit(self._table(x), *args, **kwargs)

    def row_batches(
        self, x: Any, *args: Any, **kwargs: Any
    ) -> PairBatches | PreparedCellBatches:
        """As in the model, of lists."""
        return super().row_batches(self._table(x), *args, **kwargs)

    def prepared(self, x: Any, y: tf.Tensor | None) -> tuple[Batch, None]:
        """As in the model, of lists."""
        return super().prepared(self._table(x), y)

    def as_inputs(self, x: Any) -> Any:
        """As in the model, of lists."""
        return super().as_inputs(self._table(x))

    def merged(self, cells: Ratings) -> Ratings:
        """All cells: Keras trains on what is given as often as it is."""
        return cells

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        return {name: config[name] for name in _SAME if name in config} | {
            "n_row": len(self.row_ids),
            "n_col": len(self.col_ids),
            "n_row_feature": self.row_features,
            "n_col_feature": self.col_features,
        }

    def _check_targets(self, are_given: bool) -> None:
        if not are_given:
            raise refused("y=None", "a value for each cell of x")

    def _table(self, x: Any) -> Any:
        """A list of inputs as a table of named columns; all else as it is."""
        if not isinstance(x, (list, tuple)):
            return x
        names = [
            name
            for name in ("row", "row_features", "column", "column_features")
            if name in ("row", "column", *self.brought_features)
        ]
        if len(x) != len(names):
            raise refused(f"x of {len(x)} parts", f"[{', '.join(names)}]")
        return {
            name: part if name in self.brought_features else _column(part)
            for name, part in zip(names, x, strict=True)
        }


def _is_mean_squared(loss: Any) -> bool:
    if isinstance(loss, keras.losses.MeanSquaredError):
        return loss.reduction == "sum_over_batch_size"
    return loss is keras.losses.mean_squared_error


def _column(ids: Any) -> Any:
    """Numbers of rows, [cells], also of [cells, 1]."""
    if not tf.is_tensor(ids):
        ids = np.asarray(ids)
    if len(ids.shape) == 2 and ids.shape[1] == 1:
        return ids[:, 0]
    return ids
