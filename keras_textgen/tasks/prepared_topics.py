"""Runs of the topic models on a corpus in shards, larger than memory."""

import tensorflow as tf

from keras_textgen.data.batches.bags import as_counts, num_words
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.shards.bags import PreparedBags
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.views import Bags
from keras_textgen.tasks.prepared import HELD
from keras_textgen.tasks.topics import TopicTask


class PreparedTopicTask(TopicTask):
    """A run of a topic model on shards.

    Training and validation are of all texts; `corpus` holds some of each split,
    at equal distances, from which topics and their scores are.
    """

    def prepare(self, data: Corpus) -> Bags:
        """Bags of some texts of each split, those with a known word."""
        if not isinstance(data, PreparedCorpus):
            raise TypeError(f"{type(data).__name__} is no PreparedCorpus")
        self._prepared = data
        rows = {
            split: spread_rows(len(getattr(data, split)), HELD)
            for split in SPLITS
        }
        counts = {
            split: as_counts(
                [ids.tolist() for ids in getattr(data, split).ids_of(chosen)],
                num_words(data.vocabulary),
                data.vocabulary,
            )
            for split, chosen in rows.items()
        }
        known = {split: each.sum(axis=1) > 0 for split, each in counts.items()}
        found = Bags.of_splits(
            data.name,
            {split: chosen.tolist() for split, chosen in rows.items()},
            labels={s: each[rows[s]] for s, each in data.labels.items()},
            label_names=data.label_names,
            note=data.note,
            remarks=data.remarks,
            vocabulary=data.vocabulary,
            counts={split: counts[split][known[split]] for split in SPLITS},
            whole=data.fingerprint,
        )
        found.leave_out(known)
        return found

    @property
    def size_text(self) -> str:
        """Words and documents."""
        return self._prepared.size_text

    def training_set(self, batch_size: int) -> PreparedBags:
        """The training documents."""
        return self._whole("train", batch_size)

    def evaluation_data(self, split: str) -> tf.data.Dataset:
        """The documents of a split."""
        batches = self._whole(split, self.settings.batch_size)
        return batches.evaluation_dataset()

    def validation_data(self) -> PreparedBags:
        """The validation set, in batches of which workers read their parts."""
        return self._whole("valid", self.settings.batch_size)

    def _whole(self, split: str, batch_size: int) -> PreparedBags:
        return PreparedBags(
            getattr(self._prepared, split), batch_size, self.settings.seed
        )
