"""What a run does that depends on the kind of its model."""

import abc
import math
import pathlib
from collections.abc import Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf

from keras_textgen import schedules
from keras_textgen.checks import counted
from keras_textgen.cli.parsers import factors
from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.evaluation.figures import Figure
from keras_textgen.models.loading import load_model
from keras_textgen.models.parts import freeze
from keras_textgen.models.presets import from_preset
from keras_textgen.models.warm_start import start_from
from keras_textgen.optimizers import FusedAdam
from keras_textgen.tasks.data import data_errors, read_data
from keras_textgen.training.checkpoints import Progress
from keras_textgen.training.run_directory import RunDirectory
from keras_textgen.training.strategies import get_strategy

# From here on, most of what a model could say is the unknown word.
_MANY_UNKNOWN = 0.3
# What --min_steps_per_epoch makes of small data at most.
_SMALLEST_BATCH = 8
_OPTIMIZERS = {
    "adam": FusedAdam,
    "nadam": keras.optimizers.Nadam,
    "sgd": keras.optimizers.SGD,
}


class TrainingBatches(Protocol):
    """A training set in batches, from any step of any epoch on."""

    steps_per_epoch: int

    @property
    def can_be_shared(self) -> bool:
        """Whether each of several processes can read its own part alone."""

    def of_share(self, share: Any) -> "TrainingBatches":
        """The same, with the parts of one process."""

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of, such as (300_000, "words")."""

    def training_stream(
        self, first_epoch: int = 0, first_step: int = 0
    ) -> tf.data.Dataset:
        """Batches without end; each a function of seed, epoch and step."""


class CutEpochs:
    """A training set in epochs of so many steps.

    As in Keras, they are cut from one stream: an epoch goes on where the one
    before it ended, so that every example has its turn in every pass.

    Args:
      whole: a training set.
      steps_per_epoch: steps of an epoch.

    Attributes:
      steps_per_epoch: steps of an epoch.

    Example:
    >>> class Numbers:
    ...     steps_per_epoch, units = 5, (50, "words")
    ...
    ...     def training_stream(self, first_epoch=0, first_step=0):
    ...         first = 5 * first_epoch + first_step
    ...         return tf.data.Dataset.range(first, 1000)
    >>> epochs = CutEpochs(Numbers(), 2)
    >>> stream = epochs.training_stream(first_epoch=3, first_step=1)
    >>> int(next(iter(stream))), epochs.units
    (7, (20, 'words'))
    """

    def __init__(self, whole: TrainingBatches, steps_per_epoch: int) -> None:
        self._whole = whole
        self.steps_per_epoch = steps_per_epoch

    @property
    def can_be_shared(self) -> bool:
        """Whether the whole can."""
        return self._whole.can_be_shared

    def of_share(self, share: Any) -> "CutEpochs":
        """The parts of some replicas, as `ComputedOrder` has them."""
        return CutEpochs(self._whole.of_share(share), self.steps_per_epoch)

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of, such as (300_000, "words")."""
        number, unit = self._whole.units
        share = self.steps_per_epoch / self._whole.steps_per_epoch
        return round(number * share), unit

    def training_stream(
        self, first_epoch: int = 0, first_step: int = 0
    ) -> tf.data.Dataset:
        """Batches without end; each a function of seed, epoch and step."""
        return self._whole.training_stream(
            0, first_epoch * self.steps_per_epoch + first_step
        )


class Task(abc.ABC):
    """The part of a run that knows its data and its model.

    `keras_textgen.tasks.runs` does the rest, which is the same for all.

    Args:
      settings: of the run.
      data: what `read_data` gave for them; None reads the data now.

    Attributes:
      settings: of the run.
      corpus: what `prepare` made of the data.
      figures: those that `print_results` has printed.

    Raises:
      RunError: for whatever the user can put right, in one line.
    """

    def __init__(self, settings: Settings, data: Any = None) -> None:
        self.settings = settings
        self.figures: list[Figure] = []
        data = read_data(settings) if data is None else data
        with data_errors(settings):
            self.corpus = self.prepare(data)
        for remark in self.corpus.remarks:
            print(remark)

    # -- The data ------------------------------------------------------------

    def prepare(self, data: Any) -> Any:
        """The corpus, with a `name`, a `note` and `remarks`.

        The note is printed beside results, each remark when the data are
        loaded.

        Args:
          data: what `read_data` gave.

        Raises:
          ValueError: if the data cannot be used.
        """
        return data

    @property
    @abc.abstractmethod
    def size_text(self) -> str:
        """The size of the training set, such as "9 words, 5 texts"."""

    def fingerprint(self) -> int:
        """A 63-bit number that depends on all of the training data."""
        return self.corpus.fingerprint

    @abc.abstractmethod
    def batches(self, split: str, batch_size: int) -> RowBatches:
        """A split in batches, the same at each call.

        Args:
          split: "train", "valid" or "test".
          batch_size: rows a batch.
        """

    def training_set(self, batch_size: int) -> TrainingBatches:
        """The training set, an epoch being a pass over it."""
        return self.batches("train", batch_size)

    @property
    def training_batch_size(self) -> int:
        """`--batch_size`, or less where the data are too small for it."""
        settings = self.settings
        size, fewest = settings.batch_size, settings.min_steps_per_epoch
        if settings.steps_per_epoch is not None:
            return size
        steps = self.training_set(size).steps_per_epoch
        if steps >= fewest:
            return size
        return min(size, max(steps * size // fewest, _SMALLEST_BATCH))

    def training_batches(self) -> TrainingBatches:
        """The training set in the epochs that the settings ask for."""
        settings = self.settings
        whole = self.training_set(self.training_batch_size)
        steps = max(whole.steps_per_epoch, settings.min_steps_per_epoch)
        if settings.steps_per_epoch is not None:
            steps = settings.steps_per_epoch
        if steps == whole.steps_per_epoch:
            return whole
        return CutEpochs(whole, steps)

    def evaluation_data(self, split: str) -> tf.data.Dataset:
        """Every row of a split once, in `batches` of `--batch_size`."""
        batches = self.batches(split, self.settings.batch_size)
        return batches.evaluation_dataset()

    def validation_data(self) -> Any:
        """The validation set, as `fit` of the model takes it."""
        return self.evaluation_data("valid")

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
                _start_from_preset(model, settings.preset)
                freeze(model, settings.freeze)
                model.compile(
                    make_optimizer(settings),
                    learning_rate_of=factors(settings.learning_rate_of),
                )
            except ValueError as error:
                raise RunError(str(error)) from None
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
        """Whether a saved model was trained on data like these: these words."""
        here = self.corpus.vocabulary.get_vocabulary()
        return here == model.vocabulary.get_vocabulary()

    # -- What comes after training -------------------------------------------

    def print_heading(self) -> None:
        """Print what stands above the figures of the test set.

        Once they are known: lines on how far they are come before.
        """
        print("\nTest set, with the weights of the best epoch:")
        if self.corpus.note:
            print(self.corpus.note)

    @abc.abstractmethod
    def print_results(
        self, model: keras.Model, folder: pathlib.Path
    ) -> dict[str, str]:
        """Print figures of the test set, under `print_heading`.

        They are added to `figures`, too.

        Args:
          model: trained.
          folder: for tables and pages.

        Returns:
          The names of the files written there, with a word on each.
        """


def _start_from_preset(model: keras.Model, preset: str | None) -> None:
    if preset is None:
        return
    try:
        known = start_from(model, from_preset(preset))
    except ValueError as error:
        raise RunError(f"--preset={preset}: {error}") from None
    print(known_text(preset, known))


def known_text(preset: str, known: Mapping[str, tuple[int, int]]) -> str:
    """What a model has of the one that it starts from.

    Example:
    >>> known_text("hdgm_sotu", {"vocabulary": (90, 100)})
    'Starting from hdgm_sotu, which has 90 of 100 words.'
    """
    kinds = {
        "vocabulary": ("word", "words"),
        "label_names": ("class", "classes"),
        "row_ids": ("row", "rows"),
        "col_ids": ("column", "columns"),
    }
    counts = (
        f"{there:,} of {counted(count, *kinds[name])}"
        for name, (there, count) in known.items()
    )
    return f"Starting from {preset}, which has {', '.join(counts)}."


def vocabulary_settings(settings: Settings) -> dict[str, Any]:
    """The arguments of `corpus_vocabulary` that the settings give.

    Example:
    >>> from keras_textgen.cli.settings import parse
    >>> flags = ["trainer.py", "--model=vae", "--tokenizer=subword"]
    >>> vocabulary_settings(parse(flags, "flags"))["min_count"]
    1
    """
    names = ("vocab_size", "tokenizer", "subwords", "tokenizer_file")
    found = {name: getattr(settings, name) for name in names}
    return found | {"min_count": settings.min_count or 1}


def unknown_words_text(shares: Mapping[str, float], tokenizer: str) -> str:
    """How many words of the splits are not in the vocabulary.

    Args:
      shares: of the words, by split.
      tokenizer: "word", "character" or "subword".

    Returns:
      One line; where there are many, a second one with what helps.

    Example:
    >>> print(unknown_words_text({"train": 0.0, "test": 0.4}, "word"))
    Unknown words: 0.0 % of train, 40.0 % of test.
    Too many for good texts: a larger --vocab_size or a lower --min_count \
helps, and --tokenizer=character for a script without spaces, or \
--tokenizer=subword.
    """
    listed = (
        f"{100 * share:.1f} % of {split}" for split, share in shares.items()
    )
    text = f"Unknown {tokenizer}s: {', '.join(listed)}."
    if max(shares.values()) <= _MANY_UNKNOWN:
        return text
    if tokenizer == "subword":
        return (
            f"{text}\nToo many for good texts: those of --subwords=unigram or "
            "bpe, trained on them, leave none unknown."
        )
    text += (
        "\nToo many for good texts: a larger --vocab_size or a lower "
        "--min_count helps"
    )
    if tokenizer == "word":
        text += (
            ", and --tokenizer=character for a script without spaces, or "
            "--tokenizer=subword"
        )
    return f"{text}."


def make_optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    """The optimizer that the settings describe."""
    momentum = {} if settings.beta_1 is None else {"beta_1": settings.beta_1}
    return _OPTIMIZERS[settings.optimizer](
        settings.learning_rate, global_clipnorm=settings.clip_norm, **momentum
    )


def transformer_sizes(settings: Settings) -> dict[str, Any]:
    """What settings say to a transformer; what is not given is its default.

    Example:
    >>> settings = Settings(embedding_dim=8, positions="learned")
    >>> transformer_sizes(settings)
    {'units': 8, 'positions': 'learned'}
    """
    sizes = {
        "units": settings.transformer_units or settings.embedding_dim,
        "num_layers": settings.transformer_layers,
        "num_heads": settings.transformer_heads,
        "positions": settings.positions,
    }
    return {name: size for name, size in sizes.items() if size is not None}


def kl_schedule(settings: Settings, steps_per_epoch: int) -> schedules.Schedule:
    """The KL schedule that the settings describe.

    Args:
      settings: of the run.
      steps_per_epoch: what an epoch of --kl_epochs is.

    Returns:
      The schedule.

    Raises:
      RunError: if it does not exist.
    """
    top = settings.kl_max
    if settings.kl_schedule == "constant":
        return schedules.ConstantSchedule(top)
    if settings.kl_schedule == "sigmoid":
        return schedules.SigmoidSchedule(
            settings.kl_bias, settings.kl_slope, top
        )
    steps = settings.kl_steps or settings.kl_epochs * steps_per_epoch
    if settings.kl_schedule == "linear":
        return schedules.LinearSchedule(steps, settings.kl_start or 0, top)
    return schedules.CyclicalSchedule(steps, settings.kl_ramp or 0.5, top)


def load_run(directory: RunDirectory) -> keras.Model:
    """The model that a run has written.

    Args:
      directory: the run's folder.

    Returns:
      The model of the best epoch.

    Raises:
      RunError: if it is not there, or damaged.
    """
    directory.check_model()
    path = directory.model_file
    try:
        return load_model(path)
    except ValueError as error:
        what = str(error).partition("; allowed")[0]
        raise RunError(
            f"{what}; --mode=train writes it anew from the checkpoint"
        ) from None


def introduction(task: Task, model: keras.Model, steps_per_epoch: int) -> str:
    """The first line of a run."""
    parameters = sum(math.prod(each.shape) for each in model.trainable_weights)
    return (
        f"{task.settings.model} on {task.corpus.name}: "
        f"{counted(parameters, 'parameter')}, {task.size_text}, "
        f"{counted(steps_per_epoch, 'step')} an epoch{_batches_text(task)}."
    )


def _batches_text(task: Task) -> str:
    """That batches are not what was asked for."""
    size, asked = task.training_batch_size, task.settings.batch_size
    if size == asked:
        return ""
    fewest = task.settings.min_steps_per_epoch
    return (
        f", of {size} in place of --batch_size={asked} for "
        f"--min_steps_per_epoch={fewest}"
    )


def indented(text: str) -> str:
    r"""Every line moved right by two spaces, but empty ones.

    Example:
    >>> indented("a rose\n\nred")
    '  a rose\n\n  red'
    """
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
