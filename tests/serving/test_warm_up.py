"""The requests by which TensorFlow Serving warms up, read back and made."""

import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.serving.saved_model import read
from keras_textgen.serving.warm_up import (
    WARM_UP_FILE,
    example,
    prediction_log,
)
from tests.conformance.served import each_served_model
from tests.data.subwords.corpus import TEXTS, need_packages

TENSOR = type(tf.make_tensor_proto(0))


def fields(message):
    """The fields of a message that holds bytes alone: number and content."""
    found = []
    while message:
        assert message[0] & 7 == 2
        length, shift, at = 0, 0, 1
        while True:
            byte = message[at]
            length |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not byte & 0x80:
                break
        found.append((message[0] >> 3, message[at : at + length]))
        message = message[at + length :]
    return found


def parsed(log):
    """The name of the signature and the inputs, without any schema."""
    ((number, predict_log),) = fields(log)
    assert number == 6
    ((number, request),) = fields(predict_log)
    assert number == 1
    (number, spec), *inputs = fields(request)
    assert number == 1
    ((number, signature),) = fields(spec)
    assert number == 3
    tensors = {}
    for number, entry in inputs:
        assert number == 2
        (_, name), (_, tensor) = fields(entry)
        proto = TENSOR.FromString(tensor)
        tensors[name.decode()] = tf.make_ndarray(proto)
    return signature.decode(), tensors


def requests_of(folder):
    records = tf.data.TFRecordDataset(str(folder / WARM_UP_FILE))
    return [parsed(record.numpy()) for record in records]


@each_served_model
def test_every_signature_answers_its_request(case, tmp_path):
    keras_textgen.export_model(case.model(), tmp_path)
    served = read(tmp_path)
    requests = dict(requests_of(tmp_path))
    assert requests.keys() == served.signatures.keys()
    for name, inputs in requests.items():
        signature = served.signatures[name]
        expected = signature.structured_input_signature[1]
        assert inputs.keys() == expected.keys()
        for key, value in inputs.items():
            assert expected[key].dtype == tf.as_dtype(value.dtype)
            assert expected[key].shape.is_compatible_with(value.shape)
        answer = signature(
            **{key: tf.constant(value) for key, value in inputs.items()}
        )
        for output in answer.values():
            assert name == "label_names" or output.shape[0] == 1


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
