"""Batches of cells that bring the features of their rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.batches.cells import Batch, PairBatches
from keras_textgen.data.cells import Ratings
from keras_textgen.layers.sparse_vectors import check_finite, taken_rows


class CellsWithFeatures(PairBatches):
    """Known cells, each with the features of its row, of its column, or both.

    A batch has, besides what `PairBatches` gives, an entry for each kind of
    features, float32 [batch, features].

    Args:
        cells: The known cells.
        shape: Rows and columns of the matrix.
        batch_size: Cells a batch; the last one may be smaller.
        features: Name of the entry -> sparse or dense [cells, features].
        **settings: As in `PairBatches`.

    Raises:
        ValueError: As `PairBatches`, or features are not finite.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [2, 0], [5.0, 3.0])))
        >>> batches = CellsWithFeatures(
        ...     cells, (2, 3), 9, {"row_features": np.eye(2)}
        ... )
        >>> batches.whole()["row_features"].numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(
        self,
        cells: Ratings,
        shape: tuple[int, int],
        batch_size: int,
        features: Mapping[str, Any],
        **settings: Any,
    ) -> None:
        super().__init__(cells, shape, batch_size, **settings)
        self._features = {}
        for name, given in features.items():
            matrix = scipy.sparse.csr_array(given)
            check_finite(name, matrix)
            with tf.device("CPU:0"):
                self._features[name] = (
                    tf.constant(matrix.indptr, tf.int32),
                    tf.constant(matrix.indices, tf.int32),
                    tf.constant(matrix.data, tf.float32),
                    matrix.shape[1],
                )

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Batch:
        """Known cells and their features."""
        batch = super().tensors(rows, epoch, step)
        for name, (splits, indices, values, size) in self._features.items():
            taken = taken_rows(splits, indices, values, rows)
            batch[name] = taken.to_dense(size)
        return batch


def checked_features(
    name: str, features: Any, shape: tuple[int, int]
) -> scipy.sparse.csr_array:
    """Refuse features that are not those of some cells.

    Args:
        name: Of the features, for messages.
        features: A sparse or dense matrix.
        shape: Cells and features.

    Raises:
        ValueError: They are of another shape, or no numbers.

    Example:
        >>> checked_features("row_features", np.eye(2), (2, 3))
        Traceback (most recent call last):
        ValueError: row_features of shape [2, 2]; allowed: [2, 3]
    """
    if not scipy.sparse.issparse(features):
        features = np.asarray(features)
    if features.shape != shape:
        raise refused(
            f"{name} of shape {list(features.shape)}", f"{list(shape)}"
        )
    try:
        return scipy.sparse.csr_array(features, dtype=np.float32)
    except (TypeError, ValueError):
        raise refused(f"{name} of type {features.dtype}", "numbers") from None
