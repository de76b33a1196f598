"""A page to look at: a map of documents, colored by topic."""

from __future__ import annotations

import html
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_textgen.checks import counted
from keras_textgen.data.rows import spread_rows
from keras_textgen.pages.html_page import html_page
from keras_textgen.pages.projection import project
from keras_textgen.pages.svg import svg_element

# t-SNE of more points takes long, and they would hide each other.
_MAX_POINTS = 2000
_WORDS_ON_MAP, _LABELS_SHOWN = 2, 3
# Steps of the golden angle make colors of neighboring numbers differ most.
_GOLDEN = 0.381966
# Sizes of a name on the map, as shares of its width and height.
_CHARACTER_WIDTH, _LINE_HEIGHT = 0.0105, 0.024
_STYLE = {
    "font.size": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "keras_textgen",
    "text.parse_math": False,
}


def topic_page(
    codes: np.ndarray,
    topics: np.ndarray,
    words: Sequence[Sequence[str]],
    *,
    title: str,
    note: str = "",
    labels: np.ndarray | None = None,
    label_names: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """Draws documents in two dimensions, and lists their topics.

    Args:
        codes: of the documents, float [N, D].
        topics: of the documents, int [N]; those of -1 are left out.
        words: of each topic, the strongest first.
        title: of the page.
        note: one line below it; empty for none.
        labels: of the documents, int [N]; None for none.
        label_names: what the labels are the numbers of.
        seed: of the map.

    Returns:
        A page of HTML with everything inside. Where the pointer is on a topic,
        the others fade.

    Example:
        >>> page = topic_page(
        ...     np.eye(4),
        ...     np.array([0, 0, 1, 1]),
        ...     [["sea"], ["rose"]],
        ...     title="<T>",
        ... )
        >>> "&lt;T&gt;" in page, page.count("<tr ")
        (True, 2)
    """
    has_topic = topics >= 0
    codes, topics = codes[has_topic], topics[has_topic]
    if labels is not None:
        labels = np.asarray(labels)[has_topic]
    shown = spread_rows(len(codes), _MAX_POINTS)
    points, method = project(codes[shown], seed)
    figure = _map(points, topics[shown], words)
    rows = [
        _row(number, each, topics, labels, label_names)
        for number, each in enumerate(words)
    ]
    fading = "".join(
        f"body:has(#row-{number}:hover) g[id^='topic-']:not(#topic-{number}) "
        "{ opacity: 0.06; }\n"
        for number in range(len(words))
    )
    caption = (
        f"{method} of the codes of {len(shown):,} of "
        f"{counted(len(codes), 'document')}. A point is a document, its color "
        "the topic. Near points have like codes; distances between far "
        "groups mean little."
    )
    if not has_topic.all():
        caption += (
            f" {counted(int(np.sum(~has_topic)), 'more has', 'more have')} no "
            "known word and no topic."
        )
    headings = ["topic", "documents", "words"]
    if labels is not None:
        headings.append("commonest labels")
    paragraphs = [note, caption] if note else [caption]
    body = [
        *(f"<p class='caption'>{html.escape(x)}</p>" for x in paragraphs),
        svg_element(figure, f"Map: {title}", _STYLE),
        f"<div class='scroll' tabindex='0'><table>\n<thead><tr>"
        f"{_header(headings)}</tr></thead>\n<tbody>",
        *rows,
        "</tbody>\n</table></div>",
    ]
    return html_page(title, "\n".join(body), _CSS + fading)


def _header(headings: Sequence[str]) -> str:
    return "".join(f"<th>{heading}</th>" for heading in headings)


def _color(number: int) -> str:
    hue = number * _GOLDEN % 1
    # Three shades, for more topics than hues that one can tell apart.
    value = (0.55, 0.75, 0.9)[number % 3]
    return matplotlib.colors.to_hex(
        matplotlib.colors.hsv_to_rgb([hue, 0.85, value])
    )


def _map(
    points: np.ndarray, topics: np.ndarray, words: Sequence[Sequence[str]]
) -> Figure:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9, 7), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        there = np.unique(topics)
        for number in there:
            axes.scatter(
                points[topics == number, 0],
                points[topics == number, 1],
                s=np.clip(16_000 / len(points), 9, 60),
                linewidths=0,
                alpha=0.75,
                color=_color(number),
                gid=f"topic-{number}",
            )
        names = [
            " ".join([str(number), *words[number][:_WORDS_ON_MAP]])
            for number in there
        ]
        middles = [_middle(points[topics == number]) for number in there]
        places = _apart(np.array(middles), names, axes)
        # Names come last, to be above all points.
        for place, name in zip(places, names, strict=True):
            axes.annotate(
                name,
                place,
                ha="center",
                va="center",
                color="#111111",
                weight="bold",
            )
    return figure


def _middle(points: np.ndarray) -> np.ndarray:
    """The point nearest to the median, so that it is on a document."""
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    return points[np.argmin(distances)]


def _apart(
    places: np.ndarray, names: Sequence[str], axes: matplotlib.axes.Axes
) -> np.ndarray:
    """Moves names down until none hides another."""
    width = np.ptp(axes.get_xlim()) * _CHARACTER_WIDTH
    height = np.ptp(axes.get_ylim()) * _LINE_HEIGHT
    widths = width * np.array([len(name) for name in names])
    places = places.copy()
    done: list[int] = []
    for each in np.argsort(-places[:, 1]):
        hidden = True
        while hidden:
            hidden = False
            for other in done:
                across, down = np.abs(places[each] - places[other])
                if (
                    across < (widths[each] + widths[other]) / 2
                    and down < height
                ):
                    places[each, 1] = places[other, 1] - 1.01 * height
                    hidden = True
        done.append(each)
    return places


def _row(
    number: int,
    words: Sequence[str],
    topics: np.ndarray,
    labels: np.ndarray | None,
    label_names: Sequence[str],
) -> str:
    members = topics == number
    cells = [
        f"<td><span style='background: {_color(number)}'></span>{number}</td>",
        f"<td>{np.count_nonzero(members):,}</td>",
        f"<td>{html.escape(', '.join(words))}</td>",
    ]
    if labels is not None:
        commonest = _commonest(labels[members], label_names)
        cells.append(f"<td>{html.escape(commonest)}</td>")
    return f"<tr id='row-{number}'>{''.join(cells)}</tr>"


def _commonest(labels: np.ndarray, names: Sequence[str]) -> str:
    found, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_LABELS_SHOWN]
    return ", ".join(
        f"{names[found[each]] if len(names) else found[each]} "
        f"{counts[each] / len(labels):.0%}"
        for each in order
    )


# The names have a white edge that points do not shine through.
_CSS = """\
svg text { paint-order: stroke; stroke: #fff; stroke-linejoin: round;
  stroke-width: 2.5px; }
svg g[id^='topic-'] { transition: opacity .15s; }
td:nth-child(-n+2) { font-variant-numeric: tabular-nums;
  white-space: nowrap; }
tbody tr:hover { background: var(--card); }
td span { border-radius: 50%; display: inline-block; height: .75rem;
  margin-right: .5rem; width: .75rem; }
"""
