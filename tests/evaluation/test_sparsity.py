"""Hoyer's measure in closed form, by hand and on samples of the prior."""

import math

import numpy as np
import pytest
import scipy.sparse

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.sparsity import (
    code_views,
    hoyer,
    hoyer_table,
    normalized,
)
from keras_textgen.models.text.hsvae import HSVAE


def test_equal_magnitudes_are_not_sparse():
    signs = np.random.default_rng(0).choice([-3.0, 3.0], [5, 7])
    assert hoyer(signs) == pytest.approx(0.0, abs=1e-12)


def test_one_dimension_alone_is_sparse():
    assert hoyer(-2.5 * np.eye(6)) == pytest.approx(1.0)


def test_measure_by_hand():
    # Ratios of the norms 7 / 5 and 1; the square root of D is 2.
    codes = np.array([[3.0, 0.0, -4.0, 0.0], [0.0, 0.0, 0.0, 9.0]])
    assert hoyer(codes[:1]) == pytest.approx(0.6)
    assert hoyer(codes) == pytest.approx(0.8)
    # Every code counts by its direction alone.
    assert hoyer(codes * [[100.0], [0.01]]) == pytest.approx(0.8)
    assert hoyer(codes.astype(np.float32)) == pytest.approx(0.8)


def test_codes_of_zeros_are_left_out():
    codes = np.array([[0.0, 0.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0]])
    assert hoyer(codes) == pytest.approx(0.6)
    assert math.isnan(hoyer(np.zeros([2, 4])))
    assert math.isnan(hoyer(scipy.sparse.csr_matrix((2, 4))))


def test_uniform_directions_in_closed_form():
    # E[||u||_1] of a uniform unit vector u of D dimensions.
    size = 8
    norm = size * math.gamma(size / 2)
    norm /= math.sqrt(math.pi) * math.gamma((size + 1) / 2)
    expected = (math.sqrt(size) - norm) / (math.sqrt(size) - 1)
    codes = np.random.default_rng(1).normal(size=[20_000, size])
    assert hoyer(codes) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(
    ("size", "gamma", "expected"),
    [
        (32, 0.0, 0.238),
        (32, 0.5, 0.485),
        (32, 0.8, 0.663),
        (768, 0.0, 0.210),
        (768, 0.5, 0.423),
        (768, 0.8, 0.595),
        (768, (4, 1), 0.595),
        (768, (1, 1), 0.423),
        (768, (10, 1), 0.665),
        (768, (1, 4), 0.288),
    ],
)
def test_samples_of_the_prior_have_known_sparsity(size, gamma, expected):
    rng = np.random.default_rng(2)
    shape = [400 if size == 768 else 4000, size]
    if isinstance(gamma, tuple):
        gamma = rng.beta(*gamma, shape)
    is_spike = rng.random(shape) < gamma
    codes = np.where(is_spike, 0.05, 1.0) * rng.normal(size=shape)
    assert hoyer(normalized(codes)) == pytest.approx(expected, abs=0.01)


def test_normalized_by_hand():
    # Standard deviations 1, 2 and 0; the means are not taken away.
    codes = np.array([[10.0, 0.0, 5.0], [12.0, -4.0, 5.0]])
    expected = [[10.0, 0.0, 0.0], [12.0, -2.0, 0.0]]
    np.testing.assert_allclose(normalized(codes), expected)
    assert normalized(codes.astype(np.float32)).dtype == np.float64


def test_constant_up_to_rounding_is_constant():
    almost = np.nextafter(np.float32(0.1), np.float32(1), dtype=np.float32)
    codes = np.array([[0.1, 1.0], [almost, 2.0]], np.float32)
    assert normalized(codes)[:, 0].tolist() == [0.0, 0.0]
    codes[1, 0] = 0.1001
    assert (normalized(codes)[:, 0] > 1000).all()


def test_scipy_matrices_are_measured_alike():
    rng = np.random.default_rng(3)
    codes = rng.normal(size=[20, 9]) * (rng.random([20, 9]) < 0.3)
    matrix = scipy.sparse.csr_matrix(codes)
    assert hoyer(matrix) == pytest.approx(hoyer(codes))
    result = normalized(matrix)
    assert scipy.sparse.issparse(result)
    np.testing.assert_allclose(result.toarray(), normalized(codes))


@pytest.mark.parametrize("shape", [[3, 1], [0, 4], [4]])
@pytest.mark.parametrize("function", [hoyer, normalized])
def test_shapes_that_have_no_sparsity(function, shape):
    with pytest.raises(ValueError, match="allowed: 1 code or more of 2 dim"):
        function(np.ones(shape))


def test_table_has_both_measures_of_each_view():
    first, second = np.array([[1.0, 8.0], [3.0, 0.0]]), np.eye(2)
    assert hoyer_table({"a": first, "b": second}) == {
        "hoyer_a": hoyer(first),
        "hoyer_a_normalized": hoyer(first / [[1.0, 4.0]]),
        "hoyer_b": 1.0,
        "hoyer_b_normalized": 1.0,
    }


@pytest.fixture(scope="module")
def model():
    words = Vocabulary(["a", "b", "c"])
    return HSVAE(words, embedding_dim=3, rnn_units=4, latent_dim=5)


@pytest.fixture(scope="module")
def batches():
    # Not in the order of their lengths.
    sequences = [[2, *[4 + i % 3] * (1 + i * 5 % 7), 3] for i in range(9)]
    return SequenceBatches(sequences, batch_size=4)


def test_views_come_in_the_order_of_the_texts(model, batches):
    views = code_views(model, batches)
    assert list(views) == ["sample", "slab_mean", "gated_mean"]
    codes = model.encode(batches)
    np.testing.assert_allclose(views["gated_mean"], codes, atol=1e-6)
    # gated = (1 - E[gamma]) slab, a factor between 0 and 1.
    factors = views["gated_mean"] / views["slab_mean"]
    assert ((factors > 0) & (factors < 1)).all()


def test_samples_repeat_with_their_seed(model, batches):
    first = code_views(model, batches, seed=1)["sample"]
    np.testing.assert_array_equal(
        first, code_views(model, batches, seed=1)["sample"]
    )
    other = code_views(model, batches, seed=2)["sample"]
    assert (first != other).all()


def test_samples_are_of_the_text_alone(model):
    rows = [[2, 4, 3], [2, 5, 4, 3], [2, 5, 3], [2, 6, 3], [2, 4, 3]]
    samples = [
        code_views(model, SequenceBatches(rows, batch_size))["sample"]
        for batch_size in (1, 2, 5)
    ]
    assert len(np.unique(samples[2], axis=0)) == 4
    for each in samples:
        np.testing.assert_allclose(each, samples[2], rtol=1e-5)
