"""Runs of the text models on a corpus in shards, larger than memory."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.shards.batches import PreparedBatches
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.views import TokenIds
from keras_textgen.tasks.base import unknown_words_text
from keras_textgen.tasks.prepared_task import PreparedTask
from keras_textgen.tasks.text import TextTask


class PreparedTextTask(PreparedTask, TextTask):
    """A run of a text model on shards, with test figures of all texts."""

    def prepare(self, data: Corpus) -> TokenIds:
        """Some texts of each split."""
        common = self._opened(data)
        prepared = self._prepared
        shares = {s: self.batches(s, 1).unknown_share for s in SPLITS}
        print(unknown_words_text(shares, prepared.manifest.unit))
        return TokenIds.of_splits(
            data.name,
            {s: held(getattr(prepared, s), self._rows[s]) for s in SPLITS},
            **common,
        )

    def fingerprint(self) -> int:
        """Depends on the checksum of every shard."""
        return self._prepared.fingerprint

    def _test_set(self) -> PreparedBatches:
        return self.batches("test", self.settings.batch_size)

    def batches(self, split: str, batch_size: int) -> PreparedBatches:
        """The texts of a split, all of them."""
        return PreparedBatches(
            getattr(self._prepared, split), batch_size, self.settings.seed
        )


def held(split: PreparedSplit, rows: np.ndarray) -> tf.RaggedTensor:
    """Some texts of a split, int32 [texts, (time)]."""
    ids = split.ids_of(rows)
    values: Any = np.concatenate(ids).astype(np.int32)
    return tf.RaggedTensor.from_row_lengths(
        values, np.array(list(map(len, ids)), np.int64)
    )
