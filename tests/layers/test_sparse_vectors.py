"""Products of sparse matrices against NumPy, with their gradients."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.sparse_vectors import (
    dot_products,
    repeated_rows,
    sparse_product,
)


@pytest.mark.parametrize("rows", [[0, 0, 0, 2, 2], [1], []])
def test_products(rows):
    # The columns of a row in any order, and one of them twice.
    columns = [3, 1, 3, 4, 0][: len(rows)]
    draw = np.random.default_rng(0)
    values = draw.normal(size=len(rows)).astype(np.float32)
    dense_left = np.zeros([3, 5], np.float32)
    np.add.at(dense_left, (rows, columns), values)
    places = np.reshape(np.stack([rows, columns], axis=1), [-1, 2])
    left = tf.SparseTensor(tf.cast(places, tf.int64), values, [3, 5])
    right = tf.Variable(draw.normal(size=[5, 7]).astype(np.float32))
    upstream = draw.normal(size=[3, 7]).astype(np.float32)

    @tf.function
    def product_and_gradient():
        with tf.GradientTape() as tape:
            product = sparse_product(left, right)
        return product, tape.gradient(product, right, upstream)

    product, gradient = product_and_gradient()

    assert product.shape == [3, 7]
    np.testing.assert_allclose(product, dense_left @ right.numpy(), atol=1e-6)
    np.testing.assert_allclose(gradient, dense_left.T @ upstream, atol=1e-6)


def test_no_rows():
    nothing = tf.SparseTensor(tf.zeros([0, 2], tf.int64), tf.zeros([0]), [0, 5])
    right = tf.Variable(tf.ones([5, 7]))
    with tf.GradientTape() as tape:
        product = sparse_product(nothing, right)
    assert product.shape == [0, 7]
    np.testing.assert_array_equal(
        tape.gradient(product, right), np.zeros([5, 7])
    )


def test_nothing_of_no_rows():
    rows = tf.Variable(tf.zeros([0, 2]))
    with tf.GradientTape() as tape:
        repeated = repeated_rows(rows, tf.zeros([0], tf.int32))
    assert repeated.shape == [0, 2]
    assert tape.gradient(repeated, rows).shape == [0, 2]


@pytest.mark.parametrize("index", [[2, 0, 2, 2], []])
def test_repeated_rows(index):
    index = np.int32(index)
    rows = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))
    upstream = np.random.default_rng(0).normal(size=[len(index), 2])
    upstream = upstream.astype(np.float32)

    with tf.GradientTape() as tape:
        repeated = repeated_rows(rows, tf.constant(index))
    gradient = tape.gradient(repeated, rows, upstream)

    np.testing.assert_array_equal(repeated, rows.numpy()[index])
    expected = np.zeros([3, 2], np.float32)
    np.add.at(expected, index, upstream)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize(
    "pairs", [[(2, 0), (0, 1), (2, 0), (2, 3), (1, 1)], [(1, 2)], []]
)
def test_dot_products(pairs):
    of_left, of_right = np.reshape(np.int32(pairs), [-1, 2]).T
    draw = np.random.default_rng(0)
    left = tf.Variable(draw.normal(size=[3, 6]).astype(np.float32))
    right = tf.Variable(draw.normal(size=[4, 6]).astype(np.float32))
    upstream = draw.normal(size=len(pairs)).astype(np.float32)

    @tf.function
    def products_and_gradients():
        with tf.GradientTape() as tape:
            products = dot_products(left, of_left, right, of_right)
        return products, tape.gradient(products, [left, right], upstream)

    products, gradients = products_and_gradients()

    cells = left.numpy() @ right.numpy().T
    np.testing.assert_allclose(products, cells[of_left, of_right], atol=1e-6)
    # The derivative of the sum of upstream times product.
    upstream_cells = np.zeros([3, 4], np.float32)
    np.add.at(upstream_cells, (of_left, of_right), upstream)
    expected = upstream_cells @ right.numpy(), upstream_cells.T @ left.numpy()
    for gradient, values in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, values, atol=1e-6)
