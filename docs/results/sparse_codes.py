"""Sparse codes on the page of results: Hoyer's measure, and classifiers."""

import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from run_folders import NONE, Run, by_corpus, link, table

from keras_textgen.cli import settings
from keras_textgen.evaluation.sparsity import hoyer, normalized
from keras_textgen.models.text.sparse_text_model import SPIKE_SCALE

SPARSE = """\
## Sparse codes

HSVAE and MAT-VAE (see [their page](models/hsvae.md)). Hoyer's measure is 0 for
codes without zeros and 1 for a single dimension that is not 0; every dimension
is divided by its standard deviation first. "prior" is that of samples of the
model's own prior, by simulation; the others are of the validation set, after
the last epoch. Nothing of the paper's is set beside these: those on its corpora
are of the [reduced protocol](data.md#the-reduced-protocol), trained on
validation files.
"""
PROBES = """\
Accuracy on the test set of classifiers on the codes, beside the majority class
and bags of words. "masked mean" are the mean codes without the dimensions that
are off.

![Accuracy against sparsity](results/sparsity.png)
"""
MARKERS = {
    "sample": "x",
    "slab mean": "v",
    "mean": "D",
    "gated mean": "^",
    "masked mean": "o",
}


def sections(runs: Sequence[Run]) -> list[str]:
    """Tables of the runs whose codes were classified."""
    runs = [run for run in runs if run.probes]
    if not runs:
        return []
    return [SPARSE, _hoyer_table(runs), PROBES, _probe_table(runs)]


def _hoyer_table(runs: Sequence[Run]) -> str:
    headings = ["run", "corpus", "Z", "prior of gamma", "Hoyer: prior"]
    names = ["sample", "slab_mean", "gated_mean", "mean"]
    rows = []
    for run in runs:
        last = run.epochs[-1]
        keys = [f"val_hoyer_{name}_normalized" for name in names]
        if not any(key in last for key in keys):
            continue
        text, gamma = _gamma_of_prior(run)
        rows.append(
            [
                link(run),
                run.corpus,
                run.flags["latent_dim"],
                text,
                f"{_hoyer_of_prior(gamma):.3f}",
                *(f"{last[k]:.3f}" if k in last else NONE for k in keys),
            ]
        )
    names = [f"Hoyer: {name.replace('_', ' ')}" for name in names]
    return table([*headings, *names], rows)


def _gamma_of_prior(run: Run) -> tuple[str, np.ndarray]:
    """What the prior of gamma is called, and samples of it, [N, Z]."""
    shape = 2000, int(run.flags["latent_dim"])
    if run.flags["model"] == "mat_vae":
        gamma = run.flags["spike_probability"]
        gamma = 0.8 if gamma == settings.DEFAULT else float(gamma)
        return f"{gamma:g}", np.full(shape, gamma)
    alpha, beta = (
        float(run.flags[name]) for name in ("gamma_alpha", "gamma_beta")
    )
    gamma = np.random.default_rng(0).beta(alpha, beta, shape)
    return f"Beta({alpha:g}, {beta:g})", gamma


def _hoyer_of_prior(gamma: np.ndarray) -> float:
    """Of spike-and-slab samples with these probabilities of the spike."""
    generator = np.random.default_rng(1)
    is_spike = generator.uniform(size=gamma.shape) < gamma
    scale = np.where(is_spike, SPIKE_SCALE, 1.0)
    return hoyer(normalized(scale * generator.normal(size=gamma.shape)))


def _probe_table(runs: Sequence[Run]) -> str:
    """The baselines of each corpus once, then the codes of its runs."""
    headings = [
        "corpus",
        "run",
        "representation",
        "dimensions",
        "not 0",
        "Hoyer",
        "linear",
        "one hidden layer",
    ]
    rows = []
    for corpus, group in by_corpus(runs).items():
        baselines = [p for p in group[0].probes if _is_baseline(p)]
        rows += [[corpus, NONE, *_probe_cells(p)] for p in baselines]
        rows += [
            [corpus, link(run), *_probe_cells(probe)]
            for run in group
            for probe in _own_codes(run)
        ]
    return table(headings, rows)


def _is_baseline(probe: dict[str, str]) -> bool:
    return ": " not in probe["representation"]


def _own_codes(run: Run) -> list[dict[str, str]]:
    """Without those of another run that was set beside it."""
    prefix = f"{run.flags['model']}: "
    return [p for p in run.probes if p["representation"].startswith(prefix)]


def _probe_cells(probe: dict[str, str]) -> list[str]:
    """Codes without a dimension that is on have no Hoyer's measure, "nan"."""
    names = "nonzero", "hoyer", "linear_accuracy", "hidden_layer_accuracy"
    numbers = (probe[name].replace("nan", "") for name in names)
    return [
        probe["representation"],
        probe["dimensions"],
        *(f"{float(n):.3f}" if n else NONE for n in numbers),
    ]


def plot_probes(runs: Sequence[Run], path: pathlib.Path) -> None:
    """Draw accuracy against sparsity, a chart for each corpus."""
    runs = [run for run in runs if run.probes]
    groups = by_corpus(runs)
    figure = Figure(figsize=(12, 4.5 * len(groups)), layout="constrained")
    charts = figure.subplots(len(groups), 1, squeeze=False)[:, 0]
    for (corpus, group), axis in zip(groups.items(), charts, strict=True):
        for index, run in enumerate(group):
            _plot_codes(axis, run, f"C{index}")
        for kind, marker in MARKERS.items():
            axis.plot([], [], marker, color="gray", label=kind)
        _plot_baselines(axis, group[0])
        axis.set(
            title=corpus,
            xlabel="Hoyer's measure of the codes, normalized",
            ylabel="accuracy of a linear classifier",
        )
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(
            fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5)
        )
    figure.savefig(path, dpi=100)


def _plot_codes(axis: Axes, run: Run, color: str) -> None:
    """A color for the run, a marker for each kind of code."""
    for row in _own_codes(run):
        _, _, kind = row["representation"].partition(": ")
        axis.plot(
            float(row["hoyer"]),
            float(row["linear_accuracy"]),
            MARKERS[kind],
            color=color,
            markersize=8,
        )
    axis.plot([], [], "s", color=color, label=run.name)


def _plot_baselines(axis: Axes, run: Run) -> None:
    styles = {"majority class": ":", "bag of words": "--"}
    for row in run.probes:
        if row["representation"] in styles:
            axis.axhline(
                float(row["linear_accuracy"]),
                color="gray",
                linestyle=styles[row["representation"]],
                label=row["representation"],
            )
