"""From the rows (or columns) of a matrix to vectors: ids and features."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import SIZES, OneOf, check, refused

# A hidden layer: its units and activation, or what does its work.
HiddenLayer = tuple[int, str | Callable | None] | Callable

# Of rows or columns, [n, features].
FeatureMatrix: TypeAlias = scipy.sparse.sparray | np.ndarray

JOINS = ("concatenate", "add")
_INITIAL_STDDEV = 0.05


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


@keras.saving.register_keras_serializable("keras_textgen")
class SparseRows(keras.layers.Layer):
    """The rows of a constant sparse matrix by their numbers.

    The matrix is held in weights that are not trained, so that it is saved
    with the model; it is never made dense.

    Args:
        num_rows: Rows of the matrix.
        num_columns: Its columns.
        num_values: Values that it stores.
        **kwargs: As in `keras.layers.Layer`.

    Example:
        >>> rows = SparseRows.from_matrix(scipy.sparse.csr_array(np.eye(3)))
        >>> rows(tf.constant([2, -1, 0])).indices.numpy().tolist()
        [2, 0]
    """

    def __init__(
        self, num_rows: int, num_columns: int, num_values: int, **kwargs: Any
    ) -> None:
        super().__init__(**{**kwargs, "trainable": False})
        self.num_rows = num_rows
        self.num_columns = num_columns
        self.num_values = num_values
        self.splits = self._constant("splits", num_rows + 1, "int32")
        self.indices = self._constant("indices", num_values, "int32")
        self.values = self._constant("values", num_values, "float32")
        self.built = True

    @classmethod
    def from_matrix(cls, matrix: scipy.sparse.sparray) -> "SparseRows":
        """Hold a SciPy matrix."""
        matrix = scipy.sparse.csr_array(matrix, copy=True)
        matrix.sum_duplicates()
        num_rows, num_columns = matrix.shape
        layer = cls(num_rows, num_columns, matrix.nnz)
        layer.splits.assign(matrix.indptr)
        layer.indices.assign(matrix.indices)
        layer.values.assign(matrix.data)
        return layer

    def call(self, rows: tf.Tensor) -> SparseVectors:
        """Give some of the rows.

        Args:
            rows: Their numbers, int [n]; the row -1 is empty.
        """
        first = tf.maximum(rows, 0)
        starts = tf.gather(self.splits.value, first)
        ends = tf.gather(self.splits.value, first + 1)
        places = tf.ragged.range(starts, tf.where(rows < 0, starts, ends))
        return SparseVectors(
            places.value_rowids(),
            tf.gather(self.indices.value, places.flat_values),
            tf.gather(self.values.value, places.flat_values),
            tf.shape(rows)[0],
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "num_rows": self.num_rows,
            "num_columns": self.num_columns,
            "num_values": self.num_values,
        }

    def _constant(self, name: str, size: int, dtype: str) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(size,),
            dtype=dtype,
            initializer="zeros",
            trainable=False,
        )


class SparseLinear(keras.layers.Layer):
    """A linear layer of sparse vectors, without a bias.

    Args:
        size: Size of the vectors.
        units: Size of the outputs.
        **kwargs: As in `keras.layers.Layer`.

    Example:
        >>> vectors = SparseVectors.from_dense(tf.constant([[0.0, 2.0]]))
        >>> layer = SparseLinear(2, 3)
        >>> layer(vectors).shape
        TensorShape([1, 3])
    """

    def __init__(self, size: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel = self.add_weight(
            name="kernel", shape=(size, units), initializer=_small_normal()
        )
        self.built = True

    def call(self, vectors: SparseVectors) -> tf.Tensor:
        """Multiply by the kernel: [vectors, units]."""
        kernel = tf.convert_to_tensor(self.kernel)
        places = tf.stack(
            [vectors.vectors, tf.cast(vectors.indices, tf.int64)], axis=1
        )
        shape = tf.stack([tf.cast(vectors.count, tf.int64), kernel.shape[0]])
        # A GPU has no deterministic kernel for this product.
        with tf.device("CPU:0"):
            products = tf.sparse.sparse_dense_matmul(
                tf.SparseTensor(
                    places, tf.cast(vectors.values, tf.float32), shape
                ),
                tf.cast(kernel, tf.float32),
            )
        return tf.cast(products, self.compute_dtype)


class Tower(keras.layers.Layer):
    """One of the two networks of dual matrix factorization.

        level 0 = [embedding of the id; linear embedding of the features]
        level l = hidden layer l of level l - 1

    With `join="add"`, level 0 is the sum of the two, as in SVD++ (Koren 2008,
    equation 15). Either of them may be left out. An unknown id has zeros in
    place of its embedding and a bias of zero.

    Args:
        size: Number of ids.
        dim: Width of the ids' embedding; 0 leaves it out.
        features: Those of every id; None if there are none.
        feature_dim: Width of the features' embedding.
        join: "concatenate" or "add".
        layers: Hidden layers: pairs of units and activation, or callables
            from one level to the next.
        kernel_l2: Weight of the squared kernels of layers given as pairs.
        use_bias: Whether every id has a bias.
        **kwargs: As in `keras.layers.Layer`.

    Example:
        >>> tower = Tower(size=5, dim=4, layers=[(3, "tanh")])
        >>> [level.shape[1] for level in tower(tf.constant([4, -1]))]
        [4, 3]
    """

    def __init__(
        self,
        size: int,
        dim: int,
        *,
        features: SparseRows | None = None,
        feature_dim: int = 0,
        join: str = "concatenate",
        layers: Sequence[HiddenLayer] = (),
        kernel_l2: float = 0.0,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(OneOf(JOINS), join=join)
        if not dim and features is None:
            raise refused("dim=0 without features", "dim above 0")
        if join == "add" and dim and features and feature_dim != dim:
            raise refused(
                f"feature_dim={feature_dim} cannot be added to dim={dim}",
                "the same",
            )
        self.join = join
        self.features = features
        self.embedding = self._of_ids("embedding", (size, dim)) if dim else None
        self.feature_embedding = None
        if features is not None:
            self.feature_embedding = SparseLinear(
                features.num_columns, feature_dim, dtype=self.dtype_policy
            )
        self.bias = self._of_ids("bias", (size,)) if use_bias else None
        self.hidden = [self._hidden(layer, kernel_l2) for layer in layers]
        # The weights of all layers, with a row that no training will see.
        self.widths = [
            level.shape[-1] for level in self(tf.constant([-1], tf.int32))
        ]
        self.built = True

    def call(
        self, ids: tf.Tensor, features: SparseVectors | None = None
    ) -> list[tf.Tensor]:
        """Compute every level.

        Args:
            ids: int32 [n]; -1 for an unknown one.
            features: Of the n ids; None for those that the tower holds.

        Returns:
            Level after level, [n, width].
        """
        parts = []
        if self.embedding is not None:
            parts.append(_known(self.embedding, ids))
        if self.feature_embedding is not None:
            if features is None:
                features = self.features(ids)
            parts.append(self.feature_embedding(features))
        levels = [
            tf.concat(parts, axis=1)
            if self.join == "concatenate"
            else tf.add_n(parts)
        ]
        for layer in self.hidden:
            levels.append(layer(levels[-1]))
        return levels

    def bias_of(self, ids: tf.Tensor) -> tf.Tensor:
        """The bias of every id, float32 [n]."""
        return tf.cast(_known(self.bias, ids), tf.float32)

    def _of_ids(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        initializer = "zeros" if len(shape) == 1 else _small_normal()
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def _hidden(self, layer: HiddenLayer, kernel_l2: float) -> Callable:
        if callable(layer):
            return layer
        units, activation = layer
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_regularizer=keras.regularizers.L2(kernel_l2),
            dtype=self.dtype_policy,
        )


def checked_layers(
    name: str, layers: Sequence[HiddenLayer]
) -> tuple[HiddenLayer, ...]:
    """Refuse what is no hidden layer.

    Args:
        name: Of the argument, for messages.
        layers: Pairs of units and activation, or callables.

    Raises:
        ValueError: A layer is neither, or has fewer units than 1.

    Example:
        >>> checked_layers("row_layers", [[8, "tanh"]])
        ([8, 'tanh'],)
    """
    for layer in layers:
        if not callable(layer):
            if not isinstance(layer, Sequence) or len(layer) != 2:
                raise refused(
                    f"{name} has {layer!r}",
                    "(units, activation), or a callable",
                )
            check(SIZES, **{f"{name} has units": layer[0]})
    return tuple(layers)


def layers_config(layers: Sequence[HiddenLayer]) -> list:
    """Hidden layers as a file can hold them.

    Example:
        >>> layers_config([(8, "tanh")])
        [[8, 'tanh']]
    """
    return [
        keras.saving.serialize_keras_object(layer)
        if callable(layer)
        else list(layer)
        for layer in layers
    ]


def as_rows(
    name: str, matrix: FeatureMatrix | SparseRows | None, size: int
) -> SparseRows | None:
    """Hold a matrix that has a row for every id, if there is one.

    Args:
        name: Of the argument, for messages.
        matrix: Sparse or dense [size, columns], or held already, or None.
        size: How many ids there are.

    Raises:
        ValueError: It has another number of rows, or what is no finite number.

    Example:
        >>> as_rows("seen", scipy.sparse.eye_array(3, 5).tocsr(), 3).num_columns
        5
    """
    if matrix is None:
        return None
    if not isinstance(matrix, SparseRows):
        matrix = scipy.sparse.csr_array(matrix)
        check_finite(name, matrix)
        matrix = SparseRows.from_matrix(matrix)
    if matrix.num_rows != size:
        raise refused(f"{name} has {matrix.num_rows} rows", f"{size}")
    return matrix


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
            f"{name} has {matrix.data[places[0]]} in row {row}, column "
            f"{matrix.indices[places[0]]}",
            "finite numbers",
        )


def of_each(
    vectors: Callable[[tf.Tensor], tf.Tensor], ids: tf.Tensor
) -> tf.Tensor:
    """Vectors of ids, of which one that is there often is computed once.

    Args:
        vectors: From ids int32 [m], each another, to vectors [m, width].
        ids: Int [n].

    Returns:
        [n, width].

    Example:
        >>> doubled = lambda ids: 2 * ids[:, tf.newaxis]
        >>> of_each(doubled, tf.constant([3, 1, 3])).numpy().ravel().tolist()
        [6, 2, 6]
    """
    unique, index = tf.unique(tf.cast(ids, tf.int32))
    return tf.gather(vectors(unique), index)


def _known(weight: keras.Variable, ids: tf.Tensor) -> tf.Tensor:
    """Rows of a weight, zeros for the id -1."""
    rows = tf.gather(weight, tf.maximum(ids, 0))
    known = tf.cast(ids >= 0, rows.dtype)
    return rows * tf.reshape(known, [-1] + [1] * (len(weight.shape) - 1))


def _small_normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=_INITIAL_STDDEV)
