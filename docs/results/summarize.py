"""Turns the runs in this folder into docs/results.md and its figures.

`run_folders.py` says what the folder of a run holds. Published numbers are in
`published.csv`. No number of the page is typed. Run it again after adding a
run:

    python docs/results/summarize.py

Runs named `lstm_vae_ptb_<remedy>` are compared with `lstm_vae_ptb_plain`; the
others are set beside published numbers if their protocol is that of the papers.
"""

import csv
import functools
import pathlib
import re
from collections.abc import Iterable, Sequence

import other_tasks
import sparse_codes
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from run_folders import (
    FOLDER,
    NONE,
    NOT_FINISHED,
    Run,
    after_pretraining,
    decimals,
    epoch_table,
    epochs_done,
    grouped,
    link,
    read_flags,
    read_run,
    softmax_note,
    table,
    tables,
)

from keras_textgen.cli import settings
from keras_textgen.specs import names_of

RECIPES = FOLDER.parent.parent / "flags"
REMEDY_PREFIX = "lstm_vae_ptb_"
PLAIN_RUN = f"{REMEDY_PREFIX}plain"

INTRODUCTION = """\
# Results

Written by `docs/results/summarize.py` from the logs in
[docs/results](results). Nats are per sequence, means over the test set unless
said otherwise. [What each number means](likelihoods.md) is a page of its own: a
bound or an exact likelihood can stand beside a language model's, the rest
cannot. A run marked "(not finished)" has no test figures yet. Every run has one
seed; "epochs" are those done, those asked for, and the best, whose weights the
test figures belong to.

The tables of commands name the commit of every run. Before commit 7148348 the
softmax over the vocabulary gave padding and the start token, which never occur,
a part of the probability: likelihoods of those text models are too low by what
it was. `unused_mass.py` measures that on the weights of a run, which most of
these have not kept.
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
recipe `flags/lstm_vae_ptb.flags`, those of a remedy differ from "plain". With
5,000 words nothing here can be set beside the tables above. Every run has z at
every step unless it says otherwise. Aggressive training needs SGD, and while it
lasts most steps train the encoder alone: its nll is not comparable.
"""
OTHERS = """\
## Runs on other protocols

No paper has numbers to set beside these. On `ptb (stream)` a sequence is a
window of 20 words of the stream, on `imdb` the first or last 14 words of a
review and the end, on `sotu` a sentence of up to 25 words; the runs on `sotu`
are of three epochs, as their recipes are, and compare recipes rather than
models. [Presets](presets.md) sets those beside interpolated trigrams.

Mutual information is estimated from 500 sequences and cannot exceed
log 500 = 6.21. That it exceeds the KL in the HDGM runs with the reference
objective shows what their KL is worth: the second level is compared with a
distribution made from its own sample, so it carries information that nobody is
charged for.
"""
SUBWORDS = """\
## Subwords

No word is unknown to these models. Their figures cannot stand beside those of
texts with unknown words.
"""
RUNS = """\
## All runs of models with a likelihood

Figures of each epoch are of the validation set, with KL weight 1. The logs also
hold reconstructions. Those of `hdgm_imdb` are empty: at its commit beam search
kept every ended hypothesis, however unlikely, and so preferred the shortest
texts; it no longer does.

![Validation curves](results/curves.png)
"""

# Flags of the papers' protocols, and the values that they may have.
PROTOCOLS = {
    "ptb": {
        "ptb_protocol": ("sentences",),
        "tokenizer": (None, "word"),
        "vocab_size": ("default", "10002"),
        "max_length": ("default",),
    },
    "yahoo": {
        "tokenizer": (None, "word"),
        "vocab_size": ("default", "20000"),
        "max_length": ("default",),
    },
}
HEADINGS = {
    "ptb": "Penn Treebank, sentence by sentence",
    "yahoo": "Yahoo answers",
}
CURVES = {
    "val_nll": "nll, nats per sequence",
    "val_kl": "KL, nats per sequence",
    "val_active_units": "active units",
}


def page(runs: Sequence[Run], published: Sequence[dict[str, str]]) -> str:
    """The whole page in Markdown.

    Args:
        runs: in the order of the page.
        published: rows of published.csv.
    """
    texts = _text_runs(runs)
    remedies = [run for run in texts if run.name.startswith(REMEDY_PREFIX)]
    subwords = [run for run in texts if run.flags.get("tokenizer") == "subword"]
    rest = [run for run in texts if run not in (*remedies, *subwords)]
    elsewhere = [run for run in rest if _benchmark(run) is None]
    compared = [run for run in rest if run not in elsewhere]
    sections = [
        INTRODUCTION,
        softmax_note(texts),
        *_comparison(compared, published),
        REMEDIES,
        *tables(_remedy_table, remedies),
        *sparse_codes.sections(rest),
        OTHERS,
        *tables(_other_table, elsewhere),
        *_of_subwords(subwords),
        *other_tasks.sections(runs),
        RUNS,
        *map(_section, texts),
    ]
    return "\n".join(sections)


def _of_subwords(runs: Sequence[Run]) -> list[str]:
    """A table of their own: unknown words make others look better."""
    return [SUBWORDS, *tables(_other_table, runs)] if runs else []


def _text_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs of models that have a likelihood."""
    return [run for run in runs if run.flags["model"] in names_of("text")]


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
        parts += [f"\n### {HEADINGS[name]}\n", *tables(figures, ours)]
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
    source = f"**measured**: {link(run)}"
    if run.printed is None:
        yield [source, NOT_FINISHED, NONE, NONE, NONE]
    for name, line in run.figures.items():
        what = _what_it_is(name, line)
        if what is None:
            continue
        perplexity = re.search(r"perplexity(?: per \w+)? (\S+?)(;|$)", line)
        if perplexity:
            perplexity = perplexity[1]
        elif name in ("log-likelihood", "bound"):
            perplexity = run.figures[_perplexity_name(run)]
        has_kl = "-(nll + " in name or name == "bound"
        yield [
            source,
            what,
            decimals(-run.number(name)),
            decimals(run.number("KL")) if has_kl else NONE,
            perplexity or NONE,
        ]


def _perplexity_name(run: Run) -> str:
    """It says what a predicted token is, but in older logs."""
    names = (name for name in run.figures if name.startswith("perplexity"))
    return next(names, "perplexity")


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
                epochs_done(run),
                *_figure_cells(run, "nll", "KL", "bound"),
                *_diagnostics(run),
            ]
        )
    return table(headings, rows)


def _recipe() -> dict[str, str]:
    """All flags of the plain recipe, resolved."""
    argv = ["", "--model=lstm_vae", "--dataset=ptb", f"--data_dir={FOLDER}"]
    return read_flags(settings.flagfile_text(settings.parse(argv, RECIPES)))


def _differing_flags(run: Run, base: dict[str, str]) -> str:
    """Flags that define the run and have another value than in `base`."""
    return " ".join(
        f"`--{name}={value}`"
        for name, value in run.flags.items()
        if value != base.get(name, settings.DEFAULT) and _defines_run(name)
    )


def _defines_run(name: str) -> bool:
    setting = settings.SETTINGS.get(name)
    return setting is not None and setting.role == "run"


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
                decimals(run.number(name))
                for name in run.figures
                if name == "log-likelihood" or _charges_one_kl(name)
            ),
            NONE,
        )
        rows.append(
            [
                link(run),
                _corpus(run),
                run.figures.get("likelihood", NOT_FINISHED),
                *_figure_cells(run, "nll", "KL"),
                cost,
                *_figure_cells(run, _perplexity_name(run)),
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
    return [decimals(run.number(name)) for name in names]


def _importance_weighted(run: Run) -> str:
    name = "importance-weighted bound"
    if name not in run.figures:
        return NONE
    samples = re.search(r"\d+ samples", run.figures[name])[0]
    return f"{decimals(run.number(name))} ({samples})"


def _diagnostics(run: Run) -> list[str]:
    return [
        run.figures.get("active units", NONE),
        decimals(run.number("mutual information")),
    ]


def _section(run: Run) -> str:
    """One run: its epochs, and its figures as printed."""
    return (
        f"### {run.name}\n\n"
        f"Logs: [results/{run.name}/](results/{run.name}).\n\n"
        f"{epoch_table(run)}\n"
        f"```text\n{run.printed or NOT_FINISHED}\n```\n"
    )


def _corpus(run: Run) -> str:
    protocol = run.flags.get("ptb_protocol")
    return f"{run.corpus} ({protocol})" if protocol else run.corpus


def plot(runs: Sequence[Run], path: pathlib.Path) -> None:
    """Draw validation curves, a row of charts for runs to be compared."""
    groups = grouped(runs, _chart)
    figure = Figure(figsize=(14, 3.6 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), len(CURVES), squeeze=False)
    for (title, group), row in zip(groups.items(), axes, strict=True):
        for axis, (column, label) in zip(row, CURVES.items(), strict=True):
            for index, run in enumerate(group):
                _plot_epochs(axis, run, column, index)
            axis.set(xlabel="epoch", ylabel=label, title=title)
            axis.xaxis.get_major_locator().set_params(integer=True)
            if column != "val_nll":
                axis.set_ylim(bottom=0)
            axis.grid(alpha=0.3)
        row[-1].legend(
            fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5)
        )
    figure.savefig(path, dpi=100)


def _chart(run: Run) -> str:
    """Title of the charts that a run stands in."""
    is_remedy = run.name.startswith(REMEDY_PREFIX)
    if run.flags.get("tokenizer") == "subword":
        # Other sequences: those of so many subwords, and as they are written.
        return f"{_corpus(run)}, subwords"
    return _corpus(run) + (", remedies" if is_remedy else "")


def _plot_epochs(axis: Axes, run: Run, column: str, index: int) -> None:
    """The curve of a run; after ten colors, dashed ones."""
    known = [each for each in after_pretraining(run) if column in each]
    axis.plot(
        [each["epoch"] for each in known],
        [each[column] for each in known],
        ".-" if index < 10 else ".--",
        color=f"C{index % 10}",
        label=run.name,
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
    plot(_text_runs(runs), FOLDER / "curves.png")
    if any(run.probes for run in runs):
        sparse_codes.plot_probes(runs, FOLDER / "sparsity.png")


if __name__ == "__main__":
    main()
