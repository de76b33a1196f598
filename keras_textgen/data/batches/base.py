"""Which rows make up the batch of a seed, an epoch and a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    WholeNumbers,
    check,
    refused,
)

_INT64_MAX = np.iinfo(np.int64).max
# As models have them.
_SEEDS = WholeNumbers(np.iinfo(np.int64).min, _INT64_MAX)

FirstEpoch = int | Callable[[], int]
"""An epoch from 0, or what gives it once training begins."""


class RowBatches:
    """Rows cut into batches; a kind of data adds `tensors`.

    Which rows make up the batch of a given epoch and step depends on nothing
    but `seed`, epoch and step, so training can go on from any point.

    Args:
        num_rows: How many rows there are.
        batch_size: Rows a batch; the last batch may be smaller.
        seed: Of the shuffling.
        lengths: int [num_rows]; given, each epoch is shuffled, sorted by
            length (so that a batch holds rows of like length and little
            padding), cut into batches, and the batches are shuffled.
        is_shuffled: False leaves the rows in the given order, every epoch.
        targets: A number or text for each row, [num_rows]; None for batches
            without targets.
        sample_weight: A weight for each row, [num_rows]; None for batches
            without weights.

    Raises:
        ValueError: There are no rows, or not one target or weight a row, or an
            argument is not allowed.
    """

    # Whether each of several processes can read its own part alone.
    can_be_shared = False

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        *,
        seed: int = 0,
        lengths: np.ndarray | None = None,
        is_shuffled: bool = True,
        targets: np.ndarray | None = None,
        sample_weight: Sequence[float] | None = None,
    ) -> None:
        check(SIZES, batch_size=batch_size)
        check(_SEEDS, seed=seed)
        check(SWITCHES, is_shuffled=is_shuffled)
        self.num_rows = num_rows
        self.batch_size = batch_size
        self.seed = seed
        self.is_shuffled = is_shuffled
        self.steps_per_epoch = -(-num_rows // batch_size)
        # Kept on the host: a dataset runs there whatever device trains.
        with tf.device("CPU:0"):
            self._keep_order(lengths if is_shuffled else None)
            self._targets = None if targets is None else tf.constant(targets)
            self._sample_weight = None
            if sample_weight is not None:
                self._sample_weight = tf.constant(
                    checked_weights(sample_weight, num_rows)
                )

    # -- The order of the rows -----------------------------------------------

    def _keep_order(self, lengths: np.ndarray | None) -> None:
        """Keeps what the order of rows is made of.

        Args:
            lengths: By which rows are grouped, [num_rows]; None if they are
                not.
        """
        by_length = lengths is not None
        self._row_lengths = (
            tf.constant(lengths, tf.int64) if by_length else None
        )
        self._evaluation_rows = tf.constant(
            np.argsort(lengths, kind="stable")
            if by_length
            else np.arange(self.num_rows)
        )

    def _batches_of(
        self, epoch: tf.Tensor
    ) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """From a step to its rows, int64 [batch], and to their number.

        The number, int64, is that of the batch before batches are shuffled.
        """
        rows, steps = self._shuffled(epoch)
        return lambda step: (self._cut(rows, steps[step]), steps[step])

    def _evaluated_rows(self, step: tf.Tensor) -> tf.Tensor:
        """The rows of a step of `evaluation_dataset()`, int64 [batch]."""
        return self._cut(self._evaluation_rows, step)

    def _cut(self, rows: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        begin = step * self.batch_size
        return rows[begin : begin + self.batch_size]

    # -- What a kind of data adds --------------------------------------------

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Any:
        """What a model is called with.

        Args:
            rows: int64 [batch], the rows' numbers.
            epoch: int64 scalar, for what is drawn.
            step: int64 scalar, for what is drawn.
        """
        raise NotImplementedError

    def check_means(self) -> None:
        """Refuses rows of which no loss has a mean; some kinds have such."""

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        raise NotImplementedError

    # -- Datasets ------------------------------------------------------------

    def of_share(self, share: Any) -> Self:
        """The same, with the parts of one process; if it can be shared."""
        raise NotImplementedError

    @property
    def original_order(self) -> np.ndarray:
        """Where each row stands in `evaluation_dataset()`.

        With `outputs` one row a row, in the order of `evaluation_dataset()`,
        `outputs[batches.original_order]` is in the given order.
        """
        return np.argsort(self._evaluation_rows.numpy())

    def training_stream(
        self, first_epoch: FirstEpoch = 0, first_step: int = 0
    ) -> tf.data.Dataset:
        """Returns the endless stream of training batches.

        Epoch follows epoch, each of `steps_per_epoch` batches with every row
        once. What is skipped is never made.

        Args:
            first_epoch: Epoch to begin with, from 0.
            first_step: Step of that epoch to begin with, from 0; values of
                `steps_per_epoch` and more reach into later epochs.

        Returns:
            Infinite dataset of what `tensors` gives, or of (tensors, targets)
            or (tensors, targets or None, weights).

        Raises:
            ValueError: A negative epoch or step.
        """

        def batches_of_epoch(epoch: tf.Tensor) -> Callable[[tf.Tensor], Any]:
            batch_of = self._batches_of(epoch)

            def element(step: tf.Tensor) -> Any:
                rows, number = batch_of(step)
                return self._element(rows, epoch, number)

            return element

        return endless_stream(
            batches_of_epoch, self.steps_per_epoch, first_epoch, first_step
        )

    def evaluation_dataset(self) -> tf.data.Dataset:
        """Returns every row once, in an order that never changes.

        Returns:
            Dataset of `steps_per_epoch` elements of `training_stream`.
        """
        steps = tf.data.Dataset.range(self.steps_per_epoch)
        epoch = tf.constant(0, tf.int64)
        batches = steps.map(
            lambda step: self._element(self._evaluated_rows(step), epoch, step)
        )
        return batches.prefetch(tf.data.AUTOTUNE)

    def whole(self, step: int = 0) -> Any:
        """All rows in the given order as one element of `training_stream`.

        Args:
            step: For what is drawn.
        """
        rows = tf.range(self.num_rows, dtype=tf.int64)
        epoch = tf.constant(0, tf.int64)
        return self._element(rows, epoch, tf.constant(step, tf.int64))

    def _shuffled(self, epoch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows in the order of batches, and the order of batches.

        Args:
            epoch: int64 scalar.

        Returns:
            int64 `[num_rows]` and int64 `[steps_per_epoch]`.
        """
        steps = tf.range(self.steps_per_epoch, dtype=tf.int64)
        if not self.is_shuffled:
            return self._evaluation_rows, steps
        rows = permutation(self.num_rows, [self.seed, 2 * epoch])
        if self._row_lengths is None:
            return rows, steps
        by_length = tf.argsort(tf.gather(self._row_lengths, rows), stable=True)
        order = permutation(self.steps_per_epoch, [self.seed, 2 * epoch + 1])
        return tf.gather(rows, by_length), order

    def _element(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Any:
        tensors = self.tensors(rows, epoch, step)
        if self._targets is None and self._sample_weight is None:
            return tensors
        targets = weights = None
        if self._targets is not None:
            targets = tf.gather(self._targets, rows)
        if self._sample_weight is None:
            return tensors, targets
        weights = self.weights_of(tf.gather(self._sample_weight, rows))
        return tensors, targets, weights

    def weights_of(self, sample_weight: tf.Tensor) -> tf.Tensor:
        """Weights of what `tensors` makes of rows, from those of the rows."""
        return sample_weight


def checked_weights(
    sample_weight: Sequence[float] | np.ndarray, num_rows: int
) -> np.ndarray:
    """Refuses weights that are none.

    Args:
        sample_weight: Numbers, one a row.
        num_rows: How many rows there are.

    Returns:
        float32 [num_rows].

    Raises:
        ValueError: There is not one a row, or one is negative, not finite, or
            no number.

    Example:
        >>> checked_weights([1, 0.5], 2).tolist()
        [1.0, 0.5]
        >>> checked_weights([1, -1], 2)
        Traceback (most recent call last):
        ValueError: sample_weight of row 1 is -1.0; allowed: 0 or more, finite
    """
    try:
        weights = np.asarray(sample_weight, np.float32)
    except (TypeError, ValueError):
        raise refused(
            "sample_weight holds what is no number", "numbers, one a row"
        ) from None
    if weights.shape != (num_rows,):
        raise refused(
            f"sample_weight of shape {list(weights.shape)}",
            f"[{num_rows}], one a row",
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise refused(
            f"sample_weight of row {wrong[0]} is {weights[wrong[0]]}",
            "0 or more, finite",
        )
    return weights


def endless_stream(
    batches_of_epoch: Callable[[tf.Tensor], Callable[[tf.Tensor], Any]],
    steps_per_epoch: int,
    first_epoch: FirstEpoch = 0,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Returns the batches of one epoch after the other, without end.

    Args:
        batches_of_epoch: Turns the number of an epoch, int64, into a function
            that turns the number of a step, int64, into its batch.
        steps_per_epoch: Batches an epoch.
        first_epoch: Epoch to begin with, from 0; a function is asked for it
            whenever the dataset is begun.
        first_step: Step of that epoch to begin with, from 0; values of
            `steps_per_epoch` and more reach into later epochs. What is skipped
            is never made.

    Returns:
        Infinite dataset of batches.

    Raises:
        ValueError: A negative epoch or step.

    Example:
        >>> stream = endless_stream(lambda epoch: lambda step: epoch + step, 3)
        >>> [int(batch) for batch in stream.take(5)]
        [0, 1, 2, 1, 2]
    """
    check(WholeNumbers(0), first_step=first_step)
    if not callable(first_epoch):
        check(WholeNumbers(0), first_epoch=first_epoch)

    def epochs(first: tf.Tensor) -> tf.data.Dataset:
        first += first_step // steps_per_epoch

        def batches(epoch: tf.Tensor) -> tf.data.Dataset:
            begin = tf.where(epoch == first, first_step % steps_per_epoch, 0)
            steps = tf.data.Dataset.range(
                tf.cast(begin, tf.int64), steps_per_epoch
            )
            return steps.map(batches_of_epoch(epoch))

        return tf.data.Dataset.range(first, _INT64_MAX).flat_map(batches)

    stream = _first(first_epoch).flat_map(epochs)
    infinite = tf.data.experimental.assert_cardinality(
        tf.data.INFINITE_CARDINALITY
    )
    return stream.apply(infinite).prefetch(tf.data.AUTOTUNE)


def _first(epoch: FirstEpoch) -> tf.data.Dataset:
    """A dataset of one element, the epoch, int64."""
    if not callable(epoch):
        return tf.data.Dataset.from_tensors(tf.constant(epoch, tf.int64))

    def ask(_: tf.Tensor) -> tf.Tensor:
        number = tf.numpy_function(lambda: np.int64(epoch()), [], tf.int64)
        return tf.ensure_shape(number, [])

    return tf.data.Dataset.range(1).map(ask)


def permutation(size: int, seed: Sequence[int | tf.Tensor]) -> tf.Tensor:
    """Returns the numbers below `size` in an order that the seed decides.

    Args:
        size: how many.
        seed: two integers.

    Returns:
        int32 `[size]`, the same on every device.

    Example:
        >>> sorted(permutation(4, [7, 1]).numpy().tolist())
        [0, 1, 2, 3]
    """
    # The generator is named, because the default differs between devices.
    keys = tf.random.stateless_uniform(
        [size], seed, minval=None, maxval=None, dtype=tf.int64, alg="philox"
    )
    return tf.argsort(keys, stable=True)
