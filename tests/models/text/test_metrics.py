"""The printed numbers, worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.models.metrics import LikelihoodMetrics, Perplexity

# Two batches: nats of the reconstruction, KL, predicted tokens.
BATCHES = [
    {"nll": [3.0, 5.0], "kl": [1.0, 1.0], "num_tokens": [2.0, 3.0]},
    {"nll": [6.0], "kl": [2.0], "num_tokens": [5.0]},
]


def updated(metrics, kl_weights=(0.5, 1.0)):
    for batch, weight in zip(BATCHES, kl_weights, strict=True):
        outputs = {name: tf.constant(values) for name, values in batch.items()}
        losses = outputs["nll"] + weight * outputs["kl"]
        weights = {"losses": losses, "kl_weight": tf.constant(weight)}
        metrics.update({**outputs, **weights})
    return {each.name: float(each.result()) for each in metrics.all}


def test_means_are_over_sequences():
    """Neither over batches nor over tokens; the KL weight is over batches."""
    results = updated(LikelihoodMetrics("lower bound"))
    assert results == pytest.approx(
        {
            "loss": (3.5 + 5.5 + 8) / 3,
            "nll": 14 / 3,
            "kl": 4 / 3,
            "elbo": -18 / 3,
            "kl_weight": 0.75,
            "perplexity": np.exp(18 / 10),
        }
    )
    order = ["loss", "nll", "kl", "elbo", "kl_weight", "perplexity"]
    assert list(results) == order


def test_reconstruction_has_no_perplexity():
    assert "perplexity" not in updated(LikelihoodMetrics("reconstruction"))


def test_exact_model_has_no_kl():
    results = updated(LikelihoodMetrics("exact"), kl_weights=(0.0, 0.0))
    assert list(results) == ["loss", "nll", "perplexity"]


def test_perplexity_starts_again():
    metric = Perplexity()
    metric.update_state(tf.constant([5.0]), tf.constant([2.0]))
    metric.reset_state()
    metric.update_state(tf.math.log([2.0, 4.0]), tf.constant([1.0, 1.0]))
    assert float(metric.result()) == pytest.approx(np.sqrt(8))


def test_perplexity_of_the_uniform_model():
    """As large as the vocabulary, however long the sequences."""
    metric = Perplexity()
    lengths = tf.constant([1.0, 4.0, 30.0])
    metric.update_state(lengths * np.log(50.0).astype(np.float32), lengths)
    assert float(metric.result()) == pytest.approx(50, rel=1e-5)


def test_perplexity_of_nothing_is_finite():
    assert float(Perplexity().result()) == 1
