"""Towers against NumPy, and the sparse rows that they read."""

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.layers.sparse_vectors import SparseVectors
from keras_textgen.layers.towers import SparseLinear, SparseRows, Tower

FEATURES = np.float32(
    [[0, 2, 0, 1], [0, 0, 0, 0], [3, 0, -1, 0], [0, 0, 0, 4], [1, 1, 1, 1]]
)
IDS = tf.constant([4, -1, 2, 1, 4], tf.int32)


def dense(vectors, size):
    found = np.zeros((int(vectors.count), size), np.float32)
    found[vectors.vectors, vectors.indices] = vectors.values
    return found


def make(**settings):
    rows = SparseRows.from_matrix(scipy.sparse.csr_array(FEATURES))
    settings = {"dim": 3, "features": rows, "feature_dim": 3, **settings}
    tower = Tower(len(FEATURES), **settings)
    for index, weight in enumerate(tower.trainable_weights):
        positions = np.arange(np.prod(weight.shape)).reshape(weight.shape)
        weight.assign(np.sin(positions + 3 * index))
    return tower


def test_sparse_rows():
    rows = SparseRows.from_matrix(scipy.sparse.csr_array(FEATURES))
    expected = FEATURES[IDS.numpy()]
    expected[1] = 0
    np.testing.assert_array_equal(dense(rows(IDS), 4), expected)
    assert not rows.trainable_weights
    # Without the matrix, from what is saved.
    again = SparseRows.from_config(rows.get_config())
    again.set_weights(rows.get_weights())
    np.testing.assert_array_equal(dense(again(IDS), 4), expected)


@pytest.mark.parametrize("of", ["matrix", "dense"])
def test_sparse_vectors(of):
    vectors = (
        SparseVectors.from_matrix(scipy.sparse.coo_array(FEATURES))
        if of == "matrix"
        else SparseVectors.from_dense(tf.constant(FEATURES))
    )
    np.testing.assert_array_equal(dense(vectors, 4), FEATURES)
    linear = SparseLinear(4, 2)
    np.testing.assert_allclose(
        linear(vectors), FEATURES @ linear.kernel.numpy(), rtol=1e-6
    )


def test_values_given_twice_are_added():
    indices, splits = np.array([1, 1]), np.array([0, 2])
    matrix = scipy.sparse.csr_array(([1.0, 2.0], indices, splits), (1, 2))
    rows = SparseRows.from_matrix(matrix)
    assert dense(rows(tf.constant([0])), 2).tolist() == [[0, 3]]
    assert matrix.nnz == 2  # what the user has is left alone


@pytest.mark.parametrize("join", ["concatenate", "add"])
@pytest.mark.parametrize("given", [False, True])
def test_levels(join, given):
    tower = make(join=join, layers=[(5, "tanh"), keras.ops.square])
    features = FEATURES[IDS.numpy()]
    vectors = None
    if given:
        features = features[::-1].copy()
        vectors = SparseVectors.from_dense(tf.constant(features))
    else:
        features[1] = 0
    embedding = tower.embedding.numpy()[IDS.numpy()]
    embedding[1] = 0
    embedded = features @ tower.feature_embedding.kernel.numpy()
    first = (
        embedding + embedded
        if join == "add"
        else np.concatenate([embedding, embedded], axis=1)
    )
    kernel, bias = (each.numpy() for each in tower.hidden[0].weights)
    second = np.tanh(first @ kernel + bias)
    found = tower(IDS, vectors)
    for level, expected in zip(found, [first, second, second**2], strict=True):
        np.testing.assert_allclose(level, expected, rtol=1e-5, atol=1e-6)
    assert tower.widths == [3 if join == "add" else 6, 5, 5]
    np.testing.assert_allclose(
        tower.bias_of(IDS), tower.bias.numpy()[IDS.numpy()] * (IDS.numpy() >= 0)
    )


def test_features_alone():
    tower = make(dim=0, feature_dim=2, use_bias=False)
    assert tower.embedding is None
    assert tower.bias is None
    expected = FEATURES[3:] @ tower.feature_embedding.kernel.numpy()
    (level,) = tower(tf.constant([3, 4], tf.int32))
    np.testing.assert_allclose(level, expected, rtol=1e-6)


def test_every_weight_has_a_gradient():
    tower = make(layers=[(2, "tanh")])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tower(IDS)[-1] ** 2)
        loss += tf.reduce_sum(tower.bias_of(IDS))
    gradients = tape.gradient(loss, tower.trainable_weights)
    assert len(gradients) == 5
    for gradient in gradients:
        assert np.any(tf.convert_to_tensor(gradient))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"join": "stack"},
            "join='stack'; allowed: concatenate",
        ),
        ({"dim": 0, "features": None}, "dim=0 without features; allowed"),
        (
            {"join": "add", "feature_dim": 2},
            "feature_dim=2 cannot be added to d",
        ),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)
