"""Penn Treebank in Mikolov's preparation (`simple-examples`).

The text is tokenized already: words are separated by spaces, numbers read N,
and rare words `<unk>`.
"""

from __future__ import annotations

import os
import pathlib
import re

import numpy as np

from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.readers.archives import Publication
from keras_textgen.data.readers.files import (
    find_text_file,
    given_path,
    lines_of,
    read_lines,
)

_FOLDERS = ("", "data", "simple-examples/data")
_ADDRESS = "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz"
_EXPECTED = (
    "ptb.train.txt, ptb.valid.txt and ptb.test.txt (or .txt.gz) "
    f"in the folder or in simple-examples/data below it; they are in {_ADDRESS}"
)
_PUBLICATION = Publication(
    corpus="ptb",
    folder="simple-examples",
    marker="data",
    archives=("simple-examples.tgz",),
    files="data/ptb.*.txt",
    wanted=re.compile(r"(?:^|/)data/ptb\.(train|valid|test)\.txt$"),
    address=_ADDRESS,
)


def read_ptb(data_dir: str | os.PathLike | None) -> Corpus:
    """Reads the sentences, one a line.

    Args:
        data_dir: folder with `ptb.train.txt`, `ptb.valid.txt` and
            `ptb.test.txt`, plain or `.gz`, or a folder with
            `simple-examples/data` in it; or the archive, or a folder with it.

    Returns:
        42,068, 3,370 and 3,761 sentences.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    folder = given_path("ptb", data_dir, _EXPECTED)
    archive = folder / _PUBLICATION.archives[0]
    if folder.is_file():
        archive = folder
    if archive.is_file() and not _has_files(folder):
        return _read_archive(archive)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; allowed: {_EXPECTED}")
    splits = {split: _read_split(folder, split) for split in SPLITS}
    return Corpus.of_splits("ptb", splits)


def stream_windows(
    tokens: np.ndarray, batch_size: int, window: int
) -> np.ndarray:
    """Cuts one stream of tokens into windows, as Zaremba et al. (2014) do.

    The stream is laid out in `batch_size` rows, each of which continues for an
    epoch; batch `k` is window `k` of every row. A window holds `window` inputs
    and the same number of targets, shifted by one, so neighbors share a
    token. What does not fill the rows, or a last window, is dropped.

    Args:
        tokens: ids, shape `[tokens]`.
        batch_size: number of rows.
        window: number of predicted tokens a window.

    Returns:
        Ids, shape `[batches * batch_size, window + 1]`, batch after batch;
        without rows if the stream is too short for one window.

    Example:
        >>> stream_windows(np.arange(10), batch_size=2, window=2)
        array([[0, 1, 2],
               [5, 6, 7],
               [2, 3, 4],
               [7, 8, 9]])
    """
    columns = len(tokens) // batch_size
    rows = tokens[: batch_size * columns].reshape(batch_size, columns)
    starts = np.arange(0, columns - window, window)
    positions = starts[:, np.newaxis] + np.arange(window + 1)
    windows = rows[:, positions].swapaxes(0, 1)
    return windows.reshape(-1, window + 1)


def _has_files(folder: pathlib.Path) -> bool:
    return any(
        find_text_file(folder / below, "ptb.train.txt") for below in _FOLDERS
    )


def _read_archive(archive: pathlib.Path) -> Corpus:
    splits = {}
    for name, content in _PUBLICATION.read(archive):
        found = _PUBLICATION.wanted.search(name)
        assert found is not None
        splits[found[1]] = lines_of(content, f"{archive}: {name}")
    for split in SPLITS:
        if split not in splits:
            raise DataError(
                f"{archive}: data/ptb.{split}.txt is missing; allowed: "
                f"{_EXPECTED}"
            )
    return Corpus.of_splits("ptb", splits)


def _read_split(folder: pathlib.Path, split: str) -> list[str]:
    name = f"ptb.{split}.txt"
    for below in _FOLDERS:
        path = find_text_file(folder / below, name)
        if path is not None:
            return read_lines(path)
    raise DataError(f"{folder}: {name} is missing; allowed: {_EXPECTED}")
