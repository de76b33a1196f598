"""The Sentence VAE against its equations in NumPy and known numbers."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.noise import Noise, TextNoise
from tests.models import numpy_reference as reference
from tests.models.tiny_models import (
    BATCHES,
    SEQUENCES,
    SIZES,
    WORDS,
    KnownNoise,
    close,
    log_likelihood,
    logits,
    padded,
    ptb_parameters,
    recorded_noises,
    reference_weights,
    sentence_vae,
)

ROWS = len(SEQUENCES)
Z = SIZES["latent_dim"]


@pytest.fixture(scope="module", params=["block", "gru"])
def model(request):
    return sentence_vae(rnn_type=request.param, objective="bound")


def expected(model, sequences, epsilon):
    weights = reference_weights(model)
    return [
        reference.sentence_vae(weights, np.array(tokens), row)
        for tokens, row in zip(sequences, epsilon, strict=True)
    ]


@pytest.mark.parametrize("batch", BATCHES)
def test_agrees_with_numpy(model, batch):
    sequences, noise = BATCHES[batch], KnownNoise(ROWS, Z)
    tokens = padded(sequences, 9 if batch == "padded" else None)
    inference = model.infer(model.read(tokens), noise)
    scores = log_likelihood(model, inference.code, tokens)
    all_logits = logits(model, inference.code, tokens)
    results = expected(model, sequences, noise.values("z"))
    for row, result in enumerate(results):
        close(inference.code[row], result.code)
        close(inference.kl[row], result.divergences[0])
        close(inference.log_ratio[row], result.log_ratio)
        close(scores[row], -result.nll)
        close(all_logits[row, : len(sequences[row]) - 1], result.logits)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_agrees_with_numpy_for_other_depths(num_layers):
    model = sentence_vae(num_layers=num_layers)
    noise = KnownNoise(ROWS, Z)
    tokens = padded(SEQUENCES)
    inference = model.infer(model.read(tokens), noise)
    scores = log_likelihood(model, inference.code, tokens)
    for row, result in enumerate(expected(model, SEQUENCES, noise.values("z"))):
        close(inference.kl[row], result.divergences[0])
        close(scores[row], -result.nll)


@pytest.mark.parametrize("objective", ["reference", "bound"])
@pytest.mark.parametrize("training", [False, True])
def test_call_agrees_with_numpy(monkeypatch, objective, training):
    model = sentence_vae(objective=objective)
    noises = recorded_noises(monkeypatch, SentenceVAE)
    outputs = model(padded(SEQUENCES), training=training)
    (noise,) = noises
    epsilon = noise.normal("z", [ROWS, Z]).numpy()
    results = expected(model, SEQUENCES, epsilon)
    close(outputs["nll"], [result.nll for result in results])
    close(outputs["kl"], [result.divergences[0] for result in results])
    lengths = [len(sequence) - 1 for sequence in SEQUENCES]
    assert outputs["num_tokens"].numpy().tolist() == lengths
    # The reference's noise is a truncated normal, in evaluation too.
    largest = np.max(np.abs(noise.normal("many", [ROWS, 1500])))
    assert largest <= 2 if objective == "reference" else largest > 3


def test_basic_is_block():
    tokens = padded(SEQUENCES)
    basic = sentence_vae(rnn_type="basic")(tokens)
    block = sentence_vae(rnn_type="block")(tokens)
    for name in ("nll", "kl"):
        assert basic[name].numpy().tolist() == block[name].numpy().tolist()


GOLDEN_CODE = [
    [0.952891, -1.140192],
    [1.317711, 0.417371],
    [0.155831, -0.980290],
]
GOLDEN_KL = [0.903759, 0.653787, 0.490289]
GOLDEN_LOG_LIKELIHOOD = [-10.447476, -5.314122, -8.941665]


def test_golden_values():
    """Numbers of the NumPy reference, written down once."""
    model = sentence_vae(objective="bound")
    noise = KnownNoise(ROWS, Z)
    tokens = padded(SEQUENCES)
    inference = model.infer(model.read(tokens), noise)
    scores = log_likelihood(model, inference.code, tokens)
    close(inference.code, GOLDEN_CODE)
    close(inference.kl, GOLDEN_KL)
    close(scores, GOLDEN_LOG_LIKELIHOOD)


def test_number_of_parameters_with_the_ptb_settings():
    assert (
        ptb_parameters(
            SentenceVAE,
            embedding_dim=128,
            rnn_units=200,
            num_layers=2,
            latent_dim=16,
        )
        == 4_478_290
    )


def test_forget_bias_starts_at_zero():
    model = SentenceVAE(Vocabulary(WORDS), **SIZES)
    for layer in model.encoder.layers + model.decoder.layers:
        assert not np.any(layer.cell.bias.numpy())


def test_gru_kernels_start_orthogonal():
    model = SentenceVAE(Vocabulary(WORDS), **SIZES, rnn_type="gru")
    for layer in model.encoder.layers:
        kernel = layer.cell.kernel.numpy()  # [3, 3 * 4] or [4, 3 * 4]
        close(kernel @ kernel.T, np.eye(len(kernel)))


def test_posterior_and_prior_agree_with_infer(model):
    tokens = padded(SEQUENCES)
    inference = model.infer(model.read(tokens), KnownNoise(ROWS, Z))
    posterior, prior = model.posterior(tokens), model.prior
    assert posterior.batch_shape == [ROWS]
    assert posterior.event_shape == prior.event_shape == [Z]
    log_ratio = posterior.log_prob(inference.code)
    log_ratio -= prior.log_prob(inference.code)
    close(inference.log_ratio, log_ratio)


def test_importance_weights_agree_with_numpy(model):
    tokens = padded(SEQUENCES)
    seed = tf.constant([3, 4])
    weights = model.log_importance_weights(tokens, 5, seed)
    assert weights.shape == (5, ROWS)
    # Row by row, the samples of a sequence follow each other.
    noise = TextNoise.of(tokens, seed).of_samples(0, 5)
    epsilon = noise.normal("z", [ROWS * 5, Z]).numpy()
    for row, tokens in enumerate(SEQUENCES):
        results = expected(model, [tokens] * 5, epsilon[5 * row : 5 * row + 5])
        close(
            weights[:, row],
            [-each.nll - each.log_ratio for each in results],
        )


@pytest.mark.parametrize("feed_latent", [False, True])
def test_von_mises_fisher_agrees_with_numpy(feed_latent):
    """In two dimensions, where the KL is one of Bessel functions."""
    concentration = 5.0
    model = sentence_vae(
        objective="bound",
        posterior_family="vmf",
        concentration=concentration,
        feed_latent=feed_latent,
    )
    tokens, weights = padded(SEQUENCES), reference_weights(model)
    codes = model.encode_tokens(tokens)
    inference = model.infer(model.read(tokens), Noise(tf.constant([1, 2])))
    scores = log_likelihood(model, inference.code, tokens)
    # kappa I1 / I0 - log I0, and the density against that of the uniform.
    log_i0 = np.log(np.i0(concentration))
    step = 1e-4
    slope = np.log(np.i0(concentration + step))
    slope = (slope - np.log(np.i0(concentration - step))) / (2 * step)
    close(inference.kl, np.full(ROWS, concentration * slope - log_i0))
    for row, sequence in enumerate(SEQUENCES):
        direction = reference.sentence_vae_direction(weights, sequence)
        close(codes[row], direction)
        code = inference.code.numpy()[row].astype(np.float64)
        close(np.linalg.norm(code), 1)
        along = concentration * code @ direction
        close(inference.log_ratio[row], along - log_i0)
        score = reference.log_likelihood(
            weights, sequence, code, feed_latent=feed_latent
        )
        close(scores[row], score)


# -- Against numerical integration ---------------------------------------------

SHORT = [[2, 4, 3], [2, 5, 4, 3]]
GRID = np.linspace(-9, 9, 3001)


@pytest.fixture(scope="module")
def one_dimensional():
    model = sentence_vae(latent_dim=1, objective="bound")
    # A posterior as wide as the prior, so that sampling reaches the integral.
    for weight in model.head.trainable_variables:
        weight.assign(0.3 * weight)
    return model


def integrals(model, tokens):
    """log p(x) and the evidence lower bound, by the trapezoidal rule."""
    weights, tokens = reference_weights(model), np.array(tokens)
    z = GRID[:, np.newaxis]
    log_joint = reference.log_likelihood(weights, tokens, z)
    log_joint += reference.standard_gaussian(1).log_density(z)
    posterior = reference.sentence_vae_posterior(weights, tokens)
    log_q = posterior.log_density(z)
    log_evidence = np.log(np.trapezoid(np.exp(log_joint), GRID))
    elbo = np.trapezoid(np.exp(log_q) * (log_joint - log_q), GRID)
    return log_evidence, elbo


def test_bounds_against_integration(one_dimensional):
    tokens, count = padded(SHORT), 100_000
    weights = one_dimensional.log_importance_weights(tokens, count, [0, 1])
    for row, sequence in enumerate(SHORT):
        log_evidence, elbo = integrals(one_dimensional, sequence)
        sample = weights[:, row].numpy()
        error = np.std(sample) / np.sqrt(count)
        assert np.mean(sample) == pytest.approx(elbo, abs=4 * error)
        tens = np.logaddexp.reduce(sample.reshape(-1, 10), axis=1)
        bound_of_ten = np.mean(tens) - np.log(10)
        assert elbo < bound_of_ten < log_evidence
        bound_of_all = np.logaddexp.reduce(sample) - np.log(count)
        assert bound_of_all == pytest.approx(log_evidence, abs=0.02)


def test_log_likelihood_approaches_the_integral(one_dimensional):
    estimates = one_dimensional.log_likelihood(
        padded(SHORT).numpy(), num_samples=100_000
    )
    exact = [integrals(one_dimensional, tokens)[0] for tokens in SHORT]
    np.testing.assert_allclose(estimates, exact, atol=0.02)


def test_call_estimates_the_elbo(one_dimensional):
    tokens = padded(SHORT[:1] * 4000)
    # In training each row has noise of its own.
    outputs = one_dimensional(tokens, training=True)
    sample = -(outputs["nll"] + outputs["kl"]).numpy()
    _, elbo = integrals(one_dimensional, SHORT[0])
    error = np.std(sample) / np.sqrt(len(sample))
    assert np.mean(sample) == pytest.approx(elbo, abs=4 * error)
