"""Batches of documents in shards, as sentences of token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.rows import spread_rows
from keras_textgen.data.shards.batches import check_split
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.shards.order import ComputedOrder
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.tokens import PAD_ID

# Documents that are read at a time.
_AT_ONCE = 1000
# The most documents of training, and of validation, that a baseline learns.
_LEARNED = 10_000


class PreparedDocuments(ComputedOrder):
    """Labeled documents of a split in shards, see `ComputedOrder`.

    A batch holds documents of about the same number of sentences.

    Args:
        split: in shards.
        batch_size: documents a batch; the last batch may be smaller.
        seed: of the shuffling.
        max_sentences: of a document, the first so many are read.
        max_words: of a sentence, the first so many are read.
        is_shuffled: False leaves the documents in their order, every epoch.
        has_labels: False leaves the labels out.
    """

    def __init__(
        self,
        split: PreparedSplit,
        batch_size: int,
        seed: int = 0,
        *,
        max_sentences: int,
        max_words: int,
        is_shuffled: bool = True,
        has_labels: bool = True,
    ) -> None:
        self._split = split
        self._max_sentences = max_sentences
        self._max_words = max_words
        self._has_labels = has_labels
        super().__init__(
            len(split),
            batch_size,
            seed=seed,
            lengths=split.lengths,
            is_shuffled=is_shuffled,
        )

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return self._split.counts.tokens, "words"

    def part(self, rows: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> Any:
        """Ids int32 `[end - begin, sentences, words]`, padded with 0.

        And labels, int32 `[end - begin]`, if there are to be any.
        """
        ids = tf.numpy_function(self._padded, [rows, begin, end], tf.int32)
        ids = tf.ensure_shape(ids, [None, None, None])
        if not self._has_labels:
            return ids
        own = rows[begin:end]
        labels = tf.numpy_function(self._labels_of, [own], tf.int32)
        return ids, tf.ensure_shape(labels, [None])

    def _padded(self, rows: np.ndarray, begin: int, end: int) -> np.ndarray:
        shape = (1, 0)
        if end - begin < len(rows):
            # A part is as wide as the whole batch, of which noise is drawn.
            shape = self._shape(rows)
        return padded_documents(
            self._split.ids_of(rows[begin:end]),
            (self._max_sentences, self._max_words),
            shape,
        )

    def _shape(self, rows: np.ndarray) -> tuple[int, int]:
        """Most sentences of documents, and most words of these."""
        counts, split = self._split.lengths[rows], self._split
        read = np.minimum(counts, self._max_sentences)
        # Where the sentences that are read stand among all.
        places = np.arange(read.sum()) + np.repeat(
            split.sentence_ends[rows] - counts - (np.cumsum(read) - read), read
        )
        words = split.sentence_lengths[places].max(initial=0)
        return max(1, read.max()), min(words, self._max_words)

    def _labels_of(self, rows: np.ndarray) -> np.ndarray:
        return self._split.labels[rows]

    def _length_of(self, rows: np.ndarray | slice) -> np.ndarray:
        # A document without a sentence counts as one of no words.
        return np.clip(super()._length_of(rows), 1, self._max_sentences)


def sentences_of(ids: np.ndarray) -> list[np.ndarray]:
    """The sentences of a document in a shard.

    Args:
        ids: of it, with a 0 after each sentence.

    Example:
        >>> [each.tolist() for each in sentences_of(np.array([5, 6, 0, 7, 0]))]
        [[5, 6], [7]]
    """
    ends = np.flatnonzero(ids == PAD_ID)
    starts = np.append(0, ends + 1)
    return [
        ids[start:end] for start, end in zip(starts[:-1], ends, strict=True)
    ]


def padded_documents(
    documents: Sequence[np.ndarray],
    limits: tuple[int, int],
    shape: tuple[int, int] = (1, 0),
) -> np.ndarray:
    """Documents as one array, int32 `[batch, sentences, words]`, 0 for padding.

    Args:
        documents: ids of each, with a 0 after each sentence.
        limits: of a document so many sentences are read, of these so many
            words.
        shape: sentences and words of the array, if no document has more.

    Example:
        >>> documents = [np.array([5, 6, 0, 7, 0]), np.array([], int)]
        >>> padded_documents(documents, (9, 9)).tolist()
        [[[5, 6], [7, 0]], [[0, 0], [0, 0]]]
        >>> padded_documents(documents, (1, 1)).tolist()
        [[[5]], [[0]]]
    """
    ids = np.concatenate([*documents, np.empty(0, np.int32)])
    sizes = [len(each) for each in documents]
    document = np.repeat(np.arange(len(documents)), sizes)
    is_end = ids == PAD_ID
    # Ends before each place, in all and in its own document.
    ends = np.cumsum(is_end) - is_end
    firsts = np.append(ends, is_end.sum())[np.cumsum(sizes) - sizes]
    sentence = ends - firsts[document]
    starts = np.append(0, np.flatnonzero(is_end) + 1)
    word = np.arange(len(ids)) - starts[ends]
    is_read = ~is_end & (sentence < limits[0]) & (word < limits[1])
    document, sentence, word = (
        each[is_read] for each in (document, sentence, word)
    )
    found = np.full(
        [
            len(documents),
            max(shape[0], sentence.max(initial=-1) + 1),
            max(shape[1], word.max(initial=-1) + 1),
        ],
        PAD_ID,
        np.int32,
    )
    found[document, sentence, word] = ids[is_read]
    return found


def prepared_documents_of(
    split: PreparedSplit,
    model: Any,
    labels: Any,
    batch_size: int,
    *,
    is_shuffled: bool = True,
    is_prediction: bool = False,
    sample_weight: Any = None,
) -> PreparedDocuments:
    """Batches of a split for a model.

    Args:
        split: in shards.
        model: a `DocumentClassifier`.
        labels: have to be those of the split, or None.
        batch_size: documents a batch.
        is_shuffled: see `PreparedDocuments`.
        is_prediction: whether labels are left out.
        sample_weight: has to be None.

    Raises:
        ValueError: vocabulary, sentences or classes are not those of the
            corpus, or there are weights.
    """
    check_split(split, model.vocabulary, sample_weight, model.sentence_rule)
    if labels is not None and labels is not split.labels:
        raise refused("labels beside a prepared corpus", "None, as it has them")
    if not is_prediction and split.label_names != model.label_names:
        raise refused(
            f"a corpus of the classes {', '.join(split.label_names):.80}",
            f"those of the model: {', '.join(model.label_names):.80}",
        )
    return PreparedDocuments(
        split,
        batch_size,
        model.seed,
        max_sentences=model.max_sentences,
        max_words=model.max_words,
        is_shuffled=is_shuffled,
        has_labels=not is_prediction,
    )


# -- Documents as text ---------------------------------------------------------


def sentence_texts(
    split: PreparedSplit, vocabulary: BaseVocabulary, rows: np.ndarray
) -> list[list[str]]:
    """Some documents as the vocabulary spells them.

    Args:
        split: in shards.
        vocabulary: of the corpus.
        rows: numbers of documents.

    Returns:
        The sentences of each; an unknown word is `<unk>`.
    """
    documents = [sentences_of(ids) for ids in split.ids_of(rows)]
    ids = tf.ragged.constant(
        [sentence.tolist() for each in documents for sentence in each],
        tf.int64,
        ragged_rank=1,
    )
    strings = vocabulary.strings_of(ids.flat_values[tf.newaxis])[0]
    texts = vocabulary.joined(ids.with_flat_values(strings)).numpy()
    sentences = iter([each.decode() for each in texts])
    return [[next(sentences) for _ in each] for each in documents]


class DocumentTexts(Sequence[str]):
    """Documents of a split as texts, read when they are asked for.

    Args:
        split: in shards.
        vocabulary: of the corpus.
        rows: of the documents.
    """

    def __init__(
        self,
        split: PreparedSplit,
        vocabulary: BaseVocabulary,
        rows: np.ndarray,
    ) -> None:
        self._split = split
        self._vocabulary = vocabulary
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        texts = sentence_texts(
            self._split, self._vocabulary, np.atleast_1d(self._rows[place])
        )
        joined = [" ".join(each) for each in texts]
        return joined if isinstance(place, slice) else joined[0]

    def __iter__(self) -> Iterator[str]:
        for begin in range(0, len(self), _AT_ONCE):
            yield from self[begin : begin + _AT_ONCE]


def document_texts(corpus: PreparedCorpus, most: int = _LEARNED) -> Corpus:
    """Documents of a corpus as texts, for what has no part in the shards.

    Args:
        corpus: prepared, of labeled documents.
        most: documents of training and of validation, at equal distances.

    Returns:
        These, and all test documents; none of them is held in memory.
    """
    rows = {
        split: spread_rows(len(getattr(corpus, split)), most)
        for split in SPLITS
    }
    rows["test"] = np.arange(len(corpus.test))
    return Corpus.of_splits(
        corpus.name,
        {
            split: DocumentTexts(
                getattr(corpus, split), corpus.vocabulary, rows[split]
            )
            for split in SPLITS
        },
        labels={s: each[rows[s]] for s, each in corpus.labels.items()},
        label_names=corpus.label_names,
    )
