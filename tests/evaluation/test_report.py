"""The report: which figures it has, and how they are set."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.data.batching import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.models.hdgm import HDGM
from keras_textgen.models.sentence_vae import SentenceVAE

tfd = tfp.distributions


class FixedModel:
    """A compiled model's methods with figures that are known."""

    latent_columns = slice(0, 2)

    def __init__(self, likelihood_kind):
        self.likelihood_kind = likelihood_kind
        self.has_prior = likelihood_kind == "lower bound"

    def evaluate(self, dataset, return_dict, verbose):
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

    def log_likelihood(self, batches, num_samples):
        assert num_samples == 7
        return np.full([batches.num_sequences], -11.0)


@pytest.fixture
def batches() -> SequenceBatches:
    return SequenceBatches([[2, 4, 3], [2, 3], [2, 4, 5, 3]], batch_size=2)


def test_lower_bound(batches):
    model = FixedModel("lower bound")
    results = evaluate_model(model, batches, importance_samples=7)
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
    results = evaluate_model(FixedModel("reconstruction"), batches)
    assert "perplexity" not in results
    assert "importance_weighted_bound" not in results
    lines = format_table(results).splitlines()
    assert "-(nll + KL), not a bound  -11.500 nats per sequence" in lines
    assert not any(line.startswith(("bound", "perplexity")) for line in lines)


def test_no_importance_samples_no_bound(batches):
    model = FixedModel("lower bound")
    results = evaluate_model(model, batches, importance_samples=0)
    assert "importance_weighted_bound" not in results
    assert "perplexity" in results


def test_negative_number_of_samples(batches):
    message = "importance_samples=-1; allowed: 0 or more"
    with pytest.raises(ValueError, match=message):
        evaluate_model(FixedModel("lower bound"), batches, -1)


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
    results = evaluate_model(model, batches, importance_samples=3)
    cost = results["nll"] + results["kl"]
    assert results["elbo"] == pytest.approx(-cost, rel=1e-5)
    assert np.isfinite(results["mutual_information"])
    if objective == "bound":
        perplexity = np.exp(cost * 3 / 6)  # 3 sequences, 6 predicted tokens
        assert results["perplexity"] == pytest.approx(perplexity, rel=1e-4)
        assert np.isfinite(results["importance_weighted_bound"])
    assert format_table(results).startswith("model  ")


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
