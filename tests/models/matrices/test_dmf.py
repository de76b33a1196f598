"""Dual matrix factorization: predictions, losses, rankings, inputs, saving."""

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.cells import Ratings
from keras_textgen.models.loading import load_model
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from tests.models.tiny_matrices import with_sines

ROWS, COLUMNS = 6, 8
ROW_FEATURES = scipy.sparse.csr_array(
    np.float32(
        [[1, 0, 0], [0, 2, 0], [0, 0, 0], [1, 1, 0], [0, 0, 3], [1, 0, 1]]
    )
)
COL_FEATURES = scipy.sparse.csr_array(
    np.arange(2 * COLUMNS).reshape(COLUMNS, 2) % 3 / np.float32(2)
)
SEEN = scipy.sparse.csr_array(
    (np.arange(ROWS * COLUMNS) % 3 == 0).reshape(ROWS, COLUMNS).astype(float)
)
CELLS = {
    "row": tf.constant([0, 5, 0, 2, 3], tf.int32),
    "column": tf.constant([7, 1, 0, 1, 1], tf.int32),
}


def make(**settings):
    """A model whose weights and biases are set, not random."""
    settings = {
        "row_dim": 3,
        "col_dim": 3,
        "row_features": ROW_FEATURES,
        "col_features": COL_FEATURES,
        "row_feature_dim": 2,
        "col_feature_dim": 2,
        "row_layers": [(4, "tanh"), (2, "relu")],
        "col_layers": [(4, "tanh"), (2, "relu")],
        "global_mean": 0.5,
        "seen": SEEN,
        **settings,
    }
    model = DualMatrixFactorization(ROWS, COLUMNS, **settings)
    return with_sines(model)


@pytest.fixture(scope="module")
def model():
    return make(multi_level=True)


def numpy_levels(tower, features, size):
    """Every level of a tower for all its ids."""
    embedded = features @ tower.feature_embedding.kernel.numpy()
    level = np.concatenate([tower.embedding.numpy(), embedded], axis=1)
    levels = [level]
    for layer, activation in zip(
        tower.hidden, (np.tanh, lambda x: np.maximum(x, 0)), strict=True
    ):
        kernel, bias = (each.numpy() for each in layer.weights)
        levels.append(activation(levels[-1] @ kernel + bias))
    assert len(level) == size
    return levels


def numpy_predictions(model):
    """The whole matrix, level by level."""
    rows = numpy_levels(model.row_tower, ROW_FEATURES.toarray(), ROWS)
    columns = numpy_levels(model.col_tower, COL_FEATURES.toarray(), COLUMNS)
    products = [x @ y.T for x, y in zip(rows, columns, strict=True)]
    biases = (
        model.global_mean
        + model.row_tower.bias.numpy()[:, np.newaxis]
        + model.col_tower.bias.numpy()
    )
    return products, biases


def numpy_best(scores, k):
    """Columns by score, then by number."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


# -- Predictions --------------------------------------------------------------


def test_multi_level_is_the_sum_of_the_levels(model):
    products, biases = numpy_predictions(model)
    assert len(products) == 3
    expected = (sum(products) + biases)[CELLS["row"], CELLS["column"]]
    np.testing.assert_allclose(model(CELLS), expected, rtol=1e-5)


def test_last_level():
    model = make()
    products, biases = numpy_predictions(model)
    expected = (products[-1] + biases)[CELLS["row"], CELLS["column"]]
    np.testing.assert_allclose(model(CELLS), expected, rtol=1e-5)


def test_encoders_predict_by_one_product(model):
    products, biases = numpy_predictions(model)
    found = model.row_encoder() @ model.col_encoder().T
    np.testing.assert_allclose(found, sum(products) + biases, rtol=1e-5)
    some = model.row_encoder(["5", "0"])
    np.testing.assert_array_equal(some, model.row_encoder()[[5, 0]])


def test_without_biases():
    model = make(use_biases=False)
    products, _ = numpy_predictions_without_biases(model)
    found = model.row_encoder() @ model.col_encoder().T
    np.testing.assert_allclose(found, products[-1], rtol=1e-5, atol=1e-6)


def numpy_predictions_without_biases(model):
    rows = numpy_levels(model.row_tower, ROW_FEATURES.toarray(), ROWS)
    columns = numpy_levels(model.col_tower, COL_FEATURES.toarray(), COLUMNS)
    return [x @ y.T for x, y in zip(rows, columns, strict=True)], None


def test_clipping_in_evaluation_alone():
    model = make(value_range=(0.0, 1.0))
    free = model(CELLS, training=True).numpy()
    assert free.min() < 0 or free.max() > 1
    np.testing.assert_array_equal(model(CELLS), np.clip(free, 0, 1))


# -- Losses -------------------------------------------------------------------


def losses_of(model, training, **values):
    batch = {
        name: tf.constant(each, tf.float32) for name, each in values.items()
    }
    outputs = model.step_outputs({**CELLS, **batch}, training=training)
    return outputs["losses"].numpy()


VALUES, WEIGHTS = [1, 4, 2, 0, 3], [1, 1, 1, 0.5, 2]


def test_explicit_loss_with_regularization():
    model = make(l2=0.1, bias_l2=0.2, kernel_l2=0.3)
    errors = np.array(VALUES) - model(CELLS, training=True).numpy()
    evaluation = losses_of(model, False, value=VALUES, weight=WEIGHTS)
    np.testing.assert_allclose(evaluation, WEIGHTS * errors**2, rtol=1e-5)
    penalties = 0.0
    for tower, ids in (
        (model.row_tower, CELLS["row"]),
        (model.col_tower, CELLS["column"]),
    ):
        penalties += 0.1 * np.sum(tower.embedding.numpy()[ids] ** 2, axis=1)
        penalties += 0.2 * tower.bias.numpy()[ids] ** 2
        for layer in tower.hidden:
            penalties += 0.3 * np.sum(layer.kernel.numpy() ** 2)
    training = losses_of(model, True, value=VALUES, weight=WEIGHTS)
    np.testing.assert_allclose(training, evaluation + penalties, rtol=1e-5)


def test_implicit_loss_is_that_of_hu_et_al():
    model = make(feedback="implicit", alpha=3.0)
    predictions = model(CELLS).numpy()
    expected = [
        weight * (1 + 3 * value) * ((value > 0) - prediction) ** 2
        for value, weight, prediction in zip(
            VALUES, WEIGHTS, predictions, strict=True
        )
    ]
    found = losses_of(model, False, value=VALUES, weight=WEIGHTS)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_drawn_cells_stand_for_all():
    """An epoch's loss is on average that over every cell of the matrix."""
    model = make(feedback="implicit", alpha=2.0, negatives=200, seed=1)
    scores = model.row_encoder() @ model.col_encoder().T
    counts = SEEN.toarray()
    expected = np.sum((1 + 2 * counts) * ((counts > 0) - scores) ** 2)
    batches = model.batches(SEEN, 4)
    found = sum(
        tf.reduce_sum(model.step_outputs(batch, training=False)["losses"])
        for batch in batches.training_stream().take(batches.steps_per_epoch)
    )
    np.testing.assert_allclose(found, expected, rtol=0.03)


# -- Training -----------------------------------------------------------------


def test_checkerboard():
    """What is held out of a checkerboard follows from the rest."""
    whole = np.indices((10, 10)).sum(axis=0) % 2 * 4.0 + 1
    held_out = np.zeros((10, 10), bool)
    held_out[np.arange(10), np.arange(10) * 3 % 10] = True
    rows, columns = np.nonzero(~held_out)
    cells = Ratings(rows, columns, whole[~held_out])
    keras.utils.set_random_seed(0)
    model = DualMatrixFactorization.from_matrix(
        cells.matrix((10, 10)),
        row_dim=4,
        col_dim=4,
        row_layers=[(4, "tanh")],
        col_layers=[(4, "tanh")],
        value_range=(1, 5),
    )
    model.compile(keras.optimizers.Nadam(0.05))
    history = model.fit(cells, batch_size=45, epochs=60, verbose=0)
    assert history.history["rmse"][0] > 1.5
    predictions = model.predict(
        Ratings(*np.nonzero(held_out), np.zeros(10)), verbose=0
    )
    np.testing.assert_allclose(predictions, whole[held_out], atol=0.2)
    # A row's best column that it does not know.
    best = model.recommend([3], k=1)
    expected = {j for j in range(10) if held_out[3, j] and whole[3, j] == 5}
    if expected:
        assert set(best.columns[0]) == expected


def test_metrics_and_kinds_of_data(model):
    rows, columns = np.array([0, 1, 2]), np.array([3, 4, 5])
    values = np.array([1.0, 2.0, 4.0])
    matrix = scipy.sparse.coo_array((values, (rows, columns)), SEEN.shape)
    table = {
        "row": ["0", "1", "2"],
        "column": ["3", "4", "5"],
        "value": values.tolist(),
    }
    cells = Ratings(rows, columns, values)
    assert type(model.optimizer) is keras.optimizers.Nadam
    predictions = model.predict(cells, verbose=0)
    errors = predictions - values
    for data in (matrix, matrix.tocsr(), table, cells, model.batches(cells)):
        found = model.evaluate(data, verbose=0, return_dict=True)
        expected = {
            "loss": np.mean(errors**2),
            "rmse": np.sqrt(np.mean(errors**2)),
            "mae": np.mean(np.abs(errors)),
        }
        assert found == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(
            model.predict(data, verbose=0), predictions, rtol=1e-6
        )
    del table["value"]
    np.testing.assert_allclose(
        model.predict(table, verbose=0), predictions, rtol=1e-6
    )


def test_compiled_metrics_are_those_of_cells():
    """Of batches of different sizes, and by the weights of the cells."""
    model = make()
    model.compile("adam", metrics=["mse"], weighted_metrics=["mae"])
    cells = Ratings(*np.nonzero(SEEN.toarray()), np.arange(16.0) % 5)
    weights = np.arange(16.0) % 3
    errors = model.predict(cells, verbose=0) - cells.values
    found = model.evaluate(
        cells, batch_size=7, sample_weight=weights, verbose=0, return_dict=True
    )
    assert found["mse"] == pytest.approx(np.mean(errors**2), rel=1e-5)
    expected = np.average(np.abs(errors), weights=weights)
    assert found["mae"] == pytest.approx(expected, rel=1e-5)


def test_table_with_raw_ids():
    table = {"user": [30, 10, 30], "film": ["b", "a", "a"], "stars": [1, 2, 6]}
    model = DualMatrixFactorization.from_table(
        table, ("user", "film", "stars"), row_layers=(), col_layers=()
    )
    assert (model.row_ids, model.col_ids) == (("30", "10"), ("b", "a"))
    assert model.global_mean == 3
    model.fit(table, epochs=1, verbose=0, validation_data=table)
    best = model.recommend(["10"], k=2)
    assert best.ids.tolist() == [["b", ""]]
    assert best.columns.tolist() == [[0, -1]]
    assert best.scores[0, 1] == -np.inf


def test_ids_of_a_table_may_have_an_order_and_others_beside_them():
    """Features stand in an order that is known before the table is."""
    table = {"user": [30, 10], "film": ["b", "a"], "stars": [1, 2]}
    features = scipy.sparse.csr_array(np.eye(3))  # of "a", "b" and "c"
    model = DualMatrixFactorization.from_table(
        table,
        ("user", "film", "stars"),
        row_ids=[10, 30],
        col_ids=["a", "b", "c"],
        col_features=features,
    )
    assert (model.row_ids, model.col_ids) == (("10", "30"), ("a", "b", "c"))
    # What each has rated is left out.
    assert set(model.recommend(["10"], k=3).ids[0]) == {"b", "c", ""}
    assert set(model.recommend(["30"], k=3).ids[0]) == {"a", "c", ""}
    with pytest.raises(ValueError, match="'b' is unknown; allowed: the 2 ids"):
        DualMatrixFactorization.from_table(
            table, ("user", "film", "stars"), col_ids=["a", "c"]
        )


# -- Recommendations ----------------------------------------------------------


@pytest.mark.parametrize("k", [1, 5, COLUMNS, 99])
@pytest.mark.parametrize("exclude_seen", [False, True])
def test_recommendations(model, k, exclude_seen):
    scores = model.row_encoder() @ model.col_encoder().T
    if exclude_seen:
        scores = np.where(SEEN.toarray() > 0, -np.inf, scores)
    best = model.recommend(k=k, exclude_seen=exclude_seen)
    order = numpy_best(scores, k)
    expected = np.take_along_axis(scores, order, axis=1)
    np.testing.assert_allclose(best.scores, expected, rtol=1e-5)
    order[expected == -np.inf] = -1
    np.testing.assert_array_equal(best.columns, order)
    ids = [["" if j < 0 else str(j) for j in row] for row in order]
    np.testing.assert_array_equal(best.ids, ids)


def test_columns_are_alike_by_their_factors_and_not_by_their_biases():
    model = make()
    levels = numpy_levels(model.col_tower, COL_FEATURES.toarray(), COLUMNS)[-1]
    lengths = np.linalg.norm(levels, axis=1)
    lengths[lengths == 0] = 1
    cosines = levels @ levels.T / lengths / lengths[:, np.newaxis]
    np.fill_diagonal(cosines, -np.inf)
    found = model.similar_columns(["2", "7"], k=3)
    order = numpy_best(cosines[[2, 7]], 3)
    expected = np.take_along_axis(cosines[[2, 7]], order, axis=1)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-5)
    assert found.ids.tolist() == [[str(j) for j in row] for row in order]
    model.col_tower.bias.assign(10.0 * np.arange(COLUMNS))
    again = model.similar_columns(["2", "7"], k=3)
    np.testing.assert_array_equal(found.columns, again.columns)
    # No more than there are, without itself.
    assert model.similar_columns([0], k=99).columns.shape == (1, COLUMNS - 1)
    assert make(use_biases=False).num_bias_entries == 0


def test_ties_are_in_the_order_of_the_columns():
    model = make(multi_level=False)
    for weight in model.trainable_weights:
        weight.assign(tf.zeros_like(weight))
    model.col_tower.bias.assign([0, 1, 0, 1, 0, 0, 1, 0])
    best = model.recommend([4], k=6, exclude_seen=False)
    assert best.columns.tolist() == [[1, 3, 6, 0, 2, 4]]


# -- Cold start ---------------------------------------------------------------


def test_new_row_is_served_from_its_features(model):
    features = np.float32([[0, 2, 0], [1, 0, 5]])
    vectors = model.row_encoder(features=features)
    # Row 1 has the first features, too: without its embedding and its bias,
    # it is the new row.
    tower = model.row_tower
    embedding, bias = tower.embedding.numpy(), tower.bias.numpy()
    tower.embedding.assign(embedding * [[1], [0], [1], [1], [1], [1]])
    tower.bias.assign(bias * [1, 0, 1, 1, 1, 1])
    try:
        np.testing.assert_allclose(vectors[0], model.row_encoder([1])[0])
    finally:
        tower.embedding.assign(embedding)
        tower.bias.assign(bias)
    best = model.recommend(features=features, k=3)
    scores = vectors @ model.col_encoder().T
    np.testing.assert_array_equal(best.columns, numpy_best(scores, 3))
    sparse = model.recommend(features=scipy.sparse.coo_array(features), k=3)
    np.testing.assert_array_equal(sparse.columns, best.columns)
    assert np.any(vectors[0] != vectors[1])


def test_features_in_place_of_those_held(model):
    found = model.col_encoder([2, 3], COL_FEATURES[[2, 1]])
    expected = model.col_encoder([2, 3])
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    assert np.any(found[1] != expected[1])


# -- What is refused ----------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"feedback": "likes"},
            "feedback='likes'; allowed: exp",
        ),
        ({"l2": -1}, "l2=-1; allowed: numbers, 0 or more"),
        ({"alpha": np.nan}, "alpha=nan; allowed: numbers, 0 or more"),
        (
            {"row_layers": [(4, "tanh")]},
            r"the widths of rows are \[4\] and tho",
        ),
        ({"row_layers": ["relu"]}, "row_layers has 'relu'; allowed: "),
        ({"row_layers": [(0, "relu")]}, "row_layers has units=0; allowed: wh"),
        ({"row_features": COL_FEATURES}, "row_features has 8 rows; allowed: 6"),
        ({"seen": ROW_FEATURES}, "seen has 3 columns; allowed: 8"),
        ({"row_ids": 0}, "row_ids=0; allowed: whole"),
        ({"row_ids": []}, "row_ids is empty; allowed"),
        ({"row_ids": ["a", "b", "a"]}, "row_ids has 'a' twice; allowed"),
    ],
)
def test_bad_settings(settings, message):
    settings = {"row_ids": ROWS, "col_ids": COLUMNS, **settings}
    with pytest.raises(ValueError, match=message) as caught:
        DualMatrixFactorization(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.recommend([6]), "row 6; allowed: 0 to 5"),
        (lambda m: m.recommend([-1]), "row -1; allowed: 0 to 5"),
        (lambda m: m.col_encoder([8]), "column 8; allowed: 0 to 7"),
        (
            lambda m: m.recommend(["ann"]),
            "row 'ann' is unknown; allowed: the 6 ids from '0' to '5'",
        ),
        (
            lambda m: m.recommend([0], k=0),
            "k=0; allowed: whole numbers, 1 to 2147483647",
        ),
        (lambda m: m.recommend([]), r"rows of shape \[0\]; allowed"),
        (
            lambda m: m.recommend(features=np.zeros((2, 4))),
            r"row features of shape \[2, 4\]; allowed: \[2, 3\]",
        ),
        (
            lambda m: m.fit(scipy.sparse.eye_array(8)),
            r"a matrix of shape \[8, 8\]; allowed: \[6, 8\]",
        ),
        (
            lambda m: m.fit(Ratings(*np.array([[0], [8], [1]]))),
            "column 8; allowed: 0 to 7",
        ),
        (lambda m: m.fit({"row": [1]}), "no column 'column' in the data"),
        (lambda m: m.fit([1, 2]), "no column 'row' in the data; allowed: a sp"),
        (
            lambda m: m.fit({"row": [1], "column": [1, 2], "value": [1]}),
            "1 row, 2 columns, 1 value; allowed: as many",
        ),
    ],
)
def test_bad_input(model, call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(model)
    assert "\n" not in str(caught.value)


def test_nothing_seen_and_no_features():
    model = make(seen=None, row_features=None, col_features=None)
    with pytest.raises(ValueError, match="exclude_seen=True of a model"):
        model.recommend([0])
    assert model.recommend([0], exclude_seen=False).columns.shape == (1, 8)
    with pytest.raises(ValueError, match="this model has no row features"):
        model.row_encoder(features=np.zeros((1, 3)))


# -- Saving -------------------------------------------------------------------


def test_saved_model_is_the_same(tmp_path):
    layers = [
        keras.layers.Dense(4, "elu", kernel_regularizer="l2"),
        (2, "tanh"),
    ]
    model = make(
        feedback="implicit",
        row_layers=layers,
        col_layers=[(2, None)],
        value_range=(0, 1),
        join="concatenate",
    )
    model.fit(SEEN, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.row_encoder(), model.row_encoder())
    found, expected = again.recommend(["3"], k=9), model.recommend(["3"], k=9)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    configs = again.get_config(), model.get_config()
    for config in configs:
        for name in ("row_layers", "row_features", "col_features", "seen"):
            del config[name]
    assert configs[0] == configs[1]
    assert int(again.train_steps) == 1
