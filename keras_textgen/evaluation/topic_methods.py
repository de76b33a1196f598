"""Ways to topics that models are compared with: K-means, LDA, NMF."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TypeAlias

import numpy as np
import scipy.sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import (
    NMF,
    LatentDirichletAllocation,
    TruncatedSVD,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from keras_textgen.checks import counted, refused

Codes: TypeAlias = np.ndarray | scipy.sparse.csr_array

TFIDF = "tf-idf + K-means"
LSA_DIMENSIONS = 50
LSA = f"LSA-{LSA_DIMENSIONS} + K-means"
LDA = "LDA, scikit-learn"
FACTORS = "NMF, scikit-learn"
# K-means begins so often from other centers and keeps the best.
_BEGINNINGS = 5
# Passes over the documents; with scikit-learn's 10, LDA has not converged.
_LDA_PASSES = 20


@dataclasses.dataclass(frozen=True)
class FoundTopics:
    """What a method makes of documents.

    Attributes:
        train: topics of the training documents, int [N].
        test: topics of the test documents, int [M].
        words: columns of the words of the topics, int [topics, k]; -1 stands
            for none.
    """

    train: np.ndarray
    test: np.ndarray
    words: np.ndarray


def baseline_topics(
    train: scipy.sparse.csr_array,
    test: scipy.sparse.csr_array,
    num_topics: int,
    seed: int = 0,
    k: int = 10,
) -> dict[str, FoundTopics]:
    """What a model's topics are compared with.

    K-means on tf-idf and on LSA; and, with the topic of the largest share,
    scikit-learn's latent Dirichlet allocation (of counts; variational Bayes)
    and non-negative matrix factorization (of tf-idf).

    Args:
        train: counts of words, CSR [N, words].
        test: the same of other documents.
        num_topics: number of topics.
        seed: of all of them.
        k: words a topic.

    Returns:
        Topics by method.

    Example:
        >>> counts = scipy.sparse.csr_array(np.kron(np.eye(2), np.ones([4, 3])))
        >>> for name, found in baseline_topics(counts, counts, 2, k=3).items():
        ...     topics = sorted(map(sorted, found.words.tolist()))
        ...     print(f"{name:20}{topics}")
        tf-idf + K-means    [[0, 1, 2], [3, 4, 5]]
        LSA-50 + K-means    [[0, 1, 2], [3, 4, 5]]
        LDA, scikit-learn   [[0, 1, 2], [3, 4, 5]]
        NMF, scikit-learn   [[0, 1, 2], [3, 4, 5]]
    """
    found = {
        method: clustered(codes, train, num_topics, seed, k)
        for method, codes in baseline_codes(train, test, seed).items()
    }
    allocation = LatentDirichletAllocation(
        num_topics, max_iter=_LDA_PASSES, random_state=seed
    )
    factors = NMF(num_topics, random_state=seed)
    weighting = TfidfTransformer().fit(train)
    weighted = [weighting.transform(each) for each in (train, test)]
    found[LDA] = _decomposed(allocation, train, test, k)
    found[FACTORS] = _decomposed(factors, weighted[0], weighted[1], k)
    return found


def clustered(
    codes: tuple[Codes, Codes],
    counts: scipy.sparse.csr_array,
    num_topics: int,
    seed: int = 0,
    k: int = 10,
) -> FoundTopics:
    """Groups codes by K-means.

    It is fitted to the training documents; a test document has the topic of
    the nearest center.

    Args:
        codes: of training and test documents.
        counts: of words of the training documents, for `topic_word_columns`.
        num_topics: number of topics.
        seed: of K-means.
        k: words a topic.
    """
    train, test = codes
    clusters = fit_clusters(train, num_topics, seed)
    with threadpool_limits(1):
        of_test = clusters.predict(test)
    words = topic_word_columns(counts, clusters.labels_, num_topics, k)
    return FoundTopics(clusters.labels_, of_test, words)


def _decomposed(
    method: LatentDirichletAllocation | NMF,
    train: scipy.sparse.csr_array,
    test: scipy.sparse.csr_array,
    k: int,
) -> FoundTopics:
    """The topics of the largest share, and of each the heaviest words."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # The root of what is left of counts that are factorized exactly.
        warnings.filterwarnings("ignore", "invalid value encountered in sqrt")
        of_train = method.fit_transform(train)
        of_test = method.transform(test)
    words = np.argsort(-method.components_, axis=1, kind="stable")[:, :k]
    return FoundTopics(of_train.argmax(axis=1), of_test.argmax(axis=1), words)


def fit_clusters(codes: Codes, num_topics: int, seed: int = 0) -> KMeans:
    """Groups codes by K-means.

    Args:
        codes: [N, D], dense or sparse.
        num_topics: number of clusters.
        seed: of the first centers; the best of 5 beginnings is kept.

    Returns:
        scikit-learn's fitted `KMeans`.

    Raises:
        ValueError: fewer codes than topics.

    Example:
        >>> codes = np.array([[0.0], [0.1], [5.0], [5.1]])
        >>> labels = fit_clusters(codes, num_topics=2).labels_
        >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
        True
    """
    if not 1 <= num_topics <= codes.shape[0]:
        raise refused(
            f"num_topics={num_topics} for "
            f"{counted(codes.shape[0], 'document')}",
            "1 to the number of documents",
        )
    means = KMeans(num_topics, n_init=_BEGINNINGS, random_state=seed)
    # More threads hardly help here, wait for each other on a busy machine,
    # and add up in another order.
    with threadpool_limits(1), warnings.catch_warnings():
        # Of codes close to bits there can be fewer different ones than topics;
        # some topics then have the same center, and all but one no document.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return means.fit(codes)


def topic_word_columns(
    counts: scipy.sparse.csr_array,
    topics: np.ndarray,
    num_topics: int,
    k: int = 10,
) -> np.ndarray:
    """The words that stand out in the documents of each topic.

    Those of the highest mean tf-idf over the topic's documents, each of unit
    length: what a center of K-means on tf-idf shows, for any grouping.

    Args:
        counts: of words, CSR [N, words].
        topics: of the documents, int [N].
        num_topics: number of topics.
        k: words a topic.

    Returns:
        Columns, int [num_topics, k], the strongest first; -1 where the topic
        has no more words.

    Example:
        >>> counts = scipy.sparse.csr_array([[2, 1, 0], [1, 0, 0], [0, 1, 3]])
        >>> topic_word_columns(counts, np.array([0, 0, 1]), 2, k=2)
        array([[0, 1],
               [2, 1]])
    """
    weights = TfidfTransformer().fit_transform(counts)
    places = np.arange(len(topics))
    members = scipy.sparse.csr_array(
        (np.ones(len(topics)), (topics, places)), (num_topics, len(topics))
    )
    # Sums order the words as means do.
    sums = scipy.sparse.csr_array(members @ weights)
    columns = np.full((num_topics, k), -1)
    for topic in range(num_topics):
        row = slice(sums.indptr[topic], sums.indptr[topic + 1])
        found, values = sums.indices[row], sums.data[row]
        order = np.lexsort((found, -values))[:k]
        columns[topic, : len(order)] = found[order]
    return columns


def baseline_codes(
    train: scipy.sparse.csr_array, test: scipy.sparse.csr_array, seed: int = 0
) -> dict[str, tuple[Codes, Codes]]:
    """Codes that nobody has to train.

    Args:
        train: counts of words, CSR [N, words].
        test: the same of other documents.
        seed: of LSA.

    Returns:
        Codes of train and test by method: tf-idf, and its 50 leading
        dimensions (latent semantic analysis), both with rows of unit length;
        fewer dimensions where there are not so many words.
    """
    weighting = TfidfTransformer().fit(train)
    weighted = [weighting.transform(each) for each in (train, test)]
    dimensions = min(LSA_DIMENSIONS, train.shape[1] - 1, train.shape[0] - 1)
    with threadpool_limits(1):
        lsa = TruncatedSVD(dimensions, random_state=seed).fit(weighted[0])
        reduced = [normalize(lsa.transform(each)) for each in weighted]
    return {TFIDF: tuple(weighted), LSA: tuple(reduced)}
