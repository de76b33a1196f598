"""The models and runs whose files are kept, and what they are asked."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.register import MODELS
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from keras_textgen.optimizers import FusedAdam
from keras_textgen.schedules import LinearSchedule

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "another", "hat"]
TEXTS = [
    "the cat sat on a mat",
    "a hat",
    "the mat saw another cat",
    "and the unheard-of hat",
    "cat",
]
# Start and end tokens inside, 0 on the right.
TOKEN_BATCHES = [
    [[2, 4, 5, 6, 7, 8, 9, 3], [2, 8, 13, 3, 0, 0, 0, 0]],
    [[2, 10, 4, 1, 13, 3], [2, 5, 3, 0, 0, 0], [2, 11, 12, 5, 3, 0]],
    [[2, 4, 9, 11, 12, 5, 3], [2, 3, 0, 0, 0, 0, 0]],
]
CODE_ROWS = 3

DOCUMENTS = [
    "The cat sat on the mat. A cat saw another hat.",
    "A hat. And another hat! On a mat.",
    "The cat saw the mat",
    "Another cat and a mat. The hat sat.",
]
LABELS = [0, 1, 0, 2]
LABEL_NAMES = ["cats", "hats", "mats"]
DOCUMENT_BATCHES = [
    (
        [[[4, 5, 6, 7], [8, 5, 11, 0]], [[8, 13, 0, 0], [0, 0, 0, 0]]],
        [0, 1],
    ),
    ([[[4, 9, 11]], [[12, 13, 1]]], [2, 1]),
    ([[[10, 4, 5, 6, 7, 8, 9]], [[5, 0, 0, 0, 0, 0, 0]]], [2, 0]),
]

# Columns of words, counts; counts of 0 are padding.
BAG_BATCHES = [
    ([[1, 5, 9], [4, 7, 0]], [[2, 1, 1], [1, 3, 0]]),
    ([[0, 2], [3, 9], [8, 0]], [[1, 1], [2, 1], [1, 0]]),
    ([[6, 1, 2, 3]], [[1, 2, 1, 1]]),
]

ROW_IDS = ["ann", "bob", "cid", "dee"]
COLUMN_IDS = ["alien", "brazil", "casablanca", "dune", "eve"]
RATINGS = scipy.sparse.csr_array(
    np.array(
        [[5, 0, 3, 0, 1], [0, 4, 0, 2, 0], [1, 0, 5, 0, 0], [0, 2, 0, 4, 3]]
    )
)
FEATURES = scipy.sparse.csr_array([[1.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0, 1]])
# Rows, columns, values, weights.
CELL_BATCHES = [
    ([0, 0, 1, 3], [0, 2, 1, 4], [5, 3, 4, 3], [1, 1, 1, 1]),
    ([2, 2, 0, 1], [0, 2, 1, 4], [1, 5, 0, 0], [1, 1, 2, 2]),
    ([3, 3, 2], [1, 3, 4], [2, 4, 0], [1, 1, 2]),
]


@dataclasses.dataclass(frozen=True)
class Case:
    """A model whose file is kept.

    Attributes:
        make: Gives the model with fresh weights.
        optimizer: Gives the one that it is trained with.
    """

    make: Callable[[], keras.Model]
    optimizer: Callable[[], keras.optimizers.Optimizer]


def _fused_adam() -> keras.optimizers.Optimizer:
    return FusedAdam(0.01, global_clipnorm=1.0)


def _text(name: str, **settings) -> Case:
    sizes = {
        "embedding_dim": 3,
        "rnn_units": 4,
        "num_layers": 1,
        "max_length": 6,
        "seed": 5,
    }
    if name != "lstm_lm":
        sizes["latent_dim"] = 2
    return Case(
        lambda: MODELS[name](Vocabulary(WORDS), **sizes, **settings),
        _fused_adam,
    )


def _dmf(**settings) -> Case:
    return Case(
        lambda: DualMatrixFactorization.from_matrix(
            RATINGS,
            row_ids=ROW_IDS,
            col_ids=COLUMN_IDS,
            row_dim=3,
            col_dim=3,
            row_features=FEATURES,
            row_feature_dim=2,
            row_layers=[(3, "tanh")],
            col_layers=[(3, "tanh")],
            seed=5,
            **settings,
        ),
        lambda: keras.optimizers.Nadam(0.01, global_clipnorm=5.0),
    )


CASES = {
    "hdgm_reference": _text("hdgm", objective="reference", attention_units=3),
    "hdgm_bound": _text(
        "hdgm",
        objective="bound",
        attention_units=3,
        rnn_type="gru",
        kl_schedule=LinearSchedule(num_steps=10),
    ),
    "hdgm_deep": _text(
        "hdgm", objective="bound", attention_units=3, deterministic_layers=1
    ),
    "vae_reference": _text("vae", objective="reference", word_keep_rate=0.5),
    "vae_bound": _text(
        "vae", objective="bound", bag_of_words_weight=0.5, free_bits=0.5
    ),
    "vae_vmf": _text(
        "vae", objective="bound", posterior_family="vmf", concentration=20.0
    ),
    "lstm_lm": _text("lstm_lm", dropout=0.2),
    "lstm_vae": _text("lstm_vae", num_samples=2, dropout=0.2),
    "lstm_vae_avg": _text("lstm_vae_avg", num_samples=3),
    "hsvae": _text("hsvae", z_reg_weight=0.5, gamma_reg_weight=0.5),
    "mat_vae": _text("mat_vae", beta=0.5),
    "han": Case(
        lambda: HierarchicalAttentionNetwork(
            Vocabulary(WORDS),
            LABEL_NAMES,
            embedding_dim=3,
            rnn_units=2,
            attention_units=3,
            dropout=0.2,
            word_keep_rate=0.8,
            seed=5,
        ),
        _fused_adam,
    ),
    "sae": Case(
        lambda: SoftmaxAutoencoder(
            Vocabulary(WORDS), latent_dim=3, alpha=5.0, num_topics=2, seed=5
        ),
        lambda: keras.optimizers.Adam(0.01, global_clipnorm=5.0),
    ),
    "dmf_explicit": _dmf(feedback="explicit", l2=0.1, bias_l2=0.1),
    "dmf_implicit": _dmf(feedback="implicit", multi_level=False, negatives=2),
}

# Tracing all endpoints takes long, so one of each graph is served.
SERVED = ("vae_bound", "lstm_lm", "hsvae", "han", "sae", "dmf_explicit")

# Run folders: the flags beside --run_dir and --data_dir, and the file in data/
# that the latter names. They were trained for two epochs.
EPOCHS = 2
_TEXT_FLAGS = ["--dataset=text", "--batch_size=8", "--seed=3"]
RUNS = {
    "lstm_vae": (
        "texts.txt",
        [
            "--model=lstm_vae",
            *_TEXT_FLAGS,
            "--embedding_dim=3",
            "--rnn_units=4",
            "--latent_dim=2",
            "--kl_schedule=linear",
            "--kl_steps=20",
            "--learning_rate=0.01",
        ],
    ),
    "han": (
        "labeled.txt",
        [
            "--model=han",
            *_TEXT_FLAGS,
            "--embedding_dim=3",
            "--rnn_units=2",
            "--attention_units=3",
            "--learning_rate=0.01",
        ],
    ),
    "sae": (
        "labeled.txt",
        [
            "--model=sae",
            *_TEXT_FLAGS,
            "--latent_dim=3",
            "--alpha=5",
            "--num_topics=2",
            "--optimizer=nadam",
        ],
    ),
    "dmf": (
        "ratings.csv",
        [
            "--model=dmf",
            "--dataset=ratings",
            "--batch_size=16",
            "--seed=3",
            "--row_field=reader",
            "--column_field=book",
            "--value_field=stars",
            "--embedding_dim=3",
            "--hidden_layers=3:tanh",
            "--learning_rate=0.01",
        ],
    ),
}


def token_batches() -> list[tuple]:
    """What the text models are trained on: arguments of `train_on_batch`."""
    return [(tf.constant(rows, tf.int32),) for rows in TOKEN_BATCHES]


def document_batches() -> list[tuple]:
    """The same of HAN."""
    return [
        (tf.constant(documents, tf.int32), tf.constant(labels, tf.int32))
        for documents, labels in DOCUMENT_BATCHES
    ]


def bag_batches() -> list[tuple]:
    """The same of SAE."""
    return [
        (
            {
                "columns": tf.constant(columns, tf.int32),
                "counts": tf.constant(counts, tf.float32),
            },
        )
        for columns, counts in BAG_BATCHES
    ]


def cell_batches() -> list[tuple]:
    """The same of DMF."""
    names = ("row", "column", "value", "weight")
    dtypes = (tf.int32, tf.int32, tf.float32, tf.float32)
    return [
        (
            {
                name: tf.constant(values, dtype)
                for name, values, dtype in zip(
                    names, batch, dtypes, strict=True
                )
            },
        )
        for batch in CELL_BATCHES
    ]
