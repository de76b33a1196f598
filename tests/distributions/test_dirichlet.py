"""Laplace's approximation, worked out from the second derivatives."""

import numpy as np
import pytest

from keras_textgen.distributions.dirichlet import laplace_of_dirichlet


@pytest.mark.parametrize(
    "concentration", [[0.02] * 8, [1.0, 1.0], [0.3, 1.0, 2.5, 0.9]]
)
def test_mode_and_curvature(concentration):
    """In the softmax basis log p(z) = sum of a log softmax(z) + constant."""
    concentration = np.array(concentration)
    mean, variance = laplace_of_dirichlet(concentration)
    total = concentration.sum()
    shares = np.exp(mean) / np.exp(mean).sum()
    # Where its gradient is 0; of all such z, the one of mean 0.
    np.testing.assert_allclose(shares, concentration / total, rtol=1e-12)
    assert mean.mean() == pytest.approx(0)
    curvature = total * (np.diag(shares) - np.outer(shares, shares))
    covariance = np.linalg.pinv(curvature)
    np.testing.assert_allclose(variance, np.diag(covariance), rtol=1e-9)


@pytest.mark.parametrize(
    ("concentration", "message"),
    [
        ([1.0], "1 dimension of a Dirichlet distribution; allowed: 2 or more"),
        ([1.0, 0.0], r"concentration=0.0; allowed: finite, above 0"),
        ([np.inf, 1.0], r"concentration=inf; allowed: finite, above 0"),
    ],
)
def test_refused(concentration, message):
    with pytest.raises(ValueError, match=message):
        laplace_of_dirichlet(concentration)
