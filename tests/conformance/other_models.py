"""Models that are no text VAEs, one line each, checked alike."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.batches.bags import BagBatches, count_words
from keras_textgen.data.batches.documents import (
    DocumentBatches,
    encode_documents,
)
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.transformer import TransformerStack
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.topics.prodlda import ProdLDA
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from tests.conformance.registry import WORDS, with_known_weights

VOCABULARY = Vocabulary(WORDS)
DOCUMENTS = [
    "The cat sat. It saw a hat.",
    "a mat",
    "Another cat and the hat sat on a mat. The end. The cat.",
    "the the the cat",
    "on a mat a cat sat",
    "A hat. A hat. A hat.",
    "the mat saw",
]
LABELS = np.array([0, 1, 2, 0, 1, 2, 0], np.int32)
MATRIX = scipy.sparse.random_array(
    (5, 4), density=0.55, rng=np.random.default_rng(3), dtype=np.float32
).tocsr()


class OtherCase(NamedTuple):
    """A model under test.

    Attributes:
        name: What tests call it.
        make_fresh: Makes a tiny one.
        batches: 7 or 11 rows in batches of 4: the last one is not whole.
        answers: What the model says of its data.
    """

    name: str
    make_fresh: Callable[..., keras.Model]
    batches: Callable[[], Any]
    answers: Callable[[keras.Model], np.ndarray]

    def make(self) -> keras.Model:
        """One with known weights."""
        return with_known_weights(self.make_fresh())


def make_han(**settings: Any) -> keras.Model:
    """A network whose dropout is on."""
    return HierarchicalAttentionNetwork(
        VOCABULARY,
        ["low", "middle", "high"],
        embedding_dim=3,
        rnn_units=2,
        attention_units=3,
        word_keep_rate=0.7,
        dropout=0.2,
        **settings,
    )


def han_batches() -> DocumentBatches:
    """Documents and labels."""
    documents = encode_documents(DOCUMENTS, VOCABULARY)
    return DocumentBatches(documents, LABELS, batch_size=4)


def make_han_of_ids(**settings: Any) -> keras.Model:
    """A network without a vocabulary, whose two GRUs differ in width."""
    return HierarchicalAttentionNetwork(
        VOCABULARY.size - 1,
        3,
        embedding_dim=3,
        rnn_units=2,
        sentence_rnn_units=3,
        attention_units=3,
        **{"dropout": 0.2} | settings,
    )


def make_han_transformer(**settings: Any) -> keras.Model:
    """A network whose words are read by attention."""
    encoder = TransformerStack(units=4, num_layers=1, num_heads=2)
    return make_han(encoder=encoder, **settings)


def make_sae(**settings: Any) -> keras.Model:
    """An autoencoder with codes that are not too close to bits."""
    return SoftmaxAutoencoder(
        VOCABULARY, latent_dim=3, alpha=2.0, num_topics=2, **settings
    )


def bag_batches() -> BagBatches:
    """Bags of words."""
    return BagBatches(count_words(DOCUMENTS, VOCABULARY), 4)


def make_prodlda(**settings: Any) -> keras.Model:
    """A topic model whose dropout is on."""
    return ProdLDA(
        VOCABULARY, num_topics=3, hidden_units=4, dropout=0.3, **settings
    )


def make_dmf(**settings: Any) -> keras.Model:
    """A model with features, two levels and biases."""
    return DualMatrixFactorization.from_matrix(
        MATRIX,
        row_dim=3,
        col_dim=3,
        row_features=scipy.sparse.eye_array(5, 2).tocsr(),
        row_feature_dim=3,
        join="add",
        row_layers=[(2, "tanh")],
        col_layers=[(2, "tanh")],
        multi_level=True,
        l2=0.1,
        bias_l2=0.1,
        **settings,
    )


def dmf_batches() -> Any:
    """The cells of the matrix."""
    return make_dmf().batches(MATRIX, batch_size=4)


def make_ranking_dmf() -> keras.Model:
    """The same with ranking feedback; a row's bias has but its penalty."""
    model = make_dmf(feedback="ranking", negatives=2)
    model.row_tower.bias.assign(0.1 + model.row_tower.bias)
    return model


def ranking_dmf_batches() -> Any:
    """The cells of the matrix with columns beside them."""
    return make_ranking_dmf().batches(MATRIX, batch_size=4)


CELLS = MATRIX.tocoo()
TABLE = {
    "row": CELLS.row.tolist(),
    "column": CELLS.col.tolist(),
    "value": CELLS.data.tolist(),
    "row_features": np.sin(np.arange(2.0 * CELLS.nnz)).reshape(-1, 2),
}


def make_brought_dmf(**settings: Any) -> keras.Model:
    """A model of features that come with cells, and of a made layer."""
    return DualMatrixFactorization(
        *MATRIX.shape,
        row_dim=3,
        col_dim=3,
        row_features=2,
        row_feature_dim=None,
        row_layers=[lambda x: keras.layers.Dense(2, "tanh")(x)],
        col_layers=[(2, keras.ops.tanh)],
        **settings,
    )


def brought_dmf_batches() -> Any:
    """The cells of the matrix with features of their rows."""
    return make_brought_dmf().batches(TABLE, batch_size=4)


OTHER_MODELS = [
    OtherCase(*line)
    for line in [
        (
            "han",
            make_han,
            han_batches,
            lambda model: model.predict(DOCUMENTS),
        ),
        (
            "han_of_ids",
            make_han_of_ids,
            han_batches,
            lambda model: model.predict(
                encode_documents(DOCUMENTS, VOCABULARY)
            ),
        ),
        (
            "han_transformer",
            make_han_transformer,
            han_batches,
            lambda model: model.predict(DOCUMENTS),
        ),
        (
            "sae",
            make_sae,
            bag_batches,
            lambda model: model.encode(DOCUMENTS),
        ),
        (
            "prodlda",
            make_prodlda,
            bag_batches,
            lambda model: model.predict(DOCUMENTS, verbose=0)["nll"],
        ),
        (
            "dmf",
            make_dmf,
            dmf_batches,
            lambda model: model.predict(MATRIX, verbose=0),
        ),
        (
            "ranking_dmf",
            make_ranking_dmf,
            ranking_dmf_batches,
            lambda model: model.predict(MATRIX, verbose=0),
        ),
        (
            "brought_dmf",
            make_brought_dmf,
            brought_dmf_batches,
            lambda model: model.predict(TABLE, verbose=0),
        ),
    ]
]

each_other_model = pytest.mark.parametrize(
    "case", OTHER_MODELS, ids=[case.name for case in OTHER_MODELS]
)


def evaluation_data(case: OtherCase) -> tf.data.Dataset:
    """Every row once."""
    return case.batches().evaluation_dataset()
