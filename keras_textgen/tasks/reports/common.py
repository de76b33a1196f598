"""What the reports of all kinds of models have: settings, curves, figures."""

import dataclasses
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

import numpy as np

import keras_textgen
from keras_textgen.checks import counted
from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import (
    SETTINGS,
    Settings,
    recipe_settings,
    value_text,
)
from keras_textgen.pages.charts import Chart, line_chart
from keras_textgen.pages.report_page import Panel, SideBySide, Table
from keras_textgen.training.epoch_times import (
    SECONDS,
    TRAINING_SECONDS,
    speeds_of,
)
from keras_textgen.training.metrics_file import read_epochs
from keras_textgen.training.progress_lines import duration
from keras_textgen.training.run_directory import RunDirectory, read_whole

RESULTS_FILE = "results.txt"
# Of curves, those that need not be unfolded: the bound, its parts, and
# whether the code is used.
_FIRST_CURVES = (
    "loss",
    "elbo",
    "nll",
    "kl",
    "kl_weight",
    "active_units",
    "mutual_information",
    "accuracy",
    "macro_f1",
    "v_measure",
    "rmse",
    "mae",
)
# Settings that no recipe can have.
_OF_EVERY_RUN = ("model", "dataset", "data_dir")
_VERSIONS = ("tensorflow", "keras", "tensorflow-probability")
# What each of the figures is that are printed.
MEANINGS: Mapping[str, str] = {
    "sequences": "texts, or windows of one, that the figures are of",
    "predicted tokens": "words to be predicted, and the end of each text",
    "nll": "what the decoder misses of a text, in nats; the reconstruction "
    "term of a bound",
    "KL": "what the code tells of the text, in nats: 0 says that the decoder "
    "ignores it",
    "bound": "a lower bound of the log-likelihood: -(nll + KL)",
    "importance-weighted bound": "a tighter lower bound of it",
    "log-likelihood": "of the text, exactly",
    "perplexity": "exp of the nats for each word: between so many equally "
    "likely words the model chooses",
    "per word of it": "the same nats, by what stands between white space",
    "per byte of it": "the same in bits, by bytes: of models of other words, "
    "too, this can be compared",
    "active units": "dimensions of the code whose mean depends on the text",
    "mutual information": "between text and code, in nats",
    "copies": "share of samples that are training texts to the letter",
    "distinct-1": "share of different words among those of samples",
    "distinct-2": "the same of pairs of words",
    "self-BLEU": "how alike samples are: 1 says all the same",
    "forward perplexity": "of samples, by a language model of training texts: "
    "low says fluent",
    "reverse perplexity": "of real texts, by a language model of samples: low "
    "says fluent and various",
    "reconstruction BLEU": "how much of test texts comes back from their codes",
    "exact reconstructions": "share of test texts that come back to the letter",
    "Hoyer": "sparsity of codes: 0 where all dimensions are of one size, 1 "
    "where one alone is not 0",
    "accuracy": "share of documents that are classified right",
    "macro-F1": "mean over classes of the harmonic mean of precision and "
    "recall",
    "precision": "share of documents given a class that are of it",
    "recall": "share of documents of a class that are given it",
    "homogeneity": "whether a topic has documents of one label alone, 0 to 1",
    "completeness": "whether a label's documents are of one topic, 0 to 1",
    "V-measure": "agreement of topics and labels, 0 to 1",
    "NPMI": "how often the words of a topic occur together, -1 to 1",
    "diversity": "share of the topics' words that are in one topic alone",
    "RMSE": "root of the mean squared error of predicted values",
    "MAE": "mean absolute error of predicted values",
    "Recall@": "share of what a row likes that is among the first so many",
    "NDCG@": "the same, more for what comes first",
}


def common_panels(
    settings: Settings,
    directory: RunDirectory,
    remarks: Sequence[str],
    data: tuple[str, Table],
) -> list[Panel]:
    """The parts that stand first in every report.

    Args:
      settings: of the run.
      directory: of the run.
      remarks: on the data, a line each.
      data: what the table of the data is called, and this.

    Returns:
      Settings and data, curves, and the figures of the test set.
    """
    epochs = read_epochs(directory.metrics_file)
    curves = curves_panel({directory.path.name: epochs})
    times = _times_text(read_epochs(directory.times_file))
    return [
        _run_panel(settings, directory, remarks, data),
        dataclasses.replace(
            curves, caption=" ".join(filter(None, [curves.caption, times]))
        ),
        _results_panel(directory),
    ]


def _times_text(epochs: Sequence[Mapping[str, float]]) -> str:
    """How long epochs took; empty where nobody has noted it."""
    if not epochs:
        return ""
    middle = {
        name: float(np.median([row[name] for row in epochs if name in row]))
        for name in epochs[-1]
    }
    speeds = ", ".join(
        f"{speed:,.0f} {unit} a second"
        for unit, speed in speeds_of(middle).items()
    )
    whole = duration(sum(row[SECONDS] for row in epochs))
    return (
        f"{counted(len(epochs), 'epoch')} took {whole}; the median one "
        f"{duration(middle[SECONDS])}, of which its steps "
        f"{duration(middle[TRAINING_SECONDS])}: {speeds}."
    )


def _run_panel(
    settings: Settings,
    directory: RunDirectory,
    remarks: Sequence[str],
    data: tuple[str, Table],
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
        [
            *([table] if changed else ["As the recipe says."]),
            "\n".join([*remarks, command]),
            data[1],
        ],
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
    first = [name for name in _FIRST_CURVES if name in every]
    return Panel(
        "Training",
        "Each figure after each epoch, of the training and of the validation "
        "set. Figures of training are means over an epoch in which the model "
        "changes, with dropout and with the KL weight of the time.",
        [SideBySide([every[name] for name in first])],
        folded=[
            (name.replace("_", " "), chart)
            for name, chart in every.items()
            if name not in first
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


def parts_by(
    numbers: np.ndarray, count: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Parts of about as many rows each, by a number of each row.

    Args:
      numbers: int [N].
      count: of the parts, at most.

    Yields:
      The range of the numbers of a part, and which rows are in it, bool [N].

    Example:
    >>> parts = parts_by(np.array([1, 1, 9]), 2)
    >>> [(name, here.tolist()) for name, here in parts]
    [('1', [True, True, False]), ('9', [False, False, True])]
    """
    edges = np.quantile(numbers, np.linspace(0, 1, count + 1)[1:-1])
    parts = np.searchsorted(np.unique(edges), numbers, side="left")
    for part in np.unique(parts):
        here = parts == part
        least, most = int(numbers[here].min()), int(numbers[here].max())
        yield (f"{least}" if least == most else f"{least} to {most}"), here


def shortened(text: str, length: int = 160) -> str:
    """The beginning of a text.

    Example:
    >>> shortened("a rose is a rose", 6)
    'a rose...'
    """
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[:length]}..."


def joined_text(document: str | Sequence[str]) -> str:
    """A document as one text.

    Example:
    >>> joined_text(["a rose", "a thorn"]), joined_text("a rose")
    ('a rose a thorn', 'a rose')
    """
    return document if isinstance(document, str) else " ".join(document)
