"""Batches of the cells of a matrix, shuffled by seed and epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, WholeNumbers, check, refused
from keras_textgen.data.batches.base import RowBatches, checked_weights
from keras_textgen.data.cells import Ratings, relevant_cells

Batch = dict[str, tf.Tensor]


class PairBatches(RowBatches):
    """Known cells of a matrix, cut into batches, perhaps with unknown cells.

    Every batch is a dictionary: "row" and "column", int32 [batch]; "value" and
    "weight", float32 [batch]. Which cells are in the batch of a given epoch and
    step depends on nothing but `seed`, epoch and step, so training can go on
    from any point.

    With `negatives` = N, N cells that are not observed follow for each
    observed one, drawn uniformly from those of the same row, of value 0. Their
    weight is the number of such cells over the number drawn in an epoch, so
    that an epoch's sum over them is, on average, that over all cells which are
    not observed; the weight of observed cells is 1. Rows without a known cell
    are left out.

    Args:
        cells: The known cells.
        shape: Rows and columns of the matrix.
        batch_size: Known cells a batch; the last one may be smaller.
        seed: Of the shuffling, and of what is drawn.
        negatives: Cells drawn for each known one.
        observed: Further cells that must not be drawn, besides `cells`.
        is_shuffled: See `RowBatches`.
        sample_weight: A weight a known cell, see `RowBatches`; what is drawn
            for a cell has the cell's.

    Raises:
        ValueError: No cells, a cell outside the matrix, a value that is not
            finite (with `negatives`: not above 0), or an argument that is not
            allowed.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 1], [2, 0], [5.0, 3.0])))
        >>> batches = PairBatches(cells, (2, 3), batch_size=1)
        >>> for batch in batches.evaluation_dataset():
        ...     print(int(batch["row"][0]), float(batch["value"][0]))
        0 5.0
        1 3.0
    """

    def __init__(
        self,
        cells: Ratings,
        shape: tuple[int, int],
        batch_size: int,
        *,
        seed: int = 0,
        negatives: int = 0,
        observed: Ratings | None = None,
        is_shuffled: bool = True,
        sample_weight: Sequence[float] | None = None,
    ) -> None:
        check(WholeNumbers(0), negatives=negatives)
        check_cells(cells, shape)
        if negatives:
            self._check_values(cells)
        super().__init__(
            len(cells),
            batch_size,
            seed=seed,
            is_shuffled=is_shuffled,
            sample_weight=sample_weight,
        )
        self.cells = cells
        self.shape = shape
        self.negatives = negatives
        known = cells.rows, cells.columns
        if observed is not None:
            check_cells(observed, shape)
            known = (
                np.concatenate([cells.rows, observed.rows]),
                np.concatenate([cells.columns, observed.columns]),
            )
        # Wherever the datasets are used, their constants are on the CPU.
        with tf.device("CPU:0"):
            self._values = {
                "row": tf.constant(cells.rows, tf.int32),
                "column": tf.constant(cells.columns, tf.int32),
                "value": tf.constant(cells.values, tf.float32),
            }
            if negatives:
                self._unobserved = _Unobserved(*known, shape)
                self._weights = tf.constant(
                    self._negative_weights(cells), tf.float32
                )

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return len(self.cells), "values"

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Batch:
        """Known cells, and those drawn for them."""
        batch = self._known(rows)
        if not self.negatives:
            return batch
        drawn = self._drawn(
            tf.repeat(batch["row"], self.negatives), epoch, step
        )
        return {
            name: tf.concat([batch[name], drawn[name]], axis=0)
            for name in batch
        }

    def weights_of(self, sample_weight: tf.Tensor) -> tf.Tensor:
        """Weights of known cells, and of those drawn for them."""
        drawn = tf.repeat(sample_weight, self.negatives)
        return tf.concat([sample_weight, drawn], axis=0)

    def _known(self, rows: tf.Tensor) -> Batch:
        """Known cells by their places."""
        batch = {
            name: tf.gather(values, rows)
            for name, values in self._values.items()
        }
        batch["weight"] = tf.ones_like(batch["value"])
        return batch

    def _check_values(self, cells: Ratings) -> None:
        """Refuse values that cannot be told from those of drawn cells."""
        _check_positive(cells)

    def _drawn(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Batch:
        return {
            "row": rows,
            "column": self._drawn_columns(rows, epoch, step),
            "value": tf.zeros(tf.shape(rows)),
            "weight": tf.gather(self._weights, rows),
        }

    def _drawn_columns(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        shares = drawn_shares(tf.shape(rows), self.seed, epoch, step)
        return self._unobserved.columns(rows, shares)

    def _negative_weights(self, cells: Ratings) -> np.ndarray:
        rows, _ = self.shape
        drawn = self.negatives * np.bincount(cells.rows, minlength=rows)
        return self._unobserved.counts / np.maximum(drawn, 1)


class RankingBatches(PairBatches):
    """Known cells, each with unobserved columns of its row beside it.

    A batch holds no drawn cells of their own, but, beside what `PairBatches`
    has, "drawn", int32 [batch, negatives]: columns drawn uniformly from those
    of the row that are not observed; and "unobserved", float32 [batch]: how
    many those are.

    Args:
        cells: The cells that are to come before others; of any value.
        shape: Rows and columns of the matrix.
        batch_size: Cells a batch; the last one may be smaller.
        negatives: Columns drawn for each cell, 1 or more.
        **settings: As in `PairBatches`.

    Raises:
        ValueError: As `PairBatches`, but values may be 0 and less.

    Example:
        >>> cells = Ratings(*map(np.array, ([0], [2], [5.0])))
        >>> batches = RankingBatches(cells, (1, 4), 1, negatives=9)
        >>> (batch,) = batches.evaluation_dataset()
        >>> drawn = batch["drawn"].numpy()[0].tolist()
        >>> float(batch["unobserved"][0]), set(drawn) - {2}
        (3.0, {0, 1, 3})
    """

    def __init__(
        self,
        cells: Ratings,
        shape: tuple[int, int],
        batch_size: int,
        *,
        negatives: int,
        **settings: Any,
    ) -> None:
        check(SIZES, negatives=negatives)
        super().__init__(
            cells, shape, batch_size, negatives=negatives, **settings
        )
        with tf.device("CPU:0"):
            self._counts = tf.constant(self._unobserved.counts, tf.float32)

    def _check_values(self, cells: Ratings) -> None:
        """Any value will do: drawn columns stand by themselves."""

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Batch:
        """Known cells, with columns of their rows beside them."""
        batch = self._known(rows)
        of_drawn = tf.repeat(batch["row"], self.negatives)
        drawn = self._drawn_columns(of_drawn, epoch, step)
        return batch | {
            "drawn": tf.reshape(drawn, [-1, self.negatives]),
            "unobserved": tf.gather(self._counts, batch["row"]),
        }

    def weights_of(self, sample_weight: tf.Tensor) -> tf.Tensor:
        """Weights of known cells: what is drawn stands beside them."""
        return sample_weight


def feedback_batches(
    feedback: str,
    cells: Ratings,
    shape: tuple[int, int],
    batch_size: int,
    *,
    seed: int = 0,
    negatives: int = 0,
    observed: Ratings | None = None,
    relevant_above: float | None = None,
    is_shuffled: bool = True,
    sample_weight: Sequence[float] | None = None,
) -> PairBatches:
    """Batches as a kind of feedback needs them.

    Args:
        feedback: "explicit", of known cells alone; "implicit", with unknown
            ones; or "ranking", with unobserved columns beside each.
        cells: The known cells.
        shape: Rows and columns of the matrix.
        batch_size: Known cells a batch; the last one may be smaller.
        seed: Of the shuffling, and of what is drawn.
        negatives: Drawn for each known cell; not for explicit feedback.
        observed: Further cells that must not be drawn.
        relevant_above: For ranking, cells of other values count as unknown.
        is_shuffled: See `RowBatches`.
        sample_weight: See `RowBatches`.

    Raises:
        ValueError: As `PairBatches`, or no value is above `relevant_above`.

    Example:
        >>> cells = Ratings(*map(np.array, ([0, 0], [2, 1], [5.0, 1.0])))
        >>> batches = feedback_batches(
        ...     "ranking", cells, (1, 4), 9, negatives=2, relevant_above=3.0
        ... )
        >>> len(batches.cells)
        1
    """
    drawing: type[PairBatches] = PairBatches
    if feedback == "explicit":
        negatives, observed = 0, None
    if feedback == "ranking":
        drawing = RankingBatches
        if relevant_above is not None:
            if sample_weight is not None:
                weights = checked_weights(sample_weight, len(cells))
                relevant = cells.values > relevant_above
                sample_weight = weights[relevant].tolist()
            cells = relevant_cells(cells, relevant_above)
            if observed is not None:
                observed = observed[observed.values > relevant_above]
    return drawing(
        cells,
        shape,
        batch_size,
        seed=seed,
        negatives=negatives,
        observed=observed,
        is_shuffled=is_shuffled,
        sample_weight=sample_weight,
    )


def drawn_shares(
    shape: tf.Tensor | list[tf.Tensor | int],
    seed: int,
    epoch: tf.Tensor,
    step: tf.Tensor,
) -> tf.Tensor:
    """Numbers from [0, 1), float64, by which a step draws columns.

    Args:
        shape: Of the numbers.
        seed: Of the batches.
        epoch: int64 scalar.
        step: int64 scalar.
    """
    of_step = tf.random.experimental.stateless_fold_in(
        tf.stack([tf.cast(seed, tf.int64), 2 * epoch + 1]), step
    )
    return tf.random.stateless_uniform(
        shape, of_step, dtype=tf.float64, alg="philox"
    )


class _Unobserved:
    """Draws columns in which rows have no known value.

    The t-th such column of a row, from 0, is t plus the number of the row's
    observed columns o_0 < o_1 < ... with o_j - j <= t: a search in a sorted
    list, and nothing is drawn in vain.

    Args:
        rows: Of the observed cells.
        columns: The same.
        shape: Rows and columns of the matrix.
    """

    def __init__(
        self, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]
    ) -> None:
        num_rows, num_columns = shape
        cells = np.unique(rows.astype(np.int64) * num_columns + columns)
        of_row = cells // num_columns
        starts = np.searchsorted(of_row, np.arange(num_rows))
        place = np.arange(len(cells)) - starts[of_row]
        self.counts = num_columns - np.bincount(of_row, minlength=num_rows)
        self._num_columns = num_columns
        self._starts = tf.constant(starts, tf.int64)
        self._counts = tf.constant(self.counts, tf.int64)
        self._ranks = tf.constant(cells - place, tf.int64)

    def columns(self, rows: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
        """A column for every row, int32 [n], by float64 [n] from [0, 1).

        A row that is observed as a whole gives column 0; its weight is 0.
        """
        count = tf.gather(self._counts, rows)
        rank = tf.cast(shares * tf.cast(count, tf.float64), tf.int64)
        first = tf.cast(rows, tf.int64) * self._num_columns
        before = tf.searchsorted(
            self._ranks, first + rank, side="right", out_type=tf.int64
        )
        column = rank + before - tf.gather(self._starts, rows)
        return tf.cast(tf.where(count > 0, column, 0), tf.int32)


def check_cells(cells: Ratings, shape: tuple[int, int]) -> None:
    """Refuse cells that are not those of a matrix.

    Args:
        cells: To be checked.
        shape: Rows and columns of the matrix.

    Raises:
        ValueError: No cells, a cell outside the matrix, or a value that is
            not finite.

    Example:
        >>> check_cells(Ratings(*map(np.array, ([7], [0], [1.0]))), (2, 3))
        Traceback (most recent call last):
        ValueError: row 7; allowed: 0 to 1
    """
    if not len(cells):
        raise refused("no cells", "1 or more")
    check_range("row", cells.rows, shape[0])
    check_range("column", cells.columns, shape[1])
    wrong = ~np.isfinite(cells.values)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise refused(
            f"value {cells.values[place]} in row {cells.rows[place]}, column "
            f"{cells.columns[place]}",
            "finite numbers",
        )


def check_range(name: str, ids: np.ndarray, size: int) -> None:
    """Refuse numbers of rows or columns that do not exist.

    Args:
        name: What they are numbers of.
        ids: Integers.
        size: How many there are.

    Raises:
        ValueError: A number is below 0, or `size` or more.

    Example:
        >>> check_range("column", np.array([0, -1]), 3)
        Traceback (most recent call last):
        ValueError: column -1; allowed: 0 to 2
    """
    outside = ids[(ids < 0) | (ids >= size)]
    if len(outside):
        raise refused(f"{name} {outside[0]}", f"0 to {size - 1}")


def _check_positive(cells: Ratings) -> None:
    wrong = cells.values <= 0
    if wrong.any():
        place = int(np.argmax(wrong))
        raise refused(
            f"value {cells.values[place]:g} in row {cells.rows[place]}, column "
            f"{cells.columns[place]} with negatives",
            "values above 0",
        )
