"""Dirichlet distributions as Gaussians under a softmax."""

import numpy as np

from keras_textgen.checks import counted, refused


def laplace_of_dirichlet(
    concentration: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian that is closest to a Dirichlet in the softmax basis.

    Laplace's approximation with a diagonal covariance (MacKay 1998, "Choice of
    basis for Laplace approximation"; Srivastava and Sutton 2017, section 3.2):
    of softmax(z) ~ Dirichlet(a), with K dimensions,

        mean_k = log a_k - mean over i of log a_i
        variance_k = (1 - 2 / K) / a_k + (sum over i of 1 / a_i) / K^2

    Args:
        concentration: a, above 0, float [K], K being 2 or more.

    Returns:
        Mean and variance of z, float64 [K].

    Raises:
        ValueError: If there are too few numbers, or one that is not above 0.

    Example:
        >>> mean, variance = laplace_of_dirichlet(np.full(4, 0.5))
        >>> mean.tolist(), variance.tolist()
        ([0.0, 0.0, 0.0, 0.0], [1.5, 1.5, 1.5, 1.5])
    """
    concentration = np.asarray(concentration, np.float64)
    size = len(concentration)
    if size < 2:
        # A single share is 1, and z nothing.
        raise refused(
            f"{counted(size, 'dimension')} of a Dirichlet distribution",
            "2 or more",
        )
    is_allowed = (concentration > 0) & np.isfinite(concentration)
    if not is_allowed.all():
        raise refused(
            f"concentration={concentration[~is_allowed][0]}", "finite, above 0"
        )
    logs, inverses = np.log(concentration), 1 / concentration
    variance = (1 - 2 / size) * inverses + inverses.sum() / size**2
    return logs - logs.mean(), variance
