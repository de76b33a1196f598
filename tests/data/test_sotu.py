"""State of the Union addresses."""

import pytest

from keras_textgen.data.sotu import (
    load_sotu_documents,
    read_sotu,
    split_sentences,
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
    assert split_sentences(text) == sentences


def test_no_address_is_in_two_splits(documents):
    texts = read_sotu(seed=0)
    splits = [texts.train, texts.valid, texts.test]
    whole = [split_sentences(document.text) for document in documents]
    assert sum(map(len, splits)) == sum(map(len, whole))
    # Presidents repeat themselves, so a sentence may be in two splits; but an
    # address is somewhere with all its sentences, and the counts agree.
    sets = [set(split) for split in splits]
    for sentences in whole:
        assert any(split.issuperset(sentences) for split in sets)


def test_the_split_depends_on_the_seed_alone():
    texts = read_sotu(seed=0)
    assert read_sotu(seed=0) == texts
    assert read_sotu(seed=1).test != texts.test
    count = len(texts.train) + len(texts.valid) + len(texts.test)
    assert 70_000 < count < 80_000
    assert len(texts.train) > 0.7 * count
