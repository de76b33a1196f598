"""How long epochs take, and how much of the data is read in a second."""

import pathlib
import time
from collections.abc import Callable
from typing import Any

import keras

from keras_textgen.training.metrics_file import MetricsFile

SECONDS, TRAINING_SECONDS = "seconds", "training_seconds"
_A_SECOND = "_a_second"


class EpochTimes(keras.callbacks.Callback):
    """Writes a table of times: a row an epoch, numbered from 1.

    Apart from `metrics.csv`, which is the same whenever a run is repeated.
    `seconds` are those of the epoch, `training_seconds` those of its steps,
    and `words_a_second` (or what else the data consist of) is of the steps. Of
    an epoch within which the run had stopped, both are of the part since then.

    Args:
      path: the file.
      units: what an epoch consists of, such as (300_000, "words").
      steps_per_epoch: steps of a whole epoch.
      first_epoch: the epoch that training begins with, counted from 0.
      clock: gives the time in seconds.

    Raises:
      RunError: if the file is there and is not such a table.
    """

    def __init__(
        self,
        path: pathlib.Path,
        units: tuple[int, str],
        steps_per_epoch: int,
        first_epoch: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._table = MetricsFile(path, first_epoch)
        self._units, self._unit = units
        self._steps_per_epoch = steps_per_epoch
        self._clock = clock

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes when the epoch begins."""
        self._begun = self._last_step = self._clock()
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Notes when the step ends."""
        self._steps += 1
        self._last_step = self._clock()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds a row."""
        training = self._last_step - self._begun
        units = self._units * self._steps / self._steps_per_epoch
        row = {
            SECONDS: self._clock() - self._begun,
            TRAINING_SECONDS: training,
            f"{self._unit}{_A_SECOND}": units / training if training else 0.0,
        }
        self._table.on_epoch_end(
            epoch, {name: round(value, 3) for name, value in row.items()}
        )


def speeds_of(row: dict[str, float]) -> dict[str, float]:
    """Of a row of the table, how much of what is read in a second.

    Example:
    >>> speeds_of({"epoch": 1.0, "seconds": 2.0, "words_a_second": 900.0})
    {'words': 900.0}
    """
    return {
        name.removesuffix(_A_SECOND): value
        for name, value in row.items()
        if name.endswith(_A_SECOND)
    }
