"""Is the posterior used: active units and mutual information."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, check
from keras_textgen.data.batches.sequences import TokenBatches
from keras_textgen.tokens import PAD_ID

# Pairs of a code and a posterior that are scored at once.
_PAIRS_PER_BLOCK = 2**16


def active_units(means: np.ndarray, threshold: float = 0.01) -> int:
    """Counts the coordinates of the code that depend on the sequence.

    Coordinate d is active if the variance of E[z_d | x] over the sequences x
    is above the threshold (Burda et al. 2016, section 5.2).

    Args:
        means: Mean codes E[z | x], float [N, D].
        threshold: Variance above which a coordinate is active.

    Returns:
        A number from 0 to D.

    Example:
        >>> active_units(np.array([[0.0, 1.0, 0.0], [0.1, 1.0, 0.5]]))
        1
    """
    variances = np.var(means, axis=0, dtype=np.float64)
    return int(np.sum(variances > threshold))


def mutual_information(
    model: Any,
    batches: TokenBatches,
    num_sequences: int = 500,
    *,
    seed: int = 0,
) -> float:
    """Estimates I(x; z) under q, what a code tells about its sequence.

    I(x; z) = E[log q(z | x) - log q(z)], x from the set and z ~ q(z | x), where
    q(z) = (1/M) sum_j q(z | x_j) is the aggregate posterior (Hoffman and
    Johnson 2016; He et al. 2019, section 3.2). One code is drawn from the
    posterior of each of M sequences and is scored under all M posteriors.

    The estimate is never above log M, and on average not above I(x; z) (Poole
    et al. 2019, section 2.3): it is too low where I(x; z) comes near log M, and
    right up to the noise of the samples where M is the whole set. It is not
    clipped: where I(x; z) is near 0, noise can make it negative.

    Args:
        model: A model with `posterior(tokens [M, T])`, a tfp distribution (or
            a joint one, whose samples are lists of parts) with batch shape [M].
            Its `log_prob` must accept codes with a further axis in front.
        batches: The sequences.
        num_sequences: M, drawn without replacement; all sequences where there
            are not as many.
        seed: Of the choice of sequences and of the codes.

    Returns:
        The mutual information in nats.

    Raises:
        ValueError: If `num_sequences` is below 1.

    Example:
        >>> from keras_textgen.data.batches.sequences import SequenceBatches
        >>> import tensorflow_probability as tfp
        >>> class Model:  # The code gives the second token away.
        ...     def posterior(self, tokens):
        ...         loc = tf.cast(tokens[:, 1:2], tf.float32)
        ...         return tfp.distributions.MultivariateNormalDiag(loc, [0.01])
        >>> batches = SequenceBatches([[2, 4, 3], [2, 5, 3]], batch_size=2)
        >>> round(mutual_information(Model(), batches), 3)  # log 2
        0.693
    """
    check(SIZES, num_sequences=num_sequences)
    tokens = _some_sequences(batches, num_sequences, seed)
    posterior = model.posterior(tokens)
    codes = posterior.sample(seed=tf.constant([seed, 0]))
    log_ratios = _log_ratios(posterior, codes, len(tokens))
    return float(np.mean(log_ratios.numpy(), dtype=np.float64))


def _some_sequences(
    batches: TokenBatches, num_sequences: int, seed: int
) -> tf.Tensor:
    """At most `num_sequences` sequences as one batch, int32 [M, T].

    Longer padding does not change a posterior, so one batch serves all.
    """
    count = min(num_sequences, batches.num_sequences)
    chosen = np.random.default_rng(seed).choice(
        batches.num_sequences, count, replace=False
    )
    rows = []
    begin = 0
    for tokens in batches.evaluation_dataset():
        end = begin + tokens.shape[0]
        here = np.sort(chosen[(chosen >= begin) & (chosen < end)]) - begin
        rows.extend(tokens.numpy()[here])
        begin = end
    result = np.full([count, max(map(len, rows))], PAD_ID, np.int32)
    for target, row in zip(result, rows, strict=True):
        target[: len(row)] = row
    return tf.constant(result)


def _log_ratios(posterior: Any, codes: Any, num_sequences: int) -> tf.Tensor:
    """Returns log q(z_i | x_i) - log (1/M) sum_j q(z_i | x_j), [M]."""
    size = max(1, _PAIRS_PER_BLOCK // num_sequences)
    log_ratios = []
    for begin in range(0, num_sequences, size):
        # Every code of the block beside every posterior: [size, M, ...].
        pairs = tf.nest.map_structure(
            lambda part, begin=begin: tf.repeat(
                part[begin : begin + size, tf.newaxis], num_sequences, axis=1
            ),
            codes,
        )
        log_probs = posterior.log_prob(pairs)
        own = tf.linalg.diag_part(log_probs[:, begin:])
        log_ratios.append(own - tf.reduce_logsumexp(log_probs, axis=1))
    return tf.concat(log_ratios, axis=0) + np.log(num_sequences)
