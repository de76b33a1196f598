"""Several runs on one page."""

import math
import pathlib
from collections.abc import Mapping, Sequence

from keras_textgen.checks import counted
from keras_textgen.cli.settings import (
    SETTINGS,
    RunError,
    Settings,
    read_flagfile,
    value_text,
)
from keras_textgen.evaluation.figures import read_figures, spread
from keras_textgen.pages.report_page import Panel, Table, report_page
from keras_textgen.tasks.reports.common import (
    RESULTS_FILE,
    curves_panel,
)
from keras_textgen.training.judging import judged_by, kept_epoch
from keras_textgen.training.metrics_file import read_epochs
from keras_textgen.training.run_directory import (
    FIGURES_FILE,
    RunDirectory,
    read_whole,
)


def comparison(paths: Sequence[str]) -> str:
    """The page of several runs.

    Args:
      paths: of their folders.

    Returns:
      HTML: the settings in which they differ, their curves, what each has
      reached, and the figures of its test set.

    Raises:
      RunError: if one is no run.
    """
    runs = {name: RunDirectory(path) for name, path in _named(paths).items()}
    settings = {name: _settings(run) for name, run in runs.items()}
    metrics = {
        name: read_epochs(run.metrics_file) for name, run in runs.items()
    }
    return report_page(
        counted(len(runs), "run"),
        [
            _settings_panel(settings),
            _reached_panel(metrics, settings),
            curves_panel(metrics),
            _figures_panel(runs, settings),
            _results_panel(runs),
        ],
    )


def _named(paths: Sequence[str]) -> dict[str, str]:
    """Folders by the shortest ends of their paths that differ."""
    parts = [pathlib.Path(path).absolute().parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return dict(zip(names, paths, strict=True))
    raise RunError(
        f"--runs={','.join(paths)}: one of them twice; allowed: different runs"
    )


def _settings(run: RunDirectory) -> Settings:
    if not run.flags_file.is_file():
        raise RunError(
            f"{run.path}: there is no run ({run.flags_file.name} is missing); "
            "allowed: the folder of a run"
        )
    return read_flagfile(run.flags_file)


def _settings_panel(settings: Mapping[str, Settings]) -> Panel:
    rows = [
        [f"--{name}", *values]
        for name, values in _differences(settings).items()
    ]
    return Panel(
        "Settings",
        "Those in which the runs differ.",
        [Table(["setting", *settings], rows)],
    )


def _differences(settings: Mapping[str, Settings]) -> dict[str, list[str]]:
    """The settings in which runs differ, with the value of each run."""
    every = {
        name: [value_text(each, name) for each in settings.values()]
        for name, setting in SETTINGS.items()
        if setting.role != "call"
    }
    return {n: values for n, values in every.items() if len(set(values)) > 1}


def _reached_panel(
    metrics: Mapping[str, list[dict[str, float]]],
    settings: Mapping[str, Settings],
) -> Panel:
    rows = []
    for name, epochs in metrics.items():
        kept = kept_epoch(epochs, settings[name].autoencoder_epochs or 0)
        if kept is not None:
            best = int(kept["epoch"])
            rows.append([name, len(epochs), best, judged_by(kept)])
    return Panel(
        "Reached",
        "The epoch that is kept, and what it is judged by: the validation "
        "loss, or the share of validation documents that a classifier gets "
        "wrong. Of different models or data, these cannot be compared.",
        [Table(["run", "epochs", "best epoch", "its figure"], rows)],
    )


def _figures_panel(
    runs: Mapping[str, RunDirectory], settings: Mapping[str, Settings]
) -> Panel:
    """Every figure beside those of the other runs."""
    files = {name: run.figures_file for name, run in runs.items()}
    found = spread(
        {
            name: read_figures(file)
            for name, file in files.items()
            if file.is_file()
        }
    )
    if not found:
        return Panel(
            "Figures",
            f"Of none of the runs there is a {FIGURES_FILE} yet: "
            "--mode=evaluate writes it.",
        )
    are_seeds = list(_differences(settings)) == ["seed"]
    headings = ["figure", "of", "unit", "bound"]
    rows = []
    for each in found:
        figure, values = each.figure, each.values
        spread_of_seeds = [figure.value, each.deviation] if are_seeds else []
        rows.append(
            [
                figure.name,
                figure.split,
                figure.unit,
                figure.bound or "",
                *map(_cell, [*spread_of_seeds, *values.values()]),
            ]
        )
    caption = "Of the kept epoch. A lower bound of a likelihood, or an upper "
    caption += "one of a cost, may be compared with bounds of its kind alone."
    if are_seeds:
        headings += ["mean", "standard deviation"]
        caption += " The runs differ in their seeds; deviations are with n - 1."
    headings += found[0].values
    return Panel("Figures", caption, [Table(headings, rows)])


def _cell(value: float) -> float | str:
    """A number; "-" for what is not there."""
    return value if math.isfinite(value) else "-"


def _results_panel(runs: Mapping[str, RunDirectory]) -> Panel:
    files = {name: run.path / RESULTS_FILE for name, run in runs.items()}
    return Panel(
        "Test set",
        "What each run has printed.",
        folded=[
            (name, read_whole(file).strip("\n"))
            for name, file in files.items()
            if file.is_file()
        ],
    )
