"""Runs of the text models on a corpus in shards, larger than memory."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.shards.batches import PreparedBatches
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.views import TokenIds
from keras_textgen.tasks.base import unknown_words_text
from keras_textgen.tasks.text import TextTask

# Texts of each split that are held in memory: for what is looked at after
# training, such as probes, pages and the quality of samples.
HELD = 10_000


class PreparedTextTask(TextTask):
    """A run of a text model on shards.

    Training, validation and the figures of the test set are of all texts;
    `corpus` holds some of each split, at equal distances, for what is looked at
    beside.
    """

    def prepare(self, data: Corpus) -> TokenIds:
        """Some texts of each split."""
        if not isinstance(data, PreparedCorpus):
            raise TypeError(f"{type(data).__name__} is no PreparedCorpus")
        self._prepared = data
        shares = {s: self._whole(s, 1).unknown_share for s in SPLITS}
        print(unknown_words_text(shares, data.manifest.unit))
        rows = {
            split: spread_rows(len(getattr(data, split)), HELD)
            for split in SPLITS
        }
        return TokenIds.of_splits(
            data.name,
            {s: held(getattr(data, s), rows[s]) for s in SPLITS},
            labels={s: each[rows[s]] for s, each in data.labels.items()},
            label_names=data.label_names,
            note=data.note,
            remarks=data.remarks,
            vocabulary=data.vocabulary,
        )

    @property
    def size_text(self) -> str:
        """Words and texts."""
        return self._prepared.size_text

    def fingerprint(self) -> int:
        """Depends on the checksum of every shard."""
        return self._prepared.fingerprint

    def training_set(self, batch_size: int) -> PreparedBatches:
        """The training texts."""
        return self._whole("train", batch_size)

    def evaluation_data(self, split: str) -> tf.data.Dataset:
        """The texts of a split."""
        batches = self._whole(split, self.settings.batch_size)
        return batches.evaluation_dataset()

    def _test_set(self) -> PreparedBatches:
        return self._whole("test", self.settings.batch_size)

    def validation_data(self) -> PreparedBatches:
        """The validation set, in batches of which workers read their parts."""
        return self._whole("valid", self.settings.batch_size)

    def _whole(self, split: str, batch_size: int) -> PreparedBatches:
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
