"""The report of a classifier of documents: what it takes for what."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import by_number, counted
from keras_textgen.data.views import Documents
from keras_textgen.pages.attention_page import ATTENTION_CSS, attention_markup
from keras_textgen.pages.charts import Chart, diagonal, heatmap
from keras_textgen.pages.report_page import Markup, Panel, Table
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.documents import document_name, shown_documents
from keras_textgen.tasks.reports.common import joined_text, shortened

_BINS = 10
_SHOWN = 50


def document_panels(task: Task, model: Any) -> list[Panel]:
    """Panels of a classifier.

    Args:
      task: of the run, with its corpus of documents.
      model: trained.

    Returns:
      What classes are taken for, how sure the model is, and documents.
    """
    corpus = task.corpus
    labels = np.asarray(corpus.labels["test"])
    names = [str(name) for name in corpus.label_names]
    probabilities = model.predict(corpus.test, verbose=0)
    predicted = probabilities.argmax(axis=1)
    return [
        confusion_panel(labels, predicted, names),
        calibration_panel(labels, probabilities),
        Panel(
            "What it attends to",
            "In some test documents, right and wrong ones.",
            [
                Markup(
                    attention_markup(
                        shown_documents(model, corpus, predicted),
                        names,
                        level=3,
                    ),
                    ATTENTION_CSS,
                )
            ],
        ),
        _documents_panel(corpus, labels, probabilities, names),
    ]


def confusion_panel(
    labels: np.ndarray, predicted: np.ndarray, names: Sequence[str]
) -> Panel:
    """Documents of each class by the class that they are taken for.

    Args:
      labels: int [N].
      predicted: int [N].
      names: of the classes.

    Returns:
      The panel; a finding names the most frequent mistake.

    Example:
    >>> labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    >>> confusion_panel(labels, predicted, ["glad", "sad"]).findings
    ['The most frequent mistake: 2 of 3 documents of glad are taken for sad.']
    """
    counts = np.zeros([len(names), len(names)], int)
    np.add.at(counts, (labels, predicted), 1)
    rows = [
        {
            "class": name,
            "taken for": other,
            "documents": int(counts[i, j]),
        }
        for i, name in enumerate(names)
        for j, other in enumerate(names)
    ]
    wrong = counts - np.diag(np.diag(counts))
    findings = []
    if wrong.any():
        i, j = divmod(int(wrong.argmax()), len(names))
        findings.append(
            f"The most frequent mistake: {wrong[i, j]} of "
            f"{counted(counts[i].sum(), 'document')} of {names[i]} "
            f"{by_number(wrong[i, j], 'is', 'are')} taken for {names[j]}."
        )
    never = [
        name
        for number, name in enumerate(names)
        if counts[number].any() and not counts[:, number].any()
    ]
    if never:
        findings.append(f"Never predicted: {', '.join(never)}.")
    return Panel(
        "What is taken for what",
        "Test documents of each class (a row) by the class that the model "
        "gives them.",
        [heatmap(rows, "taken for", "class", "documents")],
        findings,
    )


def calibration_panel(labels: np.ndarray, probabilities: np.ndarray) -> Panel:
    """Whether documents of a probability are right as often as it says.

    Args:
      labels: int [N].
      probabilities: of the classes, float [N, C].

    Returns:
      The panel; its finding is the expected calibration error: the mean
      distance of the two over the documents (Guo et al. 2017).

    Example:
    >>> labels = np.array([0, 0, 1, 1])
    >>> probabilities = np.array([[0.75, 0.25]] * 4)
    >>> calibration_panel(labels, probabilities).findings
    ['Too sure by 0.25 on average (expected calibration error 0.25).']
    """
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    rows, error = [], 0.0
    for number in np.unique(bins):
        here = bins == number
        row = {
            "probability": float(sure[here].mean()),
            "right": float(right[here].mean()),
            "documents": int(here.sum()),
        }
        rows.append(row)
        share = row["documents"] / len(labels)
        error += share * abs(row["probability"] - row["right"])
    excess = float(sure.mean() - right.mean())
    kind = "sure" if excess > 0 else "unsure"
    return Panel(
        "How sure it is",
        "Test documents by the probability of their class: how many are "
        "right. On the dashed line, as many as it says.",
        [_calibration_chart(rows)],
        [
            f"Too {kind} by {abs(excess):.2g} on average (expected "
            f"calibration error {error:.2g})."
        ],
    )


def _calibration_chart(rows: list[dict[str, Any]]) -> Chart:
    return diagonal(rows, "probability", "right", ["documents"])


def _documents_panel(
    corpus: Documents,
    labels: np.ndarray,
    probabilities: np.ndarray,
    names: Sequence[str],
) -> Panel:
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    is_right = predicted == labels

    def table(rows: np.ndarray) -> Table:
        # Of what is wrong, the surest first; of what is right, the least sure.
        order = np.argsort(-sure[rows], kind="stable")
        ordered = rows[order]
        if is_right[rows].all():
            ordered = ordered[::-1]
        return Table(
            ["document", "class", "taken for", "probability", "text"],
            [
                [
                    document_name(corpus, i),
                    names[labels[i]],
                    names[predicted[i]],
                    float(sure[i]),
                    shortened(joined_text(corpus.test[i])),
                ]
                for i in ordered[:_SHOWN]
            ],
        )

    wrong, right = np.flatnonzero(~is_right), np.flatnonzero(is_right)
    return Panel(
        "Documents",
        f"At most {_SHOWN} of each kind, those that the model is surest of "
        "first where it is wrong, and last where it is right.",
        folded=[
            (f"Wrong: {counted(len(wrong), 'test document')}", table(wrong)),
            (f"Right: {counted(len(right), 'test document')}", table(right)),
        ],
    )
