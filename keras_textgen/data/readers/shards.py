"""A corpus that `python -m keras_textgen.prepare` has written."""

from __future__ import annotations

import os

from keras_textgen.data.corpus import Corpus, DataError
from keras_textgen.data.shards.corpus import PreparedCorpus, open_prepared


def read_shards(data_dir: str | os.PathLike | None) -> Corpus:
    """Opens a prepared corpus of texts; they stay on disk.

    Args:
        data_dir: the folder.

    Returns:
        A `PreparedCorpus`.

    Raises:
        DataError: the folder is not finished, or damaged, or holds documents.
    """
    corpus = _opened(data_dir)
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
        DataError: the folder is not finished, or damaged, or holds texts.
    """
    corpus = _opened(data_dir)
    if corpus.manifest.sentence_rule is None:
        raise DataError(
            f"{data_dir}: texts without sentences; allowed: a corpus prepared "
            "with --sentence_rule=graph and --label_column"
        )
    return corpus


def _opened(data_dir: str | os.PathLike | None) -> PreparedCorpus:
    if data_dir is None:
        raise DataError(
            "prepared: no data_dir given; allowed: a folder that python -m "
            "keras_textgen.prepare has finished"
        )
    return open_prepared(data_dir)
