"""Runs of the models that classify documents."""

import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import counted
from keras_textgen.cli.settings import constructor_arguments
from keras_textgen.data.batches.bags import num_words
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.batches.documents import (
    DocumentBatches,
    encode_documents,
)
from keras_textgen.data.corpus import Corpus
from keras_textgen.data.own_word_vectors import own_word_vectors
from keras_textgen.data.readers.word_vectors import (
    WordVectors,
    read_word_vectors,
)
from keras_textgen.data.views import Documents, documents
from keras_textgen.evaluation.figures import report_figures
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.layers.transformer import TransformerStack
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.pages.attention_page import (
    ShownDocument,
    attention_page,
    choose_documents,
)
from keras_textgen.tasks.base import (
    Task,
    indented,
    transformer_sizes,
    unknown_words_text,
    vocabulary_settings,
)
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.progress_lines import PrintedWatch
from keras_textgen.training.run_directory import write_whole

# How a document is read, by the model as by its batches.
_CUT = ("max_sentences", "max_words", "sentence_rule")
_ATTENTION_PAGE = "attention.html"
# Documents of each kind, right and wrong, on the page.
_SHOWN = 5


class DocumentTask(Task):
    """A run of the HAN on documents with labels."""

    # -- The data ------------------------------------------------------------

    def prepare(self, data: Corpus) -> Documents:
        """The documents with a known word; says which words are unknown."""
        settings = self.settings
        corpus = documents(data, **vocabulary_settings(settings))
        print(unknown_words_text(corpus.unknown_shares, settings.tokenizer))
        return corpus

    @property
    def size_text(self) -> str:
        """Words, documents and classes."""
        return (
            f"{counted(self.corpus.vocabulary.size, self.settings.tokenizer)}, "
            f"{counted(len(self.corpus.train), 'training document')}, "
            f"{counted(len(self.corpus.label_names), 'class', 'classes')}"
        )

    def batches(self, split: str, batch_size: int) -> RowBatches:
        """The documents of a split."""
        return DocumentBatches(
            self._ids(split),
            self.corpus.labels[split],
            batch_size=batch_size,
            seed=self.settings.seed,
        )

    def _ids(self, split: str) -> tf.RaggedTensor:
        """Ids [documents, (sentences), (words)] of a split."""
        cut = {
            name: value
            for name, value in self._arguments().items()
            if name in _CUT
        }
        return encode_documents(
            getattr(self.corpus, split), self.corpus.vocabulary, **cut
        )

    # -- The model -----------------------------------------------------------

    def make_model(self) -> HierarchicalAttentionNetwork:
        """The HAN, with pretrained word vectors if there are some."""
        settings = self.settings
        arguments = self._arguments()
        if settings.encoder == "transformer":
            sizes = transformer_sizes(settings)
            arguments["encoder"] = TransformerStack(**sizes)
        model = HierarchicalAttentionNetwork(
            self.corpus.vocabulary, self.corpus.label_names, **arguments
        )
        for vectors, source in self._word_vectors(model.embedding_dim):
            found = model.use_word_vectors(vectors)
            size = num_words(self.corpus.vocabulary)
            print(f"{source}: vectors of {found:,} of {counted(size, 'word')}.")
            if vectors.note:
                print(vectors.note)
        return model

    def _arguments(self) -> dict[str, Any]:
        return constructor_arguments(self.settings)

    def _word_vectors(self, width: int) -> Iterator[tuple[WordVectors, str]]:
        """What the embedding begins with, and where it is from."""
        settings, vocabulary = self.settings, self.corpus.vocabulary
        if settings.own_word_vectors:
            vectors = own_word_vectors(
                self._ids("train"),
                self.corpus.labels["train"],
                vocabulary.size,
                width,
            )
            yield vectors, "The training texts"
        if settings.word_vectors is not None:
            vectors = read_word_vectors(
                settings.word_vectors, vocabulary.get_vocabulary()
            )
            yield vectors, settings.word_vectors

    def fits(self, model: keras.Model) -> bool:
        """Whether vocabularies and classes are the same."""
        names = tuple(self.corpus.label_names)
        return super().fits(model) and names == model.label_names

    # -- What comes after training -------------------------------------------

    def print_results(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print figures beside those of a bag of words; write the page."""
        corpus = self.corpus
        results = evaluate_model(
            model,
            self._judged(),
            batch_size=self.settings.batch_size,
            watch=PrintedWatch(),
        )
        self.print_heading()
        print(indented(format_table(results)))
        self.figures += report_figures(results)
        predicted = self._predicted_of_corpus(results["predicted"])
        names = corpus.label_names
        shown = shown_documents(model, corpus, predicted)
        title = f"Attention in test documents of {corpus.name}"
        path = folder / _ATTENTION_PAGE
        with writing(path):
            write_whole(path, attention_page(shown, names, title))
        return {path.name: "words and sentences colored by attention"}

    def _judged(self) -> Any:
        """What the figures are of."""
        return self.corpus

    def _predicted_of_corpus(self, predicted: np.ndarray) -> np.ndarray:
        """What of the predictions is of the test documents of `corpus`."""
        return predicted


def document_name(corpus: Documents, row: int) -> str:
    """What a test document is called.

    Args:
      corpus: that it is of.
      row: its number in the test set, from 0.
    """
    if "test" in corpus.names:
        return corpus.names["test"][row]
    return f"Document {row + 1}"


def shown_documents(
    model: HierarchicalAttentionNetwork,
    corpus: Documents,
    predicted: np.ndarray,
) -> list[ShownDocument]:
    """Some test documents, right and wrong ones, with what is attended to.

    Args:
      model: trained.
      corpus: with a test set.
      predicted: classes of its test documents, int [N].
    """
    labels = np.asarray(corpus.labels["test"])
    rows = np.concatenate(choose_documents(predicted, labels, _SHOWN))
    attention = model.attention([corpus.test[row] for row in rows])
    return [
        ShownDocument(document_name(corpus, row), each, int(labels[row]))
        for row, each in zip(rows, attention, strict=True)
    ]
