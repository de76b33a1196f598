"""Movie reviews: folder, archives and the parts of a review."""

import tarfile

import numpy as np
import pytest

from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.imdb import first_and_last, read_imdb

COUNT = 20


@pytest.fixture
def reviews(tmp_path):
    folder = tmp_path / "aclImdb"
    for split in ("train", "test"):
        for label, rating in {"neg": 2, "pos": 9}.items():
            below = folder / split / label
            below.mkdir(parents=True)
            for number in range(COUNT):
                path = below / f"{number}_{rating}.txt"
                path.write_text(f"{split} {label} {number} é<br />", "utf-8")
        (folder / split / "urls_pos.txt").write_text("not a review")
    unlabeled = folder / "train" / "unsup"
    unlabeled.mkdir()
    (unlabeled / "0_0.txt").write_text("not labeled")
    return folder


def pack(folder, archive):
    with tarfile.open(archive, f"w:{archive.suffix[1:]}") as members:
        members.add(folder, folder.name)
    return archive


def test_splits(reviews):
    texts = read_imdb(reviews)
    assert len(texts.train) == 36
    assert texts.valid == [
        "train neg 18 é<br />",
        "train neg 19 é<br />",
        "train pos 18 é<br />",
        "train pos 19 é<br />",
    ]
    assert texts.test[0] == "test neg 0 é<br />"
    assert len(texts.test) == 40
    for split in ("train", "valid", "test"):
        words = [text.split()[1] for text in getattr(texts, split)]
        expected = [("neg", "pos").index(word) for word in words]
        assert texts.labels[split].tolist() == expected


@pytest.mark.parametrize(
    "name", ["aclImdb_v1.tar.gz", "aclImdb_v1.tar.xz", "other.tar.gz"]
)
def test_every_place_gives_the_same(reviews, tmp_path, name):
    expected = read_imdb(reviews)
    archive = pack(reviews, tmp_path / name)
    places = [archive, reviews.parent]
    if name.startswith("aclImdb"):
        beside = tmp_path / "beside"
        beside.mkdir()
        archive.rename(beside / name)
        places = [beside, beside / name, reviews.parent]
    for place in places:
        texts = read_imdb(place)
        assert texts.train == expected.train
        assert texts.valid == expected.valid
        assert texts.test == expected.test


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_truncated_archive(reviews, tmp_path, suffix):
    archive = pack(reviews, tmp_path / f"aclImdb_v1.tar.{suffix}")
    content = archive.read_bytes()
    for kept in (0, 5, 30, len(content) // 2, len(content) * 9 // 10):
        archive.write_bytes(content[:kept])
        with pytest.raises(DataError, match=f"^{archive}: .*; allowed: ") as e:
            read_imdb(archive)
        assert "\n" not in str(e.value)


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_damaged_archive(reviews, tmp_path, suffix):
    archive = pack(reviews, tmp_path / f"aclImdb_v1.tar.{suffix}")
    whole = archive.read_bytes()
    # From behind the header of a gzip file, where a time and a name stand.
    for place in range(100, len(whole), len(whole) // 60):
        content = bytearray(whole)
        content[place] ^= 0xFF
        archive.write_bytes(content)
        with pytest.raises(DataError, match=f"^{archive}: .*; allowed: "):
            read_imdb(archive)


def test_refused(reviews, tmp_path):
    address = "https://ai.stanford.edu/~amaas/data/sentiment/"
    with pytest.raises(DataError, match=f"^imdb: no data_dir .*{address}"):
        read_imdb(None)
    missing = tmp_path / "none"
    with pytest.raises(
        DataError, match=f"^{missing}: no such folder.*{address}"
    ):
        read_imdb(missing)
    missing.mkdir()
    with pytest.raises(
        DataError, match=f"^{missing}: no aclImdb there.*{address}"
    ):
        read_imdb(missing)
    no_archive = tmp_path / "notes.txt"
    no_archive.write_text("text")
    with pytest.raises(DataError, match=f"^{no_archive}: neither a .tar.gz"):
        read_imdb(no_archive)
    for path in (reviews / "test" / "neg").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no reviews in test/neg"):
        read_imdb(reviews)
    (reviews / "train" / "pos" / "3_9.txt").write_bytes(b"one\n\xff")
    with pytest.raises(DataError, match=r"train/pos/3_9\.txt:2: invalid UTF-8"):
        read_imdb(reviews)


def test_ratings(reviews):
    polarities, ratings = read_imdb(reviews), read_imdb(reviews, "rating")
    assert polarities.label_names == ("negative", "positive")
    assert ratings.label_names == ("1", "2", "3", "4", "7", "8", "9", "10")
    assert ratings.train == polarities.train
    for split in ("train", "valid", "test"):
        expected = np.array([1, 6])[polarities.labels[split]]
        np.testing.assert_array_equal(ratings.labels[split], expected)
        assert ratings.labels[split].dtype == np.int32
    (reviews / "test" / "neg" / "3_5.txt").write_text("so-so")
    assert "so-so" in read_imdb(reviews).test
    message = "test/neg/3_5.txt: 5 points; allowed: '1', '2'"
    with pytest.raises(DataError, match=message):
        read_imdb(reviews, "rating")


def test_first_and_last_words():
    lengths = np.random.default_rng(0).integers(1, 40, size=100)
    expected = []
    for review, length in enumerate(lengths):
        expected.append([review, 0, min(length, 14)])
        if length > 14:
            expected.append([review, length - 14, length])
    np.testing.assert_array_equal(first_and_last(lengths, 14), expected)
