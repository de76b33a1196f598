"""Batches of texts in shards, in an order that is computed, not stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.base import permutation
from keras_textgen.data.batches.sequences import (
    TokenBatches,
    sequence_batches,
)
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.shards.vocabulary import vocabulary_sum
from keras_textgen.data.text_size import TextSize
from keras_textgen.tokens import PAD_ID

# Batches among whose texts those of like length come together: enough that
# little is padded, few enough that a step takes no time.
WINDOW = 64


class PreparedBatches(TokenBatches):
    """Texts of a split in shards, in padded batches.

    An epoch visits every text once. Which one stands at a place of the whole
    order is computed, by a permutation of seed and epoch; each `WINDOW`
    batches' worth of places is sorted by length and cut into batches, which are
    then shuffled among themselves. So the batch of a seed, an epoch and a step
    depends on nothing else, whoever computes it, and takes no memory.

    Args:
        split: in shards.
        batch_size: texts a batch; the last batch may be smaller.
        seed: of the shuffling.
        is_shuffled: False leaves the texts in their order, every epoch.
    """

    def __init__(
        self,
        split: PreparedSplit,
        batch_size: int,
        seed: int = 0,
        *,
        is_shuffled: bool = True,
    ) -> None:
        self._split = split
        self._last = (np.zeros(0, np.int64), np.zeros(0, np.int32))
        counts = split.counts
        super().__init__(
            len(split),
            batch_size,
            seed=seed,
            lengths=split.lengths,
            is_shuffled=is_shuffled,
            unit=split.unit,
            text_size=TextSize(counts.texts, counts.words, counts.bytes),
        )

    @property
    def num_predicted_tokens(self) -> int:
        """All tokens but the first of each text."""
        return self._split.counts.tokens - self.num_sequences

    @property
    def unknown_share(self) -> float:
        """How many of all tokens are unknown; start and end do not count."""
        counts = self._split.counts
        return counts.unknown / (counts.tokens - 2 * counts.texts)

    @property
    def checksum(self) -> int:
        """A number that depends on every token of every text."""
        return self._split.digest

    @property
    def evaluation_sizes(self) -> list[int]:
        """Tokens of each batch of `evaluation_dataset()`, with padding."""
        sizes = []
        lengths, size = self._split.lengths, self.batch_size
        for begin in range(0, self.num_rows, WINDOW * size):
            window = np.array(lengths[begin : begin + WINDOW * size])
            if self.is_shuffled:
                window.sort()
            for start in range(0, len(window), size):
                batch = window[start : start + size]
                sizes.append(len(batch) * int(batch.max()))
        return sizes

    @property
    def original_order(self) -> np.ndarray:
        """Where each text stands in `evaluation_dataset()`."""
        order = np.arange(self.num_rows)
        if not self.is_shuffled:
            return order
        for begin in range(0, self.num_rows, WINDOW * self.batch_size):
            window = slice(begin, begin + WINDOW * self.batch_size)
            by_length = np.argsort(self._split.lengths[window], kind="stable")
            order[window] = begin + np.argsort(by_length)
        return order

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        """Tokens int32 `[batch, time]`, padded with 0."""
        del epoch, step
        tokens = tf.numpy_function(self._padded, [rows], tf.int32)
        return tf.ensure_shape(tokens, [None, None])

    # -- The order -----------------------------------------------------------

    def _keep_order(self, lengths: np.ndarray | None) -> None:
        """Nothing is kept: the order is computed."""

    def _batches_of(
        self, epoch: tf.Tensor
    ) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        return lambda step: (self._training_rows(epoch, step), step)

    def _training_rows(self, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        places, window = self._window(step)
        if not self.is_shuffled:
            return self._cut(places, step % WINDOW)
        rows = shuffled(places, self.num_rows, [self.seed, epoch])
        begin = window * WINDOW
        count = tf.minimum(self.steps_per_epoch - begin, WINDOW)
        # A number for each window of each epoch, so that none is used twice.
        windows = -(-self.steps_per_epoch // WINDOW)
        order = permutation(count, [self.seed, epoch * windows + window])
        number = tf.gather(order, step - begin)
        return self._cut(self._by_length(rows), tf.cast(number, tf.int64))

    def _evaluated_rows(self, step: tf.Tensor) -> tf.Tensor:
        rows, _ = self._window(step)
        if self.is_shuffled:
            rows = self._by_length(rows)
        return self._cut(rows, step % WINDOW)

    def _window(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The places of the window of a step, int64, and its number."""
        window = step // WINDOW
        size = WINDOW * self.batch_size
        begin = window * size
        return tf.range(begin, tf.minimum(begin + size, self.num_rows)), window

    def _by_length(self, rows: tf.Tensor) -> tf.Tensor:
        lengths = tf.numpy_function(self._lengths_of, [rows], tf.int32)
        lengths = tf.ensure_shape(lengths, [None])
        return tf.gather(rows, tf.argsort(lengths, stable=True))

    def _lengths_of(self, rows: np.ndarray) -> np.ndarray:
        """The lengths of texts; those of a window are looked up once."""
        known, lengths = self._last
        if not np.array_equal(known, rows):
            lengths = self._split.lengths[rows]
            self._last = rows.copy(), lengths
        return lengths

    def _padded(self, rows: np.ndarray) -> np.ndarray:
        return padded(self._split.ids_of(rows))


def prepared_batches(
    split: PreparedSplit,
    vocabulary: BaseVocabulary,
    batch_size: int = 32,
    *,
    seed: int = 0,
    is_shuffled: bool = True,
) -> PreparedBatches:
    """Batches of a split for a model.

    Args:
        split: in shards.
        vocabulary: of the model.
        batch_size: texts a batch.
        seed: see `PreparedBatches`.
        is_shuffled: see `PreparedBatches`.

    Raises:
        ValueError: the vocabulary is not that of the corpus.
    """
    if vocabulary_sum(vocabulary) != split.vocabulary_sum:
        raise refused(
            f"texts prepared with a vocabulary of {split.vocabulary_size:,} "
            f"{split.unit}s for a model of another one, of "
            f"{vocabulary.size:,} {vocabulary.unit}s",
            "a model of the corpus's own vocabulary",
        )
    return PreparedBatches(split, batch_size, seed, is_shuffled=is_shuffled)


def token_batches(
    data: Any,
    vocabulary: BaseVocabulary,
    batch_size: int,
    *,
    seed: int = 0,
    is_shuffled: bool = True,
    sample_weight: Any = None,
) -> TokenBatches:
    """Batches of texts in shards, or of what a user holds in memory.

    Args:
        data: a `PreparedSplit`, or what `sequence_batches` takes.
        vocabulary: of the model.
        batch_size: texts a batch.
        seed: of the shuffling.
        is_shuffled: whether training takes the texts in another order.
        sample_weight: a weight a text in memory, or None.

    Raises:
        ValueError: `data` cannot be used, or has no weights.
    """
    if not isinstance(data, PreparedSplit):
        return sequence_batches(
            data,
            vocabulary,
            batch_size,
            seed=seed,
            order="length" if is_shuffled else "stream",
            sample_weight=sample_weight,
        )
    if sample_weight is not None:
        raise refused("sample_weight of texts in shards", "None")
    return prepared_batches(
        data, vocabulary, batch_size, seed=seed, is_shuffled=is_shuffled
    )


def shuffled(
    places: tf.Tensor, size: int, seed: list[int | tf.Tensor]
) -> tf.Tensor:
    """What stands at some places of a permutation, which is computed.

    Args:
        places: int64, below `size`.
        size: how many numbers are permuted.
        seed: two integers.

    Returns:
        int64, of the shape of `places`.

    Example:
        >>> sorted(shuffled(tf.range(4, dtype=tf.int64), 4, [7, 1]).numpy())
        [0, 1, 2, 3]
    """
    seed = tf.stack([tf.cast(each, tf.int64) for each in seed])
    return tf.random.experimental.index_shuffle(
        places, seed, tf.constant(size - 1, tf.int64)
    )


def padded(sequences: list[np.ndarray]) -> np.ndarray:
    """Token ids as one array, int32 `[batch, time]`, padded on the right.

    Example:
        >>> padded([np.array([2, 3]), np.array([2, 4, 3])]).tolist()
        [[2, 3, 0], [2, 4, 3]]
    """
    longest = max(map(len, sequences), default=0)
    found = np.full([len(sequences), longest], PAD_ID, np.int32)
    for target, sequence in zip(found, sequences, strict=True):
        target[: len(sequence)] = sequence
    return found
