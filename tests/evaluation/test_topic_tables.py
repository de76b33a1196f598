"""Tables of topics, by hand and by loops."""

import math

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics.pairwise import cosine_distances

from keras_textgen.evaluation.topic_tables import (
    merged_topics,
    topic_labels,
    topic_weights,
    topics_over_time,
)

COUNTS = np.array(
    [[3, 1, 0, 0], [1, 1, 0, 0], [0, 2, 2, 0], [0, 0, 1, 0], [9, 9, 9, 9]]
)
TOPICS = np.array([0, 0, 2, 2, -1])


def test_weights_are_the_definition():
    found = topic_weights(scipy.sparse.csr_array(COUNTS), TOPICS, 3)
    of_topics = {0: [4, 2, 0, 0], 2: [0, 2, 3, 0]}
    frequency = [4, 4, 3, 0]
    mean = (6 + 5) / 2  # Of the topics that have documents.
    for topic in range(3):
        for word in range(4):
            words = of_topics.get(topic, [0] * 4)
            expected = 0.0
            if words[word]:
                share = words[word] / sum(words)
                expected = share * math.log(1 + mean / frequency[word])
            assert found[topic, word] == pytest.approx(expected)


def test_names_are_words_of_the_highest_weights():
    weights = np.array([[0.2, 0.2, 0.5, 0], [0, 0, 0, 0.1], [0, 0, 0, 0]])
    words = ["a", "b", "c", "d"]
    assert topic_labels(weights, words) == ["c, a, b", "d", ""]
    assert topic_labels(weights, words, k=1) == ["c", "d", ""]


def by_hand(weights, num_topics):
    """Average linkage, pair by pair."""
    distances = cosine_distances(weights)
    groups = [[topic] for topic in range(len(weights))]
    while len(groups) > num_topics:
        _, first, second = min(
            (np.mean(distances[np.ix_(one, other)]), i, j)
            for i, one in enumerate(groups)
            for j, other in enumerate(groups)
            if i < j
        )
        groups[first] += groups.pop(second)
    groups.sort(key=min)
    numbers = np.empty(len(weights), int)
    for number, group in enumerate(groups):
        numbers[group] = number
    return numbers


@pytest.mark.parametrize("num_topics", range(1, 9))
def test_the_most_alike_are_merged_first(num_topics):
    weights = np.random.default_rng(0).random([8, 5])
    found = merged_topics(weights, num_topics)
    np.testing.assert_array_equal(found, by_hand(weights, num_topics))


def test_a_topic_without_words_is_like_none():
    weights = np.array([[0.0, 0], [1, 0.1], [1, 0]])
    assert merged_topics(weights, 2).tolist() == [0, 1, 1]


def test_topics_of_periods():
    topics = [0, 1, 1, -1, 0, -1]
    periods = ["1910", "1900", "1910", "1910", "1910", "1920"]
    found = topics_over_time(topics, periods, 3)
    assert found.periods == ["1900", "1910", "1920"]
    np.testing.assert_allclose(
        found.shares, [[0, 1, 0], [2 / 3, 1 / 3, 0], [math.nan] * 3]
    )
    assert found.documents.tolist() == [1, 3, 0]


def test_refusals():
    counts = scipy.sparse.csr_array(COUNTS)
    with pytest.raises(ValueError, match="4 topics of 5 documents"):
        topic_weights(counts, TOPICS[:4], 3)
    with pytest.raises(ValueError, match="topic 2; allowed: -1 to 1"):
        topic_weights(counts, TOPICS, 2)
    with pytest.raises(ValueError, match="topic -2; allowed"):
        topics_over_time([-2], [1900], 2)
    with pytest.raises(ValueError, match="1 topic of 2 documents"):
        topics_over_time([0], [1900, 1910], 2)
    for missing in (None, math.nan, np.datetime64("NaT")):
        with pytest.raises(ValueError, match=r"period 1 is missing"):
            topics_over_time([0, 1], [1900, missing], 2)
    with pytest.raises(ValueError, match="of which some are text; allowed"):
        topics_over_time([0, 1], [900, "1910"], 2)
    with pytest.raises(ValueError, match="num_topics=4; allowed"):
        merged_topics(np.ones([3, 2]), 4)
    with pytest.raises(ValueError, match="k=0"):
        topic_labels(np.ones([1, 1]), ["a"], 0)
    with pytest.raises(ValueError, match="1 word for 2 columns"):
        topic_labels(np.ones([1, 2]), ["a"])
