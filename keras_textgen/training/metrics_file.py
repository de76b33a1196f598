"""The figures of a run's epochs, `metrics.csv`: a row an epoch."""

import csv
import pathlib
from collections.abc import Mapping
from typing import Any

import keras

from keras_textgen.cli.errors import RunError
from keras_textgen.evaluation.text_tables import csv_text
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.run_directory import write_whole

_VALIDATION = "val_"
_ALLOWED = "the table of this run, or no such file"


class MetricsFile(keras.callbacks.Callback):
    """Writes `metrics.csv`: a row an epoch, numbered from 1.

    The file is replaced as a whole each time. Rows of epochs that are about
    to be trained again are dropped.

    Args:
      path: the file.
      first_epoch: the epoch that training begins with, counted from 0.

    Raises:
      RunError: if the file is there and is not such a table.
    """

    def __init__(self, path: pathlib.Path, first_epoch: int = 0) -> None:
        super().__init__()
        self._path = path
        self._rows: list[dict[str, Any]] = [
            row for row in _read_rows(path) if int(row["epoch"]) <= first_epoch
        ]

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds a row."""
        self._rows.append({"epoch": epoch + 1, **logs})
        # Keeps the order in which the names appeared.
        names = dict.fromkeys(name for row in self._rows for name in row)
        rows = ([row.get(name) for name in names] for row in self._rows)
        with writing(self._path):
            write_whole(self._path, csv_text([[*names], *rows]))


def by_split(
    figures: Mapping[str, float],
) -> tuple[dict[str, float], dict[str, float]]:
    """Figures of an epoch, those of training apart from the others.

    Args:
      figures: of both, those of validation beginning with `val_`.

    Returns:
      Those of training, and those of validation without `val_`.

    Example:
    >>> by_split({"nll": 2.0, "val_nll": 3.0})
    ({'nll': 2.0}, {'nll': 3.0})
    """
    training, validation = {}, {}
    for name, value in figures.items():
        if name.startswith(_VALIDATION):
            validation[name.removeprefix(_VALIDATION)] = value
        else:
            training[name] = value
    return training, validation


def read_epochs(path: pathlib.Path) -> list[dict[str, float]]:
    """The figures of each epoch, `epoch` among them; none without a file.

    Args:
      path: that `MetricsFile` has written.

    Raises:
      RunError: it is not such a table.

    Example:
    >>> read_epochs(pathlib.Path("nowhere"))
    []
    """
    return [
        {name: float(value) for name, value in row.items() if value}
        for row in _read_rows(path)
    ]


def _read_rows(path: pathlib.Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(
            f"{path}: damaged ({error}); allowed: {_ALLOWED}"
        ) from None
    for number, row in enumerate(rows, 2):
        problem = _problem(row)
        if problem:
            raise RunError(f"{path}:{number}: {problem}; allowed: {_ALLOWED}")
    return rows


def _problem(row: dict[Any, Any]) -> str:
    """What is wrong with a row; "" where it is whole."""
    if None in row or None in row.values():
        return "more or fewer cells than names"
    epoch = row.get("epoch", "")
    if not (epoch.isascii() and epoch.isdigit()):
        return "no epoch number in the first column"
    for name, value in row.items():
        try:
            float(value or 0)
        except ValueError:
            return f"{name}={value!r} is no number"
    return ""
