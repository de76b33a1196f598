"""What happens in a run beside the gradient steps."""

import math
import os
import pathlib
import signal
import time
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.data.batches.sequences import TokenBatches
from keras_textgen.evaluation.diagnostics import (
    active_units,
    mutual_information,
)
from keras_textgen.training.checkpoints import (
    RunCheckpoints,
    not_finite,
    writing,
)
from keras_textgen.training.judging import judged_by
from keras_textgen.training.metrics_file import by_split
from keras_textgen.training.run_directory import (
    RunDirectory,
    move_into_place,
    unfinished,
)
from keras_textgen.training.signals import NotedSignals
from keras_textgen.training.strategies import Agreement


class Interrupted(Exception):  # noqa: N818 - asked for, not an error
    """A signal has ended the run, and the state is saved.

    Attributes:
      signal_number: of the signal.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class Signals(NotedSignals):
    """Notes the first SIGINT or SIGTERM; the second one ends the process.

    A context manager: within it, the signals do not raise.

    Attributes:
      received: number of the signal that came, or None.

    Example:
    >>> with Signals() as signals:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     signals.received == signal.SIGTERM
    True
    """

    def noted(self, number: int) -> None:
        """Say that it ends after the step; a second one ends it now."""
        if self.received is not None:
            os._exit(128 + number)
        # Not print, which may be in the middle of a line of its own.
        os.write(
            2,
            b"\nStopping after this step; a second signal stops at once.\n",
        )


class Diagnostics(keras.callbacks.Callback):
    """Adds signs of posterior collapse to the figures of an epoch.

    `val_active_units` and `val_mutual_information` (nats) say whether the
    latent variables are used at all.

    Args:
      batches: a few hundred validation sequences.
    """

    def __init__(self, batches: TokenBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds the figures to `logs`, which later callbacks see."""
        codes = self.model.encode(self._batches)
        latents = codes[:, self.model.latent_columns]
        logs["val_active_units"] = active_units(latents)
        logs["val_mutual_information"] = mutual_information(
            self.model, self._batches
        )


class FiniteLoss(keras.callbacks.Callback):
    """Ends training with one line when a loss is NaN or infinite.

    Args:
      directory: the run's folder, for the message.
      first_step: steps that the first epoch has behind it.
    """

    def __init__(self, directory: RunDirectory, first_step: int = 0) -> None:
        super().__init__()
        self._directory = directory
        self._first_step = first_step
        self._epoch = 0
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the epoch, for the message."""
        self._epoch = epoch
        self._steps = self._first_step
        self._first_step = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Looks at the training loss."""
        self._steps += 1
        self._check("the training loss", logs["loss"])

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Looks at the validation loss."""
        self._check("the validation loss", logs["val_loss"])

    def _check(self, what: str, loss: float) -> None:
        if not math.isfinite(loss):
            raise not_finite(what, self._epoch, self._steps, self._directory)


class TensorBoardLogs(keras.callbacks.Callback):
    """Writes the figures of every epoch where TensorBoard finds them.

    Training and validation figures of one name share a chart. Keras's own
    callback does the same but needs the package `tensorboard` to write.

    Args:
      folder: of the logs; `train` and `validation` are made in it.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__()
        self._folder = folder
        self._writers: dict[str, tf.summary.SummaryWriter] = {}
        self._metadata = tf.compat.v1.SummaryMetadata(
            plugin_data={"plugin_name": "scalars"}
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Writes the figures of the epoch, numbered from 1."""
        training, validation = by_split(logs)
        with writing(self._folder):
            self._write("train", training, epoch + 1)
            self._write("validation", validation, epoch + 1)

    def _write(self, name: str, figures: dict[str, float], epoch: int) -> None:
        if name not in self._writers:
            folder = str(self._folder / name)
            self._writers[name] = tf.summary.create_file_writer(folder)
        with self._writers[name].as_default():
            for tag, value in figures.items():
                tf.summary.write(
                    tag, float(value), step=epoch, metadata=self._metadata
                )
        self._writers[name].flush()


class Checkpointing(keras.callbacks.Callback):
    """Saves the run as it goes, and ends it in good order on a signal.

    A checkpoint is written at the end of every epoch and, within an epoch,
    whenever `seconds` have passed since the last. When what the epoch is
    judged by is the lowest so far, the best checkpoint and the model file are
    written, too.

    Args:
      checkpoints: of the run, restored if it goes on.
      signals: asked after every step.
      steps_per_epoch: steps of a whole epoch.
      seconds: between checkpoints within an epoch.
      pretraining_epochs: of an autoencoder, which are never the best: what
        they end with is no model of the texts.
    """

    def __init__(
        self,
        checkpoints: RunCheckpoints,
        signals: Signals,
        steps_per_epoch: int,
        seconds: float,
        pretraining_epochs: int = 0,
    ) -> None:
        super().__init__()
        self._checkpoints = checkpoints
        self._progress = checkpoints.progress
        self._signals = signals
        self._steps_per_epoch = steps_per_epoch
        self._seconds = seconds
        self._pretraining_epochs = pretraining_epochs
        self._epoch = int(self._progress.epoch)
        self._step = int(self._progress.step)
        self._saved_at = time.monotonic()
        self._agreement = Agreement(checkpoints.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Gives the metrics back what they counted before, within an epoch."""
        self._epoch = epoch
        if self._step:
            self._checkpoints.restore_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves if it is time to, and stops if a signal has come."""
        self._step += 1
        if self._step == self._steps_per_epoch:
            return  # The end of the epoch saves, with its validation.
        elapsed = time.monotonic() - self._saved_at
        stops, saves = self._agreement.any(
            self._signals.received is not None, elapsed >= self._seconds
        )
        if stops or saves:
            self._save(self._epoch, self._step)
        self._end_if(stops)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Saves the epoch, and the model if it is the best so far."""
        loss = judged_by(logs)
        if self._is_best(epoch, loss):
            self._progress.best_loss.assign(loss)
            self._checkpoints.save_best((epoch + 1) * self._steps_per_epoch)
            save_model(self.model, self._checkpoints.directory.model_file)
        self._step = 0
        self._save(epoch + 1, 0)
        (stops,) = self._agreement.any(self._signals.received is not None)
        self._end_if(stops)

    def _is_best(self, epoch: int, loss: float) -> bool:
        is_model = epoch >= self._pretraining_epochs
        return is_model and loss < float(self._progress.best_loss)

    def _save(self, epoch: int, step: int) -> None:
        self._progress.advance_to(epoch, step)
        self._checkpoints.save_last(epoch * self._steps_per_epoch + step)
        self._saved_at = time.monotonic()

    def _end_if(self, stops: bool) -> None:
        """Ends training where a signal has come, to this or another worker."""
        if stops:
            raise Interrupted(self._signals.received or signal.SIGTERM)


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras's progress bar, and two lines of figures at the end of an epoch.

    The bar counts an epoch's steps from its start, also where training goes on
    in the middle of it, and shows so little that it fits a line of a terminal.

    Args:
      epochs: of the whole run.
      steps_per_epoch: of a whole epoch.
      first_step: steps that the first epoch has behind it.
    """

    def __init__(
        self, epochs: int, steps_per_epoch: int, first_step: int = 0
    ) -> None:
        super().__init__()
        self._whole = {"epochs": epochs, "steps": steps_per_epoch}
        self._first_step = first_step

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes the whole run's counts in place of one `fit` call's."""
        super().set_params({**params, **self._whole})

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Moves the bar."""
        shown = {name: logs[name] for name in ("loss", "kl") if name in logs}
        super().on_train_batch_end(batch + self._first_step, shown)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Completes the bar and prints the figures."""
        self._first_step = 0
        super().on_epoch_end(epoch, {name: logs[name] for name in ("loss",)})
        unit = getattr(getattr(self.model, "vocabulary", None), "unit", None)
        print(f"  training    {figures_text(logs, unit)}")
        _, validation = by_split(logs)
        validation.pop("kl_weight", None)
        print(f"  validation  {figures_text(validation, unit)}")


def figures_text(figures: dict[str, float], unit: str | None = None) -> str:
    """Figures of an epoch in one line.

    Args:
      figures: by name.
      unit: of perplexities: what a token is.

    Returns:
      Those that say most, in a fixed order; of Hoyer's measure, the normalized
      ones of samples and of means.

    Example:
    >>> figures_text({"kl": 2.0, "nll": 99.1234, "active_units": 3})
    'nll 99.123  kl 2.000  active units 3'
    >>> figures_text({"hoyer_sample_normalized": 0.5, "hoyer_sample": 0.4})
    'hoyer sample 0.500'
    >>> figures_text({"perplexity": 99.0}, "subword")
    'perplexity per subword 99.00'
    >>> figures_text({"loss": 0.5, "accuracy": 0.75})
    'loss 0.5000  accuracy 0.750'
    """
    formats = {
        # Models of texts print what their loss is made of.
        **({} if "nll" in figures else {"loss": ".4f"}),
        "accuracy": ".3f",
        "macro_f1": ".3f",
        "rmse": ".4f",
        "mae": ".4f",
        "v_measure": ".3f",
        "nll": ".3f",
        "kl": ".3f",
        "kl_weight": ".3f",
        "perplexity": ".2f",
        "active_units": "d",
        "mutual_information": ".3f",
        "hoyer_sample_normalized": ".3f",
        "hoyer_mean_normalized": ".3f",
        "hoyer_gated_mean_normalized": ".3f",
    }
    shown = {name: name.removesuffix("_normalized") for name in formats}
    if unit is not None:
        shown["perplexity"] = f"perplexity per {unit}"
    return "  ".join(
        f"{shown[name].replace('_', ' ')} {figures[name]:{form}}"
        for name, form in formats.items()
        if name in figures
    )


def save_model(model: keras.Model, path: pathlib.Path) -> None:
    """Write a `.keras` file so that the old or the new one is there, whole.

    Args:
      model: to be saved.
      path: of the file.

    Raises:
      RunError: if it cannot be written; the old file is untouched.
    """
    with writing(path):
        model.save(unfinished(path))
        move_into_place(path)
