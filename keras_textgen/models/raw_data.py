"""Forms in which data come to a model's methods."""

import weakref
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    Lists,
    WholeNumbers,
    check,
    counted,
    refused,
)
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.batches.sources import is_stream
from keras_textgen.data.frames import frame_of
from keras_textgen.data.id_checks import asserted
from keras_textgen.data.rows import in_memory, split_rows
from keras_textgen.data.shards.matrix import PreparedCells
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.private_names import initial_epoch

# What a prepared corpus may hold, and which models read it.
_PREPARED: dict[type, tuple[str, str]] = {
    PreparedSplit: ("corpus of texts", "models of texts, documents or topics"),
    PreparedCells: ("matrix", "models of matrices"),
}


class FirstEpoch:
    """The epoch that training begins with, known when it does.

    Args:
        model: What is trained.
        initial_epoch: As `fit` was given it.
    """

    def __init__(self, model: keras.Model, initial_epoch: int) -> None:
        # TensorFlow never forgets the functions of Python that a dataset calls,
        # and would keep the model with all that was traced for it.
        self._model = weakref.ref(model)
        self._initial_epoch = initial_epoch

    def __call__(self) -> int:
        """What `keras.callbacks.BackupAndRestore` has set, if it has."""
        model = self._model()
        resumed = None if model is None else initial_epoch(model)
        return resumed or self._initial_epoch


def unpacked(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a dataset or a user gives.

    Unlike Keras's own function, a list is x: texts, and no parts.

    Example:
        >>> unpacked((["a"], [1])), unpacked(["a", "b"])
        ((['a'], [1], None), (['a', 'b'], None, None))
    """
    if isinstance(data, tuple) and not hasattr(data, "_fields"):
        return keras.utils.unpack_x_y_sample_weight(data)
    return data, None, None


def packed(x: Any, y: Any, sample_weight: Any) -> Any:
    """The shortest form that `unpacked` reads.

    Example:
        >>> packed("x", None, None), packed("x", None, "weight")
        ('x', ('x', None, 'weight'))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    return x if y is None else (x, y)


def weights_of_batch(sample_weight: tf.Tensor) -> tf.Tensor:
    """Refuse weights that would be refused in memory.

    Args:
        sample_weight: A number a row of a batch.

    Returns:
        float32 [batch].

    Raises:
        tf.errors.InvalidArgumentError: One is negative, or not finite.

    Example:
        >>> weights_of_batch(tf.constant([1, 2])).numpy().tolist()
        [1.0, 2.0]
    """
    weights = tf.cast(sample_weight, tf.float32)
    is_weight = tf.math.is_finite(weights) & (weights >= 0)
    message = "a sample_weight that is none; allowed: 0 or more, finite"
    return asserted(weights, {message: is_weight})


def columns_of_table(
    model: Any, x: Any, y: Any = None, has_targets: bool = True
) -> tuple[Any, Any]:
    """Inputs and targets of a table that a user holds; other data as they are.

    Args:
        model: Whose `from_frame` says which columns it needs.
        x: A table of pandas, pyarrow or Hugging Face; or other data.
        y: Targets that are given beside it, or None.
        has_targets: Whether they are needed.
    """
    frame = frame_of(x)
    if frame is None:
        return x, y
    inputs, targets = model.from_frame(frame, y)
    return inputs, targets if has_targets else y


def is_numeric_tensor(value: Any) -> bool:
    """Whether a value can be given to `call` as it is.

    Example:
        >>> is_numeric_tensor(tf.constant(1)), is_numeric_tensor(["a rose"])
        (True, False)
    """
    if isinstance(value, keras.KerasTensor):
        return True
    if isinstance(value, tf.RaggedTensor):
        return False
    return tf.is_tensor(value) and value.dtype != tf.string


def are_all(is_one: Callable[[Any], bool], data: Any) -> bool:
    """Whether data have leaves, and all are of a kind.

    Example:
        >>> are_all(tf.is_tensor, {"row": tf.constant([1])})
        True
        >>> are_all(tf.is_tensor, {"row": []})
        False
    """
    leaves = keras.tree.flatten(data)
    return bool(leaves) and all(map(is_one, leaves))


def held_out(
    parts: tuple[Any, Any, Any], validation_split: float, validation_data: Any
) -> tuple[tuple, tuple]:
    """Data in memory without their last rows, and these.

    Args:
        parts: (x, y, sample_weight) of all rows.
        validation_split: The share of the last rows.
        validation_data: None, or what is refused beside them.

    Returns:
        The first rows and the last ones, as `parts`.

    Raises:
        ValueError: Both are given, or the data are not in memory.

    Example:
        >>> held_out((["a", "b", "c"], None, None), 0.4, None)
        ((['a'], None, None), (['b', 'c'], None, None))
        >>> held_out((iter([["a"], ["b"]]), None, None), 0.4, None)
        Traceback (most recent call last):
        ValueError: validation_split of list_iterator; allowed: of data in
        memory
    """
    if validation_data is not None:
        raise refused(
            f"validation_split={validation_split} with validation_data",
            "one of them",
        )
    x = parts[0]
    if is_stream(x) or isinstance(
        x, RowBatches | PreparedSplit | PreparedCells
    ):
        raise refused(
            f"validation_split of {type(x).__name__}", "of data in memory"
        )
    return split_rows(tuple(map(in_memory, parts)), validation_split)


def check_shards(model: Any, x: Any) -> None:
    """Refuse a part of a prepared corpus that a model does not read.

    Args:
        model: With `reads_shards`.
        x: Data in memory or in shards.

    Raises:
        ValueError: If it is of another kind.
    """
    for kind, (what, models) in _PREPARED.items():
        if isinstance(x, kind) and not isinstance(x, model.reads_shards):
            raise refused(
                f"a prepared {what} for {type(model).__name__}", models
            )


def check_counts(**counts: int | None) -> None:
    """Refuse numbers of steps of which Keras would make something else.

    Of 0 steps it makes all, or goes on without end.

    Args:
        **counts: By name; None where they were left out.

    Example:
        >>> check_counts(steps_per_epoch=None, validation_steps=0)
        Traceback (most recent call last):
        ValueError: validation_steps=0; allowed: whole numbers, 1 or more
    """
    for name, count in counts.items():
        if count is not None:
            check(SIZES, **{name: count})


def check_part(x: Any, steps: int | None) -> None:
    """Refuse to predict of some of the batches of rows in another order.

    Args:
        x: As `predict` was given it.
        steps: The same.

    Raises:
        ValueError: If the outputs of so many steps would be of rows that only
            the batches know, or the number is none of steps.
    """
    check_counts(steps=steps)
    if steps is None or not isinstance(x, RowBatches):
        return
    if x.is_shuffled and steps < x.steps_per_epoch:
        there = counted(x.steps_per_epoch, "batch", "batches")
        raise refused(
            f"predict with steps={steps} of {there} in an order of their own",
            "None, or a part of the data",
        )


def check_epochs(
    epochs: int,
    initial_epoch: int,
    validation_freq: int | list[int],
    shuffle: bool,
) -> None:
    """Refuse what `fit` cannot count with.

    Args:
        epochs: As `fit` was given it, as are the others.
        initial_epoch: See there.
        validation_freq: See there.
        shuffle: See there.

    Example:
        >>> check_epochs(2, -1, 1, True)
        Traceback (most recent call last):
        ValueError: initial_epoch=-1; allowed: whole numbers, 0 or more
    """
    check(WholeNumbers(0), epochs=epochs, initial_epoch=initial_epoch)
    check(SWITCHES, shuffle=shuffle)
    if validation_freq not in Lists("epochs"):
        check(SIZES, validation_freq=validation_freq)


def check_beside(x: Any, batch_size: int | None, **given: Any) -> None:
    """Refuse beside data that are batches what those hold themselves.

    Args:
        x: Data of any kind.
        batch_size: As it was given; batches may have it already.
        **given: Further arguments, by name; None where they were left out.

    Raises:
        ValueError: `x` is batches, and an argument was not left out.

    Example:
        >>> batches = RowBatches(4, batch_size=2)
        >>> check_beside(batches, 2, y=None)
        >>> check_beside(batches, 3, y=None)
        Traceback (most recent call last):
        ValueError: batch_size with data that come in batches, which hold \
inputs, targets and weights; allowed: batch_size=None
    """
    if is_stream(x) or isinstance(x, RowBatches):
        is_theirs = batch_size == getattr(x, "batch_size", None)
        size = None if is_theirs else batch_size
        check_beside_batches(**given, batch_size=size)


def check_beside_batches(**given: Any) -> None:
    """Refuse beside batches what they hold, or are, themselves.

    Args:
        **given: Arguments, by name; None where they were left out.

    Raises:
        ValueError: One was not left out.

    Example:
        >>> check_beside_batches(y=[1], batch_size=None)
        Traceback (most recent call last):
        ValueError: y with data that come in batches, which hold inputs,
        targets and weights; allowed: y=None
    """
    for name, value in given.items():
        if value is not None:
            raise refused(
                f"{name} with data that come in batches, which hold inputs, "
                "targets and weights",
                f"{name}=None",
            )
