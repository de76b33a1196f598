"""Scores of topics: worked out by hand, and against brute force."""

import math

import numpy as np
import pytest
import scipy.sparse

from keras_textgen.evaluation.topic_methods import (
    FACTORS,
    LDA,
    LSA,
    TFIDF,
    FoundTopics,
    baseline_topics,
    clustered,
    fit_clusters,
    topic_word_columns,
)
from keras_textgen.evaluation.topics import (
    TopicScores,
    compare_topics,
    format_scores,
    format_topics,
    npmi_coherence,
    scores_as_csv,
    scores_from_csv,
    topic_diversity,
)

# Documents of two subjects: words 0 to 3, and words 4 to 7; word 8 is in all.
_GENERATOR = np.random.default_rng(1)
LABELS = np.arange(40) % 2
_DENSE = np.zeros([40, 9])
for _label in (0, 1):
    _rows = np.flatnonzero(_label == LABELS)
    _columns = slice(4 * _label, 4 * _label + 4)
    _DENSE[_rows, _columns] = _GENERATOR.integers(1, 4, (len(_rows), 4))
_DENSE[:, 8] = 2
COUNTS = scipy.sparse.csr_array(_DENSE)


# -- Coherence -----------------------------------------------------------------


def test_npmi_by_hand():
    # Words a, b, c, d in the documents ab, ab, a, c; d is in none.
    reference = scipy.sparse.csr_array(
        [[1, 5, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    )
    # p(a) = 3/4, p(b) = 1/2, p(a, b) = 1/2:
    # log(1/2 / (3/4 1/2)) / -log(1/2) = log(4/3) / log 2.
    together = math.log(4 / 3) / math.log(2)
    assert together == pytest.approx(0.41504, abs=1e-5)
    found = npmi_coherence([[0, 1], [0, 2], [0, 3]], reference)
    np.testing.assert_allclose(found, [together, -1, -1])
    # The mean over the three pairs of a, b and c.
    found = npmi_coherence([[2, 0, 1], [1, 2, 0]], reference)
    np.testing.assert_allclose(found, [(together - 2) / 3] * 2)


def test_npmi_of_independent_and_inseparable_words():
    first = np.tile([1, 1, 0, 0], 5)
    second = np.tile([1, 0, 1, 0], 5)
    always = np.ones(20)
    reference = scipy.sparse.csr_array(
        np.stack([first, second, first, always, always], axis=1)
    )
    topics = [[0, 1], [0, 2], [0, 3], [3, 4]]
    found = npmi_coherence(topics, reference)
    np.testing.assert_allclose(found, [0, 1, 0, 1], atol=1e-12)


def test_npmi_of_fewer_words():
    reference = scipy.sparse.csr_array([[1, 1], [0, 1]])
    found = npmi_coherence([[0, -1], [0, 1]], reference)
    assert math.isnan(found[0])
    # p(0) = 1/2, p(1) = 1, together 1/2: independent.
    assert found[1] == pytest.approx(0)


def test_diversity():
    assert topic_diversity([[0, 1, 2], [3, 4, 5]]) == 1
    assert topic_diversity([[0, 1, 2], [2, 1, 0]]) == 0.5
    assert topic_diversity([[0, 1, 2], [2, -1, -1]]) == 0.75


# -- Words of topics -----------------------------------------------------------


def test_topic_words_against_brute_force():
    topics = np.array([0, 0, 1, 2, 1] * 8)
    present = (_DENSE > 0).sum(axis=0)
    idf = np.log((1 + 40) / (1 + present)) + 1
    weights = _DENSE * idf
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    found = topic_word_columns(COUNTS, topics, 4, k=3)
    for topic in range(3):
        means = weights[topics == topic].mean(axis=0)
        assert found[topic].tolist() == np.argsort(-means)[:3].tolist()
    assert found[3].tolist() == [-1, -1, -1]


# -- Clusters and tables -------------------------------------------------------


def test_clusters_of_codes_that_are_all_alike():
    clusters = fit_clusters(np.ones([6, 2]), num_topics=3)
    assert len(set(clusters.labels_)) == 1


@pytest.mark.parametrize("num_topics", [0, 5])
def test_refused_number_of_topics(num_topics):
    with pytest.raises(ValueError, match=f"={num_topics} for 4 documents; all"):
        fit_clusters(np.ones([4, 2]), num_topics)


@pytest.fixture(scope="module")
def compared():
    train, test = COUNTS[:30], COUNTS[30:]
    found = baseline_topics(train, test, num_topics=2, seed=4)
    # A method that knows nothing, and says the same of every document.
    constant = np.ones([30, 1]), np.ones([10, 1])
    found["constant"] = clustered(constant, train, num_topics=2)
    return compare_topics(
        found,
        (LABELS[:30], LABELS[30:]),
        reference=COUNTS,
        num_topics=2,
        seed=4,
    )


def test_comparison(compared):
    scores = {(each.method, each.split): each for each in compared}
    methods = [TFIDF, LSA, LDA, FACTORS]
    assert [each[0] for each in scores][::2] == [*methods, "constant"]
    for method in methods:
        for split in ("train", "test"):
            found = scores[method, split]
            assert found.v_measure == pytest.approx(1)
            assert found.homogeneity == found.completeness == 1
            assert (found.seed, found.topics) == (4, 2)
    found = scores["constant", "test"]
    assert (found.homogeneity, found.completeness) == (0, 1)
    assert found.v_measure == 0


def test_coherence_and_diversity_of_a_comparison(compared):
    # Each topic has its four words, which are always together, and the word
    # that is everywhere: of ten pairs, six are 1 and four 0. Of the ten words,
    # one is in both topics.
    assert compared[0].npmi == pytest.approx(0.6)
    assert compared[0].diversity == pytest.approx(0.9)


def test_figures_of_the_training_documents_stand_in_their_rows(compared):
    """Once, in the table and in the file, also where a file repeats them."""
    of_words = [(each.npmi, each.diversity) for each in compared]
    assert of_words[1::2] == [(None, None)] * 5
    text = scores_as_csv(compared)
    _, train, test, *_ = text.splitlines()
    assert not train.endswith(",,")
    assert test.endswith(",,")
    assert scores_from_csv([text]) == compared
    repeating = "\n".join(
        f"{each[:-2]},0.6,0.9" if each.endswith(",,") else each
        for each in text.splitlines()
    )
    assert scores_from_csv([repeating]) == compared
    _, train, test, *_ = format_scores(compared).splitlines()
    assert train.split()[-2:] == ["0.600", "0.900"]
    assert test.split()[-2:] == ["-", "-"]


def test_topics_of_ones_own():
    words = np.array([[0, 4], [1, 2]])
    own = FoundTopics(LABELS, 1 - LABELS, words)
    train, test = compare_topics({"own": own}, (LABELS, LABELS), COUNTS, 2)
    assert train.v_measure == test.v_measure == 1
    # Never together, and always.
    assert train.npmi == pytest.approx(0)
    assert train.diversity == 1


def test_lda_and_nmf_find_the_subjects():
    """Their words, and the topics of documents that they have not seen."""
    found = baseline_topics(COUNTS[:30], COUNTS[30:], num_topics=2, k=4)
    for method in (LDA, FACTORS):
        topics = found[method]
        subject = {0: {0, 1, 2, 3}, 1: {4, 5, 6, 7}}
        for label in (0, 1):
            (of_train,) = set(topics.train[LABELS[:30] == label])
            (of_test,) = set(topics.test[LABELS[30:] == label])
            assert of_train == of_test
            # Word 8 is in all documents.
            words = set(topics.words[of_train].tolist()) - {8}
            assert words <= subject[label]
            assert len(words) >= 3


def test_a_bound_beside_the_topics():
    own = FoundTopics(LABELS, LABELS, np.array([[0, 1], [4, 5]]))
    bound = {
        "likelihood_kind": "lower bound",
        "elbo": -12.5,
        "nll": 12.0,
        "kl": 0.5,
        "perplexity": 3.25,
    }
    scores = compare_topics({"own": own}, None, COUNTS, 2)
    text = format_topics({"scores": scores, "bound": bound})
    assert text.splitlines()[-1] == (
        "lower bound of log p(words in their order), test: -12.50 nats a "
        "document (nll 12.00, KL 0.50), perplexity per word 3.25"
    )


def test_without_labels():
    found = baseline_topics(COUNTS, COUNTS, 2)
    del found[LDA], found[FACTORS]
    scores = compare_topics(found, None, COUNTS, 2)
    assert scores[0].v_measure is None
    assert scores_from_csv([scores_as_csv(scores)]) == scores
    heading, *lines = format_scores(scores).splitlines()
    assert heading.split() == ["method", "NPMI", "diversity"]
    # Two methods, a line each.
    assert [line.split()[-2:] for line in lines] == [["0.600", "0.900"]] * 2


def test_mean_and_deviation_over_seeds():
    figures = {"homogeneity": 0.5, "completeness": 0.5, "diversity": 1.0}
    runs = [
        TopicScores("m", "train", seed, 20, v_measure=v, npmi=0.1, **figures)
        for seed, v in enumerate([0.2, 0.4, 0.6])
    ]
    texts = [scores_as_csv([each]) for each in runs]
    table = format_scores(scores_from_csv(texts))
    # Of the sample: sqrt((0.04 + 0 + 0.04) / 2).
    assert "0.400 ± 0.200" in table
    assert "0.100 ± 0.000" in table
