"""Figures of classifiers, beside a bag of words on the same documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_recall_fscore_support,
)

from keras_textgen.data.documents import DocumentCorpus

# Of the logistic regression: what its squared weights are divided by.
_REGULARIZATIONS = (1.0, 10.0, 100.0)


class Baseline(NamedTuple):
    """A bag of words with logistic regression.

    Attributes:
        name: With the regularization chosen, as tables show it.
        predicted: Numbers of classes of the test documents, integers `[N]`.
    """

    name: str
    predicted: np.ndarray


def bag_of_words_baseline(corpus: DocumentCorpus) -> Baseline:
    """Trains a logistic regression on the words of whole documents.

    Its features are tf-idf values of lower-case words, with 1 + log counts.
    The regularization is the one of C = 1, 10 and 100 with the best accuracy
    on the validation documents; it is trained on the training documents.

    Args:
        corpus: Documents with labels.

    Returns:
        The predictions for the test documents.

    Example:
        >>> corpus = DocumentCorpus(
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
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    train = vectorizer.fit_transform(corpus.train)
    valid = vectorizer.transform(corpus.valid)
    candidates = {
        c: LogisticRegression(C=c, max_iter=1000).fit(
            train, corpus.labels["train"]
        )
        for c in _REGULARIZATIONS
    }
    best = max(
        candidates,
        key=lambda c: candidates[c].score(valid, corpus.labels["valid"]),
    )
    return Baseline(
        f"bag of words, logistic regression (C={best:g})",
        candidates[best].predict(vectorizer.transform(corpus.test)),
    )


def comparison_table(
    predictions: Mapping[str, Sequence[int] | np.ndarray],
    labels: Sequence[int] | np.ndarray,
) -> str:
    """Sets systems beside each other.

    Args:
        predictions: For each system, numbers of classes `[N]`.
        labels: The right ones, `[N]`.

    Returns:
        A line for each system: accuracy, and the mean F1 of the classes that
        are there or predicted.

    Example:
        >>> systems = {"always a": [0, 0, 0, 0], "coin": [0, 1, 0, 1]}
        >>> print(comparison_table(systems, [0, 0, 1, 1]))
        system    accuracy  macro-F1
        always a    0.5000    0.3333
        coin        0.5000    0.5000
    """
    lines = [("system", "accuracy", "macro-F1")]
    for name, predicted in predictions.items():
        macro_f1 = f1_score(labels, predicted, average="macro", zero_division=0)
        accuracy = accuracy_score(labels, predicted)
        lines.append((name, f"{accuracy:.4f}", f"{macro_f1:.4f}"))
    return _aligned(lines)


def class_table(
    predicted: Sequence[int] | np.ndarray,
    labels: Sequence[int] | np.ndarray,
    label_names: Sequence[str],
) -> str:
    """Reports each class.

    Args:
        predicted: Numbers of classes, `[N]`.
        labels: The right ones, `[N]`.
        label_names: By number.

    Returns:
        A line for each class: precision, recall, F1 and the number of its
        documents; a ratio of nothing is 0.

    Example:
        >>> print(class_table([0, 0, 0, 1], [0, 0, 1, 1], ["ham", "spam"]))
        class  precision  recall      F1  documents
        ham       0.6667  1.0000  0.8000          2
        spam      1.0000  0.5000  0.6667          2
    """
    columns = precision_recall_fscore_support(
        labels, predicted, labels=range(len(label_names)), zero_division=0
    )
    lines = [("class", "precision", "recall", "F1", "documents")]
    for name, *ratios, count in zip(label_names, *columns, strict=True):
        lines.append((name, *(f"{x:.4f}" for x in ratios), f"{count:,}"))
    return _aligned(lines)


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


def _aligned(lines: list[tuple[str, ...]]) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [f"{first:{widths[0]}}"]
            + [
                f"{cell:>{width}}"
                for cell, width in zip(rest, widths[1:], strict=True)
            ]
        )
        for first, *rest in lines
    )
