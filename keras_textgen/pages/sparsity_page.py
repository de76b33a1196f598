"""A page to look at: what the dimensions of sparse codes say of a corpus."""

from __future__ import annotations

import html
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

from keras_textgen.checks import counted
from keras_textgen.data.views import TokenIds
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.pages.html_page import html_page
from keras_textgen.pages.sparse_codes import (
    MOST_CLASSES,
    MOST_DIMENSIONS,
    SparseCodes,
    class_name,
    largest_classes,
    telling_dimensions,
)
from keras_textgen.pages.sparsity_figures import (
    COLORS,
    FIGURE_STYLE,
    class_figure,
    epoch_figure,
    gate_figure,
    heat_figure,
    spoken,
    view_of,
)
from keras_textgen.pages.svg import svg_element

_NUM_SENTENCES = 6
_NUM_NEIGHBORS = 5
_ENOUGH_DIMENSIONS = 3
# Of the validation set.
_HOYER = "val_hoyer_"
_MAX_CHIPS = 12


def write_sparsity_page(
    path: pathlib.Path,
    model: Any,
    corpus: TokenIds,
    epochs: Sequence[Mapping[str, float]] = (),
) -> None:
    """Writes one HTML file on the codes of the test set, figures included.

    Args:
        path: Of the file.
        model: An `HSVAE` or a `MATVAE`.
        corpus: That it was trained on; without labels, what is by class is
            left out.
        epochs: Figures of the validation set after each, as `metrics.csv`
            has them, for sparsity by epoch.
    """
    codes = SparseCodes.of(model, corpus)
    sections = [
        _gate_section(codes, model),
        _class_sections(codes, corpus),
        _epoch_section(codes, epochs),
        _sentence_section(codes, corpus),
    ]
    name = type(model).__name__
    body = [_paragraph(corpus.note), f"<dl>{_facts(codes)}</dl>", *sections]
    title = f"Sparse codes: {name} on {corpus.name}"
    path.write_text(html_page(title, "\n".join(body), _CSS), "utf-8")


# -- Sections ------------------------------------------------------------------


def _facts(codes: SparseCodes) -> str:
    texts, dimensions = codes.gate.shape
    share = codes.share_on
    facts = {
        "texts of the test set": f"{texts:,}",
        "dimensions of a code": f"{dimensions:,}",
        "dimensions on per text, mean": f"{np.mean(codes.on_per_text):.1f}",
        "dimensions on for no text": f"{np.count_nonzero(share == 0):,}",
        "dimensions on for every text": f"{np.count_nonzero(share == 1):,}",
    }
    return "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>"
        for name, value in facts.items()
    )


def _gate_section(codes: SparseCodes, model: Any) -> str:
    if codes.has_gamma:
        title = "How likely is a dimension to be off?"
        caption = (
            "gamma is the probability of the spike, that is, of a dimension "
            "being off; E[gamma] is its posterior mean for one text, and a "
            "dimension counts as on where that is below 0.5. The prior is "
            f"Beta({model.alpha:g}, {model.beta:g}). Left: all texts and "
            "dimensions. Right: each dimension by itself, sorted by its "
            "median; the band holds the middle 90 % of the texts. Where the "
            "band crosses the dotted line, the dimension is on for some texts "
            "and off for others."
        )
    else:
        title = "How large are the means?"
        caption = (
            f"{type(model).__name__} has no gamma, so this is the size of the "
            "posterior mean. Left: all texts and dimensions; the number of "
            "entries is on a logarithmic scale. Right: each dimension by "
            "itself, sorted by its median; the band holds the middle 90 % of "
            "the texts."
        )
    figure = gate_figure(codes, model)
    return _section(title, svg_element(figure, title, FIGURE_STYLE), caption)


def _class_sections(codes: SparseCodes, corpus: TokenIds) -> str:
    labels = corpus.labels.get("test", np.empty(0, np.int32))
    title = "Which dimensions are on for which class?"
    if not len(labels):
        return _section(title, "", f"{corpus.name} has no labels.")
    classes = largest_classes(labels)
    largest = (
        f" The {MOST_CLASSES} classes with the most texts are shown."
        if len(classes) == MOST_CLASSES
        else ""
    )
    of_classes = labels, classes, [class_name(corpus, x) for x in classes]
    return _section(
        title, *_differences(codes, *of_classes, largest)
    ) + _section(
        "Are some classes sparser than others?",
        *_spreads(codes, *of_classes, largest),
    )


def _differences(
    codes: SparseCodes,
    labels: np.ndarray,
    classes: np.ndarray,
    names: list[str],
    largest: str,
) -> tuple[str, str]:
    """A figure of the dimensions that tell classes apart, and its caption."""
    share = codes.share_on_by(labels, classes)
    dimensions = counted(share.shape[1], "dimension")
    shown = telling_dimensions(share)
    if not len(shown):
        return "", (
            f"None: for each of the {dimensions}, the share of texts in which "
            "it is on differs by less than a percentage point between classes."
        )
    element = svg_element(
        heat_figure(share, codes.share_on, shown, names),
        "Share of texts with a dimension on, by class",
        FIGURE_STYLE,
    )
    return element, (
        f"{len(shown):,} of {dimensions}, at most {MOST_DIMENSIONS}: those "
        "whose share of texts in which they are on differs most between "
        "classes, by a percentage point or more, grouped by the class in which "
        "they are on unusually often. Top: the share of the texts of a class. "
        "Bottom: the same less the share of all texts: columns with strong "
        f"colors tell classes apart, pale ones do not.{largest}"
    )


def _spreads(
    codes: SparseCodes,
    labels: np.ndarray,
    classes: np.ndarray,
    names: list[str],
    largest: str,
) -> tuple[str, str]:
    """A figure of how sparse the texts of each class are, and its caption."""
    gate = codes.gate_name
    element = svg_element(
        class_figure(codes, labels, classes, names),
        f"{gate} and number of dimensions on, by class",
        FIGURE_STYLE,
    )
    shown_of = (
        f"Left: {gate}, mean over the dimensions of a text. Right: how many "
        "dimensions are on in a text."
    )
    if not codes.on_per_text.any():
        shown_of = f"{gate}, mean over the dimensions of a text; none is on."
    return element, (
        f"The texts of each class. {shown_of} The thin line spans the middle "
        "90 % of the texts, the thick one the middle half, the dot is the "
        f"median.{largest}"
    )


def _epoch_section(
    codes: SparseCodes, epochs: Sequence[Mapping[str, float]]
) -> str:
    title = "How did sparsity develop?"
    table = _hoyer_rows(codes.hoyer)
    measure = (
        "Hoyer's measure is 0 if all dimensions of a code are of the same size "
        "and 1 if a single one is not 0; normalized: after dividing every "
        "dimension by its standard deviation over the set."
    )
    curves = _curves(epochs)
    if not curves:
        return _section(title, table, f"{measure} There is no record by epoch.")
    figure = svg_element(
        epoch_figure(curves), "Hoyer's measure by epoch", FIGURE_STYLE
    )
    return _section(
        title,
        figure + table,
        f"{measure} The curves are of the validation set, after each epoch; "
        "the table is of the test set.",
    )


def _sentence_section(codes: SparseCodes, corpus: TokenIds) -> str:
    title = "What do sentences with the same dimensions share?"
    rows = _chosen_rows(codes.on_per_text)
    if not len(rows):
        return _section(title, "", "No dimension is on for any text.")
    body = "".join(_sentence(codes, corpus, row) for row in rows)
    return _section(
        title,
        body,
        "Some texts of the test set, the dimensions that are on in them with "
        "their means, and the other texts of the test set that share the most "
        "of these dimensions; among equals, those with the larger cosine of "
        "the codes, and then of more equal length, come first. In the strips "
        "every dimension has its place from left to right: blue is above zero, "
        "orange below; pale bars are dimensions that the text at the top does "
        "not have.",
    )


# -- Epochs --------------------------------------------------------------------


def _curves(
    epochs: Sequence[Mapping[str, float]],
) -> dict[str, tuple[list[int], list[float]]]:
    """Epochs and values of every figure that is Hoyer's measure."""
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for figures in epochs:
        for name, value in figures.items():
            if name.startswith(_HOYER):
                numbers, values = curves.setdefault(
                    name.removeprefix(_HOYER), ([], [])
                )
                numbers.append(int(figures["epoch"]))
                values.append(value)
    return curves


def _hoyer_rows(table: dict[str, float]) -> str:
    figures = {
        name.removeprefix("hoyer_"): each for name, each in table.items()
    }
    rows = "".join(
        f"<tr><td>{html.escape(spoken(view))}</td>"
        f"<td class='number'>{figures[view]:.3f}</td>"
        f"<td class='number'>{figures[f'{view}_normalized']:.3f}</td></tr>"
        for view in dict.fromkeys(map(view_of, figures))
    )
    return (
        "<table class='small'><thead><tr><th>test set</th>"
        "<th class='number'>Hoyer</th><th class='number'>normalized</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )


# -- Sentences -----------------------------------------------------------------


def _chosen_rows(on_per_text: np.ndarray) -> np.ndarray:
    """Texts with a few dimensions on, if there are such, at equal distances."""
    enough = np.clip(np.max(on_per_text), 1, _ENOUGH_DIMENSIONS)
    rows = np.flatnonzero(on_per_text >= enough)
    count = min(_NUM_SENTENCES, len(rows))
    return rows[(2 * np.arange(count) + 1) * len(rows) // (2 * max(count, 1))]


def _sentence(codes: SparseCodes, corpus: TokenIds, row: int) -> str:
    code = codes.masked[[row]].toarray()[0]
    number = np.count_nonzero(code)
    others = [
        _neighbor(codes, corpus, code, *each)
        for each in _neighbors(codes, corpus, row)
    ]
    table = (
        "<div class='scroll' tabindex='0'><table><thead><tr>"
        "<th class='number'>shared</th>"
        "<th class='number'>cosine</th><th>class</th><th>text</th><th>code</th>"
        f"</tr></thead><tbody>{''.join(others)}</tbody></table></div>"
        if others
        else "<p>No other text shares a dimension.</p>"
    )
    (text,) = _texts(corpus.vocabulary, corpus.test, [row])
    return (
        f"<article><h3>{html.escape(text)}</h3><p>{_class_chip(corpus, row)} "
        f"{number:,} of {counted(len(code), 'dimension')} on</p>"
        f"{_strip(code, np.ones(len(code), bool))}"
        f"<p>{_chips(code)}</p>{table}</article>"
    )


def _neighbors(
    codes: SparseCodes, corpus: TokenIds, row: int
) -> list[tuple[int, int, float, str]]:
    """Rows, numbers of shared dimensions, cosines and texts, nearest first."""
    shared = (codes.is_on @ codes.is_on[[row]].T).toarray()[:, 0]
    products = (codes.masked @ codes.masked[[row]].T).toarray()[:, 0]
    lengths = scipy.sparse.linalg.norm(codes.masked, axis=1)
    cosines = products / np.where(shared, lengths * lengths[row], 1)
    # With one dimension shared and no other on, the cosine is always 1.
    distances = np.abs(lengths - lengths[row])
    order = np.lexsort((distances, -np.round(cosines, 4), -shared))
    # Texts with the same words are not worth showing.
    candidates = order[: 20 * _NUM_NEIGHBORS]
    candidates = candidates[shared[candidates] > 0]
    texts = _texts(corpus.vocabulary, corpus.test, candidates)
    seen = set(_texts(corpus.vocabulary, corpus.test, [row]))
    found: list[tuple[int, int, float, str]] = []
    for other, text in zip(candidates, texts, strict=True):
        if text not in seen and len(found) < _NUM_NEIGHBORS:
            seen.add(text)
            found.append((other, int(shared[other]), cosines[other], text))
    return found


def _neighbor(
    codes: SparseCodes,
    corpus: TokenIds,
    code: np.ndarray,
    row: int,
    shared: int,
    cosine: float,
    text: str,
) -> str:
    other = codes.masked[[row]].toarray()[0]
    return (
        f"<tr><td class='number'>{shared:,}</td><td class='number'>{cosine:.2f}"
        f"</td><td>{_class_chip(corpus, row)}</td><td>{html.escape(text)}</td>"
        f'<td class="strip">{_strip(other, code != 0)}</td></tr>'
    )


def _texts(
    vocabulary: Vocabulary, sequences: tf.RaggedTensor, rows: Any
) -> list[str]:
    tokens = tf.gather(sequences, rows).to_tensor()
    return [text.decode() for text in vocabulary.to_text(tokens).numpy()]


def _class_chip(corpus: TokenIds, row: int) -> str:
    if not len(corpus.labels.get("test", [])):
        return ""
    name = class_name(corpus, corpus.labels["test"][row])
    return f"<span class='class'>{html.escape(name)}</span>"


def _chips(code: np.ndarray) -> str:
    """The largest entries, each with its dimension."""
    order = np.argsort(-np.abs(code), kind="stable")[:_MAX_CHIPS]
    chips = [
        f"<span class='chip'><b>{each + 1}</b> {code[each]:+.2f}</span>"
        for each in order
        if code[each]
    ]
    more = np.count_nonzero(code) - len(chips)
    return " ".join(chips) + (f" and {more:,} more" if more else "")


def _strip(code: np.ndarray, is_strong: np.ndarray) -> str:
    """A code as bars, every dimension at its place."""
    top = float(np.max(np.abs(code))) or 1.0
    # Bars of wide codes would be too thin to be seen.
    width = max(0.8, len(code) / 200)
    bars = []
    for each in np.flatnonzero(code):
        height = 10 * abs(code[each]) / top
        begin = 10 - height if code[each] > 0 else 10
        color = COLORS[0] if code[each] > 0 else COLORS[1]
        pale = "" if is_strong[each] else ' opacity="0.3"'
        bars.append(
            f'<rect x="{each + 0.1:.1f}" y="{begin:.2f}" width="{width:g}" '
            f'height="{height:.2f}" fill="{color}"{pale}>'
            f"<title>{each + 1}: {code[each]:+.2f}</title></rect>"
        )
    return (
        f'<svg class="strip" viewBox="0 0 {len(code)} 20" '
        'preserveAspectRatio="none" role="img" aria-label="code">'
        f'<line x1="0" x2="{len(code)}" y1="10" y2="10"/>{"".join(bars)}</svg>'
    )


# -- HTML ----------------------------------------------------------------------


def _section(title: str, body: str, caption: str) -> str:
    return (
        f"<section><h2>{html.escape(title)}</h2>"
        f"<p class='caption'>{html.escape(caption)}</p>{body}</section>"
    )


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>" if text else ""


_CSS = """\
section { border-top: 1px solid var(--rule); margin-top: 2.2rem;
  padding-top: 1.2rem; }
section > .figure { margin: .8rem 0; }
dl { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 0; }
dl div { display: flex; flex-direction: column-reverse; }
dt { color: var(--dim); font-size: .8rem; }
dd { font-size: 1.4rem; font-variant-numeric: tabular-nums; margin: 0; }
table.small { width: auto; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
article { margin: 1.6rem 0 2.2rem; }
article p { font-size: .85rem; margin: .35rem 0; }
.class { background: var(--card); border-radius: .2rem; padding: .05rem .4rem;
  white-space: nowrap; }
.chip { border: 1px solid var(--rule); border-radius: .2rem;
  display: inline-block; font-size: .8rem; font-variant-numeric: tabular-nums;
  padding: 0 .35rem; }
svg.strip { background: var(--card); display: block; height: 2.2rem;
  width: 100%; }
svg.strip line { stroke: #9aa5b1; stroke-width: 1;
  vector-effect: non-scaling-stroke; }
td.strip { min-width: 10rem; width: 24%; }
td svg.strip { height: 1.4rem; }
"""
