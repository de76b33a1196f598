"""What the reports of all kinds of models have: settings, curves, figures."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

import numpy as np

import keras_textgen
from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import (
    SETTINGS,
    Settings,
    recipe_settings,
    value_text,
)
from keras_textgen.pages.charts import Chart, line_chart
from keras_textgen.pages.report_page import Panel, Table
from keras_textgen.training.metrics_file import read_epochs
from keras_textgen.training.run_directory import RunDirectory, read_whole

RESULTS_FILE = "results.txt"
# Settings that no recipe can have.
_OF_EVERY_RUN = ("model", "dataset", "data_dir")
_VERSIONS = ("tensorflow", "keras", "tensorflow-probability")
# Of figures that are printed, what each is.
MEANINGS: Mapping[str, str] = {
    "nll": "what the decoder misses of a text, in nats; the reconstruction "
    "term of a bound",
    "KL": "what the code tells of the text, in nats: 0 says that the decoder "
    "ignores it",
    "bound": "a lower bound of the log-likelihood: -(nll + KL)",
    "importance-weighted bound": "a tighter lower bound of it",
    "log-likelihood": "of the text, exactly",
    "perplexity": "exp of the nats for each word: between so many equally "
    "likely words the model chooses",
    "active units": "dimensions of the code whose mean depends on the text",
    "mutual information": "between text and code, in nats",
    "accuracy": "share of documents that are classified right",
    "macro-F1": "mean over classes of the harmonic mean of precision and "
    "recall",
    "V-measure": "agreement of topics and labels, 0 to 1",
    "NPMI": "how often the words of a topic occur together, -1 to 1",
    "diversity": "share of the topics' words that are in one topic alone",
    "RMSE": "root of the mean squared error of predicted values",
    "MAE": "mean absolute error of predicted values",
    "Recall@10": "share of what a row likes that is among the first ten",
    "NDCG@10": "the same, more for what comes first",
}


def common_panels(
    settings: Settings, directory: RunDirectory, remarks: Sequence[str]
) -> list[Panel]:
    """The parts that stand first in every report.

    Args:
      settings: of the run.
      directory: of the run.
      remarks: on the data, a line each.

    Returns:
      Settings and data, curves, and the figures of the test set.
    """
    return [
        _run_panel(settings, directory, remarks),
        curves_panel(
            {directory.path.name: read_epochs(directory.metrics_file)}
        ),
        _results_panel(directory),
    ]


def _run_panel(
    settings: Settings, directory: RunDirectory, remarks: Sequence[str]
) -> Panel:
    changed = [
        [f"--{name}", own, recipes] for name, own, recipes in _changes(settings)
    ]
    command = f"python trainer.py --flagfile={directory.flags_file}"
    table = Table(["setting", "this run", "recipe"], changed)
    return Panel(
        "The run",
        "What differs from the recipe, what the data are, and the command that "
        "repeats the run.",
        [table, "\n".join([*remarks, command])]
        if changed
        else ["\n".join(["As the recipe says.", *remarks, command])],
        folded=[
            ("Versions", _versions()),
            ("All settings", read_whole(directory.flags_file)),
        ],
    )


def _changes(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Settings of a run that its recipe has otherwise."""
    recipe = recipe_settings(settings.model, settings.dataset, find_recipes())
    for name, setting in SETTINGS.items():
        own = value_text(settings, name)
        theirs = value_text(recipe, name)
        is_of_run = setting.role != "call" and name not in _OF_EVERY_RUN
        if is_of_run and getattr(settings, name) is not None and own != theirs:
            yield name, own, theirs


def _versions() -> Table:
    rows = [
        ["keras-textgen", keras_textgen.__version__],
        ["Python", platform.python_version()],
        *([name, metadata.version(name)] for name in _VERSIONS),
    ]
    return Table(["package", "version"], rows)


def curves_panel(runs: Mapping[str, list[dict[str, float]]]) -> Panel:
    """Curves of training and validation, a chart a figure.

    Args:
      runs: figures of each epoch, by the name of the run.

    Returns:
      The panel.
    """
    names = {
        name.removeprefix("val_")
        for rows in runs.values()
        for row in rows
        for name in row
    }
    every = {name: _curve(runs, name) for name in sorted(names - {"epoch"})}
    first = [
        name for name in ("loss", "elbo", "accuracy", "rmse") if name in every
    ]
    return Panel(
        "Training",
        "Each figure after each epoch, of the training and of the validation "
        "set. Figures of training are means over an epoch in which the model "
        "changes, with dropout and with the KL weight of the time.",
        [every[name] for name in first[:2]],
        folded=[
            (name.replace("_", " "), chart)
            for name, chart in every.items()
            if name not in first[:2]
        ],
    )


def _curve(runs: Mapping[str, list[dict[str, float]]], base: str) -> Chart:
    rows = []
    for run, epochs in runs.items():
        for name, split in ((base, "training"), (f"val_{base}", "validation")):
            series = split if len(runs) == 1 else f"{run}, {split}"
            rows += [
                {
                    "epoch": epoch["epoch"],
                    base: epoch[name],
                    "split": series,
                }
                for epoch in epochs
                if name in epoch and np.isfinite(epoch[name])
            ]
    return line_chart(rows, "epoch", base, "split")


def _results_panel(directory: RunDirectory) -> Panel:
    path = directory.path / RESULTS_FILE
    if not path.is_file():
        return Panel(
            "Test set", "Not evaluated yet: --mode=evaluate writes the figures."
        )
    text = read_whole(path)
    lower = text.lower()
    rows = [
        [name, meaning]
        for name, meaning in MEANINGS.items()
        if name.lower() in lower
    ]
    return Panel(
        "Test set",
        "As the run printed them, with the weights of the best epoch.",
        [text.strip("\n")],
        folded=[("What each figure is", Table(["figure", "meaning"], rows))],
    )


def shortened(text: str, length: int = 160) -> str:
    """The beginning of a text.

    Example:
    >>> shortened("a rose is a rose", 6)
    'a rose...'
    """
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[:length]}..."
