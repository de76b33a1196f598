"""What a run does that depends on the kind of its model."""

import abc
import contextlib
import math
import pathlib
from collections.abc import Iterator
from typing import Any, Protocol

import keras
import tensorflow as tf

from keras_textgen.data.reading import DataError
from keras_textgen.saving import load_model
from keras_textgen.training.checkpoints import Progress, first_line
from keras_textgen.training.optimizers import FusedAdam
from keras_textgen.training.run_directory import RunDirectory
from keras_textgen.training.settings import RunError, Settings
from keras_textgen.training.strategies import get_strategy

_OPTIMIZERS = {
    "adam": FusedAdam,
    "nadam": keras.optimizers.Nadam,
    "sgd": keras.optimizers.SGD,
}


class TrainingBatches(Protocol):
    """A training set in batches, from any step of any epoch on."""

    steps_per_epoch: int

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of, such as (300_000, "words")."""

    def training_stream(
        self, first_epoch: int = 0, first_step: int = 0
    ) -> tf.data.Dataset:
        """Batches without end; each a function of seed, epoch and step."""


@contextlib.contextmanager
def data_errors(settings: Settings) -> Iterator[None]:
    """Name the data set in what is said of it.

    Args:
      settings: of the run.

    Yields:
      Nothing.

    Raises:
      DataError: as it comes, since it names a file.
      RunError: in place of any other ValueError.

    Example:
    >>> with data_errors(Settings(dataset="text")):
    ...     raise ValueError("window=1; allowed: 2 or more")
    Traceback (most recent call last):
    keras_textgen.training.settings.RunError: --dataset=text: window=1; \
allowed: 2 or more
    """
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        raise RunError(f"--dataset={settings.dataset}: {error}") from None


class Task(abc.ABC):
    """The part of a run that knows its data and its model.

    `keras_textgen.training.runs` does the rest, which is the same for all.
    Data are loaded when a task is made.

    Args:
      settings: of the run.

    Attributes:
      settings: of the run.
      corpus: what `load` gave.

    Raises:
      RunError: for whatever the user can put right, in one line.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with data_errors(settings):
            self.corpus = self.load()

    # -- The data ------------------------------------------------------------

    @abc.abstractmethod
    def load(self) -> Any:
        """The data, with a `name`, and a `note` to be printed beside results.

        Raises:
          ValueError: if the data cannot be used.
        """

    @property
    @abc.abstractmethod
    def size_text(self) -> str:
        """The size of the training set, such as "9 words, 5 texts"."""

    @abc.abstractmethod
    def fingerprint(self) -> int:
        """A 63-bit number that depends on all of the training data."""

    @abc.abstractmethod
    def training_batches(self) -> TrainingBatches:
        """The training set."""

    @abc.abstractmethod
    def validation_data(self) -> tf.data.Dataset:
        """The validation set, the same in every epoch."""

    # -- The model -----------------------------------------------------------

    @abc.abstractmethod
    def make_model(self) -> keras.Model:
        """A model with fresh weights, which depend on the seed alone.

        Raises:
          ValueError: if the model refuses a setting.
        """

    def build_model(self) -> keras.Model:
        """The model that the settings describe, compiled."""
        settings = self.settings
        with get_strategy(settings.distribution_strategy).scope():
            try:
                model = self.make_model()
            except ValueError as error:
                raise RunError(str(error)) from None
            model.compile(make_optimizer(settings))
        return model

    def start_training(self, model: keras.Model, steps_per_epoch: int) -> None:
        """Prepare the model for its first step, or its next one."""
        del model, steps_per_epoch

    def notices(self, model: keras.Model) -> list[str]:
        """What a user should know before the training takes its time."""
        return []

    def diagnostics(self, model: keras.Model) -> list[keras.callbacks.Callback]:
        """Callbacks that add figures to those of an epoch."""
        return []

    def remedies(self, progress: Progress) -> list[keras.callbacks.Callback]:
        """Callbacks that act on the model between epochs."""
        return []

    @property
    def pretraining_epochs(self) -> int:
        """Epochs at the start whose models are never the best."""
        return 0

    def fits(self, model: keras.Model) -> bool:
        """Whether a saved model was trained on data like these."""
        return True

    # -- What comes after training -------------------------------------------

    @abc.abstractmethod
    def print_results(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print figures of the test set.

        Args:
          model: trained.
          folder: for tables and pages.

        Returns:
          The names of the files written there, with a word on each.
        """

    @staticmethod
    @abc.abstractmethod
    def export(model: keras.Model, path: pathlib.Path) -> None:
        """Write a SavedModel."""

    @staticmethod
    def print_generated(settings: Settings, model: keras.Model) -> None:
        """Print texts that the model generates.

        Raises:
          RunError: if the model generates none.
        """
        raise RunError(
            f"--mode=generate: {settings.model} generates no texts; allowed: "
            "train, evaluate, export"
        )


def make_optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    """The optimizer that the settings describe."""
    return _OPTIMIZERS[settings.optimizer](
        settings.learning_rate, global_clipnorm=settings.clip_norm
    )


def load_run(directory: RunDirectory) -> keras.Model:
    """The model that a run has written.

    Args:
      directory: the run's folder.

    Returns:
      The model of the best epoch.

    Raises:
      RunError: if it is not there, or damaged.
    """
    path = directory.model_file
    if not path.is_file():
        raise RunError(
            f"{path}: not there yet; --mode=train writes it at the end of the "
            "first epoch, or of the first after --autoencoder_epochs"
        )
    try:
        return load_model(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path}: cannot be loaded ({first_line(error)}); "
            "--mode=train writes it anew from the checkpoint"
        ) from None


def introduction(task: Task, model: keras.Model, steps_per_epoch: int) -> str:
    """The first line of a run."""
    parameters = sum(math.prod(each.shape) for each in model.trainable_weights)
    return (
        f"{task.settings.model} on {task.corpus.name}: "
        f"{parameters:,} parameters, {task.size_text}, "
        f"{steps_per_epoch:,} steps an epoch."
    )


def indented(text: str) -> str:
    """Every line moved right by two spaces.

    Example:
    >>> indented("a rose")
    '  a rose'
    """
    return "\n".join(f"  {line}" for line in text.splitlines())
