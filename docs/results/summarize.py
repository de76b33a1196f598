"""Turns the runs in this folder into docs/results.md and its figures.

A run is a folder with what it wrote and printed: `command.txt` (the command,
then the commit it ran from), `flags.txt`, `metrics.csv`, `log.txt` (of all
sittings, one after the other) and, if its codes were classified, `probes.csv`.
Published numbers are in `published.csv`. No
number of the page is typed. Run it again after adding a run:

    python docs/results/summarize.py

Runs named `lstm_vae_ptb_<remedy>` are compared with `lstm_vae_ptb_plain`; the
others are set beside published numbers if their protocol is that of the papers.
"""

import csv
import dataclasses
import functools
import pathlib
import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_textgen.evaluation.sparsity import hoyer, normalized
from keras_textgen.models.sparse_text_model import SPIKE_SCALE
from keras_textgen.training import flag_table, settings

FOLDER = pathlib.Path(__file__).parent
RECIPES = FOLDER.parent.parent / "flags"
REMEDY_PREFIX = "lstm_vae_ptb_"
PLAIN_RUN = f"{REMEDY_PREFIX}plain"
NOT_FINISHED = "(not finished)"
NONE = ""
SHORT_COMMIT = 7  # digits

INTRODUCTION = """\
# Results

Written by `docs/results/summarize.py` from the logs in
[docs/results](results). Nats are per sequence, means over the test set unless
said otherwise. [What each number means](likelihoods.md) is a page of its own: a
bound or an exact likelihood can stand beside a language model's, the rest
cannot. A run marked "(not finished)" has no test figures yet. Every run has one
seed; "epochs" are those done, those asked for, and the best, whose weights the
test figures belong to.
"""
PUBLISHED = """\
## Beside published numbers

The column `nats` is -log p(x) where it is exact, and minus the bound (nll + KL)
otherwise; lower is better. What a number is stands beside it. Perplexities
count the end token unless said otherwise. "±" is the standard deviation over a
paper's seeds. The importance weights of LSTM-VAE-AVG that are measured here are
of all its latents together; how its paper weighs is not known to us. Published
numbers are from:
"""
REMEDIES = """\
## Remedies against posterior collapse

LSTM-VAE on the Penn Treebank at a reduced size, one remedy a run (see
[remedies](collapse.md)). The flags of "plain" are those that differ from the
recipe `flags/lstm_vae_ptb.flags`, those of a remedy differ from "plain".
"""
SPARSE = """\
## Sparse codes

HSVAE and MAT-VAE (see [their page](models/hsvae.md)). Hoyer's measure is 0 for
codes without zeros and 1 for a single dimension that is not 0; every dimension
is divided by its standard deviation first. "prior" is that of samples of the
model's own prior, by simulation; the others are of the validation set, after
the last epoch. Nothing of the paper's is set beside these: its tables are not
among our sources, and the corpora lack their training files.
"""
PROBES = """\
Accuracy on the test set of classifiers on the codes, beside the majority class
and bags of words. "masked mean" are the mean codes without the dimensions that
are off.

![Accuracy against sparsity](results/sparsity.png)
"""
OTHERS = """\
## Runs on other protocols

No paper has numbers to set beside these. On `ptb (stream)` a sequence is a
window of 20 words of the stream, on `imdb` the first or last 14 words of a
review and the end.

Mutual information is estimated from 500 sequences and cannot exceed
log 500 = 6.21. That it exceeds the KL in the HDGM runs with the reference
objective shows what their KL is worth: the second level is compared with a
distribution made from its own sample, so it carries information that nobody is
charged for.
"""
RUNS = """\
## All runs

Figures of each epoch are of the validation set, with KL weight 1. The logs also
hold reconstructions. Those of the runs on `ptb (stream)` and `imdb` are nearly
empty: at their commit beam search kept every ended hypothesis, however
unlikely, and so preferred the shortest texts; it no longer does.

![Validation curves](results/curves.png)
"""

# Flags of the papers' protocols, and the values that they may have.
PROTOCOLS = {
    "ptb": {
        "ptb_protocol": ("sentences",),
        "vocab_size": ("default", "10002"),
        "max_length": ("default",),
    },
    "yahoo": {
        "vocab_size": ("default", "20000"),
        "max_length": ("default",),
    },
}
HEADINGS = {
    "ptb": "Penn Treebank, sentence by sentence",
    "yahoo": "Yahoo answers",
}
# Column of metrics.csv -> heading, and how many decimals.
COLUMNS = {
    "epoch": ("epoch", 0),
    "kl_weight": ("KL weight in training (mean)", 3),
    "nll": ("training nll", 2),
    "val_nll": ("nll", 2),
    "val_kl": ("KL", 2),
    "val_elbo": ("-(nll + KL)", 2),
    "val_active_units": ("active units", 0),
    "val_mutual_information": ("mutual information", 2),
}
# Without latent variables, these are 0, 1, or another column once more.
OF_LATENTS = ("kl_weight", "val_kl", "val_elbo")
CURVES = {
    "val_nll": "nll, nats per sequence",
    "val_kl": "KL, nats per sequence",
    "val_active_units": "active units",
}


@dataclasses.dataclass
class Run:
    """What a run left behind.

    Attributes:
        name: of its folder.
        command: as it was typed.
        commit: it ran from.
        flags: all resolved flags, as text.
        epochs: the rows of metrics.csv.
        corpus: name that the log gives the corpus, such as "yahoo_reduced".
        probes: the rows of probes.csv; none if the codes were not classified.
        printed: the table of test figures as printed; None if there is none.
        figures: its lines by name.
        time: how long it took, as text.
    """

    name: str
    command: str
    commit: str
    flags: dict[str, str]
    epochs: list[dict[str, float]]
    corpus: str
    probes: list[dict[str, str]]
    printed: str | None
    figures: dict[str, str]
    time: str

    def number(self, name: str) -> float | None:
        """The number that a line of the table of figures begins with."""
        found = re.match(r"-?(inf|nan|[\d.,]+)", self.figures.get(name, ""))
        return float(found[0].replace(",", "")) if found else None


def read_run(folder: pathlib.Path) -> Run:
    """Read a run's folder."""
    command, commit = (
        (folder / "command.txt").read_text("utf-8").split("\n")[:2]
    )
    log = (folder / "log.txt").read_text("utf-8")
    flags = _read_flags((folder / "flags.txt").read_text("utf-8"))
    corpus = re.search(r"^\w+ on (\w+): ", log, re.MULTILINE)
    printed = _printed(log)
    return Run(
        name=folder.name,
        command=command,
        commit=commit,
        flags=flags,
        epochs=_read_epochs(folder / "metrics.csv"),
        corpus=corpus[1] if corpus else flags["dataset"],
        probes=_read_probes(folder / "probes.csv"),
        printed=printed,
        figures=_figures(printed or ""),
        time=_time(log),
    )


def _read_flags(text: str) -> dict[str, str]:
    lines = re.findall(r"^--(\w+)=(.*)$", text, re.MULTILINE)
    return dict(lines)


def _read_epochs(path: pathlib.Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def _read_probes(path: pathlib.Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _printed(log: str) -> str | None:
    """The test figures that the run printed last."""
    _, found, end = log.rpartition("\nTest set, ")
    figures, _, _ = end.partition("\n\n")
    return f"Test set, {figures}".rstrip() if found else None


def _figures(printed: str) -> dict[str, str]:
    """The lines of a table by their names."""
    return dict(re.findall(r"^  (\S.*?) {2,}(\S.*)$", printed, re.MULTILINE))


def _time(log: str) -> str:
    """Minutes of all sittings, as far as the log has them.

    A sitting that was stopped prints how long its epochs took, but not how
    long itself.
    """
    whole = sum(map(float, re.findall(r"^Took ([\d.]+) min", log, re.M)))
    epochs = sum(map(float, re.findall(r"^\d+/\d+ - (\d+)s ", log, re.M))) / 60
    sittings = len(re.findall(r"^Going on after step ", log, re.M))
    if sittings or whole < epochs:
        return f"over {max(whole, epochs):.0f} min"
    return f"{whole:.1f} min"


def page(runs: Sequence[Run], published: Sequence[dict[str, str]]) -> str:
    """The whole page in Markdown.

    Args:
        runs: in the order of the page.
        published: rows of published.csv.
    """
    remedies = [run for run in runs if run.name.startswith(REMEDY_PREFIX)]
    rest = [run for run in runs if run not in remedies]
    others = [run for run in rest if _benchmark(run) is None]
    compared = [run for run in rest if run not in others]
    sections = [
        INTRODUCTION,
        *_comparison(compared, published),
        REMEDIES,
        *_tables(_remedy_table, remedies),
        *_sparse_sections(rest),
        OTHERS,
        *_tables(_other_table, others),
        RUNS,
        *map(_section, runs),
    ]
    return "\n".join(sections)


def _tables(
    figures: Callable[[Sequence[Run]], str], runs: Sequence[Run]
) -> list[str]:
    """A table of the runs' figures, and one of how they were made."""
    if not runs:
        return ["There are no such runs.\n"]
    headings = ["run", "command", "seed", "epochs", "time", "commit"]
    rows = [
        [
            _link(run),
            f"`{run.command}`",
            run.flags["seed"],
            _epochs(run),
            run.time,
            run.commit[:SHORT_COMMIT],
        ]
        for run in runs
    ]
    return [figures(runs), table(headings, rows)]


def _benchmark(run: Run) -> str | None:
    """The data set of the published numbers, if the protocol is theirs."""
    protocol = PROTOCOLS.get(run.corpus)
    if protocol is None or _published_name(run) is None:
        return None
    is_theirs = all(
        run.flags.get(name) in allowed for name, allowed in protocol.items()
    )
    return run.corpus if is_theirs else None


def _published_name(run: Run) -> str | None:
    """The name that published.csv has for the model; None for HDGM."""
    model = run.flags["model"]
    samples = run.flags.get("num_latent_samples", "default")
    suffix = "" if samples in ("default", "1") else f" L={samples}"
    if run.flags.get("posterior_family") == "vmf":
        return "LSTM-vMF-VAE"
    names = {
        "lstm_lm": "LSTM-LM",
        "vae": f"LSTM-VAE{suffix}",
        "lstm_vae": f"LSTM-VAE{suffix}",
        "lstm_vae_avg": f"LSTM-VAE-AVG{suffix}",
    }
    return names.get(model)


def _comparison(
    runs: Sequence[Run], published: Sequence[dict[str, str]]
) -> list[str]:
    """Tables for each data set that there are runs for."""
    benchmarks = [name for name in HEADINGS if name in map(_benchmark, runs)]
    if not benchmarks:
        return []
    rows = [row for row in published if row["dataset"] in benchmarks]
    papers = dict.fromkeys((row["source"], row["title"]) for row in rows)
    parts = [PUBLISHED, *(f"- {source}: {title}" for source, title in papers)]
    for name in benchmarks:
        theirs = [row for row in rows if row["dataset"] == name]
        ours = [run for run in runs if _benchmark(run) == name]
        figures = functools.partial(_comparison_table, published=theirs)
        parts += [f"\n### {HEADINGS[name]}\n", *_tables(figures, ours)]
    return parts


def _comparison_table(
    runs: Sequence[Run], published: Sequence[dict[str, str]]
) -> str:
    """Rows of the same model and setting together, the published first."""
    rows = [(_group(row), _published_cells(row)) for row in published]
    for run in runs:
        rows += [(_group_of_run(run), cells) for cells in _run_cells(run)]
    settings_in_order = list(dict.fromkeys(setting for (setting, _), _ in rows))
    models_in_order = list(dict.fromkeys(model for (_, model), _ in rows))
    rows.sort(
        key=lambda row: (
            settings_in_order.index(row[0][0]),
            models_in_order.index(row[0][1]),
        )
    )
    headings = [
        "setting",
        "model",
        "source",
        "what it is",
        "nats",
        "KL",
        "perplexity",
    ]
    return table(headings, [[*group, *cells] for group, cells in rows])


def _group(row: dict[str, str]) -> tuple[str, str]:
    return row["setting"], row["model"]


def _group_of_run(run: Run) -> tuple[str, str]:
    is_inputless = run.flags.get("word_keep_rate") in ("0", "0.0")
    return "inputless" if is_inputless else "standard", _published_name(run)


def _published_cells(row: dict[str, str]) -> list[str]:
    perplexity = _with_deviation(row, "perplexity")
    if row["perplexity_note"]:
        perplexity += f" ({row['perplexity_note']})"
    return [
        row["source"],
        row["number"],
        _with_deviation(row, "nats"),
        _with_deviation(row, "kl"),
        perplexity,
    ]


def _with_deviation(row: dict[str, str], name: str) -> str:
    deviation = row[f"{name}_sd"]
    return f"{row[name]} ± {deviation}" if deviation else row[name]


def _run_cells(run: Run) -> Iterable[list[str]]:
    """A line for each likelihood or bound among the run's figures."""
    source = f"**measured**: {_link(run)}"
    if run.printed is None:
        yield [source, NOT_FINISHED, NONE, NONE, NONE]
    for name, line in run.figures.items():
        what = _what_it_is(name, line)
        if what is None:
            continue
        perplexity = re.search(r"perplexity (\S+?)(;|$)", line)
        if perplexity:
            perplexity = perplexity[1]
        elif name in ("log-likelihood", "bound"):
            perplexity = run.figures["perplexity"]
        has_kl = "-(nll + " in name or name == "bound"
        yield [
            source,
            what,
            _decimals(-run.number(name)),
            _decimals(run.number("KL")) if has_kl else NONE,
            perplexity or NONE,
        ]


def _what_it_is(name: str, line: str) -> str | None:
    """What kind of number a line of the figures has, None for no likelihood."""
    if name == "importance-weighted bound":
        samples = re.search(r"(\d+) samples", line)[1]
        return f"importance weighted, {samples} samples"
    if re.fullmatch(r"bound, -\(nll \+ \d+ KL\)", name):
        return "bound, every KL charged"
    return {
        "log-likelihood": "exact",
        "bound": "bound",
        "bound, single latent": "bound, one latent decoded",
        "paper's metric, -(nll + KL)": "one KL charged: not a bound",
        "-(nll + KL), not a bound": "not a bound",
    }.get(name)


def _remedy_table(runs: Sequence[Run]) -> str:
    headings = [
        "remedy",
        "flags",
        "epochs",
        "nll",
        "KL",
        "bound",
        "importance-weighted bound",
        "active units",
        "mutual information",
    ]
    plain = next((run for run in runs if run.name == PLAIN_RUN), None)
    rows = []
    for run in sorted(runs, key=lambda run: run is not plain):
        base = _recipe() if plain in (run, None) else plain.flags
        remedy = run.name.removeprefix(REMEDY_PREFIX).replace("_", " ")
        rows.append(
            [
                f"[{remedy}](results/{run.name})",
                _differing_flags(run, base),
                _epochs(run),
                *_figure_cells(run, "nll", "KL", "bound"),
                _importance_weighted(run),
                *_diagnostics(run),
            ]
        )
    return table(headings, rows)


def _recipe() -> dict[str, str]:
    """All flags of the plain recipe, resolved."""
    argv = ["", "--model=lstm_vae", "--dataset=ptb", f"--data_dir={FOLDER}"]
    return _read_flags(settings.flagfile_text(settings.parse(argv, RECIPES)))


def _differing_flags(run: Run, base: dict[str, str]) -> str:
    """Flags that define the run and have another value than in `base`."""
    return " ".join(
        f"`--{name}={value}`"
        for name, value in run.flags.items()
        if value != base.get(name, settings.DEFAULT) and _defines_run(name)
    )


def _defines_run(name: str) -> bool:
    setting = flag_table.SETTINGS.get(name)
    return setting is not None and setting.role == "run"


def _sparse_sections(runs: Sequence[Run]) -> list[str]:
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
                _link(run),
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
    alpha, beta = (float(run.flags[name]) for name in ("alpha", "beta"))
    gamma = np.random.default_rng(0).beta(alpha, beta, shape)
    return f"Beta({alpha:g}, {beta:g})", gamma


def _hoyer_of_prior(gamma: np.ndarray) -> float:
    """Of spike-and-slab samples with these probabilities of the spike."""
    generator = np.random.default_rng(1)
    is_spike = generator.uniform(size=gamma.shape) < gamma
    scale = np.where(is_spike, SPIKE_SCALE, 1.0)
    return hoyer(normalized(scale * generator.normal(size=gamma.shape)))


def _probe_table(runs: Sequence[Run]) -> str:
    headings = [
        "run",
        "representation",
        "dimensions",
        "not 0",
        "Hoyer",
        "linear",
        "one hidden layer",
    ]
    rows = [
        [
            _link(run),
            probe["representation"],
            probe["dimensions"],
            *(
                f"{float(probe[name]):.3f}" if probe[name] else NONE
                for name in (
                    "nonzero",
                    "hoyer",
                    "linear_accuracy",
                    "hidden_layer_accuracy",
                )
            ),
        ]
        for run in runs
        for probe in run.probes
    ]
    return table(headings, rows)


def _other_table(runs: Sequence[Run]) -> str:
    headings = [
        "run",
        "corpus",
        "likelihood",
        "nll",
        "KL",
        "-(nll + KL)",
        "perplexity",
        "importance-weighted bound",
        "active units",
        "mutual information",
    ]
    rows = []
    for run in runs:
        cost = next(
            (
                _decimals(run.number(name))
                for name in run.figures
                if name == "log-likelihood" or _charges_one_kl(name)
            ),
            NONE,
        )
        rows.append(
            [
                _link(run),
                _corpus(run),
                run.figures.get("likelihood", NOT_FINISHED),
                *_figure_cells(run, "nll", "KL"),
                cost,
                *_figure_cells(run, "perplexity"),
                _importance_weighted(run),
                *_diagnostics(run),
            ]
        )
    return table(headings, rows)


def _charges_one_kl(name: str) -> bool:
    return name == "bound" or "-(nll + KL)" in name


def _figure_cells(run: Run, *names: str) -> list[str]:
    if run.printed is None:
        return [NOT_FINISHED, *[NONE] * (len(names) - 1)]
    return [_decimals(run.number(name)) for name in names]


def _importance_weighted(run: Run) -> str:
    name = "importance-weighted bound"
    if name not in run.figures:
        return NONE
    samples = re.search(r"\d+ samples", run.figures[name])[0]
    return f"{_decimals(run.number(name))} ({samples})"


def _diagnostics(run: Run) -> list[str]:
    return [
        run.figures.get("active units", NONE),
        _decimals(run.number("mutual information")),
    ]


def _section(run: Run) -> str:
    """One run: its epochs, and its figures as printed."""
    return (
        f"### {run.name}\n\n"
        f"Logs: [results/{run.name}/](results/{run.name}).\n\n"
        f"{_epoch_table(run)}\n"
        f"```text\n{run.printed or NOT_FINISHED}\n```\n"
    )


def _epochs(run: Run) -> str:
    """How many are done, and which was the best."""
    pretraining = int(run.flags.get("autoencoder_epochs", "0"))
    rows = [row for row in run.epochs if row["epoch"] > pretraining]
    done = f"{len(run.epochs)} of {run.flags['epochs']}"
    if not rows:
        return done
    best = min(rows, key=lambda row: row["val_loss"])
    return f"{done}, the best {best['epoch']:.0f}"


def _epoch_table(run: Run) -> str:
    is_latent = run.flags["model"] != "lstm_lm"
    columns = {
        name: column
        for name, column in COLUMNS.items()
        if any(name in row for row in run.epochs)
        and (is_latent or name not in OF_LATENTS)
    }
    rows = [
        [
            f"{row[name]:.{decimals}f}" if name in row else NONE
            for name, (_, decimals) in columns.items()
        ]
        for row in run.epochs
    ]
    return table([heading for heading, _ in columns.values()], rows)


def _corpus(run: Run) -> str:
    protocol = run.flags.get("ptb_protocol")
    return f"{run.corpus} ({protocol})" if protocol else run.corpus


def _link(run: Run) -> str:
    return f"[{run.name}](results/{run.name})"


def _decimals(number: float | None) -> str:
    return NONE if number is None else f"{number:z.2f}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; columns of numbers are set to the right."""
    rows = list(rows)
    rules = [
        "---:" if _is_numeric(row[column] for row in rows) else "---"
        for column in range(len(headings))
    ]
    lines = [headings, rules, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_numeric(cells: Iterable[str]) -> bool:
    return all(re.match(r"-?\d|over |$|\(not", cell) for cell in cells)


def plot(runs: Sequence[Run], path: pathlib.Path) -> None:
    """Draw validation curves, a row of charts for each corpus."""
    corpora = list(dict.fromkeys(map(_corpus, runs)))
    figure = Figure(figsize=(12, 3.6 * len(corpora)), layout="constrained")
    axes = figure.subplots(len(corpora), len(CURVES), squeeze=False)
    for corpus, row in zip(corpora, axes, strict=True):
        here = [run for run in runs if _corpus(run) == corpus]
        for axis, (column, label) in zip(row, CURVES.items(), strict=True):
            for run in here:
                known = [each for each in run.epochs if column in each]
                epochs = [each["epoch"] for each in known]
                values = [each[column] for each in known]
                axis.plot(epochs, values, ".-", label=run.name)
            axis.set(xlabel="epoch", ylabel=label, title=corpus)
            axis.xaxis.get_major_locator().set_params(integer=True)
            if column != "val_nll":
                axis.set_ylim(bottom=0)
            axis.grid(alpha=0.3)
        row[0].legend(fontsize="small")
    figure.savefig(path, dpi=100)


def plot_probes(runs: Sequence[Run], path: pathlib.Path) -> None:
    """Draw accuracy against sparsity, a chart for each corpus."""
    runs = [run for run in runs if run.probes]
    corpora = list(dict.fromkeys(run.corpus for run in runs))
    figure = Figure(figsize=(12, 4.5 * len(corpora)), layout="constrained")
    charts = figure.subplots(len(corpora), 1, squeeze=False)[:, 0]
    for corpus, axis in zip(corpora, charts, strict=True):
        for run in runs:
            if run.corpus == corpus:
                _plot_codes(axis, run)
        _plot_baselines(axis, next(r for r in runs if r.corpus == corpus))
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


def _plot_codes(axis: Axes, run: Run) -> None:
    codes = [row for row in run.probes if ": " in row["representation"]]
    points = axis.plot(
        [float(row["hoyer"]) for row in codes],
        [float(row["linear_accuracy"]) for row in codes],
        "o",
        label=run.name,
    )
    for row in codes:
        _, _, view = row["representation"].partition(": ")
        axis.annotate(
            view,
            (float(row["hoyer"]), float(row["linear_accuracy"])),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=7,
            color=points[0].get_color(),
        )


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


def read_all() -> tuple[list[Run], list[dict[str, str]]]:
    """Read the runs and the published numbers of this folder."""
    folders = sorted(path.parent for path in FOLDER.glob("*/metrics.csv"))
    with (FOLDER / "published.csv").open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    return [read_run(folder) for folder in folders], published


def main() -> None:
    """Write the page and the plot."""
    runs, published = read_all()
    path = FOLDER.parent / "results.md"
    path.write_text(page(runs, published), encoding="utf-8")
    plot(runs, FOLDER / "curves.png")
    if any(run.probes for run in runs):
        plot_probes(runs, FOLDER / "sparsity.png")


if __name__ == "__main__":
    main()
