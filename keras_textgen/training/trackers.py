"""`--tracker`: figures for Weights & Biases or MLflow, beside TensorBoard's.

Each is a callback, and a context: it begins a tracked run, or goes on with the
one of this folder, and says at the end how it has ended.
"""

from __future__ import annotations

import abc
import contextlib
import importlib
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_textgen.checks import first_line
from keras_textgen.cli.settings import SETTINGS, RunError, Settings
from keras_textgen.evaluation.figures import Figure
from keras_textgen.training.callbacks import Interrupted
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.run_directory import (
    RunDirectory,
    read_whole,
    write_whole,
)

# What tracked runs are filed under, unless the tracker's own variables say.
_PROJECT = "keras-textgen"
_VALIDATION = "val_"
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")
_ENDING = (signal.SIGINT, signal.SIGTERM)
# What raises, so that __exit__ is told, or what does nothing.
_NOT_ENDING = (signal.default_int_handler, signal.SIG_IGN)


class Tracker(keras.callbacks.Callback, abc.ABC):
    """Hands figures of epochs, and of the end, to a tracker.

    What a tracker refuses while the run goes on is a line, and ends nothing.
    Signals that end the process outside of training are said to it first.

    Args:
      settings: of the run, which the tracker keeps.
      directory: of the run, which keeps the tracker's name of it.
    """

    package: str

    def __init__(self, settings: Settings, directory: RunDirectory) -> None:
        super().__init__()
        self._settings = settings
        self._directory = directory
        self._id_file = directory.path / f"{self.package}_id.txt"
        try:
            self._module = importlib.import_module(self.package)
        except ImportError as error:
            raise RunError(
                f"--tracker={self.package}: cannot be imported "
                f"({first_line(error)}); allowed: pip install "
                f"'keras-textgen[{self.package}]'"
            ) from None

    def __enter__(self) -> Tracker:
        try:
            known, place = self._begin(self._known_id())
        except Exception as error:
            raise RunError(
                f"--tracker={self.package}: {first_line(error)}"
            ) from None
        with writing(self._id_file):
            write_whole(self._id_file, f"{known}\n")
        print(f"Tracked by {self.package}: {place}")
        self._before = {
            number: signal.signal(number, self._ended_by)
            for number in _ENDING
            if signal.getsignal(number) not in _NOT_ENDING
        }
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self._hand_back_signals()
        was_stopped = kind is not None and issubclass(
            kind, Interrupted | KeyboardInterrupt
        )
        self._try(lambda: self._end(kind is not None, was_stopped))

    def _hand_back_signals(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ended_by(self, number: int, _: Any) -> None:
        self._hand_back_signals()
        self._try(lambda: self._end(True, True))
        signal.raise_signal(number)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Hands on the figures of the epoch, numbered from 1."""
        figures = {
            f"valid/{name.removeprefix(_VALIDATION)}"
            if name.startswith(_VALIDATION)
            else f"train/{name}": float(value)
            for name, value in logs.items()
        }
        self._try(lambda: self._log(figures, epoch + 1))

    def on_figures(self, figures: Sequence[Figure]) -> None:
        """Hands on the figures that the run has ended with.

        Args:
          figures: of the test set, and of what stands beside it.
        """
        named = {f"{each.split}/{each.name}": each.value for each in figures}
        self._try(lambda: self._conclude(named))

    def _known_id(self) -> str | None:
        if not self._id_file.is_file():
            return None
        return read_whole(self._id_file).strip()

    @property
    def _name(self) -> str:
        return "/".join(self._directory.path.absolute().parts[-2:])

    @property
    def _config(self) -> dict[str, Any]:
        return {
            name: getattr(self._settings, name)
            for name, setting in SETTINGS.items()
            if setting.role != "call"
            and getattr(self._settings, name) is not None
        }

    def _try(self, act: Any) -> None:
        try:
            act()
        except Exception as error:
            # Whatever a server, or the way to it, has come to.
            print(f"  --tracker={self.package}: {first_line(error)}")

    @abc.abstractmethod
    def _begin(self, known: str | None) -> tuple[str, str]:
        """Begin a tracked run, or go on with a known one: its id and place."""

    @abc.abstractmethod
    def _log(self, figures: Mapping[str, float], epoch: int) -> None:
        """Add figures of an epoch."""

    @abc.abstractmethod
    def _conclude(self, figures: Mapping[str, float]) -> None:
        """Add figures of the end."""

    @abc.abstractmethod
    def _end(self, has_failed: bool, was_stopped: bool) -> None:
        """Say how the run has ended."""


class WandbTracker(Tracker):
    """Weights & Biases; `WANDB_MODE=offline` keeps all in the run's folder."""

    package = "wandb"

    def _begin(self, known: str | None) -> tuple[str, str]:
        wandb = self._module
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=self._name,
            id=known,
            resume="allow",
            config=self._config,
            dir=str(self._directory.path),
            settings=wandb.Settings(silent=True, console="off"),
        )
        run = self._run
        return run.id, run.dir if run.offline else run.url

    def _log(self, figures: Mapping[str, float], epoch: int) -> None:
        self._run.log(dict(figures), step=epoch)

    def _conclude(self, figures: Mapping[str, float]) -> None:
        self._run.summary.update(dict(figures))

    def _end(self, has_failed: bool, was_stopped: bool) -> None:
        self._run.finish(exit_code=int(has_failed))


class MlflowTracker(Tracker):
    """MLflow; its own variables say where, such as `MLFLOW_TRACKING_URI`."""

    package = "mlflow"

    def _begin(self, known: str | None) -> tuple[str, str]:
        self._client = self._module.MlflowClient()
        if known is None:
            self._id = self._client.create_run(
                self._experiment(), run_name=self._name
            ).info.run_id
            for name, value in self._config.items():
                self._client.log_param(self._id, name, value)
        else:
            self._id = self._client.get_run(known).info.run_id
            self._client.update_run(self._id, "RUNNING")
        return self._id, self._module.get_tracking_uri()

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT)
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        return self._client.create_experiment(name)

    def _log(self, figures: Mapping[str, float], epoch: int) -> None:
        now = int(time.time() * 1000)
        metric = self._module.entities.Metric
        self._client.log_batch(
            self._id,
            [
                metric(_NOT_IN_NAMES.sub("_", name), value, now, epoch)
                for name, value in figures.items()
            ],
        )

    def _conclude(self, figures: Mapping[str, float]) -> None:
        self._log(figures, 0)

    def _end(self, has_failed: bool, was_stopped: bool) -> None:
        status = "FAILED" if has_failed else "FINISHED"
        self._client.set_terminated(
            self._id, "KILLED" if was_stopped else status
        )


_TRACKERS: Mapping[str, type[Tracker]] = {
    each.package: each for each in (WandbTracker, MlflowTracker)
}


def tracker_of(
    settings: Settings, directory: RunDirectory
) -> contextlib.AbstractContextManager[Tracker | None]:
    """The tracker that the settings name.

    Args:
      settings: of the run.
      directory: of the run.

    Returns:
      A context; it gives None where TensorBoard's logs are all.

    Raises:
      RunError: if its package is missing, or it cannot begin.

    Example:
    >>> with tracker_of(Settings(), RunDirectory("run")) as tracker:
    ...     print(tracker)
    None
    """
    if settings.tracker not in _TRACKERS:
        return contextlib.nullcontext()
    return _TRACKERS[settings.tracker](settings, directory)
