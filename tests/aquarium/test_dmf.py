"""The tutorial of keras-aquarium on dual matrix factorization."""

import sys

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from keras.layers import Dense
from keras.ops import tanh
from keras.regularizers import l2

from keras_textgen.aquarium import dmf
from keras_textgen.models.loading import load_model

N_USER, N_ITEM, N_FEATURE = 12, 9, 4
DRAW = np.random.default_rng(0)
RATINGS = scipy.sparse.coo_array(
    DRAW.integers(1, 6, [N_USER, N_ITEM])
    * (DRAW.random([N_USER, N_ITEM]) < 0.6)
)
USERS, ITEMS = RATINGS.coords
VALUES = RATINGS.data.astype(float)
ITEM_FEATURES = scipy.sparse.csr_matrix(
    DRAW.integers(0, 3, [N_ITEM, N_FEATURE]).astype(float)
)
INPUTS = [USERS, ITEMS, ITEM_FEATURES[ITEMS]]


def tutorial(**settings):
    return dmf.DualMatrixFactorization(
        n_row=N_USER,
        n_col=N_ITEM,
        n_row_feature=None,
        n_col_feature=N_FEATURE,
        row_dim=30,
        col_dim=20,
        row_feature_dim=None,
        col_feature_dim=None,
        row_layers=[(50, "relu"), (30, tanh)],
        col_layers=[lambda x: Dense(30, kernel_regularizer=l2(0.001))(x)],
        **settings,
    )


@pytest.fixture
def model():
    return tutorial(seed=1)


def numpy_predictions(model, users, items, item_features):
    """The forward pass, from the weights by their shapes."""
    weights = {each.shape: each.numpy() for each in model.trainable_weights}
    # Eight weights of different shapes, but for three biases.
    kernels = (weights[30, 50], weights[50, 30], weights[24, 30])
    rows, columns = weights[N_USER, 30][users], weights[N_ITEM, 20][items]
    columns = np.concatenate([columns, item_features], axis=1)
    hidden = np.maximum(rows @ kernels[0] + biases(model)[0], 0)
    rows = np.tanh(hidden @ kernels[1] + biases(model)[1])
    columns = columns @ kernels[2] + biases(model)[2]
    return np.sum(rows * columns, axis=1)


def biases(model):
    first, second = model.row_tower.hidden
    (last,) = model.col_tower.hidden
    return [each.weights[1].numpy() for each in (first, second, last)]


def test_the_tutorial():
    model = tutorial(seed=1)
    model.compile(loss="mse", optimizer="adam")
    inputs = [USERS] + [ITEMS, ITEM_FEATURES[ITEMS]]  # noqa: RUF005
    history = model.fit(inputs, VALUES, epochs=60, verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < losses[0] / 4
    found = model.predict(inputs, verbose=0)
    expected = numpy_predictions(
        model, USERS, ITEMS, ITEM_FEATURES.toarray()[ITEMS]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_predictions_of_fixed_weights(model):
    for index, weight in enumerate(model.trainable_weights):
        positions = np.arange(np.prod(weight.shape)).reshape(weight.shape)
        weight.assign(0.3 * np.sin(1 + 1.3 * positions + 2 * index))
    users, items = [3, 11, 3], [8, 0, 8]
    # Features are those that are given, not those of an id.
    features = np.float32([[1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 1, 0]])
    expected = numpy_predictions(model, users, items, features)
    assert abs(expected[0] - expected[2]) > 0.01
    found = model.predict([users, items, features], verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    vectors = model.row_encoder(users), model.col_encoder(items, features)
    np.testing.assert_allclose(
        np.sum(vectors[0] * vectors[1], axis=1), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_callable_that_makes_a_layer_is_trained(model, run_eagerly):
    """By the gradient of the squared errors and of its own penalty."""
    model.compile(
        loss="mse", optimizer=keras.optimizers.SGD(0.5), run_eagerly=run_eagerly
    )
    features = ITEM_FEATURES.toarray()[ITEMS]
    errors = numpy_predictions(model, USERS, ITEMS, features) - VALUES
    rows = model.row_encoder(USERS)
    columns = np.concatenate(
        [model.col_tower.embedding.numpy()[ITEMS], features], axis=1
    )
    kernel = model.col_tower.hidden[0].weights[0]
    before = kernel.numpy()
    gradient = 2 * columns.T @ (errors[:, np.newaxis] * rows) / len(VALUES)
    gradient += 2 * 0.001 * before
    model.fit(INPUTS, VALUES, batch_size=999, verbose=0)
    assert len(model.trainable_weights) == 8
    assert np.abs(gradient).max() > 0.01
    np.testing.assert_allclose(
        kernel.numpy(), before - 0.5 * gradient, rtol=1e-4, atol=1e-5
    )


def test_loss_is_the_mean_squared_error_and_the_penalties(model):
    model.compile(loss="mse", optimizer="adam", metrics=["mse"])
    errors = VALUES - numpy_predictions(
        model, USERS, ITEMS, ITEM_FEATURES.toarray()[ITEMS]
    )
    found = model.evaluate(INPUTS, VALUES, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(np.mean(errors**2), rel=1e-5)
    assert found["mse"] == pytest.approx(found["loss"])
    kernel = model.col_tower.hidden[0].weights[0].numpy()
    penalty = 0.001 * np.sum(kernel**2)
    found = model.train_on_batch(INPUTS, VALUES, return_dict=True)
    assert found["loss"] == pytest.approx(
        np.mean(errors**2) + penalty, rel=1e-5
    )


def test_a_table_of_low_rank_is_learnt():
    draw = np.random.default_rng(3)
    whole = draw.normal(size=[20, 2]) @ draw.normal(size=[2, 16])
    is_held_out = draw.random(whole.shape) < 0.15
    users, items = np.nonzero(~is_held_out)
    model = dmf.DualMatrixFactorization(
        20, 16, row_dim=2, col_dim=2, row_layers=[], col_layers=[], seed=0
    )
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.05))
    model.fit(
        [users, items],
        whole[users, items],
        batch_size=64,
        epochs=150,
        verbose=0,
    )
    users, items = np.nonzero(is_held_out)
    found = model.predict([users, items], verbose=0)
    assert np.std(whole) > 0.8
    np.testing.assert_allclose(found, whole[users, items], atol=0.1)


def test_features_of_both_sides():
    model = dmf.DualMatrixFactorization(
        3,
        4,
        n_row_feature=2,
        n_col_feature=3,
        row_dim=2,
        col_dim=5,
        row_feature_dim=4,
        col_feature_dim=None,
        row_layers=[(3, "relu")],
        col_layers=[(3, None)],
    )
    rows, columns = [2, 0], [1, 3]
    row_features = np.float32([[1, 0], [2, 3]])
    column_features = np.float32([[0, 1, 0], [4, 5, 6]])
    embedded = row_features @ model.row_tower.feature_embedding.kernel.numpy()
    x = np.concatenate(
        [model.row_tower.embedding.numpy()[rows], embedded], axis=1
    )
    y = np.concatenate(
        [model.col_tower.embedding.numpy()[columns], column_features], axis=1
    )
    x = np.maximum(x @ model.row_tower.hidden[0].kernel.numpy(), 0)
    y = y @ model.col_tower.hidden[0].kernel.numpy()
    found = model.predict(
        [rows, row_features, columns, column_features], verbose=0
    )
    np.testing.assert_allclose(found, np.sum(x * y, axis=1), rtol=1e-4)


def test_forms_of_data(model):
    expected = model.predict(INPUTS, verbose=0)
    dense = ITEM_FEATURES.toarray()[ITEMS].astype(np.float32)

    def batches():
        for start in range(0, len(USERS), 7):
            part = slice(start, start + 7)
            yield [USERS[part], ITEMS[part], dense[part]], VALUES[part]

    dataset = tf.data.Dataset.from_tensor_slices(
        ((USERS, ITEMS, dense), VALUES)
    )
    dataset = dataset.batch(7)
    for data in (
        (USERS, ITEMS, dense),
        [USERS[:, np.newaxis], ITEMS.tolist(), scipy.sparse.coo_array(dense)],
        [tf.constant(USERS), tf.constant(ITEMS), tf.constant(dense)],
        dataset,
    ):
        found = model.predict(data, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    steps = -(-len(USERS) // 7)
    found = model.predict(batches(), steps=steps, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    tensors = [tf.constant(each) for each in (USERS, ITEMS, dense)]
    np.testing.assert_allclose(model(tensors), expected, rtol=1e-5)
    weights = np.arange(len(USERS)) % 3 / 2
    errors = np.average((expected - VALUES) ** 2, weights=weights)
    found = model.evaluate(INPUTS, VALUES, sample_weight=weights, verbose=0)
    assert found[0] == pytest.approx(errors, rel=1e-5)
    for given in (
        {"x": INPUTS, "y": VALUES, "validation_split": 0.3},
        {"x": dataset, "validation_data": (INPUTS, VALUES)},
        {"x": batches(), "steps_per_epoch": 3},
    ):
        history = model.fit(**given, verbose=0).history
        assert np.isfinite(history["loss"]).all()


def test_validation_split_takes_the_last_cells(model):
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    history = model.fit(INPUTS, VALUES, validation_split=0.25, verbose=0)
    last = int(np.floor(len(VALUES) * 0.75))
    x = [each[last:] for each in INPUTS]
    expected = model.evaluate(x, VALUES[last:], verbose=0)[0]
    assert history.history["val_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_a_pair_that_is_given_again_counts_again(model):
    x = [[1, 1, 2], [4, 4, 0], ITEM_FEATURES[[4, 4, 0]]]
    values = np.array([1.0, 5.0, 2.0])
    errors = model.predict(x, verbose=0) - values
    found = model.evaluate(x, values, verbose=0)[0]
    assert found == pytest.approx(np.mean(errors**2), rel=1e-5)


def test_saved_model_is_the_same(model, tmp_path, monkeypatch):
    model.compile(loss="mse", optimizer="adam")
    model.fit(INPUTS, VALUES, verbose=0)
    model.save(tmp_path / "model.keras")
    # As in a process that has not imported the wrapper.
    name = "keras_textgen.aquarium>DualMatrixFactorization"
    monkeypatch.delitem(keras.saving.get_custom_objects(), name)
    monkeypatch.delitem(sys.modules, dmf.__name__)
    again = load_model(tmp_path / "model.keras")
    assert keras.saving.get_registered_name(type(again)) == name
    np.testing.assert_array_equal(
        again.predict(INPUTS, verbose=0), model.predict(INPUTS, verbose=0)
    )
    for each in (model, again):
        each.fit(INPUTS, VALUES, shuffle=False, verbose=0)
    np.testing.assert_allclose(
        again.predict(INPUTS, verbose=0),
        model.predict(INPUTS, verbose=0),
        rtol=1e-5,
        atol=1e-6,
    )


def test_export(model, tmp_path):
    model.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures["predict"]
    found = served(
        row_ids=tf.constant(["3", "99"]),
        column_ids=tf.constant(["8", "0"]),
        column_features=tf.constant(
            ITEM_FEATURES[[8, 0]].toarray(), tf.float32
        ),
    )
    expected = model.predict([[3], [8], ITEM_FEATURES[[8]]], verbose=0)
    np.testing.assert_allclose(found["prediction"][:1], expected, rtol=1e-5)
    assert found["known"].numpy().tolist() == [True, False]


def test_without_features_it_recommends():
    model = dmf.DualMatrixFactorization(5, 6, model_name="mine", seed=2)
    assert model.name == "mine"
    scores = model.row_encoder() @ model.col_encoder().T
    best = model.recommend([4], k=2, exclude_seen=False)
    assert best.columns[0].tolist() == np.argsort(-scores[4])[:2].tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: m.fit([USERS, ITEMS], VALUES),
            r"x of 2 parts; allowed: \[row, column, column_features\]",
        ),
        (lambda m: m.fit(INPUTS), "y=None; allowed: a value for each cell"),
        (
            lambda m: m.fit([USERS, ITEMS, ITEM_FEATURES], VALUES),
            rf"column_features of shape \[9, 4\]; allowed: \[{len(USERS)}, 4\]",
        ),
        (
            lambda m: m.fit([USERS + 1, ITEMS, INPUTS[2]], VALUES),
            "row '12' is unknown; allowed: the 12 ids from '0' to '11'",
        ),
        (lambda m: m.compile(loss="mae"), "compile with loss='mae'; allowed: "),
        (
            lambda m: m.compile(
                loss=keras.losses.MeanSquaredError(reduction="sum")
            ),
            "compile with loss=<.*; allowed: 'mse'",
        ),
        (
            lambda m: m.recommend([0], exclude_seen=False),
            "column features=None; allowed: 4 of each column, as the model",
        ),
        (
            lambda m: m.predict(
                tf.data.Dataset.from_tensors({"row": [1], "column": [1]})
            ),
            "no 'column_features' in the batches; allowed: 4 of each cell",
        ),
        (
            lambda m: m.fit(
                [USERS, ITEMS, ITEM_FEATURES[ITEMS] * np.inf], VALUES
            ),
            "column_features has .* allowed: finite numbers",
        ),
        (
            lambda m: dmf.DualMatrixFactorization(3, 2, n_col_feature=0),
            "col_features=0; allowed: whole numbers, 1 or more",
        ),
        (
            lambda m: dmf.DualMatrixFactorization(0, 2),
            "n_row=0; allowed: whole",
        ),
        # It would be forgotten when the model is saved.
        (
            lambda m: dmf.DualMatrixFactorization(3, 2, l2=0.1),
            "l2, which keras-aquarium has not; allowed: name, trainable",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_refusals(model, call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        "MSE",
        "mean_squared_error",
        None,
        keras.losses.MeanSquaredError(),
    ],
)
def test_the_squared_error_is_no_other_loss(model, loss):
    model.compile(loss=loss, optimizer="adam")
