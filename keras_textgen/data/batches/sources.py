"""Batches that Python makes: generators and Keras's `PyDataset`."""

from __future__ import annotations

import collections
import concurrent.futures
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import refused

# Batches that are made before they are asked for; an endless source must not
# be read to its end.
READ_AHEAD = 8


def is_stream(data: Any) -> bool:
    """Whether data come as batches already.

    Example:
        >>> is_stream(iter(["a"])), is_stream(["a"])
        (True, False)
    """
    kinds = (
        tf.data.Dataset,
        tf.distribute.DistributedDataset,
        keras.utils.PyDataset,
    )
    return isinstance(data, kinds) or hasattr(data, "__next__")


def check_batches(dataset: tf.data.Dataset) -> None:
    """Refuses a dataset that is known to be empty.

    Args:
        dataset: of batches.

    Raises:
        ValueError: it is.

    Example:
        >>> check_batches(tf.data.Dataset.range(3).take(0))
        Traceback (most recent call last):
        ValueError: a dataset without a batch; allowed: 1 or more
    """
    if dataset.cardinality() == 0:
        raise refused("a dataset without a batch", "1 or more")


def python_dataset(
    source: Iterator[Any] | keras.utils.PyDataset,
    convert: Callable[[Any, int], Any],
) -> tf.data.Dataset:
    """A dataset of the batches that a Python object makes.

    Args:
        source: a generator, which can be read once, or a `PyDataset`, which
            is read anew every epoch.
        convert: from a batch as it comes, and its number, to tensors (or a
            nest of tensors and None).

    Returns:
        Dataset of what `convert` gives. At most `READ_AHEAD` batches are read
        before they are asked for, and the first one at once, for its types.

    Raises:
        ValueError: there is no batch.

    Example:
        >>> dataset = python_dataset(
        ...     iter([[1, 2], [3]]), lambda batch, number: tf.constant(batch)
        ... )
        >>> [batch.numpy().tolist() for batch in dataset]
        [[1, 2], [3]]
    """
    passes = _passes(source)
    first_pass = next(passes)
    first = next(first_pass, None)
    if first is None:
        raise refused("a generator without a batch", "1 or more")
    structure = convert(first, 0)
    unread = [itertools.chain([first], first_pass)]

    def flat_batches() -> Iterator[tuple[tf.Tensor, ...]]:
        batches = unread.pop() if unread else next(passes)
        for number, batch in enumerate(batches):
            leaves = tf.nest.flatten(convert(batch, number))
            yield tuple(each for each in leaves if each is not None)

    signature = tuple(
        tf.TensorSpec([None] * each.shape.rank, each.dtype)
        for each in tf.nest.flatten(structure)
        if each is not None
    )

    def packed(*leaves: tf.Tensor) -> Any:
        rest = iter(leaves)
        return tf.nest.map_structure(
            lambda each: None if each is None else next(rest), structure
        )

    dataset = tf.data.Dataset.from_generator(
        flat_batches, output_signature=signature
    )
    dataset = dataset.map(packed)
    count = getattr(source, "num_batches", None)
    if count is not None:
        # Otherwise Keras warns at the end that there are no more.
        known = tf.data.experimental.assert_cardinality(count)
        dataset = dataset.apply(known)
    return dataset.prefetch(READ_AHEAD)


def _passes(
    source: Iterator[Any] | keras.utils.PyDataset,
) -> Iterator[Iterator[Any]]:
    """What each reading of the source from its beginning gives."""
    if not isinstance(source, keras.utils.PyDataset):
        yield source
        while True:
            yield iter(())
    if source.use_multiprocessing:
        raise refused(
            "use_multiprocessing=True of a PyDataset",
            "False, with workers as threads",
        )
    while True:
        yield _one_pass(source)
        source.on_epoch_end()


def _one_pass(source: keras.utils.PyDataset) -> Iterator[Any]:
    """The batches in order, made by as many threads as the source asks for."""
    count = source.num_batches
    numbers = itertools.count() if count is None else iter(range(count))
    if source.workers <= 1:
        yield from map(source.__getitem__, numbers)
        return
    ahead = min(source.max_queue_size, READ_AHEAD)
    with concurrent.futures.ThreadPoolExecutor(source.workers) as pool:
        waiting = collections.deque(
            pool.submit(source.__getitem__, number)
            for number in itertools.islice(numbers, ahead)
        )
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(
                pool.submit(source.__getitem__, number)
                for number in itertools.islice(numbers, 1)
            )
