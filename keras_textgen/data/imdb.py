"""Large Movie Review Dataset (Maas et al., 2011), as HDGM used it.

The original read the reviews as ids of Keras's IMDB word index, in which 0 is
padding, 1 the start, 2 the unknown word and 3 the end. Here the words come from
the archive of the publisher, with the ids of every other corpus (0 padding, 1
unknown, 2 start, 3 end). Numbering changes no figure: ids only name rows of
the embedding and of the output weights, which start at random.
"""

from __future__ import annotations

import gzip
import lzma
import os
import pathlib
import re
import tarfile
import zlib
from collections.abc import Iterator

import numpy as np

from keras_textgen.data.reading import (
    DataError,
    Texts,
    decode,
    read_bytes,
)

_ARCHIVES = ("aclImdb_v1.tar.gz", "aclImdb_v1.tar.xz")
_EXPECTED = (
    "the folder aclImdb, a folder with it or with aclImdb_v1.tar.gz or .tar.xz "
    "in it, or the archive itself; it is at "
    "https://ai.stanford.edu/~amaas/data/sentiment/"
)
_REVIEW = re.compile(r"(train|test)/(neg|pos)/(\d+)_\d+\.txt$")
_LABELS = {"neg": 0, "pos": 1}
# By the first bytes of a file, because users rename archives.
_PIECE = 2**20
_DECOMPRESS = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\0": lzma.open}
# One review: split, label and number.
_Key = tuple[str, str, int]


def read_imdb(data_dir: str | os.PathLike | None) -> Texts:
    """Reads the reviews from the extracted folder or from the archive.

    For validation, the last 10 % of the training reviews of each label, in the
    order of their numbers, are held out. The publisher numbers the reviews of
    one movie in a row, so hardly a movie is on both sides.

    Args:
        data_dir: the folder `aclImdb`, a folder that holds it or the archive,
            or the archive, which is read without being extracted.

    Returns:
        22,500, 2,500 and 25,000 reviews with labels 0 (negative) and 1
        (positive).

    Raises:
        DataError: the reviews are missing, or a file cannot be used.
    """
    if data_dir is None:
        raise DataError(f"imdb: no data_dir given; allowed: {_EXPECTED}")
    source = _find(pathlib.Path(data_dir))
    files = _archive_files(source) if source.is_file() else _files(source)
    reviews = {}
    for name, content in files:
        split, label, number = _REVIEW.search(name).groups()
        text = decode(content, f"{source}: {name}")
        reviews[split, label, int(number)] = text
    train, valid, test = [], [], []
    for label in _LABELS:
        labeled = _in_order(reviews, "train", label, source)
        held_out = len(labeled) // 10
        train += labeled[: len(labeled) - held_out]
        valid += labeled[len(labeled) - held_out :]
        test += _in_order(reviews, "test", label, source)
    splits = {"train": train, "valid": valid, "test": test}
    return Texts(
        **{name: [reviews[key] for key in splits[name]] for name in splits},
        labels={
            name: np.array([_LABELS[key[1]] for key in keys], np.int32)
            for name, keys in splits.items()
        },
        label_names=("negative", "positive"),
    )


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


def _find(source: pathlib.Path) -> pathlib.Path:
    candidates = [source / name for name in ("aclImdb", *_ARCHIVES)]
    if source.is_file() or (source / "train").is_dir():
        return source
    for candidate in candidates:
        if candidate.exists():
            return candidate
    problem = "no reviews there" if source.is_dir() else "no such folder"
    raise DataError(f"{source}: {problem}; allowed: {_EXPECTED}")


def _files(folder: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.glob("t*/*/*.txt"):
        name = path.relative_to(folder).as_posix()
        if _REVIEW.search(name):
            yield name, read_bytes(path)


def _archive_files(archive: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    try:
        # The stream is opened here, because tarfile's own one takes the end of
        # a truncated file for the end of the archive. "|": no seeking.
        with (
            _DECOMPRESS[_compression(archive)](archive) as stream,
            tarfile.open(fileobj=stream, mode="r|") as members,
        ):
            for member in members:
                if member.isfile() and _REVIEW.search(member.name):
                    yield member.name, members.extractfile(member).read()
            # A damaged header reads as the end of the archive; only the
            # checksum at the end of the stream tells.
            while stream.read(_PIECE):
                pass
    except (
        EOFError,
        OSError,
        lzma.LZMAError,
        tarfile.TarError,
        zlib.error,
    ) as error:
        raise DataError(
            f"{archive}: the archive is damaged or not whole ({error}); "
            f"allowed: {_EXPECTED}"
        ) from error


def _compression(archive: pathlib.Path) -> bytes:
    with archive.open("rb") as file:
        start = file.read(6)
    for magic in _DECOMPRESS:
        if start.startswith(magic):
            return magic
    raise DataError(
        f"{archive}: neither a .tar.gz nor a .tar.xz; allowed: {_EXPECTED}"
    )


def _in_order(
    reviews: dict[_Key, str], split: str, label: str, source: pathlib.Path
) -> list[_Key]:
    keys = sorted(key for key in reviews if key[:2] == (split, label))
    if not keys:
        raise DataError(
            f"{source}: no reviews in {split}/{label}; allowed: {_EXPECTED}"
        )
    return keys
