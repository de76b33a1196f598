"""Served functions of documents and matrices, given no rows: no rows back."""

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.export import export_han
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.matrices.export import export_dmf
from keras_textgen.models.topics.export import export_sae
from keras_textgen.models.topics.sae import SoftmaxAutoencoder

WORDS = ["red", "rose", "wine", "sea"]


def serve_han(path):
    model = HierarchicalAttentionNetwork(
        Vocabulary(WORDS), ["bad", "good"], rnn_units=3, attention_units=2
    )
    export_han(model, path)


def serve_sae(path):
    model = SoftmaxAutoencoder(Vocabulary(WORDS), latent_dim=3, num_topics=2)
    model.fit_topics(WORDS)
    export_sae(model, path)


def serve_dmf(path):
    model = DualMatrixFactorization(
        ["ann", "bob"],
        ["Alien", "Brazil", "Diva"],
        row_features=scipy.sparse.csr_array(np.eye(2)),
        col_features=scipy.sparse.csr_array(np.eye(3)),
        seen=scipy.sparse.csr_array([[1, 0, 0], [0, 1, 1]]),
    )
    export_dmf(model, path)


def texts(*shape):
    return tf.zeros(shape, tf.string)


def features(*shape):
    return tf.zeros(shape)


def bags(*shape):
    return {"columns": tf.zeros(shape, tf.int32), "counts": tf.zeros(shape)}


K = tf.constant(2)
# What each signature is given, and the shapes of its answers.
CLASSIFIED = {"label": (0,), "probabilities": (0, 2), "is_known": (0,)}
ATTENTION = {
    "sentences": (0, 0),
    "sentence_weights": (0, 0),
    "words": (0, 0, 0),
    "word_weights": (0, 0, 0),
}
TOPICS = {"topic": (0,), "distance": (0,), "words": (0, 4)}
PREDICTED = {"prediction": (0,), "known": (0,)}
BEST = {"column_ids": (0, 2), "scores": (0, 2)}
CASES = {
    "han": (
        serve_han,
        [
            ("classify", {"texts": texts(0)}, CLASSIFIED),
            ("classify_sentences", {"sentences": texts(0, 0)}, CLASSIFIED),
            ("classify_sentences", {"sentences": texts(0, 3)}, CLASSIFIED),
            ("attention", {"texts": texts(0)}, ATTENTION),
            ("attention_sentences", {"sentences": texts(0, 0)}, ATTENTION),
            ("attention_sentences", {"sentences": texts(0, 3)}, ATTENTION),
        ],
    ),
    "sae": (
        serve_sae,
        [
            ("encode", {"texts": texts(0)}, {"code": (0, 3)}),
            ("encode_bags", bags(0, 0), {"code": (0, 3)}),
            ("encode_bags", bags(0, 3), {"code": (0, 3)}),
            ("topics", {"texts": texts(0)}, TOPICS),
            ("topics_bags", bags(0, 0), TOPICS),
            ("topics_bags", bags(0, 3), TOPICS),
        ],
    ),
    "dmf": (
        serve_dmf,
        [
            (
                "predict",
                {"row_ids": texts(0), "column_ids": texts(0)},
                PREDICTED,
            ),
            (
                "predict_new_rows",
                {"row_features": features(0, 2), "column_ids": texts(0)},
                PREDICTED,
            ),
            (
                "predict_new_columns",
                {"row_ids": texts(0), "column_features": features(0, 3)},
                PREDICTED,
            ),
            (
                "recommend",
                {
                    "row_ids": texts(0),
                    "k": K,
                    "exclude_seen": tf.constant(True),
                },
                {**BEST, "known": (0,)},
            ),
            (
                "recommend_to_new_rows",
                {"row_features": features(0, 2), "k": K},
                BEST,
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_no_rows_in_no_rows_out(name, tmp_path):
    serve, calls = CASES[name]
    serve(tmp_path)
    served = tf.saved_model.load(tmp_path)
    called = {signature for signature, *_ in calls}
    assert called == set(served.signatures) - {"label_names"}
    for signature, arguments, shapes in calls:
        outputs = served.signatures[signature](**arguments)
        found = {key: tuple(each.shape) for key, each in outputs.items()}
        assert found == shapes, signature
