"""The SavedModel of a matrix factorization, where there is only TensorFlow."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.matrices.export import export_dmf

ROW_IDS = ("ann", "bob", "eve")
COLUMN_IDS = ("Alien", "Brazil", "Casablanca", "Diva")
SEEN = scipy.sparse.csr_array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
NEW_ROWS = np.float32([[0, 1], [2, 3]])
NEW_COLUMNS = np.float32([[1, 0, 0], [0, 0, 2]])

# Nothing of Keras, tensorflow-probability or this package can be imported.
_CLIENT = """
import pathlib, pickle, sys
for name in ("keras", "tf_keras", "tensorflow_probability", "keras_textgen"):
    sys.modules[name] = None
import tensorflow as tf

folder = pathlib.Path(sys.argv[1])
served = tf.saved_model.load(str(folder / "export"))
answers = []
for name, arguments in pickle.loads((folder / "calls").read_bytes()):
    arguments = {key: tf.constant(value) for key, value in arguments.items()}
    outputs = served.signatures[name](**arguments)
    answers.append({key: value.numpy() for key, value in outputs.items()})
best = served.recommend(tf.constant(["ann"]), 2)
answers.append({key: value.numpy() for key, value in best.items()})
answers.append(sorted(served.signatures))
(folder / "answers").write_bytes(pickle.dumps(answers))
"""


def recommendation(row_ids, k, exclude_seen=True):
    return (
        "recommend",
        {
            "row_ids": row_ids,
            "k": np.int32(k),
            "exclude_seen": exclude_seen,
        },
    )


CALLS = [
    (
        "predict",
        {
            "row_ids": ["eve", "ann", "zoe"],
            "column_ids": ["Diva", "Alien", "Diva"],
        },
    ),
    recommendation(["bob", "ann"], 3),
    recommendation(["ann"], 99),
    recommendation(["eve", "bob"], 99, exclude_seen=False),
    recommendation(["eve", "zoe"], 2),
    (
        "predict_new_rows",
        {"row_features": NEW_ROWS, "column_ids": ["Brazil", "Diva"]},
    ),
    ("recommend_to_new_rows", {"row_features": NEW_ROWS, "k": np.int32(3)}),
    (
        "predict_new_columns",
        {"row_ids": ["bob", "eve"], "column_features": NEW_COLUMNS},
    ),
]


@pytest.fixture(scope="module")
def model():
    model = DualMatrixFactorization(
        ROW_IDS,
        COLUMN_IDS,
        row_dim=2,
        col_dim=3,
        row_features=scipy.sparse.csr_array([[0.0, 1], [1, 0], [1, 1]]),
        col_features=scipy.sparse.csr_array(np.eye(4)[:, :3]),
        row_layers=[(3, "tanh")],
        col_layers=[(3, "tanh")],
        global_mean=3.0,
        value_range=(1, 5),
        seen=SEEN,
    )
    for index, weight in enumerate(model.trainable_weights):
        positions = np.arange(np.prod(weight.shape)).reshape(weight.shape)
        weight.assign(np.sin(1 + 1.3 * positions + 2 * index))
    return model


@pytest.fixture(scope="module")
def answers(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    export_dmf(model, folder / "export")
    (folder / "calls").write_bytes(pickle.dumps(CALLS))
    subprocess.run([sys.executable, "-c", _CLIENT, folder], check=True)
    return pickle.loads((folder / "answers").read_bytes())


def clipped(row_vectors, col_vectors):
    return np.clip(np.sum(row_vectors * col_vectors, axis=1), 1, 5)


def without_id(vectors, model):
    """Of a row that is unknown: neither features nor embedding nor bias."""
    (level, *_) = model.row_tower(tf.constant([-1]))
    hidden = model.row_tower.hidden[0](tf.zeros_like(level)).numpy()
    return np.concatenate([vectors, [[*hidden[0], 0, 1]]])


def test_predictions(model, answers):
    rows = without_id(model.row_encoder(["eve", "ann"]), model)
    columns = model.col_encoder(["Diva", "Alien", "Diva"])
    np.testing.assert_allclose(
        answers[0]["prediction"], clipped(rows, columns), rtol=1e-5
    )
    assert answers[0]["known"].tolist() == [True, True, False]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_recommendations(model, answers, number):
    _, arguments = CALLS[number]
    best = model.recommend(
        arguments["row_ids"], int(arguments["k"]), arguments["exclude_seen"]
    )
    found = answers[number]
    np.testing.assert_array_equal(found["column_ids"].astype(str), best.ids)
    np.testing.assert_allclose(found["scores"], best.scores, rtol=1e-5)
    assert found["known"].all()


def test_nothing_left_and_unknown(model, answers):
    ids = answers[4]["column_ids"].astype(str)
    assert ids[0].tolist() == ["", ""]
    assert answers[4]["scores"][0].tolist() == [-np.inf] * 2
    assert answers[4]["known"].tolist() == [True, False]
    # The other one is unknown, and has seen nothing.
    assert set(ids[1]) <= set(COLUMN_IDS)


def test_new_rows_and_columns(model, answers):
    rows = model.row_encoder(features=NEW_ROWS)
    np.testing.assert_allclose(
        answers[5]["prediction"],
        clipped(rows, model.col_encoder(["Brazil", "Diva"])),
        rtol=1e-5,
    )
    best = model.recommend(features=NEW_ROWS, k=3)
    np.testing.assert_array_equal(
        answers[6]["column_ids"].astype(str), best.ids
    )
    columns = model.col_encoder(features=NEW_COLUMNS)
    np.testing.assert_allclose(
        answers[7]["prediction"],
        clipped(model.row_encoder(["bob", "eve"]), columns),
        rtol=1e-5,
    )


def test_functions_and_signatures(model, answers):
    best = model.recommend(["ann"], 2)
    np.testing.assert_array_equal(
        answers[8]["column_ids"].astype(str), best.ids
    )
    assert answers[9] == [
        "predict",
        "predict_new_columns",
        "predict_new_rows",
        "recommend",
        "recommend_to_new_rows",
    ]


def test_without_seen_cells_and_features(tmp_path):
    model = DualMatrixFactorization(2, 3, row_layers=(), col_layers=())
    for weight in model.trainable_weights:
        weight.assign(tf.zeros_like(weight))
    export_dmf(model, tmp_path)
    served = tf.saved_model.load(tmp_path)
    assert sorted(served.signatures) == ["predict", "recommend"]
    # All are equal: in the order of the columns.
    best = served.recommend(tf.constant(["1"]), 2)
    assert best["column_ids"].numpy().tolist() == [[b"0", b"1"]]
