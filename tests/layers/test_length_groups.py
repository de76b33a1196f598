"""Rows encoded in groups: the same as one by one, without their padding."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers import length_groups
from keras_textgen.layers.length_groups import encode_in_length_groups


def rows_of(lengths):
    """Ids, a row of each length, padded with 0 to two more than needed."""
    ids = np.zeros([len(lengths), max(lengths, default=0) + 2], np.int32)
    for row, length in enumerate(lengths):
        ids[row, :length] = 1 + (row + np.arange(length)) % 9
    return ids


@pytest.mark.parametrize("smallest", [1, 3, 48])
def test_the_order_of_the_rows_is_kept(smallest, monkeypatch):
    monkeypatch.setattr(length_groups, "_ROWS_A_GROUP", smallest)
    ids = rows_of([5, 1, 0, 9, 3, 3, 1, 2])
    seen = []

    def encode(rows, squares):
        seen.append(tuple(rows.shape))
        squares = squares[:, :, 0]
        return tf.reduce_sum(squares, 1, keepdims=True), squares

    vectors, values = encode_in_length_groups(
        lambda ids: ids[:, tf.newaxis] ** 2, encode, tf.constant(ids)
    )
    np.testing.assert_array_equal(vectors, (ids**2).sum(1, keepdims=True))
    np.testing.assert_array_equal(values, ids**2)
    filled = [shape for shape in seen if shape[0]]
    # Six groups at most, of which those of one length are one; each no wider
    # than its longest row.
    assert len(filled) == {1: 5, 3: 2, 48: 1}[smallest]
    assert sum(rows for rows, _ in filled) == 8
    assert max(width for _, width in filled) == 9
    if smallest == 3:
        assert sorted(filled) == [(4, 2), (4, 9)]
    if smallest == 1:
        # Lengths 0; 1; 1 and 2; 3 and 3; 5 and 9.
        assert sorted(filled) == [(1, 1), (1, 1), (2, 2), (2, 3), (2, 9)]


def test_rows_of_one_length_are_one_group():
    seen = []

    def encode(rows, inputs):
        seen.append(tuple(inputs.shape[:2]))
        return tf.cast(rows[:, :1], tf.float32), rows

    ids = tf.constant(rows_of([7] * 300))
    encode_in_length_groups(embedded, encode, ids)
    assert [shape for shape in seen if shape[0]] == [(300, 7)]


def embedded(ids):
    return tf.ones([tf.size(ids), 3])


def test_no_rows_and_no_steps():
    def encode(rows, inputs):
        return tf.cast(rows[:, :1], tf.float32), rows

    for shape in ([0, 4], [0, 0], [2, 0]):
        vectors, values = encode_in_length_groups(
            embedded, encode, tf.zeros(shape, tf.int32)
        )
        assert vectors.shape == (shape[0], 1)
        assert values.shape == shape
