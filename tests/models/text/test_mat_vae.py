"""MAT-VAE against its equations in NumPy."""

import re

import keras
import numpy as np
import pytest
import scipy.sparse
import scipy.stats
import tensorflow as tf

from keras_textgen.distributions.spike_and_slab import SpikeAndSlab
from keras_textgen.evaluation.sparsity import hoyer, normalized
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.noise import Noise
from tests.models import sparse_reference as reference
from tests.models.sparse_reference import mat_vae
from tests.models.tiny_models import SEQUENCES, close, padded

ROWS = len(SEQUENCES)
Z = reference.SIZES["latent_dim"]
SEED = tf.constant([3, 4])


@pytest.fixture(scope="module")
def model():
    """One that is not trained."""
    return mat_vae()


# -- The objective -------------------------------------------------------------


@pytest.mark.parametrize("padding", [0, 3])
def test_inference_agrees_with_numpy(model, padding):
    tokens = padded(SEQUENCES, max(map(len, SEQUENCES)) + padding)
    inference = model.infer(model.read(tokens), Noise(SEED))
    results = reference.mat_vae_results(model, SEQUENCES, Noise(SEED))
    close(inference.code, [each.z for each in results])
    close(inference.kl_parts, [each.kl_z for each in results])
    close(inference.log_ratio, [each.log_ratio for each in results])


@pytest.mark.parametrize("num_samples", [1, 2])
def test_training_loss_agrees_with_numpy(num_samples):
    alpha, beta = 2.5, 0.3
    model = mat_vae(
        alpha=alpha,
        beta=beta,
        spike_probability=0.6,
        num_samples=num_samples,
    )
    noise, rows = Noise(model.step_seed()), ROWS * num_samples
    results = reference.mat_vae_results(
        model, np.repeat(np.array(SEQUENCES, object), num_samples), noise
    )
    nll = np.mean([each.nll for each in results])
    kl = np.mean([np.sum(each.kl_z) for each in results])
    prior = reference.spike_and_slab(
        0.6, 0.0, 1.0, *reference.spike_and_slab_noise(noise, rows, Z)
    )
    mmd = reference.discrepancy(np.array([each.z for each in results]), prior)
    assert abs(mmd) > 0.1

    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    batches = tf.data.Dataset.from_tensors(padded(SEQUENCES))
    logs = model.fit(batches, verbose=0).history
    assert logs["nll"] == pytest.approx([nll], rel=1e-5)
    assert logs["kl"] == pytest.approx([kl], rel=1e-5)
    assert logs["loss"] == pytest.approx(
        [nll + beta * kl + alpha * mmd], rel=1e-5
    )


def test_a_batch_of_one_has_no_discrepancy():
    model = mat_vae(alpha=2.0, beta=0.0)
    with tf.GradientTape() as tape:
        outputs = model(padded(SEQUENCES[:1]), training=True)
        losses = model.training_losses(outputs, tf.constant(1.0))
    close(losses, outputs["nll"])
    for gradient in tape.gradient(losses, model.trainable_variables):
        assert np.all(np.isfinite(tf.convert_to_tensor(gradient)))


def test_gradient_of_the_discrepancy_reaches_the_encoder():
    model = mat_vae()
    variables = [each.value for each in model.encoder_variables()]
    with tf.GradientTape() as tape:
        outputs = model(padded(SEQUENCES), training=True)
        mmd = outputs["mmd"][0]
    np.testing.assert_array_equal(outputs["mmd"], np.full(ROWS, mmd))
    for gradient in tape.gradient(mmd, variables):
        assert np.any(gradient != 0)


def test_epochs_are_compared_by_the_weighted_objective():
    model = mat_vae(alpha=5.0, beta=0.25)
    model.compile(run_eagerly=True)
    batches = tf.data.Dataset.from_tensors(padded(SEQUENCES))
    logs = model.evaluate(batches, return_dict=True, verbose=0)
    assert logs["kl"] > 0.1
    expected = logs["nll"] + 0.25 * logs["kl"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-6)
    assert logs["elbo"] == pytest.approx(-logs["nll"] - logs["kl"])


# -- Bounds --------------------------------------------------------------------


def test_importance_weights_agree_with_numpy(model):
    reference.check_importance_weights(model, reference.mat_vae_results)


def test_kind_of_likelihood(model):
    assert model.likelihood_kind == "lower bound"


# -- Distributions -------------------------------------------------------------


def test_distributions(model):
    tokens = padded(SEQUENCES)
    posterior, prior = model.posterior(tokens), model.prior
    assert (posterior.batch_shape, posterior.event_shape) == ([ROWS], [Z])
    assert (prior.batch_shape, prior.event_shape) == ([], [Z])
    inference = model.infer(model.read(tokens), Noise(SEED))
    log_ratio = posterior.log_prob(inference.code)
    log_ratio -= prior.log_prob(inference.code)
    close(log_ratio, inference.log_ratio, 1e-4)
    assert prior.sample(5, seed=[0, 1]).shape == (5, Z)


def test_samples_of_the_prior():
    """For generation, and of the distribution."""
    model = mat_vae(spike_probability=0.7, latent_dim=1)
    drawn = np.ravel(model.prior_code(tf.constant(20_000), Noise(SEED)))
    sample = np.ravel(model.prior.sample(20_000, seed=[0, 1]))

    def below(z):
        spike, slab = scipy.stats.norm.cdf(z, 0, 0.05), scipy.stats.norm.cdf(z)
        return 0.7 * spike + 0.3 * slab

    for z in (drawn, sample):
        assert scipy.stats.kstest(z, below).pvalue > 0.01


@pytest.mark.parametrize(
    ("size", "gamma", "expected"),
    [
        (32, 0.5, 0.485),
        (32, 0.8, 0.663),
        (768, 0.5, 0.423),
        (768, 0.8, 0.595),
    ],
)
def test_sparsity_of_the_prior(size, gamma, expected):
    model = mat_vae(latent_dim=size, spike_probability=gamma)
    codes = model.prior_code(tf.constant(4000), Noise(SEED)).numpy()
    assert hoyer(normalized(codes)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("size", "expected"), [(32, 0.238), (768, 0.210)])
def test_sparsity_without_spikes(size, expected):
    """That of a standard normal."""
    slab = SpikeAndSlab(0.0, tf.zeros([size]), 1.0)
    codes = slab.sample(4000, seed=[0, 1]).numpy()
    assert hoyer(normalized(codes)) == pytest.approx(expected, abs=0.01)


# -- Codes ---------------------------------------------------------------------

TEXTS = ["the cat sat on a mat", "a", "mat on the", "cat cat"]


def test_sparse_codes():
    # Means near the spike: some of them are likelier from it.
    model = mat_vae()
    model.head.loc.kernel.assign(0.3 * model.head.loc.kernel)
    model.head.loc.bias.assign(tf.zeros([Z]))
    dense, sparse = model.encode(TEXTS), model.encode(TEXTS, sparse=True)
    weights = reference.weights_of(model)
    ids = model.vocabulary.tokenize(TEXTS).to_list()
    means = [reference.gaussian(weights, tokens).mean for tokens in ids]
    close(dense, means)
    spike = 0.8 * scipy.stats.norm.pdf(means, 0, 0.05)
    is_on = 0.2 * scipy.stats.norm.pdf(means) > spike
    assert 0 < np.sum(is_on) < is_on.size
    assert isinstance(sparse, scipy.sparse.csr_matrix)
    np.testing.assert_array_equal(sparse.toarray(), dense * is_on)
    np.testing.assert_array_equal(
        model.is_on(model.vocabulary(tf.constant(TEXTS))), is_on
    )


def test_views_of_codes(model):
    tokens = padded(SEQUENCES)
    views = model.code_views(tokens, Noise(SEED))
    assert [*views] == ["sample", "mean"]
    inference = model.infer(model.read(tokens), Noise(SEED))
    close(views["sample"], inference.code)
    close(views["mean"], model.encode(tokens.numpy()))


def test_without_spike_and_discrepancy_it_is_a_plain_vae():
    model = mat_vae(alpha=0.0, beta=0.5, spike_probability=0.0)
    tokens = padded(SEQUENCES)
    mean, scale = (each.numpy() for each in model.head(model.read(tokens)))
    z = model.infer(model.read(tokens), Noise(SEED)).code.numpy()
    expected = scipy.stats.norm.logpdf(z, mean, scale)
    expected -= scipy.stats.norm.logpdf(z)
    close(model.infer(model.read(tokens), Noise(SEED)).kl_parts, expected)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensors(tokens), verbose=0)
    for weight in model.trainable_weights:
        assert np.all(np.isfinite(weight))


# -- Settings ------------------------------------------------------------------


def test_config():
    settings = {"alpha": 2.0, "beta": 0.5, "spike_probability": 0.3}
    config = mat_vae(**settings).get_config()
    assert settings.items() <= config.items()
    assert MATVAE.from_config(config).get_config() == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1.0}, "alpha=-1.0; allowed: numbers, 0 or more"),
        ({"beta": float("nan")}, "beta=nan; allowed: numbers, 0 or more"),
        (
            {"spike_probability": 1.0},
            "spike_probability=1.0; allowed: numbers, 0 or more, below 1",
        ),
        (
            {"spike_probability": -0.1},
            "spike_probability=-0.1; allowed: numbers, 0 or more, below 1",
        ),
        (
            {"objective": "reference"},
            "objective='reference'; allowed: bound",
        ),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        mat_vae(**settings)
