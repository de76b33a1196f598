"""Documents as users have them, read as one model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.batches.documents import (
    Document,
    DocumentBatches,
    as_document_ids,
    encode_documents,
    encode_sentences,
    sentence_lengths,
    sentences_and_words,
    sentences_of,
)
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.id_checks import asserted, checked_ids
from keras_textgen.data.text_lists import as_text
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.tokens import PAD_ID

# What the methods for users take: texts or lists of sentences, ids
# [documents, sentences, words], or batches.
Documents: TypeAlias = (
    Sequence[Document]
    | Sequence[Sequence[Sequence[int]]]
    | tf.RaggedTensor
    | tf.Tensor
    | np.ndarray
    | tf.data.Dataset
    | DocumentBatches
)

_LISTS = (list, tuple, np.ndarray)


class DocumentReader(NamedTuple):
    """How a model reads documents.

    Attributes:
        vocabulary: Words to ids; None where there are ids alone.
        num_ids: Ids are below it; 0 is padding.
        max_sentences: Of a longer document, the first so many are read.
        max_words: Of a longer sentence, the first so many are read.
        sentence_rule: How texts are cut into sentences, see `sentences_of`.

    Example:
        >>> reader = DocumentReader(Vocabulary(["red", "rose"]), 6, 9, 9)
        >>> reader.ids(["A rose. A red rose."])
        <tf.RaggedTensor [[[1, 5, 1], [1, 4, 5, 1]]]>
        >>> reader.ids([[[1, 5], [4, 0]], [[5]]])
        <tf.RaggedTensor [[[1, 5], [4]], [[5]]]>
    """

    vocabulary: Vocabulary | None
    num_ids: int
    max_sentences: int
    max_words: int
    sentence_rule: str = "graph"

    def ids(self, documents: Documents) -> tf.RaggedTensor:
        """Ids of documents in memory, cut to what is read.

        Args:
            documents: Texts, lists of sentences, or ids [N, sentences, words]:
                ragged, lists, or whole numbers padded with 0 on the right.

        Returns:
            int32 RaggedTensor [N, (sentences), (words)].

        Raises:
            ValueError: If they are of another kind, an id is not allowed, there
                are none, or there is no vocabulary for texts.
        """
        if isinstance(documents, str):
            documents = [documents]
        if isinstance(documents, np.ndarray) and documents.dtype.kind in "SUOT":
            documents = documents.tolist()
        if isinstance(documents, list | tuple):
            if not _holds_numbers(documents):
                return self._ids_of_texts(documents)
            documents = _from_lists(documents)
        ids = as_document_ids(_as_integers(documents), self.num_ids)
        return self._cut(ids)

    def _ids_of_texts(self, documents: Sequence[Document]) -> tf.RaggedTensor:
        if not documents:
            # Neither texts nor ids.
            raise refused("no documents", "1 document or more")
        self._check_texts()
        return encode_documents(
            [as_text(document) for document in documents],
            self.vocabulary,
            self.max_sentences,
            self.max_words,
            self.sentence_rule,
        )

    def ids_in_graph(self, documents: tf.Tensor) -> tf.Tensor:
        """Ids int32 [batch, sentences, words] of a batch, in the graph.

        Args:
            documents: Strings [batch], or ids [batch, sentences, words], which
                are cut as those in memory are.

        Raises:
            ValueError: If they are of another kind, there is no vocabulary for
                strings, or the rule is none for a graph.
            tf.errors.InvalidArgumentError: If an id is not allowed.
        """
        if documents.dtype != tf.string:
            ids = _integers_in_graph(documents)
            return self._cut(checked_ids(ids, self.num_ids))
        self._check_texts()
        if documents.shape.rank != 1:
            raise refused(
                f"documents of shape {documents.shape} in a dataset",
                "strings [batch], or ids [batch, sentences, words]",
            )
        if self.sentence_rule != "graph":
            raise refused(
                "strings in a dataset with sentence_rule="
                f"{self.sentence_rule!r}, which is no rule for a graph",
                "ids [batch, sentences, words]",
            )
        return self.ids_of_sentences(split_sentences_in_graph(documents))

    def _cut(self, ids: Any) -> Any:
        return ids[:, : self.max_sentences, : self.max_words]

    def _check_texts(self) -> None:
        if self.vocabulary is None:
            raise refused(
                "texts for a model without a vocabulary",
                "ids [documents, sentences, words]",
            )

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

    def lengths(self, sentences: tf.RaggedTensor) -> tf.RaggedTensor:
        """Words of strings [batch, (sentences)], also those that are not read.

        Returns:
            int64 [batch, (sentences)]; sentences without words are left out.
        """
        return sentence_lengths(sentences, self.vocabulary)

    def sentences(self, documents: Sequence[Document]) -> tf.RaggedTensor:
        """Strings [documents, (sentences)] of texts and lists of sentences."""
        texts = [as_text(document) for document in documents]
        return sentences_of(texts, self.sentence_rule)


def _holds_numbers(documents: Sequence) -> bool:
    """Whether the first word of lists is a number, hence no text."""
    words = (
        word
        for document in documents
        if isinstance(document, _LISTS)
        for sentence in document
        if isinstance(sentence, _LISTS)
        for word in sentence
    )
    return isinstance(next(words, None), int | float | np.number)


def _from_lists(documents: Sequence) -> tf.RaggedTensor:
    """Ids of lists of sentences of ids, without padding on the right."""
    sentences = [
        np.trim_zeros(_as_integers(np.asarray(sentence)), "b")
        for document in documents
        for sentence in document
    ]
    lengths = [len(document) for document in documents]
    return tf.RaggedTensor.from_nested_row_lengths(
        np.concatenate(sentences),
        [lengths, [len(sentence) for sentence in sentences]],
    )


def _as_integers(ids: Any) -> Any:
    """Whole numbers as integers: `np.zeros`, to be filled, has floats."""
    if isinstance(ids, tf.RaggedTensor):
        return ids
    ids = np.asarray(ids)
    if ids.dtype.kind != "f":
        return ids
    wrong = ids[ids != np.trunc(ids)]
    if len(wrong):
        raise refused(f"token id {wrong[0]}", "whole numbers")
    return ids.astype(np.int64)


def _integers_in_graph(ids: tf.Tensor) -> tf.Tensor:
    if ids.shape.rank not in (None, 3):
        raise refused(
            f"ids of shape {ids.shape} in a dataset",
            "[batch, sentences, words]",
        )
    if not ids.dtype.is_floating:
        return ids
    rule = "a token id that is no whole number; allowed: whole numbers"
    return asserted(tf.cast(ids, tf.int32), {rule: ids == tf.floor(ids)})
