"""What topics are called, which are alike, and how frequent they are when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.cluster import AgglomerativeClustering

from keras_textgen.checks import SIZES, WholeNumbers, check, counted, refused
from keras_textgen.data.text_lists import is_missing


class TopicsOverTime(NamedTuple):
    """Shares of topics, by period.

    Attributes:
        periods: Sorted, each once.
        shares: Float64 [periods, topics]: of a period's documents that have a
            topic, the share of each; a row of NaN where none has.
        documents: int64 [periods], those that have a topic.
    """

    periods: list[Any]
    shares: np.ndarray
    documents: np.ndarray


def topic_weights(
    counts: scipy.sparse.csr_array, topics: np.ndarray, num_topics: int
) -> np.ndarray:
    """How much each word says of each topic: class-based tf-idf.

    The documents of a topic are read as one. With tf(w, t), the share of word w
    among the words of topic t, f(w), how often w is in all topics, and A, the
    mean number of words of a topic,

        weight(t, w) = tf(w, t) log(1 + A / f(w))

    (Grootendorst 2022, "BERTopic: Neural topic modeling with a class-based
    TF-IDF procedure", section 3.3).

    Args:
        counts: Of words, CSR [documents, words].
        topics: Of the documents, int [documents]; -1 for none.
        num_topics: Topics are below it.

    Returns:
        Float64 [topics, words]; zeros for a topic without documents.

    Raises:
        ValueError: If there are not as many topics as documents, or one is out
            of range.

    Example:
        >>> counts = scipy.sparse.csr_array([[2, 1, 0], [0, 1, 3]])
        >>> topic_weights(counts, np.array([0, 1]), 2).argmax(axis=1)
        array([0, 2])
    """
    topics = _checked_topics(topics, num_topics, counts.shape[0])
    sums = _members(topics, num_topics).T @ counts
    totals = np.asarray(sums.sum(axis=1), np.float64)
    of_words = np.asarray(sums.sum(axis=0), np.float64)
    mean = totals.sum() / max(np.count_nonzero(totals), 1)
    rarity = np.log1p(mean / np.maximum(of_words, 1))
    shares = sums.toarray() / np.maximum(totals, 1)[:, None]
    return shares * rarity


def topic_labels(weights: np.ndarray, words: Sequence[str], k: int = 3) -> list:
    """A name for each topic: its words of the highest weights.

    Args:
        weights: As `topic_weights` gives them, [topics, words].
        words: Of the columns.
        k: Words a name.

    Returns:
        A text a topic, words apart by ", "; "" for a topic without words.

    Raises:
        ValueError: If `k` is below 1, or there are not as many words.

    Example:
        >>> topic_labels(np.array([[0.1, 0.5, 0], [0, 0, 0]]), ["a", "b", "c"])
        ['b, a', '']
    """
    check(SIZES, k=k)
    if len(words) != weights.shape[1]:
        raise refused(
            f"{counted(len(words), 'word')} for "
            f"{counted(weights.shape[1], 'column')}",
            "as many",
        )
    order = np.argsort(-weights, axis=1, kind="stable")[:, :k]
    return [
        ", ".join(words[column] for column in row if weights[topic, column])
        for topic, row in enumerate(order)
    ]


def merged_topics(weights: np.ndarray, num_topics: int) -> np.ndarray:
    """Which topics to make one, until so many are left.

    Average linkage by the cosine of their words' weights: the two groups whose
    topics are most alike become one, again and again.

    Args:
        weights: As `topic_weights` gives them, [topics, words]. A topic without
            words is like none.
        num_topics: How many are to be left.

    Returns:
        int64 [topics]: the number of the group that each topic goes to, below
        `num_topics`; groups are numbered by their first topic. With -1 behind
        it, it maps the topics of documents: `np.append(merged, -1)[topics]`.

    Raises:
        ValueError: If that is not between 1 and the number of topics.

    Example:
        >>> weights = np.array([[1.0, 0, 0], [0, 1, 1], [0, 1, 0.9]])
        >>> merged_topics(weights, 2)
        array([0, 1, 1])
    """
    check(
        WholeNumbers(1, len(weights)),
        num_topics=num_topics,
    )
    if num_topics == len(weights):
        return np.arange(len(weights))
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = weights / np.where(lengths, lengths, 1)
    groups = AgglomerativeClustering(
        num_topics, metric="precomputed", linkage="average"
    ).fit_predict(np.maximum(1 - unit @ unit.T, 0))
    _, first, numbers = np.unique(
        groups, return_index=True, return_inverse=True
    )
    return np.argsort(np.argsort(first))[numbers]


def topics_over_time(
    topics: np.ndarray, periods: Sequence[Any], num_topics: int
) -> TopicsOverTime:
    """How frequent topics are in each period.

    Args:
        topics: Of documents, int [documents]; -1 for none.
        periods: Of the documents: years, decades, months such as "2020-01",
            whatever sorts.
        num_topics: Topics are below it.

    Returns:
        The shares.

    Raises:
        ValueError: If there are not as many periods as documents, a period is
            missing, some are text and others are not, or a topic is out of
            range.

    Example:
        >>> found = topics_over_time([0, 1, 1, -1], [1900, 1900, 1910, 1910], 2)
        >>> found.periods, found.documents.tolist(), found.shares.tolist()
        ([1900, 1910], [2, 1], [[0.5, 0.5], [0.0, 1.0]])
    """
    topics = _checked_topics(topics, num_topics, len(periods))
    known, places = np.unique(_checked_periods(periods), return_inverse=True)
    counts = np.zeros([len(known), num_topics])
    has_topic = topics >= 0
    np.add.at(counts, (places[has_topic], topics[has_topic]), 1)
    documents = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        shares = counts / documents[:, None]
    return TopicsOverTime(known.tolist(), shares, documents.astype(np.int64))


def _checked_periods(periods: Sequence[Any]) -> np.ndarray:
    """Periods that sort as they are."""
    for place, period in enumerate(periods):
        if is_missing(period):
            raise refused(
                f"period {place} is missing ({period})", "one a document"
            )
    if len({isinstance(period, str) for period in periods}) > 1:
        # NumPy makes texts of both, whose order is not that of numbers.
        raise refused("periods of which some are text", "all, or none")
    return np.asarray(periods)


def _checked_topics(
    topics: Any, num_topics: int, num_documents: int
) -> np.ndarray:
    check(SIZES, num_topics=num_topics)
    topics = np.asarray(topics, np.int64)
    if len(topics) != num_documents:
        raise refused(
            f"{counted(len(topics), 'topic')} of "
            f"{counted(num_documents, 'document')}",
            "as many",
        )
    wrong = topics[(topics < -1) | (topics >= num_topics)]
    if len(wrong):
        raise refused(f"topic {wrong[0]}", f"-1 to {num_topics - 1}")
    return topics


def _members(topics: np.ndarray, num_topics: int) -> scipy.sparse.csr_array:
    """1 where a document has a topic: [documents, topics]."""
    rows = np.flatnonzero(topics >= 0)
    ones = np.ones(len(rows))
    return scipy.sparse.csr_array(
        (ones, (rows, topics[rows])), (len(topics), num_topics)
    )
