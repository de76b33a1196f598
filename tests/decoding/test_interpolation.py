"""Homotopies."""

import numpy as np
import pytest

from keras_textgen.decoding.interpolation import homotopy


def test_path_is_linear_and_ends_are_exact():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal([2, 3, 4]).astype(np.float32)
    codes = homotopy(a, b, steps=7).numpy()
    assert codes.shape == (3, 7, 4)
    np.testing.assert_array_equal(codes[:, 0], a)
    np.testing.assert_array_equal(codes[:, -1], b)
    np.testing.assert_allclose(codes[:, 2], a + (b - a) / 3, rtol=1e-5)


def test_one_code_meets_many():
    codes = homotopy(np.zeros(2), np.ones([3, 2]), steps=2).numpy()
    expected = [[[0.0, 0.0], [1.0, 1.0]]] * 3
    assert codes.tolist() == expected


@pytest.mark.parametrize("steps", [1, 0, 2.5])
def test_steps_out_of_range(steps):
    message = f"steps={steps}; allowed: whole numbers, 2 to "
    with pytest.raises(ValueError, match=message):
        homotopy(np.zeros(2), np.ones(2), steps=steps)
