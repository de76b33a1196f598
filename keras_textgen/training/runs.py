"""A whole run: data, model, training or resuming, and what comes after."""

import math
import os
import pathlib
import shutil
import sys
import zlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.data.batching import SequenceBatches
from keras_textgen.data.corpora import DataError, TextCorpus, load_corpus
from keras_textgen.data.vocabulary import END_ID, Vocabulary
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.export import export_model
from keras_textgen.models.latent_text_model import LatentTextModel
from keras_textgen.models.registry import MODELS
from keras_textgen.saving import load_model
from keras_textgen.training import callbacks, schedules
from keras_textgen.training.callbacks import Interrupted
from keras_textgen.training.checkpoints import (
    Progress,
    RunCheckpoints,
    first_line,
    writing,
)
from keras_textgen.training.collapse import AggressiveTraining, DecoderReset
from keras_textgen.training.optimizers import FusedAdam
from keras_textgen.training.plateau import LearningRate, Plateau
from keras_textgen.training.run_directory import (
    RunDirectory,
    move_into_place,
    unfinished,
)
from keras_textgen.training.settings import RunError, Settings, given_values
from keras_textgen.training.strategies import get_strategy

__all__ = ["Interrupted", "build_model", "kl_schedule", "run"]

# Where a flag and the constructor's argument differ in name: on the command
# line, the same words mean the length of what is read, and texts to generate.
_ARGUMENT_NAMES = {
    "generated_length": "max_length",
    "num_latent_samples": "num_samples",
    "vmf_concentration": "concentration",
}
# What the constructor does not take: another flag's value says it, or it
# belongs to the training.
_NO_ARGUMENTS = ("inputless", "autoencoder_epochs")
_OPTIMIZERS = {"adam": FusedAdam, "sgd": keras.optimizers.SGD}
_DIAGNOSTIC_SEQUENCES = 500
_NUM_RECONSTRUCTIONS = 3


def run(settings: Settings, directory: RunDirectory) -> None:
    """Do what `--mode` says.

    Args:
      settings: of the run.
      directory: checked, and claimed where the mode writes there.

    Raises:
      RunError: for whatever the user can put right, in one line.
      Interrupted: if a signal has ended the training.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    modes: dict[str, Callable[[Settings, RunDirectory], None]] = {
        "train": _train,
        "evaluate": _evaluate,
        "generate": _generate,
        "export": _export,
    }
    try:
        modes[settings.mode](settings, directory)
    except DataError as error:
        raise RunError(str(error)) from None
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise RunError(
            f"out of memory ({first_line(error)}); choose a smaller "
            "--batch_size or a smaller model"
        ) from None


def build_model(
    settings: Settings, vocabulary: Vocabulary, is_stream: bool = False
) -> keras.Model:
    """The model that the settings describe, compiled.

    Args:
      settings: of the run.
      vocabulary: of the corpus.
      is_stream: whether the corpus is a stream, without start tokens.

    Returns:
      A model with fresh weights, which depend on the seed alone.

    Raises:
      RunError: if the model's constructor refuses a setting.
    """
    arguments = _model_arguments(settings)
    with get_strategy(settings.distribution_strategy).scope():
        try:
            model = MODELS[settings.model](
                vocabulary,
                starts_with_end=is_stream,
                seed=settings.seed,
                **arguments,
            )
        except ValueError as error:
            raise RunError(str(error)) from None
        model.compile(
            _OPTIMIZERS[settings.optimizer](
                settings.learning_rate, global_clipnorm=settings.clip_norm
            )
        )
    return model


def _model_arguments(settings: Settings) -> dict[str, Any]:
    given = given_values(settings, "model") | given_values(settings, "collapse")
    arguments = {
        _ARGUMENT_NAMES.get(name, name): value
        for name, value in given.items()
        if name not in _NO_ARGUMENTS
    }
    if settings.kl_schedule is not None:
        arguments["kl_schedule"] = kl_schedule(settings)
    return arguments


def kl_schedule(settings: Settings) -> schedules.Schedule:
    """The KL schedule that the settings describe.

    Args:
      settings: of the run.

    Returns:
      The schedule.

    Raises:
      RunError: if it does not exist.
    """
    top = settings.kl_max
    if settings.kl_schedule == "constant":
        return schedules.ConstantSchedule(top)
    if settings.kl_schedule == "linear":
        return schedules.LinearSchedule(
            settings.kl_steps, settings.kl_start or 0, top
        )
    if settings.kl_schedule == "sigmoid":
        return schedules.SigmoidSchedule(
            settings.kl_bias, settings.kl_slope, top
        )
    return schedules.CyclicalSchedule(
        settings.kl_steps, settings.kl_ramp or 0.5, top
    )


def _train(settings: Settings, directory: RunDirectory) -> None:
    corpus = _load(settings)
    is_stream = corpus.order == "stream"
    model = build_model(settings, corpus.vocabulary, is_stream)
    if not directory.flags_file.exists():
        # First of all: what else is in the folder then has an owner.
        _write_flags(settings, directory)
    progress = Progress()
    checkpoints = RunCheckpoints(directory, model, progress)
    fingerprint = _fingerprint(corpus)
    if checkpoints.restore_last():
        _check_data(int(progress.corpus), fingerprint, settings, directory)
    progress.corpus.assign(fingerprint)
    _write_flags(settings, directory)
    _fit(settings, corpus, checkpoints)
    checkpoints.restore_best()
    callbacks.save_model(model, directory.model_file)
    _write_export(model, directory)
    _print_results(settings, corpus, model)
    _print_written(directory)


def _write_flags(settings: Settings, directory: RunDirectory) -> None:
    with writing(directory.flags_file):
        directory.write_flags(settings)


def _fit(
    settings: Settings, corpus: TextCorpus, checkpoints: RunCheckpoints
) -> None:
    model, progress = checkpoints.model, checkpoints.progress
    batches = _batches(settings, corpus, corpus.train)
    steps, step = batches.steps_per_epoch, int(progress.step)
    _print_start(settings, corpus, model, batches, progress)
    if _is_done(settings, progress):
        return
    if settings.autoencoder_epochs:
        # The schedule begins after the pretraining, whose weight is 0.
        model.annealing_start.assign(settings.autoencoder_epochs * steps)
    valid = _batches(settings, corpus, corpus.valid)
    with callbacks.Signals() as signals:
        arguments = {
            "validation_data": valid.evaluation_dataset(),
            "callbacks": _callbacks(
                settings, corpus, checkpoints, steps, signals
            ),
            "verbose": 1 if sys.stdout.isatty() else 2,
        }
        if step:
            # The rest of the epoch in which the run had stopped.
            epoch = int(progress.epoch)
            model.fit(
                batches.training_stream(epoch, step),
                steps_per_epoch=steps - step,
                initial_epoch=epoch,
                epochs=epoch + 1,
                **arguments,
            )
        if not _is_done(settings, progress):
            epoch = int(progress.epoch)
            model.fit(
                batches.training_stream(epoch),
                steps_per_epoch=steps,
                initial_epoch=epoch,
                epochs=settings.epochs,
                **arguments,
            )
        if signals.received is not None:
            raise Interrupted(signals.received)


def _is_done(settings: Settings, progress: Progress) -> bool:
    return bool(progress.stopped) or int(progress.epoch) >= settings.epochs


def _callbacks(
    settings: Settings,
    corpus: TextCorpus,
    checkpoints: RunCheckpoints,
    steps: int,
    signals: callbacks.Signals,
) -> list[keras.callbacks.Callback]:
    """The callbacks, in the order in which they act."""
    directory, progress = checkpoints.directory, checkpoints.progress
    epoch, step = int(progress.epoch), int(progress.step)
    return [
        LearningRate(
            settings.learning_rate, settings.lr_halve_from_epoch, progress
        ),
        callbacks.FiniteLoss(directory, step),
        *_diagnostics(settings, corpus, checkpoints.model),
        callbacks.ProgressBar(settings.epochs, steps, step),
        *_remedies(settings, progress),
        Plateau(
            progress,
            halve=settings.lr_halve_on_plateau,
            patience=settings.early_stopping_patience,
            full_kl_weight=settings.kl_max,
        ),
        callbacks.MetricsFile(directory.metrics_file, epoch),
        callbacks.TensorBoardLogs(directory.logs),
        callbacks.Checkpointing(
            checkpoints,
            signals,
            steps,
            settings.checkpoint_seconds,
            pretraining_epochs=settings.autoencoder_epochs or 0,
        ),
    ]


def _diagnostics(
    settings: Settings, corpus: TextCorpus, model: keras.Model
) -> list[keras.callbacks.Callback]:
    """Signs of collapse, which only models with latent variables show."""
    if not _has_latents(model):
        return []
    sample = _spread(corpus.valid, _DIAGNOSTIC_SEQUENCES)
    return [callbacks.Diagnostics(_batches(settings, corpus, sample))]


def _remedies(
    settings: Settings, progress: Progress
) -> list[keras.callbacks.Callback]:
    remedies = []
    if settings.autoencoder_epochs:
        remedies.append(
            DecoderReset(settings.autoencoder_epochs, int(progress.step))
        )
    if settings.aggressive_encoder:
        remedies.append(AggressiveTraining(progress))
    return remedies


def _has_latents(model: keras.Model) -> bool:
    return isinstance(model, LatentTextModel)


def _evaluate(settings: Settings, directory: RunDirectory) -> None:
    model = _load_model(directory)
    corpus = _load(settings)
    if corpus.vocabulary.get_vocabulary() != model.vocabulary.get_vocabulary():
        raise _other_data(settings, directory)
    _print_results(settings, corpus, model)


def _generate(settings: Settings, directory: RunDirectory) -> None:
    _print_generated(settings, _load_model(directory))


def _export(settings: Settings, directory: RunDirectory) -> None:
    del settings
    _write_export(_load_model(directory), directory)
    print(f"Written to {_shown(directory.export)}.")


def _load(settings: Settings) -> TextCorpus:
    try:
        corpus = load_corpus(
            settings.dataset,
            settings.data_dir,
            vocab_size=settings.vocab_size,
            min_count=settings.min_count,
            max_length=settings.max_length,
            protocol=settings.ptb_protocol,
            window=settings.window,
            batch_size=settings.batch_size,
            seed=settings.split_seed,
        )
    except DataError:
        raise
    except ValueError as error:
        raise RunError(f"--dataset={settings.dataset}: {error}") from None
    for split, number in corpus.dropped.items():
        if number:
            print(
                f"Left out of the {split} set: {number:,} sequences of more "
                f"than {settings.max_length} words."
            )
    return corpus


def _load_model(directory: RunDirectory) -> keras.Model:
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


def _batches(
    settings: Settings, corpus: TextCorpus, sequences: tf.RaggedTensor
) -> SequenceBatches:
    return SequenceBatches(
        sequences,
        settings.batch_size,
        seed=settings.seed,
        order=corpus.order,
    )


def _spread(sequences: tf.RaggedTensor, count: int) -> tf.RaggedTensor:
    """At most `count` sequences, at equal distances."""
    total = sequences.nrows().numpy()
    count = min(count, total)
    return tf.gather(sequences, np.arange(count) * total // count)


def _fingerprint(corpus: TextCorpus) -> int:
    """A number that depends on every word and every sequence."""
    number = zlib.crc32("\n".join(corpus.vocabulary.get_vocabulary()).encode())
    for split in (corpus.train, corpus.valid):
        for part in (split.flat_values, split.row_splits):
            number = zlib.crc32(part.numpy().tobytes(), number)
    return number


def _check_data(
    there: int, here: int, settings: Settings, directory: RunDirectory
) -> None:
    if there != here:
        raise _other_data(settings, directory)


def _other_data(settings: Settings, directory: RunDirectory) -> RunError:
    return RunError(
        f"{settings.data_dir or settings.dataset}: not the data that the run "
        f"in {directory.path} was trained on; put them back, or choose "
        "another --run_dir"
    )


def _write_export(model: keras.Model, directory: RunDirectory) -> None:
    target = unfinished(directory.export)
    with writing(directory.export):
        shutil.rmtree(target, ignore_errors=True)
        export_model(model, target)
        move_into_place(directory.export)


def _print_start(
    settings: Settings,
    corpus: TextCorpus,
    model: keras.Model,
    batches: SequenceBatches,
    progress: Progress,
) -> None:
    epoch, step = int(progress.epoch), int(progress.step)
    parameters = sum(math.prod(each.shape) for each in model.trainable_weights)
    print(
        f"{settings.model} on {corpus.name}: "
        f"{parameters:,} parameters, "
        f"{corpus.vocabulary.size:,} words, "
        f"{batches.num_sequences:,} training sequences, "
        f"{batches.steps_per_epoch:,} steps an epoch."
    )
    _print_note(corpus)
    if progress.stopped:
        print(f"Stopped early after epoch {epoch}: nothing had improved.")
    elif epoch >= settings.epochs:
        print(
            f"All {settings.epochs} epochs are done; a larger --epochs would "
            "train further."
        )
    elif epoch or step:
        print(f"Going on after step {step} of epoch {epoch + 1}.")


def _print_note(corpus: TextCorpus) -> None:
    if corpus.note:
        print(corpus.note)


def _print_results(
    settings: Settings, corpus: TextCorpus, model: keras.Model
) -> None:
    test = _batches(settings, corpus, corpus.test)
    print("\nTest set, with the weights of the best epoch:")
    _print_note(corpus)
    print(
        _indented(
            format_table(
                evaluate_model(model, test, settings.importance_samples)
            )
        )
    )
    if _has_latents(model):
        _print_reconstructions(settings, corpus, model)
    _print_generated(settings, model)


def _print_reconstructions(
    settings: Settings, corpus: TextCorpus, model: keras.Model
) -> None:
    # A window of a stream may end a sentence with its first word.
    has_words = tf.reduce_all(corpus.test[:, :4].to_tensor() != END_ID, axis=1)
    shown = tf.ragged.boolean_mask(corpus.test, has_words)
    if shown.nrows() <= _NUM_RECONSTRUCTIONS:
        shown = corpus.test
    # Distances of a quarter, so that the first and the last are none of them.
    tokens = _spread(shown, _NUM_RECONSTRUCTIONS + 1)[1:].to_tensor()
    texts = corpus.vocabulary.to_text(tokens).numpy()
    again = model.reconstruct(
        tokens,
        beam_width=settings.beam_width,
        ban_unknown=settings.ban_unknown,
    )
    print("\nReconstructions of test sequences:")
    for text, reconstruction in zip(texts, again, strict=True):
        print(f"  text   {text.decode()}")
        print(f"  again  {reconstruction}")


def _print_generated(settings: Settings, model: keras.Model) -> None:
    source = " from the prior" if _has_latents(model) else ""
    print(f"\nGenerated{source} (temperature {settings.temperature:g}):")
    try:
        texts = model.generate(
            settings.num_samples,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            ban_unknown=settings.ban_unknown,
            seed=settings.seed,
        )
    except ValueError as error:
        print(f"  nothing: {error}")
        return
    for number, text in enumerate(texts, 1):
        print(f"  {number}  {text}")


def _print_written(directory: RunDirectory) -> None:
    contents = {
        directory.flags_file: "--flagfile of it repeats the run",
        directory.metrics_file: "a row an epoch",
        directory.logs: "for TensorBoard",
        directory.last_checkpoints.parent: "last and best",
        directory.model_file: "keras_textgen.load_model loads it",
        directory.export: "tf.saved_model.load loads it",
    }
    print(f"\nWritten to {_shown(directory.path)}:")
    for path, what in contents.items():
        print(f"  {path.name:12} {what}")


def _shown(path: pathlib.Path) -> str:
    """The path from the current folder, if it is below it."""
    if path.is_relative_to(os.getcwd()):
        return str(path.relative_to(os.getcwd()))
    return str(path)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
