"""HSVAE against its equations in NumPy."""

import re

import keras
import numpy as np
import pytest
import scipy.sparse
import scipy.stats
import tensorflow as tf

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.diagnostics import mutual_information
from keras_textgen.evaluation.sparsity import hoyer, normalized
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.noise import Noise
from tests.models import sparse_reference as reference
from tests.models.sparse_reference import hsvae
from tests.models.tiny_models import SEQUENCES, WORDS, close, padded

ROWS = len(SEQUENCES)
Z = reference.SIZES["latent_dim"]
SEED = tf.constant([3, 4])


@pytest.fixture(scope="module")
def model():
    """One that is not trained."""
    return hsvae()


@pytest.fixture(scope="module")
def gates(model):
    """Parameters of the posterior, [rows, Z] each."""
    weights = reference.weights_of(model)
    rows = [reference.gate(weights, tokens) for tokens in SEQUENCES]
    return reference.Gate(*map(np.array, zip(*rows, strict=True)))


def gammas(gates):
    return reference.gamma_noise(Noise(SEED), gates.alpha, gates.beta)


# -- The objective -------------------------------------------------------------


@pytest.mark.parametrize("padding", [0, 3])
def test_inference_agrees_with_numpy(model, padding):
    tokens = padded(SEQUENCES, max(map(len, SEQUENCES)) + padding)
    inference = model.infer(model.read(tokens), Noise(SEED))
    results = reference.hsvae_results(model, SEQUENCES, Noise(SEED))
    close(inference.code, [each.z for each in results])
    parts = [[*each.kl_z, *each.kl_gamma] for each in results]
    close(inference.kl_parts, parts)
    close(inference.log_ratio, [each.log_ratio for each in results])
    # Both kinds of dimensions are among them.
    is_small = np.abs(inference.code) < 0.2
    assert 0 < np.mean(is_small) < 1


def test_divergence_of_gamma_in_closed_form(model, gates):
    """As an integral over gamma, too."""
    inference = model.infer(model.read(padded(SEQUENCES)), Noise(SEED))
    # With gamma = sin(t)^2 the density has no pole, q being at least 0.5.
    t = np.linspace(0, np.pi / 2, 10_001)[1:-1, np.newaxis, np.newaxis]
    gamma = np.sin(t) ** 2
    q, p = scipy.stats.beta(gates.alpha, gates.beta), scipy.stats.beta(4, 1)
    density = q.pdf(gamma) * 2 * np.sin(t) * np.cos(t)
    log_ratio = q.logpdf(gamma) - p.logpdf(gamma)
    integral = np.trapezoid(density * log_ratio, t, axis=0)
    close(inference.kl_parts[:, Z:], integral, 1e-2)


@pytest.mark.parametrize("num_samples", [1, 2])
def test_training_loss_agrees_with_numpy(num_samples):
    psi, weight = 0.3, 0.7
    model = hsvae(
        z_reg_weight=psi,
        gamma_reg_weight=weight,
        alpha=2.0,
        beta=3.0,
        num_samples=num_samples,
    )
    noise = Noise(model.step_seed())
    results = reference.hsvae_results(
        model, np.repeat(np.array(SEQUENCES, object), num_samples), noise
    )
    nll = np.mean([each.nll for each in results])
    kl_z = np.mean([np.sum(each.kl_z) for each in results])
    kl_gamma = np.mean([np.sum(each.kl_gamma) for each in results])

    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    batches = tf.data.Dataset.from_tensors(padded(SEQUENCES))
    (logs,) = _epochs(model.fit(batches, verbose=0))
    assert logs["nll"] == pytest.approx(nll, rel=1e-5)
    assert logs["kl"] == pytest.approx(kl_z + kl_gamma, rel=1e-5)
    assert logs["loss"] == pytest.approx(
        nll + psi * kl_z + weight * kl_gamma, rel=1e-5
    )


def _epochs(history):
    names = history.history
    return [
        dict(zip(names, values, strict=True))
        for values in zip(*names.values(), strict=True)
    ]


def test_epochs_are_compared_by_the_weighted_objective():
    """The KL of gamma is analytic, and so the same in every evaluation."""
    batches = tf.data.Dataset.from_tensors(padded(SEQUENCES))
    logs = []
    for weights in [(0.0, 1.0), (0.0, 0.0), (0.3, 0.5)]:
        model = hsvae(z_reg_weight=weights[0], gamma_reg_weight=weights[1])
        model.compile(run_eagerly=True)
        logs.append(model.evaluate(batches, return_dict=True, verbose=0))
        assert logs[-1]["elbo"] == pytest.approx(
            -logs[-1]["nll"] - logs[-1]["kl"]
        )
    assert logs[1]["loss"] == logs[1]["nll"]
    kl_gamma = logs[0]["loss"] - logs[0]["nll"]
    kl_z = logs[0]["kl"] - kl_gamma
    assert kl_z > 0.1
    assert kl_gamma > 0.1
    expected = logs[2]["nll"] + 0.3 * kl_z + 0.5 * kl_gamma
    assert logs[2]["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_gradients_reach_all_heads(weight):
    """With a weight of 0, through the choices of the samples alone."""
    model = hsvae(z_reg_weight=weight, gamma_reg_weight=weight)
    with tf.GradientTape() as tape:
        outputs = model(padded(SEQUENCES), training=True)
        losses = model.training_losses(outputs, tf.constant(1.0))
    heads = [getattr(model.gate, name) for name in reference.Gate._fields]
    kernels = [head.kernel.value for head in heads]
    for gradient in tape.gradient(losses, kernels):
        assert np.all(np.isfinite(gradient))
        assert np.all(gradient != 0)


@pytest.mark.parametrize("alpha", [-50.0, 200.0])
@pytest.mark.parametrize("beta", [-50.0, 200.0])
def test_gradients_at_the_ends_of_the_range(alpha, beta):
    """Where concentrations are 0.5 or 100, and many a gamma is near 0 or 1."""
    model = hsvae(latent_dim=300)
    for head, bias in ((model.gate.alpha, alpha), (model.gate.beta, beta)):
        head.bias.assign(tf.fill([300], bias))
    with tf.GradientTape() as tape:
        outputs = model(padded(SEQUENCES), training=True)
        losses = model.training_losses(outputs, tf.constant(1.0))
    variables = [each.value for each in model.trainable_variables]
    assert np.all(np.isfinite(losses))
    for gradient in tape.gradient(losses, variables):
        assert np.all(np.isfinite(tf.convert_to_tensor(gradient)))


@pytest.mark.parametrize("bias", [-30.0, -7.0])
def test_training_from_tiny_concentrations(bias):
    """1e-5 and 1e-3, where no clip holds them: gamma is 0 or 1 to float32."""
    model = hsvae(
        latent_dim=50,
        concentration_range=None,
        z_reg_weight=1.0,
        gamma_reg_weight=1.0,
    )
    for head in (model.gate.alpha, model.gate.beta):
        head.kernel.assign(0.01 * head.kernel)
        head.bias.assign(tf.fill([50], bias))
    tokens = padded(SEQUENCES)
    gate = model.gate(model.read(tokens))
    assert np.max(gate.alpha) < 2e-3
    model.compile(keras.optimizers.Adam(0.05, global_clipnorm=1.0))
    history = model.fit(
        tf.data.Dataset.from_tensors(tokens).repeat(8), epochs=2, verbose=0
    ).history
    assert np.all(np.isfinite([history["loss"], history["kl"]]))
    for weight in model.get_weights():
        assert np.all(np.isfinite(weight))
    assert history["loss"][1] < history["loss"][0]
    bounds = model.log_likelihood(tokens.numpy(), num_samples=3)
    assert np.all(np.isfinite(bounds))


# -- Bounds --------------------------------------------------------------------


def test_importance_weights_agree_with_numpy(model):
    reference.check_importance_weights(model, reference.hsvae_results)


def test_bounds_of_the_likelihood():
    """With one dimension, log p(x) is an integral over z."""
    model, count = hsvae(latent_dim=1, alpha=2.0), 20_000
    tokens = SEQUENCES[0]
    z = np.concatenate(
        [np.linspace(-8, -0.5, 500), np.linspace(-0.5, 0.5, 1001)[1:-1]]
    )
    z = np.concatenate([z, -z[:500][::-1]])
    # gamma enters the prior of z by its mean alone.
    prior = np.exp(reference.log_density(z, 2 / 3))
    likelihood = np.exp(
        reference.log_likelihood(
            reference.weights_of(model), tokens, z[:, np.newaxis]
        )
    )
    log_p = np.log(np.trapezoid(prior * likelihood, z))

    weights = model.log_importance_weights(padded([tokens]), count, SEED)
    weights = np.float64(weights)[:, 0]
    ratios = np.exp(weights - log_p)
    error = np.std(ratios) / np.sqrt(count)
    assert error < 0.05
    assert np.mean(ratios) == pytest.approx(1, abs=4 * error)
    # More samples, a tighter bound; the ELBO is the one of a single sample.
    by_50 = np.log(np.mean(np.exp(weights.reshape(-1, 50)), axis=1))
    assert np.mean(weights) + 0.02 < np.mean(by_50) < log_p + 0.01
    inference = model.infer(
        tf.repeat(model.read(padded([tokens])), count, axis=0), Noise(SEED)
    )
    difference = np.float64(inference.log_ratio) - np.float64(inference.kl)
    deviation = np.std(difference) / np.sqrt(count)
    assert np.mean(difference) == pytest.approx(0, abs=4 * deviation)


def test_kind_of_likelihood(model):
    assert model.likelihood_kind == "lower bound"


# -- Distributions -------------------------------------------------------------


def test_joint_distributions_agree_with_the_inference(model, gates):
    tokens = padded(SEQUENCES)
    inference = model.infer(model.read(tokens), Noise(SEED))
    value = [tf.constant(gammas(gates), tf.float32), inference.code]
    log_q = model.posterior(tokens).log_prob(*value)
    log_p = model.prior.log_prob(*value)
    assert log_q.shape == log_p.shape == (ROWS,)
    close(log_q - log_p, inference.log_ratio, 1e-4)


def test_shapes_of_the_joint_distributions(model):
    posterior, prior = model.posterior(padded(SEQUENCES)), model.prior
    for distribution, batch in ((posterior, (ROWS,)), (prior, ())):
        assert [*distribution.event_shape] == [(Z,), (Z,)]
        for leading in ((), (5,)):
            sample = distribution.sample(leading, seed=[0, 1])
            assert sample._fields == ("gamma", "z")
            assert [each.shape for each in sample] == [
                (*leading, *batch, Z)
            ] * 2
            log_prob = distribution.log_prob(sample)
            assert log_prob.shape == (*leading, *batch)
            assert np.all(np.isfinite(log_prob))


def test_samples_of_the_posterior(model, gates):
    """Of the distribution, and of the inference: means and shares of spikes."""
    tokens, count = padded(SEQUENCES), 5000
    sample = model.posterior(tokens).sample(count, seed=[0, 1])
    inferred = model.infer(
        tf.repeat(model.read(tokens), count, axis=0), Noise(SEED)
    ).code
    inferred = np.swapaxes(np.reshape(inferred, [ROWS, count, Z]), 0, 1)
    mean_gamma = gates.alpha / (gates.alpha + gates.beta)
    np.testing.assert_allclose(
        np.mean(sample.gamma, axis=0), mean_gamma, atol=0.03
    )
    mean = (1 - mean_gamma) * gates.loc
    close(model.encode_tokens(tokens), mean)
    for z in (sample.z, inferred):
        error = 4 * np.std(z, axis=0) / np.sqrt(count)
        assert np.all(np.abs(np.mean(z, axis=0) - mean) < error)


def test_samples_of_the_prior():
    """For generation, and of the distribution."""
    model = hsvae(alpha=2.0, beta=1.0, latent_dim=1)
    drawn = np.ravel(model.prior_code(tf.constant(20_000), Noise(SEED)))
    sample = np.ravel(model.prior.sample(20_000, seed=[0, 1]).z)

    def below(z):
        spike, slab = scipy.stats.norm.cdf(z, 0, 0.05), scipy.stats.norm.cdf(z)
        return 2 / 3 * spike + 1 / 3 * slab

    for z in (drawn, sample):
        assert scipy.stats.kstest(z, below).pvalue > 0.01


def test_mutual_information_of_the_joint_posterior(model):
    batches = SequenceBatches(SEQUENCES, batch_size=2)
    information = mutual_information(model, batches)
    assert 0 < information < np.log(ROWS)


@pytest.mark.parametrize(
    ("alpha", "beta", "expected"),
    [(4, 1, 0.595), (1, 1, 0.423), (10, 1, 0.665), (1, 4, 0.288)],
)
def test_sparsity_of_the_prior(alpha, beta, expected):
    model = hsvae(latent_dim=768, alpha=alpha, beta=beta)
    codes = model.prior_code(tf.constant(2000), Noise(SEED)).numpy()
    assert hoyer(normalized(codes)) == pytest.approx(expected, abs=0.01)


# -- Codes ---------------------------------------------------------------------

TEXTS = ["the cat sat on a mat", "a", "mat on the", "cat cat"]


def test_sparse_codes(model):
    dense, sparse = model.encode(TEXTS), model.encode(TEXTS, sparse=True)
    assert isinstance(sparse, scipy.sparse.csr_matrix)
    assert sparse.shape == dense.shape == (len(TEXTS), Z)
    assert sparse.dtype == dense.dtype == np.float32
    weights = reference.weights_of(model)
    ids = model.vocabulary.tokenize(TEXTS).to_list()
    gates = [reference.gate(weights, tokens) for tokens in ids]
    is_on = np.array([gate.alpha < gate.beta for gate in gates])
    assert 0 < np.sum(is_on) < is_on.size
    means = [gate.loc * gate.beta / (gate.alpha + gate.beta) for gate in gates]
    close(dense, means)
    # The two are two graphs, which round in their own ways.
    np.testing.assert_allclose(sparse.toarray(), dense * is_on, rtol=1e-6)
    assert sparse.nnz == np.sum(is_on)
    in_batches = model.encode(TEXTS, batch_size=3, sparse=True)
    close(in_batches.toarray(), sparse.toarray())


def test_views_of_codes(model, gates):
    tokens = padded(SEQUENCES)
    views = model.code_views(tokens, Noise(SEED))
    assert [*views] == ["sample", "slab_mean", "gated_mean"]
    inference = model.infer(model.read(tokens), Noise(SEED))
    close(views["sample"], inference.code)
    close(views["slab_mean"], gates.loc)
    gamma = gates.alpha / (gates.alpha + gates.beta)
    close(views["gated_mean"], (1 - gamma) * gates.loc)
    close(model.gate_probability(tokens), gamma)
    np.testing.assert_array_equal(model.is_on(tokens), gamma < 0.5)


def test_the_code_reaches_every_step(model):
    """It is all that the first state and the first word do not say."""
    tokens = padded(SEQUENCES)
    codes = tf.constant(np.eye(Z), tf.float32)
    state = model.initial_state(codes)
    assert not np.any(
        [np.any(each) for each in tf.nest.flatten(state.memory.layers)]
    )
    scores = model.decode_log_likelihood(state, tokens)
    weights = reference.weights_of(model)
    expected = [
        reference.log_likelihood(weights, row, code)
        for row, code in zip(SEQUENCES, np.eye(Z), strict=True)
    ]
    close(scores, expected)


# -- Training ------------------------------------------------------------------


def test_training_is_stable():
    """With a prior, weights and a learning rate beyond the usual."""
    model = HSVAE(
        Vocabulary(WORDS),
        embedding_dim=8,
        rnn_units=16,
        latent_dim=32,
        alpha=30,
        z_reg_weight=1.0,
        gamma_reg_weight=1.0,
    )
    model.compile(keras.optimizers.Adam(8e-3))
    batches = tf.data.Dataset.from_tensors(padded(SEQUENCES)).repeat(20)
    losses = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.append(logs["loss"])
    )
    model.fit(batches, epochs=2, verbose=0, callbacks=[record])
    assert len(losses) == 40
    assert np.all(np.isfinite(losses))
    assert losses[39] < losses[19]
    for variable in model.trainable_variables:
        assert np.all(np.isfinite(variable))


@pytest.mark.parametrize("size", [32, 768])
def test_number_of_parameters_with_the_settings_of_the_paper(size):
    words = [f"w{number}" for number in range(19_998)]
    model = HSVAE(Vocabulary(words), latent_dim=size)
    embedding = 20_002 * 256
    encoder = 3 * (256 * 512 + 512 * 512 + 2 * 512)
    heads = 4 * (512 * size + size)
    decoder = 3 * ((256 + size) * 512 + 512 * 512 + 2 * 512)
    vocabulary = 512 * 20_002 + 20_002
    expected = embedding + encoder + heads + decoder + vocabulary
    assert expected == {32: 17_861_794, 768: 20_502_562}[size]
    found = sum(np.prod(each.shape) for each in model.trainable_weights)
    assert found == expected


# -- Settings ------------------------------------------------------------------


def test_config():
    settings = {
        "z_reg_weight": 0.1,
        "gamma_reg_weight": 0.2,
        "alpha": 3.0,
        "beta": 2.0,
        "temperature": 0.7,
        "concentration_range": None,
    }
    config = hsvae(**settings).get_config()
    assert settings.items() <= config.items()
    again = HSVAE.from_config(config)
    assert again.get_config() == config
    assert again.gate.concentration_range is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"z_reg_weight": -0.1},
            "z_reg_weight=-0.1; allowed: numbers, 0 or more",
        ),
        (
            {"gamma_reg_weight": float("nan")},
            "gamma_reg_weight=nan; allowed: numbers, 0 or more",
        ),
        ({"alpha": 0.0}, "alpha=0.0; allowed: numbers above 0"),
        ({"beta": -1.0}, "beta=-1.0; allowed: numbers above 0"),
        ({"temperature": 0}, "temperature=0; allowed: numbers above 0"),
        (
            {"concentration_range": (2, 1)},
            "concentration_range=(2, 1); allowed: two numbers above 0, "
            "the lower one first",
        ),
        (
            {"objective": "reference"},
            "objective='reference'; allowed: bound",
        ),
        (
            {"feed_latent": False},
            "feed_latent=False; allowed: True, as the decoder's first "
            "state is zero",
        ),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        hsvae(**settings)
