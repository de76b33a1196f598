"""Probes on codes whose classes are known to be easy, hard or absent."""

import csv
import dataclasses
import io

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from keras_textgen.data.readers.files import SPLITS
from keras_textgen.data.views import TokenIds
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation import probes
from keras_textgen.evaluation.probes import (
    ProbeRow,
    bag_of_words,
    format_probes,
    probe,
    probe_corpus,
    probes_csv,
    representations,
)
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.sentence_vae import SentenceVAE

COUNTS = {"train": 240, "valid": 120, "test": 120}


def by_split(make):
    rng = np.random.default_rng(0)
    pairs = {split: make(rng, count) for split, count in COUNTS.items()}
    codes = {split: pair[0] for split, pair in pairs.items()}
    labels = {split: pair[1] for split, pair in pairs.items()}
    return codes, labels


def clusters(rng, count):
    """Three classes, far apart on the axes."""
    labels = np.arange(count) % 3
    return 5 * np.eye(3)[labels] + 0.3 * rng.normal(size=[count, 3]), labels


def exclusive_or(rng, count):
    """The class says whether the signs of the two dimensions differ."""
    rows = np.arange(count)
    signs = np.stack([1 - 2 * (rows % 2), 1 - 2 * (rows // 2 % 2)], axis=1)
    labels = (signs[:, 0] != signs[:, 1]).astype(int)
    return signs + 0.1 * rng.normal(size=[count, 2]), labels


def weak(rng, count):
    """Two classes and a weak trace of them among many dimensions of noise."""
    labels = rng.integers(0, 2, count)
    codes = rng.normal(size=[count, 60])
    codes[:, 0] += 1.2 * labels
    return codes, labels


def test_classes_far_apart_are_told():
    codes, labels = by_split(clusters)
    _, row = probe(labels, {"codes": codes})
    assert row.representation == "codes"
    assert row.dimensions == 3
    assert row.linear_accuracy == row.hidden_layer_accuracy == 1.0
    assert row.nonzero == 1.0


def test_single_dimension_has_no_sparsity():
    codes, labels = by_split(clusters)
    single = {split: each[:, :1] for split, each in codes.items()}
    _, row = probe(labels, {"codes": single})
    assert row.hoyer is None
    assert row.dimensions == 1


def test_exclusive_or_needs_a_hidden_layer():
    codes, labels = by_split(exclusive_or)
    _, row = probe(labels, {"codes": codes})
    # A line can have three of the four corners right at most.
    assert row.linear_accuracy <= 0.75
    assert row.hidden_layer_accuracy == 1.0


def test_noise_tells_nothing():
    _, labels = by_split(clusters)
    rng = np.random.default_rng(1)
    noise = {
        split: rng.normal(size=[len(each), 4]) for split, each in labels.items()
    }
    _, row = probe(labels, {"noise": noise})
    assert row.linear_accuracy == pytest.approx(1 / 3, abs=0.15)
    assert row.hidden_layer_accuracy == pytest.approx(1 / 3, abs=0.15)


def test_majority_is_that_of_the_training_split():
    codes, labels = by_split(clusters)
    labels["train"] = np.where(labels["train"] == 0, 2, labels["train"])
    labels["test"] = np.array([2] * 30 + [1] * 90)
    row, _ = probe(labels, {"codes": codes})
    assert row.representation == "majority class"
    assert row.linear_accuracy == 0.25
    assert row.hidden_layer_accuracy is None
    assert (row.dimensions, row.nonzero, row.hoyer) == (0, None, None)


def test_direction_of_little_variance_is_found():
    def differences(rng, count):
        """The class is the sign of what two dimensions do not share."""
        labels = np.arange(count) % 2
        shared = 1000 * rng.normal(size=[count, 1])
        own = (2 * labels - 1 + 0.2 * rng.normal(size=count))[:, np.newaxis]
        return np.hstack([shared, 1e-6 * (shared + own)]), labels

    codes, labels = by_split(differences)
    _, row = probe(labels, {"codes": codes})
    assert row.linear_accuracy == 1.0
    assert row.hidden_layer_accuracy == 1.0


def test_codes_that_are_all_zero_tell_nothing():
    _, labels = by_split(clusters)
    zeros = {split: np.zeros([len(each), 4]) for split, each in labels.items()}
    rows = probe(labels, {"zeros": zeros})
    assert rows[1].nonzero == 0.0
    assert np.isnan(rows[1].hoyer)
    assert rows[1].linear_accuracy == pytest.approx(1 / 3)
    assert rows[1].hidden_layer_accuracy == pytest.approx(1 / 3)
    *_, line = format_probes(rows).splitlines()
    assert line.split() == ["zeros", "4", "0.000", "-", "0.333", "0.333"]


def test_penalty_is_chosen_on_the_validation_split():
    codes, labels = by_split(weak)
    accuracies = []
    for strength in (0.001, 0.01, 0.1, 1.0, 10.0):
        model = make_pipeline(
            PCA(whiten=True), LogisticRegression(C=strength, max_iter=1000)
        )
        model.fit(codes["train"], labels["train"])
        accuracies.append(
            [model.score(codes[s], labels[s]) for s in ("valid", "test")]
        )
    # Otherwise the choice would not show.
    assert len({test for _, test in accuracies}) > 1
    _, expected = max(accuracies, key=lambda each: each[0])
    _, row = probe(labels, {"codes": codes})
    assert row.linear_accuracy == pytest.approx(expected)


def test_labels_of_the_test_split_change_the_score_alone():
    codes, labels = by_split(weak)
    opposite = labels | {"test": 1 - labels["test"]}
    for row, other in zip(
        probe(labels, {"codes": codes}),
        probe(opposite, {"codes": codes}),
        strict=True,
    ):
        assert row.linear_accuracy == pytest.approx(1 - other.linear_accuracy)
        if row.hidden_layer_accuracy is not None:
            assert row.hidden_layer_accuracy == pytest.approx(
                1 - other.hidden_layer_accuracy
            )


def test_sparse_codes():
    codes, labels = by_split(clusters)
    masked = {split: each * (each > 1) for split, each in codes.items()}
    matrices = {
        split: scipy.sparse.csr_matrix(each, dtype=np.float32)
        for split, each in masked.items()
    }
    _, dense, row = probe(labels, {"dense": masked, "sparse": matrices})
    assert row.nonzero == dense.nonzero == pytest.approx(1 / 3)
    assert row.hoyer == pytest.approx(1.0)
    assert dense.hoyer == pytest.approx(1.0)
    assert row.linear_accuracy == row.hidden_layer_accuracy == 1.0


def test_seed_repeats():
    codes, labels = by_split(weak)
    rows = probe(labels, {"codes": codes}, seed=3)
    assert rows == probe(labels, {"codes": codes}, seed=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train": np.ones(240, int)},
            "all training texts are of class 1; all",
        ),
        ({"test": np.zeros(0, int)}, "no labels in test; allowed: a class for"),
        ({"valid": np.ones(7, int)}, "codes: 120 codes and 7 labels in valid;"),
    ],
)
def test_labels_that_cannot_be_used(changes, message):
    codes, labels = by_split(clusters)
    with pytest.raises(ValueError, match=message) as error:
        probe(labels | changes, {"codes": codes})
    assert "\n" not in str(error.value)


def test_corpus_without_labels(corpus):
    bare = dataclasses.replace(corpus, labels={})
    with pytest.raises(ValueError, match="no labels in train; allowed"):
        probe_corpus(bare, {})


def test_optimum_that_was_not_reached_is_marked(monkeypatch):
    monkeypatch.setattr(probes, "_LINEAR_STEPS", 1)
    codes, labels = by_split(weak)
    rows = probe(labels, {"codes": codes})
    assert [row.converged for row in rows] == [True, False]
    *_, line, note = format_probes(rows).splitlines()
    assert f" {rows[1].linear_accuracy:.3f}*  " in line
    assert note == "* stopped after 1 step, not converged"


ROWS = [
    ProbeRow("majority class", 0, None, None, 0.1, None),
    ProbeRow("a, b", 20_000, 0.001, 0.98765432, 0.5, 0.625, False),
]


def test_table_is_aligned():
    head, majority, row, _ = format_probes(ROWS).splitlines()
    assert len(head) == len(majority) == len(row)
    names = ("dimensions", "nonzero", "Hoyer", "linear", "hidden layer")
    ends = [head.index(name) + len(name) for name in names]
    cells = [row[:end].split()[-1] for end in ends]
    assert cells == ["20,000", "0.001", "0.988", "0.500*", "0.625"]
    assert [majority[end - 1] for end in ends] == ["-", "-", "-", "0", "-"]


def test_csv_holds_every_figure():
    majority, row = csv.DictReader(io.StringIO(probes_csv(ROWS)))
    assert majority["hidden_layer_accuracy"] == majority["hoyer"] == ""
    assert row == {
        "representation": "a, b",
        "dimensions": "20000",
        "nonzero": "0.001",
        "hoyer": "0.98765432",
        "linear_accuracy": "0.5",
        "hidden_layer_accuracy": "0.625",
        "converged": "False",
    }


def test_bag_of_words_counts_all_but_start_and_end():
    rng = np.random.default_rng(0)
    texts = [rng.choice([1, 4, 5, 6, 7], rng.integers(0, 9)) for _ in range(20)]
    sequences = tf.ragged.constant([[2, *map(int, each), 3] for each in texts])
    counts = bag_of_words(sequences, 9)
    assert counts.shape == (20, 9)
    for row, text in zip(counts.toarray(), texts, strict=True):
        assert row.tolist() == np.bincount(text, minlength=9).tolist()


@pytest.fixture(scope="module")
def corpus():
    """The class is the word that a text begins with."""
    vocabulary = Vocabulary(["a", "b", "c"])
    rng = np.random.default_rng(0)

    def texts(count):
        firsts = np.arange(count) % 3 + 4
        return tf.ragged.constant(
            [
                [2, int(first), *[4] * int(rng.integers(0, 3)), 3]
                for first in firsts
            ],
            tf.int32,
        )

    sizes = dict(zip(SPLITS, (36, 12, 15), strict=True))
    return TokenIds(
        "tiny",
        vocabulary=vocabulary,
        **{split: texts(count) for split, count in sizes.items()},
        labels={split: np.arange(size) % 3 for split, size in sizes.items()},
    )


@pytest.fixture(scope="module")
def models(corpus):
    sizes = {"embedding_dim": 3, "rnn_units": 4, "latent_dim": 2}
    return {
        "sparse": HSVAE(corpus.vocabulary, **sizes),
        "plain": SentenceVAE(corpus.vocabulary, num_layers=1, **sizes),
    }


def test_rows_of_a_corpus_and_its_models(corpus, models, monkeypatch):
    monkeypatch.setattr(probes, "_HIDDEN_ALPHA", (0.001,))
    rows = probe_corpus(corpus, models)
    assert [(row.representation, row.dimensions) for row in rows] == [
        ("majority class", 0),
        ("bag of words", 7),
        ("sparse: sample", 2),
        ("sparse: slab mean", 2),
        ("sparse: gated mean", 2),
        ("sparse: masked mean", 2),
        ("plain: mean", 2),
    ]
    majority, words = rows[:2]
    assert majority.linear_accuracy == pytest.approx(1 / 3)
    # The words b and c are in texts of their class alone.
    assert words.linear_accuracy == words.hidden_layer_accuracy == 1.0


def test_representations_are_the_codes_of_the_model(corpus, models):
    plain = representations(models["plain"], corpus.test)
    np.testing.assert_allclose(
        plain["mean"], models["plain"].encode(corpus.test), atol=1e-6
    )
    sparse = representations(models["sparse"], corpus.test)
    codes = models["sparse"].encode(corpus.test)
    is_on = models["sparse"].is_on(corpus.test.to_tensor()).numpy()
    np.testing.assert_allclose(sparse["masked mean"], codes * is_on, atol=1e-6)
