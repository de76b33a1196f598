"""What a served text model takes for the same text, and what it refuses."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.export import export_model
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    path = tmp_path_factory.mktemp("served")
    model = LSTMLanguageModel(
        Vocabulary(["café", "rose", "red"]),
        embedding_dim=2,
        rnn_units=3,
        num_layers=1,
    )
    export_model(model, path)
    return tf.saved_model.load(str(path))


def test_one_text_in_many_spellings_has_one_score(served):
    texts = [
        "red café rose",
        "Red cafe\u0301 rose",
        "\ufeffred ca\u00adfe\u0301\u200b rose\u200f",
        "red\0café\0rose\0",
    ]
    nll = served.score(tf.constant(texts))["nll"].numpy()
    np.testing.assert_allclose(nll, np.repeat(nll[0], 4), rtol=1e-6)
    shorter = served.score(tf.constant(["red"]))["nll"].numpy()
    assert abs(nll[0] - shorter[0]) > 0.1


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([[0, 2, 4, 3]], "padding id 0 before a token; allowed: padding on"),
        ([[2, 7, 3]], "outside the vocabulary; allowed: 1 to 6, and 0 on"),
        ([[2, -4, 3]], "outside the vocabulary"),
        ([[2, 4, 3], [0, 0, 0]], "a row of fewer than 2 tokens; allowed: 2"),
    ],
)
def test_ids_that_arrays_are_refused_for(served, tokens, message):
    tokens = tf.constant(tokens)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.score(tokens)
    signature = served.signatures["log_likelihood_tokens"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signature(tokens=tokens)
