"""Runs of models of documents on a corpus in shards, larger than memory."""

from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.cli.settings import RunError
from keras_textgen.data.batches.documents import MAX_SENTENCES, MAX_WORDS
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.shards.documents import (
    PreparedDocuments,
    sentence_texts,
)
from keras_textgen.data.views import Documents
from keras_textgen.tasks.base import unknown_words_text
from keras_textgen.tasks.documents import DocumentTask
from keras_textgen.tasks.prepared_task import PreparedTask


class PreparedDocumentTask(PreparedTask, DocumentTask):
    """A run of the HAN on shards, with test figures of all documents."""

    def prepare(self, data: Corpus) -> Documents:
        """Some documents of each split, as lists of sentences."""
        common = self._opened(data)
        self._check_rule()
        prepared, counts = self._prepared, self._prepared.manifest.counts
        shares = {
            s: counts[s].unknown / max(1, counts[s].tokens) for s in SPLITS
        }
        print(unknown_words_text(shares, prepared.manifest.unit))
        return Documents.of_splits(
            data.name,
            {
                split: sentence_texts(
                    getattr(prepared, split), prepared.vocabulary, rows
                )
                for split, rows in self._rows.items()
            },
            unknown_shares=shares,
            whole=prepared.fingerprint,
            **common,
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
        return f"{super().size_text}, {classes}"

    def batches(self, split: str, batch_size: int) -> PreparedDocuments:
        """The documents of a split, all of them."""
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
