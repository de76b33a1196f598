"""Runs of the topic models: documents, model, topics."""

import pathlib
from typing import Any

import keras
import numpy as np
import scipy.sparse
from sklearn.metrics import homogeneity_completeness_v_measure

from keras_textgen.checks import counted, refused
from keras_textgen.cli.settings import constructor_arguments
from keras_textgen.data.batches.bags import BagBatches
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.views import Bags, bags
from keras_textgen.evaluation.figures import report_figures
from keras_textgen.evaluation.report import format_table
from keras_textgen.evaluation.topics import scores_as_csv
from keras_textgen.models.register import MODELS
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from keras_textgen.pages.topic_page import topic_page
from keras_textgen.tasks.base import Task, indented, kl_schedule
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.progress_lines import PrintedWatch
from keras_textgen.training.run_directory import write_whole

_TABLE, _PAGE = "topics.csv", "topics.html"
_FIGURES = ("val_homogeneity", "val_completeness", "val_v_measure")
_NUM_WORDS = 10
# Of documents without labels, where no number of topics is given.
_MOST_TOPICS, _DOCUMENTS_A_TOPIC = 20, 10
_STOP_WORDS = (
    "Left out: the stop words of English (--nostop_words keeps them); those of "
    "other languages by a lower --max_share."
)


class TopicTask(Task):
    """A run of a topic model on bags of words."""

    # -- The data ------------------------------------------------------------

    def prepare(self, data: Corpus) -> Bags:
        """The bags of words that hold one."""
        settings = self.settings
        limits: dict[str, Any] = {"max_share": settings.max_share}
        if settings.stop_words is False:
            limits["stop_words"] = ()
        else:
            print(_STOP_WORDS)
        return bags(
            data,
            vocab_size=settings.vocab_size,
            min_count=settings.min_count,
            tokenizer=settings.tokenizer,
            **{name: v for name, v in limits.items() if v is not None},
        )

    @property
    def size_text(self) -> str:
        """Words, documents and non-zeros."""
        counts = self.corpus.counts["train"]
        return (
            f"{counted(counts.shape[1], 'word')}, "
            f"{counted(counts.shape[0], 'training document')}, "
            f"{counted(counts.nnz, 'count')} above 0"
        )

    def batches(self, split: str, batch_size: int) -> RowBatches:
        """The documents of a split."""
        return BagBatches(
            self.corpus.counts[split], batch_size, self.settings.seed
        )

    # -- The model -----------------------------------------------------------

    def make_model(self) -> keras.Model:
        """The model that the settings describe."""
        settings, counts = self.settings, self.corpus.counts["train"]
        arguments = constructor_arguments(settings)
        num_topics = arguments.setdefault(
            "num_topics", self._default_num_topics()
        )
        if num_topics > counts.shape[0]:
            raise refused(
                f"--num_topics={num_topics} for "
                f"{counted(counts.shape[0], 'training document')}",
                "at most as many",
            )
        if settings.kl_schedule is not None:
            steps = self.training_batches().steps_per_epoch
            arguments["kl_schedule"] = kl_schedule(settings, steps)
        if settings.model == "sae" and "alpha" not in arguments:
            return SoftmaxAutoencoder.from_documents(
                counts, self.corpus.vocabulary, **arguments
            )
        return MODELS[settings.model](self.corpus.vocabulary, **arguments)

    def _default_num_topics(self) -> int:
        """As many as labels; without labels, what ten documents each allow."""
        if self.corpus.label_names:
            return len(self.corpus.label_names)
        documents = self.corpus.counts["train"].shape[0]
        return max(2, min(_MOST_TOPICS, documents // _DOCUMENTS_A_TOPIC))

    def diagnostics(self, model: keras.Model) -> list[keras.callbacks.Callback]:
        """Topics of every epoch, so that they are saved with its weights."""
        del model
        counts, labels = self.corpus.counts, self.corpus.labels
        return [TopicsOfEpoch(counts["train"], counts["valid"], labels)]

    # -- What comes after training -------------------------------------------

    def print_results(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print scores beside those of baselines, and the topics."""
        labels = self.corpus.labels
        results = model.report_of_counts(
            self.corpus.counts, labels, watch=PrintedWatch()
        )
        self.print_heading()
        print(indented(format_table(results)))
        self.figures += report_figures(results)
        num_words = min(_NUM_WORDS, model.num_words)
        words = model.topic_words(num_words)
        print("\nTopics:")
        for number, each in enumerate(words):
            print(f"  {number:3}  {' '.join(each)}")
        every = scipy.sparse.vstack(
            list(self.corpus.counts.values()), format="csr"
        )
        page = topic_page(
            np.concatenate(list(results["codes"].values())),
            model.topics(every),
            words,
            title=f"Topics of {self.corpus.name}",
            note=self.corpus.note,
            labels=np.concatenate([labels[each] for each in SPLITS])
            if labels
            else None,
            label_names=self.corpus.label_names,
            seed=self.settings.seed,
        )
        contents = {_TABLE: scores_as_csv(results["scores"]), _PAGE: page}
        for name, text in contents.items():
            with writing(folder / name):
                write_whole(folder / name, text)
        return {_TABLE: "the table above", _PAGE: "a map of the topics"}


class TopicsOfEpoch(keras.callbacks.Callback):
    """Finds topics after an epoch, and adds what they are worth.

    `val_homogeneity`, `val_completeness` and `val_v_measure` compare topics and
    labels of the validation documents. They are for reading: no setting and no
    choice of an epoch depends on labels.

    Args:
      train: counts of words that topics are found in.
      valid: counts of words that they are compared on.
      labels: by split; empty for no comparison.
    """

    def __init__(
        self,
        train: scipy.sparse.csr_array,
        valid: scipy.sparse.csr_array,
        labels: dict[str, object],
    ) -> None:
        super().__init__()
        self._train, self._valid, self._labels = train, valid, labels

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds the figures to `logs`, which later callbacks see."""
        self.model.fit_topics(self._train)
        if self._labels:
            figures = homogeneity_completeness_v_measure(
                self._labels["valid"], self.model.topics(self._valid)
            )
            for name, value in zip(_FIGURES, figures, strict=True):
                logs[name] = float(value)
