"""From the rows (or columns) of a matrix to vectors: ids and features."""

import numbers
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    Numbers,
    OneOf,
    WholeNumbers,
    check,
    counted,
    refused,
)
from keras_textgen.layers.hidden_layers import HiddenLayer, built_layers
from keras_textgen.layers.sparse_vectors import (
    SparseVectors,
    check_finite,
    sparse_product,
    taken_rows,
)

# Of rows or columns, [n, features].
FeatureMatrix: TypeAlias = scipy.sparse.sparray | np.ndarray

JOINS = ("concatenate", "add")
_INITIAL_STDDEV = 0.05


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
        return taken_rows(
            self.splits.value, self.indices.value, self.values.value, rows
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
        places, shape = vectors.places_and_shape(kernel.shape[0])
        values = tf.cast(vectors.values, tf.float32)
        products = sparse_product(
            tf.SparseTensor(places, values, shape), tf.cast(kernel, tf.float32)
        )
        return tf.cast(products, self.compute_dtype)


class Tower(keras.layers.Layer):
    """One of the two networks of dual matrix factorization.

        level 0 = [embedding of the id; linear embedding of the features]
        level l = hidden layer l of level l - 1

    Without a width for their embedding, the features are taken as they are.
    With `join="add"`, level 0 is the sum of the two, as in SVD++ (Koren 2008,
    equation 15). Either of them may be left out. An unknown id has zeros in
    place of its embedding and a bias of zero.

    Args:
        size: Number of ids.
        dim: Width of the ids' embedding; 0 leaves it out.
        features: Those of every id; or their number, if every call brings
            them; None if there are none.
        feature_dim: Width of the features' embedding; None takes the features
            as they are.
        join: "concatenate" or "add".
        layers: Hidden layers, see `built_layers`.
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
        features: SparseRows | int | None = None,
        feature_dim: int | None = 0,
        join: str = "concatenate",
        layers: Sequence[HiddenLayer] = (),
        kernel_l2: float = 0.0,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(SIZES, size=size)
        check(WholeNumbers(0), dim=dim)
        check(Numbers(at_least=0), kernel_l2=kernel_l2)
        check(SWITCHES, use_bias=use_bias)
        width = first_width(dim, features, feature_dim, join)
        self.features = features if isinstance(features, SparseRows) else None
        self.num_features = num_features(features)
        self.join = join
        self.embedding = self._of_ids("embedding", (size, dim)) if dim else None
        self.feature_embedding = None
        if features is not None and feature_dim is not None:
            self.feature_embedding = SparseLinear(
                self.num_features, feature_dim, dtype=self.dtype_policy
            )
        self.bias = self._of_ids("bias", (size,)) if use_bias else None
        layers = built_layers(layers, width, self.compute_dtype)
        self.hidden = [self._hidden(layer, kernel_l2) for layer in layers]
        # The weights of all layers, with a row that no training will see.
        row = tf.constant([-1], tf.int32)
        given = None
        if self.needs_features:
            given = SparseVectors.from_dense(tf.zeros([1, self.num_features]))
        self.widths = [level.shape[-1] for level in self(row, given)]
        self.built = True

    def call(
        self, ids: tf.Tensor, features: SparseVectors | None = None
    ) -> list[tf.Tensor]:
        """Compute every level.

        Args:
            ids: int32 [n]; -1 for an unknown one.
            features: Of the n ids; None for those that the tower holds, if it
                holds them.

        Returns:
            Level after level, [n, width].
        """
        parts = []
        if self.embedding is not None:
            parts.append(_known(self.embedding, ids))
        if self.num_features is not None:
            if features is None:
                features = self.features(ids)
            if self.feature_embedding is not None:
                parts.append(self.feature_embedding(features))
            else:
                dense = features.to_dense(self.num_features)
                parts.append(tf.cast(dense, self.compute_dtype))
        levels = [
            tf.concat(parts, axis=1)
            if self.join == "concatenate"
            else tf.add_n(parts)
        ]
        for layer in self.hidden:
            levels.append(layer(levels[-1]))
        return levels

    @property
    def needs_features(self) -> bool:
        """Whether it has features that every call brings."""
        return self.num_features is not None and self.features is None

    def bias_of(self, ids: tf.Tensor) -> tf.Tensor:
        """The bias of every id, float32 [n]."""
        return tf.cast(_known(self.bias, ids), tf.float32)

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

    def _of_ids(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        initializer = "zeros" if len(shape) == 1 else _small_normal()
        return self.add_weight(name=name, shape=shape, initializer=initializer)


def num_features(features: SparseRows | int | None) -> int | None:
    """How many features a tower has of each id; None for None.

    Example:
        >>> num_features(4)
        4
    """
    return (
        features.num_columns if isinstance(features, SparseRows) else features
    )


def first_width(
    dim: int,
    features: SparseRows | int | None,
    feature_dim: int | None,
    join: str,
) -> int:
    """Width of a tower's level 0; arguments as in `Tower`.

    Raises:
        ValueError: There is neither an embedding nor a feature, or the two
            cannot be joined.

    Example:
        >>> first_width(3, 5, None, "concatenate")
        8
        >>> first_width(3, 5, None, "add")
        Traceback (most recent call last):
        ValueError: feature_dim=None (5 features) cannot be added to dim=3; \
allowed: the same
    """
    check(OneOf(JOINS), join=join)
    if features is None:
        if not dim:
            raise refused("dim=0 without features", "dim above 0")
        return dim
    count = num_features(features)
    width = count if feature_dim is None else feature_dim
    if join == "concatenate" or not dim:
        return dim + width
    if width != dim:
        of = f" ({count} features)" if feature_dim is None else ""
        raise refused(
            f"feature_dim={feature_dim}{of} cannot be added to dim={dim}",
            "the same",
        )
    return dim


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
        raise refused(
            f"{name} has {counted(matrix.num_rows, 'row')}", f"{size}"
        )
    return matrix


def features_of_ids(
    name: str, features: FeatureMatrix | SparseRows | int | None, size: int
) -> SparseRows | int | None:
    """Features that a model holds for every id, or their number.

    Args:
        name: Of the argument, for messages.
        features: Sparse or dense [size, features], or held already; or their
            number, where they come with what is asked; or None.
        size: How many ids there are.

    Raises:
        ValueError: As `as_rows`, or the number is below 1.

    Example:
        >>> features_of_ids("features", 4, 3)
        4
    """
    if not isinstance(features, numbers.Integral):
        return as_rows(name, features, size)
    check(SIZES, **{name: features})
    return int(features)


def of_each(
    vectors: Callable[[tf.Tensor], tf.Tensor], ids: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Vectors of ids, of which one that is there often is computed once.

    Args:
        vectors: From ids int32 [m], each another, to vectors [m, width].
        ids: Int [n].

    Returns:
        [m, width], and the row of each id, int32 [n].

    Example:
        >>> doubled = lambda ids: 2 * ids[:, tf.newaxis]
        >>> rows, index = of_each(doubled, tf.constant([3, 1, 3]))
        >>> rows.numpy().ravel().tolist(), index.numpy().tolist()
        ([6, 2], [0, 1, 0])
    """
    unique, index = tf.unique(tf.cast(ids, tf.int32))
    return vectors(unique), index


def _known(weight: keras.Variable, ids: tf.Tensor) -> tf.Tensor:
    """Rows of a weight, zeros for the id -1."""
    rows = tf.gather(weight, tf.maximum(ids, 0))
    known = tf.cast(ids >= 0, rows.dtype)
    return rows * tf.reshape(known, [-1] + [1] * (len(weight.shape) - 1))


def _small_normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=_INITIAL_STDDEV)
