"""Turns the runs in this folder into README.md and curves.png.

A run is a folder with what it wrote and printed: `command.txt` (the command,
then the commit it ran from), `flags.txt`, `metrics.csv` and `log.txt`. No
number of the page is typed. Run it again after adding a run:

    python docs/results/summarize.py
"""

import csv
import pathlib

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

FOLDER = pathlib.Path(__file__).parent
INTRODUCTION = """\
# Results

Written by `docs/results/summarize.py` from the logs beside this page. Nats
are per sequence: on `ptb` a sequence is a window of 20 words of the stream, on
`imdb` the first or last 14 words of a review and the end. Validation uses KL
weight 1. Kind `reconstruction` is not a likelihood (see
[what each number means](../likelihoods.md)): those runs have no perplexity
and are not to be set beside language models. The papers' own tables for these
models were not available, so nothing is compared with them.

Mutual information is estimated from 500 sequences and cannot exceed
log 500 = 6.21. That it exceeds the KL in the HDGM runs shows what their KL is
worth: the second level is compared with a distribution made from its own
sample, so it carries information that nobody is charged for.

The logs also hold reconstructions. Those of the runs on `ptb` and `imdb` are
nearly empty: at their commit beam search kept every ended hypothesis, however
unlikely, and so preferred the shortest texts; it no longer does.

![Validation curves](curves.png)
"""
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
CURVES = {
    "val_nll": "nll, nats per sequence",
    "val_kl": "KL, nats per sequence",
    "val_active_units": "active units",
}


def _read(run: pathlib.Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def _table(rows: list[dict[str, float]]) -> str:
    headings = [heading for heading, _ in COLUMNS.values()]
    lines = [headings, ["---:"] * len(headings)]
    for row in rows:
        lines.append(
            [
                f"{row[name]:.{decimals}f}"
                for name, (_, decimals) in COLUMNS.items()
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _printed(run: pathlib.Path) -> str:
    """The test figures that the run printed after training."""
    log = (run / "log.txt").read_text(encoding="utf-8")
    _, found, end = log.partition("\nTest set, ")
    figures, _, _ = end.partition("\n\n")
    return f"Test set, {figures}" if found else "(not finished)"


def _section(run: pathlib.Path, rows: list[dict[str, float]]) -> str:
    command, commit = (run / "command.txt").read_text().split("\n")[:2]
    seed = next(
        line.removeprefix("--seed=")
        for line in (run / "flags.txt").read_text().splitlines()
        if line.startswith("--seed=")
    )
    return (
        f"## {run.name}\n\n"
        f"`{command}`, seed {seed}, commit {commit}. Logs: [{run.name}/]"
        f"({run.name}). Validation figures after each epoch:\n\n"
        f"{_table(rows)}\n\n"
        f"```text\n{_printed(run).strip()}\n```\n"
    )


def _plot(runs: dict[str, list[dict[str, float]]]) -> None:
    figure, axes = pyplot.subplots(
        1, len(CURVES), figsize=(12, 3.6), layout="constrained"
    )
    for axis, (column, label) in zip(axes, CURVES.items(), strict=True):
        for name, rows in runs.items():
            epochs = [row["epoch"] for row in rows]
            axis.plot(epochs, [row[column] for row in rows], "o-", label=name)
        axis.set(xlabel="epoch", title=f"validation {label}")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(FOLDER / "curves.png", dpi=120)


def main() -> None:
    """Write the page and the plot."""
    folders = sorted(path.parent for path in FOLDER.glob("*/metrics.csv"))
    runs = {folder.name: _read(folder) for folder in folders}
    sections = [_section(folder, runs[folder.name]) for folder in folders]
    page = "\n".join([INTRODUCTION, *sections])
    (FOLDER / "README.md").write_text(page, encoding="utf-8")
    _plot(runs)


if __name__ == "__main__":
    main()
