"""What sparse codes say: dimensions that are on, and for which label."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_textgen.checks import by_number, counted
from keras_textgen.data.views import TokenIds
from keras_textgen.pages.charts import Chart, bar_chart, heatmap
from keras_textgen.pages.report_page import Panel
from keras_textgen.pages.sparse_codes import (
    SparseCodes,
    class_name,
    largest_classes,
    telling_dimensions,
)

# That are shown by label; sparsity.html has more.
_DIMENSIONS = 16


def sparse_panel(model: Any, corpus: TokenIds) -> Panel:
    """Which dimensions are on, in how many test texts, and for which label.

    Args:
      model: an `HSVAE` or a `MATVAE`.
      corpus: with a test set.

    Returns:
      The panel, of what there is: without a dimension that is on, no chart.
    """
    labels = corpus.labels.get("test", np.empty(0, np.int32))
    classes = largest_classes(labels)
    names = [class_name(corpus, each) for each in classes]
    return panel_of(SparseCodes.of(model, corpus), labels, classes, names)


def panel_of(
    codes: SparseCodes,
    labels: np.ndarray,
    classes: np.ndarray,
    names: list[str],
) -> Panel:
    """The panel of codes that are known.

    Args:
      codes: of N texts.
      labels: of the texts, int [N]; empty for none.
      classes: those that are shown.
      names: of these.
    """
    findings = list(_of_no_or_every_text(codes.share_on))
    parts = []
    if codes.is_on.nnz:
        parts.append(_shares(codes.share_on))
    if len(labels):
        by_class = codes.share_on_by(labels, classes)
        telling = telling_dimensions(by_class, _DIMENSIONS)
        if len(telling):
            parts.append(_by_label(by_class, telling, names))
        else:
            findings.append(
                "No dimension is on for one label more often than for others, "
                "by a percentage point."
            )
    return Panel(
        "Dimensions that are on",
        "The share of test texts in which each dimension is on, then by label: "
        "the dimensions that tell labels apart, beside the label for which "
        f"they are on most. {np.mean(codes.on_per_text):.1f} are on in a text "
        "on average. sparsity.html shows more.",
        parts,
        findings,
    )


def _of_no_or_every_text(share: np.ndarray) -> Iterator[str]:
    """Which dimensions tell nothing, by the share of texts of each, [Z]."""
    for value, where in ((0, "no text"), (1, "every text")):
        found = np.flatnonzero(share == value)
        if len(found):
            verb = by_number(len(found), "is", "are")
            numbers = ", ".join(str(each + 1) for each in found)
            yield (
                f"{len(found)} of {counted(len(share), 'dimension')} {verb} "
                f"on for {where}: {numbers}."
            )


def _shares(share: np.ndarray) -> Chart:
    """In what share of texts each dimension is on, [Z]; the highest first."""
    rows = [
        {"dimension": str(number + 1), "share of texts": float(share[number])}
        for number in np.argsort(-share, kind="stable")
        if share[number]
    ]
    return bar_chart(rows, "dimension", "share of texts")


def _by_label(
    share: np.ndarray, dimensions: np.ndarray, names: list[str]
) -> Chart:
    """Some dimensions by label, from the shares of texts, [labels, Z]."""
    rows = [
        {
            "label": name,
            "dimension": str(dimension + 1),
            "on": float(share[row, dimension]),
        }
        for row, name in enumerate(names)
        for dimension in dimensions
    ]
    return heatmap(rows, "dimension", "label", "on", ".0%")
