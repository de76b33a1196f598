"""Numbers of classes from what labels are in memory and in a graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.batches.base import checked_weights
from keras_textgen.data.id_checks import asserted
from keras_textgen.data.text_lists import as_text, is_missing

# Numbers of classes, or their names.
Labels = Sequence[int] | Sequence[str] | np.ndarray


def class_numbers(labels: Labels, names: Sequence[str]) -> np.ndarray:
    """Numbers of classes from labels in memory.

    Args:
        labels: numbers of classes, their names, or one-hot rows.
        names: of the classes, by number.

    Returns:
        int32 `[N]`.

    Raises:
        ValueError: a label is missing, or is not one of the classes.

    Example:
        >>> class_numbers(["good", "bad"], ["bad", "good"])
        array([1, 0], dtype=int32)
        >>> class_numbers([[0, 1], [1, 0]], ["bad", "good"])
        array([1, 0], dtype=int32)
    """
    for place, label in enumerate(labels):
        if is_missing(label):
            raise refused(
                f"label {place} is missing ({label})", "one a document"
            )
    labels = _from_one_hot(np.asarray(labels), len(names))
    if labels.dtype.kind in "SO":
        labels = np.array([as_text(label) for label in labels])
    is_number = labels.dtype.kind in "iuf"
    known = np.isin(labels, np.arange(len(names)) if is_number else names)
    if labels.ndim != 1 or not known.all():
        # As Python writes it, without NumPy's type around it.
        what = labels[~known].tolist()[0] if labels.ndim == 1 else labels.shape
        raise refused(
            f"label {what!r}",
            f"one a document, 0 to {len(names) - 1} or {', '.join(names)}",
        )
    if is_number:
        _warn_of_names(labels, names)
    else:
        numbers = {name: i for i, name in enumerate(names)}
        labels = [numbers[label] for label in labels]
    return np.asarray(labels, np.int32)


def class_numbers_in_graph(
    labels: tf.Tensor, names: Sequence[str]
) -> tf.Tensor:
    """The same inside the graph, where a GPU would give a NaN loss.

    Args:
        labels: numbers of classes or their names `[batch]`, or one-hot rows
            `[batch, classes]`.
        names: of the classes, by number.

    Returns:
        int32 `[batch]`.

    Raises:
        ValueError: the labels are of another type or shape.
        tf.errors.InvalidArgumentError: one is outside of the classes.

    Example:
        >>> class_numbers_in_graph(tf.constant(["good"]), ["bad", "good"])
        <tf.Tensor: shape=(1,), dtype=int32, numpy=array([1], dtype=int32)>
    """
    count = len(names)
    if labels.dtype == tf.string and labels.shape.rank == 1:
        is_name = labels[:, tf.newaxis] == tf.constant(names)
        matches = tf.cast(is_name, tf.float32)
    elif labels.shape.rank == 2 and labels.shape[1] in (None, count):
        matches = tf.cast(labels, tf.float32)
    elif labels.shape.rank == 1 and labels.dtype != tf.bool:
        numbers = tf.cast(labels, tf.float32)[:, tf.newaxis]
        matches = tf.cast(numbers == tf.range(float(count)), tf.float32)
    else:
        raise refused(
            f"labels of type {labels.dtype.name} and shape "
            f"{labels.shape} in a dataset",
            "numbers of classes or their names [batch], or one-hot rows "
            f"[batch, {count}]",
        )
    rule = (
        f"a label outside of the classes; allowed: 0 to {count - 1}, or "
        f"{', '.join(names)}"
    )
    is_class = tf.reduce_all((matches == 0) | (matches == 1), axis=1)
    is_class &= tf.reduce_sum(matches, axis=1) == 1
    numbers = tf.argmax(matches, axis=1, output_type=tf.int32)
    return asserted(numbers, {rule: is_class})


def class_weigher(
    class_weight: dict[int, float], count: int
) -> Callable[..., tuple]:
    """A function that weighs the rows of a batch by their classes.

    Args:
        class_weight: number of a class -> factor; others have 1.
        count: of the classes.

    Returns:
        From (x, numbers of classes) or (x, numbers, weights) to (x, numbers,
        weights).

    Raises:
        ValueError: a key is no class, or a factor no weight.

    Example:
        >>> weigh = class_weigher({1: 3.0}, count=2)
        >>> weigh("x", tf.constant([0, 1]))[2].numpy().tolist()
        [1.0, 3.0]
    """
    unknown = [each for each in class_weight if each not in range(count)]
    if unknown:
        raise refused(
            f"class_weight of {unknown}",
            f"of classes by their number, 0 to {count - 1}",
        )
    weights = [float(class_weight.get(i, 1.0)) for i in range(count)]
    of_classes = tf.constant(checked_weights(weights, count))

    def weigh(x: Any, y: tf.Tensor, weights: tf.Tensor | None = None) -> tuple:
        of_rows = tf.gather(of_classes, y)
        if weights is not None:
            of_rows *= tf.cast(weights, tf.float32)
        return x, y, of_rows

    return weigh


def _from_one_hot(labels: np.ndarray, count: int) -> np.ndarray:
    """Numbers of classes [N] of one-hot rows; other labels as they are."""
    if labels.ndim != 2 or labels.shape[1] != count:
        return labels
    is_one_hot = np.isin(labels, (0, 1)).all(1) & (labels.sum(axis=1) == 1)
    if not is_one_hot.all():
        row = int(np.argmin(is_one_hot))
        raise refused(f"label {row} is {labels[row]}", "one 1 among 0s")
    return labels.argmax(axis=1)


def _warn_of_names(labels: np.ndarray, names: Sequence[str]) -> None:
    """Warn of numbers that may be meant as names, as stars 1 to 5 are.

    Where one is no name, they can only be numbers.
    """
    found = np.unique(labels).astype(int).tolist()
    if not {*map(str, found)} <= set(names):
        return
    for number in found:
        if names[number] != str(number):
            warnings.warn(
                f"the label {number} is read as a number, that of the class "
                f"{names[number]!r}; as a name it is {str(number)!r}, a string",
                stacklevel=4,
            )
            return
