"""Sparse matrices of ratings."""

import numpy as np
import pytest
import scipy.sparse

from keras_textgen.data.matrices import (
    choose,
    find_twice,
    one_hot,
    split_entries,
    to_matrix,
    to_value,
)
from keras_textgen.data.reading import DataError


@pytest.mark.parametrize("text", ["4", " -2.5", "1e3", "0"])
def test_values(text):
    assert to_value(text, "x:1") == float(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "", "four", "1e39"])
def test_refused_values(text):
    with pytest.raises(DataError, match=rf"^x:1: the value '{text}'; allowed:"):
        to_value(text, "x:1")


def test_find_twice():
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        rows, columns = generator.integers(0, 8, [2, 10])
        seen, expected = {}, None
        for entry, pair in enumerate(zip(rows, columns, strict=True)):
            if pair in seen and expected is None:
                expected = seen[pair], entry
            seen[pair] = entry
        assert find_twice(rows, columns) == expected
        found += expected is not None
    assert 50 < found < 150


def test_split_entries():
    dense = np.arange(1, 61).reshape(10, 6)
    matrix = to_matrix(*np.nonzero(dense), dense.ravel(), dense.shape)
    splits = split_entries(matrix, 1, "x")
    assert [split.nnz for split in splits.values()] == [48, 6, 6]
    total = sum(split.toarray() for split in splits.values())
    np.testing.assert_array_equal(total, dense)
    for split in splits.values():
        assert isinstance(split, scipy.sparse.coo_array)
        assert split.shape == (10, 6)
        assert split.dtype == np.float32
        assert split.row.dtype == split.col.dtype == np.int32
    again = split_entries(matrix, 1, "x")["test"]
    np.testing.assert_array_equal(again.row, splits["test"].row)
    with pytest.raises(DataError, match=r"^x: 9 entries leave nothing for val"):
        split_entries(choose(matrix, np.arange(9)), 1, "x")


def test_a_value_of_zero_is_an_entry():
    matrix = to_matrix([0, 1], [1, 0], [0, 2], (2, 2))
    assert choose(matrix, np.array([0])).nnz == 1


def test_one_hot():
    features, names = one_hot({"a": ["10", "9", "x"], "b": ["x", "x", "y"]})
    assert names == ("a 9", "a 10", "a x", "b x", "b y")
    expected = [[0, 1, 0, 1, 0], [1, 0, 0, 1, 0], [0, 0, 1, 0, 1]]
    np.testing.assert_array_equal(features.toarray(), expected)
    assert isinstance(features, scipy.sparse.csr_array)
    assert features.dtype == np.float32
