"""What all runs on a corpus in shards share, whatever the model reads."""

from typing import Any

import numpy as np

from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.tasks.base import Task

# Texts of each split that are held in memory: for what is looked at after
# training, such as probes, pages and the quality of samples.
HELD = 10_000


class PreparedTask(Task):
    """A run on shards, before the class of its kind in the order of bases.

    Training and validation are of all texts; `corpus` holds some of each split,
    at equal distances, for what is looked at beside.
    """

    _prepared: PreparedCorpus
    # Of those that are held, by split.
    _rows: dict[str, np.ndarray]

    def _opened(self, data: Corpus) -> dict[str, Any]:
        """Keeps the corpus, and chooses the rows that are held.

        Args:
          data: that was read.

        Returns:
          What every view of these rows has, as `Corpus.of_splits` takes it.
        """
        if not isinstance(data, PreparedCorpus):
            raise TypeError(f"{type(data).__name__} is no PreparedCorpus")
        self._prepared = data
        self._rows = {
            split: spread_rows(len(getattr(data, split)), HELD)
            for split in SPLITS
        }
        return {
            "labels": {
                s: each[self._rows[s]] for s, each in data.labels.items()
            },
            "label_names": data.label_names,
            "note": data.note,
            "remarks": data.remarks,
            "vocabulary": data.vocabulary,
        }

    @property
    def size_text(self) -> str:
        """Words and texts."""
        return self._prepared.size_text

    def validation_data(self) -> RowBatches:
        """The validation set, in batches of which workers read their parts."""
        return self.batches("valid", self.settings.batch_size)
