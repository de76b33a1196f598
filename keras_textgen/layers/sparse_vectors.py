"""Sparse vectors in the graph, and rows of sparse matrices as such."""

from typing import NamedTuple

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.private_gradients import custom_gradient


class SparseVectors(NamedTuple):
    """Sparse vectors, by their values that are not zero.

    Attributes:
        vectors: Which vector each value belongs to, int64 [values], sorted.
        indices: Its place in that vector, int32 [values].
        values: float32 [values].
        count: Number of vectors, scalar.
    """

    vectors: tf.Tensor
    indices: tf.Tensor
    values: tf.Tensor
    count: tf.Tensor

    @classmethod
    def from_dense(cls, dense: tf.Tensor) -> "SparseVectors":
        """Take the values of float [vectors, size] that are not zero.

        Example:
            >>> SparseVectors.from_dense(tf.constant([[0.0, 2.0]])).indices
            <tf.Tensor: shape=(1,), dtype=int32, numpy=array([1], dtype=int32)>
        """
        places = tf.where(dense)
        return cls(
            places[:, 0],
            tf.cast(places[:, 1], tf.int32),
            tf.cast(tf.gather_nd(dense, places), tf.float32),
            tf.shape(dense)[0],
        )

    @classmethod
    def from_matrix(cls, matrix: scipy.sparse.sparray) -> "SparseVectors":
        """Take the rows of a SciPy matrix.

        Example:
            >>> matrix = scipy.sparse.csr_array([[0.0, 2.0]])
            >>> SparseVectors.from_matrix(matrix).values.numpy().tolist()
            [2.0]
        """
        matrix = scipy.sparse.csr_array(matrix)
        vectors = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        return cls(
            tf.constant(vectors, tf.int64),
            tf.constant(matrix.indices, tf.int32),
            tf.constant(matrix.data, tf.float32),
            tf.constant(matrix.shape[0]),
        )

    def places_and_shape(self, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Where in a matrix of them the values are.

        Args:
            size: Of the vectors.

        Returns:
            Rows and columns, int64 [values, 2], and the shape of the matrix,
            int64 [2].
        """
        places = tf.stack(
            [self.vectors, tf.cast(self.indices, tf.int64)], axis=1
        )
        return places, tf.stack([tf.cast(self.count, tf.int64), size])

    def to_dense(self, size: int) -> tf.Tensor:
        """The vectors with their zeros, float32 [vectors, size].

        Example:
            >>> SparseVectors.from_dense(tf.constant([[0.0, 2.0]])).to_dense(2)
            <tf.Tensor: shape=(1, 2), dtype=float32, \
numpy=array([[0., 2.]], dtype=float32)>
        """
        places, shape = self.places_and_shape(size)
        # Where products of sparse matrices are computed, too; see below.
        with tf.device("CPU:0"):
            dense = tf.scatter_nd(places, self.values, shape)
        return tf.ensure_shape(dense, [None, size])


def taken_rows(
    splits: tf.Tensor, indices: tf.Tensor, values: tf.Tensor, rows: tf.Tensor
) -> SparseVectors:
    """Some rows of a matrix in SciPy's form of compressed rows.

    Args:
        splits: `indptr`, int32 [size + 1].
        indices: int32 [stored].
        values: `data`, float32 [stored].
        rows: Their numbers, int [n]; the row -1 is empty.

    Example:
        >>> matrix = scipy.sparse.csr_array([[0.0, 2.0], [3.0, 0.0]])
        >>> parts = matrix.indptr, matrix.indices, matrix.data
        >>> taken_rows(*map(tf.constant, parts), tf.constant([1])).indices
        <tf.Tensor: shape=(1,), dtype=int32, numpy=array([0], dtype=int32)>
    """
    first = tf.maximum(rows, 0)
    starts = tf.gather(splits, first)
    ends = tf.gather(splits, first + 1)
    places = tf.ragged.range(starts, tf.where(rows < 0, starts, ends))
    return SparseVectors(
        places.value_rowids(),
        tf.gather(indices, places.flat_values),
        tf.gather(values, places.flat_values),
        tf.shape(rows)[0],
    )


def sparse_product(
    sparse: tf.SparseTensor, dense: tf.Tensor | keras.Variable
) -> tf.Tensor:
    """A sparse matrix times a dense one: float32 [rows, width].

    Over rows in parallel, as `tf.sparse.sparse_dense_matmul` is not. The
    gradient is that of the dense one alone.

    Args:
        sparse: float32 [rows, n], its indices sorted by rows.
        dense: float32 [n, width].

    Example:
        >>> sparse = tf.SparseTensor([[0, 1]], [2.0], [1, 2])
        >>> sparse_product(sparse, tf.constant([[1.0], [3.0]])).numpy().tolist()
        [[6.0]]
    """

    @custom_gradient
    def product(dense: tf.Tensor) -> tuple:
        rows = _compressed(sparse)
        products = _product(rows, dense)[: sparse.dense_shape[0]]

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return _product(_transposed(rows), _of_one_row(upstream))

        return tf.ensure_shape(products, [None, dense.shape[1]]), gradient

    return product(tf.convert_to_tensor(dense))


def repeated_rows(rows: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Some of the rows, one as often as it is asked for: [n, width].

    As `tf.gather`, whose gradient is summed in one thread, and once for each
    of the parts that the rows were joined from.

    Args:
        rows: float32 [m, width].
        index: int [n].

    Example:
        >>> rows = tf.constant([[1.0], [2.0]])
        >>> repeated_rows(rows, tf.constant([1, 0, 1])).numpy().ravel().tolist()
        [2.0, 1.0, 2.0]
    """

    @custom_gradient
    def gathered(rows: tf.Tensor) -> tuple:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            ones = tf.ones_like(index, tf.float32)
            return _summed_rows(index, ones, upstream, tf.shape(rows)[0])

        return tf.gather(rows, index), gradient

    return gathered(rows)


def dot_products(
    left: tf.Tensor,
    left_index: tf.Tensor,
    right: tf.Tensor,
    right_index: tf.Tensor,
) -> tf.Tensor:
    """Of a row of each of two matrices, pair after pair: [n].

    As the sums of the products of `repeated_rows`, whose gradients would be
    [n, width] each before they are summed.

    Args:
        left: float32 [l, width].
        left_index: int [n].
        right: float32 [r, width].
        right_index: int [n].

    Example:
        >>> left, right = tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])
        >>> dot_products(left, [0, 0], right, [0, 0]).numpy().tolist()
        [11.0, 11.0]
    """

    @custom_gradient
    def products(left: tf.Tensor, right: tf.Tensor) -> tuple:
        of_left = tf.gather(left, left_index)
        of_right = tf.gather(right, right_index)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = tf.shape(left)[0], tf.shape(right)[0]
            return (
                _summed_rows(left_index, upstream, of_right, rows[0]),
                _summed_rows(right_index, upstream, of_left, rows[1]),
            )

        return tf.reduce_sum(of_left * of_right, axis=1), gradient

    return products(left, right)


def _summed_rows(
    index: tf.Tensor, weights: tf.Tensor, rows: tf.Tensor, count: tf.Tensor
) -> tf.Tensor:
    """Weighted rows [n, width] added up by where they belong [count, width]."""
    places = tf.range(tf.shape(index, tf.int64)[0]), tf.cast(index, tf.int64)
    shape = tf.shape(index, tf.int64)[0], tf.cast(count, tf.int64)
    belongs = tf.SparseTensor(tf.stack(places, 1), weights, tf.stack(shape))
    sums = _product(_transposed(_compressed(belongs)), _of_one_row(rows))
    return sums[:count]


# Of sparse matrices whose rows are compressed. A GPU has no deterministic
# kernels for their products, and a product of no rows ends the process: they
# have one row and one column at least.
def _compressed(sparse: tf.SparseTensor) -> tf.Tensor:
    with tf.device("CPU:0"):
        return tf.raw_ops.SparseTensorToCSRSparseMatrix(
            indices=sparse.indices,
            values=sparse.values,
            dense_shape=tf.maximum(sparse.dense_shape, 1),
        )


def _of_one_row(dense: tf.Tensor) -> tf.Tensor:
    """Rows of zeros up to the first, if there is none."""
    missing = tf.maximum(1 - tf.shape(dense)[0], 0)
    return tf.pad(dense, [[0, missing], [0, 0]])


def _transposed(matrix: tf.Tensor) -> tf.Tensor:
    with tf.device("CPU:0"):
        return tf.raw_ops.SparseMatrixTranspose(input=matrix, type=tf.float32)


def _product(matrix: tf.Tensor, dense: tf.Tensor) -> tf.Tensor:
    with tf.device("CPU:0"):
        return tf.raw_ops.SparseMatrixMatMul(a=matrix, b=dense)


def check_finite(name: str, matrix: scipy.sparse.csr_array) -> None:
    """Refuse a matrix with NaN or infinity, which would spread to all vectors.

    Args:
        name: Of the argument, for messages.
        matrix: Its stored values count.

    Raises:
        ValueError: There is such a value.

    Example:
        >>> check_finite("features", scipy.sparse.csr_array([[0.0, np.inf]]))
        Traceback (most recent call last):
        ValueError: features has inf in row 0, column 1; allowed: finite numbers
    """
    places = np.flatnonzero(~np.isfinite(matrix.data))
    if len(places):
        row = np.searchsorted(matrix.indptr, places[0], side="right") - 1
        raise refused(
            f"{name} has {matrix.data[places[0]]} in row {row}, "
            f"column {matrix.indices[places[0]]}",
            "finite numbers",
        )
