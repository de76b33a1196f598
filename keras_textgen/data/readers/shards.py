"""A corpus that `python -m keras_textgen.prepare` has written."""

from __future__ import annotations

import os

import numpy as np

from keras_textgen.data.cells import wrong_value
from keras_textgen.data.corpus import SPLITS, Corpus, DataError
from keras_textgen.data.readers.files import given_path
from keras_textgen.data.shards.corpus import PreparedCorpus, open_prepared
from keras_textgen.data.shards.manifest import ALLOWED
from keras_textgen.data.shards.matrix import PreparedMatrix


def read_shards(data_dir: str | os.PathLike | None) -> Corpus:
    """Opens a prepared corpus of texts; they stay on disk.

    Args:
        data_dir: the folder.

    Returns:
        A `PreparedCorpus`.

    Raises:
        DataError: the folder is not finished, or damaged, or holds documents
            or cells.
    """
    corpus = _opened_texts(data_dir)
    rule = corpus.manifest.sentence_rule
    if rule is not None:
        raise DataError(
            f"{data_dir}: documents, prepared with --sentence_rule={rule}; "
            "allowed: a corpus prepared without it, or --model=han"
        )
    return corpus


def read_document_shards(data_dir: str | os.PathLike | None) -> Corpus:
    """Opens a prepared corpus of documents; they stay on disk.

    Args:
        data_dir: the folder.

    Returns:
        A `PreparedCorpus`.

    Raises:
        DataError: the folder is not finished, or damaged, or holds texts or
            cells.
    """
    corpus = _opened_texts(data_dir)
    if corpus.manifest.sentence_rule is None:
        raise DataError(
            f"{data_dir}: texts without sentences; allowed: a corpus prepared "
            "with --sentence_rule=graph and --label_column"
        )
    return corpus


def read_cell_shards(
    data_dir: str | os.PathLike | None, feedback: str = "ranking"
) -> Corpus:
    """Opens a prepared matrix; its cells stay on disk.

    Args:
        data_dir: the folder.
        feedback: as in `read_table`.

    Returns:
        A `PreparedMatrix`.

    Raises:
        DataError: the folder is not finished, or damaged, or holds texts, or a
            value is not allowed.
    """
    matrix = _opened(data_dir)
    if not isinstance(matrix, PreparedMatrix):
        raise DataError(
            f"{data_dir}: texts; allowed: a matrix, prepared with --row_column"
        )
    for split in SPLITS:
        cells = getattr(matrix, split)
        extent = cells.lowest, cells.highest
        wrong = wrong_value(np.array(extent), feedback)
        if wrong is not None:
            raise DataError(
                f"{data_dir}: {split} has values from {extent[0]:g} to "
                f"{extent[1]:g}; allowed with --feedback={feedback}: {wrong[1]}"
            )
    return matrix


def _opened_texts(data_dir: str | os.PathLike | None) -> PreparedCorpus:
    corpus = _opened(data_dir)
    if isinstance(corpus, PreparedMatrix):
        raise DataError(
            f"{data_dir}: cells of a matrix; allowed: --model=dmf, or a corpus "
            "prepared without --row_column"
        )
    return corpus


def _opened(
    data_dir: str | os.PathLike | None,
) -> PreparedCorpus | PreparedMatrix:
    return open_prepared(given_path("prepared", data_dir, ALLOWED))
