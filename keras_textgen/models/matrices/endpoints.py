"""What models of matrices serve; `keras_textgen.export_model` says what."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_textgen.layers.sparse_vectors import SparseVectors
from keras_textgen.serving.endpoints import Endpoint, Outputs

_ROW_IDS = tf.TensorSpec([None], tf.string, name="row_ids")
_COLUMN_IDS = tf.TensorSpec([None], tf.string, name="column_ids")
_K = tf.TensorSpec([], tf.int32, name="k")
_EXCLUDE_SEEN = tf.TensorSpec([], tf.bool, name="exclude_seen")


def matrix_endpoints(model: Any) -> dict[str, Endpoint]:
    """Predictions and recommendations, for new rows and columns too.

    Of a model to which features are brought: predictions, given them.
    """
    if model.brought_features:
        brought = [
            _features_spec(name, size)
            for name, size in model.brought_features.items()
        ]
        return {
            "predict": Endpoint(
                _predict(model), [_ROW_IDS, _COLUMN_IDS, *brought]
            )
        }
    options = [] if model.seen is None else [_EXCLUDE_SEEN]
    endpoints = {
        "predict": Endpoint(_predict(model), [_ROW_IDS, _COLUMN_IDS]),
        "recommend": Endpoint(_recommend(model), [_ROW_IDS, _K], options),
    }
    if model.row_features is not None:
        features = _features_spec("row_features", model.row_tower.num_features)
        endpoints["predict_new_rows"] = Endpoint(
            _predict_new_rows(model), [features, _COLUMN_IDS]
        )
        endpoints["recommend_to_new_rows"] = Endpoint(
            _recommend_to_new_rows(model), [features, _K]
        )
    if model.col_features is not None:
        features = _features_spec(
            "column_features", model.col_tower.num_features
        )
        endpoints["predict_new_columns"] = Endpoint(
            _predict_new_columns(model), [_ROW_IDS, features]
        )
    return endpoints


def _features_spec(name: str, size: int) -> tf.TensorSpec:
    return tf.TensorSpec([None, size], tf.float32, name=name)


def _predict(model: Any) -> Callable[..., Outputs]:
    def predict(
        row_ids: tf.Tensor, column_ids: tf.Tensor, *brought: tf.Tensor
    ) -> Outputs:
        rows = model.row_numbers(row_ids)
        columns = model.col_numbers(column_ids)
        given = {
            name: SparseVectors.from_dense(features)
            for name, features in zip(
                model.brought_features, brought, strict=True
            )
        }
        return {
            "prediction": _products(
                model,
                model.row_vectors(rows, given.get("row_features")),
                model.col_vectors(columns, given.get("column_features")),
            ),
            "known": (rows >= 0) & (columns >= 0),
        }

    return predict


def _predict_new_rows(model: Any) -> Callable[..., Outputs]:
    def predict(row_features: tf.Tensor, column_ids: tf.Tensor) -> Outputs:
        columns = model.col_numbers(column_ids)
        vectors = _new(model.row_vectors, row_features)
        return {
            "prediction": _products(model, vectors, model.col_vectors(columns)),
            "known": columns >= 0,
        }

    return predict


def _predict_new_columns(model: Any) -> Callable[..., Outputs]:
    def predict(row_ids: tf.Tensor, column_features: tf.Tensor) -> Outputs:
        rows = model.row_numbers(row_ids)
        vectors = _new(model.col_vectors, column_features)
        return {
            "prediction": _products(model, model.row_vectors(rows), vectors),
            "known": rows >= 0,
        }

    return predict


def _recommend(model: Any) -> Callable[..., Outputs]:
    def recommend(
        row_ids: tf.Tensor,
        k: tf.Tensor,
        exclude_seen: tf.Tensor | bool = True,
    ) -> Outputs:
        rows = model.row_numbers(row_ids)
        seen = None
        if model.seen is not None:
            # The row -1 has seen nothing.
            seen = tf.where(exclude_seen, rows, -1)
        best = _best(model, model.row_vectors(rows), k, seen)
        return {**best, "known": rows >= 0}

    return recommend


def _recommend_to_new_rows(model: Any) -> Callable[..., Outputs]:
    def recommend(row_features: tf.Tensor, k: tf.Tensor) -> Outputs:
        return _best(model, _new(model.row_vectors, row_features), k, None)

    return recommend


def _best(
    model: Any,
    row_vectors: tf.Tensor,
    k: tf.Tensor,
    seen: tf.Tensor | None,
) -> Outputs:
    catalogue = model.col_vectors(tf.range(len(model.col_ids)))
    columns, scores = model.best_columns(row_vectors, catalogue, k, seen)
    # The last one is for no column.
    ids = tf.constant([*model.col_ids, ""])
    places = tf.where(columns < 0, len(model.col_ids), columns)
    return {"column_ids": tf.gather(ids, places), "scores": scores}


def _new(vectors: Callable, features: tf.Tensor) -> tf.Tensor:
    """Vectors of rows or columns without an id."""
    ids = tf.fill([tf.shape(features)[0]], -1)
    return vectors(ids, SparseVectors.from_dense(features))


def _products(
    model: Any,
    row_vectors: tf.Tensor,
    col_vectors: tf.Tensor,
) -> tf.Tensor:
    return model.clipped(tf.reduce_sum(row_vectors * col_vectors, axis=1))
