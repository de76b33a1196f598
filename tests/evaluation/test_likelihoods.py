"""The report: which figures it has, and how they are set."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.likelihoods import likelihood_report
from keras_textgen.evaluation.report import format_table
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.models.text.sentence_vae import SentenceVAE

tfd = tfp.distributions


class FixedModel:
    """A compiled model's methods with figures that are known."""

    latent_columns = slice(0, 2)

    def __init__(self, likelihood_kind):
        self.likelihood_kind = likelihood_kind
        self.has_prior = likelihood_kind == "lower bound"

    def evaluate(self, dataset, return_dict, verbose, callbacks):
        assert return_dict
        assert verbose == 0
        assert sum(len(tokens) for tokens in dataset) == 3
        metrics = {"loss": 11.5, "nll": 10.0, "kl": 1.5, "elbo": -11.5}
        if self.likelihood_kind != "reconstruction":
            metrics["perplexity"] = 99.0
        return metrics

    def encode(self, dataset):
        rows = sum(len(tokens) for tokens in dataset)
        return np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]])[:rows]

    def posterior(self, tokens):
        loc = tf.zeros([tf.shape(tokens)[0], 2])
        return tfd.MultivariateNormalDiag(loc)

    def log_likelihood(self, tokens, num_samples, batch_size):
        assert num_samples == 7
        return np.full([len(tokens)], -11.0)


@pytest.fixture
def batches() -> SequenceBatches:
    return SequenceBatches([[2, 4, 3], [2, 3], [2, 4, 5, 3]], batch_size=2)


def test_lower_bound(batches):
    model = FixedModel("lower bound")
    results = likelihood_report(model, batches, importance_samples=7)
    assert list(results) == [
        "model",
        "likelihood_kind",
        "sequences",
        "predicted_tokens",
        "nll",
        "kl",
        "elbo",
        "perplexity",
        "importance_samples",
        "importance_weighted_bound",
        "active_units",
        "latent_size",
        "mutual_information",
    ]
    assert format_table(results).splitlines() == [
        "model                      FixedModel",
        "likelihood                 lower bound",
        "sequences                  3",
        "predicted tokens           6",
        "nll                        10.000 nats per sequence",
        "KL                         1.500 nats per sequence",
        "bound                      -11.500 nats per sequence",
        "perplexity                 99.00",
        "importance-weighted bound  -11.000 nats per sequence, 7 samples",
        "active units               1 of 2",
        "mutual information         0.000 nats",
    ]


def test_reconstruction_claims_no_likelihood(batches):
    results = likelihood_report(FixedModel("reconstruction"), batches)
    assert "perplexity" not in results
    assert "importance_weighted_bound" not in results
    lines = format_table(results).splitlines()
    assert "-(nll + KL), not a bound  -11.500 nats per sequence" in lines
    assert not any(line.startswith(("bound", "perplexity")) for line in lines)


class FixedLanguageModel:
    """A model without latent variables: nothing but `evaluate` is called."""

    likelihood_kind = "exact"

    def evaluate(self, dataset, return_dict, verbose, callbacks):
        return {"nll": 10.0, "kl": 0.0, "elbo": -10.0, "perplexity": 99.0}


class FixedAverage(FixedModel):
    """A model that averages the hidden states of three latents."""

    averages_states = True
    num_samples = 3

    def __init__(self):
        super().__init__("reconstruction")
        self.has_prior = True

    def single_latent_bound(self, tokens, batch_size):
        bounds = np.array([np.nan, np.nan, -12.0, -11.0, -16.0], np.float32)
        return bounds[np.count_nonzero(tokens, axis=1)]


def test_exact_likelihood_has_no_latent_figures(batches):
    results = likelihood_report(FixedLanguageModel(), batches)
    assert list(results) == [
        "model",
        "likelihood_kind",
        "sequences",
        "predicted_tokens",
        "nll",
        "log_likelihood",
        "perplexity",
    ]
    assert format_table(results).splitlines() == [
        "model             FixedLanguageModel",
        "likelihood        exact",
        "sequences         3",
        "predicted tokens  6",
        "nll               10.000 nats per sequence",
        "log-likelihood    -10.000 nats per sequence, exact",
        "perplexity        99.00",
    ]


def test_averaged_states_have_three_numbers(batches):
    results = likelihood_report(FixedAverage(), batches, importance_samples=7)
    # 3 sequences, 6 predicted tokens; 10 + 3 * 1.5 and (11 + 12 + 16) / 3.
    assert results["all_kl_bound"] == -14.5
    assert results["single_latent_bound"] == -13.0
    assert format_table(results).splitlines() == [
        "model                        FixedAverage",
        "likelihood                   reconstruction",
        "sequences                    3",
        "predicted tokens             6",
        "nll                          10.000 nats per sequence",
        "KL                           1.500 nats per sequence",
        "paper's metric, -(nll + KL)  -11.500 nats per sequence; "
        "one KL charged for 3 latents: not a bound",
        "bound, -(nll + 3 KL)         -14.500 nats per sequence, "
        f"perplexity {np.exp(14.5 / 2):.2f}",
        "bound, single latent         -13.000 nats per sequence, "
        f"perplexity {np.exp(13 / 2):.2f}; "
        "of the model that decodes one latent",
        "importance-weighted bound    -11.000 nats per sequence, "
        "7 samples of all 3 latents",
        "active units                 1 of 2",
        "mutual information           0.000 nats",
    ]


def test_huge_cost_has_infinite_perplexity(batches):
    model = FixedAverage()
    model.single_latent_bound = lambda tokens, batch_size: np.full(
        len(tokens), -1e5
    )
    results = likelihood_report(model, batches, importance_samples=0)
    assert results["single_latent_perplexity"] == np.inf
    assert "perplexity inf" in format_table(results)


def test_no_importance_samples_no_bound(batches):
    model = FixedModel("lower bound")
    results = likelihood_report(model, batches, importance_samples=0)
    assert "importance_weighted_bound" not in results
    assert "perplexity" in results


def test_negative_number_of_samples(batches):
    message = "importance_samples=-1; allowed: whole numbers, 0 or more"
    with pytest.raises(ValueError, match=message):
        likelihood_report(FixedModel("lower bound"), batches, -1)


@pytest.mark.parametrize("model_class", [SentenceVAE, HDGM])
@pytest.mark.parametrize("objective", ["reference", "bound"])
def test_models(batches, model_class, objective):
    model = model_class(
        Vocabulary(["one", "two"]),
        embedding_dim=4,
        rnn_units=4,
        latent_dim=2,
        objective=objective,
    )
    model.compile()
    results = likelihood_report(model, batches, importance_samples=3)
    cost = results["nll"] + results["kl"]
    assert results["elbo"] == pytest.approx(-cost, rel=1e-5)
    assert np.isfinite(results["mutual_information"])
    if objective == "bound":
        perplexity = np.exp(cost * 3 / 6)  # 3 sequences, 6 predicted tokens
        assert results["perplexity"] == pytest.approx(perplexity, rel=1e-4)
        assert np.isfinite(results["importance_weighted_bound"])
    assert format_table(results).startswith("model  ")


def tiny(model_class, **settings):
    model = model_class(
        Vocabulary(["one", "two"]), embedding_dim=4, rnn_units=4, **settings
    )
    model.compile()
    return model


def test_language_model(batches):
    model = tiny(LSTMLanguageModel)
    results = likelihood_report(model, batches)
    exact = model.log_likelihood(batches)
    assert results["log_likelihood"] == pytest.approx(np.mean(exact))
    perplexity = np.exp(-np.sum(exact) / 6)  # 6 predicted tokens
    assert results["perplexity"] == pytest.approx(perplexity, rel=1e-5)


def test_an_exact_likelihood_has_no_samples(batches):
    model = tiny(LSTMLanguageModel)
    plain = likelihood_report(model, batches)
    assert likelihood_report(model, batches, importance_samples=0) == plain
    message = "^importance_samples=5 of a model whose likelihood is exact; allo"
    with pytest.raises(ValueError, match=message):
        likelihood_report(model, batches, importance_samples=5)


def test_lstm_vae(batches):
    model = tiny(LSTMVAE, latent_dim=2, num_samples=3)
    results = likelihood_report(model, batches, importance_samples=3)
    assert results["likelihood_kind"] == "lower bound"
    assert "all_kl_bound" not in results


def test_averaged_states(batches):
    model = tiny(LSTMVAEAVG, latent_dim=2, num_samples=3)
    results = likelihood_report(model, batches, importance_samples=3)
    outputs = model.predict(batches, verbose=0)
    expected = -np.mean(outputs["nll"] + 3 * outputs["kl"])
    assert results["all_kl_bound"] == pytest.approx(expected, rel=1e-5)
    single = np.mean(model.single_latent_bound(batches))
    assert results["single_latent_bound"] == pytest.approx(single, rel=1e-5)
    bound = np.mean(model.log_likelihood(batches, num_samples=3))
    assert results["importance_weighted_bound"] == pytest.approx(bound)
    assert results["latent_size"] == 2


def test_zero_has_no_sign():
    results = {
        "model": "SentenceVAE",
        "likelihood_kind": "reconstruction",
        "sequences": 1,
        "predicted_tokens": 1,
        "nll": 1.0,
        "kl": 0.0,
        "elbo": -1.0,
        "active_units": 0,
        "latent_size": 1,
        "mutual_information": -1e-7,
    }
    assert format_table(results).endswith("  0.000 nats")
