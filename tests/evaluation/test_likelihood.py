"""The importance-weighted bound against numerical integration."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.data.batching import SequenceBatches
from keras_textgen.evaluation.likelihood import importance_weighted_bound

tfd = tfp.distributions

SLOPE = np.array([0.0, 0.0, 0.0, 0.2, 0.8, -0.6], np.float32)
BIAS = np.array([-9.0, -9.0, -9.0, 0.2, -0.4, 0.1], np.float32)
LOC, SCALE = 0.5, 0.8


class OneDimensionalModel:
    """z ~ N(0, 1), tokens independent given z; q(z | x) is deliberately off."""

    likelihood_kind = "lower bound"

    def log_importance_weights(self, tokens, num_samples, seed):
        targets = tokens[:, 1:]
        posterior = tfd.Normal(tf.fill([tf.shape(tokens)[0]], LOC), SCALE)
        z = posterior.sample(num_samples, seed=seed)  # [K, B]
        log_probs = tf.nn.log_softmax(SLOPE * z[..., tf.newaxis] + BIAS)
        one_hot = tf.one_hot(targets, len(BIAS)) * tf.cast(
            targets[..., tf.newaxis] != 0, tf.float32
        )
        log_likelihood = tf.einsum("kbv,btv->kb", log_probs, one_hot)
        log_prior = tfd.Normal(0.0, 1.0).log_prob(z)
        return log_likelihood + log_prior - posterior.log_prob(z)


class FunctionModel:
    """Log weights are a function of the tokens; calls are written down."""

    likelihood_kind = "lower bound"

    def __init__(self, function):
        self.function = function
        self.traced = []

    def log_importance_weights(self, tokens, num_samples, seed):
        del seed
        self.traced.append(num_samples)
        weights = tf.cast(self.function(tokens), tf.float32)
        return tf.tile(weights[tf.newaxis], [num_samples, 1])


def log_likelihood(sequence) -> float:
    """log p(x) by the trapezoidal rule."""
    z = np.linspace(-12.0, 12.0, 20_001)
    logits = SLOPE.astype(np.float64) * z[:, np.newaxis] + BIAS
    log_probs = logits - np.log(np.sum(np.exp(logits), 1, keepdims=True))
    log_joint = np.sum(log_probs[:, sequence[1:]], axis=1) - z**2 / 2
    density = np.exp(log_joint) / np.sqrt(2 * np.pi)
    return float(np.log(np.trapezoid(density, z)))


def test_rises_from_elbo_to_log_likelihood():
    sequence = [2, 4, 5, 4, 4, 3]
    batches = SequenceBatches([sequence] * 4000, batch_size=2000)
    means = [
        np.mean(importance_weighted_bound(OneDimensionalModel(), batches, k))
        for k in (1, 3, 10)
    ]
    exact = log_likelihood(sequence)
    # The gaps are many standard errors of the means.
    assert means[0] + 0.05 < means[1]
    assert means[1] + 0.02 < means[2]
    assert means[2] < exact


def test_one_sample_is_the_elbo():
    sequence = [2, 5, 3]
    batches = SequenceBatches([sequence] * 50_000, batch_size=50_000)
    bound = np.mean(
        importance_weighted_bound(OneDimensionalModel(), batches, 1)
    )
    z = np.linspace(LOC - 9.0, LOC + 9.0, 20_001)
    logits = SLOPE.astype(np.float64) * z[:, np.newaxis] + BIAS
    log_probs = logits - np.log(np.sum(np.exp(logits), 1, keepdims=True))
    density = np.exp(-(((z - LOC) / SCALE) ** 2) / 2)
    density /= np.trapezoid(density, z)
    nll = -np.trapezoid(density * log_probs[:, sequence[1:]].sum(1), z)
    kl = (SCALE**2 + LOC**2 - 1) / 2 - np.log(SCALE)
    assert bound == pytest.approx(-(nll + kl), abs=0.02)


def test_many_samples_reach_the_log_likelihood():
    sequences = [[2, 4, 5, 4, 3], [2, 3], [2, 5, 5, 5, 5, 5, 3]]
    bound = importance_weighted_bound(
        OneDimensionalModel(),
        SequenceBatches(sequences, batch_size=2),
        num_samples=50_000,
        max_tokens=100_000,
    )
    expected = [log_likelihood(sequence) for sequence in sequences]
    np.testing.assert_allclose(bound, expected, atol=0.02)
    assert bound.dtype == np.float64


@pytest.mark.parametrize("num_samples", [1, 7, 10, 500])
@pytest.mark.parametrize("max_tokens", [1, 18, 42, 8192])
def test_draws_exactly_as_many_samples_as_asked(num_samples, max_tokens):
    # Weights of 1 average to 1, unless samples are dropped or added.
    model = FunctionModel(lambda tokens: tf.zeros(tf.shape(tokens)[0]))
    batches = SequenceBatches([[2, 4, 3], [2, 3]], batch_size=2)
    bound = importance_weighted_bound(
        model, batches, num_samples, max_tokens=max_tokens
    )
    np.testing.assert_allclose(bound, 0.0, atol=1e-12)


def test_memory_and_number_of_graphs_are_limited():
    model = FunctionModel(lambda tokens: tf.zeros(tf.shape(tokens)[0]))
    sequences = [[2] + [4] * length + [3] for length in range(9)]
    batches = SequenceBatches(sequences, batch_size=2)
    importance_weighted_bound(model, batches, 24, max_tokens=100)
    # The largest batch has 2 x 9 tokens, hence 5 samples a block.
    assert sorted(model.traced) == [4, 5]


def test_bounds_are_in_the_order_of_the_sequences():
    model = FunctionModel(lambda tokens: tf.math.count_nonzero(tokens, axis=1))
    sequences = [[2, 4, 4, 3], [2, 3], [2, 4, 4, 4, 3], [2, 4, 3]]
    batches = SequenceBatches(sequences, batch_size=3)
    bound = importance_weighted_bound(model, batches, 3)
    np.testing.assert_allclose(bound, [4, 2, 5, 3])


def test_tiny_weights_do_not_underflow():
    model = FunctionModel(lambda tokens: -5000.0 * tf.ones(tf.shape(tokens)[0]))
    batches = SequenceBatches([[2, 3]], batch_size=1)
    bound = importance_weighted_bound(model, batches, 5, max_tokens=4)
    np.testing.assert_allclose(bound, -5000.0)


def test_seed_repeats_and_batches_and_blocks_have_their_own_samples():
    def bounds(**kwargs):
        batches = SequenceBatches([[2, 4, 3]] * 3, batch_size=1)
        return importance_weighted_bound(
            OneDimensionalModel(), batches, 4, **kwargs
        )

    np.testing.assert_array_equal(bounds(seed=1), bounds(seed=1))
    assert not np.any(bounds(seed=1) == bounds(seed=2))
    assert len(set(bounds())) == 3
    # With one and the same sample in each block, K = 4 would equal K = 1.
    batches = SequenceBatches([[2, 4, 3]] * 3, batch_size=1)
    single = importance_weighted_bound(OneDimensionalModel(), batches, 1)
    assert not np.any(np.isclose(bounds(max_tokens=1), single))


def test_reconstruction_is_refused():
    model = OneDimensionalModel()
    model.likelihood_kind = "reconstruction"
    batches = SequenceBatches([[2, 3]], batch_size=1)
    with pytest.raises(ValueError, match="'reconstruction' has no bound"):
        importance_weighted_bound(model, batches)


@pytest.mark.parametrize("num_samples", [0, -3])
def test_number_of_samples_out_of_range(num_samples):
    batches = SequenceBatches([[2, 3]], batch_size=1)
    message = f"num_samples={num_samples}; allowed: 1 or more"
    with pytest.raises(ValueError, match=message):
        importance_weighted_bound(OneDimensionalModel(), batches, num_samples)
