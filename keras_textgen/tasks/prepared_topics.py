"""Runs of the topic models on a corpus in shards, larger than memory."""

from keras_textgen.data.batches.bags import as_counts, num_words
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.shards.bags import PreparedBags
from keras_textgen.data.views import Bags
from keras_textgen.tasks.prepared_task import PreparedTask
from keras_textgen.tasks.topics import TopicTask


class PreparedTopicTask(PreparedTask, TopicTask):
    """A run of a topic model on shards.

    Topics and their scores are from the texts that `corpus` holds.
    """

    def prepare(self, data: Corpus) -> Bags:
        """Bags of some texts of each split, those with a known word."""
        common, prepared = self._opened(data), self._prepared
        counts = {
            split: as_counts(
                [ids.tolist() for ids in getattr(prepared, split).ids_of(rows)],
                num_words(prepared.vocabulary),
                prepared.vocabulary,
            )
            for split, rows in self._rows.items()
        }
        known = {split: each.sum(axis=1) > 0 for split, each in counts.items()}
        found = Bags.of_splits(
            data.name,
            {split: rows.tolist() for split, rows in self._rows.items()},
            counts={split: counts[split][known[split]] for split in SPLITS},
            whole=prepared.fingerprint,
            **common,
        )
        found.leave_out(known)
        return found

    def batches(self, split: str, batch_size: int) -> PreparedBags:
        """The texts of a split, all of them."""
        return PreparedBags(
            getattr(self._prepared, split), batch_size, self.settings.seed
        )
