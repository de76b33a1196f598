"""SavedModels that need a package beside TensorFlow say so."""

import sys

import pytest
import tensorflow as tf

from keras_textgen.serving.endpoints import Endpoint, of_no_texts
from keras_textgen.serving.saved_model import (
    needed_package,
    read,
    write,
    write_without_texts,
)

TOKENS = tf.TensorSpec([None], tf.int32, name="tokens")
ENDPOINTS = {
    "length": Endpoint(
        lambda given: {"length": tf.size(given)},
        [tf.TensorSpec([None], tf.string, name="texts")],
        also={"tokens": [TOKENS]},
    ),
    "twice": Endpoint(lambda tokens: {"twice": 2 * tokens}, [TOKENS]),
}


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "model", ENDPOINTS)
    write_without_texts(tmp_path / "model", "a_package", of_no_texts(ENDPOINTS))
    return tmp_path / "model"


def test_it_is_one_line_that_says_what_does_without(path):
    assert needed_package(path) == "a_package"
    with pytest.raises(ValueError, match="need a_package") as error:
        read(path)
    assert str(error.value) == (
        f"{path}: its texts need a_package, which is not installed; allowed: "
        f"pip install a-package, or {path / 'tokens'}, which takes token ids"
    )
    served = read(path / "tokens")
    assert sorted(served.signatures) == ["length_tokens", "twice"]
    tokens = tf.constant([4, 5])
    assert int(served.length_tokens(tokens)["length"]) == 2
    assert served.twice(tokens)["twice"].numpy().tolist() == [8, 10]


def test_it_is_imported_where_it_is_there(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "a_package", sys)
    served = read(path)
    assert int(served.length(tf.constant(["a", "b"]))["length"]) == 2
