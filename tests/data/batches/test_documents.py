"""Documents: their ids, their cut, and batches of like size."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches import documents as document_batching
from keras_textgen.data.batches.documents import (
    DocumentBatches,
    as_document_ids,
    encode_documents,
    sentences_of,
)
from keras_textgen.data.vocabulary import Vocabulary

# Document i has COUNTS[i] sentences; word ids tell where they come from.
COUNTS = [3, 1, 2, 0, 3, 1, 2]


def document(row):
    return [
        [100 * row + 10 * place + word for word in range(1, 2 + place)]
        for place in range(COUNTS[row])
    ]


DOCUMENTS = [document(row) for row in range(len(COUNTS))]
LABELS = [row % 3 for row in range(len(COUNTS))]


@pytest.fixture(scope="module")
def batches():
    return DocumentBatches(DOCUMENTS, LABELS, batch_size=2, seed=5)


@pytest.fixture(scope="module")
def two_epochs(batches):
    return taken(batches.training_stream(), 2 * batches.steps_per_epoch)


def taken(stream, count):
    return [
        (documents.numpy(), labels.numpy())
        for documents, labels in itertools.islice(stream, count)
    ]


def unpadded(padded):
    sentences = [row[row != 0].tolist() for row in padded]
    return [sentence for sentence in sentences if sentence]


def flat(epoch):
    """Pairs of a document and its label, in the order of an epoch."""
    return [
        (unpadded(row), label)
        for documents, labels in epoch
        for row, label in zip(documents, labels, strict=True)
    ]


def test_an_epoch_holds_every_document_once(batches, two_epochs):
    assert batches.steps_per_epoch == 4
    expected = list(zip(DOCUMENTS, LABELS, strict=True))
    first, second = flat(two_epochs[:4]), flat(two_epochs[4:])
    assert first != second
    for epoch in (first, second):
        assert sorted(epoch) == sorted(expected)


def test_batches_hold_documents_of_like_size(two_epochs):
    sizes = [
        sorted(max(1, len(unpadded(row))) for row in documents)
        for documents, _ in two_epochs[:4]
    ]
    assert sorted(sizes) == [[1, 1], [1, 2], [2, 3], [3]]


def test_padding_is_as_small_as_can_be(two_epochs):
    for documents, _ in two_epochs:
        counts = [max(1, len(unpadded(row))) for row in documents]
        words = [len(each) for row in documents for each in unpadded(row)]
        assert documents.shape[1:] == (max(counts), max(words, default=0))
        assert documents.dtype == np.int32


@pytest.mark.parametrize(("epoch", "step"), [(0, 3), (1, 0), (1, 2), (0, 6)])
def test_a_batch_depends_on_seed_epoch_and_step_alone(
    batches, two_epochs, epoch, step
):
    place = 4 * epoch + step
    again = DocumentBatches(DOCUMENTS, LABELS, batch_size=2, seed=5)
    found = taken(again.training_stream(epoch, step), 8 - place)
    for one, other in zip(found, two_epochs[place:], strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_another_seed_is_another_order(two_epochs):
    other = DocumentBatches(DOCUMENTS, LABELS, batch_size=2, seed=6)
    assert flat(taken(other.training_stream(), 4)) != flat(two_epochs[:4])


def test_evaluation_can_be_put_back_in_order(batches):
    rows = flat(taken(batches.evaluation_dataset(), 9))
    assert [rows[i][0] for i in batches.original_order] == DOCUMENTS
    counts = [len(sentences) for sentences, _ in rows]
    assert sorted(counts[:3]) == [0, 1, 1]
    assert counts[3:] == [2, 2, 3, 3]


def test_without_labels_there_are_documents_alone():
    batches = DocumentBatches(DOCUMENTS, batch_size=10)
    (documents,) = batches.evaluation_dataset()
    assert documents.shape == (7, 3, 3)
    assert batches.training_stream().element_spec == tf.TensorSpec(
        [None, None, None], tf.int32
    )


def test_documents_without_any_word():
    (documents,) = DocumentBatches([[], [[]]]).evaluation_dataset()
    assert documents.shape == (2, 1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"documents": []}, "^no documents; "),
        ({"documents": DOCUMENTS, "labels": [1]}, "^1 label of 7 documents"),
        ({"documents": DOCUMENTS, "batch_size": 0}, "^batch_size=0; allowed"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        DocumentBatches(**arguments)


# -- From text and from arrays ------------------------------------------------


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary(["a", "rose", "red", "."])


def test_texts_are_split_into_sentences_and_words(vocabulary):
    texts = ["A rose. Dr. Rose saw a red rose.", "", "Red\n\nrose"]
    ids = encode_documents(texts, vocabulary)
    assert ids.to_list() == [
        [[4, 5, 7], [1, 7, 5, 1, 4, 6, 5, 7]],
        [],
        [[6], [5]],
    ]


def test_the_rule_that_cuts_texts(vocabulary):
    texts = ["A rose. red rose.", ["A. a.", "a"], "Red. A rose."]
    ids = encode_documents(texts, vocabulary)
    lists = [[4, 7, 4, 7], [4]]
    others = [[6, 7], [4, 5, 7]]
    assert ids.to_list() == [[[4, 5, 7, 6, 5, 7]], lists, others]
    ids = encode_documents(texts, vocabulary, sentence_rule="sentencex")
    assert ids.to_list() == [[[4, 5, 7], [6, 5, 7]], lists, others]
    message = "^sentence_rule='lines'; allowed: graph, sentencex$"
    with pytest.raises(ValueError, match=message):
        encode_documents(texts, vocabulary, sentence_rule="lines")


def test_documents_of_lists_alone_and_of_none():
    lists = [["B. b.", "c"], []]
    assert sentences_of(lists).to_list() == [[b"B. b.", b"c"], []]
    assert sentences_of([]).to_list() == []


def test_sentences_stay_as_they_are(vocabulary):
    documents = [["A rose. A rose.", " ", "<s> red </s>"], []]
    ids = encode_documents(documents, vocabulary)
    # The texts of the special tokens are unknown words.
    assert ids.to_list() == [[[4, 5, 7, 4, 5, 7], [1, 1, 1, 6, 1, 1, 1, 1]], []]


def test_the_first_sentences_and_words_are_kept(vocabulary):
    document = ["", "a rose red", "a", "rose", "red"]
    ids = encode_documents([document], vocabulary, 2, 2)
    assert ids.to_list() == [[[4, 5], [4]]]


def test_pieces_are_put_together(vocabulary, monkeypatch):
    texts = ["A rose. Red.", "", "Red. Red.", "Rose", "A. A."]
    whole = encode_documents(texts, vocabulary).to_list()
    monkeypatch.setattr(document_batching, "_DOCUMENTS_A_PIECE", 2)
    assert encode_documents(texts, vocabulary).to_list() == whole


def test_no_documents(vocabulary):
    assert encode_documents([], vocabulary).to_list() == []


def test_padding_is_taken_off():
    padded = np.zeros([3, 4, 3], np.int64)
    padded[0, 0, :2] = [4, 5]
    padded[0, 2, :3] = [6, 7, 8]
    padded[1, 0, 0] = 9
    ids = as_document_ids(padded, vocabulary_size=10)
    assert ids.to_list() == [[[4, 5], [], [6, 7, 8]], [[9]], []]
    assert ids.dtype == tf.int32
    again = as_document_ids(ids, vocabulary_size=10)
    assert again.to_list() == ids.to_list()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[[4, 10]]], "^token id 10; allowed: 1 to 9, and 0 on the right$"),
        ([[[4, -1]]], "^token id -1; "),
        ([[[4, 0]], [[0, 4]]], "^document 1 has the padding id 0 before"),
        ([[4, 5]], r"^documents of type int64 and shape \[1, 2\]; allowed"),
        ([[[4.0]]], r"^documents of type float64 and shape \[1, 1, 1\]"),
    ],
)
def test_refused_ids(ids, message):
    with pytest.raises(ValueError, match=message):
        as_document_ids(np.array(ids), vocabulary_size=10)
