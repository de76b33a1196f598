"""Word vectors of labeled documents themselves, where there are no others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.utils.extmath import randomized_svd

from keras_textgen.checks import SIZES, check, counted, refused
from keras_textgen.data.readers.word_vectors import WordVectors
from keras_textgen.tokens import PAD_ID, UNKNOWN_ID

# Words on each side that are the context of a word, and the power of the
# contexts' frequencies, as in word2vec.
_WINDOW, _SMOOTHING = 5, 0.75
# Documents of all classes alike that each word is seen in, as it were: the
# classes of rare words, which a network would learn by heart, say little.
_UNDECIDED = 100
# The root of the mean square of each half.
_SCALE = 0.3


def own_word_vectors(
    documents: tf.RaggedTensor,
    labels: Sequence[int] | np.ndarray,
    num_ids: int,
    width: int,
) -> WordVectors:
    """Vectors of words by their documents' classes and by what is beside them.

    One place for each class, but half the places at most, is of the classes:
    log p(class | word) / p(class), p(class | word) being the shares among the
    documents that have the word and 100 others of all classes; of more classes
    than places, the leading singular vectors. The weights of a naive Bayes
    classifier are of that kind.

    The other places are of the positive pointwise mutual information of words
    and contexts, the singular vectors, each multiplied by the root of its
    value: what word2vec factors (Levy and Goldberg 2014, "Neural Word Embedding
    as Implicit Matrix Factorization", NeurIPS, section 5.2), with its smoothing
    of contexts and without a shift (Levy, Goldberg and Dagan 2015, "Improving
    Distributional Similarity with Lessons Learned from Word Embeddings", TACL,
    section 3). Contexts end with the sentence.

    The same documents give the same vectors: the sketch of the singular
    vectors has a fixed seed.

    Args:
        documents: ids of words, int32 `[documents, (sentences), (words)]`;
            padding and the unknown word have no vector and are no context.
        labels: number of the class of each document.
        num_ids: ids are below it.
        width: of the vectors.

    Returns:
        Those of the ids that occur; each half is scaled to a mean square of
        0.3 squared. Places that the words are too few for are zeros.

    Raises:
        ValueError: a size is below 1, or there are not as many labels as
            documents.

    Example:
        >>> documents = tf.ragged.constant([[[4, 5]], [[4, 6]], [[5, 4]]])
        >>> found = own_word_vectors(documents, [0, 1, 0], num_ids=9, width=4)
        >>> found.rows, found.vectors.shape
        (array([4, 5, 6]), (3, 4))
        >>> of_class_0 = found.vectors[:, 0]
        >>> bool(of_class_0[1] > of_class_0[0] > of_class_0[2])
        True
    """
    check(SIZES, num_ids=num_ids, width=width)
    if len(labels) != documents.nrows():
        raise refused(
            f"{counted(len(labels), 'label')} of "
            f"{counted(documents.nrows(), 'document')}",
            "as many labels as documents",
        )
    in_documents = _documents_of_words(documents, num_ids)
    rows = np.flatnonzero(np.diff(in_documents.indptr))
    vectors = np.zeros([len(rows), width], np.float32)
    if not len(rows):
        return WordVectors(rows, vectors)
    classes = _class_shares(in_documents[rows], np.asarray(labels))
    if classes.shape[1] > width // 2:
        classes = _leading(classes, width // 2, power=1)
    beside = _beside(documents.merge_dims(0, 1), num_ids)[rows][:, rows]
    rank = min(width - classes.shape[1], len(rows))
    context = _leading(_positive_information(beside), rank, power=0.5)
    halves = np.concatenate([_scaled(classes), _scaled(context)], axis=1)
    vectors[:, : halves.shape[1]] = halves
    return WordVectors(rows, vectors)


def _documents_of_words(
    documents: tf.RaggedTensor, num_ids: int
) -> scipy.sparse.csr_matrix:
    """1 where a word is in a document: [num_ids, documents]."""
    texts = documents.merge_dims(1, 2)
    words = texts.flat_values.numpy()
    places = words, texts.value_rowids().numpy()
    shape = num_ids, int(documents.nrows())
    found = scipy.sparse.csr_matrix((_is_word(words), places), shape)
    found.eliminate_zeros()
    return (found > 0).astype(np.float64)


def _class_shares(
    in_documents: scipy.sparse.csr_matrix, labels: np.ndarray
) -> np.ndarray:
    """log p(class | word) / p(class): [words, classes]."""
    is_of_class = labels[:, None] == np.arange(labels.max() + 1)
    counts = in_documents @ is_of_class.astype(np.float64)
    # A class without a word is as likely as can be told from none.
    shares = (counts.sum(axis=0) + 1) / (counts.sum() + counts.shape[1])
    totals = counts.sum(axis=1, keepdims=True)
    smoothed = (counts + _UNDECIDED * shares) / (totals + _UNDECIDED)
    return np.log(smoothed / shares)


def _beside(texts: tf.RaggedTensor, num_ids: int) -> scipy.sparse.csr_matrix:
    """How often words stand near others: [num_ids, num_ids], symmetric."""
    words, places = texts.flat_values.numpy(), texts.value_rowids().numpy()
    is_word = _is_word(words)
    counts = scipy.sparse.csr_matrix((num_ids, num_ids))
    for distance in range(1, _WINDOW + 1):
        first, second = words[:-distance], words[distance:]
        chosen = places[:-distance] == places[distance:]
        chosen &= is_word[:-distance] & is_word[distance:]
        pairs = first[chosen], second[chosen]
        ones = np.ones(len(pairs[0]))
        counts += scipy.sparse.csr_matrix((ones, pairs), counts.shape)
    return (counts + counts.T).tocsr()


def _positive_information(
    counts: scipy.sparse.csr_matrix,
) -> scipy.sparse.csr_matrix:
    """max(0, log p(w, c) / (p(w) p(c))), c's frequencies being smoothed."""
    of_words = np.asarray(counts.sum(axis=1)).ravel()
    of_contexts = of_words**_SMOOTHING
    of_contexts /= max(of_contexts.sum(), 1)
    pairs = counts.tocoo()
    expected = of_words[pairs.row] * of_contexts[pairs.col]
    pairs.data = np.maximum(np.log(pairs.data / expected), 0)
    return pairs.tocsr()


def _leading(
    matrix: scipy.sparse.csr_matrix | np.ndarray, rank: int, power: float
) -> np.ndarray:
    """Left singular vectors times their values to a power: [words, rank]."""
    left, values, _ = randomized_svd(matrix, rank, random_state=0)
    return left * values**power


def _scaled(vectors: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.mean(vectors**2)) if vectors.size else 0
    return vectors * (_SCALE / size) if size else vectors


def _is_word(words: np.ndarray) -> np.ndarray:
    return (words != PAD_ID) & (words != UNKNOWN_ID)
