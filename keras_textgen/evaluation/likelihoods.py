"""All figures of a text model on one set of sequences, and their table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import WholeNumbers, check, counted, refused
from keras_textgen.data.batches.sequences import (
    SequenceBatches,
    TokenBatches,
    sequence_batches,
)
from keras_textgen.data.batches.sources import is_stream
from keras_textgen.data.rows import in_memory
from keras_textgen.data.shards.batches import token_batches
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.text_lists import texts_or_none
from keras_textgen.data.text_size import lengths_of, total
from keras_textgen.evaluation.corpora import is_corpus
from keras_textgen.evaluation.diagnostics import (
    active_units,
    mutual_information,
)
from keras_textgen.evaluation.per_text import (
    per_text,
    perplexity_name,
    text_lines,
    unknown_text,
)
from keras_textgen.evaluation.watching import Watch, unwatched

# Of importance-weighted bounds, where no other number is asked for.
_SAMPLES = 500


class KeptValues(Protocol):
    """Numbers of N rows that outlive the process that computes them."""

    def restored(self, num_rows: int) -> np.ndarray:
        """float64 [num_rows]; NaN where the number is not known yet."""

    def store(self, values: np.ndarray) -> None:
        """Takes note of all that is known so far, [N]."""


class NotKept:
    """`KeptValues` that are forgotten.

    Example:
        >>> NotKept().restored(2)
        array([nan, nan])
    """

    def restored(self, num_rows: int) -> np.ndarray:
        """Nothing is known."""
        return np.full(num_rows, np.nan)

    def store(self, values: np.ndarray) -> None:
        """Forgets them."""


def likelihood_report(
    model: Any,
    data: Any,
    importance_samples: int | None = None,
    *,
    batch_size: int = 32,
    watch: Watch = unwatched,
    kept_bounds: KeptValues | None = None,
) -> dict[str, Any]:
    """Evaluates a compiled text model.

    Args:
        model: A compiled text model.
        data: `SequenceBatches`; a corpus, as `load_corpus` gives it, whose test
            set is meant; or texts or token ids, but no dataset.
        importance_samples: K of the importance-weighted bound; 0 leaves the
            bound out, None is 500. Exact likelihoods need none.
        batch_size: Sequences a batch, where `data` are no batches.
        watch: Sees how the parts that may take long advance.
        kept_bounds: Importance-weighted bounds of the sequences, in the order
            of `SequenceBatches.evaluation_dataset()`, that an evaluation
            before this one has computed; None if there are none to go on from.

    Returns:
        In this order, likelihoods as means in nats per sequence: `model` (the
        name of its class), `likelihood_kind`, `sequences`, `predicted_tokens`,
        `unit` (what a token is: "word", "character" or "subword"),
        `unknown_share` (of all tokens but start and end), `nll`. Then, if the
        kind is "exact" (there are no latent variables): `log_likelihood` and
        `perplexity`. Otherwise:

        - `kl` and `elbo` = -(nll + kl); `perplexity` unless the kind is
          "reconstruction".
        - If the model averages the hidden states of `num_latents` latents:
          this number L; `all_kl_bound` = -(nll + L kl) and
          `single_latent_bound`, which are bounds where `elbo` is not one;
          `all_kl_perplexity` and `single_latent_perplexity` of the two.
        - If the model has a prior and samples are asked for:
          `importance_samples` and `importance_weighted_bound`.
        - What `per_text` finds, of these and of `log_likelihood`, if the texts
          are known and each is a sequence.
        - `active_units` of `latent_size` dimensions, and `mutual_information`
          (nats).

    Raises:
        ValueError: If `importance_samples` is negative, or asked for of an
            exact likelihood, or `data` are none of these.

    Example:
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
        >>> for name, value in likelihood_report(Model(), batches).items():
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
    is_exact = model.likelihood_kind == "exact"
    if importance_samples is None:
        importance_samples = 0 if is_exact else _SAMPLES
    check(WholeNumbers(0), importance_samples=importance_samples)
    if is_exact and importance_samples:
        raise refused(
            f"importance_samples={importance_samples} of a model whose "
            "likelihood is exact",
            "None or 0",
        )
    batches = _as_sequences(model, data, batch_size)
    results = {
        "model": type(model).__name__,
        "likelihood_kind": model.likelihood_kind,
        "sequences": batches.num_sequences,
        "predicted_tokens": batches.num_predicted_tokens,
    }
    if hasattr(model, "vocabulary"):
        results["unit"] = model.vocabulary.unit
        results["unknown_share"] = batches.unknown_share
    results |= _likelihoods(model, batches, watch)
    if is_exact:
        return results | per_text(results, batches.text_size)
    if getattr(model, "averages_states", False):
        results |= _bounds_of_averaged_states(model, batches, results, watch)
    if model.has_prior and importance_samples:
        bounds = _by_batch(
            lambda tokens: model.log_likelihood(
                tokens, importance_samples, batch_size=batches.batch_size
            ),
            batches,
            kept_bounds or NotKept(),
            watch,
            "importance-weighted bound, "
            f"{counted(importance_samples, 'sample')}",
            " (--importance_samples=0 leaves it out)",
        )
        results["importance_samples"] = importance_samples
        results["importance_weighted_bound"] = _mean(bounds)
    results |= per_text(results, batches.text_size)
    return results | _posterior_diagnostics(model, batches)


def _as_sequences(model: Any, data: Any, batch_size: int) -> TokenBatches:
    if isinstance(data, TokenBatches):
        return data
    if isinstance(data, PreparedCorpus):
        data = data.test
    if isinstance(data, PreparedSplit):
        return token_batches(data, model.vocabulary, batch_size)
    if is_corpus(data):
        return SequenceBatches(
            data.test,
            batch_size,
            order=data.order,
            unit=data.vocabulary.unit,
            text_size=data.text_sizes.get("test"),
        )
    if is_stream(data):
        raise refused(
            "data of a dataset, whose size is not known",
            "SequenceBatches, a corpus, texts, token ids",
        )
    data = in_memory(data)
    batches = sequence_batches(data, model.vocabulary, batch_size)
    texts = texts_or_none([data] if isinstance(data, str) else data)
    if texts is not None:
        batches.text_size = total(lengths_of(texts))
    return batches


class _Watched(keras.callbacks.Callback):
    """Lets the batches of `evaluate` be watched.

    Args:
        steps: What a `Watch` gives on: an item a batch.
    """

    def __init__(self, steps: Iterator[Any]) -> None:
        super().__init__()
        self._steps = steps

    def on_test_begin(self, logs: Any = None) -> None:
        """Begins with the first batch."""
        next(self._steps)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Goes on to the next batch; after the last there is none."""
        next(self._steps, None)


def _by_batch(
    function: Callable[[tf.Tensor], np.ndarray],
    batches: TokenBatches,
    kept: KeptValues,
    watch: Watch,
    what: str,
    hint: str = "",
) -> np.ndarray:
    """Numbers of sequences, in the order of the evaluation dataset, [N].

    Args:
        function: From tokens [batch, time] to numbers [batch].
        batches: The sequences.
        kept: What is known already, and what is to be kept.
        watch: Sees how the batches advance.
        what: What is computed, for `watch`.
        hint: What a user can do about it, for `watch`.
    """
    values = kept.restored(batches.num_sequences)
    size = batches.batch_size
    is_known = ~np.isnan(values)
    known = len(values) if is_known.all() else int(np.argmin(is_known)) // size
    todo = batches.evaluation_dataset().skip(known)
    sizes = batches.evaluation_sizes[known:]
    for number, tokens in enumerate(watch(todo, what, sizes=sizes, hint=hint)):
        begin = (known + number) * size
        values[begin : begin + len(tokens)] = function(tokens)
        kept.store(values)
    return values


def _likelihoods(
    model: Any, batches: TokenBatches, watch: Watch
) -> dict[str, float]:
    """What Keras's `evaluate` gives, under the names of the report."""
    dataset, sizes = batches.evaluation_dataset(), batches.evaluation_sizes
    steps = watch(range(len(sizes)), "likelihoods", sizes=sizes)
    metrics = model.evaluate(
        dataset, return_dict=True, verbose=0, callbacks=[_Watched(steps)]
    )
    results = {"nll": float(metrics["nll"])}
    if model.likelihood_kind == "exact":
        results["log_likelihood"] = -results["nll"]
    else:
        results["kl"] = float(metrics["kl"])
        results["elbo"] = float(metrics["elbo"])
    if model.likelihood_kind != "reconstruction":
        results["perplexity"] = float(metrics["perplexity"])
    return results


def _bounds_of_averaged_states(
    model: Any,
    batches: TokenBatches,
    results: dict[str, Any],
    watch: Watch,
) -> dict[str, Any]:
    """What holds for L averaged latents, with one KL charged for each."""
    num_latents = model.num_samples
    all_kl_bound = -(results["nll"] + num_latents * results["kl"])
    single_latent_bound = _mean(
        _by_batch(
            lambda tokens: model.single_latent_bound(
                tokens, batch_size=batches.batch_size
            ),
            batches,
            NotKept(),
            watch,
            "bound of a single latent",
        )
    )
    return {
        "num_latents": num_latents,
        "all_kl_bound": all_kl_bound,
        "all_kl_perplexity": _perplexity(all_kl_bound, batches),
        "single_latent_bound": single_latent_bound,
        "single_latent_perplexity": _perplexity(single_latent_bound, batches),
    }


def _perplexity(bound: float, batches: TokenBatches) -> float:
    """Perplexity of a mean log-likelihood of a sequence, in nats."""
    nats = -bound * batches.num_sequences
    with np.errstate(over="ignore"):  # of a model that knows nothing yet
        return float(np.exp(nats / batches.num_predicted_tokens))


def _posterior_diagnostics(model: Any, batches: TokenBatches) -> dict[str, Any]:
    codes = model.encode(batches.evaluation_dataset())
    means = codes[:, model.latent_columns]
    return {
        "active_units": active_units(means),
        "latent_size": means.shape[1],
        "mutual_information": mutual_information(model, batches),
    }


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values, dtype=np.float64))


def format_likelihoods(results: Mapping[str, Any]) -> str:
    """Sets the results of `likelihood_report` as an aligned table.

    Args:
        results: What `likelihood_report` returned.

    Returns:
        A line for each figure: its name, its value, its unit.

    Example:
        >>> print(
        ...     format_likelihoods(
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
    lines = {
        "model": results["model"],
        "likelihood": results["likelihood_kind"] + unknown_text(results),
        "sequences": f"{results['sequences']:,}",
        "predicted tokens": f"{results['predicted_tokens']:,}",
        "nll": _nats(results["nll"]),
    }
    if results["likelihood_kind"] == "exact":
        lines["log-likelihood"] = f"{_nats(results['log_likelihood'])}, exact"
    else:
        lines["KL"] = _nats(results["kl"])
        lines |= _bound_lines(results)
    if "perplexity" in results:
        lines[perplexity_name(results)] = f"{results['perplexity']:.2f}"
    if "importance_weighted_bound" in results:
        lines["importance-weighted bound"] = _importance_weighted(results)
    lines |= text_lines(results)
    if "active_units" in results:
        units = f"{results['active_units']} of {results['latent_size']}"
        lines["active units"] = units
        information = f"{results['mutual_information']:z.3f} nats"
        lines["mutual information"] = information
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {line}" for name, line in lines.items())


def _bound_lines(results: Mapping[str, Any]) -> dict[str, str]:
    """-(nll + KL) under a name that says what it is, and what is a bound."""
    elbo = _nats(results["elbo"])
    if results["likelihood_kind"] == "lower bound":
        return {"bound": elbo}
    if "num_latents" not in results:
        return {"-(nll + KL), not a bound": elbo}
    latents, perplexity = results["num_latents"], perplexity_name(results)
    return {
        "paper's metric, -(nll + KL)": (
            f"{elbo}; one KL charged for {latents} latents: not a bound"
        ),
        f"bound, -(nll + {latents} KL)": (
            f"{_nats(results['all_kl_bound'])}, "
            f"{perplexity} {results['all_kl_perplexity']:.2f}"
        ),
        "bound, single latent": (
            f"{_nats(results['single_latent_bound'])}, "
            f"{perplexity} {results['single_latent_perplexity']:.2f}; "
            "of the model that decodes one latent"
        ),
    }


def _importance_weighted(results: Mapping[str, Any]) -> str:
    line = (
        f"{_nats(results['importance_weighted_bound'])}, "
        f"{counted(results['importance_samples'], 'sample')}"
    )
    if "num_latents" in results:
        line += f" of all {results['num_latents']} latents"
    return line


def _nats(value: float) -> str:
    return f"{value:z.3f} nats per sequence"
