"""Checkpoints that survive a kill at any moment, and how to go on from one."""

import contextlib
import pathlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import first_line
from keras_textgen.cli.settings import RunError
from keras_textgen.private_workers import strategy_of
from keras_textgen.training.run_directory import RunDirectory
from keras_textgen.training.trials import remedy

# What TensorFlow raises where a checkpoint is not whole.
_DAMAGES = (tf.errors.OpError, IndexError, ValueError, RuntimeError)
# What TensorFlow raises where another worker is gone; the last one where this
# process itself was stopped for so long that the others have given it up.
LOST_WORKER = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
)


class Progress:
    """How far a run has come, in variables that checkpoints hold.

    Attributes:
      epoch: the epoch in progress, counted from 0.
      step: steps done of that epoch.
      best_loss: lowest validation loss so far, in nats per sequence; of a
        classifier, the lowest error.
      bad_epochs: epochs in a row without improvement, as `Plateau` counts.
      halvings: how often `Plateau` has halved the learning rate.
      stopped: 1 if the run has ended early, else 0.
      mutual_information: of the last epoch's validation, in nats; for
        aggressive training of the encoder.
      corpus: fingerprint of the data the run is trained on.

    Args:
      corpus: fingerprint of the data, a 63-bit number.
    """

    def __init__(self, corpus: int = 0) -> None:
        self.epoch = _count()
        self.step = _count()
        self.best_loss = _number(np.inf)
        self.bad_epochs = _count()
        self.halvings = _count()
        self.stopped = _count()
        self.mutual_information = _number(-np.inf)
        self.corpus = _count(corpus)

    def advance_to(self, epoch: int, step: int) -> None:
        """Set epoch and step.

        Args:
          epoch: the epoch in progress.
          step: steps done of it.
        """
        self.epoch.assign(epoch)
        self.step.assign(step)

    def variables(self) -> dict[str, tf.Variable]:
        """The variables by name."""
        return dict(vars(self))


def _count(value: int = 0) -> tf.Variable:
    return tf.Variable(value, dtype=tf.int64, trainable=False)


def _number(value: float) -> tf.Variable:
    return tf.Variable(value, dtype=tf.float64, trainable=False)


class RunCheckpoints:
    """The last and the best checkpoints of a run.

    A checkpoint is the whole state of training: weights, optimizer,
    progress, and the metrics of the epoch so far. TensorFlow writes a
    checkpoint's files under other names before it gives them theirs, and the
    one before the last is kept, so that there is always a whole one.

    Args:
      directory: the run's folder.
      model: compiled, with all weights.
      progress: of the run.
    """

    def __init__(
        self,
        directory: RunDirectory,
        model: keras.Model,
        progress: Progress,
    ) -> None:
        self.directory = directory
        self.model = model
        self.progress = progress
        with strategy_of(model).scope():
            model.optimizer.build(model.trainable_variables)
        self._metric_variables = [
            variable for each in model.metrics for variable in each.variables
        ]
        for folder in (directory.last_checkpoints, directory.best_checkpoints):
            _leave_out_damaged_state(folder)
        self._last = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                model=model,
                optimizer=model.optimizer,
                metrics=self._metric_variables,
                **progress.variables(),
            ),
            str(directory.last_checkpoints),
            max_to_keep=2,
        )
        self._best = tf.train.CheckpointManager(
            tf.train.Checkpoint(model=model, best_loss=progress.best_loss),
            str(directory.best_checkpoints),
            max_to_keep=1,
        )
        self._metric_values: list[np.ndarray] | None = None

    def save_last(self, number: int) -> None:
        """Save the state of training.

        Args:
          number: steps done since the run began; names the checkpoint.

        Raises:
          RunError: if a weight is not finite, or the disk does not take it.
        """
        self._save(self._last, self.directory.last_checkpoints, number)

    def save_best(self, number: int) -> None:
        """Save the weights as the best so far.

        Args:
          number: steps done since the run began; names the checkpoint.

        Raises:
          RunError: if a weight is not finite, or the disk does not take it.
        """
        self._save(self._best, self.directory.best_checkpoints, number)

    def _save(
        self,
        manager: tf.train.CheckpointManager,
        folder: pathlib.Path,
        number: int,
    ) -> None:
        self._check_finite()
        with writing(folder):
            manager.save(number)

    def restore_last(self) -> bool:
        """Go back to the newest whole checkpoint, if there is any at all.

        Returns:
          Whether there was one.

        Raises:
          RunError: if there are checkpoints, but none is whole.
        """
        found = self._restore(self._last, self.directory.last_checkpoints)
        if found:
            self._metric_values = [
                variable.numpy() for variable in self._metric_variables
            ]
        return found

    def restore_best(self) -> bool:
        """Go back to the weights of the best epoch, if one is finished.

        Returns:
          Whether there was one.

        Raises:
          RunError: if the checkpoint is damaged.
        """
        return self._restore(self._best, self.directory.best_checkpoints)

    def restore_metrics(self) -> None:
        """Give the metrics the values they had in the restored checkpoint.

        Keras resets its metrics when an epoch begins; in an epoch that is
        gone on with they must count what went before.
        """
        if self._metric_values is None:
            return
        for variable, value in zip(
            self._metric_variables, self._metric_values, strict=True
        ):
            variable.assign(value)
        self._metric_values = None

    def _restore(
        self, manager: tf.train.CheckpointManager, folder: pathlib.Path
    ) -> bool:
        paths = newest_first(folder)
        for path in paths:
            if not is_whole(path):
                print(f"{path}: damaged checkpoint, left aside")
                continue
            try:
                manager.checkpoint.restore(str(path)).assert_consumed()
            except (AssertionError, ValueError) as error:
                raise RunError(
                    f"{path}: not a checkpoint of this model "
                    f"({first_line(error)})"
                ) from None
            return True
        if paths:
            raise RunError(
                f"{folder}: every checkpoint is damaged; put a copy back, or "
                "choose another --run_dir to begin anew"
            )
        return False

    def _check_finite(self) -> None:
        for variable in self.model.trainable_variables:
            if not tf.reduce_all(tf.math.is_finite(variable)):
                raise not_finite(
                    f"the weight {variable.path}",
                    int(self.progress.epoch),
                    int(self.progress.step),
                    self.directory,
                )


def not_finite(
    what: str, epoch: int, step: int, directory: RunDirectory
) -> RunError:
    """The error of a run whose numbers have become NaN or infinite.

    Args:
      what: the number.
      epoch: the epoch in progress, counted from 0.
      step: steps done of it.
      directory: the run's folder.

    Returns:
      The error, to be raised.
    """
    helps = remedy(
        "begin anew in another --run_dir with a lower --learning_rate or "
        "--clip_norm"
    )
    return RunError(
        f"{what} is not a finite number after step {step} of epoch "
        f"{epoch + 1}; what was saved before is kept in {directory.path}; "
        f"{helps}"
    )


def trained_on(directory: RunDirectory) -> int | None:
    """The fingerprint of the data that the newest checkpoint has seen.

    It can be read where the checkpoint cannot be restored, as when other data
    have made another vocabulary.

    Args:
      directory: the run's folder.

    Returns:
      The number; None without a checkpoint that has it.
    """
    name = "corpus/.ATTRIBUTES/VARIABLE_VALUE"
    for path in newest_first(directory.last_checkpoints):
        with contextlib.suppress(*_DAMAGES):
            return int(tf.train.load_variable(str(path), name))
    return None


def newest_first(folder: pathlib.Path) -> list[pathlib.Path]:
    """The checkpoints in a folder, whole or not.

    Args:
      folder: with files `ckpt-<number>.index`.

    Returns:
      Their paths without suffix, the highest number first.
    """
    paths = [path.with_suffix("") for path in folder.glob("ckpt-*.index")]
    return sorted(
        paths, key=lambda path: int(path.name.split("-")[1]), reverse=True
    )


def _leave_out_damaged_state(folder: pathlib.Path) -> None:
    """Removes TensorFlow's list of the checkpoints, if it is no text.

    It cannot be read then; the checkpoints are found without it, and the next
    one writes it anew.
    """
    path = folder / "checkpoint"
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        print(f"{path}: damaged, and written anew")
        path.unlink()
    except FileNotFoundError:
        pass


def is_whole(path: pathlib.Path) -> bool:
    """Whether a checkpoint can be read to its end; TensorFlow keeps checksums.

    Args:
      path: of the checkpoint, without suffix.

    Returns:
      False if a file is missing, truncated or changed.
    """
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except _DAMAGES:
        return False
    return True


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
    """Turn failures to write into one line.

    Args:
      path: what is being written.

    Yields:
      Nothing.

    Raises:
      RunError: in place of any error of the file system.
      tf.errors.OpError: one of `LOST_WORKER`.
    """
    try:
        yield
    except LOST_WORKER:
        raise  # What is written is read of all workers first.
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise RunError(
            f"{path}: cannot be written ({reason}); what was written before "
            "is whole"
        ) from None
