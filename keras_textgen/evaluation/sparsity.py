"""How sparse are codes: Hoyer's measure."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import tensorflow as tf
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from keras_textgen.checks import refused
from keras_textgen.data.batches.sequences import TokenBatches
from keras_textgen.noise import TextNoise

Codes: TypeAlias = np.ndarray | scipy.sparse.csr_matrix

# A standard deviation below this share of the largest value is what float32
# makes of a constant.
_ROUNDING = 1e-6


def hoyer(codes: Codes) -> float:
    """Measures the sparsity of codes, from 0 (dense) to 1 (sparse).

    (sqrt(D) - mean(||z||_1 / ||z||_2)) / (sqrt(D) - 1), the mean over the codes
    (Hoyer 2004, section 3.1; Prokhorov et al. 2021): 0 if all magnitudes are
    equal, 1 if one dimension alone is not 0.

    Codes of zeros are left out: there the ratio of the norms is undefined, and
    it takes every value nearby.

    Args:
        codes: float [N, D], D at least 2, whole or a SciPy matrix.

    Returns:
        The measure; NaN if there are only zeros.

    Raises:
        ValueError: If there are no codes or D is below 2.

    Example:
        >>> hoyer(np.array([[0.0, -3.0], [0.0, 0.0]]))
        1.0
        >>> hoyer(np.array([[3.0, -3.0]]))
        0.0
    """
    codes = _checked(codes)
    is_sparse = scipy.sparse.issparse(codes)
    norm = scipy.sparse.linalg.norm if is_sparse else np.linalg.norm
    lengths = norm(codes, 2, axis=1)
    kept = lengths > 0
    if not kept.any():
        return float("nan")
    ratios = norm(codes, 1, axis=1)[kept] / lengths[kept]
    root = np.sqrt(codes.shape[1])
    return float((root - np.mean(ratios)) / (root - 1))


def normalized(codes: Codes) -> Codes:
    """Divides every dimension by its standard deviation over the set.

    Nothing is subtracted, so zeros stay zeros. A dimension that is constant, up
    to rounding, tells no text from another and becomes 0.

    Args:
        codes: float [N, D], D at least 2, whole or a SciPy matrix.

    Returns:
        float64 [N, D], of the same kind.

    Raises:
        ValueError: As `hoyer` does.

    Example:
        >>> normalized(np.array([[0.0, 7.0], [4.0, 7.0]])).tolist()
        [[0.0, 0.0], [2.0, 0.0]]
    """
    codes = _checked(codes)
    deviations = np.sqrt(StandardScaler(with_mean=False).fit(codes).var_)
    varies = deviations > _ROUNDING * MaxAbsScaler().fit(codes).max_abs_
    factors = np.where(varies, 1 / np.where(varies, deviations, 1), 0)
    return codes @ scipy.sparse.diags_array(factors)


def hoyer_table(views: dict[str, Codes]) -> dict[str, float]:
    """Measures each kind of code as it is and normalized.

    Args:
        views: Codes by name, float [N, D] each.

    Returns:
        `hoyer_<name>` and `hoyer_<name>_normalized` for each name.

    Example:
        >>> hoyer_table({"sample": np.array([[1.0, 0.0], [0.5, 0.0]])})
        {'hoyer_sample': 1.0, 'hoyer_sample_normalized': 1.0}
    """
    table = {}
    for name, codes in views.items():
        table[f"hoyer_{name}"] = hoyer(codes)
        table[f"hoyer_{name}_normalized"] = hoyer(normalized(codes))
    return table


def code_views(
    model: Any, batches: TokenBatches, seed: int = 0
) -> dict[str, np.ndarray]:
    """The codes whose sparsity is measured, for a whole set.

    Args:
        model: A model with `code_views(tokens, noise)`, such as `HSVAE`.
        batches: N sequences.
        seed: Of the samples.

    Returns:
        float32 [N, Z] by name, in the order that `batches` was made from:
        of `HSVAE` "sample", "slab_mean" and "gated_mean", of `MATVAE`
        "sample" and "mean".

    Example:
        >>> from keras_textgen.data.batches.sequences import SequenceBatches
        >>> class Model:  # Two words are their own code.
        ...     def code_views(self, tokens, noise):
        ...         return {"mean": tf.cast(tokens[:, 1:3], tf.float32)}
        >>> batches = SequenceBatches(
        ...     [[2, 5, 6, 7, 3], [2, 4, 3]], batch_size=1
        ... )
        >>> code_views(Model(), batches)["mean"].tolist()
        [[5.0, 6.0], [4.0, 3.0]]
    """
    seed = tf.constant([seed, 0])
    parts = [
        _views_of_batch(model, tokens, seed)
        for tokens in batches.evaluation_dataset()
    ]
    order = batches.original_order
    return {
        name: np.concatenate([part[name].numpy() for part in parts])[order]
        for name in parts[0]
    }


# At the level of the module, so that a model is traced once.
@tf.function(reduce_retracing=True, autograph=False)
def _views_of_batch(
    model: Any, tokens: tf.Tensor, seed: tf.Tensor
) -> dict[str, tf.Tensor]:
    return model.code_views(tokens, TextNoise.of(tokens, seed))


def _checked(codes: Codes) -> Codes:
    codes = codes.astype(np.float64)
    if codes.ndim != 2 or not codes.shape[0] or codes.shape[1] < 2:
        raise refused(
            f"codes of shape {list(codes.shape)}",
            "1 code or more of 2 dimensions or more",
        )
    return codes
