"""The requests by which TensorFlow Serving warms up, read back and made."""

import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.serving.saved_model import read
from keras_textgen.serving.warm_up import example, prediction_log
from tests.data.subwords.corpus import TEXTS, need_packages
from tests.serving.warm_up_file import requests_of


def test_subwords_warm_up_with_and_without_texts(tmp_path):
    need_packages()
    vocabulary = SubwordVocabulary.from_texts(TEXTS, algorithm="bpe")
    model = keras_textgen.LSTMLanguageModel(vocabulary, rnn_units=4)
    keras_textgen.export_model(model, tmp_path)
    for folder in (tmp_path, tmp_path / "tokens"):
        requests = requests_of(folder)
        served = read(folder)
        assert {name for name, _ in requests} == served.signatures.keys()
        for name, inputs in requests:
            served.signatures[name](
                **{key: tf.constant(value) for key, value in inputs.items()}
            )
    assert all("texts" not in inputs for _, inputs in requests)


def test_the_package_of_the_server_reads_the_same():
    log = pytest.importorskip(
        "tensorflow_serving.apis.prediction_log_pb2",
        reason="tensorflow-serving-api is missing",
    )
    inputs = {
        "texts": np.array([b"a rose " * 100, "größer".encode()], object),
        "seed": np.int32(7),
        "temperature": np.float32(0.5),
        "features": np.ones([2, 3], np.float32),
        "exclude_seen": np.bool_(True),
    }
    message = log.PredictionLog.FromString(
        prediction_log("a_signature", inputs)
    )
    assert message.WhichOneof("log_type") == "predict_log"
    request = message.predict_log.request
    assert request.model_spec.signature_name == "a_signature"
    assert request.inputs.keys() == inputs.keys()
    for name, expected in inputs.items():
        found = tf.make_ndarray(request.inputs[name])
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
    # Nothing in it that the package does not know.
    expected = log.PredictionLog()
    expected.predict_log.request.model_spec.signature_name = "a_signature"
    for name, value in inputs.items():
        proto = tf.make_tensor_proto(value, shape=value.shape)
        expected.predict_log.request.inputs[name].CopyFrom(proto)
    assert message == expected


def test_examples_are_of_their_specs():
    spec = tf.TensorSpec([None, 3], tf.float32, name="row_features")
    assert example(spec).tolist() == [[1, 1, 1]]
    spec = tf.TensorSpec([None], tf.string, name="texts")
    assert example(spec).tolist() == [b"a"]
    spec = tf.TensorSpec([None, None, None], tf.int32, name="tokens")
    assert example(spec).tolist() == [[[1]]]
    spec = tf.TensorSpec([], tf.bool, name="exclude_seen")
    assert example(spec).item() is True
