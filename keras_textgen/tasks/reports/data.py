"""What the data of a run are: sizes, lengths, unknown words."""

from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.corpus import SPLITS
from keras_textgen.data.vocabulary import unknown_share
from keras_textgen.pages.report_page import Table
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.prepared_task import HELD, PreparedTask
from keras_textgen.tasks.reports.common import joined_text


def data_table(task: Task) -> tuple[str, Table]:
    """The splits of a corpus.

    Args:
      task: of the run, with its corpus.

    Returns:
      What it is called, and a row for each split.
    """
    name, kind = "The data", task.settings.spec.kind
    if isinstance(task, PreparedTask) and kind != "matrices":
        name = f"The data, of each split at most {counted(HELD, 'text')}"
    tables = {
        "text": _sequences,
        "documents": _documents,
        "topics": _bags,
        "matrices": _cells,
    }
    return name, tables[kind](task.corpus)


def _sequences(corpus: Any) -> Table:
    # Windows of a stream have no ends.
    ends = 0 if corpus.order == "stream" else 2
    rows = []
    for split in SPLITS:
        ids = getattr(corpus, split)
        lengths = ids.row_lengths().numpy() - ends
        rows.append(
            [
                split,
                len(lengths),
                int(lengths.sum()),
                float(lengths.mean()),
                int(lengths.max()),
                _percent(unknown_share(ids)),
                corpus.dropped.get(split, 0),
            ]
        )
    unit = corpus.vocabulary.unit
    headings = ["", "sequences", unit, "mean", "most", "% unknown", "left out"]
    return Table(headings, rows)


def _documents(corpus: Any) -> Table:
    rows = []
    for split in SPLITS:
        texts = getattr(corpus, split)
        lengths = [len(joined_text(text).split()) for text in texts]
        rows.append(
            [
                split,
                len(texts),
                float(np.mean(lengths)),
                max(lengths),
                _percent(corpus.unknown_shares[split]),
                corpus.dropped.get(split, 0),
            ]
        )
    headings = ["", "documents", "words, mean", "most", "% unknown", "left out"]
    return Table(headings, rows)


def _bags(corpus: Any) -> Table:
    rows = []
    for split in SPLITS:
        lengths = np.asarray(corpus.counts[split].sum(axis=1)).ravel()
        rows.append(
            [
                split,
                len(lengths),
                float(lengths.mean()),
                int(lengths.max()),
                corpus.dropped.get(split, 0),
            ]
        )
    headings = ["", "documents", "counted words, mean", "most", "left out"]
    return Table(headings, rows)


def _cells(corpus: Any) -> Table:
    size = corpus.shape[0] * corpus.shape[1]
    rows = []
    for split in SPLITS:
        count = len(getattr(corpus, split))
        rows.append([split, count, _percent(count / size)])
    return Table(["", "values", "% of all pairs"], rows)


def _percent(share: float) -> float:
    return round(100 * share, 2)
