"""Figures of classifiers, beside a bag of words on the same documents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_recall_fscore_support,
)
from threadpoolctl import threadpool_limits

from keras_textgen.data.corpus import Corpus
from keras_textgen.data.readers.files import SPLITS
from keras_textgen.evaluation.text_tables import aligned
from keras_textgen.evaluation.watching import Watch, unwatched

# Of the logistic regression: what its squared weights are divided by.
_REGULARIZATIONS = (1.0, 3.0, 10.0, 30.0, 100.0)
# Most words that follow each other and count as one; most features.
_NGRAMS = {"bag of words": (1, None), "bag of words and pairs": (2, 30_000)}
# scikit-learn's own; without a single word of this kind it has no features.
_LONGER_WORDS = r"(?u)\b\w\w+\b"
_ALL_WORDS = r"(?u)\S"
# Many classes make the gradients of each small; the usual 1e-4 stops early.
_TOLERANCE = 1e-5


class Baseline(NamedTuple):
    """A logistic regression beside a model.

    Attributes:
        name: With the regularization chosen, as tables show it.
        predicted: Numbers of classes of the test documents, integers `[N]`.
        valid_accuracy: On the validation documents; what it was chosen by.
    """

    name: str
    predicted: np.ndarray
    valid_accuracy: float


def logistic_regression(
    name: str,
    features: Mapping[str, np.ndarray | scipy.sparse.csr_array],
    labels: Mapping[str, np.ndarray],
    *,
    watch: Watch = unwatched,
) -> Baseline:
    """Trains on the training documents, regularized as validation likes best.

    Args:
        name: Of the features.
        features: By split ("train", "valid", "test"), `[documents, any]`.
        labels: By split, numbers of classes `[documents]`; two different ones
            or more in training.
        watch: Sees how the regularizations are done one by one.

    Returns:
        Of C = 1, 3, 10, 30 and 100 (what squared weights are divided by) the
        one with the best accuracy on the validation documents; of equal ones,
        the most regularized.

    Example:
        >>> codes = {split: np.eye(4) for split in ("train", "valid", "test")}
        >>> labels = {split: np.arange(4) % 2 for split in codes}
        >>> baseline = logistic_regression("numbers", codes, labels)
        >>> baseline.name, baseline.predicted.tolist()
        ('numbers, logistic regression (C=1)', [0, 1, 0, 1])
    """
    # Each regularization begins where the one before has ended.
    model = LogisticRegression(max_iter=1000, tol=_TOLERANCE, warm_start=True)
    found = []
    with threadpool_limits(1):
        for c in watch(
            _REGULARIZATIONS,
            f"logistic regression on {name}",
            sizes=[1.0] * len(_REGULARIZATIONS),
        ):
            model.set_params(C=c).fit(features["train"], labels["train"])
            found.append(
                Baseline(
                    f"{name}, logistic regression (C={c:g})",
                    model.predict(features["test"]),
                    model.score(features["valid"], labels["valid"]),
                )
            )
    return max(found, key=lambda each: each.valid_accuracy)


def bag_of_words_baseline(
    corpus: Corpus, *, watch: Watch = unwatched
) -> Baseline:
    """Trains a logistic regression on the words of whole documents.

    Its features are tf-idf values of lower-case words, with 1 + log counts, and
    perhaps those of pairs of words that follow each other, the most frequent
    30,000. With pairs or without, and the regularization: the choice is the one
    with the best accuracy on the validation documents. Words have two
    characters or more, unless no document has such a word.

    Args:
        corpus: Documents with labels.
        watch: As in `logistic_regression`.

    Returns:
        The predictions for the test documents.

    Example:
        >>> corpus = Corpus(
        ...     "films",
        ...     train=["good film", "bad film", "so good", "so bad"],
        ...     valid=["bad", "good"],
        ...     test=["a bad one"],
        ...     labels={"train": [1, 0, 1, 0], "valid": [0, 1], "test": [0]},
        ...     label_names=("bad", "good"),
        ... )
        >>> baseline = bag_of_words_baseline(corpus)
        >>> baseline.name, baseline.predicted.tolist()
        ('bag of words, logistic regression (C=1)', [0])
    """
    found = []
    pattern = _LONGER_WORDS
    if not any(re.search(pattern, text) for text in corpus.train):
        pattern = _ALL_WORDS
    for name, (longest, most) in _NGRAMS.items():
        vectorizer = TfidfVectorizer(
            sublinear_tf=True,
            token_pattern=pattern,
            ngram_range=(1, longest),
            max_features=most,
        ).fit(corpus.train)
        features = {
            split: vectorizer.transform(getattr(corpus, split))
            for split in SPLITS
        }
        found.append(
            logistic_regression(name, features, corpus.labels, watch=watch)
        )
    return max(found, key=lambda each: each.valid_accuracy)


def system_scores(
    predicted: Sequence[int] | np.ndarray, labels: Sequence[int] | np.ndarray
) -> dict[str, float]:
    """Scores a system over all classes.

    Args:
        predicted: Numbers of classes, `[N]`.
        labels: The right ones, `[N]`.

    Returns:
        `accuracy`, and `macro_f1`, the mean F1 of the classes that are there or
        predicted.

    Example:
        >>> system_scores([0, 1, 0, 1], [0, 0, 1, 1])
        {'accuracy': 0.5, 'macro_f1': 0.5}
    """
    macro_f1 = f1_score(labels, predicted, average="macro", zero_division=0)
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "macro_f1": float(macro_f1),
    }


def class_scores(
    predicted: Sequence[int] | np.ndarray,
    labels: Sequence[int] | np.ndarray,
    label_names: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Scores each class.

    Args:
        predicted: Numbers of classes, `[N]`.
        labels: The right ones, `[N]`.
        label_names: By number.

    Returns:
        By name: `precision`, `recall`, `f1` and `documents`, their number; a
        ratio of nothing is 0.

    Example:
        >>> class_scores([0, 0], [0, 1], ["ham", "spam"])["ham"]["precision"]
        0.5
    """
    columns = precision_recall_fscore_support(
        labels, predicted, labels=range(len(label_names)), zero_division=0
    )
    keys = ("precision", "recall", "f1", "documents")
    return {
        name: dict(zip(keys, [*map(float, ratios), int(count)], strict=True))
        for name, *ratios, count in zip(label_names, *columns, strict=True)
    }


def classification_report(
    systems: Mapping[str, np.ndarray],
    labels: np.ndarray,
    label_names: Sequence[str],
) -> dict[str, Any]:
    """All figures of a classifier and of what stands beside it.

    Args:
        systems: For each system, the one that is reported first, numbers of
            classes `[N]`.
        labels: The right ones, `[N]`.
        label_names: By number.

    Returns:
        `documents`, N; `accuracy` and `macro_f1` of the first system;
        `systems`, `system_scores` by name; `classes`, `class_scores` of the
        first; `absent_classes`; `predicted`, the classes by the first.

    Example:
        >>> report = classification_report(
        ...     {"a": np.array([0, 0])}, np.array([0, 0]), ["ham", "spam"]
        ... )
        >>> report["accuracy"], report["absent_classes"]
        (1.0, ['spam'])
    """
    scores = {
        name: system_scores(predicted, labels)
        for name, predicted in systems.items()
    }
    first, predicted = next(iter(systems.items()))
    return {
        "documents": len(labels),
        **scores[first],
        "systems": scores,
        "classes": class_scores(predicted, labels, label_names),
        "absent_classes": absent_classes(labels, label_names),
        "predicted": predicted,
    }


def format_classification(report: Mapping[str, Any]) -> str:
    """Sets a `classification_report` as tables of systems and of classes.

    Example:
        >>> report = classification_report(
        ...     {"a": np.array([0, 0])}, np.array([0, 0]), ["ham", "spam"]
        ... )
        >>> print(format_classification(report).splitlines()[-1])
        Not in the test set: spam. Macro-F1 is of classes that are there or \
predicted.
    """
    text = (
        f"{system_table(report['systems'])}\n\n"
        f"{_class_table(report['classes'])}"
    )
    if report["absent_classes"]:
        text += (
            f"\nNot in the test set: {', '.join(report['absent_classes'])}. "
            "Macro-F1 is of classes that are there or predicted."
        )
    return text


def system_table(systems: Mapping[str, Mapping[str, float]]) -> str:
    """Sets scores of systems beside each other.

    Args:
        systems: `system_scores` by name.

    Returns:
        A line for each system.

    Example:
        >>> print(system_table({"coin": {"accuracy": 0.5, "macro_f1": 0.5}}))
        system  accuracy  macro-F1
        coin      0.5000    0.5000
    """
    lines: list[tuple[str, ...]] = [("system", "accuracy", "macro-F1")]
    for name, scores in systems.items():
        lines.append((name, *(f"{each:.4f}" for each in scores.values())))
    return aligned(lines, range(1, len(lines[0])))


def _class_table(classes: Mapping[str, Mapping[str, float]]) -> str:
    lines: list[tuple[str, ...]] = [
        ("class", "precision", "recall", "F1", "documents")
    ]
    for name, scores in classes.items():
        *ratios, count = scores.values()
        lines.append((name, *(f"{x:.4f}" for x in ratios), f"{count:,}"))
    return aligned(lines, range(1, len(lines[0])))


def absent_classes(
    labels: Sequence[int] | np.ndarray, label_names: Sequence[str]
) -> list[str]:
    """Names the classes that no document is of.

    Args:
        labels: Numbers of classes, `[N]`.
        label_names: By number.

    Returns:
        Their names, in the order of the numbers.

    Example:
        >>> absent_classes([0, 2, 2], ["cats", "dogs", "eels"])
        ['dogs']
    """
    counts = np.bincount(labels, minlength=len(label_names))
    return [
        name
        for name, count in zip(label_names, counts, strict=True)
        if not count
    ]
