"""The readers of corpora by name; free of TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable

from keras_textgen.data.readers.files import Texts
from keras_textgen.data.readers.imdb import read_imdb
from keras_textgen.data.readers.prepared import (
    read_dbpedia,
    read_yahoo,
    read_yahoo_short,
)
from keras_textgen.data.readers.ptb import read_ptb
from keras_textgen.data.readers.sotu import read_sotu
from keras_textgen.data.readers.text import read_text


def read_texts(
    name: str, data_dir: str | os.PathLike | None, seed: int = 0
) -> Texts:
    r"""Reads a corpus as `load_corpus` does, before words become ids.

    Args:
        name: as in `load_corpus`.
        data_dir: its file, folder or archive; None for `sotu`.
        seed: of the split of `sotu` and `text`.

    Returns:
        The texts.

    Raises:
        DataError: the files are missing or cannot be used.
        ValueError: there is no such corpus.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "roses.txt")
        >>> _ = path.write_text("A rose is a rose.\n" * 30, "utf-8")
        >>> len(read_texts("text", path).train)
        24
    """
    readers: dict[str, Callable[[], Texts]] = {
        "sotu": lambda: read_sotu(seed),
        "ptb": lambda: read_ptb(data_dir),
        "imdb": lambda: read_imdb(data_dir),
        "text": lambda: read_text(data_dir, seed),
        "yahoo": lambda: read_yahoo(data_dir),
        "yahoo_short": lambda: read_yahoo_short(data_dir),
        "dbpedia": lambda: read_dbpedia(data_dir),
    }
    if name not in readers:
        raise ValueError(f"corpus {name!r}; allowed: {', '.join(readers)}")
    return readers[name]()
