"""What bounds what: the LSTM-VAE's numbers beside integrals over its latents.

One latent of one dimension is integrated along a line, two that are averaged
over a plane, in NumPy.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.noise import Noise
from keras_textgen.tokens import END_ID, START_ID
from tests.models import numpy_reference as reference
from tests.models.tiny_models import lstm_vae, padded, reference_weights

L = 2
TOKENS = [2, 5, 4, 3]
GRID = np.linspace(-8, 8, 641)
ROWS = 4000
NUM_SAMPLES = (1, 6, 36)


class Exact(NamedTuple):
    """Integrals of one sequence, nats.

    Attributes:
        kl: Of the posterior of one latent.
        single_nll: -E[log p(x | z)].
        single: log p(x) of the model that decodes from one latent.
        averaged_nll: -E[log p(x | z_1, z_2)].
        averaged: log p(x) of the model with two independent latents, whose
            hidden states are averaged.
    """

    kl: float
    single_nll: float
    single: float
    averaged_nll: float
    averaged: float


def integrals(model, tokens, grid=GRID):
    """By the trapezoidal rule over the grid, once for each axis."""

    def integral(values):
        for _ in range(np.ndim(values)):
            values = np.trapezoid(values, grid)
        return float(values)

    weights, z = reference_weights(model), grid[:, np.newaxis]
    hidden = reference.decode_hidden(weights, tokens, z, feed_latent=True)
    pairs = (hidden[:, :, np.newaxis] + hidden[:, np.newaxis]) / 2
    of_one, of_two = (
        reference.at_targets(reference.next_token_logits(weights, each), tokens)
        for each in (hidden, pairs)
    )
    posterior = reference.lstm_vae_posterior(weights, tokens)
    standard = reference.standard_gaussian(1)
    q, p = (np.exp(each.log_density(z)) for each in (posterior, standard))
    assert integral(q) == pytest.approx(1, abs=1e-5)
    return Exact(
        kl=float(posterior.divergence(standard)),
        single_nll=-integral(q * of_one),
        single=np.log(integral(p * np.exp(of_one))),
        averaged_nll=-integral(np.outer(q, q) * of_two),
        averaged=np.log(integral(np.outer(p, p) * np.exp(of_two))),
    )


def make(averages):
    """A model in which much depends on z."""
    model = lstm_vae(averages, num_samples=L, latent_dim=1)
    kernel = model.decoder.layers[0].cell.kernel.numpy()
    kernel[-1] *= 4
    model.decoder.layers[0].cell.kernel.assign(kernel)
    model.output_layer.kernel.assign(6 * model.output_layer.kernel)
    return model


@pytest.fixture(scope="module")
def likelihoods():
    return make(False)


@pytest.fixture(scope="module")
def states():
    return make(True)


@pytest.fixture(scope="module")
def exact(states):
    return integrals(states, TOKENS)


def copies():
    """The sequence many times; in training, each row has its own noise."""
    return padded([TOKENS] * ROWS)


@pytest.fixture
def noise_by_row(monkeypatch):
    """Outside of training, too, in what is traced from now on."""
    monkeypatch.setattr(
        "keras_textgen.noise.TextNoise.of",
        lambda tokens, seed, truncated=None: Noise(seed),
    )


def mean_and_error(sample):
    sample = np.asarray(sample, np.float64)
    return np.mean(sample), np.std(sample) / math.sqrt(len(sample))


def assert_mean(sample, expected):
    mean, error = mean_and_error(sample)
    assert mean == pytest.approx(expected, abs=4 * error + 1e-5)


def importance_weighted(model):
    """Bounds by number of samples, each with its standard error."""
    return {
        count: mean_and_error(bounds_of(model, count)) for count in NUM_SAMPLES
    }


def bounds_of(model, count):
    """Of ROWS times as many samples of the one text, [ROWS]."""
    weights = model.log_importance_weights(
        padded([TOKENS]), ROWS * count, [0, count]
    )
    weights = tf.reshape(weights, [ROWS, count])
    return tf.reduce_logsumexp(weights, axis=1) - np.log(count)


def assert_ascending(elbo, bounds, log_likelihood):
    """From the evidence lower bound up to the log-likelihood."""
    assert log_likelihood - elbo > 0.5
    means, errors = zip(*bounds.values(), strict=True)
    assert means[0] == pytest.approx(elbo, abs=4 * errors[0])
    for (lower, higher), both in zip(
        itertools.pairwise(means), itertools.pairwise(errors), strict=True
    ):
        assert higher - lower > 4 * math.hypot(*both)
    assert log_likelihood - means[-1] > -4 * errors[-1]
    assert log_likelihood - means[-1] < 0.5 * (log_likelihood - elbo)


# -- Averaged log-likelihoods --------------------------------------------------


def test_numbers_of_the_mean_over_samples(likelihoods, exact):
    outputs = likelihoods(copies(), training=True)
    np.testing.assert_allclose(outputs["kl"], exact.kl, rtol=1e-4)
    assert_mean(outputs["nll"], exact.single_nll)


def test_more_samples_bring_the_bound_nearer(likelihoods, exact):
    elbo = -(exact.single_nll + exact.kl)
    bounds = importance_weighted(likelihoods)
    assert_ascending(elbo, bounds, exact.single)


# -- Averaged hidden states ----------------------------------------------------


@pytest.mark.usefixtures("noise_by_row")
def test_numbers_of_averaged_states(states, exact):
    outputs = states(copies(), training=True)
    np.testing.assert_allclose(outputs["kl"], exact.kl, rtol=1e-4)
    assert_mean(outputs["nll"], exact.averaged_nll)
    single = states.single_latent_bound(copies().numpy(), batch_size=ROWS)
    assert_mean(single, -(exact.single_nll + exact.kl))


def test_order_of_the_numbers_of_averaged_states(exact):
    papers_metric = -(exact.averaged_nll + exact.kl)
    bound = -(exact.averaged_nll + L * exact.kl)
    single_bound = -(exact.single_nll + exact.kl)
    assert bound < papers_metric
    assert bound < exact.averaged
    assert single_bound < exact.single
    # The log-softmax is concave, hence gains from an average before it.
    assert single_bound < papers_metric


def test_more_samples_bring_the_bound_of_averaged_states_nearer(states, exact):
    bound = -(exact.averaged_nll + L * exact.kl)
    assert_ascending(bound, importance_weighted(states), exact.averaged)


# -- The paper's metric --------------------------------------------------------

THRESHOLD, BOUNDARY = 2.0, 2.6
STEEPNESS = 100.0
POSTERIOR_SCALE = 0.2
# All that counts: below, the text has no probability, and above, z has none.
NEAR_BOUNDARY = np.linspace(1.4, 4.4, 601)
# What a unit puts out that is switched on: tanh of a cell with tanh in it.
ON = math.tanh(math.tanh(10.0))
X, LOW, HIGH, NOTHING = 4, 5, 6, 7


def constructed():
    """A model whose averaged states are likely where no single state is.

    The first of three units tells whether z is above the threshold, the second
    whether it is above the boundary, the third whether the first word is next.
    Below the threshold that word is `NOTHING`; between the two it is `LOW` and
    above them `HIGH`, up to exp(-4) for `X`; but halfway between the states of
    `LOW` and `HIGH` it is `X`. After the first word the text ends. The
    posterior is narrow and at the boundary, which a standard normal rarely
    reaches.
    """
    model = lstm_vae(
        averages=True,
        num_samples=L,
        latent_dim=1,
        embedding_dim=1,
        rnn_units=3,
    )
    for weight in model.trainable_variables:
        weight.assign(np.zeros(weight.shape))
    words = -np.ones([model.vocabulary.size, 1])
    words[START_ID] = 1
    model.embedding.embeddings.assign(words)

    gates = {name: np.zeros([2, 3]) for name in "ifco"}  # Word and z; unit.
    biases = {"i": 20.0, "f": -20.0, "c": np.zeros(3), "o": 20.0}
    gates["c"][1, :2] = STEEPNESS
    biases["c"] = -STEEPNESS * np.array([THRESHOLD, BOUNDARY, 0])
    gates["c"][0, 2] = 10
    cell = model.decoder.layers[0].cell
    cell.kernel.assign(np.concatenate([*gates.values()], axis=1))
    cell.bias.assign(
        np.concatenate([np.broadcast_to(each, 3) for each in biases.values()])
    )

    kernel, bias = np.zeros([3, model.vocabulary.size]), np.full(10, -1000.0)
    bias[[X, LOW, HIGH, NOTHING, END_ID]] = [10, 0, 0, 30, 0]
    kernel[0, NOTHING] = -40 / ON
    kernel[1, [LOW, HIGH]] = [-14 / ON, 14 / ON]
    kernel[2, [X, LOW, HIGH, NOTHING]] = 50 / ON
    kernel[2, END_ID] = -50 / ON
    model.output_layer.kernel.assign(kernel)
    model.output_layer.bias.assign(bias)

    model.head.loc.bias.assign([BOUNDARY])
    model.head.log_variance.bias.assign([2 * math.log(POSTERIOR_SCALE)])
    return model


@pytest.mark.usefixtures("noise_by_row")
def test_papers_metric_can_exceed_the_log_likelihood():
    """Both that of the averaged latents and that of a single one."""
    model, tokens = constructed(), [START_ID, X, END_ID]
    exact = integrals(model, tokens, NEAR_BOUNDARY)
    outputs = model(padded([tokens] * ROWS), training=True)
    nll, error = mean_and_error(outputs["nll"])
    kl = float(outputs["kl"][0])
    assert error < 0.1
    assert nll == pytest.approx(exact.averaged_nll, abs=4 * error + 0.1)
    papers_metric = -(nll + kl)
    assert papers_metric > exact.averaged + 0.5
    assert papers_metric > exact.single + 0.5
    # The bounds are bounds all the same.
    assert -(nll + L * kl) < exact.averaged - 0.5
    single = model.single_latent_bound(padded([tokens] * ROWS).numpy())
    assert np.mean(single) < exact.single - 0.5
