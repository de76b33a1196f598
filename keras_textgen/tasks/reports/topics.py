"""The report of a topic model: topics, their words, and their documents."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from keras_textgen.checks import by_number, counted
from keras_textgen.data.corpus import SPLITS
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.views import Bags
from keras_textgen.pages.charts import line_chart, scatter, small_bars
from keras_textgen.pages.projection import project
from keras_textgen.pages.report_page import Choice, Panel, Table
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.reports.common import shortened

_WORDS, _TOPICS, _POINTS = 8, 24, 1500
# The most words of a topic's name, and characters of a title.
_NAME_WORDS, _TITLE = 2, 80
_TYPICAL, _TIMES = 3, 20
# Topics whose words are more alike count as one.
_ALIKE = 0.9


def topic_panels(task: Task, model: Any) -> list[Panel]:
    """Panels of a topic model.

    Args:
      task: of the run, with its corpus of counts.
      model: trained, with topics.

    Returns:
      The words of topics, which are alike, a map, and their sizes.
    """
    counts = scipy.sparse.vstack(
        [task.corpus.counts[split] for split in SPLITS], format="csr"
    )
    vocabulary = task.corpus.vocabulary.get_vocabulary()
    # Of a bag, ids begin after the special tokens.
    words = np.array(vocabulary[len(vocabulary) - counts.shape[1] :])
    topics = model.topics(counts)
    shares = word_shares(counts, topics, model.num_topics)
    codes = model.encode(counts)
    columns = {"document": _titles(task.corpus)}
    labels, times = _labels(task.corpus), _times(task.corpus)
    if labels is not None:
        columns["label"] = labels
    panels = [
        words_panel(shares, counts, words, topics),
        alike_panel(shares),
        _map_panel(
            codes,
            topics,
            [" ".join(each) for each in model.topic_words(_NAME_WORDS)],
            columns,
            task.settings.seed,
        ),
        typical_panel(codes, topics, columns),
    ]
    if times is not None:
        panels.append(times_panel(topics, times))
    return panels


def _titles(corpus: Bags) -> list[str]:
    """What documents are called: by their names, or as they begin."""
    titles = []
    for split in SPLITS:
        names, rows = corpus.names.get(split), getattr(corpus, split)
        for number, row in enumerate(rows):
            if names is not None:
                titles.append(names[number])
            elif isinstance(row, str):
                titles.append(shortened(row, _TITLE))
            else:
                titles.append(f"{split} {number + 1}")
    return titles


def _times(corpus: Bags) -> np.ndarray | None:
    if not corpus.times:
        return None
    return np.concatenate([corpus.times[split] for split in SPLITS])


def _labels(corpus: Bags) -> list[str] | None:
    if not corpus.labels:
        return None
    numbers = np.concatenate([corpus.labels[split] for split in SPLITS])
    return [str(corpus.label_names[number]) for number in numbers]


def word_shares(
    counts: scipy.sparse.csr_array, topics: np.ndarray, num_topics: int
) -> np.ndarray:
    """How frequent each word is in the documents of each topic.

    Args:
      counts: of words, CSR [N, V].
      topics: of the documents, int [N]; -1 for none.
      num_topics: K.

    Returns:
      float [K, V], rows that add up to 1, or are 0 where no document is.

    Example:
    >>> counts = scipy.sparse.csr_array([[1, 3], [0, 2], [4, 0]])
    >>> word_shares(counts, np.array([0, 0, 1]), 2).round(3).tolist()
    [[0.167, 0.833], [1.0, 0.0]]
    """
    known = np.flatnonzero(topics >= 0)
    of_topic = scipy.sparse.csr_array(
        (np.ones(len(known)), (topics[known], known)),
        shape=(num_topics, counts.shape[0]),
    )
    sums = (of_topic @ counts).toarray()
    totals = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, totals, np.zeros_like(sums), where=totals > 0)


def words_panel(
    shares: np.ndarray,
    counts: scipy.sparse.csr_array,
    words: np.ndarray,
    topics: np.ndarray,
) -> Panel:
    """The words that say most of each topic, and how many documents it has.

    Args:
      shares: of words in topics, float [K, V].
      counts: of words, CSR [N, V].
      words: V words.
      topics: of the documents, int [N].

    Returns:
      The panel; its findings name topics without documents.
    """
    overall = np.asarray(counts.sum(axis=0), float).ravel()
    overall /= overall.sum()
    lift = np.divide(shares, overall, np.zeros_like(shares), where=overall > 0)
    # What a word adds to the divergence of the topic from all documents.
    weight = shares * np.log(np.maximum(lift, 1e-12))
    sizes = np.bincount(topics[topics >= 0], minlength=len(shares))
    largest = np.argsort(-sizes, kind="stable")
    rows = [
        {
            "topic": f"{topic}: {counted(sizes[topic], 'document')}",
            "word": str(words[word]),
            "share": float(shares[topic, word]),
            "lift": float(lift[topic, word]),
        }
        for topic in largest[:_TOPICS]
        if sizes[topic]
        for word in np.argsort(-weight[topic], kind="stable")[:_WORDS]
    ]
    empty = np.flatnonzero(sizes == 0)
    findings = []
    if len(empty):
        findings.append(
            f"Without a document: {by_number(len(empty), 'topic', 'topics')} "
            f"{', '.join(map(str, empty))}."
        )
    return Panel(
        "Words of the topics",
        "Of the largest topics, the words that part their documents most from "
        "all others. A bar is a word's share of the topic's words; the pointer "
        "shows how much more frequent it is than elsewhere (lift).",
        [small_bars(rows, "topic", "word", "share", ["lift"])],
        findings,
    )


def alike_panel(shares: np.ndarray) -> Panel:
    """The pairs of topics whose words are most alike.

    Args:
      shares: of words in topics, float [K, V].

    Returns:
      The panel; its findings name pairs that are one topic twice.

    Example:
    >>> shares = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1.0]])
    >>> alike_panel(shares).findings
    ['Topics 0 and 1 are nearly the same (cosine 1.00).']
    """
    norms = np.linalg.norm(shares, axis=1, keepdims=True)
    units = np.divide(shares, norms, np.zeros_like(shares), where=norms > 0)
    cosines = units @ units.T
    first, second = np.triu_indices(len(shares), 1)
    order = np.argsort(-cosines[first, second], kind="stable")[:10]
    pairs = [
        (int(first[i]), int(second[i]), cosines[first[i], second[i]])
        for i in order
    ]
    findings = [
        f"Topics {one} and {other} are nearly the same (cosine {cosine:.2f})."
        for one, other, cosine in pairs
        if cosine > _ALIKE
    ]
    rows = [[one, other, float(cosine)] for one, other, cosine in pairs]
    return Panel(
        "Topics that are alike",
        "Cosines between the frequencies of their words; the model's method "
        "merged_topics makes fewer of them.",
        [Table(["topic", "topic", "cosine"], rows)],
        findings,
    )


def _map_panel(
    codes: np.ndarray,
    topics: np.ndarray,
    words: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    seed: int,
) -> Panel:
    known = np.flatnonzero(topics >= 0)
    chosen = known[spread_rows(len(known), _POINTS)]
    points, method = project(codes[chosen], seed)
    rows = [
        {
            "x": round(float(x), 4),
            "y": round(float(y), 4),
            "topic": f"{topics[place]}: {words[topics[place]]}",
            **{name: values[place] for name, values in columns.items()},
        }
        for place, (x, y) in zip(chosen, points, strict=True)
    ]
    tooltip = [*columns, "topic"]
    charts = {
        name: scatter(rows, name, tooltip)
        for name in ("topic", "label")
        if name == "topic" or name in columns
    }
    return Panel(
        "Map of the documents",
        f"Documents by their codes ({method}); the pointer shows which one is "
        "where.",
        [Choice("Colored by", charts)],
    )


def typical_panel(
    codes: np.ndarray,
    topics: np.ndarray,
    columns: Mapping[str, Sequence[str]],
) -> Panel:
    """Of each topic, the documents whose codes are nearest to its mean code.

    Args:
      codes: of the documents, float [N, D].
      topics: of the documents, int [N]; -1 for none.
      columns: what is known of them, N values each, what they are called
        first.

    Example:
    >>> codes = np.array([[0.0], [1.0], [5.0]])
    >>> columns = {"document": ["a", "b", "c"]}
    >>> typical_panel(codes, np.array([0, 0, 0]), columns).parts[0].rows
    [[0, 'b'], [0, 'a'], [0, 'c']]
    """
    rows = []
    for topic in np.unique(topics[topics >= 0]):
        members = np.flatnonzero(topics == topic)
        middle = codes[members].mean(axis=0)
        distances = np.linalg.norm(codes[members] - middle, axis=1)
        nearest = members[np.argsort(distances, kind="stable")[:_TYPICAL]]
        for place in nearest:
            known = (values[place] for values in columns.values())
            rows.append([int(topic), *known])
    return Panel(
        "The most typical documents",
        "Of each topic, the documents whose codes are nearest to the mean of "
        "its documents' codes.",
        [Table(["topic", *columns], rows)],
    )


def times_panel(topics: np.ndarray, times: np.ndarray) -> Panel:
    """How many documents of a time are of each topic.

    Args:
      topics: of the documents, int [N]; -1 for none.
      times: of the documents, float [N].

    Example:
    >>> panel = times_panel(np.array([0, 1, 1]), np.array([1990.0, 1990, 1991]))
    >>> (rows,) = panel.parts[0]["datasets"].values()
    >>> [(row["time"], row["topic"], row["share"]) for row in rows]
    [(1990.0, '0', 0.5), (1991.0, '0', 0.0), \
(1990.0, '1', 0.5), (1991.0, '1', 1.0)]
    """
    known = topics >= 0
    topics, times = topics[known], times[known]
    middles = np.unique(times)
    if len(middles) > _TIMES:
        edges = np.linspace(times.min(), times.max(), _TIMES + 1)
        middles = (edges[:-1] + edges[1:]) / 2
        places = np.digitize(times, edges[1:-1])
    else:
        places = np.searchsorted(middles, times)
    sizes = np.bincount(places, minlength=len(middles))
    rows = []
    for topic in np.unique(topics):
        counts = np.bincount(places[topics == topic], minlength=len(middles))
        rows += [
            {
                "time": round(float(middles[place]), 2),
                "share": float(counts[place] / sizes[place]),
                "topic": str(topic),
            }
            for place in np.flatnonzero(sizes)
        ]
    return Panel(
        "Topics over time",
        "Which share of the documents of a time is of each topic"
        + (
            f", in {len(middles)} parts of equal length."
            if len(middles) == _TIMES
            else "."
        ),
        [line_chart(rows, "time", "share", "topic")],
    )
