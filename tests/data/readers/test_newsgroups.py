"""20 Newsgroups: folder and archive, splits and groups."""

import tarfile

import numpy as np
import pytest

from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.newsgroups import read_newsgroups

GROUPS = ("alt.atheism", "rec.autos", "sci.med")


@pytest.fixture
def posts(tmp_path):
    folder = tmp_path / "news"
    for split, count in {"train": 20, "test": 3}.items():
        for group in GROUPS:
            below = folder / f"20news-bydate-{split}" / group
            below.mkdir(parents=True)
            for number in range(count):
                text = f"Subject: {group}\r\n\r\n{split} {number} caf\xe9\n"
                (below / str(number + 95)).write_bytes(text.encode("latin-1"))
    return folder


def test_splits(posts):
    texts = read_newsgroups(posts, seed=3)
    assert texts.label_names == GROUPS
    assert texts.test[:2] == [
        "Subject: alt.atheism\n\ntest 0 café\n",
        "Subject: alt.atheism\n\ntest 1 café\n",
    ]
    assert texts.labels["test"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    together = sorted(texts.train + texts.valid)
    assert together == sorted(
        f"Subject: {group}\n\ntrain {number} café\n"
        for group in GROUPS
        for number in range(20)
    )
    for split, count in {"train": 18, "valid": 2}.items():
        labels = texts.labels[split]
        assert labels.dtype == np.int32
        assert np.bincount(labels).tolist() == [count] * 3
        for text, label in zip(getattr(texts, split), labels, strict=True):
            assert text.startswith(f"Subject: {GROUPS[label]}\n")
    assert read_newsgroups(posts, seed=3).valid == texts.valid
    assert read_newsgroups(posts, seed=4).valid != texts.valid


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_the_archive(posts, tmp_path, suffix):
    expected = read_newsgroups(posts)
    archive = tmp_path / f"20news-bydate.tar.{suffix}"
    with tarfile.open(archive, f"w:{suffix}") as members:
        for folder in posts.iterdir():
            members.add(folder, folder.name)
    for place in (archive, tmp_path):
        texts = read_newsgroups(place)
        assert texts.train == expected.train
        assert texts.test == expected.test


def test_refused(posts):
    for path in (posts / "20news-bydate-test").glob("*/*"):
        path.unlink()
    with pytest.raises(
        DataError, match=f"^{posts}: no posts in 20news-bydate-"
    ):
        read_newsgroups(posts)
    new = posts / "20news-bydate-test" / "sci.new"
    new.mkdir()
    (new / "7").write_text("new")
    with pytest.raises(
        DataError, match=r"test/sci\.new/7: no such group in tra"
    ):
        read_newsgroups(posts)
