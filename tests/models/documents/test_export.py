"""The SavedModel of a HAN, in a process that has only TensorFlow."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.export import export_han
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork

# Of a sentence that only `sentencex` cuts.
TEXTS = ["The cat sat. mr. Fox, too! It sat.", "", "A mat of a cat of a mat"]
SENTENCES = [["The cat sat.", "Mr. Fox, too!", "..."], ["It sat.", "", ""]]
NAMES = ("bad", "good")

# Nothing of Keras, tensorflow-probability or this package can be imported.
_CLIENT = """
import pathlib, pickle, sys
for name in ("keras", "tf_keras", "tensorflow_probability", "keras_textgen"):
    sys.modules[name] = None
import tensorflow as tf

folder = pathlib.Path(sys.argv[1])
texts, sentences = pickle.loads((folder / "inputs").read_bytes())
served = tf.saved_model.load(str(folder / "export"))
answers = {
    "names": served.label_names(),
    "classify": served.classify(tf.constant(texts)),
    "one": served.signatures["classify"](texts=tf.constant(texts[:1])),
    "split": served.signatures["classify_sentences"](
        sentences=tf.constant(sentences)
    ),
    "attention": served.attention(tf.constant(texts)),
    "split_attention": served.signatures["attention_sentences"](
        sentences=tf.constant(sentences)
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
    model = HierarchicalAttentionNetwork(
        Vocabulary(["the", "cat", "sat", "a", "mat", "."]),
        NAMES,
        embedding_dim=3,
        rnn_units=4,
        attention_units=5,
        max_sentences=2,
        max_words=5,
    )
    for phase, weight in enumerate(model.trainable_variables):
        values = np.sin(phase + 1.7 * np.arange(np.prod(weight.shape)))
        weight.assign(values.reshape(weight.shape))
    return model


@pytest.fixture(scope="module")
def answers(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    export_han(model, folder / "export")
    (folder / "inputs").write_bytes(pickle.dumps((TEXTS, SENTENCES)))
    subprocess.run([sys.executable, "-c", _CLIENT, folder], check=True)
    return pickle.loads((folder / "answers").read_bytes())


def decoded(strings):
    return [each.decode() for each in strings]


def assert_classified(answer, expected):
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)
    best = np.argmax(expected, axis=1)
    assert decoded(answer["label"]) == [NAMES[row] for row in best]


def test_classify(model, answers):
    documents = [
        decoded(row) for row in split_sentences_in_graph(TEXTS).to_list()
    ]
    unknown = "1 of 3 documents have no known word"
    with pytest.warns(UserWarning, match=unknown):
        expected = model.predict(documents)
    with pytest.warns(UserWarning, match=unknown):
        found = model.predict(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert_classified(answers["classify"], expected)
    assert_classified(answers["one"], expected[:1])
    assert_classified(answers["split"], model.predict(SENTENCES))
    assert answers["classify"]["is_known"].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("name", "documents"),
    [("attention", TEXTS), ("split_attention", SENTENCES)],
)
def test_attention(model, answers, name, documents):
    found = answers[name]
    expected = model.attention(documents)
    for row, attention in enumerate(expected):
        sentences, words = found["sentences"][row], found["words"][row]
        size = len(attention.sentences)
        assert decoded(sentences[:size]) == attention.sentences
        assert not any(sentences[size:])
        weights = found["sentence_weights"][row]
        np.testing.assert_allclose(
            weights[:size], attention.sentence_weights, atol=1e-6
        )
        assert not weights[size:].any()
        for place, of_sentence in enumerate(attention.words):
            length = len(of_sentence)
            assert decoded(words[place, :length]) == of_sentence
            np.testing.assert_allclose(
                found["word_weights"][row, place, :length],
                attention.word_weights[place],
                atol=1e-6,
            )
    assert found["words"].shape == found["word_weights"].shape


def test_names(answers):
    assert decoded(answers["names"]["label_names"]) == list(NAMES)
    assert answers["signatures"] == [
        "attention",
        "attention_sentences",
        "classify",
        "classify_sentences",
        "label_names",
    ]
