"""Importance-weighted bound of the log-likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.data.batching import SequenceBatches


def importance_weighted_bound(
    model: Any,
    batches: SequenceBatches,
    num_samples: int = 500,
    *,
    seed: int = 0,
    max_tokens: int = 8192,
) -> np.ndarray:
    """Bounds log p(x) of each sequence from below with `num_samples` samples.

    The bound is log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x), z_k ~ q(z | x)
    (Burda et al. 2016, equation 8). In expectation it rises with K from the
    evidence lower bound, K = 1, to log p(x).

    The samples are drawn in blocks, the last one smaller where K is not a
    multiple, and summed as they come, so that memory does not grow with K.

    Args:
        model: A model with `likelihood_kind` and with
            `log_importance_weights(tokens [B, T], num_samples, seed [2])`,
            which returns log p(x | z_k) p(z_k) / q(z_k | x), [num_samples, B].
        batches: The sequences.
        num_samples: K, at least 1.
        seed: Of the samples. A result can be repeated with the same seed,
            batches and `max_tokens`.
        max_tokens: Tokens in a block, counted over samples and sequences with
            their padding; a block holds one sample at least. What memory a
            token takes is up to the model: for most it is a row of logits.

    Returns:
        float64 [N], nats per sequence, in the order of the sequences that
        `batches` was made from.

    Raises:
        ValueError: If the model's objective is not a likelihood, or
            `num_samples` is below 1.

    Example:
        >>> class Model:
        ...     likelihood_kind = "lower bound"
        ...
        ...     def log_importance_weights(self, tokens, num_samples, seed):
        ...         shape = [num_samples, tf.shape(tokens)[0]]
        ...         return tf.random.stateless_normal(shape, seed)
        >>> batches = SequenceBatches([[2, 3], [2, 4, 3]], batch_size=2)
        >>> bound = importance_weighted_bound(Model(), batches, 10_000)
        >>> bound.round(1)  # log E[exp(u)] = 1/2 for u ~ N(0, 1)
        array([0.5, 0.5])
    """
    if model.likelihood_kind == "reconstruction":
        raise ValueError(
            "likelihood_kind='reconstruction' has no bound; "
            "allowed: 'exact', 'lower bound'"
        )
    if num_samples < 1:
        raise ValueError(f"num_samples={num_samples}; allowed: 1 or more")
    dataset = batches.evaluation_dataset()
    largest = max(int(tf.size(tokens)) for tokens in dataset)
    sizes = _block_sizes(num_samples, max(1, max_tokens // largest))
    # One graph a size: the full blocks and, where there is one, the last.
    log_sum = {size: _log_sum_of_weights(model, size) for size in set(sizes)}
    bounds = []
    for index, tokens in enumerate(dataset):
        batch_seed = tf.random.fold_in([seed, 0], index)
        log_total = -np.inf
        for block, size in enumerate(sizes):
            block_seed = tf.random.fold_in(batch_seed, block)
            block_sum = log_sum[size](tokens, block_seed).numpy()
            log_total = np.logaddexp(log_total, block_sum)
        bounds.append(log_total - np.log(num_samples))
    return np.concatenate(bounds)[batches.original_order]


def _block_sizes(total: int, size: int) -> list[int]:
    """Sizes of blocks that add up to `total`, none above `size`."""
    return [min(size, total - begin) for begin in range(0, total, size)]


def _log_sum_of_weights(
    model: Any, num_samples: int
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A graph for batches of every shape: log sum_k w_k, float64 [B]."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([2], tf.int32),
        ]
    )
    def log_sum(tokens: tf.Tensor, seed: tf.Tensor):
        log_weights = model.log_importance_weights(tokens, num_samples, seed)
        return tf.reduce_logsumexp(tf.cast(log_weights, tf.float64), axis=0)

    return log_sum
