"""The learning rate, and when to stop, by the validation bound."""

from typing import Any

import keras

from keras_textgen.checks import counted
from keras_textgen.schedules import FULL, halved_learning_rate
from keras_textgen.training.checkpoints import Progress
from keras_textgen.training.judging import judged_by


class LearningRate(keras.callbacks.Callback):
    """Sets the learning rate of each epoch, and adds it to the figures.

    The rate is a function of the epoch and of `progress.halvings`, so that a
    run that goes on has the rate that it would have had. Nothing else sets it.

    Args:
      initial: rate of the first epoch.
      first_halved: the first epoch (counted from 1) whose rate is halved, as
        every later one's is; 0 for none.
      progress: of the run, whose `halvings` come on top.
    """

    def __init__(
        self, initial: float, first_halved: int, progress: Progress
    ) -> None:
        super().__init__()
        self._initial = initial
        self._first_halved = first_halved
        self._progress = progress

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the rate."""
        by_epoch = halved_learning_rate(
            self._initial, epoch, self._first_halved
        )
        halvings = int(self._progress.halvings)
        self.model.optimizer.learning_rate = by_epoch * 0.5**halvings

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds the rate to `logs`, which later callbacks see."""
        rate = self.model.optimizer.learning_rate
        # Of several replicas, the variable is no number by itself.
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))


class Plateau(keras.callbacks.Callback):
    """Halves the learning rate and ends the run when nothing improves.

    An epoch is bad if its validation bound (KL weight 1; of a classifier, its
    error) is no better than the best of all epochs before it. Kruengkrai 2019
    halves the rate after bad epochs and stops after three; whether that holds
    while the KL weight rises, the paper does not say. Here it does not: an
    epoch that was not trained at the full weight from its first step to its
    last is never bad, since a bound that falls behind tells of the rising
    weight. What it reaches counts as the best all the same.

    The state is in `progress`. It is to act before the epoch is saved, which
    also keeps the best.

    Args:
      progress: of the run.
      halve: whether a bad epoch halves the rate of the next one.
      patience: bad epochs in a row that end the run; 0 for never.
      full_kl_weight: the highest weight of the KL schedule; None for a model
        without a KL term.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        halve: bool,
        patience: int,
        full_kl_weight: float | None,
    ) -> None:
        super().__init__()
        self._progress = progress
        self._halve = halve
        self._patience = patience
        self._full_kl_weight = full_kl_weight

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Judges the epoch."""
        progress = self._progress
        if judged_by(logs) < float(progress.best_loss):
            progress.bad_epochs.assign(0)
            return
        if not self._is_fully_weighted(logs):
            return
        progress.bad_epochs.assign_add(1)
        if self._halve:
            progress.halvings.assign_add(1)
            print("  no improvement: the learning rate is halved")
        if int(progress.bad_epochs) == self._patience:
            progress.stopped.assign(1)
            self.model.stop_training = True
            print(
                "  stopped early: no improvement in "
                f"{counted(self._patience, 'epoch')}"
            )

    def _is_fully_weighted(self, logs: dict[str, float]) -> bool:
        if self._full_kl_weight is None:
            return True
        return logs["kl_weight"] >= FULL * self._full_kl_weight
