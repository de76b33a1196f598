"""Documents as users have them, read as one model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.data.batches.documents import (
    Document,
    DocumentBatches,
    as_document_ids,
    encode_documents,
    encode_sentences,
    sentences_and_words,
    sentences_of,
)
from keras_textgen.data.batches.sequences import checked_ids
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.tokens import PAD_ID

# What the methods for users take: texts or lists of sentences, ids
# [documents, sentences, words], or batches.
Documents = (
    Sequence[Document]
    | tf.RaggedTensor
    | tf.Tensor
    | np.ndarray
    | tf.data.Dataset
    | DocumentBatches
)


class DocumentReader(NamedTuple):
    """How a model reads documents.

    Attributes:
        vocabulary: Words to ids.
        max_sentences: Of a longer document, the first so many are read.
        max_words: Of a longer sentence, the first so many are read.
        sentence_rule: How texts are cut into sentences, see `sentences_of`.

    Example:
        >>> reader = DocumentReader(Vocabulary(["red", "rose"]), 9, 9)
        >>> reader.ids(["A rose. A red rose."])
        <tf.RaggedTensor [[[1, 5, 1], [1, 4, 5, 1]]]>
    """

    vocabulary: Vocabulary
    max_sentences: int
    max_words: int
    sentence_rule: str = "graph"

    def ids(self, documents: Documents) -> tf.RaggedTensor:
        """Ids of documents in memory, cut to what is read.

        Args:
            documents: Texts, lists of sentences, or ids [N, sentences, words].

        Returns:
            int32 RaggedTensor [N, (sentences), (words)].
        """
        if isinstance(documents, str):
            documents = [documents]
        if isinstance(documents, np.ndarray) and documents.dtype.kind in "SUOT":
            documents = documents.tolist()
        if isinstance(documents, list | tuple):
            return encode_documents(
                [_text(document) for document in documents],
                self.vocabulary,
                self.max_sentences,
                self.max_words,
                self.sentence_rule,
            )
        ids = as_document_ids(documents, self.vocabulary.size)
        return ids[:, : self.max_sentences, : self.max_words]

    def ids_in_graph(self, documents: tf.Tensor) -> tf.Tensor:
        """Ids int32 [batch, sentences, words] of a batch, in the graph.

        Args:
            documents: Strings [batch], or ids [batch, sentences, words].

        Raises:
            ValueError: If they are of another kind, or the rule is none for a
                graph.
            tf.errors.InvalidArgumentError: If an id is not allowed.
        """
        if documents.dtype != tf.string:
            return checked_ids(documents, self.vocabulary.size)
        if documents.shape.rank != 1:
            raise ValueError(
                f"documents of shape {documents.shape} in a dataset; allowed: "
                "strings [batch], or ids [batch, sentences, words]"
            )
        if self.sentence_rule != "graph":
            raise ValueError(
                f"strings in a dataset with sentence_rule="
                f"{self.sentence_rule!r}, which is no rule for a graph; "
                "allowed: ids [batch, sentences, words]"
            )
        return self.ids_of_sentences(split_sentences_in_graph(documents))

    def ids_of_sentences(self, sentences: tf.RaggedTensor) -> tf.Tensor:
        """The same of documents cut already, strings [batch, (sentences)]."""
        ids = encode_sentences(
            sentences, self.vocabulary, self.max_sentences, self.max_words
        )
        return ids.to_tensor(PAD_ID)

    def shown(
        self, sentences: tf.RaggedTensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """What is read of strings [batch, (sentences)], as text.

        Returns:
            Strings: sentences [batch, (sentences)] and their words [batch,
            (sentences), (words)].
        """
        return sentences_and_words(
            sentences, self.vocabulary, self.max_sentences, self.max_words
        )

    def sentences(self, documents: Sequence[Document]) -> tf.RaggedTensor:
        """Strings [documents, (sentences)] of texts and lists of sentences."""
        return sentences_of(documents, self.sentence_rule)


def _text(document: Any) -> Any:
    return document.decode() if isinstance(document, bytes) else document
