"""20 Newsgroups, split by date (collected by Ken Lang, sorted by J. Rennie)."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Mapping, Sequence

from keras_textgen.data.corpus import Corpus, DataError
from keras_textgen.data.labels import listing, number_labels, sorted_names
from keras_textgen.data.readers.archives import Publication
from keras_textgen.data.splits import rows_at_random

_PUBLICATION = Publication(
    corpus="20news",
    folder="20news-bydate",
    marker="20news-bydate-train",
    archives=("20news-bydate.tar.gz", "20news-bydate.tar.xz"),
    files="20news-bydate-t*/*/*",
    wanted=re.compile(r"20news-bydate-(train|test)/([^/]+)/(\d+)$"),
    address="http://qwone.com/~jason/20Newsgroups/",
)
# Split, group and number of a post.
_Key = tuple[str, str, int]


def read_newsgroups(
    data_dir: str | os.PathLike | None, seed: int = 0
) -> Corpus:
    """Reads the posts of 20 newsgroups, split by date, with their headers.

    For validation, 10 % of the training posts of each group are held out. The
    files say nothing of their encoding and are read as Latin-1, in which no
    byte is invalid.

    Args:
        data_dir: a folder with `20news-bydate-train` and `20news-bydate-test`
            or with the archive, or the archive, which is read without being
            extracted.
        seed: of what is held out.

    Returns:
        10,191, 1,123 and 7,532 posts, by group and number, labeled by their
        group.

    Raises:
        DataError: the posts are missing, or a file cannot be used.
    """
    source = _PUBLICATION.find(data_dir)
    posts = _posts(source)
    keys = {
        split: sorted(key for key in posts if key[0] == split)
        for split in ("train", "test")
    }
    names = sorted_names(group for _, group, _ in keys["train"])
    _check(source, keys, names)
    labels = {
        split: number_labels([group for _, group, _ in keys[split]], names)
        for split in keys
    }
    train, valid = rows_at_random(
        len(keys["train"]), seed, labels["train"], held_out_parts=1
    )
    of_splits = {
        "train": [keys["train"][row] for row in train],
        "valid": [keys["train"][row] for row in valid],
        "test": keys["test"],
    }
    return Corpus.of_splits(
        "20news",
        {
            split: [posts[key] for key in chosen]
            for split, chosen in of_splits.items()
        },
        labels={
            "train": labels["train"][train],
            "valid": labels["train"][valid],
            "test": labels["test"],
        },
        label_names=names,
        names={
            split: [f"{group}/{number}" for _, group, number in chosen]
            for split, chosen in of_splits.items()
        },
    )


def _posts(source: pathlib.Path) -> dict[_Key, str]:
    found = {}
    for name, content in _PUBLICATION.read(source):
        split, group, number = _PUBLICATION.wanted.search(name).groups()
        text = content.decode("latin-1").replace("\r\n", "\n")
        found[split, group, int(number)] = text
    return found


def _check(
    source: pathlib.Path,
    keys: Mapping[str, Sequence[_Key]],
    names: Sequence[str],
) -> None:
    """Refuses a split without posts, and groups that training lacks."""
    for split in keys:
        if not keys[split]:
            raise DataError(
                f"{source}: no posts in 20news-bydate-{split}; "
                f"allowed: {_PUBLICATION.expected}"
            )
    for split, group, number in keys["test"]:
        if group not in names:
            raise DataError(
                f"{source}: 20news-bydate-{split}/{group}/{number}: no such "
                f"group in training; allowed: {listing(names)}"
            )
