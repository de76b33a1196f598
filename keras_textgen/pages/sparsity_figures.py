"""Figures of the page on sparse codes."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from keras_textgen.pages.sparse_codes import SparseCodes

# Blue, vermilion, green and purple of Okabe and Ito, safe for color-blind eyes.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_INK, _PALE = "#222222", "#9aa5b1"
FIGURE_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": _PALE,
    "axes.grid": False,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "keras_textgen",
    "text.color": _INK,
    "text.parse_math": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def gate_figure(codes: SparseCodes, model: Any) -> Figure:
    """Draws how likely dimensions are to be off, or how large means are."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure((9, 3), layout="constrained")
        left, right = figure.subplots(1, 2)
        _gate_histogram(left, codes, model)
        low, median, high = np.percentile(codes.gate, (5, 50, 95), axis=0)
        order = np.argsort(median, kind="stable")
        ranks = np.arange(1, len(order) + 1)
        right.fill_between(
            ranks,
            low[order],
            high[order],
            step="mid",
            color=COLORS[0],
            alpha=0.25,
            linewidth=0,
            label="middle 90 % of the texts",
        )
        right.plot(
            ranks,
            median[order],
            color=COLORS[0],
            drawstyle="steps-mid",
            label="median",
        )
        right.set(
            xlabel="dimensions, sorted",
            ylabel=codes.gate_name,
            title="Each dimension",
            xlim=(0.5, len(order) + 0.5),
        )
        if codes.has_gamma:
            right.set_ylim(0, 1)
            right.axhline(0.5, color=_INK, ls=":", label="on below this")
        right.legend(loc="best")
    return figure


def _gate_histogram(axes: Axes, codes: SparseCodes, model: Any) -> None:
    top = 1.0 if codes.has_gamma else float(np.max(codes.gate)) or 1.0
    counts, edges = np.histogram(codes.gate, bins=50, range=(0, top))
    axes.stairs(counts, edges, fill=True, color=COLORS[0], alpha=0.8)
    axes.set(
        xlabel=codes.gate_name,
        ylabel="entries",
        title="All texts and dimensions",
        xlim=(0, top),
    )
    if codes.has_gamma:
        mean = model.alpha / (model.alpha + model.beta)
        axes.axvline(mean, color=COLORS[1], ls="--", label="mean of the prior")
        axes.axvline(0.5, color=_INK, ls=":", label="on to the left of this")
        axes.legend(loc="best")
    else:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter("{x:,.0f}")


def class_figure(
    codes: SparseCodes,
    labels: np.ndarray,
    classes: np.ndarray,
    names: list[str],
) -> Figure:
    """Draws how sparse the texts of each class are.

    How many dimensions are on is left out where none is on in any text.

    Args:
        codes: of the test set, N texts.
        labels: of the texts, [N].
        classes: those to be drawn, [classes].
        names: of these classes.
    """
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure((9, 1 + 0.26 * len(names)), layout="constrained")
        panels = [codes.gate.mean(axis=1)]
        if codes.on_per_text.any():
            panels.append(codes.on_per_text)
        left, *others = figure.subplots(
            1, len(panels), sharey=True, squeeze=False
        )[0]
        for axes, values in zip((left, *others), panels, strict=True):
            for place, each in enumerate(classes):
                _spread_line(axes, place, values[labels == each])
            axes.margins(y=0.5 / len(names))
        left.set_yticks(range(len(names)), names)
        left.invert_yaxis()
        left.set_xlabel(f"{codes.gate_name}, mean over a text's dimensions")
        left.xaxis.set_major_locator(MaxNLocator(5))
        for right in others:
            right.set_xlabel("dimensions on in a text")
            right.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


def _spread_line(axes: Axes, place: int, values: np.ndarray) -> None:
    percentiles = np.percentile(values, (5, 25, 50, 75, 95))
    axes.hlines(place, *percentiles[[0, 4]], color=_PALE, linewidth=1.5)
    axes.hlines(place, *percentiles[[1, 3]], color=COLORS[0], linewidth=5)
    axes.plot(percentiles[2], place, "o", color="white", markersize=4, mec=_INK)


def heat_figure(
    share: np.ndarray, overall: np.ndarray, shown: np.ndarray, names: list[str]
) -> Figure:
    """Draws in which classes each dimension is on.

    Args:
        share: of a class's texts in which a dimension is on, [classes, Z].
        overall: the same of all texts, [Z].
        shown: indices of the dimensions to be drawn.
        names: of the classes.
    """
    difference = 100 * (share - overall)[:, shown]
    limit = max(float(np.max(np.abs(difference))), 1e-3)
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure((9, 1.6 + 0.44 * len(names)), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True)
        shares = _heat_map(top, 100 * share[:, shown], "cividis")
        shares.set_clim(0)
        differences = _heat_map(bottom, difference, "PuOr_r")
        differences.set_clim(-limit, limit)
        figure.colorbar(shares, ax=top, label="% of texts", pad=0.01)
        figure.colorbar(
            differences, ax=bottom, label="percentage points", pad=0.01
        )
        for axes in (top, bottom):
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        # Counted from 1, as in the report.
        numbers = shown + 1
        bottom.set_xticks(range(len(shown)), numbers, rotation=90, fontsize=7)
        top.set_title("Share of the class's texts")
        bottom.set_title("Difference from the share of all texts")
        bottom.set_xlabel("dimension")
    return figure


def _heat_map(axes: Axes, values: np.ndarray, colors: str) -> QuadMesh:
    rows, columns = map(np.arange, values.shape)
    mesh = axes.pcolormesh(
        columns, rows, values, cmap=colors, edgecolors="white", lw=0.5
    )
    axes.invert_yaxis()
    return mesh


def epoch_figure(curves: dict[str, tuple[list[int], list[float]]]) -> Figure:
    """Draws Hoyer's measure by epoch: epochs and values by name of a view."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure((9, 3), layout="constrained")
        axes = figure.subplots()
        views = dict.fromkeys(view_of(name) for name in curves)
        colors = dict(zip(views, COLORS, strict=False))
        for name, (epochs, values) in curves.items():
            is_normalized = name.endswith("_normalized")
            axes.plot(
                epochs,
                values,
                "-" if is_normalized else "--",
                color=colors[view_of(name)],
                marker="o" if is_normalized else None,
                markersize=3,
                label=spoken(name),
            )
        axes.set(xlabel="epoch", ylabel="Hoyer", ylim=(0, 1))
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def view_of(name: str) -> str:
    """The kind of codes of which a column of Hoyer's measure speaks."""
    return name.removesuffix("_normalized")


def spoken(name: str) -> str:
    """The name of such a column, in words."""
    view = view_of(name).replace("_", " ")
    return f"{view}, normalized" if name.endswith("_normalized") else view
