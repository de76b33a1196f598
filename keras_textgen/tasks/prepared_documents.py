"""Runs of models of documents on a corpus in shards, larger than memory."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import counted
from keras_textgen.cli.settings import RunError
from keras_textgen.data.batches.documents import MAX_SENTENCES, MAX_WORDS
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.shards.documents import (
    PreparedDocuments,
    sentence_texts,
)
from keras_textgen.data.views import Documents
from keras_textgen.tasks.base import unknown_words_text
from keras_textgen.tasks.documents import DocumentTask
from keras_textgen.tasks.prepared import HELD


class PreparedDocumentTask(DocumentTask):
    """A run of the HAN on shards.

    Training, validation and the figures of the test set are of all documents;
    `corpus` holds some of each split, at equal distances, for what is looked at
    beside.
    """

    def prepare(self, data: Corpus) -> Documents:
        """Some documents of each split, as lists of sentences."""
        if not isinstance(data, PreparedCorpus):
            raise TypeError(f"{type(data).__name__} is no PreparedCorpus")
        self._prepared = data
        self._check_rule()
        counts = data.manifest.counts
        shares = {
            s: counts[s].unknown / max(1, counts[s].tokens) for s in SPLITS
        }
        print(unknown_words_text(shares, data.manifest.unit))
        self._rows = {
            split: spread_rows(len(getattr(data, split)), HELD)
            for split in SPLITS
        }
        return Documents.of_splits(
            data.name,
            {
                split: sentence_texts(
                    getattr(data, split), data.vocabulary, rows
                )
                for split, rows in self._rows.items()
            },
            labels={s: each[self._rows[s]] for s, each in data.labels.items()},
            label_names=data.label_names,
            note=data.note,
            remarks=data.remarks,
            vocabulary=data.vocabulary,
            unknown_shares=shares,
            whole=data.fingerprint,
        )

    def _check_rule(self) -> None:
        given = self.settings.sentence_rule
        rule = self._prepared.manifest.sentence_rule
        if given not in (None, rule):
            raise RunError(
                f"--sentence_rule={given} with documents prepared with "
                f"--sentence_rule={rule}; allowed: the same"
            )

    @property
    def size_text(self) -> str:
        """Words, documents and classes."""
        names = self._prepared.label_names
        classes = counted(len(names), "class", "classes")
        return f"{self._prepared.size_text}, {classes}"

    def training_set(self, batch_size: int) -> PreparedDocuments:
        """The training documents."""
        return self._whole("train", batch_size)

    def evaluation_data(self, split: str) -> tf.data.Dataset:
        """The documents of a split."""
        batches = self._whole(split, self.settings.batch_size)
        return batches.evaluation_dataset()

    def validation_data(self) -> PreparedDocuments:
        """The validation set, in batches of which workers read their parts."""
        return self._whole("valid", self.settings.batch_size)

    def _whole(self, split: str, batch_size: int) -> PreparedDocuments:
        settings = self.settings
        return PreparedDocuments(
            getattr(self._prepared, split),
            batch_size,
            settings.seed,
            max_sentences=settings.max_sentences or MAX_SENTENCES,
            max_words=settings.max_words or MAX_WORDS,
        )

    def _arguments(self) -> dict[str, Any]:
        rule = self._prepared.manifest.sentence_rule
        return {**super()._arguments(), "sentence_rule": rule}

    def _judged(self) -> PreparedCorpus:
        return self._prepared

    def _predicted_of_corpus(self, predicted: np.ndarray) -> np.ndarray:
        return predicted[self._rows["test"]]
