"""HSVAE, MAT-VAE and the discrepancy in NumPy, and tiny models to compare.

As in `numpy_reference`, one sequence at a time and in float64.
"""

from typing import NamedTuple

import numpy as np
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.noise import TextNoise
from tests.models import numpy_reference as reference
from tests.models.tiny_models import (
    SEQUENCES,
    WORDS,
    close,
    known_values,
    padded,
)

END_ID = 3
SPIKE_SCALE = 0.05
SCALES = [0.1, 0.2, 0.5, 1, 2, 5]
SIZES = {"embedding_dim": 3, "rnn_units": 4, "latent_dim": 3}


# -- Tiny models ---------------------------------------------------------------


def hsvae(**settings):
    return _with_known_weights(
        HSVAE(Vocabulary(WORDS), **{**SIZES, **settings})
    )


def mat_vae(**settings):
    return _with_known_weights(
        MATVAE(Vocabulary(WORDS), **{**SIZES, **settings})
    )


def _with_known_weights(model):
    for phase, variable in enumerate(model.trainable_variables):
        variable.assign(known_values(variable.shape, phase))
    return model


def weights_of(model):
    heads = {
        HSVAE: lambda: [getattr(model.gate, name) for name in Gate._fields],
        MATVAE: lambda: [model.head.loc, model.head.log_variance],
    }
    return {
        "embedding": np.asarray(model.embedding.embeddings, np.float64),
        "encoder": _stack(model.encoder),
        "decoder": _stack(model.decoder),
        "output": _arrays(model.output_layer, "kernel", "bias"),
        "heads": [
            _arrays(head, "kernel", "bias") for head in heads[type(model)]()
        ],
    }


def _stack(stack):
    return [
        _arrays(layer.cell, "kernel", "recurrent_kernel", "bias")
        for layer in stack.layers
    ]


def _arrays(layer, *names):
    return [np.asarray(getattr(layer, name), np.float64) for name in names]


# -- Noise, drawn as the models draw it: data here -----------------------------


def spike_and_slab_noise(noise, rows, width):
    """Uniform, the spike's and the slab's normal noise, [rows, width] each."""
    shape = [rows, width]
    return (
        np.float64(noise.uniform("choice", shape)),
        np.float64(noise.normal("spike", shape)),
        np.float64(noise.normal("slab", shape)),
    )


def gamma_noise(noise, alpha, beta):
    """Beta samples for float64 [rows, width]."""
    concentrations = np.float32(alpha), np.float32(beta)
    return np.exp(np.float64(noise.beta("gamma", *concentrations).log))


# -- What both compute ---------------------------------------------------------


class Gate(NamedTuple):
    """Parameters of q(gamma, z | x)."""

    loc: np.ndarray
    scale: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray


class Result(NamedTuple):
    """What a model computes for one sequence.

    Attributes:
        nll: -log p(x | z).
        kl_z: log q - log p of z at the sample, by dimension.
        kl_gamma: Analytic, by dimension; 0 for the MAT-VAE.
        log_ratio: log q - log p of all latent variables at the sample.
        z: The sample.
    """

    nll: float
    kl_z: np.ndarray
    kl_gamma: np.ndarray | float
    log_ratio: float
    z: np.ndarray


def read(weights, tokens):
    embedded = weights["embedding"][tokens[1:]]
    _, states = reference.run_stack(weights["encoder"], embedded)
    return states[-1][0]


def log_likelihood(weights, tokens, codes):
    """log p(x | z) of one sequence for codes [..., Z]."""
    tokens = [END_ID, *tokens[1:]]
    return reference.log_likelihood(weights, tokens, codes, feed_latent=True)


def spike_and_slab(gamma, loc, scale, uniform, spike_noise, slab_noise):
    slab = loc + scale * slab_noise
    return np.where(uniform >= 1 - gamma, SPIKE_SCALE * spike_noise, slab)


def log_density(z, gamma, loc=0.0, scale=1.0):
    return scipy.special.logsumexp(
        [
            np.log(gamma) + scipy.stats.norm.logpdf(z, 0, SPIKE_SCALE),
            np.log1p(-gamma) + scipy.stats.norm.logpdf(z, loc, scale),
        ],
        axis=0,
    )


# -- HSVAE ---------------------------------------------------------------------


def gate(weights, tokens):
    loc, *others = (
        reference.linear(head, read(weights, tokens))
        for head in weights["heads"]
    )
    scale, alpha, beta = (np.log1p(np.exp(each)) for each in others)
    return Gate(loc, scale, *np.clip([alpha + 1e-5, beta + 1e-5], 0.5, 100))


def beta_divergence(a, b, alpha, beta):
    """KL(Beta(a, b) || Beta(alpha, beta))."""
    digamma = scipy.special.digamma
    return (
        scipy.special.betaln(alpha, beta)
        - scipy.special.betaln(a, b)
        + (a - alpha) * digamma(a)
        + (b - beta) * digamma(b)
        + (alpha - a + beta - b) * digamma(a + b)
    )


def hsvae_result(weights, tokens, gamma, noise, alpha, beta):
    """One sequence of ids; gamma and noise [Z] each."""
    q = gate(weights, tokens)
    z = spike_and_slab(gamma, q.loc, q.scale, *noise)
    kl_z = log_density(z, gamma, q.loc, q.scale) - log_density(z, gamma)
    log_ratio = np.sum(kl_z)
    log_ratio += np.sum(scipy.stats.beta.logpdf(gamma, q.alpha, q.beta))
    log_ratio -= np.sum(scipy.stats.beta.logpdf(gamma, alpha, beta))
    return Result(
        nll=-log_likelihood(weights, tokens, z),
        kl_z=kl_z,
        kl_gamma=beta_divergence(q.alpha, q.beta, alpha, beta),
        log_ratio=log_ratio,
        z=z,
    )


def hsvae_results(model, sequences, noise):
    """Of all sequences, a row of the noise each."""
    weights = weights_of(model)
    gates = [gate(weights, tokens) for tokens in sequences]
    gamma = gamma_noise(
        noise, [each.alpha for each in gates], [each.beta for each in gates]
    )
    of_code = spike_and_slab_noise(noise, *gamma.shape)
    return [
        hsvae_result(weights, *of_row, model.alpha, model.beta)
        for of_row in zip(
            sequences, gamma, zip(*of_code, strict=True), strict=True
        )
    ]


# -- MAT-VAE -------------------------------------------------------------------


def gaussian(weights, tokens):
    return reference.gaussian(weights["heads"], read(weights, tokens))


def mat_vae_result(weights, tokens, epsilon, gamma):
    """One sequence of ids, epsilon [Z]."""
    q = gaussian(weights, tokens)
    z = q.sample(epsilon)
    scale = np.exp(q.log_variance / 2)
    kl_z = scipy.stats.norm.logpdf(z, q.mean, scale) - log_density(z, gamma)
    return Result(
        nll=-log_likelihood(weights, tokens, z),
        kl_z=kl_z,
        kl_gamma=0.0,
        log_ratio=np.sum(kl_z),
        z=z,
    )


def mat_vae_results(model, sequences, noise):
    """Of all sequences, a row of the noise each."""
    shape = [len(sequences), model.latent_dim]
    weights = weights_of(model)
    return [
        mat_vae_result(weights, tokens, epsilon, model.spike_probability)
        for tokens, epsilon in zip(
            sequences, np.float64(noise.normal("z", shape)), strict=True
        )
    ]


def kernel(x, y):
    """Summed over dimensions and scales."""
    square = (x - y) ** 2
    return sum(np.sum(2 * s / (2 * s + square)) for s in SCALES)


def discrepancy(first, second):
    """Squared MMD, pair by pair, of [B, D] each."""
    size = len(first)
    total = 0.0
    for i in range(size):
        for j in range(size):
            if i != j:
                within = kernel(first[i], first[j])
                within += kernel(second[i], second[j])
                total += within / (size * (size - 1))
            total -= 2 / size**2 * kernel(first[i], second[j])
    return total


def check_importance_weights(model, results_of):
    """Assert that a model's weights are those of its results in NumPy."""
    count, seed = 4, tf.constant([3, 4])
    tokens = padded(SEQUENCES)
    copies = np.repeat(np.array(SEQUENCES, object), count)
    noise = TextNoise.of(tokens, seed).of_samples(0, count)
    results = results_of(model, copies, noise)
    expected = [-each.nll - each.log_ratio for each in results]
    close(
        model.log_importance_weights(tokens, count, seed),
        np.reshape(expected, [len(SEQUENCES), count]).T,
    )
