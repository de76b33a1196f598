"""Weights of hatt_rnn against its equations in NumPy."""

import numpy as np
import pytest

import keras_textgen
from keras_textgen.convert.__main__ import main
from keras_textgen.convert.hatt_rnn import convert_hatt_rnn
from tests.convert.test_aquarium import softmax, values, write
from tests.models.numpy_reference import log_softmax, run_both_ways, sigmoid
from tests.models.tiny_models import close

WORDS, WIDTH, UNITS, OTHER_UNITS, CLASSES = 7, 3, 2, 4, 3


def one_way(width, units, phase, bias_rows=None):
    bias = (3 * units,) if bias_rows is None else (bias_rows, 3 * units)
    shapes = (width, 3 * units), (units, 3 * units), bias
    return [values(*each, phase=phase + i) for i, each in enumerate(shapes)]


def both_ways(width, units, phase, bias_rows=None):
    forward = one_way(width, units, phase, bias_rows)
    return forward + one_way(width, units, phase + 3, bias_rows)


def attention(units, phase):
    width = 2 * units
    shapes = (width, width), (width,), (width,)
    return [values(*each, phase=phase + i) for i, each in enumerate(shapes)]


def file_of(path, bias_rows=None, **changed):
    """What Keras 2 writes; that over words is one layer of the other model."""
    *dense, vector = attention(OTHER_UNITS, 21)
    layers = {
        "input_2": [],
        "time_distributed_2": [
            values(WORDS + 1, WIDTH),
            *both_ways(WIDTH, UNITS, 1, bias_rows),
            *attention(UNITS, 8),
        ],
        "bidirectional_2": both_ways(2 * UNITS, OTHER_UNITS, 12, bias_rows),
        "time_distributed_3": dense,
        "att_layer_2": [vector],
        "dense_3": [
            values(2 * OTHER_UNITS, CLASSES, phase=30),
            values(CLASSES, phase=31),
        ],
    }
    write(path, layers | changed)
    return layers


def pooled(weights, inputs):
    outputs = run_both_ways([weights[:3]], [weights[3:6]], inputs)
    kernel, bias, context = weights[6:]
    scores = sigmoid(outputs @ kernel + bias) @ context
    shares = np.exp(log_softmax(scores))
    return shares @ outputs, shares


def reference(layers, document):
    embedding, *words = layers["time_distributed_2"]
    sentences = [pooled(words, embedding[ids])[0] for ids in document]
    level = layers["bidirectional_2"] + layers["time_distributed_3"]
    vector, shares = pooled(level + layers["att_layer_2"], np.array(sentences))
    kernel, bias = layers["dense_3"]
    return softmax((vector @ kernel + bias)[None])[0], shares


# Without padding: that was read there.
DOCUMENTS = np.array([[[1, 2, 3, 4], [7, 6, 5, 1], [2, 2, 3, 3]]] * 2)
DOCUMENTS[1] = DOCUMENTS[1, ::-1, ::-1]


@pytest.mark.parametrize("bias_rows", [None, 2])
def test_answers_are_those_of_the_original(tmp_path, bias_rows):
    path = tmp_path / "hatt.h5"
    layers = file_of(path, bias_rows)
    model = convert_hatt_rnn(path)
    outputs = model(DOCUMENTS)
    for row, document in enumerate(DOCUMENTS):
        shares, of_sentences = reference(layers, document)
        close(softmax(outputs["logits"].numpy())[row], shares)
        close(outputs["sentence_weights"][row], of_sentences)


def test_from_the_shell_and_further(tmp_path):
    path, folder = tmp_path / "hatt.h5", tmp_path / "mine"
    layers = file_of(path)
    assert main(["hatt_rnn", str(path), str(folder)]) == 0
    model = keras_textgen.load_model(folder)
    expected = [reference(layers, each)[0] for each in DOCUMENTS]
    close(model.predict(DOCUMENTS, verbose=0), expected)
    history = model.fit(DOCUMENTS, [0, 1], epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"dense_3": []},
            "2 and 1 and 1 and 0 layers of time_d",
        ),
        (
            {"lstm_1": [values(3)]},
            "layers lstm_1; allowed: of time_dist",
        ),
        (
            {"bidirectional_2": both_ways(3, OTHER_UNITS, 12)},
            r"a level has weights of \[3, 12\] and .*; allowed: \[4, 12\] and",
        ),
        (
            {"dense_3": [values(5, 3), values(3)]},
            r"dense_3 has weights of \[5, 3\] and \[3\]; allowed: \[8, any\]",
        ),
    ],
)
def test_other_layers_are_refused(tmp_path, changed, message):
    file_of(tmp_path / "hatt.h5", **changed)
    with pytest.raises(ValueError, match=message):
        convert_hatt_rnn(tmp_path / "hatt.h5")


def test_gates_of_a_later_keras_are_refused(tmp_path):
    import h5py

    path = tmp_path / "hatt.h5"
    file_of(path)
    with h5py.File(path, "a") as file:
        file.attrs["keras_version"] = b"2.3.1"
    with pytest.raises(ValueError, match=r"Keras \(2, 3, 1\) that resets befo"):
        convert_hatt_rnn(path)
