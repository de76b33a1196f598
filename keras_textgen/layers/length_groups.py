"""Rows of ids encoded beside others of like length."""

import itertools
from collections.abc import Callable

import tensorflow as tf

from keras_textgen.tokens import PAD_ID

# Rows are encoded in at most so many groups, of so many rows each or more: a
# time step of few costs as much as one of many.
_GROUPS = 6
_ROWS_A_GROUP = 48

Encode = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def encode_in_length_groups(
    encode: Encode, ids: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """What a function makes of rows, sorted and cut by their lengths.

    Lengths differ far more within a batch than from batch to batch, so rows
    are sorted by length and encoded in groups, each cut to its longest. Groups
    of one length are one.

    Args:
        encode: From ids int32 [rows, time] to vectors [rows, D] and to values
            of the time steps [rows, time], 0 for padding. Padding on the right
            makes no difference to it.
        ids: int32 [N, time], 0 for padding.

    Returns:
        The vectors [N, D] and the values [N, time], in the order of the rows.

    Example:
        >>> vectors, values = encode_in_length_groups(
        ...     lambda ids: (tf.reduce_max(ids, 1, True), ids // 2),
        ...     tf.constant([[4, 8, 6], [2, 0, 0]]),
        ... )
        >>> vectors.numpy().tolist(), values.numpy().tolist()
        ([[8], [2]], [[2, 4, 3], [1, 0, 0]])
    """
    width = tf.shape(ids)[1]
    ids = tf.pad(ids, [[0, 0], [0, 1]])  # at least one time step
    places = tf.range(1, width + 2)
    places *= tf.cast(ids != PAD_ID, tf.int32)
    lengths = tf.reduce_max(places, axis=1)
    order = tf.argsort(lengths, stable=True)
    bounds = _bounds(tf.gather(lengths, order))
    vectors, values = [], []
    for first, end in itertools.pairwise(bounds):
        rows = order[first:end]
        longest = tf.reduce_max(tf.gather(lengths, rows))
        longest = tf.maximum(longest, 1)
        of_rows, of_steps = encode(tf.gather(ids, rows)[:, :longest])
        vectors.append(of_rows)
        padding = [[0, 0], [0, width + 1 - longest]]
        values.append(tf.pad(of_steps, padding))
    back = tf.math.invert_permutation(order)
    return (
        tf.gather(tf.concat(vectors, axis=0), back),
        tf.gather(tf.concat(values, axis=0), back)[:, :width],
    )


def _bounds(lengths: tf.Tensor) -> list[tf.Tensor]:
    """Where the groups of rows of ascending lengths [N] begin and end.

    Groups of equal size. Where a group is no longer than the one before, that
    one is empty, and its rows are in the longer one.
    """
    count = tf.size(lengths)
    groups = tf.clip_by_value(count // _ROWS_A_GROUP, 1, _GROUPS)
    # The groups beyond these are empty.
    ends = tf.minimum(tf.range(1, _GROUPS + 1), groups)
    ends = tf.unstack(count * ends // groups)
    # The last row of a group is its longest; there may be no row at all.
    longest = tf.unstack(tf.gather(tf.concat([[0], lengths], 0), ends))
    bounds = [tf.constant(0)]
    for end, own, of_next in zip(ends, longest, longest[1:], strict=False):
        bounds.append(tf.where(own < of_next, end, bounds[-1]))
    return [*bounds, count]
