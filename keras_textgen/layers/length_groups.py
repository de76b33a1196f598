"""Rows of ids encoded beside others of like length."""

import itertools
from collections.abc import Callable

import tensorflow as tf

from keras_textgen.tokens import PAD_ID

# Rows are encoded in at most so many groups, of so many rows each or more: a
# time step of few costs as much as one of many.
_GROUPS = 6
_ROWS_A_GROUP = 48

Embed = Callable[[tf.Tensor], tf.Tensor]
Encode = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def encode_in_length_groups(
    embed: Embed, encode: Encode, ids: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """What a function makes of rows, sorted and cut by their lengths.

    Lengths differ far more within a batch than from batch to batch, so rows
    are sorted by length and encoded in groups, each cut to its longest. Groups
    of one length are one. All groups are embedded at once: each by itself
    would have a gradient as large as the table of embeddings.

    Args:
        embed: From ids int32 [M] to inputs [M, E].
        encode: From ids int32 [rows, time] and their inputs [rows, time, E] to
            vectors [rows, D] and to values of the time steps [rows, time], 0
            for padding. Padding on the right makes no difference to it.
        ids: int32 [N, time], 0 for padding.

    Returns:
        The vectors [N, D] and the values [N, time], in the order of the rows.

    Example:
        >>> vectors, values = encode_in_length_groups(
        ...     lambda ids: ids[:, tf.newaxis] // 2,
        ...     lambda ids, halves: (
        ...         tf.reduce_max(ids, 1, True),
        ...         halves[..., 0],
        ...     ),
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
    groups = []
    for first, end in itertools.pairwise(bounds):
        rows = order[first:end]
        longest = tf.reduce_max(tf.gather(lengths, rows))
        longest = tf.maximum(longest, 1)
        groups.append(tf.gather(ids, rows)[:, :longest])
    vectors, values = [], []
    for of_group, inputs in zip(groups, _embedded(embed, groups), strict=True):
        of_rows, of_steps = encode(of_group, inputs)
        vectors.append(of_rows)
        padding = [[0, 0], [0, width + 1 - tf.shape(of_group)[1]]]
        values.append(tf.pad(of_steps, padding))
    back = tf.math.invert_permutation(order)
    return (
        tf.gather(tf.concat(vectors, axis=0), back),
        tf.gather(tf.concat(values, axis=0), back)[:, :width],
    )


def _embedded(embed: Embed, groups: list[tf.Tensor]) -> list[tf.Tensor]:
    """Inputs [rows, time, E] of each group of ids [rows, time]."""
    inputs = embed(tf.concat([tf.reshape(ids, [-1]) for ids in groups], 0))
    width = inputs.shape[-1]
    parts = tf.split(inputs, [tf.size(ids) for ids in groups])
    return [
        tf.reshape(part, tf.concat([tf.shape(ids), [width]], 0))
        for part, ids in zip(parts, groups, strict=True)
    ]


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
