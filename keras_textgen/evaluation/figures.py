"""Figures for programs: name, value, unit, split, and whether it is a bound.

They are taken from the same reports as the tables that a run prints; nothing
is computed here. Free of TensorFlow.
"""

from __future__ import annotations

import itertools
import json
import math
import pathlib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from keras_textgen.checks import first_line
from keras_textgen.cli.errors import RunError

LOWER, UPPER = "lower", "upper"
_NATS = "nats per sequence"
_SHARE = "share"
_VALUES = "as the values"
# Units by name; what is not there has none.
_UNITS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "nll",
            "kl",
            "elbo",
            "log_likelihood",
            "all_kl_bound",
            "single_latent_bound",
            "importance_weighted_bound",
        ),
        _NATS,
    ),
    **dict.fromkeys(
        (
            "unknown_share",
            "accuracy",
            "macro_f1",
            "precision",
            "recall",
            "f1",
            "linear_accuracy",
            "hidden_layer_accuracy",
            "diversity",
            "copies",
            "distinct-1",
            "distinct-2",
            "exact reconstructions",
        ),
        _SHARE,
    ),
    **dict.fromkeys(("rmse", "mae"), _VALUES),
    "sequences": "sequences",
    "documents": "documents",
    "topics": "topics",
    "rows": "rows",
    "text_words": "words",
    "text_bytes": "bytes",
    "active_units": "dimensions",
    "latent_size": "dimensions",
    "mutual_information": "nats",
    "forward perplexity": "per word",
    "reverse perplexity": "per word",
}
_PER_TEXT = {
    "_nats_per_word": "nats per word of the text",
    "_bits_per_byte": "bits per byte of the text",
}
# Figures that bound what they are called after, whatever the model.
_LOWER_BOUNDS = (
    "all_kl_bound",
    "single_latent_bound",
    "importance_weighted_bound",
)
_PERPLEXITIES = ("perplexity", "all_kl_perplexity", "single_latent_perplexity")
_AGREEMENT = ("homogeneity", "completeness", "v_measure")
_OF_TOPICS = ("npmi", "diversity")


class Figure(NamedTuple):
    """A number that a run ends with.

    Attributes:
        name: What it is; of something beside the model, with its name and a
            colon before it, such as "bag of words: accuracy".
        value: NaN where there is nothing to measure.
        unit: Of the value; "" where it has none.
        split: What it is measured on: "train", "valid", "test", or "samples"
            for texts that the model has written.
        bound: "lower" or "upper" if it bounds the log-likelihood, or the
            perplexity, that it stands for; None if it is what it is called.
    """

    name: str
    value: float
    unit: str = ""
    split: str = "test"
    bound: str | None = None


class Spread(NamedTuple):
    """A figure of several runs.

    Attributes:
        figure: The first run's; its value is the mean.
        deviation: Standard deviation of the runs, with n - 1; NaN of fewer
            than two.
        values: By the name of the run; NaN where a run has none.
    """

    figure: Figure
    deviation: float
    values: Mapping[str, float]


def spread(runs: Mapping[str, Sequence[Figure]]) -> list[Spread]:
    """Mean and standard deviation of each figure over runs.

    Args:
        runs: Figures of each, by its name.

    Returns:
        Every figure that a run has, in the order in which they come; runs that
        lack one, or have NaN, do not count.

    Example:
        >>> runs = {"a": [Figure("nll", 1.0)], "b": [Figure("nll", 3.0)]}
        >>> (found,) = spread(runs)
        >>> found.figure.value, round(found.deviation, 3)
        (2.0, 1.414)
    """
    first: dict[tuple[str, str], Figure] = {}
    for each in itertools.chain.from_iterable(runs.values()):
        first.setdefault((each.name, each.split), each)
    by_run = {
        run: {(each.name, each.split): each.value for each in figures}
        for run, figures in runs.items()
    }
    found = []
    for key, figure in first.items():
        values = {run: of.get(key, math.nan) for run, of in by_run.items()}
        known = [value for value in values.values() if math.isfinite(value)]
        mean = statistics.fmean(known) if known else math.nan
        deviation = statistics.stdev(known) if len(known) > 1 else math.nan
        found.append(Spread(figure._replace(value=mean), deviation, values))
    return found


def report_figures(report: Mapping[str, Any]) -> list[Figure]:
    """The figures of a report, as `evaluate_model` gives it.

    Args:
        report: Of a model of any kind.

    Returns:
        Every number of it.

    Example:
        >>> report_figures({"figures": {"rmse": 0.93}})
        [Figure(name='rmse', value=0.93, unit='as the values', split='test', \
bound=None)]
    """
    if "likelihood_kind" in report:
        return likelihood_figures(report)
    if "classes" in report:
        return _classification_figures(report)
    if "scores" in report:
        return _topic_figures(report)
    return [
        Figure(name, float(value), _unit(name.rpartition(" ")[2]))
        for name, value in report["figures"].items()
    ]


def likelihood_figures(
    report: Mapping[str, Any], split: str = "test"
) -> list[Figure]:
    """The numbers among likelihoods, their parts and diagnostics.

    Args:
        report: As `likelihood_report` gives it; or figures of an epoch beside
            "likelihood_kind" and "unit".
        split: What they are of.

    Returns:
        Figures in its order.

    Example:
        >>> report = {"likelihood_kind": "lower bound", "perplexity": 99.0}
        >>> likelihood_figures(report)[0].bound
        'upper'
    """
    kind, token = report.get("likelihood_kind"), report.get("unit")
    return [
        Figure(
            name,
            float(value),
            _text_unit(name, token),
            split,
            _bound(name, kind),
        )
        for name, value in report.items()
        if isinstance(value, int | float)
    ]


def _text_unit(name: str, token: str | None) -> str:
    for end, unit in _PER_TEXT.items():
        if name.endswith(end):
            return unit
    if name in _PERPLEXITIES and token is not None:
        return f"per {token}"
    if name == "predicted_tokens" and token is not None:
        return f"{token}s"
    return _unit(name)


def _unit(name: str) -> str:
    if name.startswith(("recall@", "ndcg@")):
        return _SHARE
    return _UNITS.get(name, "")


def _bound(name: str, kind: str | None) -> str | None:
    """Which bound a figure is; costs are bounded from above."""
    for end in _PER_TEXT:
        if name.endswith(end):
            of_nats = _bound(name.removesuffix(end), kind)
            return UPPER if of_nats == LOWER else None
    if name in _LOWER_BOUNDS or (name, kind) == ("elbo", "lower bound"):
        return LOWER
    if name not in _PERPLEXITIES or (name, kind) == ("perplexity", "exact"):
        return None
    return UPPER


def _classification_figures(report: Mapping[str, Any]) -> list[Figure]:
    first, *others = report["systems"].items()
    parts = [("", {"documents": report["documents"], **first[1]})]
    parts += [(f"{name}: ", scores) for name, scores in others]
    parts += [
        (f"class {name}: ", scores)
        for name, scores in report["classes"].items()
    ]
    return [
        Figure(f"{prefix}{name}", float(value), _unit(name))
        for prefix, scores in parts
        for name, value in scores.items()
    ]


def _topic_figures(report: Mapping[str, Any]) -> list[Figure]:
    """Scores of the model first, then those of what stands beside it."""
    rows = report["scores"]
    found = []
    for row in rows:
        prefix = "" if row.method == rows[0].method else f"{row.method}: "
        if row.v_measure is not None:
            found += [
                Figure(f"{prefix}{name}", getattr(row, name), "", row.split)
                for name in _AGREEMENT
            ]
        if row.split == "train":
            # The words of topics are counted in the training set.
            found += [
                Figure(
                    f"{prefix}{name}", getattr(row, name), _unit(name), "train"
                )
                for name in _OF_TOPICS
            ]
    if "bound" in report:
        found += likelihood_figures({**report["bound"], "unit": "word"})
    return found + [
        Figure(f"classifier of {system}: {name}", value, _unit(name))
        for system, scores in report.get("systems", {}).items()
        for name, value in scores.items()
    ]


def quality_figures(rows: Iterable[Any]) -> list[Figure]:
    """What `sample_quality` and `reconstruction_quality` have measured.

    Args:
        rows: Of these; see `SampleQuality`.

    Returns:
        Of the model's texts and, under "real text: ...", of training texts;
        what there is nothing of is left out.

    Example:
        >>> from keras_textgen.evaluation.sample_quality import SampleQuality
        >>> rows = [SampleQuality("copies", 0.5, float("nan"))]
        >>> quality_figures(rows)[0].split
        'samples'
    """
    found = []
    for name, model, real in rows:
        split = "test" if "reconstruction" in name else "samples"
        found.append(Figure(name, float(model), _unit(name), split))
        found.append(
            Figure(f"real text: {name}", float(real), _unit(name), "train")
        )
    return [each for each in found if not math.isnan(each.value)]


def probe_figures(rows: Iterable[Any]) -> list[Figure]:
    """Accuracies of classifiers on codes, as `probe` gives them.

    Args:
        rows: See `ProbeRow`.

    Returns:
        Of each representation one or two.

    Example:
        >>> from keras_textgen.evaluation.probes import ProbeRow
        >>> row = ProbeRow("majority class", 0, None, None, 0.1, None)
        >>> [each.name for each in probe_figures([row])]
        ['probe of majority class: linear_accuracy']
    """
    return [
        Figure(f"probe of {row.representation}: {name}", value, _unit(name))
        for row in rows
        for name in ("linear_accuracy", "hidden_layer_accuracy")
        if (value := getattr(row, name)) is not None
    ]


def figures_json(figures: Sequence[Figure]) -> str:
    """Sets figures as JSON: an array with an object for each.

    Args:
        figures: In their order.

    Returns:
        The text, a line a figure; null for what is not finite.

    Example:
        >>> print(figures_json([Figure("nll", 1.5, "nats per sequence")]))
        [
        {"name": "nll", "value": 1.5, "unit": "nats per sequence", \
"split": "test", "bound": null}
        ]
        <BLANKLINE>
    """
    lines = []
    for each in figures:
        is_number = math.isfinite(each.value)
        named = dict(zip(Figure._fields, each, strict=True))
        named["value"] = each.value if is_number else None
        lines.append(json.dumps(named))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def figures_from_json(text: str) -> list[Figure]:
    """Figures of a text that `figures_json` has written.

    Example:
        >>> figure = Figure("elbo", -80.5, "nats", "valid", "lower")
        >>> figures_from_json(figures_json([figure])) == [figure]
        True
    """
    return [
        Figure(**{**each, "value": _number(each["value"])})
        for each in json.loads(text)
    ]


def read_figures(path: pathlib.Path) -> list[Figure]:
    """The figures of a file that a run has ended with.

    Args:
        path: Of the file.

    Raises:
        RunError: It is damaged.
    """
    try:
        return figures_from_json(path.read_text("utf-8"))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError(
            f"{path}: damaged ({first_line(error)}); allowed: the file as the "
            "run has written it; --mode=evaluate writes it anew"
        ) from None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
