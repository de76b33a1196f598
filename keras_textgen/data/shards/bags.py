"""Batches of texts in shards, as bags of words."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.bags import Bags
from keras_textgen.data.shards.batches import check_split, padded
from keras_textgen.data.shards.order import ComputedOrder
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.tokens import SPECIALS


class PreparedBags(ComputedOrder):
    """Texts of a split in shards as bags of words, see `ComputedOrder`.

    A bag holds the known words of a text; texts are not grouped by length.

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
        super().__init__(
            len(split),
            batch_size,
            seed=seed,
            lengths=None,
            is_shuffled=is_shuffled,
        )

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return self.num_rows, "documents"

    def part(self, rows: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> Bags:
        """{"columns": int32, "counts": float32}, `[end - begin, places]`.

        How many places there are, no noise depends on.
        """
        columns, counts = tf.numpy_function(
            self._bags, [rows[begin:end]], [tf.int32, tf.int32]
        )
        return {
            "columns": tf.ensure_shape(columns, [None, None]),
            "counts": tf.cast(
                tf.ensure_shape(counts, [None, None]), tf.float32
            ),
        }

    def _bags(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bags = [
            np.unique(ids[ids >= len(SPECIALS)], return_counts=True)
            for ids in self._split.ids_of(rows)
        ]
        # A place without a count needs some column: that of the first word.
        columns = padded(
            [words.astype(int) - len(SPECIALS) for words, _ in bags]
        )
        return columns, padded([counts for _, counts in bags])


def prepared_bags_of(
    split: PreparedSplit,
    vocabulary: BaseVocabulary | None,
    batch_size: int,
    *,
    seed: int = 0,
    is_shuffled: bool = True,
    sample_weight: Any = None,
) -> PreparedBags:
    """Bags of a split for a model.

    Args:
        split: in shards.
        vocabulary: of the model.
        batch_size: texts a batch.
        seed: see `PreparedBags`.
        is_shuffled: see `PreparedBags`.
        sample_weight: has to be None.

    Raises:
        ValueError: the vocabulary is not that of the corpus, or there are
            weights.
    """
    check_split(split, vocabulary, sample_weight)
    return PreparedBags(split, batch_size, seed, is_shuffled=is_shuffled)
