"""Batches of texts in shards, as token ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.sequences import (
    TokenBatches,
    sequence_batches,
)
from keras_textgen.data.shards import order
from keras_textgen.data.shards.order import ComputedOrder
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.shards.vocabulary import vocabulary_sum
from keras_textgen.data.text_size import TextSize
from keras_textgen.tokens import PAD_ID


class PreparedBatches(ComputedOrder, TokenBatches):
    """Texts of a split in shards, in padded batches, see `ComputedOrder`.

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
        size = self.batch_size
        for begin in range(0, self.num_rows, order.WINDOW * size):
            window = np.array(
                self._split.lengths[begin : begin + order.WINDOW * size]
            )
            if self.is_shuffled:
                window.sort()
            for start in range(0, len(window), size):
                batch = window[start : start + size]
                sizes.append(len(batch) * int(batch.max()))
        return sizes

    def part(
        self, rows: tf.Tensor, begin: tf.Tensor, end: tf.Tensor
    ) -> tf.Tensor:
        """Tokens int32 `[end - begin, time]`, padded with 0."""
        tokens = tf.numpy_function(self._padded, [rows, begin, end], tf.int32)
        return tf.ensure_shape(tokens, [None, None])

    def _padded(self, rows: np.ndarray, begin: int, end: int) -> np.ndarray:
        is_whole = end - begin == len(rows)
        width = 0 if is_whole else self._split.lengths[rows].max()
        return padded(self._split.ids_of(rows[begin:end]), width)


def check_split(
    split: PreparedSplit,
    vocabulary: BaseVocabulary | None,
    sample_weight: Any,
    sentence_rule: str | None = None,
) -> None:
    """Refuses texts whose ids are those of another vocabulary, and weights.

    Args:
        split: in shards.
        vocabulary: of a model.
        sample_weight: what is given beside the texts.
        sentence_rule: of a model that reads sentences.

    Raises:
        ValueError: the vocabulary or the rule is not that of the corpus, or
            there are weights.
    """
    if sample_weight is not None:
        raise refused("sample_weight of a prepared corpus", "None")
    if sentence_rule != split.sentence_rule:
        raise refused(
            f"a corpus prepared with sentence_rule={split.sentence_rule}",
            f"sentence_rule={sentence_rule}, as the model reads",
        )
    if vocabulary is None or vocabulary_sum(vocabulary) != split.vocabulary_sum:
        raise refused(
            f"a corpus prepared with {split.vocabulary_size:,} {split.unit}s "
            "for a model of another vocabulary",
            "a model of the corpus's own vocabulary",
        )


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
    check_split(data, vocabulary, sample_weight)
    return PreparedBatches(data, batch_size, seed, is_shuffled=is_shuffled)


def padded(sequences: list[np.ndarray], width: int = 0) -> np.ndarray:
    """Token ids as one array, int32 `[batch, time]`, padded on the right.

    Args:
        sequences: of ids.
        width: of the array, if none of them is longer.

    Example:
        >>> padded([np.array([2, 3]), np.array([2, 4, 3])]).tolist()
        [[2, 3, 0], [2, 4, 3]]
    """
    longest = max([width, *map(len, sequences)])
    found = np.full([len(sequences), longest], PAD_ID, np.int32)
    for target, sequence in zip(found, sequences, strict=True):
        target[: len(sequence)] = sequence
    return found
