"""A page that shows what a classifier of documents attends to."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.rows import spread_rows
from keras_textgen.models.documents.attention import DocumentAttention
from keras_textgen.pages.html_page import html_page

# In the dark, letters are light, and so are colors deeper.
ATTENTION_CSS = """\
.attention { --sentence: 90 145 255; --word: 255 90 60; }
@media (prefers-color-scheme: dark) {
  .attention { --sentence: 40 90 200; --word: 190 50 30; }
}
.attention section > :first-child { border-bottom: 1px solid var(--rule);
  margin-top: 2.2rem; }
.attention article > :first-child { margin: 2rem 0 .2rem; }
.attention fieldset { border: 0; margin: 0; padding: 0; }
.attention fieldset label { margin-right: 1rem; white-space: nowrap; }
.attention table { font-size: 1rem; width: auto; }
.attention td { border: 0; padding: .1rem .4rem; }
.attention td:first-child { border: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; }
.attention .sentence, .attention .word { color: var(--ink); }
.attention .caption span { white-space: nowrap; }
.attention .sentence { background: rgb(var(--sentence) / var(--share)); }
.attention .word { background: rgb(var(--word) / var(--share));
  border-radius: 3px; padding: 1px; }
.attention .probabilities, .attention .cut { color: var(--dim);
  font-size: .9rem; margin: 0 0 .4rem; }
.attention:has([value=right]:checked) section.wrong,
.attention:has([value=wrong]:checked) section.right { display: none; }
"""
# The deepest color is of what counts so many times as much as if all sentences
# of a document, or all words of a sentence, counted alike.
_DEEPEST = 4
# Of many classes, those of the highest probabilities are shown.
_CLASSES = 5


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
    right, wrong = np.flatnonzero(is_right), np.flatnonzero(~is_right)
    return (
        right[spread_rows(len(right), count)],
        wrong[spread_rows(len(wrong), count)],
    )


def attention_page(
    documents: Sequence[ShownDocument], label_names: Sequence[str], title: str
) -> str:
    """Writes `attention_markup` as a page that needs nothing beside itself.

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
    return html_page(
        title, attention_markup(documents, label_names), ATTENTION_CSS
    )


def attention_markup(
    documents: Sequence[ShownDocument],
    label_names: Sequence[str],
    level: int = 2,
) -> str:
    """Documents with their words and sentences colored by attention.

    Blue is the weight of a sentence times the number of sentences. Red is that
    of a word times the number of words in its sentence, by the root of what
    the sentence has, as in the pictures of Yang et al. 2016. So all documents
    have one scale, on which equal weights are 1, however many there are.

    Args:
        documents: Right ones and wrong ones, in any order.
        label_names: Names of the classes.
        level: Of the highest headings.

    Returns:
        HTML, which `ATTENTION_CSS` is the style of.

    Example:
        >>> markup = attention_markup([], ["bad", "good"], level=3)
        >>> "<h3>Classified right</h3>" in markup
        True
    """
    groups: dict[str, list[str]] = {"right": [], "wrong": []}
    for document in documents:
        is_right = np.argmax(document.attention.probabilities) == document.label
        groups["right" if is_right else "wrong"].append(
            _document(document, label_names, level + 1)
        )
    sections = [
        f'<section class="{kind}"><h{level}>Classified {kind}</h{level}>\n'
        f"{chr(10).join(shown) or '<p>None.</p>'}</section>"
        for kind, shown in groups.items()
    ]
    steps = " ".join(
        f"{_colored('word', name, times)}"
        for name, times in (("0", 0), ("1", 1), ("2", 2), ("4 or more", 4))
    )
    legend = (
        f'<p class="caption">{_colored("sentence", "Sentence", 2)}: its weight '
        f"times the number of sentences. {_colored('word', 'Word', 2)}: its "
        "weight in the sentence times the number of words there, by the root "
        f"of what the sentence has. One scale for all documents: {steps}, "
        "where 1 is what everything has if all count alike.</p>"
    )
    return "\n".join(
        ['<div class="attention">', legend, _choice(), *sections, "</div>"]
    )


def _choice() -> str:
    """What lets a reader see some of the documents alone."""
    buttons = "".join(
        f'<label><input type="radio" name="shown" value="{value}"'
        f"{' checked' if value == 'all' else ''}> {text}</label>"
        for value, text in (
            ("all", "all documents"),
            ("right", "those classified right"),
            ("wrong", "those classified wrong"),
        )
    )
    return f'<fieldset aria-label="Which documents">{buttons}</fieldset>'


def _document(
    document: ShownDocument, label_names: Sequence[str], level: int
) -> str:
    attention = document.attention
    order = np.argsort(-attention.probabilities, kind="stable")
    heading = (
        f"{document.name}: {label_names[document.label]}, predicted "
        f"{label_names[order[0]]} ({attention.probabilities[order[0]]:.2f})"
    )
    probabilities = ", ".join(
        f"{label_names[each]} {attention.probabilities[each]:.2f}"
        for each in order[:_CLASSES]
    )
    body = "\n".join(_rows(attention))
    left_out = max(0, len(attention.lengths) - len(attention.words))
    cut = ""
    if left_out:
        more = counted(left_out, "further sentence")
        cut = f'<p class="cut">Not read: {more}.</p>'
    return (
        f"<article><h{level}>{html.escape(heading)}</h{level}>\n"
        f'<p class="probabilities">{html.escape(probabilities)}</p>\n'
        f"<table>\n{body}\n</table>{cut}</article>"
    )


def _rows(attention: DocumentAttention) -> Iterator[str]:
    """A row a sentence that is read."""
    sentences = len(attention.words)
    for place, (words, weight, weights) in enumerate(
        zip(
            attention.words,
            attention.sentence_weights,
            attention.word_weights,
            strict=True,
        )
    ):
        times = weight * sentences
        of_words = np.sqrt(times) * weights * len(words)
        text = " ".join(
            _colored("word", word, each)
            for word, each in zip(words, of_words, strict=True)
        )
        left_out = 0
        if attention.lengths:
            left_out = attention.lengths[place] - len(words)
        if left_out:
            more = counted(left_out, "further word")
            text += f' <span class="cut">Not read: {more}.</span>'
        yield (
            f'<tr><td class="sentence" style="{_share(times)}">{weight:.3f}'
            f"</td><td>{text}</td></tr>"
        )


def _colored(kind: str, text: str, times: float) -> str:
    return (
        f'<span class="{kind}" style="{_share(times)}">{html.escape(text)}'
        "</span>"
    )


def _share(times: float) -> str:
    """How deep a color is; `times` is 1 where all count alike."""
    return f"--share: {min(float(times) / _DEEPEST, 1.0):.3f}"
