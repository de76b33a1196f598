"""Maps of points of many dimensions."""

import numpy as np
import pytest

from keras_textgen.pages.projection import plane, project

GROUPS = np.repeat([0, 1, 2], [30, 20, 10])
CODES = np.eye(4)[GROUPS] + np.linspace(0, 0.1, 240).reshape(60, 4)


def test_the_plane_has_the_two_largest_variances():
    rng = np.random.default_rng(2)
    points = rng.standard_normal([300, 5]) * [0.1, 3.0, 0.2, 2.0, 0.1]
    found = plane(points)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(points.T, ddof=0)))
    np.testing.assert_allclose(found.var(axis=0), eigenvalues[:-3:-1])
    assert plane(points[:, :1]).shape == (300, 2)


def test_projection_keeps_neighbors():
    points, method = project(CODES, seed=2)
    assert (points.shape, method) == ((60, 2), "t-SNE")
    distances = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.array_equal(GROUPS[distances.argmin(axis=1)], GROUPS)


@pytest.mark.parametrize("shape", [(1, 3), (5, 1), (19, 4), (30, 1)])
def test_projection_of_few_or_narrow_codes(shape):
    codes = np.sin(np.arange(np.prod(shape))).reshape(shape)
    points, _ = project(codes)
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()
