"""Batches of the cells of a prepared matrix, which stay in their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, check, counted, refused
from keras_textgen.data.batches.cells import Batch, drawn_shares
from keras_textgen.data.cells import wrong_value
from keras_textgen.data.shards.matrix import (
    PreparedCells,
    ids_sum,
    places_between,
)
from keras_textgen.data.shards.order import ComputedOrder

# Cells whose relevant ones are counted together.
_BLOCK = 256


class PreparedCellBatches(ComputedOrder):
    """Cells of a split in batches, see `ComputedOrder`.

    What a batch holds, and what is drawn beside its cells, is as in
    `feedback_batches`; nothing of the cells is held in memory but a few bytes
    for each row of the matrix and, with `relevant_above`, for each 256 cells.

    Args:
        cells: of a split.
        batch_size: known cells a batch; the last one may be smaller.
        seed: of the shuffling, and of what is drawn.
        feedback: `"explicit"`, `"implicit"` or `"ranking"`.
        negatives: drawn for each known cell; not for explicit feedback. What is
            known in training, or in the split, is never drawn.
        relevant_above: for ranking, cells of other values count as unknown.
        is_shuffled: False leaves the cells in their order, every epoch.

    Raises:
        ValueError: a value is not allowed, or none is above `relevant_above`.
    """

    def __init__(
        self,
        cells: PreparedCells,
        batch_size: int,
        seed: int = 0,
        *,
        feedback: str = "explicit",
        negatives: int = 0,
        relevant_above: float | None = None,
        is_shuffled: bool = True,
    ) -> None:
        _check_extent(cells, feedback)
        self.cells = cells
        self._feedback = feedback
        self._negatives = 0 if feedback == "explicit" else negatives
        self._relevant = _Relevant(cells, relevant_above)
        super().__init__(
            len(self._relevant),
            batch_size,
            seed=seed,
            lengths=None,
            is_shuffled=is_shuffled,
        )
        if feedback == "explicit":
            return
        check(SIZES, negatives=negatives)
        known = [self._relevant]
        if cells.train is not cells:
            known.append(_Relevant(cells.train, relevant_above))
        self._unobserved = _Unobserved(known, cells.shape)
        counts = self._unobserved.counts
        if feedback == "implicit":
            # So that what is drawn in an epoch stands for all of the row.
            drawn = negatives * self._relevant.row_counts
            counts = counts / np.maximum(drawn, 1)
        with tf.device("CPU:0"):
            self._of_row = tf.constant(counts, tf.float32)

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return self.num_rows, "values"

    def part_of_step(
        self,
        rows: tf.Tensor,
        begin: tf.Tensor,
        end: tf.Tensor,
        epoch: tf.Tensor,
        step: tf.Tensor,
    ) -> Batch:
        """A part of the cells of a batch, and what is drawn for them."""
        batch = self._known(rows[begin:end])
        if not self._negatives:
            return batch
        # The whole batch is drawn for, so that it does not matter who asks.
        shares = drawn_shares(
            [tf.size(rows), self._negatives], self.seed, epoch, step
        )
        drawn = self._unobserved.columns(batch["row"], shares[begin:end])
        of_row = tf.gather(self._of_row, batch["row"])
        if self._feedback == "ranking":
            return batch | {"drawn": drawn, "unobserved": of_row}
        columns = tf.reshape(drawn, [-1])
        beside = {
            "row": tf.repeat(batch["row"], self._negatives),
            "column": columns,
            "value": tf.zeros(tf.shape(columns)),
            "weight": tf.repeat(of_row, self._negatives),
        }
        return {
            name: tf.concat([each, beside[name]], axis=0)
            for name, each in batch.items()
        }

    def _known(self, rows: tf.Tensor) -> Batch:
        found = tf.numpy_function(
            self._gathered, [rows], [tf.int32, tf.int32, tf.float32]
        )
        row, column, value = (tf.ensure_shape(each, [None]) for each in found)
        return {
            "row": row,
            "column": column,
            "value": value,
            "weight": tf.ones_like(value),
        }

    def _gathered(self, numbers: np.ndarray) -> tuple[np.ndarray, ...]:
        found = self.cells[self._relevant.places(numbers)]
        return tuple(
            np.ascontiguousarray(each)
            for each in (found.rows, found.columns, found.values)
        )


class _Relevant:
    """The cells of a split whose values are above one, by their number.

    Args:
        cells: of the split.
        above: the value; None for all cells.

    Attributes:
        cells: of the split.
        above: the value, or None.

    Raises:
        ValueError: there are none.
    """

    def __init__(self, cells: PreparedCells, above: float | None) -> None:
        self.cells = cells
        self.above = above
        if above is None:
            return
        sizes = [
            np.add.reduceat(
                chunk.values > above, range(0, len(chunk), _BLOCK), dtype=int
            )
            for chunk in cells.chunks()
        ]
        self._ends = np.cumsum(np.concatenate(sizes), dtype=np.int64)
        if not len(self):
            raise refused(f"no value above {above:g}", "1 or more")

    def __len__(self) -> int:
        return len(self.cells) if self.above is None else int(self._ends[-1])

    @property
    def row_counts(self) -> np.ndarray:
        """How many each row has, int64 `[rows]`."""
        size = self.cells.shape[0]
        if self.above is None:
            return np.diff(self.cells.starts)
        counts = np.zeros(size, np.int64)
        for chunk in self.cells.chunks():
            rows = chunk.rows[chunk.values > self.above]
            counts += np.bincount(rows, minlength=size)
        return counts

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Where some of them stand among all cells of the split.

        Args:
            numbers: of relevant cells, from 0, `[n]`.
        """
        if self.above is None:
            return numbers
        block = np.searchsorted(self._ends, numbers, side="right")
        before = np.where(block > 0, self._ends[block - 1], 0)
        places = block[:, np.newaxis] * _BLOCK + np.arange(_BLOCK)
        is_there = places < len(self.cells)
        values = self.cells.values[np.minimum(places, len(self.cells) - 1)]
        ranks = np.cumsum((values > self.above) & is_there, axis=1)
        within = np.argmax(ranks > (numbers - before)[:, np.newaxis], axis=1)
        return block * _BLOCK + within

    def columns_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The columns of some rows, each beside the place of its row.

        Args:
            rows: their numbers, `[n]`.

        Returns:
            Places in `rows`, and columns.
        """
        starts = self.cells.starts
        begins, ends = starts[rows], starts[rows + 1]
        places = places_between(begins, ends)
        of_row = np.repeat(np.arange(len(rows)), ends - begins)
        if self.above is not None:
            is_relevant = self.cells.values[places] > self.above
            places, of_row = places[is_relevant], of_row[is_relevant]
        return of_row, self.cells.columns[places]


class _Unobserved:
    """Columns in which rows have no known value.

    The t-th such column of a row is found as that of `data.batches.cells` has
    it, among the known columns of the rows of a batch, which are read for it.

    Args:
        known: cells that are known; none is in two of them.
        shape: rows and columns of the matrix.

    Attributes:
        counts: how many each row has, int64 `[rows]`.
    """

    def __init__(
        self, known: Sequence[_Relevant], shape: tuple[int, int]
    ) -> None:
        self._known = known
        self._num_columns = shape[1]
        self.counts = np.full(shape[0], shape[1])
        for each in known:
            self.counts -= each.row_counts

    def columns(self, rows: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
        """Some columns of rows, int32 `[n, m]`.

        Args:
            rows: int32 `[n]`; one that is known as a whole has column 0.
            shares: float64 `[n, m]`, where a column stands among those of its
                row, from 0 and below 1.
        """
        found = tf.numpy_function(self._found, [rows, shares], tf.int32)
        return tf.ensure_shape(found, [None, shares.shape[1]])

    def _found(self, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
        unique, place = np.unique(rows, return_inverse=True)
        parts = [each.columns_of(unique) for each in self._known]
        keys = [
            of_row * self._num_columns + columns for of_row, columns in parts
        ]
        known = np.sort(np.concatenate(keys))
        of_row = known // self._num_columns
        starts = np.searchsorted(of_row, np.arange(len(unique)))
        ranks = known - (np.arange(len(known)) - starts[of_row])
        counts = self.counts[rows][:, np.newaxis]
        rank = (shares * counts).astype(np.int64)
        place = place[:, np.newaxis]
        before = np.searchsorted(
            ranks, place * self._num_columns + rank, side="right"
        )
        columns = rank + before - starts[place]
        return np.where(counts > 0, columns, 0).astype(np.int32)


def cell_batches_of(
    cells: PreparedCells,
    model: Any,
    batch_size: int,
    *,
    sample_weight: Any = None,
    is_shuffled: bool = True,
    is_prediction: bool = False,
) -> PreparedCellBatches:
    """Batches of a split for a model.

    Args:
        cells: of the split.
        model: with `row_ids`, `col_ids`, `brought_features`, `feedback`,
            `negatives`, `relevant_above` and `seed`.
        batch_size: cells a batch.
        sample_weight: has to be None.
        is_shuffled: as in `PreparedCellBatches`.
        is_prediction: whether values do not matter, and nothing is drawn.

    Raises:
        ValueError: the ids are not those of the matrix, cells bring features,
            there are weights, or as in `PreparedCellBatches`.
    """
    if sample_weight is not None:
        raise refused("sample_weight of a prepared matrix", "None")
    if model.brought_features:
        raise refused(
            "a prepared matrix for a model to which cells bring "
            f"{', '.join(model.brought_features)}",
            "a model without features, or features of every id",
        )
    ids = model.row_ids, model.col_ids
    if tuple(map(ids_sum, ids)) != cells.ids_sums:
        raise refused(
            f"a prepared matrix of {counted(cells.shape[0], 'row')} and "
            f"{counted(cells.shape[1], 'column')} for a model of other ids",
            "a model of its ids, as from_prepared makes it",
        )
    drawing = {}
    if not is_prediction:
        drawing = {
            "feedback": model.feedback,
            "negatives": model.negatives,
            "relevant_above": model.relevant_above,
        }
    return PreparedCellBatches(
        cells, batch_size, model.seed, is_shuffled=is_shuffled, **drawing
    )


def _check_extent(cells: PreparedCells, feedback: str) -> None:
    """Refuses values that a kind of feedback cannot be learnt from."""
    extent = cells.lowest, cells.highest
    wrong = wrong_value(np.array(extent), feedback)
    if wrong is not None:
        raise refused(
            f"values from {extent[0]:g} to {extent[1]:g} with "
            f"feedback={feedback}",
            wrong[1],
        )
