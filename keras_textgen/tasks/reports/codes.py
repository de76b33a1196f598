"""The codes of a text model: which of them say something, and what."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import by_number, counted
from keras_textgen.cli.settings import Settings
from keras_textgen.data.rows import spread_rows
from keras_textgen.decoding.interpolation import homotopy
from keras_textgen.pages.charts import Chart, bar_chart, scatter
from keras_textgen.pages.projection import TSNE_NAME, plane, project
from keras_textgen.pages.report_page import Choice, Panel, Table
from keras_textgen.tasks.generating import reconstructed_texts, shown_text
from keras_textgen.tasks.reports.common import parts_by, shortened

# Texts on the map, and those that are reconstructed.
_POINTS, _RECONSTRUCTED = 1000, 200
# Dimensions whose means vary less are dead (Burda et al. 2016, section 5.2).
_DEAD_BELOW = 0.01
_PAIRS, _STEPS = 3, 5
_DIMENSIONS, _MOVES = 3, (-2.0, -1.0, 0.0, 1.0, 2.0)
# Groups of texts by length, and examples from each.
_LENGTHS, _EXAMPLES = 6, 3
# Points are not colored by these, which each has to itself.
_OF_ONE_POINT = ("name",)


@dataclasses.dataclass(frozen=True)
class Looked:
    """The test texts that a report looks at.

    Attributes:
      tokens: int32 RaggedTensor [N, (time)].
      texts: N texts.
      columns: what else is known of them, such as labels: N values each.
    """

    tokens: tf.RaggedTensor
    texts: Sequence[str]
    columns: Mapping[str, Sequence[Any]]


def code_panels(settings: Settings, model: Any, looked: Looked) -> list[Panel]:
    """Panels of the codes of texts.

    Args:
      settings: of the run.
      model: trained, with latent variables.
      looked: texts.

    Returns:
      Dimensions, a map, moves, interpolations, reconstructions.
    """
    codes = model.encode(looked.tokens)
    return [
        dimensions_panel(codes[:, model.latent_columns]),
        _map_panel(codes, looked, settings.seed),
        _movement_panel(model, codes),
        _interpolation_panel(model, codes, looked.texts),
        _reconstruction_panel(settings, model, looked),
    ]


def dimensions_panel(means: np.ndarray) -> Panel:
    """How much each dimension of the codes varies, and which do not.

    Args:
      means: of the latent variables of texts, float [N, D].

    Returns:
      The panel; its findings name the dimensions that are dead.

    Example:
    >>> means = np.array([[0.0, 1.0], [2.0, 1.0]])
    >>> dimensions_panel(means).findings
    ['1 of 2 dimensions is the same for all texts: 2.']
    """
    variances = np.var(means, axis=0, dtype=float)
    order = np.argsort(-variances, kind="stable")
    rows = [
        {"dimension": str(number + 1), "variance": float(variances[number])}
        for number in order
    ]
    dead = np.flatnonzero(variances < _DEAD_BELOW) + 1
    findings = []
    if len(dead):
        verb = by_number(len(dead), "is", "are")
        findings.append(
            f"{len(dead)} of {counted(len(variances), 'dimension')} {verb} "
            f"the same for all texts: {', '.join(map(str, dead))}."
        )
    return Panel(
        "Dimensions of the code",
        "Variance of each latent variable's mean over test texts. One below "
        f"{_DEAD_BELOW:g} tells nothing of a text.",
        [bar_chart(rows, "dimension", "variance")],
        findings,
    )


def _map_panel(codes: np.ndarray, looked: Looked, seed: int) -> Panel:
    shown = spread_rows(len(codes), _POINTS)
    maps = {"principal components": plane(codes[shown])}
    neighbors, method = project(codes[shown], seed)
    if method == TSNE_NAME:
        maps[method] = neighbors
    columns = {
        **looked.columns,
        "words": [len(text.split()) for text in looked.texts],
    }
    rows = []
    for number, place in enumerate(shown):
        row: dict[str, Any] = {
            "text": shortened(looked.texts[place]),
            **{name: values[place] for name, values in columns.items()},
        }
        for name, points in maps.items():
            row |= {
                axis: round(float(value), 4)
                for axis, value in zip(_axes(name), points[number], strict=True)
            }
        rows.append(row)
    tooltip = ["text", *columns]
    charts: dict[str, Chart] = {
        f"{name}, colored by {column}": scatter(
            rows, column, tooltip, _axes(name)
        )
        for column in columns
        if column not in _OF_ONE_POINT
        for name in maps
    }
    return Panel(
        "Map of the codes",
        "Test texts by the two directions in which their codes differ most "
        "(principal components), or by t-SNE, which keeps neighbors together "
        "and says nothing by its distances. The pointer shows the text.",
        [Choice("Texts by", charts)],
    )


def _axes(name: str) -> tuple[str, str]:
    return f"{name} x", f"{name} y"


def _movement_panel(model: Any, codes: np.ndarray) -> Panel:
    """What becomes of a text when one dimension moves."""
    columns = np.arange(codes.shape[1])[model.latent_columns]
    deviations = codes.std(axis=0)
    most = columns[np.argsort(-deviations[columns], kind="stable")]
    middle = codes.mean(axis=0)
    rows = []
    for column in most[:_DIMENSIONS]:
        moved = np.tile(middle, [len(_MOVES), 1])
        moved[:, column] += np.array(_MOVES) * deviations[column]
        texts = model.decode(moved)
        rows += [
            [f"{column - columns[0] + 1}", f"{move:+g}", shown_text(text)]
            for move, text in zip(_MOVES, texts, strict=True)
        ]
    return Panel(
        "One dimension at a time",
        "From the mean code, the dimensions that vary most are moved by so "
        "many standard deviations, each by itself, and decoded.",
        [Table(["dimension", "moved by", "text"], rows)],
    )


def _interpolation_panel(
    model: Any, codes: np.ndarray, texts: Sequence[str]
) -> Panel:
    ends = spread_rows(len(codes), 2 * _PAIRS)
    rows = []
    for first, last in zip(ends[::2], ends[1::2], strict=False):
        between = homotopy(codes[first], codes[last], _STEPS)[0]
        rows.append(["from", texts[first]])
        rows += [
            [f"{step}/{_STEPS - 1}", shown_text(text)]
            for step, text in enumerate(model.decode(between))
        ]
        rows.append(["to", texts[last]])
    return Panel(
        "Interpolations",
        "Texts that codes on the straight line between those of two test "
        "texts are decoded to (Bowman et al. 2016).",
        [Table(["place", "text"], rows)],
    )


def _reconstruction_panel(
    settings: Settings, model: Any, looked: Looked
) -> Panel:
    chosen = spread_rows(len(looked.texts), _RECONSTRUCTED)
    texts = [looked.texts[each] for each in chosen]
    again = reconstructed_texts(
        settings, model, tf.gather(looked.tokens, chosen)
    )
    return reconstructions_panel(texts, again)


def reconstructions_panel(texts: Sequence[str], again: Sequence[str]) -> Panel:
    """How much of texts comes back, by their lengths.

    Args:
      texts: N texts.
      again: what their codes are decoded to.

    Returns:
      The panel, with a text of each length beside what became of it.

    Example:
    >>> panel = reconstructions_panel(["a rose", "a red rose"], ["a", "a rose"])
    >>> (rows,) = panel.parts[0]["datasets"].values()
    >>> [row["words again"] for row in rows]
    [0.5, 0.667]
    """
    lengths = np.array([len(text.split()) for text in texts])
    shares = np.array(list(map(_share_again, texts, again)))
    rows, examples = [], []
    for name, here in parts_by(lengths, _LENGTHS):
        places = np.flatnonzero(here)
        rows.append(
            {
                "words of the text": name,
                "words again": round(float(shares[places].mean()), 3),
                "texts": len(places),
            }
        )
        for place in places[spread_rows(len(places), _EXAMPLES)]:
            examples.append([name, texts[place], shown_text(again[place])])
    findings = []
    if not shares.any():
        findings.append("No word of any text comes back from its code.")
    return Panel(
        "Reconstructions",
        "Test texts, decoded from their codes alone: which share of their "
        "words comes back, wherever it stands, by length.",
        [bar_chart(rows, "words of the text", "words again", ["texts"])]
        if shares.any()
        else [],
        findings,
        folded=[
            ("Texts beside them", Table(["words", "text", "again"], examples))
        ],
    )


def _share_again(text: str, again: str) -> float:
    words, there = Counter(text.split()), Counter(again.split())
    return (words & there).total() / max(words.total(), 1)
