"""Bags of words: the words that count, counts, and batches."""

import collections

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.batches.bags import (
    BagBatches,
    as_counts,
    bag_vocabulary,
    bags_of_tokens,
    count_words,
)
from keras_textgen.data.vocabulary import Vocabulary

TEXTS = [
    "The sea, the SEA! A ship at sea isn't 100 ships.",
    "x ship: a red-hot wind; we'll see the wind",
    "wind wind wind",
    "... 42 !",
]


def words_of(vocabulary):
    return vocabulary.get_vocabulary()[4:]


def test_words_that_say_something():
    expected = ["wind", "sea", "ship", "red-hot", "ships"]
    assert words_of(bag_vocabulary(TEXTS)) == [*expected[:4], "ships"]
    # More than a share, fewer than a count, more than a size.
    assert words_of(bag_vocabulary(TEXTS, max_share=0.25)) == [
        "sea",
        "red-hot",
        "ships",
    ]
    assert words_of(bag_vocabulary(TEXTS, min_count=3)) == ["wind", "sea"]
    assert words_of(bag_vocabulary(TEXTS, max_size=6)) == ["wind", "sea"]
    every = words_of(bag_vocabulary(TEXTS, stop_words=()))
    assert set(every) - set(expected) == {"the", "isn't", "we'll", "see", "at"}
    own = words_of(bag_vocabulary(TEXTS, stop_words={"wind", "sea"}))
    assert not {"wind", "sea", "isn't"} & set(own)
    assert "the" in own


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_size": 4}, "max_size=4; allowed: more than the 4"),
        ({"min_count": 0}, "min_count=0; allowed: whole numbers, 1 or more"),
        (
            {"max_share": 0.0},
            "max_share=0.0; allowed: numbers above 0, at",
        ),
        ({"max_share": 1.5}, "max_share=1.5; allowed: numbers above 0"),
        ({"min_count": 9}, "no word is left with min_count=9"),
        ({"max_size": "9"}, "max_size=9; allowed: more than the 4"),
        ({"stop_words": "the"}, "stop words are one string, 'the'; allowed: a"),
        ({"stop_words": ["the", 3]}, "stop word 1 is 3, of type int; allowed"),
    ],
)
def test_refused_limits(limits, message):
    with pytest.raises(ValueError, match=message):
        bag_vocabulary(TEXTS, **limits)


def test_stop_words_of_an_iterator_are_all_heeded():
    expected = words_of(bag_vocabulary(TEXTS, stop_words=["wind", "sea"]))
    found = bag_vocabulary(TEXTS, stop_words=iter(["wind", "sea"]))
    assert words_of(found) == expected


def test_counts_are_those_of_a_counter():
    vocabulary = Vocabulary(["sea", "wind", "the", "absent"])
    # More texts than are read at a time.
    texts = TEXTS * 600
    counts = count_words(texts, vocabulary)
    assert counts.shape == (2400, 4)
    assert counts.dtype == np.float32
    assert counts.indices.dtype == counts.indptr.dtype == np.int32
    for row in (0, 1, 2, 3, 2001):
        plain = TEXTS[row % 4].lower().translate(dict.fromkeys(b",!.:;", " "))
        counter = collections.Counter(plain.split())
        expected = [counter[word] for word in words_of(vocabulary)]
        assert counts[[row]].toarray().tolist() == [expected]
    assert counts.nnz == 600 * 5


def test_counts_of_all_kinds():
    vocabulary = Vocabulary(["sea", "ship"])
    expected = [[2.0, 1.0], [0.0, 3.0]]
    texts = ["sea ship the sea", "ship ship ship"]
    padded = np.array([[2, 4, 5, 1, 4, 3], [2, 5, 5, 5, 3, 0]])
    coo = scipy.sparse.coo_array(
        ([1, 1, 1, 2, 1], ([0, 0, 0, 1, 1], [0, 1, 0, 1, 1])), (2, 2)
    )
    for data in (
        texts,
        tuple(texts),
        np.array(texts),
        padded,
        padded.tolist(),
        tf.ragged.constant([[4, 5, 4], [5, 5, 5]]),
        [[4, 5, 4], [5, 5, 5]],
        np.array(expected),
        coo,
        scipy.sparse.csc_matrix(expected),
    ):
        counts = as_counts(data, 2, vocabulary)
        assert isinstance(counts, scipy.sparse.csr_array)
        assert counts.toarray().tolist() == expected
        assert counts.has_canonical_format
    assert as_counts("sea", 2, vocabulary).toarray().tolist() == [[1.0, 0.0]]


def test_the_users_matrix_stays_as_it_is():
    matrix = scipy.sparse.csr_array(
        (np.ones(2, np.float32), [1, 1], [0, 2]), (1, 2)
    )
    assert as_counts(matrix, 2).toarray().tolist() == [[0.0, 2.0]]
    assert matrix.nnz == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.zeros([2, 3]),
            r"counts of shape \[2, 3\]; allowed: \[documents, 2",
        ),
        (np.zeros([0, 2]), "no documents"),
        ([], "no documents"),
        (np.array([[1.0, np.nan]]), "count nan in row 0"),
        (
            np.array([[1.0, 0.0], [0.0, -2.0]]),
            "count -2.0 in row 1; allowed: f",
        ),
        ([[4, 6]], "token id 6; allowed: 0 to 5"),
        ([[-1]], "token id -1; allowed"),
        ([[4.5]], "documents of list; allowed: texts, lists"),
        ([4, 5], "documents of int; allowed: texts, lists of token ids"),
        (["sea", [4]], r"text 1 is \[4\], of type list; allowed: strings"),
        ([None], r"text 0 is missing \(None\); allowed: strings"),
        (["sea", np.nan], r"text 1 is missing \(nan\); allowed: strings"),
    ],
)
def test_refused_data(data, message):
    with pytest.raises(ValueError, match=message):
        as_counts(data, 2, Vocabulary(["sea", "ship"]))


def test_texts_need_a_vocabulary():
    with pytest.raises(ValueError, match="texts or token ids, and no vocab"):
        as_counts(["sea"], 2)


def test_tokens_in_the_graph():
    vocabulary = Vocabulary(["sea", "wind", "the"])
    bags = tf.function(bags_of_tokens)(vocabulary(TEXTS))
    summed = np.zeros([4, 3])
    rows = np.arange(4)[:, np.newaxis]
    np.add.at(summed, (rows, bags["columns"].numpy()), bags["counts"].numpy())
    assert np.array_equal(summed, count_words(TEXTS, vocabulary).toarray())


# -- Batches ------------------------------------------------------------------

COUNTS = scipy.sparse.random_array(
    (11, 7), density=0.4, format="csr", rng=np.random.default_rng(5)
)


def dense(bags):
    found = np.zeros([bags["columns"].shape[0], 7], np.float32)
    rows = np.arange(len(found))[:, np.newaxis]
    np.add.at(found, (rows, bags["columns"].numpy()), bags["counts"].numpy())
    return found


@pytest.fixture(scope="module")
def batches():
    return BagBatches(COUNTS, batch_size=4, seed=2)


@pytest.fixture(scope="module")
def two_epochs(batches):
    return [dense(bags) for bags in batches.training_stream().take(6)]


def as_set(rows):
    return sorted(map(tuple, np.concatenate(rows)))


def test_evaluation_is_in_order(batches):
    parts = [dense(bags) for bags in batches.evaluation_dataset()]
    assert [len(part) for part in parts] == [4, 4, 3]
    expected = COUNTS.toarray().astype(np.float32)
    assert np.array_equal(np.concatenate(parts), expected)


def test_every_document_once_an_epoch(batches, two_epochs):
    assert batches.steps_per_epoch == 3
    everything = as_set([COUNTS.toarray().astype(np.float32)])
    first, second = two_epochs[:3], two_epochs[3:]
    assert as_set(first) == as_set(second) == everything
    assert sorted(map(len, first)) == [3, 4, 4]
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))


def test_a_batch_depends_on_seed_epoch_and_step(two_epochs):
    again = BagBatches(COUNTS, batch_size=4, seed=2)
    stream = again.training_stream(first_epoch=1, first_step=2)
    assert np.array_equal(dense(next(iter(stream))), two_epochs[5])
    other = BagBatches(COUNTS, batch_size=4, seed=3).training_stream()
    assert not np.array_equal(dense(next(iter(other))), two_epochs[0])


def test_only_what_a_batch_needs_is_padded():
    counts = scipy.sparse.csr_array([[1.0, 1.0, 1.0], [0.0, 0.0, 2.0]])
    wide, narrow = BagBatches(counts, batch_size=1).evaluation_dataset()
    assert wide["columns"].shape == (1, 3)
    assert narrow["counts"].numpy().tolist() == [[2.0]]


def test_documents_without_words():
    counts = scipy.sparse.csr_array((2, 3), dtype=np.float32)
    (bags,) = BagBatches(counts, batch_size=2).evaluation_dataset()
    assert bags["columns"].shape == bags["counts"].shape == (2, 0)
