"""What a run ends with: figures, printed and kept, and the report."""

import contextlib
import io
import pathlib
import sys
from typing import Any, TextIO

import keras

from keras_textgen.cli.errors import RunError
from keras_textgen.evaluation.figures import (
    Figure,
    figures_json,
    likelihood_figures,
    read_figures,
)
from keras_textgen.tasks.base import Task
from keras_textgen.tasks.reports.common import RESULTS_FILE
from keras_textgen.tasks.reports.run import run_report
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.judging import kept_epoch
from keras_textgen.training.metrics_file import by_split, read_epochs
from keras_textgen.training.run_directory import (
    FIGURES_FILE,
    RunDirectory,
    write_whole,
)

REPORT_FILE = "report.html"


def print_results(
    task: Task, model: keras.Model, directory: RunDirectory
) -> dict[str, str]:
    """Print results, keep them, and draw them.

    Args:
      task: of the run.
      model: trained.
      directory: of the run.

    Returns:
      The names of the files written there, with a word on each.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(_Both(sys.stdout, printed)):
        files = task.print_results(model, directory.path)
    heading, _, results = printed.getvalue().rpartition("\nTest set, with")
    del heading
    with writing(directory.path / RESULTS_FILE):
        write_whole(directory.path / RESULTS_FILE, f"Test set, with{results}")
    write_figures(task, model, directory)
    print("\nWriting the report, which takes up to a minute.")
    write_report(task, model, directory, directory.path / REPORT_FILE)
    return files | {
        RESULTS_FILE: "the figures of the test set",
        FIGURES_FILE: "the same for programs, and those of validation",
        REPORT_FILE: "all of this to look at, in a browser",
    }


def write_report(
    task: Task, model: keras.Model, directory: RunDirectory, path: pathlib.Path
) -> None:
    """Write the page of a run.

    Args:
      task: of the run.
      model: trained.
      directory: of the run, with its figures.
      path: of the page.
    """
    with writing(path):
        write_whole(path, run_report(task, model, directory))


def write_figures(
    task: Task, model: keras.Model, directory: RunDirectory
) -> None:
    """Write the figures of the kept epoch, and those that are printed.

    Args:
      task: of the run.
      model: trained.
      directory: of the run.
    """
    figures = [*_training_figures(task, model, directory), *task.figures]
    with writing(directory.figures_file):
        write_whole(directory.figures_file, figures_json(figures))


def write_training_figures(
    task: Task, model: keras.Model, directory: RunDirectory
) -> None:
    """Write the figures of the kept epoch alone.

    What the file has of the same epoch stays, with the figures of the test set.

    Args:
      task: of the run.
      model: trained.
      directory: of the run.
    """
    there = _figures_there(directory)
    if there:
        found = _training_figures(task, model, directory)
        # As text, since NaN is equal to nothing.
        if figures_json(there[: len(found)]) == figures_json(found):
            return
    write_figures(task, model, directory)


def _figures_there(directory: RunDirectory) -> list[Figure]:
    """What the file of before has; nothing, if it is damaged."""
    if not directory.figures_file.is_file():
        return []
    try:
        return read_figures(directory.figures_file)
    except RunError:
        print(f"{directory.figures_file}: damaged, and written anew")
        return []


def _training_figures(
    task: Task, model: keras.Model, directory: RunDirectory
) -> list[Figure]:
    epochs = read_epochs(directory.metrics_file)
    kept = kept_epoch(epochs, task.pretraining_epochs)
    if kept is None:
        return []
    validation: dict[str, Any] = by_split(kept)[1]
    validation["likelihood_kind"] = getattr(model, "likelihood_kind", None)
    if getattr(model, "vocabulary", None) is not None:
        validation["unit"] = model.vocabulary.unit
    return [
        Figure("epochs", float(len(epochs)), "epochs", "train"),
        Figure("kept epoch", kept["epoch"], "", "train"),
        *likelihood_figures(validation, "valid"),
    ]


class _Both(io.TextIOBase):
    """What is written to it goes to two streams."""

    def __init__(self, first: TextIO, second: TextIO) -> None:
        super().__init__()
        self._first, self._second = first, second

    def write(self, text: str) -> int:
        """Writes to both."""
        self._second.write(text)
        return self._first.write(text)

    def flush(self) -> None:
        """Flushes the first, which may be a terminal."""
        self._first.flush()

    def isatty(self) -> bool:
        """Whether the first is a terminal."""
        return self._first.isatty()
