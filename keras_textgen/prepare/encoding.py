"""Texts and documents as the token ids that are written of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.documents import encode_documents
from keras_textgen.tokens import PAD_ID

# Of sentences and of words: shards hold all of them, models read a part.
_ALL = 2**31 - 1


class Encoded(NamedTuple):
    """What is written of some texts.

    Attributes:
        ids: of all texts, one after the other, int32 `[ids]`.
        sizes: how many of them each text has, `[texts]`.
        tokens: how many of these are tokens, `[texts]`.
        words: how many of these are neither starts nor ends, `[texts]`.
        lengths: by which texts are grouped, `[texts]`: their tokens; of
            documents, their sentences.
        sentences: the words of each sentence of all documents, `[sentences]`.
    """

    ids: np.ndarray
    sizes: np.ndarray
    tokens: np.ndarray
    words: np.ndarray
    lengths: np.ndarray
    sentences: np.ndarray


def encoded(
    texts: list[str], vocabulary: BaseVocabulary, sentence_rule: str | None
) -> Encoded:
    """Encodes texts; those of documents have a 0 after each sentence.

    Args:
        texts: one or more.
        vocabulary: of the corpus.
        sentence_rule: how documents are cut into sentences; None for texts that
            are not cut, which have a start and an end token instead.

    Example:
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> vocabulary = Vocabulary(["red", "rose"], "keras")
        >>> encoded(["red rose"], vocabulary, None).ids.tolist()
        [2, 4, 5, 3]
        >>> encoded(["A rose. Red!"], vocabulary, "graph").ids.tolist()
        [1, 5, 0, 4, 0]
    """
    if sentence_rule is None:
        ids = vocabulary.tokenize(texts)
        lengths = ids.row_lengths().numpy()
        values = ids.flat_values.numpy()
        none = np.zeros(0, np.int64)
        return Encoded(values, lengths, lengths, lengths - 2, lengths, none)
    documents = encode_documents(texts, vocabulary, _ALL, _ALL, sentence_rule)
    sentences = documents.values
    ends = tf.fill([sentences.nrows(), 1], PAD_ID)
    counts = documents.row_lengths().numpy()
    sizes = sentences.row_lengths()
    words = tf.reduce_sum(documents.with_values(sizes), axis=1).numpy()
    return Encoded(
        tf.concat([sentences, ends], 1).flat_values.numpy(),
        words + counts,
        words,
        words,
        counts,
        sizes.numpy(),
    )
