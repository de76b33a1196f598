"""Large Movie Review Dataset (Maas et al., 2011), as HDGM used it.

The original read the reviews as ids of Keras's IMDB word index, in which 0 is
padding, 1 the start, 2 the unknown word and 3 the end. Here the words come from
the archive of the publisher, with the ids of every other corpus (0 padding, 1
unknown, 2 start, 3 end). Numbering changes no figure: ids only name rows of
the embedding and of the output weights, which start at random.
"""

from __future__ import annotations

import os
import pathlib
import re

import numpy as np

from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.formats.streams import decode
from keras_textgen.data.labels import listing
from keras_textgen.data.readers.archives import Publication

LABELS = ("polarity", "rating")
_PUBLICATION = Publication(
    corpus="imdb",
    folder="aclImdb",
    marker="train",
    archives=("aclImdb_v1.tar.gz", "aclImdb_v1.tar.xz"),
    files="t*/*/*.txt",
    wanted=re.compile(r"(train|test)/(neg|pos)/(\d+)_(\d+)\.txt$"),
    address="https://ai.stanford.edu/~amaas/data/sentiment/",
)
_FOLDERS = ("neg", "pos")
_POLARITIES = ("negative", "positive")
# Reviews of 5 and 6 points are not in the data set.
_RATINGS = ("1", "2", "3", "4", "7", "8", "9", "10")
_BREAK = re.compile(r"<br */?>")
# One review: split, folder, number and rating.
_Key = tuple[str, str, int, str]


def read_imdb(
    data_dir: str | os.PathLike | None, label: str = "polarity"
) -> Corpus:
    """Reads the reviews from the extracted folder or from the archive.

    For validation, the last 10 % of the training reviews of each label, in the
    order of their numbers, are held out. The publisher numbers the reviews of
    one movie in a row, so hardly a movie is on both sides.

    Args:
        data_dir: the folder `aclImdb`, a folder that holds it or the archive,
            or the archive, which is read without being extracted.
        label: `"polarity"` (negative or positive) or `"rating"` (1 to 4 and 7
            to 10 points).

    Returns:
        22,500, 2,500 and 25,000 reviews.

    Raises:
        DataError: the reviews are missing, or a file cannot be used.
    """
    source = _PUBLICATION.find(data_dir)
    reviews = {}
    for name, content in _PUBLICATION.read(source):
        split, folder, number, rating = _PUBLICATION.wanted.search(
            name
        ).groups()
        if label == "rating" and rating not in _RATINGS:
            raise DataError(
                f"{source}: {name}: {rating} points; "
                f"allowed: {listing(_RATINGS)}"
            )
        text = decode(content, f"{source}: {name}")
        reviews[split, folder, int(number), rating] = text
    train, valid, test = [], [], []
    for folder in _FOLDERS:
        labeled = _in_order(reviews, "train", folder, source)
        held_out = len(labeled) // 10
        train += labeled[: len(labeled) - held_out]
        valid += labeled[len(labeled) - held_out :]
        test += _in_order(reviews, "test", folder, source)
    splits = {"train": train, "valid": valid, "test": test}
    return Corpus.of_splits(
        "imdb",
        {name: [reviews[key] for key in splits[name]] for name in splits},
        labels={
            name: np.array([_number(key, label) for key in keys], np.int32)
            for name, keys in splits.items()
        },
        label_names=_RATINGS if label == "rating" else _POLARITIES,
    )


def read_imdb_documents(
    data_dir: str | os.PathLike | None, label: str = "polarity"
) -> Corpus:
    """Reads the reviews as documents: each `<br />` of them is a line end.

    Args:
        data_dir: as in `read_imdb`.
        label: as in `read_imdb`.

    Returns:
        22,500, 2,500 and 25,000 reviews.

    Raises:
        DataError: the reviews are missing, or a file cannot be used.
    """
    corpus = read_imdb(data_dir, label)
    for split in SPLITS:
        documents = [_BREAK.sub("\n", text) for text in getattr(corpus, split)]
        setattr(corpus, split, documents)
    return corpus


def first_and_last(lengths: np.ndarray, words: int) -> np.ndarray:
    """Chooses the parts of reviews that are sequences of the corpus.

    A review of at most `words` words is one sequence; a longer one gives
    two, its first and its last `words` words.

    Args:
        lengths: words of each review, shape `[reviews]`.
        words: the most words of a sequence.

    Returns:
        Integers `[sequences, 3]`: the review, and the first word and the end
        of its part.

    Example:
        >>> first_and_last(np.array([2, 5]), words=3)
        array([[0, 0, 2],
               [1, 0, 3],
               [1, 2, 5]])
    """
    rows = np.arange(len(lengths))
    longer = lengths > words
    first = np.stack([rows, 0 * rows, np.minimum(lengths, words)], axis=1)
    last = np.stack([rows, lengths - words, lengths], axis=1)[longer]
    parts = np.concatenate([first, last])
    return parts[np.argsort(parts[:, 0], kind="stable")]


def _number(key: _Key, label: str) -> int:
    _, folder, _, rating = key
    if label == "rating":
        return _RATINGS.index(rating)
    return _FOLDERS.index(folder)


def _in_order(
    reviews: dict[_Key, str], split: str, folder: str, source: pathlib.Path
) -> list[_Key]:
    keys = sorted(key for key in reviews if key[:2] == (split, folder))
    if not keys:
        raise DataError(
            f"{source}: no reviews in {split}/{folder}; "
            f"allowed: {_PUBLICATION.expected}"
        )
    return keys
