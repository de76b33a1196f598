"""Points of many dimensions in a plane, for maps."""

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

TSNE_NAME = "t-SNE"
_ENOUGH_FOR_TSNE = 20
_PERPLEXITY = 30


def plane(points: np.ndarray) -> np.ndarray:
    """The two leading principal components of points.

    Args:
        points: float [N, D].

    Returns:
        float [N, 2]; 0 where there is no second dimension.

    Example:
        >>> plane(np.array([[0.0, 0.0, 1.0], [0.0, 2.0, 1.0]])).round(
        ...     6
        ... ).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    centered = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    # The sign of an axis is chance; its largest part is to be positive.
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    found = centered @ (axes * np.sign(largest)[:, np.newaxis]).T
    padded = np.zeros([len(points), 2])
    padded[:, : min(2, found.shape[1])] = found[:, :2]
    return padded


def project(codes: np.ndarray, seed: int = 0) -> tuple[np.ndarray, str]:
    """Brings codes into two dimensions.

    Args:
        codes: float [N, D].
        seed: of t-SNE.

    Returns:
        float [N, 2], and the name of the method: t-SNE (van der Maaten and
        Hinton 2008), or principal components where N is below 20.

    Example:
        >>> points, method = project(np.array([[3.0], [1.0]]))
        >>> points.tolist(), method
        ([[1.0, 0.0], [-1.0, 0.0]], 'Principal components')
    """
    if len(codes) < _ENOUGH_FOR_TSNE:
        return plane(codes), "Principal components"
    perplexity = min(_PERPLEXITY, (len(codes) - 1) / 3)
    # The default, the largest components, needs two of them.
    init = "pca" if codes.shape[1] > 1 else "random"
    tsne = TSNE(perplexity=perplexity, init=init, random_state=seed)
    # Threads that wait for each other take many times as long.
    with threadpool_limits(1):
        return tsne.fit_transform(codes), TSNE_NAME
