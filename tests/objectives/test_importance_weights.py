"""The importance-weighted bound against numerical integration."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.objectives.importance_weights import (
    importance_weighted_bound,
)

tfd = tfp.distributions

SLOPE = np.array([0.0, 0.0, 0.0, 0.2, 0.8, -0.6], np.float32)
BIAS = np.array([-9.0, -9.0, -9.0, 0.2, -0.4, 0.1], np.float32)
LOC, SCALE = 0.5, 0.8


class OneDimensionalModel:
    """z ~ N(0, 1), tokens independent given z; q(z | x) is deliberately off."""

    def log_importance_weights(self, tokens, first, num_samples, seed):
        targets = tokens[:, 1:]
        posterior = tfd.Normal(tf.fill([tf.shape(tokens)[0]], LOC), SCALE)
        z = posterior.sample(first + num_samples, seed=seed)[first:]  # [K, B]
        log_probs = tf.nn.log_softmax(SLOPE * z[..., tf.newaxis] + BIAS)
        one_hot = tf.one_hot(targets, len(BIAS)) * tf.cast(
            targets[..., tf.newaxis] != 0, tf.float32
        )
        log_likelihood = tf.einsum("kbv,btv->kb", log_probs, one_hot)
        log_prior = tfd.Normal(0.0, 1.0).log_prob(z)
        return log_likelihood + log_prior - posterior.log_prob(z)


class FunctionModel:
    """Log weights are a function of the tokens; calls are written down."""

    def __init__(self, function):
        self.function = function
        self.drawn = []

    def log_importance_weights(self, tokens, first, num_samples, seed):
        del seed
        self.drawn.append((int(first), int(num_samples)))
        weights = tf.cast(self.function(tokens), tf.float32)
        return tf.tile(weights[tf.newaxis], [num_samples, 1])


def bound_of(model, sequences, num_samples, *, seed=0, block_size=500):
    """The bound of equally long sequences [batch, time], float64 [batch]."""
    return bound_of_graph(
        model, sequences, num_samples, seed=seed, block_size=block_size
    ).numpy()


def bound_of_graph(model, sequences, num_samples, *, seed=0, block_size=500):
    tokens = tf.constant(sequences)
    return importance_weighted_bound(
        lambda first, size: model.log_importance_weights(
            tokens, first, size, [seed, 0]
        ),
        batch_size=len(sequences),
        num_samples=num_samples,
        block_size=block_size,
    )


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
    means = [
        np.mean(bound_of(OneDimensionalModel(), [sequence] * 4000, k))
        for k in (1, 3, 10)
    ]
    exact = log_likelihood(sequence)
    # The gaps are many standard errors of the means.
    assert means[0] + 0.05 < means[1]
    assert means[1] + 0.01 < means[2]
    assert means[2] < exact


def test_one_sample_is_the_elbo():
    sequence = [2, 5, 3]
    bound = np.mean(bound_of(OneDimensionalModel(), [sequence] * 50_000, 1))
    z = np.linspace(LOC - 9.0, LOC + 9.0, 20_001)
    logits = SLOPE.astype(np.float64) * z[:, np.newaxis] + BIAS
    log_probs = logits - np.log(np.sum(np.exp(logits), 1, keepdims=True))
    density = np.exp(-(((z - LOC) / SCALE) ** 2) / 2)
    density /= np.trapezoid(density, z)
    nll = -np.trapezoid(density * log_probs[:, sequence[1:]].sum(1), z)
    kl = (SCALE**2 + LOC**2 - 1) / 2 - np.log(SCALE)
    assert bound == pytest.approx(-(nll + kl), abs=0.02)


@pytest.mark.parametrize("sequence", [[2, 4, 5, 4, 3], [2, 3], [2, 5, 5, 3]])
def test_many_samples_reach_the_log_likelihood(sequence):
    bound = bound_of(OneDimensionalModel(), [sequence], 50_000)
    np.testing.assert_allclose(bound, [log_likelihood(sequence)], atol=0.02)
    assert bound.dtype == np.float64


@pytest.mark.parametrize("num_samples", [1, 7, 10, 500])
@pytest.mark.parametrize("block_size", [1, 3, 7, 8192])
def test_draws_exactly_as_many_samples_as_asked(num_samples, block_size):
    # Weights of 1 average to 1, unless samples are dropped or added.
    model = FunctionModel(lambda tokens: tf.zeros(tf.shape(tokens)[0]))
    bound = bound_of(model, [[2, 4]] * 3, num_samples, block_size=block_size)
    np.testing.assert_allclose(bound, np.zeros(3), atol=1e-12)


def test_blocks_add_up_to_the_samples_and_bound_the_memory():
    model = FunctionModel(lambda tokens: tf.zeros(tf.shape(tokens)[0]))
    bound_of(model, [[2, 4]], 24, block_size=5)
    assert model.drawn == [(0, 5), (5, 5), (10, 5), (15, 5), (20, 4)]


def test_number_of_samples_may_be_a_tensor_in_a_graph():
    model = OneDimensionalModel()
    bound = tf.function(lambda n: bound_of_graph(model, [[2, 4, 3]], n))
    np.testing.assert_allclose(
        bound(tf.constant(7)), bound_of(model, [[2, 4, 3]], 7), rtol=1e-6
    )


def test_tiny_weights_do_not_underflow():
    model = FunctionModel(lambda tokens: tf.fill([tf.shape(tokens)[0]], -5e3))
    bound = bound_of(model, [[2, 3]], 5, block_size=2)
    np.testing.assert_allclose(bound, [-5000.0])


def test_seed_repeats_and_blocks_have_their_own_samples():
    model, sequences = OneDimensionalModel(), [[2, 4, 3]] * 3
    first = bound_of(model, sequences, 4, seed=1)
    np.testing.assert_array_equal(first, bound_of(model, sequences, 4, seed=1))
    assert not np.any(first == bound_of(model, sequences, 4, seed=2))
    # With one and the same sample in each block, K = 4 would equal K = 1.
    single = bound_of(model, sequences, 1, block_size=1)
    blocks = bound_of(model, sequences, 4, block_size=1)
    assert not np.any(np.isclose(blocks, single))
    whole = bound_of(model, sequences, 4)
    np.testing.assert_allclose(blocks, whole, rtol=1e-6)


@pytest.mark.parametrize("name", ["num_samples", "block_size"])
@pytest.mark.parametrize("number", [0, -3])
def test_numbers_out_of_range(name, number):
    arguments = {"num_samples": 3, "block_size": 3, name: number}
    with pytest.raises(ValueError, match=f"{name}={number}"):
        bound_of(OneDimensionalModel(), [[2, 3]], **arguments)


@pytest.mark.parametrize("number", [0, -3])
def test_numbers_out_of_range_in_a_graph(number):
    """As of a served function: it would be a bound of NaN."""
    bound = tf.function(
        lambda number: bound_of_graph(OneDimensionalModel(), [[2, 3]], number),
        autograph=False,
    )
    message = "num_samples out of its range; allowed: whole numbers, 1 to 2147"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        bound(tf.constant(number))
