"""Documents by name."""

import numpy as np
import pytest

from keras_textgen.data.documents import load_documents
from keras_textgen.data.readers.files import SPLITS, DataError
from keras_textgen.data.sentences import split_sentences


@pytest.fixture
def film_reviews(tmp_path):
    for split in ("train", "test"):
        for folder in ("neg", "pos"):
            below = tmp_path / "aclImdb" / split / folder
            below.mkdir(parents=True)
            for number in range(10):
                rating = number % 4 + (1 if folder == "neg" else 7)
                path = below / f"{number}_{rating}.txt"
                path.write_text(f"{rating} points.<br /><br />Bye", "utf-8")
    return tmp_path


def test_imdb(film_reviews):
    corpus = load_documents("imdb", film_reviews)
    assert corpus.name == "imdb"
    assert corpus.label_names == ("negative", "positive")
    assert corpus.valid == ["2 points.\n\nBye", "8 points.\n\nBye"]
    assert split_sentences(corpus.valid[0]) == ["2 points.", "Bye"]
    assert corpus.labels["test"].tolist() == [0] * 10 + [1] * 10
    again = load_documents("imdb", film_reviews, label="polarity")
    assert again.label_names == corpus.label_names
    rated = load_documents("imdb", film_reviews, label="rating")
    for split in SPLITS:
        points = [text.split()[0] for text in getattr(rated, split)]
        names = [rated.label_names[label] for label in rated.labels[split]]
        assert names == points


def test_text(tmp_path):
    for label in ("prose", "verse"):
        (tmp_path / label).mkdir()
        for number in range(10):
            text = f"A {label}.\nLine {number}\n"
            (tmp_path / label / f"{number}.txt").write_text(text, "utf-8")
    corpus = load_documents("text", tmp_path, seed=1)
    assert corpus.label_names == ("prose", "verse")
    assert [len(getattr(corpus, split)) for split in SPLITS] == [16, 2, 2]
    assert corpus.valid[0].startswith("A prose.\nLine ")
    path = tmp_path / "lines"
    path.write_text("one\n" * 20, "utf-8")
    corpus = load_documents("text", path)
    assert (corpus.labels, corpus.label_names) == ({}, ())


def test_refused(tmp_path):
    message = (
        "^dataset='ptb' as documents; allowed: sotu, imdb, prepared, text, "
        "20news$"
    )
    with pytest.raises(ValueError, match=message):
        load_documents("ptb")
    message = "^label='x' for imdb; allowed: polarity or rating$"
    with pytest.raises(ValueError, match=message):
        load_documents("imdb", label="x")
    message = "^label='rating' for 20news; allowed: None$"
    with pytest.raises(ValueError, match=message):
        load_documents("20news", label="rating")
    message = "^seed=1 for imdb as documents; allowed: None; it has a meaning"
    with pytest.raises(ValueError, match=message):
        load_documents("imdb", seed=1)
    message = "^text_column=a for 20news as documents; allowed: None; it has a"
    with pytest.raises(ValueError, match=message):
        load_documents("20news", text_column="a")
    with pytest.raises(DataError, match=r"^20news: no data_dir given; allowed"):
        load_documents("20news")
    with pytest.raises(DataError, match=f"^{tmp_path}: no 20news-bydate there"):
        load_documents("20news", tmp_path)


# As counted with find and wc -c in the extracted archive.
def test_real_newsgroups(shared_data):
    corpus = load_documents("20news", shared_data)
    counts = [len(getattr(corpus, split)) for split in SPLITS]
    assert sum(counts[:2]) == 11_314
    assert counts[2] == 7_532
    assert len(corpus.label_names) == 20
    of_group = np.bincount(corpus.labels["train"])
    of_group += np.bincount(corpus.labels["valid"])
    assert of_group[corpus.label_names.index("alt.atheism")] == 480
    held_out = np.bincount(corpus.labels["valid"])
    np.testing.assert_array_equal(held_out, of_group // 10)
    # Headers are kept, and every byte is a character.
    assert np.mean(["Subject:" in text for text in corpus.test]) > 0.99
    assert sum(map(len, corpus.train + corpus.valid)) == 22_054_537
    sentences = split_sentences(corpus.test[0])
    assert " ".join(sentences).split() == corpus.test[0].split()


@pytest.mark.slow
def test_real_reviews(shared_data):
    corpus = load_documents("imdb", shared_data, label="rating")
    assert len(corpus.train) + len(corpus.valid) == len(corpus.test) == 25_000
    assert corpus.label_names == ("1", "2", "3", "4", "7", "8", "9", "10")
    counts = sum(np.bincount(corpus.labels[split]) for split in SPLITS)
    # As counted with ls in the extracted archive.
    expected = [10_122, 4_586, 4_961, 5_331, 4_803, 5_859, 4_607, 9_731]
    np.testing.assert_array_equal(counts, expected)
    assert not any("<br />" in text for text in corpus.test)
