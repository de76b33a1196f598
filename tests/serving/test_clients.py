"""The client of the docs, against a server with TensorFlow Serving's protocol.

The server here is a few lines around TensorFlow's own loader.
"""

import pathlib
import re
from concurrent import futures

import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.serving.saved_model import read
from keras_textgen.serving.warm_up import WARM_UP_FILE

grpc = pytest.importorskip("grpc")
apis = pytest.importorskip(
    "tensorflow_serving.apis.prediction_service_pb2_grpc",
    reason="tensorflow-serving-api is missing",
)
from tensorflow_serving.apis import (  # noqa: E402
    predict_pb2,
    prediction_log_pb2,
)

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "serving.md"


@pytest.fixture(scope="module")
def model():
    vocabulary = Vocabulary.from_texts(["we must fund our schools ."])
    return HierarchicalAttentionNetwork(
        vocabulary, ["peace", "war"], embedding_dim=4, rnn_units=4
    )


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "1"
    keras_textgen.export_model(model, path)
    return path


class Servicer(apis.PredictionServiceServicer):
    """Answers as the server does: a signature takes all of its inputs."""

    def __init__(self, export):
        self.served = read(export)

    def Predict(self, request, context):  # noqa: N802
        del context
        signature = self.served.signatures[request.model_spec.signature_name]
        inputs = {
            name: tf.constant(tf.make_ndarray(tensor))
            for name, tensor in request.inputs.items()
        }
        answer = predict_pb2.PredictResponse()
        for name, value in signature(**inputs).items():
            proto = tf.make_tensor_proto(value.numpy())
            answer.outputs[name].CopyFrom(proto)
        return answer


@pytest.fixture(scope="module")
def warm(export):
    """A server that has answered what it found beside the model."""
    servicer = Servicer(export)
    records = tf.data.TFRecordDataset(str(export / WARM_UP_FILE))
    names = set()
    for record in records:
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        names.add(request.model_spec.signature_name)
        assert servicer.Predict(request, None).outputs
    assert names == servicer.served.signatures.keys()
    return servicer


def test_the_client_of_the_docs_gets_the_models_answer(model, warm, capsys):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    apis.add_PredictionServiceServicer_to_server(warm, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    page = PAGE.read_text("utf-8")
    (code,) = re.findall(r"```python\n(import grpc.*?)```", page, re.DOTALL)
    assert "localhost:8500" in code
    try:
        exec(code.replace(":8500", f":{port}"), {})
    finally:
        server.stop(None)
    best = model.predict(["we must fund our schools ."], verbose=0).argmax()
    label = model.label_names[best].encode()
    assert capsys.readouterr().out == f"[{label}]\n"
