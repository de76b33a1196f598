"""HDGM, both objectives, against its equations in NumPy and known numbers."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.gaussian import diagonal_normal
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.noise import TextNoise
from tests.models import numpy_reference as reference
from tests.models.tiny_models import (
    BATCHES,
    SEQUENCES,
    SIZES,
    WORDS,
    KnownNoise,
    close,
    hdgm,
    log_likelihood,
    logits,
    padded,
    ptb_parameters,
    recorded_noises,
    reference_weights,
)

ROWS = len(SEQUENCES)
Z = SIZES["latent_dim"]

# Objective, levels, deterministic layers, recurrent layers.
VARIANTS = [
    ("reference", 1, 0, "block"),
    ("reference", 2, 0, "block"),
    ("reference", 3, 0, "gru"),
    ("reference", 2, 1, "block"),
    ("reference", 3, 2, "block"),
    ("bound", 1, 0, "block"),
    ("bound", 2, 0, "gru"),
    ("bound", 3, 0, "block"),
    ("bound", 1, 1, "block"),
    ("bound", 2, 1, "block"),
    ("bound", 3, 2, "block"),
]


def variant_name(variant):
    return "-".join(map(str, variant))


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_name)
def model(request):
    return build(*request.param)


@pytest.fixture(
    scope="module",
    params=[each for each in VARIANTS if each[0] == "bound"],
    ids=variant_name,
)
def bound(request):
    return build(*request.param)


def build(objective, num_levels, deterministic_layers, rnn_type, **settings):
    return hdgm(
        objective=objective,
        num_levels=num_levels,
        deterministic_layers=deterministic_layers,
        rnn_type=rnn_type,
        **settings,
    )


def expected(model, sequences, epsilon):
    """Results in NumPy; `epsilon` gives the noise [rows, Z] of a name."""
    weights, num_levels = reference_weights(model), model.num_levels
    inferred = [epsilon(f"inferred{i}") for i in range(num_levels)]
    generated = [
        epsilon(f"generated{i}") for i in reversed(range(num_levels - 1))
    ]
    return [
        reference.hdgm(
            weights,
            np.array(tokens),
            [each[row] for each in inferred],
            [each[row] for each in generated],
            model.objective,
        )
        for row, tokens in enumerate(sequences)
    ]


@pytest.mark.parametrize("batch", BATCHES)
def test_agrees_with_numpy(model, batch):
    sequences, noise = BATCHES[batch], KnownNoise(ROWS, Z)
    tokens = padded(sequences, 9 if batch == "padded" else None)
    inference = model.infer(model.read(tokens), noise)
    scores = log_likelihood(model, inference.code, tokens)
    all_logits = logits(model, inference.code, tokens)
    results = expected(model, sequences, noise.values)
    for row, result in enumerate(results):
        close(inference.code[row], result.code)
        close(inference.kl[row], sum(result.divergences))
        close(scores[row], -result.nll)
        close(all_logits[row, : len(sequences[row]) - 1], result.logits)
        if result.log_ratio is not None:
            close(inference.log_ratio[row], result.log_ratio)
    if model.objective == "reference":
        assert inference.log_ratio is None


def test_each_divergence_agrees_with_numpy():
    """The terms of the reference's sum, from the levels' own Gaussians."""
    model, noise = build("reference", 2, 0, "block"), KnownNoise(ROWS, Z)
    memory = model.read(padded(SEQUENCES))
    results = expected(model, SEQUENCES, noise.values)
    codes = tf.constant([each.code for each in results], tf.float32)
    z1, z2 = codes[:, -3 * Z : -2 * Z], codes[:, -2 * Z : -Z]
    q1, q2, rival = (
        diagonal_normal(*level(tf.concat([memory, below], -1))[:2])
        for level, below in zip(
            model.inference_levels + model.generation_levels,
            [memory, z1, z2],
            strict=True,
        )
    )
    standard = diagonal_normal(tf.zeros([Z]), tf.ones([Z]))
    first, second = zip(*[each.divergences for each in results], strict=True)
    close(q1.kl_divergence(standard), first)
    close(q2.kl_divergence(rival), second)
    assert np.min(np.abs([first, second])) > 0.01


@pytest.mark.parametrize("objective", ["reference", "bound"])
@pytest.mark.parametrize("training", [False, True])
def test_call_agrees_with_numpy(monkeypatch, objective, training):
    model = hdgm(objective=objective)
    noises = recorded_noises(monkeypatch, HDGM)
    outputs = model(padded(SEQUENCES), training=training)
    (noise,) = noises
    results = expected(
        model, SEQUENCES, lambda name: noise.normal(name, [ROWS, Z]).numpy()
    )
    close(outputs["nll"], [result.nll for result in results])
    close(outputs["kl"], [sum(result.divergences) for result in results])
    lengths = [len(sequence) - 1 for sequence in SEQUENCES]
    assert outputs["num_tokens"].numpy().tolist() == lengths
    # The reference's noise is a truncated normal, in evaluation too.
    largest = np.max(np.abs(noise.normal("many", [ROWS, 1500])))
    assert largest <= 2 if objective == "reference" else largest > 3


GOLDEN = {
    "reference": {
        "first code": [
            *[-0.077110, -0.092773, 0.195020, 0.419685],  # m, forward
            *[0.022217, -0.090201, 0.088687, 0.511850],  # m, backward
            *[0.488121, -1.542072],  # z1
            *[0.328932, 0.322055],  # z2
            *[-1.764759, 0.971744],  # zg
        ],
        "kl": [3.424461, 1.767965, 3.528665],
        "log-likelihood": [-10.602218, -3.623953, -8.270123],
    },
    "bound": {
        "first code": [0.488121, -1.542072, 0.328932, 0.322055],
        "kl": [3.274112, 6.781644, 2.884653],
        "log-likelihood": [-11.147157, -3.595869, -9.295307],
    },
}


@pytest.mark.parametrize("objective", ["reference", "bound"])
def test_golden_values(objective):
    """Numbers of the NumPy reference, written down once."""
    model, noise = hdgm(objective=objective), KnownNoise(ROWS, Z)
    tokens = padded(SEQUENCES)
    inference = model.infer(model.read(tokens), noise)
    scores = log_likelihood(model, inference.code, tokens)
    golden = GOLDEN[objective]
    close(inference.code[0], golden["first code"])
    close(inference.kl, golden["kl"])
    close(scores, golden["log-likelihood"])


def test_number_of_parameters_with_the_ptb_settings():
    assert (
        ptb_parameters(
            HDGM,
            embedding_dim=128,
            rnn_units=200,
            num_layers=2,
            latent_dim=16,
            attention_units=50,
        )
        == 5_294_678
    )


def test_forget_bias_starts_at_zero():
    model = HDGM(Vocabulary(WORDS), **SIZES)
    encoder = model.broad_memory.encoder
    for stack in (encoder.forward, encoder.backward, model.decoder):
        for layer in stack.layers:
            assert not np.any(layer.cell.bias.numpy())


def test_reference_decodes_from_the_memory():
    """Memory, z1, z2, zg; at the mean of each where there is no noise."""
    model = build("reference", 2, 0, "block")
    zeros = np.zeros([ROWS, Z])
    results = expected(model, SEQUENCES, lambda _: zeros)
    codes = model.encode(padded(SEQUENCES).numpy())
    assert codes.shape == (ROWS, model.code_size) == (ROWS, 2 * 4 + 3 * Z)
    close(codes, [result.code for result in results])


# -- Distributions -------------------------------------------------------------


def test_posterior_and_prior_agree_with_infer(bound):
    tokens = padded(SEQUENCES)
    inference = bound.infer(bound.read(tokens), KnownNoise(ROWS, Z))
    values = tf.split(inference.code, bound.num_levels, axis=-1)
    log_ratio = bound.posterior(tokens).log_prob(values)
    log_ratio -= bound.prior.log_prob(values[::-1])
    close(inference.log_ratio, log_ratio)


def test_samples_of_the_distributions_have_the_codes_shape(bound):
    levels = bound.num_levels
    seed = tf.constant([0, 1])
    posterior = bound.posterior(padded(SEQUENCES)).sample(5, seed=seed)
    assert [each.shape for each in posterior] == [(5, ROWS, Z)] * levels
    prior = bound.prior.sample([5, 2], seed=seed)
    assert [each.shape for each in prior] == [(5, 2, Z)] * levels


def test_samples_of_one_text_are_scored_under_another():
    """As mutual information needs it: every text with every other's sample."""
    model, tokens = build("bound", 3, 1, "block"), padded(SEQUENCES)
    posterior = model.posterior(tokens)
    values = list(posterior.sample(seed=tf.constant([0, 1])))
    crossed = posterior.log_prob([each[:, tf.newaxis] for each in values])
    assert crossed.shape == (ROWS, ROWS)
    for shift in range(ROWS):
        others = model.posterior(tf.roll(tokens, -shift, axis=0))
        texts = (np.arange(ROWS) + shift) % ROWS
        scores = crossed.numpy()[np.arange(ROWS), texts]
        close(scores, others.log_prob(values), 1e-4)


def test_codes_from_the_prior_agree_with_numpy(bound):
    """zL is the noise; each level below is drawn given the one above."""
    noise, levels = KnownNoise(ROWS, Z), bound.num_levels
    codes = bound.prior_code(tf.constant(ROWS), noise)
    values = np.split(codes.numpy(), levels, axis=-1)
    close(values[-1], noise.values("top"))
    priors = reference.hdgm_priors(reference_weights(bound), values)
    for index, prior in enumerate(reversed(priors)):
        epsilon = noise.values(f"generated{index}")
        close(values[index], prior.sample(epsilon))


def test_importance_weights_agree_with_numpy(bound):
    seed, count = tf.constant([3, 4]), 4
    batch = padded(SEQUENCES)
    weights = bound.log_importance_weights(batch, count, seed)
    assert weights.shape == (count, ROWS)
    # Row by row, the samples of a sequence follow each other.
    repeated = [tokens for tokens in SEQUENCES for _ in range(count)]
    noise = TextNoise.of(batch, seed).of_samples(0, count)
    results = expected(
        bound,
        repeated,
        lambda name: noise.normal(name, [ROWS * count, Z]).numpy(),
    )
    log_weights = [-each.nll - each.log_ratio for each in results]
    close(weights, np.reshape(log_weights, [ROWS, count]).T)


# -- Against numerical integration ---------------------------------------------

TOKENS = [2, 5, 3]
GRID = np.linspace(-8, 8, 401)


@pytest.fixture(scope="module", params=[0, 1], ids=["plain", "deep"])
def one_dimensional(request):
    model = build("bound", 2, request.param, "block", latent_dim=1)
    # Scales and biases near those of N(0, I), so that sampling and the grid
    # both reach the integral; z2 still depends on z1.
    for level in model.inference_levels + model.generation_levels:
        head = level.head
        for weight in [head.loc.bias, *head.log_variance.trainable_variables]:
            weight.assign(0.3 * weight)
    return model


def integrals(model):
    """log p(x), the evidence lower bound and the KL of the joint posterior."""
    weights, tokens = reference_weights(model), np.array(TOKENS)
    memory = reference.broad_memory(weights, tokens)
    z1, z2 = (
        each[..., np.newaxis] for each in np.meshgrid(GRID, GRID, indexing="ij")
    )
    levels, cells = weights["inference_levels"], weights["inference_cells"]
    states = reference.empty_memory(cells)
    q1, states = reference.latent_level(
        levels[0], cells, np.concatenate([memory, memory]), states
    )
    inputs = np.concatenate(
        [np.broadcast_to(memory, (*z1.shape[:-1], len(memory))), z1], -1
    )
    q2, _ = reference.latent_level(levels[1], cells, inputs, states)
    (p1,) = reference.hdgm_priors(weights, [z1, z2])
    log_q = q1.log_density(z1) + q2.log_density(z2)
    log_p = p1.log_density(z1)
    log_p += reference.standard_gaussian(1).log_density(z2)
    code = np.concatenate([z1, z2], -1)
    log_joint = reference.log_likelihood(weights, tokens, code) + log_p

    def integral(values):
        return np.trapezoid(np.trapezoid(values, GRID), GRID)

    assert integral(np.exp(log_q)) == pytest.approx(1, abs=1e-5)
    assert integral(np.exp(log_p)) == pytest.approx(1, abs=1e-5)
    evidence = np.log(integral(np.exp(log_joint)))
    elbo = integral(np.exp(log_q) * (log_joint - log_q))
    return evidence, elbo, integral(np.exp(log_q) * (log_q - log_p))


def test_bound_against_integration(one_dimensional):
    count = 10_000
    # In training each row has noise of its own.
    outputs = one_dimensional(padded([TOKENS] * count), training=True)
    log_evidence, elbo, divergence = integrals(one_dimensional)
    kl = outputs["kl"].numpy()
    error = np.std(kl) / np.sqrt(count)
    assert np.mean(kl) == pytest.approx(divergence, abs=4 * error)
    sample = -(outputs["nll"] + outputs["kl"]).numpy()
    error = np.std(sample) / np.sqrt(count)
    assert np.mean(sample) == pytest.approx(elbo, abs=4 * error)
    count *= 5
    weights = one_dimensional.log_importance_weights(
        padded([TOKENS]), count, tf.constant([0, 1])
    )[:, 0].numpy()
    error = np.std(weights) / np.sqrt(count)
    assert np.mean(weights) == pytest.approx(elbo, abs=4 * error)
    tens = np.logaddexp.reduce(weights.reshape(-1, 10), axis=1)
    bound_of_ten = np.mean(tens) - np.log(10)
    assert elbo < bound_of_ten < log_evidence
    bound_of_all = np.logaddexp.reduce(weights) - np.log(count)
    assert bound_of_all == pytest.approx(log_evidence, abs=0.1)


def test_log_likelihood_approaches_the_integral(one_dimensional):
    (estimate,) = one_dimensional.log_likelihood(
        np.array([TOKENS]), num_samples=50_000
    )
    log_evidence, _, _ = integrals(one_dimensional)
    assert estimate == pytest.approx(log_evidence, abs=0.1)
