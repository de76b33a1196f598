"""An order of rows that is computed, not stored."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import tensorflow as tf

from keras_textgen.data.batches.base import (
    FirstEpoch,
    RowBatches,
    endless_stream,
    permutation,
)

# Batches among whose rows those of like length come together: enough that
# little is padded, few enough that a step takes no time.
WINDOW = 64


class Share(NamedTuple):
    """The replicas of one process among all that train together.

    Attributes:
        first: number of the first of them, from 0.
        here: how many they are.
        total: replicas of all processes.
    """

    first: int = 0
    here: int = 1
    total: int = 1


class ComputedOrder(RowBatches):
    """Rows in batches, in an order that takes no memory.

    An epoch visits every row once. Which one stands at a place of the whole
    order is computed, by a permutation of seed and epoch; each `WINDOW`
    batches' worth of places is sorted by length and cut into batches, which are
    then shuffled among themselves. So the batch of a seed, an epoch and a step
    depends on nothing else, whoever computes it, and each of several processes
    reads its own part of it alone, see `of_share`.

    Args:
        num_rows: how many rows there are.
        batch_size: rows a batch; the last batch may be smaller.
        lengths: of the rows, `[num_rows]`, which may be mapped from a file;
            None if rows are not grouped by length.
        **kwargs: of `RowBatches`.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        *,
        lengths: np.ndarray | None,
        **kwargs,
    ) -> None:
        self._lengths = lengths
        self._share = Share()
        self._last = (np.zeros(0, np.int64), np.zeros(0, np.int32))
        super().__init__(num_rows, batch_size, **kwargs)

    # -- What a kind of data adds --------------------------------------------

    def part(self, rows: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> Any:
        """What a model is given of a part of a batch, as wide as all of it.

        Noise of training depends on the width.

        Args:
            rows: int64 `[batch]`, of the whole batch.
            begin: int64 scalar, the place of the first row of the part.
            end: int64 scalar, the place after the last one.
        """
        raise NotImplementedError

    def part_of_step(
        self,
        rows: tf.Tensor,
        begin: tf.Tensor,
        end: tf.Tensor,
        epoch: tf.Tensor,
        step: tf.Tensor,
    ) -> Any:
        """As `part`, of data for which something is drawn.

        Args:
            rows: as there.
            begin: as there.
            end: as there.
            epoch: int64 scalar, for what is drawn; 0 in evaluation.
            step: int64 scalar, for what is drawn.
        """
        del epoch, step
        return self.part(rows, begin, end)

    # -- Datasets ------------------------------------------------------------

    can_be_shared = True

    def of_share(self, share: Share) -> Self:
        """The same, but its datasets have the parts of some replicas alone.

        Their elements are the parts of a batch, replica by replica, which lie
        in the batch in the order of the replicas.

        Args:
            share: of them.
        """
        shared = copy.copy(self)
        shared._share = share
        return shared

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Any:
        """What a model is given of a whole batch."""
        return self.part_of_step(rows, *_bounds(rows, 0, 1), epoch, step)

    def training_stream(
        self, first_epoch: FirstEpoch = 0, first_step: int = 0
    ) -> tf.data.Dataset:
        """As that of `RowBatches`; of a share, its parts."""
        here = self._share.here

        def parts_of_epoch(epoch: tf.Tensor) -> Callable[[tf.Tensor], Any]:
            batch_of = self._batches_of(epoch)
            return lambda number: self._own(
                batch_of(number // here)[0], number, epoch
            )

        return endless_stream(
            parts_of_epoch,
            here * self.steps_per_epoch,
            first_epoch,
            here * first_step,
        )

    def evaluation_dataset(self) -> tf.data.Dataset:
        """As that of `RowBatches`; of a share, its parts."""
        here = self._share.here
        parts = tf.data.Dataset.range(here * self.steps_per_epoch).map(
            lambda number: self._own(
                self._evaluated_rows(number // here),
                number,
                tf.constant(0, tf.int64),
            )
        )
        if here > 1:
            # So that their number, which is not that of batches, is not known.
            parts = parts.filter(lambda *_: True)
        return parts.prefetch(tf.data.AUTOTUNE)

    def _own(self, rows: tf.Tensor, number: tf.Tensor, epoch: tf.Tensor) -> Any:
        """The part of one of the replicas, of which each has its turn."""
        here = self._share.here
        replica = self._share.first + number % here
        bounds = _bounds(rows, replica, self._share.total)
        return self.part_of_step(rows, *bounds, epoch, number // here)

    # -- The order of the rows -----------------------------------------------

    @property
    def original_order(self) -> np.ndarray:
        """Where each row stands in `evaluation_dataset()`."""
        order = np.arange(self.num_rows)
        if not self._is_grouped:
            return order
        for begin in range(0, self.num_rows, WINDOW * self.batch_size):
            window = slice(begin, begin + WINDOW * self.batch_size)
            by_length = np.argsort(self._length_of(window), kind="stable")
            order[window] = begin + np.argsort(by_length)
        return order

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
        begin = window * WINDOW
        count = tf.minimum(self.steps_per_epoch - begin, WINDOW)
        # A number for each window of each epoch, so that none is used twice.
        windows = -(-self.steps_per_epoch // WINDOW)
        order = permutation(count, [self.seed, epoch * windows + window])
        number = tf.cast(tf.gather(order, step - begin), tf.int64)
        seed = [self.seed, epoch]
        if not self._is_grouped:
            # The rest of the window has no say in it.
            return shuffled(self._cut(places, number), self.num_rows, seed)
        rows = shuffled(places, self.num_rows, seed)
        return self._cut(self._by_length(rows), number)

    def _evaluated_rows(self, step: tf.Tensor) -> tf.Tensor:
        rows, _ = self._window(step)
        return self._cut(self._by_length(rows), step % WINDOW)

    def _window(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The places of the window of a step, int64, and its number."""
        window = step // WINDOW
        size = WINDOW * self.batch_size
        begin = window * size
        return tf.range(begin, tf.minimum(begin + size, self.num_rows)), window

    @property
    def _is_grouped(self) -> bool:
        return self.is_shuffled and self._lengths is not None

    def _by_length(self, rows: tf.Tensor) -> tf.Tensor:
        if not self._is_grouped:
            return rows
        lengths = tf.numpy_function(self._lengths_of, [rows], tf.int32)
        lengths = tf.ensure_shape(lengths, [None])
        return tf.gather(rows, tf.argsort(lengths, stable=True))

    def _length_of(self, rows: np.ndarray | slice) -> np.ndarray:
        """By what some rows are grouped; only if there are lengths."""
        return self._lengths[rows]

    def _lengths_of(self, rows: np.ndarray) -> np.ndarray:
        """The lengths of rows; those of a window are looked up once."""
        known, lengths = self._last
        if not np.array_equal(known, rows):
            lengths = self._length_of(rows)
            self._last = rows.copy(), lengths
        return lengths


def _bounds(
    rows: tf.Tensor, number: tf.Tensor | int, count: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Where a part of rows begins and ends, of parts of about the same size."""
    size = tf.size(rows, tf.int64)
    number = tf.cast(number, tf.int64)
    return number * size // count, (number + 1) * size // count


def shuffled(
    places: tf.Tensor, size: int, seed: list[int | tf.Tensor]
) -> tf.Tensor:
    """What stands at some places of a permutation, which is computed.

    Args:
        places: integers below `size`.
        size: how many numbers are permuted.
        seed: two integers.

    Returns:
        int64, of the shape of `places`.

    Example:
        >>> sorted(shuffled(tf.range(4), 4, [7, 1]).numpy().tolist())
        [0, 1, 2, 3]
    """
    seed = tf.stack([tf.cast(each, tf.int64) for each in seed])
    places = tf.cast(places, tf.int64)
    return tf.random.experimental.index_shuffle(
        places, seed, tf.constant(size - 1, tf.int64)
    )
