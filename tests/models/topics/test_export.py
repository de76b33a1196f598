"""The SavedModel of an SAE, in a process that has only TensorFlow."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.bags import BagBatches, count_words
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.topics.export import export_sae
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from tests.models.tiny_models import known_values

TEXTS = ["The red ROSE, red wine!", "", "a ship at sea; a sea of ships", "none"]
# A word that stands twice in a bag, and a place that is not needed.
COLUMNS = np.array([[1, 3, 1], [2, 0, 0]], np.int32)
COUNTS = np.array([[2, 1, 1], [1, 0, 0]], np.float32)

# Nothing of Keras, tensorflow-probability or this package can be imported.
_CLIENT = """
import pathlib, pickle, sys
for name in ("keras", "tf_keras", "tensorflow_probability", "keras_textgen"):
    sys.modules[name] = None
import tensorflow as tf

folder = pathlib.Path(sys.argv[1])
texts, columns, counts = pickle.loads((folder / "inputs").read_bytes())
served = tf.saved_model.load(str(folder / "export"))
answers = {
    "encode": served.encode(tf.constant(texts)),
    "one": served.signatures["encode"](texts=tf.constant(texts[:1])),
    "topics": served.topics(tf.constant(texts)),
    "bags": served.encode_bags(tf.constant(columns), tf.constant(counts)),
    "topics_bags": served.signatures["topics_bags"](
        columns=tf.constant(columns), counts=tf.constant(counts)
    ),
}
answers = {
    name: {key: value.numpy() for key, value in outputs.items()}
    for name, outputs in answers.items()
}
answers["signatures"] = sorted(served.signatures)
(folder / "answers").write_bytes(pickle.dumps(answers))
"""


@pytest.fixture(scope="module")
def model():
    words = ["red", "rose", "wine", "sea", "ship", "ships"]
    model = SoftmaxAutoencoder(
        Vocabulary(words), latent_dim=3, num_topics=2, alpha=2.0
    )
    model.kernel.assign(known_values(model.kernel.shape, 1))
    model.fit_topics(["red rose", "wine", "sea", "ship sea"])
    return model


@pytest.fixture(scope="module")
def answers(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    export_sae(model, folder / "export")
    (folder / "inputs").write_bytes(pickle.dumps((TEXTS, COLUMNS, COUNTS)))
    subprocess.run([sys.executable, "-c", _CLIENT, folder], check=True)
    return pickle.loads((folder / "answers").read_bytes())


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_codes(model, answers):
    codes = model.encode(TEXTS)
    close(answers["encode"]["code"], codes)
    close(answers["one"]["code"], codes[:1])
    # The bias is 0, and so the code of no words is 1/2.
    close(codes[[1, 3]], 0.5)


def test_topics(model, answers):
    served = answers["topics"]
    topics = model.topics(TEXTS)
    assert served["topic"].tolist() == topics.tolist()
    # The second and the fourth text have no known word.
    assert (topics == -1).tolist() == [
        row in (1, 3) for row in range(len(TEXTS))
    ]
    centers = model.topic_centers.numpy()[topics]
    distances = np.linalg.norm(model.encode(TEXTS) - centers, axis=1)
    close(served["distance"], np.where(topics == -1, np.nan, distances))
    words = [*model.topic_words(6), [""] * 6]
    found = [[word.decode() for word in row] for row in served["words"]]
    assert found == [words[topic] for topic in topics]


@pytest.mark.parametrize(
    ("columns", "counts", "message"),
    [
        ([[6]], [[1.0]], "a column of no word; allowed: 0 to 5"),
        ([[-1]], [[1.0]], "a column of no word; allowed: 0 to 5"),
        ([[0]], [[-1.0]], "a count that is none; allowed: finite, 0 or more"),
        ([[0]], [[np.nan]], "a count that is none"),
    ],
)
def test_bags_that_matrices_are_refused_for(
    model, tmp_path, columns, counts, message
):
    bags = {
        "columns": tf.constant(columns),
        "counts": tf.constant(counts, tf.float32),
    }
    dataset = tf.data.Dataset.from_tensors(bags)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.encode(dataset)
    export_sae(model, tmp_path)
    served = tf.saved_model.load(tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.encode_bags(**bags)


def test_bags(model, answers):
    counts = np.array([[0, 3, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0]], np.float32)
    close(answers["bags"]["code"], model.encode(counts))
    topics = answers["topics_bags"]["topic"]
    assert topics.tolist() == model.topics(counts).tolist()


def test_signatures(answers):
    assert answers["signatures"] == [
        "encode",
        "encode_bags",
        "topics",
        "topics_bags",
    ]


def test_without_vocabulary_or_topics(tmp_path):
    model = SoftmaxAutoencoder(num_words=6, latent_dim=2, num_topics=2)
    export_sae(model, tmp_path / "codes")
    served = tf.saved_model.load(tmp_path / "codes")
    assert sorted(served.signatures) == ["encode_bags"]
    vocabulary = Vocabulary(["red", "rose", "wine", "sea", "ship", "ships"])
    counts = count_words(TEXTS, vocabulary)
    (bags,) = BagBatches(counts, batch_size=9).evaluation_dataset()
    code = served.encode_bags(bags["columns"], bags["counts"])["code"]
    close(code, model.encode(counts))
    model.fit_topics(counts)
    export_sae(model, tmp_path / "topics")
    served = tf.saved_model.load(tmp_path / "topics")
    found = served.topics_bags(bags["columns"], bags["counts"])
    assert sorted(found) == ["distance", "topic"]
    assert found["topic"].numpy().tolist() == model.topics(counts).tolist()
