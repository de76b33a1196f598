"""Tables of classifiers, and the bag of words beside them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from keras_textgen.data.corpus import Corpus
from keras_textgen.data.readers.files import SPLITS
from keras_textgen.evaluation.classification import (
    absent_classes,
    bag_of_words_baseline,
    classification_report,
    format_classification,
    logistic_regression,
)

LABELS = [0, 0, 0, 1, 1, 2]
PREDICTED = [0, 0, 1, 1, 0, 0]
_FILLERS = ["it", "was", "a", "very", "long", "film"]


def rows(table):
    return [line.split() for line in table.splitlines()]


def tables(systems, labels, names):
    """That of systems, and that of the classes by the first of them."""
    report = classification_report(systems, labels, names)
    return format_classification(report).split("\n\n")


def test_classes():
    # A fourth class is neither there nor predicted; the third never predicted.
    _, text = tables({"one": PREDICTED}, LABELS, ["a", "b", "c", "d"])
    table, _, absent = text.rpartition("\n")
    assert absent.startswith("Not in the test set: d. ")
    assert rows(table)[1:] == [
        ["a", "0.5000", "0.6667", "0.5714", "3"],
        ["b", "0.5000", "0.5000", "0.5000", "2"],
        ["c", "0.0000", "0.0000", "0.0000", "1"],
        ["d", "0.0000", "0.0000", "0.0000", "0"],
    ]
    assert len({len(line) for line in table.splitlines()}) == 1


def test_comparison():
    systems = {"one": PREDICTED, "the right ones": np.array(LABELS)}
    systems["two"] = [0, 0, 0, 1, 1, 3]
    macro_f1 = f1_score(LABELS, PREDICTED, average="macro")
    assert macro_f1 == pytest.approx((4 / 7 + 1 / 2) / 3)
    table, _ = tables(systems, LABELS, ["a", "b", "c", "d"])
    assert rows(table)[1:] == [
        ["one", "0.5000", f"{macro_f1:.4f}"],
        ["the", "right", "ones", "1.0000", "1.0000"],
        # Of four classes: that of 2 is missed, and 3 is not there.
        ["two", "0.8333", "0.5000"],
    ]


def test_classes_without_documents_do_not_count():
    """Neither there nor predicted: "b" of three classes."""
    labels = [0, 2, 2, 0]
    table, _ = tables({"all right": labels}, labels, ["a", "b", "c"])
    assert rows(table)[1].pop() == "1.0000"
    assert absent_classes(labels, ["a", "b", "c"]) == ["b"]
    assert absent_classes(labels, ["a", "b", "c", "d"]) == ["b", "d"]
    assert absent_classes([1, 0], ["a", "b"]) == []


@pytest.fixture
def corpus():
    """Two words tell the classes."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 90)
    texts = [
        " ".join([*generator.choice(_FILLERS, 12), f"word{label}"])
        for label in labels
    ]
    parts = {
        "train": slice(0, 60),
        "valid": slice(60, 75),
        "test": slice(75, 90),
    }
    return Corpus(
        "toy",
        **{split: texts[part] for split, part in parts.items()},
        labels={split: labels[part] for split, part in parts.items()},
        label_names=("0", "1"),
    )


def test_bag_of_words_learns(corpus):
    baseline = bag_of_words_baseline(corpus)
    np.testing.assert_array_equal(baseline.predicted, corpus.labels["test"])


def test_regularization_is_chosen_on_the_validation_set(corpus):
    # "so" goes with class 0; with little regularization, the one "oh" that
    # says class 1 outweighs three of it.
    corpus.train = ["so so so", "so", "so", "so so", "so oh", "to"]
    corpus.labels["train"] = np.array([0, 0, 0, 0, 1, 1])
    corpus.valid = corpus.test = ["so so so oh"]
    corpus.labels["test"] = np.array([1])
    names = {}
    for label in (0, 1):
        corpus.labels["valid"] = np.array([label])
        baseline = bag_of_words_baseline(corpus)
        assert baseline.predicted.tolist() == [label]
        names[label] = baseline.name
    assert names[0] == "bag of words, logistic regression (C=1)"
    assert names[1] != names[0]


def test_logistic_regression_against_a_grid_search():
    generator = np.random.default_rng(0)
    labels = {split: generator.integers(0, 3, 60) for split in SPLITS}
    features = {
        split: np.eye(3)[each] + generator.normal(0, 1.5, (60, 3))
        for split, each in labels.items()
    }
    inputs = np.concatenate([features["train"], features["valid"]])
    targets = np.concatenate([labels["train"], labels["valid"]])
    folds = PredefinedSplit(np.repeat([-1, 0], 60))
    search = GridSearchCV(
        LogisticRegression(tol=1e-8, max_iter=10_000),
        {"C": [1, 3, 10, 30, 100]},
        cv=folds,
        refit=False,
    ).fit(inputs, targets)
    found = logistic_regression("codes", features, labels)
    c = search.best_params_["C"]
    assert found.name == f"codes, logistic regression (C={c})"
    assert found.valid_accuracy == pytest.approx(search.best_score_)
    alone = LogisticRegression(C=c, tol=1e-8, max_iter=10_000)
    alone.fit(features["train"], labels["train"])
    expected = alone.predict(features["test"])
    assert found.predicted.tolist() == expected.tolist()


def test_pairs_of_words_are_used_where_they_help(corpus):
    # Single words say nothing: the same two, in two orders.
    texts = ["not good but bad", "not bad but good"] * 4
    corpus.train = corpus.valid = corpus.test = texts
    corpus.labels = {split: np.arange(8) % 2 for split in SPLITS}
    baseline = bag_of_words_baseline(corpus)
    assert baseline.name.startswith("bag of words and pairs, ")
    assert baseline.predicted.tolist() == corpus.labels["test"].tolist()
