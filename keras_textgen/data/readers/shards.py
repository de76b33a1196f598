"""A corpus that `python -m keras_textgen.prepare` has written."""

from __future__ import annotations

import os

from keras_textgen.data.corpus import Corpus, DataError
from keras_textgen.data.shards.corpus import open_prepared


def read_shards(data_dir: str | os.PathLike | None) -> Corpus:
    """Opens a prepared corpus; its texts stay on disk.

    Args:
        data_dir: the folder.

    Returns:
        A `PreparedCorpus`.

    Raises:
        DataError: the folder is not finished, or damaged.
    """
    if data_dir is None:
        raise DataError(
            "prepared: no data_dir given; allowed: a folder that python -m "
            "keras_textgen.prepare has finished"
        )
    return open_prepared(data_dir)
