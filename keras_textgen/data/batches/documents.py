"""Documents as sentences of words: token ids, and batches of like size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from keras_textgen.checks import OneOf, check, counted, refused
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.id_checks import check_known_ids
from keras_textgen.data.sentences import split_sentences
from keras_textgen.data.text_lists import checked_texts, is_missing
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.tokens import PAD_ID

# A text, or its sentences.
Document = str | Sequence[str]
# Ids [documents, (sentences), (words)].
DocumentIds: TypeAlias = tf.RaggedTensor | Sequence[Sequence[Sequence[int]]]

# No more sentences of a document, nor words of a sentence, are read.
MAX_SENTENCES = 100
MAX_WORDS = 100

# Bounds the memory that the strings of a large corpus take.
_DOCUMENTS_A_PIECE = 2000


def _split_by_sentencex(texts: tf.Tensor) -> tf.RaggedTensor:
    sentences = [split_sentences(each.decode()) for each in texts.numpy()]
    return _ragged(sentences)


# How a text is cut into sentences, by name. "graph" is what SavedModels do;
# "sentencex", which is Python, is kept for the models trained with it.
SENTENCE_RULES = {
    "graph": split_sentences_in_graph,
    "sentencex": _split_by_sentencex,
}


def check_sentence_rule(rule: str) -> None:
    """Refuses a rule that there is not.

    Args:
        rule: how texts are cut into sentences.

    Raises:
        ValueError: it is not one of `SENTENCE_RULES`.

    Example:
        >>> check_sentence_rule("lines")
        Traceback (most recent call last):
        ValueError: sentence_rule='lines'; allowed: graph, sentencex
    """
    check(OneOf(tuple(SENTENCE_RULES)), sentence_rule=rule)


def sentences_of(
    documents: Sequence[Document], rule: str = "graph"
) -> tf.RaggedTensor:
    """Returns the sentences of documents.

    Args:
        documents: texts, which are cut into sentences, or lists of sentences,
            which stay as they are.
        rule: one of `SENTENCE_RULES`: `"graph"`, see
            `split_sentences_in_graph`, or `"sentencex"`, see
            `split_sentences`.

    Returns:
        RaggedTensor of strings `[documents, (sentences)]`.

    Raises:
        ValueError: there is no such rule.

    Example:
        >>> sentences_of(["Mr. Fox asks. We do not.", ["Yes. No.", "Why?"]])
        <tf.RaggedTensor [[b'Mr. Fox asks.', b'We do not.'],
         [b'Yes. No.', b'Why?']]>
    """
    check_sentence_rule(rule)
    is_text = np.array([isinstance(each, str) for each in documents], bool)
    texts = [each for each in documents if isinstance(each, str)]
    lists = [list(each) for each in documents if not isinstance(each, str)]
    cut = SENTENCE_RULES[rule](tf.constant(texts, tf.string))
    # Where each document stands when all texts come before all lists.
    places = np.argsort(np.argsort(~is_text, kind="stable"))
    return tf.gather(tf.concat([cut, _ragged(lists)], 0), places)


def _ragged(sentences: Sequence[Sequence[str]]) -> tf.RaggedTensor:
    flat = [sentence for document in sentences for sentence in document]
    return tf.RaggedTensor.from_row_lengths(
        tf.constant(flat, tf.string),
        tf.constant([len(each) for each in sentences], tf.int64),
    )


def encode_documents(
    documents: Sequence[Document],
    vocabulary: Vocabulary,
    max_sentences: int = MAX_SENTENCES,
    max_words: int = MAX_WORDS,
    sentence_rule: str = "graph",
) -> tf.RaggedTensor:
    """Turns documents into token ids, without start and end tokens.

    Args:
        documents: texts, or lists of sentences.
        vocabulary: for the words.
        max_sentences: of a document, the first so many are kept.
        max_words: of a sentence, the first so many are kept.
        sentence_rule: how texts are cut into sentences, see `sentences_of`.

    Returns:
        int32 RaggedTensor `[documents, (sentences), (words)]`; a sentence
        without words is left out.

    Raises:
        ValueError: a document is missing, or is no text and no list of texts;
            or there is no such rule.

    Example:
        >>> encode_documents(
        ...     ["A rose. A red rose.", "Red!"],
        ...     Vocabulary(["red", "rose"], standardize="keras"),
        ...     max_sentences=9,
        ...     max_words=2,
        ... )
        <tf.RaggedTensor [[[1, 5], [1, 4]], [[4]]]>
    """
    _check_documents(documents)
    pieces = []
    for start in range(0, max(1, len(documents)), _DOCUMENTS_A_PIECE):
        piece = documents[start : start + _DOCUMENTS_A_PIECE]
        sentences = sentences_of(piece, sentence_rule)
        ids = encode_sentences(sentences, vocabulary, max_sentences, max_words)
        pieces.append(ids)
    return tf.concat(pieces, 0)


def _check_documents(documents: Sequence[Document]) -> None:
    for place, document in enumerate(documents):
        if isinstance(document, str):
            checked_texts([document], f"document {place}: text")
        elif is_missing(document) or not isinstance(document, Sequence):
            missing = "missing: " if is_missing(document) else ""
            raise refused(
                f"document {place} is {missing}{document!r:.40}",
                "a text, or a list of sentences",
            )
        else:
            checked_texts(document, f"document {place}: sentence")


def encode_sentences(
    sentences: tf.RaggedTensor,
    vocabulary: Vocabulary,
    max_sentences: int,
    max_words: int,
) -> tf.RaggedTensor:
    """`encode_documents` inside the graph, for sentences.

    Args:
        sentences: strings `[documents, (sentences)]`.
        vocabulary: for the words.
        max_sentences: see `encode_documents`.
        max_words: see `encode_documents`.

    Returns:
        As `encode_documents`.

    Example:
        >>> encode_sentences(
        ...     tf.ragged.constant([["A rose", "", "A red rose"], ["Red"]]),
        ...     Vocabulary(["red", "rose"]),
        ...     max_sentences=9,
        ...     max_words=9,
        ... )
        <tf.RaggedTensor [[[1, 5], [1, 4, 5]], [[4]]]>
    """
    words = vocabulary.tokenize(sentences.flat_values)[:, 1:-1]
    kept = words.row_lengths() > 0
    lengths = tf.reduce_sum(
        sentences.with_flat_values(tf.cast(kept, tf.int64)), axis=1
    )
    documents = tf.RaggedTensor.from_row_lengths(
        tf.ragged.boolean_mask(words, kept), lengths
    )
    return documents[:, :max_sentences, :max_words]


def sentences_and_words(
    sentences: tf.RaggedTensor,
    vocabulary: Vocabulary,
    max_sentences: int,
    max_words: int,
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """What `encode_sentences` encodes, as text; inside the graph, too.

    Args:
        sentences: as in `encode_sentences`.
        vocabulary: see there.
        max_sentences: see there.
        max_words: see there.

    Returns:
        Strings: sentences `[documents, (sentences)]`, and their words
        `[documents, (sentences), (words)]`.

    Example:
        >>> sentences, words = sentences_and_words(
        ...     tf.ragged.constant([["A rose", "", "Red"]]),
        ...     Vocabulary(["rose"]),
        ...     max_sentences=9,
        ...     max_words=1,
        ... )
        >>> sentences, words
        (<tf.RaggedTensor [[b'A rose', b'Red']]>, \
<tf.RaggedTensor [[[b'a'], [b'red']]]>)
    """
    flat = vocabulary.split(sentences.flat_values)
    has_words = sentences.with_flat_values(flat.row_lengths() > 0)
    words = tf.ragged.boolean_mask(sentences.with_flat_values(flat), has_words)
    sentences = tf.ragged.boolean_mask(sentences, has_words)
    return (
        sentences[:, :max_sentences],
        words[:, :max_sentences, :max_words],
    )


def sentence_lengths(
    sentences: tf.RaggedTensor, vocabulary: Vocabulary
) -> tf.RaggedTensor:
    """How many words sentences have, whatever is read of them.

    Args:
        sentences: strings `[documents, (sentences)]`.
        vocabulary: for the words.

    Returns:
        int64 `[documents, (sentences)]`; sentences without words are left out.

    Example:
        >>> sentence_lengths(
        ...     tf.ragged.constant([["A rose", "", "Red"]]),
        ...     Vocabulary(["rose"]),
        ... )
        <tf.RaggedTensor [[2, 1]]>
    """
    flat = vocabulary.split(sentences.flat_values).row_lengths()
    lengths = sentences.with_flat_values(flat)
    return tf.ragged.boolean_mask(lengths, lengths > 0)


class DocumentBatches(RowBatches):
    """Documents of token ids, cut into padded batches.

    A batch holds documents of about the same number of sentences. Which
    documents make up the batch of a given epoch and step depends on nothing
    but `seed`, epoch and step, as in `SequenceBatches`.

    Args:
        documents: ids `[documents, (sentences), (words)]`, no padding. A
            document without sentences counts as one sentence without words.
        labels: integers `[documents]`; None for batches without labels.
        batch_size: documents a batch; the last batch may be smaller.
        seed: of the shuffling.
        is_shuffled: see `RowBatches`.
        sample_weight: a weight a document, see `RowBatches`.

    Raises:
        ValueError: no documents, as many labels as there are not, or an
            argument that is not allowed.

    Example:
        >>> batches = DocumentBatches(
        ...     [[[5, 6], [7]], [[8]], [[9], [5]]], [1, 0, 1], batch_size=2
        ... )
        >>> for documents, labels in batches.evaluation_dataset():
        ...     print(documents.numpy().tolist(), labels.numpy())
        [[[8, 0], [0, 0]], [[5, 6], [7, 0]]] [0 1]
        [[[9], [5]]] [1]
    """

    def __init__(
        self,
        documents: DocumentIds,
        labels: Sequence[int] | np.ndarray | None = None,
        *,
        batch_size: int = 64,
        seed: int = 0,
        is_shuffled: bool = True,
        sample_weight: Sequence[float] | None = None,
    ) -> None:
        if not isinstance(documents, tf.RaggedTensor):
            documents = tf.ragged.constant(
                documents, tf.int32, ragged_rank=2, row_splits_dtype=tf.int64
            )
        ids = _with_sentences(documents)
        counts = ids.row_lengths().numpy()
        if not len(counts):
            raise refused("no documents", "1 document or more")
        if labels is not None and len(labels) != len(counts):
            raise refused(
                f"{counted(len(labels), 'label')} of "
                f"{counted(len(counts), 'document')}",
                "one label a document",
            )
        super().__init__(
            len(counts),
            batch_size,
            seed=seed,
            lengths=counts,
            is_shuffled=is_shuffled,
            targets=None if labels is None else np.asarray(labels, np.int32),
            sample_weight=sample_weight,
        )
        self.num_documents = len(counts)
        with tf.device("CPU:0"):
            self._words = ids.flat_values
            # The sentence of number 0 has no words: padding.
            self._word_splits = tf.concat([[0], ids.values.row_splits], 0)
            self._sentence_splits = ids.row_splits + 1

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return int(tf.size(self._words)), "words"

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        """Ids int32 `[batch, sentences, words]`, padded with 0."""
        del epoch, step
        splits = self._sentence_splits
        sentences = tf.ragged.range(
            tf.gather(splits, rows), tf.gather(splits, rows + 1)
        ).to_tensor()
        flat = tf.reshape(sentences, [-1])
        positions = tf.ragged.range(
            tf.gather(self._word_splits, flat),
            tf.gather(self._word_splits, flat + 1),
        )
        words = tf.gather(self._words, positions).to_tensor(PAD_ID)
        shape = [*tf.unstack(tf.shape(sentences)), tf.shape(words)[1]]
        return tf.reshape(words, shape)


def _with_sentences(documents: tf.RaggedTensor) -> tf.RaggedTensor:
    """An empty sentence in every document that has none."""
    missing = tf.cast(documents.row_lengths() == 0, tf.int64)
    lengths = tf.zeros([tf.reduce_sum(missing)], tf.int64)
    sentences = tf.RaggedTensor.from_row_lengths(
        documents.flat_values[:0], lengths
    )
    return tf.concat(
        [documents, tf.RaggedTensor.from_row_lengths(sentences, missing)], 1
    )


def as_document_ids(
    documents: tf.RaggedTensor | tf.Tensor | np.ndarray, vocabulary_size: int
) -> tf.RaggedTensor:
    """Takes the padding off ids, and checks them.

    Args:
        documents: ids `[documents, sentences, words]`, ragged or padded with 0.
        vocabulary_size: ids are below it.

    Returns:
        int32 RaggedTensor `[documents, (sentences), (words)]`. A sentence of
        padding is an empty one where others follow it.

    Raises:
        ValueError: an id that is not allowed, an array of another shape or
            type, or padding before a word.

    Example:
        >>> padded = np.array([[[5, 6], [7, 0]], [[8, 0], [0, 0]]])
        >>> as_document_ids(padded, vocabulary_size=9)
        <tf.RaggedTensor [[[5, 6], [7]], [[8]]]>
    """
    if not isinstance(documents, tf.RaggedTensor):
        documents = _from_array(np.asarray(documents))
    check_known_ids(documents.flat_values.numpy(), vocabulary_size)
    return tf.cast(documents, tf.int32)


def _from_array(ids: np.ndarray) -> tf.RaggedTensor:
    if ids.dtype.kind not in "iu" or ids.ndim != 3:
        raise refused(
            f"documents of type {ids.dtype} and shape {list(ids.shape)}",
            "integer ids [documents, sentences, words]",
        )
    is_word = ids != PAD_ID
    lengths = np.count_nonzero(is_word, axis=2)
    misplaced = is_word != (np.arange(ids.shape[2]) < lengths[..., np.newaxis])
    if misplaced.any():
        raise refused(
            f"document {np.argwhere(misplaced)[0, 0]} has the padding id "
            f"{PAD_ID} before a word",
            "padding on the right",
        )
    places = np.arange(1, ids.shape[1] + 1)
    counts = np.max(places * (lengths > 0), axis=1, initial=0)
    sentences = tf.RaggedTensor.from_row_lengths(
        ids[is_word], lengths[places <= counts[:, np.newaxis]]
    )
    return tf.RaggedTensor.from_row_lengths(sentences, counts)
