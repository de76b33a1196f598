"""What a factorization gives once it has vectors of rows and columns."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    Lists,
    Numbers,
    check,
    refused,
)
from keras_textgen.data.batches.cells import check_range
from keras_textgen.data.raw_ids import (
    as_list,
    is_whole_number,
    numbers_of_ids,
    raw_ids,
)
from keras_textgen.data.readers.files import SPLITS
from keras_textgen.data.shards.matrix import PreparedMatrix
from keras_textgen.decoding.common import checked_integer
from keras_textgen.evaluation.corpora import is_corpus
from keras_textgen.evaluation.matrices import (
    ranked_part,
    ranking_figures,
    rating_figures,
)
from keras_textgen.evaluation.rating_baselines import popularity_scores
from keras_textgen.layers.sparse_vectors import SparseVectors, check_finite
from keras_textgen.layers.towers import FeatureMatrix, Tower
from keras_textgen.models.base import GlobalBatchModel
from keras_textgen.models.matrices.endpoints import Endpoint, matrix_endpoints

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


class FactorModel(GlobalBatchModel):
    """Base of models whose predictions are dot products of two vectors.

    A model has tables of its ids, `row_lookup` and `col_lookup`, the cells
    `seen` (or None), and two towers; it adds `row_vectors` and `col_vectors`.
    This class makes of them encoders and recommendations.

    Args:
        row_ids: Raw ids of the rows, or their number.
        col_ids: Raw ids of the columns, or their number.
        **kwargs: As in `GlobalBatchModel`.
    """

    def __init__(
        self,
        row_ids: int | Sequence[str],
        col_ids: int | Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.row_ids = checked_ids("row_ids", row_ids)
        self.col_ids = checked_ids("col_ids", col_ids)

    @property
    def num_bias_entries(self) -> int:
        """How many of the last entries of a vector are for biases alone."""
        return 0

    def row_vectors(
        self, rows: tf.Tensor, features: SparseVectors | None = None
    ) -> tf.Tensor:
        """Vectors whose dot product with those of columns is a prediction.

        Args:
            rows: int32 [n]; -1 for a row without an id.
            features: Of these rows, in place of those that the model holds.

        Returns:
            float32 [n, width].
        """
        raise NotImplementedError

    def col_vectors(
        self, columns: tf.Tensor, features: SparseVectors | None = None
    ) -> tf.Tensor:
        """As `row_vectors`."""
        raise NotImplementedError

    # -- Arrays out ----------------------------------------------------------

    def row_encoder(
        self,
        rows: Sequence[str] | Sequence[int] | None = None,
        features: FeatureMatrix | None = None,
    ) -> np.ndarray:
        """Vectors of rows: products with those of `col_encoder` predict.

        Args:
            rows: Raw ids as strings, or numbers of rows as integers, whatever
                the raw ids look like: "7" is the id, 7 the eighth row. None
                for all of them, or for rows without an id if there are
                features.
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
        rows: str | Sequence[str] | Sequence[int] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        features: FeatureMatrix | None = None,
    ) -> Recommendations:
        """The columns of the highest predictions.

        Equal predictions are in the order of the columns.

        Args:
            rows: As in `row_encoder`; or one raw id.
            k: How many columns; there are no more than the matrix has.
            exclude_seen: Leave out what is `seen` in a row.
            features: As in `row_encoder`.

        Raises:
            ValueError: If an argument is not allowed.
        """
        if k in Numbers() and k % 1 == 0:
            # More than there are is as many as there are.
            k = min(k, len(self.col_ids))
        most = checked_integer("k", k, minimum=1)
        check(SWITCHES, exclude_seen=exclude_seen)
        if exclude_seen and self.seen is None:
            raise refused(
                "exclude_seen=True of a model that was made without `seen`",
                "False",
            )
        if isinstance(rows, str):
            rows = [rows]
        numbers = self._numbers("row", rows, features)
        vectors = self._encoded("row", numbers, features)
        catalogue = self.col_encoder()
        if not (np.isfinite(vectors).all() and np.isfinite(catalogue).all()):
            raise refused(
                "the model's vectors are not finite",
                "a model whose training has not diverged",
            )
        catalogue = tf.constant(catalogue)
        parts = []
        for start in range(0, len(numbers), _ROWS_AT_A_TIME):
            block = slice(start, start + _ROWS_AT_A_TIME)
            best = self.in_graph("best_columns")(
                tf.constant(vectors[block]),
                catalogue,
                most,
                tf.constant(numbers[block]) if exclude_seen else None,
            )
            parts.append([each.numpy() for each in best])
        columns, scores = (
            np.concatenate(each) for each in zip(*parts, strict=True)
        )
        ids = np.array([*self.col_ids, ""])[columns]
        return Recommendations(columns, ids, scores)

    def similar_columns(
        self, columns: Sequence[str] | Sequence[int], k: int = 10
    ) -> Recommendations:
        """The columns that rows value alike, whatever their biases.

        Args:
            columns: As the rows of `row_encoder`.
            k: How many; a column is none of its own, and where there are fewer
                others, all come back.

        Returns:
            For each column others, whose vectors have the highest cosine with
            its own, which is their score; biases are no part of them.

        Raises:
            ValueError: If an argument is not allowed.

        Example:
            >>> from keras_textgen import DualMatrixFactorization
            >>> model = DualMatrixFactorization(["ann"], ["Alien", "Emma"])
            >>> model.similar_columns(["Emma"], k=5).ids.tolist()
            [['Alien']]
        """
        most = min(checked_integer("k", k, minimum=1), len(self.col_ids) - 1)
        numbers = self._numbers("column", columns, None)
        vectors = self.col_encoder()
        vectors = vectors[:, : vectors.shape[1] - self.num_bias_entries]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = np.divide(
            vectors, lengths, np.zeros_like(vectors), where=lengths > 0
        )
        cosines = units[numbers] @ units.T
        cosines[np.arange(len(numbers)), numbers] = -np.inf
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :most]
        return Recommendations(
            best.astype(np.int32),
            np.array(self.col_ids)[best],
            np.take_along_axis(cosines, best, axis=1),
        )

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

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""
        return matrix_endpoints(self)

    # -- What is said of a corpus --------------------------------------------

    def report(self, data: Any) -> dict[str, Any]:
        """Errors and rankings; see `keras_textgen.evaluate_model`.

        Args:
            data: A corpus of known cells, as `load_ratings` gives it, or
                `open_prepared`.

        Returns:
            "model"; "figures", those of `rating_figures` with explicit
            feedback, then those of `ranking_figures`; "relevant_above", the
            value above which test cells are to be recommended, with explicit
            feedback the mean of training, or None for all; "training_mean";
            "rows_to_rank", of how many rows of a prepared matrix 10,000 at most
            are ranked, else None.

        Raises:
            ValueError: If the data are of another kind or have other ids, or
                a test cell to recommend is one of training.
        """
        if not is_corpus(data):
            raise refused(
                f"data of type {type(data).__name__}",
                "a corpus, as load_ratings gives it",
            )
        ids = tuple(data.row_names), tuple(data.column_names)
        if ids != (self.row_ids, self.col_ids):
            raise refused(
                f"{data.name}: rows or columns of other ids",
                "those that the model was made with",
            )
        shape = len(self.row_ids), len(self.col_ids)
        splits = {split: getattr(data, split) for split in SPLITS}
        mean = data.train.mean
        figures, above = {}, self.relevant_above
        if self.feedback == "explicit":
            above = mean
            figures |= rating_figures(
                lambda cells: self.predict(cells, verbose=0),
                splits,
                shape,
                data.value_range,
            )
        popularity = rows_to_rank = None
        if isinstance(data, PreparedMatrix):
            popularity = sum(
                popularity_scores(splits[split], shape) for split in SPLITS[:2]
            )
            splits, rows_to_rank = ranked_part(splits, above)
        row_vectors, col_vectors = self.row_encoder(), self.col_encoder()
        figures |= ranking_figures(
            lambda rows: row_vectors[rows] @ col_vectors.T,
            splits,
            shape,
            above,
            popularity,
        )
        return {
            "model": type(self).__name__,
            "figures": figures,
            "relevant_above": above,
            "training_mean": mean,
            "rows_to_rank": rows_to_rank,
        }

    # -- From ids to numbers -------------------------------------------------

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
        shape = list(np.shape(ids))
        if len(shape) != 1 or not shape[0]:
            raise refused(f"{name}s of shape {shape}", "[n], n above 0")
        ids = as_list(ids)
        if not all(map(is_whole_number, ids)):
            return numbers_of_ids(name, ids, known)
        numbers = np.array(ids, np.int64)
        check_range(name, numbers, len(known))
        _warn_of_numbers(name, numbers, known)
        return numbers.astype(np.int32)

    def _encoded(
        self, name: str, numbers: np.ndarray, features: FeatureMatrix | None
    ) -> np.ndarray:
        tower = self.row_tower if name == "row" else self.col_tower
        encode = self.in_graph(
            "row_vectors" if name == "row" else "col_vectors"
        )
        if features is None and tower.needs_features:
            raise refused(
                f"{name} features=None",
                f"{tower.num_features} of each {name}, as the model holds none",
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
        return super().get_config() | {
            "row_ids": list(self.row_ids),
            "col_ids": list(self.col_ids),
        }


def _warn_of_numbers(
    name: str, numbers: np.ndarray, known: Sequence[str]
) -> None:
    """Warn of a number of a row that is the raw id of another row."""
    if not all(map(_looks_whole, known)):
        return
    ids = set(known)
    for number in numbers:
        if known[number] != str(number) and str(number) in ids:
            warnings.warn(
                f"{name} {number} is read as a number, that of the id "
                f"{known[number]!r}; as an id it is {str(number)!r}, a string",
                stacklevel=4,
            )
            return


def _looks_whole(raw_id: str) -> bool:
    return raw_id.removeprefix("-").isdecimal()


def _check_features(
    name: str, features: FeatureMatrix, count: int, tower: Tower
) -> None:
    if tower.num_features is None:
        raise refused(f"this model has no {name} features", "ids")
    allowed = count, tower.num_features
    if features.shape != allowed:
        raise refused(
            f"{name} features of shape {list(features.shape)}",
            f"{list(allowed)}",
        )
    check_finite(f"{name} features", scipy.sparse.csr_array(features))


def checked_ids(name: str, ids: int | Sequence[str]) -> tuple[str, ...]:
    """Raw ids as text; a number stands for ids from 0.

    Args:
        name: Of the argument, for messages.
        ids: How many, or each.

    Raises:
        ValueError: There are none, or one is missing or there twice.

    Example:
        >>> checked_ids("row_ids", 2), checked_ids("row_ids", [b"ann", 7.0])
        (('0', '1'), ('ann', '7'))
    """
    if isinstance(ids, (int, np.integer)):
        check(SIZES, **{name: ids})
        return tuple(map(str, range(ids)))
    check(Lists("ids, or their number"), **{name: ids})
    # Text is left as it is: files may have an id that is empty.
    is_text = all(isinstance(each, str) for each in ids)
    ids = tuple(ids if is_text else raw_ids(name, ids))
    if not ids:
        raise refused(f"{name} is empty", "1 id or more")
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise refused(f"{name} has {twice!r} twice", "every id once")
    return ids


def id_lookup(ids: Sequence[str]) -> keras.layers.StringLookup:
    """A table of the numbers of raw ids, from 1; 0 is for all others."""
    return keras.layers.StringLookup(vocabulary=list(ids), num_oov_indices=1)
