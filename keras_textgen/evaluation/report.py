"""All figures of a model on one set of sequences, and their table."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textgen.data.batching import SequenceBatches
from keras_textgen.evaluation.diagnostics import (
    active_units,
    mutual_information,
)


def evaluate_model(
    model: Any, batches: SequenceBatches, importance_samples: int = 500
) -> dict[str, Any]:
    """Evaluates a compiled model.

    Args:
        model: A compiled text model.
        batches: The sequences.
        importance_samples: K of the importance-weighted bound; 0 leaves the
            bound out.

    Returns:
        In this order: `model` (the name of its class), `likelihood_kind`,
        `sequences`, `predicted_tokens`, then means in nats per sequence: `nll`,
        `kl`, `elbo`; `perplexity` unless the kind is "reconstruction";
        `importance_samples` and `importance_weighted_bound` (nats per sequence)
        if the model has a prior and samples are asked for; `active_units` of
        `latent_size` dimensions, and `mutual_information` (nats).

    Raises:
        ValueError: If `importance_samples` is negative.

    Example:
        >>> import tensorflow as tf
        >>> import tensorflow_probability as tfp
        >>> class Model:  # What a compiled model does, in a few lines.
        ...     likelihood_kind, has_prior = "reconstruction", False
        ...     latent_columns = slice(0, 1)
        ...
        ...     def evaluate(self, dataset, **kwargs):
        ...         return {"nll": 1.5, "kl": 0.5, "elbo": -2.0}
        ...
        ...     def encode(self, dataset):
        ...         return np.array([[0.0], [0.0]])
        ...
        ...     def posterior(self, tokens):
        ...         loc = tf.zeros([tokens.shape[0], 1])
        ...         return tfp.distributions.MultivariateNormalDiag(loc)
        >>> batches = SequenceBatches([[2, 4, 3], [2, 3]], batch_size=2)
        >>> for name, value in evaluate_model(Model(), batches).items():
        ...     print(name, value)
        model Model
        likelihood_kind reconstruction
        sequences 2
        predicted_tokens 3
        nll 1.5
        kl 0.5
        elbo -2.0
        active_units 0
        latent_size 1
        mutual_information 0.0
    """
    if importance_samples < 0:
        raise ValueError(
            f"importance_samples={importance_samples}; allowed: 0 or more"
        )
    results = {
        "model": type(model).__name__,
        "likelihood_kind": model.likelihood_kind,
        "sequences": batches.num_sequences,
        "predicted_tokens": batches.num_predicted_tokens,
    }
    dataset = batches.evaluation_dataset()
    metrics = model.evaluate(dataset, return_dict=True, verbose=0)
    for name in ("nll", "kl", "elbo"):
        results[name] = float(metrics[name])
    if model.likelihood_kind != "reconstruction":
        results["perplexity"] = float(metrics["perplexity"])
    if model.has_prior and importance_samples:
        bounds = model.log_likelihood(batches, importance_samples)
        results["importance_samples"] = importance_samples
        results["importance_weighted_bound"] = float(np.mean(bounds))
    means = model.encode(dataset)[:, model.latent_columns]
    results["active_units"] = active_units(means)
    results["latent_size"] = means.shape[1]
    results["mutual_information"] = mutual_information(model, batches)
    return results


def format_table(results: dict[str, Any]) -> str:
    """Sets the results of `evaluate_model` as an aligned table.

    Args:
        results: What `evaluate_model` returned.

    Returns:
        A line for each figure: its name, its value, its unit.

    Example:
        >>> print(
        ...     format_table(
        ...         {
        ...             "model": "SentenceVAE",
        ...             "likelihood_kind": "lower bound",
        ...             "sequences": 3761,
        ...             "predicted_tokens": 82430,
        ...             "nll": 98.123,
        ...             "kl": 3.456,
        ...             "elbo": -101.579,
        ...             "perplexity": 103.02,
        ...             "active_units": 3,
        ...             "latent_size": 16,
        ...             "mutual_information": 2.75,
        ...         }
        ...     )
        ... )
        model               SentenceVAE
        likelihood          lower bound
        sequences           3,761
        predicted tokens    82,430
        nll                 98.123 nats per sequence
        KL                  3.456 nats per sequence
        bound               -101.579 nats per sequence
        perplexity          103.02
        active units        3 of 16
        mutual information  2.750 nats
    """
    is_bound = results["likelihood_kind"] != "reconstruction"
    lines = {
        "model": results["model"],
        "likelihood": results["likelihood_kind"],
        "sequences": f"{results['sequences']:,}",
        "predicted tokens": f"{results['predicted_tokens']:,}",
        "nll": f"{results['nll']:z.3f} nats per sequence",
        "KL": f"{results['kl']:z.3f} nats per sequence",
        "bound" if is_bound else "-(nll + KL), not a bound": (
            f"{results['elbo']:z.3f} nats per sequence"
        ),
    }
    if "perplexity" in results:
        lines["perplexity"] = f"{results['perplexity']:.2f}"
    if "importance_weighted_bound" in results:
        lines["importance-weighted bound"] = (
            f"{results['importance_weighted_bound']:z.3f} nats per sequence, "
            f"{results['importance_samples']} samples"
        )
    lines["active units"] = f"{results['active_units']} of "
    lines["active units"] += str(results["latent_size"])
    lines["mutual information"] = f"{results['mutual_information']:z.3f} nats"
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {line}" for name, line in lines.items())
