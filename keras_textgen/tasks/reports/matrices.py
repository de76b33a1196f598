"""The report of a factorized matrix: errors, neighbours, recommendations."""

from typing import Any

import numpy as np

from keras_textgen.data.rows import spread_rows
from keras_textgen.pages.charts import bar_chart
from keras_textgen.pages.report_page import Panel, Table
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.matrices import unseen_columns
from keras_textgen.tasks.reports.common import parts_by

_BINS, _ROWS, _BEST, _NEIGHBOURS = 8, 8, 5, 5
# Test values whose errors are looked at.
_MOST = 1_000_000


def matrix_panels(task: Task, model: Any) -> list[Panel]:
    """Panels of a factorized matrix.

    Args:
      task: of the run, with its corpus of cells.
      model: trained.

    Returns:
      Errors by how much is known of a row and of a column (with explicit
      feedback), recommendations beside what is known, and neighbours.
    """
    panels = []
    if model.feedback == "explicit":
        panels.append(_errors_panel(task.corpus, model))
    return [
        *panels,
        _recommendations_panel(task.corpus, model),
        _neighbours_panel(task.corpus, model),
    ]


def _errors_panel(corpus: Any, model: Any) -> Panel:
    whole = corpus.test
    test = whole[spread_rows(len(whole), _MOST)]
    part = ""
    if len(test) < len(whole):
        part = f" {len(test):,} of them, at equal distances,"
    errors = model.predict(test, verbose=0) - test.values
    charts = []
    for axis, (name, of_test) in enumerate(
        (("row", test.rows), ("column", test.columns))
    ):
        known = corpus.train.counts(axis, corpus.shape[axis])[of_test]
        rows = errors_by_count(known, errors, f"values of the {name}")
        charts.append(
            bar_chart(rows, f"values of the {name}", "RMSE", ["test values"])
        )
    return Panel(
        "Errors by what is known",
        f"RMSE of test values,{part} by how many training values their row and "
        "their column have.",
        charts,
    )


def errors_by_count(
    known: np.ndarray, errors: np.ndarray, name: str
) -> list[dict[str, Any]]:
    """Errors of values of which as much is known, about as many in each part.

    Args:
      known: how much is known of each value, int [N].
      errors: float [N].
      name: of the field with the range of what is known.

    Returns:
      For each part "RMSE", "test values" and the range.

    Example:
    >>> rows = errors_by_count(np.array([1, 1, 9]), np.array([3.0, 4, 2]), "n")
    >>> [(row["n"], round(row["RMSE"], 3)) for row in rows]
    [('1', 3.536), ('9', 2.0)]
    """
    return [
        {
            name: counts,
            "RMSE": float(np.sqrt(np.mean(errors[here] ** 2))),
            "test values": int(here.sum()),
        }
        for counts, here in parts_by(known, _BINS)
    ]


def _recommendations_panel(corpus: Any, model: Any) -> Panel:
    chosen = spread_rows(corpus.shape[0], _ROWS)
    best = unseen_columns(model, corpus, chosen, _BEST)
    rows = []
    for row, columns in zip(chosen, best, strict=True):
        own = corpus.train.of_row(row)
        order = np.argsort(-own.values, kind="stable")[:_BEST]
        rows.append(
            [
                corpus.row_names[row],
                len(own),
                _titles(corpus, own.columns[order]),
                _titles(corpus, columns),
            ]
        )
    return Panel(
        "Recommendations",
        "Of some rows, the columns of their highest training values, and those "
        "that the model would show them first.",
        [
            Table(
                ["row", "known values", "highest of them", "recommended"], rows
            )
        ],
    )


def _neighbours_panel(corpus: Any, model: Any) -> Panel:
    counts = corpus.train.counts(1, corpus.shape[1])
    frequent = np.argsort(-counts, kind="stable")[:_ROWS]
    ids = [model.col_ids[column] for column in frequent]
    near = model.similar_columns(ids, _NEIGHBOURS).columns
    rows = [
        [_titles(corpus, [column]), _titles(corpus, others)]
        for column, others in zip(frequent, near, strict=True)
    ]
    return Panel(
        "Neighbours",
        "Of the columns with most training values, those whose vectors, "
        "without biases, point the same way.",
        [Table(["column", "nearest"], rows)],
    )


def _titles(corpus: Any, columns: Any) -> str:
    return "; ".join(str(corpus.column_titles[each]) for each in columns)
