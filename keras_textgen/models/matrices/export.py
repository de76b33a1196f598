"""SavedModels of matrix factorization that need TensorFlow alone."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from keras_textgen.layers.towers import SparseVectors, Tower
from keras_textgen.models.matrices.dmf import DualMatrixFactorization

_ROW_IDS = tf.TensorSpec([None], tf.string, name="row_ids")
_COLUMN_IDS = tf.TensorSpec([None], tf.string, name="column_ids")
_K = tf.TensorSpec([], tf.int32, name="k")
_EXCLUDE_SEEN = tf.TensorSpec([], tf.bool, name="exclude_seen")

Outputs = dict[str, tf.Tensor]


def export_dmf(model: DualMatrixFactorization, path: str | Path) -> None:
    """Write a model as a SavedModel with its ids and features inside.

    `tf.saved_model.load(path)` gives an object with the functions below, for
    any number of rows, 0 included; it needs no package but `tensorflow`. Ids
    are raw ids, string [n]. An unknown one has no vector of its own and no
    bias, and "known" tells.

    - `predict(row_ids, column_ids)`: {"prediction": float32 [n], "known":
      bool [n]}.
    - `recommend(row_ids, k)`: {"column_ids": string, "scores": float32, both
      [n, min(k, columns)], "known": bool [n]}, best first, equal scores in the
      order of the columns. With `seen` cells in the model, they are left out,
      but not by `recommend(row_ids, k, False)`; where no column is left,
      the id is empty and the score -inf.

    For new rows and columns, if the model has such features, float32
    [n, features]:

    - `predict_new_rows(row_features, column_ids)` and
      `predict_new_columns(row_ids, column_features)`: as `predict`.
    - `recommend_to_new_rows(row_features, k)`: as `recommend`.

    `signatures` holds the same functions with all their arguments under these
    names.

    Args:
        model: The model.
        path: Folder to write; made if it is not there.

    Example:
        >>> import tempfile
        >>> model = DualMatrixFactorization(["ann"], ["Alien", "Brazil"])
        >>> path = tempfile.mkdtemp()
        >>> export_dmf(model, path)
        >>> served = tf.saved_model.load(path)
        >>> served.recommend(tf.constant(["ann"]), 7)["column_ids"].shape
        TensorShape([1, 2])
    """
    module = tf.Module()
    # A SavedModel holds what hangs on the module: weights and lookup tables,
    # not the Keras objects around them.
    module.weights = [weight.value for weight in model.weights]
    module.tables = [
        model.row_lookup.lookup_table,
        model.col_lookup.lookup_table,
    ]
    signatures = {}
    for name, (function, specs, option) in _endpoints(model).items():
        endpoint = tf.function(function, autograph=False)
        setattr(module, name, endpoint)
        signatures[name] = endpoint.get_concrete_function(*specs, *option)
        if option:
            endpoint.get_concrete_function(*specs)
    tf.saved_model.save(
        module,
        str(path),
        signatures=signatures,
        # They serve and do not train; tracing gradients takes long.
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def _endpoints(
    model: DualMatrixFactorization,
) -> dict[str, tuple[Callable, list[tf.TensorSpec], list[tf.TensorSpec]]]:
    """The functions by their names, with their inputs and optional ones."""
    endpoints = {
        "predict": (_predict(model), [_ROW_IDS, _COLUMN_IDS], []),
        "recommend": (
            _recommend(model),
            [_ROW_IDS, _K],
            [_EXCLUDE_SEEN] if model.seen is not None else [],
        ),
    }
    if model.row_features is not None:
        features = _features_spec("row_features", model.row_tower)
        endpoints["predict_new_rows"] = (
            _predict_new_rows(model),
            [features, _COLUMN_IDS],
            [],
        )
        endpoints["recommend_to_new_rows"] = (
            _recommend_to_new_rows(model),
            [features, _K],
            [],
        )
    if model.col_features is not None:
        features = _features_spec("column_features", model.col_tower)
        endpoints["predict_new_columns"] = (
            _predict_new_columns(model),
            [_ROW_IDS, features],
            [],
        )
    return endpoints


def _features_spec(name: str, tower: Tower) -> tf.TensorSpec:
    return tf.TensorSpec(
        [None, tower.features.num_columns], tf.float32, name=name
    )


def _predict(model: DualMatrixFactorization) -> Callable[..., Outputs]:
    def predict(row_ids: tf.Tensor, column_ids: tf.Tensor) -> Outputs:
        rows, columns = (
            model.row_numbers(row_ids),
            model.col_numbers(column_ids),
        )
        return {
            "prediction": _products(
                model, model.row_vectors(rows), model.col_vectors(columns)
            ),
            "known": (rows >= 0) & (columns >= 0),
        }

    return predict


def _predict_new_rows(model: DualMatrixFactorization) -> Callable[..., Outputs]:
    def predict(row_features: tf.Tensor, column_ids: tf.Tensor) -> Outputs:
        columns = model.col_numbers(column_ids)
        vectors = _new(model.row_vectors, row_features)
        return {
            "prediction": _products(model, vectors, model.col_vectors(columns)),
            "known": columns >= 0,
        }

    return predict


def _predict_new_columns(
    model: DualMatrixFactorization,
) -> Callable[..., Outputs]:
    def predict(row_ids: tf.Tensor, column_features: tf.Tensor) -> Outputs:
        rows = model.row_numbers(row_ids)
        vectors = _new(model.col_vectors, column_features)
        return {
            "prediction": _products(model, model.row_vectors(rows), vectors),
            "known": rows >= 0,
        }

    return predict


def _recommend(model: DualMatrixFactorization) -> Callable[..., Outputs]:
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


def _recommend_to_new_rows(
    model: DualMatrixFactorization,
) -> Callable[..., Outputs]:
    def recommend(row_features: tf.Tensor, k: tf.Tensor) -> Outputs:
        return _best(model, _new(model.row_vectors, row_features), k, None)

    return recommend


def _best(
    model: DualMatrixFactorization,
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
    model: DualMatrixFactorization,
    row_vectors: tf.Tensor,
    col_vectors: tf.Tensor,
) -> tf.Tensor:
    return model.clipped(tf.reduce_sum(row_vectors * col_vectors, axis=1))
