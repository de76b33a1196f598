"""A page that shows what a classifier of documents attends to."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_textgen.models.documents.attention import DocumentAttention
from keras_textgen.pages.html_page import html_page

_CSS = """\
h2 { border-bottom: 1px solid #d8dde3; margin-top: 2.2rem; }
h3 { margin: 2rem 0 .5rem; }
table { font-size: 1rem; width: auto; }
td { border: 0; padding: .1rem .4rem; }
td:first-child { border: 1px solid #e6eaee; text-align: right;
  font-variant-numeric: tabular-nums; }
.word { border-radius: 3px; padding: 1px; }
"""
_SENTENCE_COLOR = "60, 120, 255"
_WORD_COLOR = "255, 90, 60"


class ShownDocument(NamedTuple):
    """A document on the page.

    Attributes:
        name: Its heading.
        attention: What the model attends to in it.
        label: Number of its class.
    """

    name: str
    attention: DocumentAttention
    label: int


def choose_documents(
    predicted: np.ndarray, labels: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Chooses documents that are classified right, and wrong.

    Args:
        predicted: Numbers of classes, `[N]`.
        labels: The right ones, `[N]`.
        count: At most so many of each kind.

    Returns:
        Rows of right and of wrong documents, each at equal distances among
        those of its kind.

    Example:
        >>> right, wrong = choose_documents(
        ...     np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1]), count=2
        ... )
        >>> right.tolist(), wrong.tolist()
        ([0, 3], [1])
    """
    is_right = np.asarray(predicted) == np.asarray(labels)
    return _spread(np.flatnonzero(is_right), count), _spread(
        np.flatnonzero(~is_right), count
    )


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    count = min(count, len(rows))
    return rows[np.arange(count) * len(rows) // max(count, 1)]


def attention_page(
    documents: Sequence[ShownDocument], label_names: Sequence[str], title: str
) -> str:
    """Writes documents with their words and sentences colored by attention.

    Blue is the weight of a sentence, as a share of the largest in its
    document. Red is that of a word, sqrt(p_sentence) * p_word as in the
    pictures of Yang et al. 2016, as a share of the largest in its document. The
    page needs nothing beside itself.

    Args:
        documents: Right ones and wrong ones, in any order.
        label_names: Names of the classes.
        title: Of the page.

    Returns:
        HTML.

    Example:
        >>> attention = DocumentAttention(
        ...     sentences=["So good!"],
        ...     words=[["so", "good", "!"]],
        ...     sentence_weights=np.array([1.0]),
        ...     word_weights=[np.array([0.2, 0.7, 0.1])],
        ...     probabilities=np.array([0.1, 0.9]),
        ... )
        >>> page = attention_page(
        ...     [ShownDocument("Review 7", attention, 1)],
        ...     ["bad", "good"],
        ...     "Films",
        ... )
        >>> "Review 7: good, predicted good (0.90)" in page
        True
    """
    groups: dict[str, list[str]] = {
        "Classified right": [],
        "Classified wrong": [],
    }
    for document in documents:
        is_right = np.argmax(document.attention.probabilities) == document.label
        group = "Classified right" if is_right else "Classified wrong"
        groups[group].append(_document(document, label_names))
    sections = [
        f"<h2>{heading}</h2>\n" + ("\n".join(shown) or "<p>None.</p>")
        for heading, shown in groups.items()
    ]
    legend = (
        f"<p class='caption'>{_colored('sentence', 0.6, _SENTENCE_COLOR)} and "
        "its weight in the document; "
        f"{_colored('word', 0.6, _WORD_COLOR)} by the root of its sentence's "
        "weight times its own in the sentence. The deepest colors of a "
        "document are the largest weights in it.</p>"
    )
    return html_page(title, "\n".join([legend, *sections]), _CSS)


def _document(document: ShownDocument, label_names: Sequence[str]) -> str:
    attention = document.attention
    predicted = int(np.argmax(attention.probabilities))
    heading = (
        f"{document.name}: {label_names[document.label]}, predicted "
        f"{label_names[predicted]} ({attention.probabilities[predicted]:.2f})"
    )
    word_weights = [
        np.sqrt(weight) * words
        for weight, words in zip(
            attention.sentence_weights, attention.word_weights, strict=True
        )
    ]
    top_sentence = max(attention.sentence_weights, default=1.0)
    top_word = max((words.max() for words in word_weights), default=1.0)
    rows = []
    for words, weight, weights in zip(
        attention.words, attention.sentence_weights, word_weights, strict=True
    ):
        color = _rgba(_SENTENCE_COLOR, weight / top_sentence)
        text = " ".join(
            _colored(word, share / top_word, _WORD_COLOR)
            for word, share in zip(words, weights, strict=True)
        )
        rows.append(
            f'<tr><td style="background: {color}">{weight:.3f}</td>'
            f"<td>{text}</td></tr>"
        )
    body = "\n".join(rows)
    return f"<h3>{html.escape(heading)}</h3>\n<table>\n{body}\n</table>"


def _colored(word: str, share: float, color: str) -> str:
    style = f"background: {_rgba(color, share)}"
    return f'<span class="word" style="{style}">{html.escape(word)}</span>'


def _rgba(color: str, share: float) -> str:
    return f"rgba({color}, {float(share):.3f})"
