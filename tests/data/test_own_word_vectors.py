"""Vectors of words against counts made word by word."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.own_word_vectors import own_word_vectors

NUM_IDS = 20


def drawn_documents(seed=0, count=30):
    draw = np.random.default_rng(seed)
    return [
        [
            draw.integers(4, NUM_IDS, draw.integers(0, 9)).tolist()
            for _ in range(draw.integers(1, 4))
        ]
        for _ in range(count)
    ]


def information(documents):
    """PPMI, pair by pair: dense [NUM_IDS, NUM_IDS]."""
    counts = np.zeros([NUM_IDS, NUM_IDS])
    for document in documents:
        for sentence in document:
            for i, word in enumerate(sentence):
                for j, other in enumerate(sentence):
                    if i != j and abs(i - j) <= 5:
                        counts[word, other] += 1
    total = counts.sum()
    smoothed = counts.sum(0) ** 0.75
    chance = np.outer(counts.sum(1) / total, smoothed / smoothed.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.maximum(np.log(counts / total / chance), 0))


def test_contexts_are_those_of_word2vec():
    documents = drawn_documents()
    found = own_word_vectors(
        tf.ragged.constant(documents, tf.int32, ragged_rank=2),
        np.zeros(len(documents), int),
        NUM_IDS,
        17,
    )
    # Of one class nothing can be told; 16 places hold all that is left.
    np.testing.assert_array_equal(found.vectors[:, 0], 0)
    context = found.vectors[:, 1:]
    assert np.sqrt(np.mean(context**2)) == pytest.approx(0.3)
    # U S U^T for the symmetric part: inner products of U sqrt(S) are
    # (M M^T)^(1/2).
    matrix = information(documents)[4:, 4:]
    left, values, _ = np.linalg.svd(matrix)
    expected = (left * values) @ left.T
    expected *= 0.09 * expected.shape[0] * 16 / np.trace(expected)
    np.testing.assert_allclose(context @ context.T, expected, atol=1e-4)


def test_classes_are_those_of_the_documents_of_a_word():
    documents = drawn_documents(seed=1)
    labels = np.arange(30) % 3
    found = own_word_vectors(
        tf.ragged.constant(documents, tf.int32, ragged_rank=2),
        labels,
        NUM_IDS,
        6,
    )
    words = [
        {word for sentence in document for word in sentence}
        for document in documents
    ]
    counts = np.array(
        [
            [
                sum(
                    word in w
                    for w, y in zip(words, labels, strict=True)
                    if y == k
                )
                for k in range(3)
            ]
            for word in range(4, NUM_IDS)
        ]
    )
    shares = (counts.sum(0) + 1) / (counts.sum() + 3)
    posterior = (counts + 100 * shares) / (counts.sum(1) + 100)[:, None]
    expected = np.log(posterior / shares)
    expected *= 0.3 / np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(found.vectors[:, :3], expected, rtol=1e-5)


def test_what_is_no_word_has_no_vector_and_is_no_context():
    documents = [[[4, 1, 5]], [[5, 4, 0, 0]], [[6, 7]]]
    found = own_word_vectors(
        tf.ragged.constant(documents, tf.int32, ragged_rank=2), [0, 1, 0], 9, 2
    )
    np.testing.assert_array_equal(found.rows, [4, 5, 6, 7])


def test_more_classes_than_half_the_places():
    documents = drawn_documents(seed=2)
    ragged = tf.ragged.constant(documents, tf.int32, ragged_rank=2)
    found = own_word_vectors(ragged, np.arange(30), NUM_IDS, 6)
    again = own_word_vectors(ragged, np.arange(30), NUM_IDS, 6)
    np.testing.assert_array_equal(found.vectors, again.vectors)
    for half in (found.vectors[:, :3], found.vectors[:, 3:]):
        assert np.sqrt(np.mean(half**2)) == pytest.approx(0.3)


def test_too_few_words_leave_zeros():
    ragged = tf.ragged.constant([[[4, 5]], [[4]]], tf.int32, ragged_rank=2)
    found = own_word_vectors(ragged, [0, 1], 6, 10)
    assert found.vectors.shape == (2, 10)
    np.testing.assert_array_equal(found.vectors[:, 4:], 0)
    assert np.isfinite(found.vectors).all()
    empty = tf.ragged.constant([[[1]], [[]]], tf.int32, ragged_rank=2)
    assert len(own_word_vectors(empty, [0, 1], 6, 10).rows) == 0


def test_refusals():
    ragged = tf.ragged.constant([[[4, 5]]], tf.int32, ragged_rank=2)
    with pytest.raises(ValueError, match="2 labels of 1 document"):
        own_word_vectors(ragged, [0, 1], 6, 10)
    with pytest.raises(ValueError, match="width=0"):
        own_word_vectors(ragged, [0], 6, 0)
