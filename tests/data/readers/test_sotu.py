"""State of the Union addresses."""

import collections

import numpy as np
import pytest

from keras_textgen.data.readers.sotu import (
    address_sentences,
    load_sotu_documents,
    read_sotu,
    read_sotu_documents,
)


@pytest.fixture(scope="module")
def documents():
    return load_sotu_documents()


def test_documents(documents):
    assert len(documents) >= 249
    assert all(document.text.strip() for document in documents)
    years = [document.year for document in documents]
    assert years == sorted(years)
    lincoln = [d for d in documents if d.president == "Lincoln"]
    assert {d.year for d in lincoln} == {1861, 1862, 1863, 1864}
    assert "Republican" in {d.party for d in lincoln}


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Mr. Speaker, the U.S. Army is strong. Is it? Yes!",
            ["Mr. Speaker, the U.S. Army is strong.", "Is it?", "Yes!"],
        ),
        ("AGRICULTURE\n\nFarms thrive.", ["Farms thrive."]),
        ("Thank you. [Applause] We go on.", ["Thank you.", "We go on."]),
        ("One sentence\non two lines.", ["One sentence on two lines."]),
        (
            "It grew by 1.5 percent in 1890.",
            ["It grew by 1.5 percent in 1890."],
        ),
    ],
)
def test_sentences(text, sentences):
    assert address_sentences(text) == sentences


def test_no_address_is_in_two_splits(documents):
    texts = read_sotu(seed=0)
    splits = [texts.train, texts.valid, texts.test]
    whole = [address_sentences(document.text) for document in documents]
    assert sum(map(len, splits)) == sum(map(len, whole))
    # Presidents repeat themselves, so a sentence may be in two splits; but an
    # address is somewhere with all its sentences, and the counts agree.
    sets = [set(split) for split in splits]
    for sentences in whole:
        assert any(split.issuperset(sentences) for split in sets)


def test_the_split_depends_on_the_seed_alone():
    texts = read_sotu(seed=0)
    again = read_sotu(seed=0)
    assert [again.train, again.valid] == [texts.train, texts.valid]
    assert read_sotu(seed=1).test != texts.test
    count = len(texts.train) + len(texts.valid) + len(texts.test)
    assert 70_000 < count < 80_000
    assert len(texts.train) > 0.7 * count


def test_sentences_have_the_party_of_their_president(documents):
    texts = read_sotu(seed=0)
    parties = collections.defaultdict(set)
    for document in documents:
        for sentence in address_sentences(document.text):
            parties[sentence].add(document.party)
    assert texts.label_names == tuple(sorted({d.party for d in documents}))
    for split in ("train", "valid", "test"):
        sentences, labels = getattr(texts, split), texts.labels[split]
        assert labels.dtype == np.int32
        for sentence, label in zip(sentences, labels, strict=True):
            assert texts.label_names[label] in parties[sentence]


@pytest.mark.parametrize("label", ["party", "president"])
def test_whole_addresses(documents, label):
    texts = read_sotu_documents(label, seed=0)
    splits = [texts.train, texts.valid, texts.test]
    assert sum(map(len, splits)) == len(documents)
    for split, listed in zip(texts.labels, splits, strict=True):
        for text, number in zip(listed, texts.labels[split], strict=True):
            # Remarks are left out, so whole texts are not equal.
            names = {
                getattr(document, label)
                for document in documents
                if document.text.endswith(text[-100:])
            }
            assert texts.label_names[number] in names
            assert len(names) == 1
    by_name = {document.name: document for document in documents}
    for split, names in texts.names.items():
        years = [by_name[name].year for name in names]
        assert texts.times[split].tolist() == years
        assert len(names) == len(getattr(texts, split))
        of_labels = [getattr(by_name[name], label) for name in names]
        numbers = texts.labels[split]
        assert of_labels == [texts.label_names[each] for each in numbers]
    held_out = {*texts.labels["valid"], *texts.labels["test"]}
    assert held_out <= set(texts.labels["train"])
    assert not any("[Applause]" in text for text in texts.train)
