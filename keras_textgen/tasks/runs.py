"""A whole run: data, model, training or resuming, and what comes after."""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import counted, first_line
from keras_textgen.cli.modes import READING
from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.readers.files import DataError
from keras_textgen.models.exporting import export_model
from keras_textgen.models.sharing import shared_out
from keras_textgen.serving.saved_model import needed_package
from keras_textgen.tasks.applying import apply_model
from keras_textgen.tasks.base import (
    Task,
    TrainingBatches,
    introduction,
    load_run,
)
from keras_textgen.tasks.documents import DocumentTask
from keras_textgen.tasks.generating import write_generated
from keras_textgen.tasks.matrices import MatrixTask
from keras_textgen.tasks.prepared import PreparedTextTask
from keras_textgen.tasks.prepared_documents import PreparedDocumentTask
from keras_textgen.tasks.prepared_matrices import PreparedMatrixTask
from keras_textgen.tasks.prepared_topics import PreparedTopicTask
from keras_textgen.tasks.results import (
    REPORT_FILE,
    print_results,
    write_report,
    write_training_figures,
)
from keras_textgen.tasks.text import TextTask
from keras_textgen.tasks.topics import TopicTask
from keras_textgen.training import callbacks
from keras_textgen.training.callbacks import Interrupted
from keras_textgen.training.checkpoints import (
    LOST_WORKER,
    Progress,
    RunCheckpoints,
    trained_on,
    writing,
)
from keras_textgen.training.cluster import ALONE, Cluster
from keras_textgen.training.epoch_times import EpochTimes
from keras_textgen.training.metrics_file import MetricsFile
from keras_textgen.training.plateau import LearningRate, Plateau
from keras_textgen.training.precision import faster_precision
from keras_textgen.training.progress_lines import ProgressLines
from keras_textgen.training.run_directory import (
    RunDirectory,
    move_into_place,
    shown,
    unfinished,
)
from keras_textgen.training.strategies import Agreement
from keras_textgen.training.trackers import tracker_of
from keras_textgen.training.trials import remedy

__all__ = ["Interrupted", "run"]

_TASKS: dict[str, type[Task]] = {
    "text": TextTask,
    "documents": DocumentTask,
    "topics": TopicTask,
    "matrices": MatrixTask,
}
# Of corpora in shards.
_PREPARED: dict[str, type[Task]] = {
    "text": PreparedTextTask,
    "documents": PreparedDocumentTask,
    "topics": PreparedTopicTask,
    "matrices": PreparedMatrixTask,
}


def run(
    settings: Settings,
    directory: RunDirectory,
    data: Any,
    cluster: Cluster = ALONE,
) -> None:
    """Do what `--mode` says.

    Args:
      settings: of the run.
      directory: checked, and claimed where the mode writes there.
      data: what `read_data` gave; None in modes without data.
      cluster: which of the processes this is that train together.

    Raises:
      RunError: for whatever the user can put right, in one line.
      Interrupted: if a signal has ended the training.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    modes: dict[str, Callable[[], None]] = {
        "train": lambda: _train(settings, directory, data, cluster),
        "evaluate": lambda: _evaluate(settings, directory, data),
        "generate": lambda: _generate(settings, directory),
        "export": lambda: _export(settings, directory),
        "report": lambda: _report(settings, directory, data),
        **dict.fromkeys(READING, lambda: _apply(settings, directory)),
    }
    try:
        modes[settings.mode]()
    except DataError as error:
        raise RunError(str(error)) from None
    except tf.errors.InvalidArgumentError as error:
        # What reading a batch has said, inside the graph.
        raise _of_data(error) from None
    except LOST_WORKER:
        if cluster == ALONE:
            raise
        # The strategy's threads, left in the middle of a step, would have a
        # word on their pipes when the process ends.
        sys.unraisablehook = lambda _: None
        raise RunError(
            f"a worker has stopped, or cannot be reached; start all "
            f"{cluster.size} again: they go on from the last checkpoint in "
            f"{settings.run_dir}"
        ) from None
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        helps = remedy("choose a smaller --batch_size or a smaller model")
        raise RunError(
            f"out of memory ({first_line(error)}); {helps}"
        ) from None


def _of_data(error: tf.errors.InvalidArgumentError) -> Exception:
    r"""What is wrong with data, in one line; other errors as they are.

    Example:
    >>> told = "2 root errors: DataError: a.array_record: damaged\nTraceback"
    >>> _of_data(tf.errors.InvalidArgumentError(None, None, told))
    RunError('a.array_record: damaged')
    """
    found = re.search(r"DataError: (.*)", error.message)
    return error if found is None else RunError(found[1])


def _train(
    settings: Settings, directory: RunDirectory, data: Any, cluster: Cluster
) -> None:
    settings = _with_precision(settings)
    directory.check_precision(settings.precision)
    task = task_class(settings)(settings, data)
    model = task.build_model()
    if not directory.flags_file.exists():
        # First of all: what else is in the folder then has an owner.
        _write_flags(settings, directory)
    progress = Progress()
    checkpoints = RunCheckpoints(directory, model, progress)
    fingerprint = task.fingerprint()
    if trained_on(directory) not in (None, fingerprint):
        raise _other_data(settings, directory)
    checkpoints.restore_last()
    progress.corpus.assign(fingerprint)
    _write_flags(settings, directory)
    tracked: Any = contextlib.nullcontext()
    if cluster.is_chief:
        tracked = tracker_of(settings, directory)
    with tracked as tracker:
        _fit(task, checkpoints, [] if tracker is None else [tracker])
        checkpoints.restore_best()
        callbacks.save_model(model, directory.model_file)
        if settings.finish:
            _finish(task, model, directory, cluster)
        elif cluster.is_chief:
            write_training_figures(task, model, directory)
            print("Not evaluated on the test set, nor exported: --nofinish.")
        if tracker is not None:
            tracker.on_figures(task.figures)
    # The others wait: who left would be missed.
    Agreement(checkpoints.model).any(False)


def _finish(
    task: Task, model: keras.Model, directory: RunDirectory, cluster: Cluster
) -> None:
    """Export, evaluate and report."""
    if cluster != ALONE:
        # From here on the chief goes on by itself, on its own device.
        model = load_run(directory)
    if cluster.is_chief:
        export = directory.export_of(task.settings.export_version)
        _write_export(model, export)
        more = print_results(task, model, directory)
        _print_written(directory, export, more)


def _with_precision(settings: Settings) -> Settings:
    """The settings, a precision in place of "auto"."""
    if settings.precision != "auto":
        return settings
    precision, reason = faster_precision()
    print(f"--precision=auto: {precision}, as {reason}.")
    return dataclasses.replace(settings, precision=precision)


def _write_flags(settings: Settings, directory: RunDirectory) -> None:
    with writing(directory.flags_file):
        directory.write_flags(settings)


def _fit(
    task: Task,
    checkpoints: RunCheckpoints,
    trackers: list[keras.callbacks.Callback],
) -> None:
    model, progress = checkpoints.model, checkpoints.progress
    batches, settings = task.training_batches(), task.settings
    steps, step = batches.steps_per_epoch, int(progress.step)
    print(introduction(task, model, steps))
    if task.corpus.note:
        print(task.corpus.note)
    _print_progress(settings, progress)
    if _is_done(settings, progress):
        return
    for notice in task.notices(model):
        print(notice)
    task.start_training(model, steps)
    with callbacks.Signals() as signals:
        arguments = {
            "validation_data": task.validation_data(),
            "callbacks": [
                *_callbacks(task, checkpoints, batches, trackers),
                _checkpointing(task, checkpoints, batches, signals),
            ],
            "verbose": 1 if sys.stdout.isatty() else 2,
        }

        def go_on(step: int, epochs: int) -> None:
            epoch = int(progress.epoch)
            model.fit(
                _stream(model, batches, epoch, step),
                steps_per_epoch=steps - step,
                initial_epoch=epoch,
                epochs=epochs,
                **arguments,
            )

        if step:
            # The rest of the epoch in which the run had stopped.
            go_on(step, int(progress.epoch) + 1)
        if not _is_done(settings, progress):
            go_on(0, settings.epochs)
        if signals.received is not None:
            raise Interrupted(signals.received)


def _stream(
    model: keras.Model, batches: TrainingBatches, epoch: int, step: int
) -> Any:
    """Training batches from a step on."""
    return shared_out(
        model, batches, lambda each: each.training_stream(epoch, step)
    )


def _is_done(settings: Settings, progress: Progress) -> bool:
    return bool(progress.stopped) or int(progress.epoch) >= settings.epochs


def _callbacks(
    task: Task,
    checkpoints: RunCheckpoints,
    batches: TrainingBatches,
    trackers: list[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """The callbacks but the last, in the order in which they act."""
    directory, progress = checkpoints.directory, checkpoints.progress
    settings, steps = task.settings, batches.steps_per_epoch
    epoch, step = int(progress.epoch), int(progress.step)
    return [
        LearningRate(
            settings.learning_rate, settings.lr_halve_from_epoch, progress
        ),
        callbacks.FiniteLoss(directory, step),
        *task.diagnostics(checkpoints.model),
        callbacks.ProgressBar(settings.epochs, steps, step),
        ProgressLines(
            settings.epochs,
            steps,
            batches.units,
            first_step=step,
            within_epochs=not sys.stdout.isatty(),
        ),
        *task.remedies(progress),
        Plateau(
            progress,
            halve=settings.lr_halve_on_plateau,
            patience=settings.early_stopping_patience,
            full_kl_weight=settings.kl_max,
        ),
        MetricsFile(directory.metrics_file, epoch),
        EpochTimes(directory.times_file, batches.units, steps, epoch),
        callbacks.TensorBoardLogs(directory.logs),
        *trackers,
    ]


def _checkpointing(
    task: Task,
    checkpoints: RunCheckpoints,
    batches: TrainingBatches,
    signals: callbacks.Signals,
) -> keras.callbacks.Callback:
    """The last callback, which saves what all others have done."""
    return callbacks.Checkpointing(
        checkpoints,
        signals,
        batches.steps_per_epoch,
        task.settings.checkpoint_seconds,
        pretraining_epochs=task.pretraining_epochs,
    )


def _evaluate(settings: Settings, directory: RunDirectory, data: Any) -> None:
    task, model = _of_trained_run(settings, directory, data)
    for name, what in print_results(task, model, directory).items():
        print(f"\nWritten to {shown(directory.path / name)}: {what}.")


def _report(settings: Settings, directory: RunDirectory, data: Any) -> None:
    task, model = _of_trained_run(settings, directory, data)
    path = directory.path / REPORT_FILE
    if settings.output is not None:
        path = pathlib.Path(settings.output)
    write_report(task, model, directory, path)
    print(f"Written to {shown(path)}.")


def _of_trained_run(
    settings: Settings, directory: RunDirectory, data: Any
) -> tuple[Task, keras.Model]:
    """The task and the model of a run, on the data that it was trained on."""
    model = load_run(directory)
    task = task_class(settings)(settings, data)
    # In a file that has got a line more, the split is another one: most of
    # what would be tested was trained on.
    is_same = trained_on(directory) in (None, task.fingerprint())
    if not (is_same and task.fits(model)):
        raise _other_data(settings, directory)
    return task, model


def _generate(settings: Settings, directory: RunDirectory) -> None:
    model = load_run(directory)
    if settings.output is None:
        TextTask.print_generated(settings, model)
    else:
        write_generated(settings, model)


def _apply(settings: Settings, directory: RunDirectory) -> None:
    apply_model(settings, load_run(directory))


def _export(settings: Settings, directory: RunDirectory) -> None:
    export = directory.export_of(settings.export_version)
    _write_export(load_run(directory), export)
    print(f"Written to {shown(export)}.")


def task_class(settings: Settings) -> type[Task]:
    """What knows the model's kind of data."""
    tasks = _PREPARED if settings.dataset == "prepared" else _TASKS
    return tasks[settings.spec.kind]


def _other_data(settings: Settings, directory: RunDirectory) -> RunError:
    began = directory.flags_file.stat().st_mtime
    run = f"the run in {directory.path}, begun on {_date(began)}"
    newest = _newest_file(settings.data_dir)
    if newest is not None and newest.stat().st_mtime > began:
        changed = _date(newest.stat().st_mtime)
        problem = f"{newest}: changed on {changed}, after the start of {run}"
        remedy = "put the file back as it was"
    else:
        # Other files, a package of other texts, or a copy that kept its date.
        source = settings.data_dir or settings.dataset
        problem = f"{source}: not the data of {run}"
        remedy = "give the data that it was trained on"
    return RunError(
        f"{problem}; {remedy}, or choose another --run_dir to train on these"
    )


def _newest_file(data_dir: str | None) -> pathlib.Path | None:
    if data_dir is None:
        return None
    source = pathlib.Path(data_dir)
    files = [source] if source.is_file() else source.rglob("*")
    return max(
        (path for path in files if path.is_file()),
        key=lambda path: path.stat().st_mtime,
        default=None,
    )


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _write_export(model: keras.Model, path: pathlib.Path) -> None:
    target = unfinished(path)
    print("Writing the SavedModel, which takes up to a minute.")
    with writing(path):
        shutil.rmtree(target, ignore_errors=True)
        export_model(model, target)
        move_into_place(path)


def _print_progress(settings: Settings, progress: Progress) -> None:
    epoch, step = int(progress.epoch), int(progress.step)
    if progress.stopped:
        print(f"Stopped early after epoch {epoch}: nothing had improved.")
    elif epoch >= settings.epochs:
        print(f"{_epochs_done(epoch)}; a larger --epochs would train further.")
    elif epoch or step:
        print(f"Going on after step {step} of epoch {epoch + 1}.")


def _epochs_done(count: int) -> str:
    """That a run has ended.

    Example:
    >>> _epochs_done(1), _epochs_done(30)
    ('The one epoch is done', 'All 30 epochs are done')
    """
    if count == 1:
        return "The one epoch is done"
    return f"All {counted(count, 'epoch')} are done"


def _after_import(export: pathlib.Path) -> str:
    package = needed_package(export)
    return "" if package is None else f", after import {package}"


def _print_written(
    directory: RunDirectory, export: pathlib.Path, more: dict[str, str]
) -> None:
    contents = {
        directory.flags_file: "--flagfile of it repeats the run",
        directory.metrics_file: "a row an epoch",
        directory.times_file: "how long each took",
        directory.logs: "for TensorBoard",
        directory.last_checkpoints.parent: "last and best",
        directory.model_file: "keras_textgen.load_model loads it",
        export: f"tf.saved_model.load loads it{_after_import(export)}",
        **{directory.path / name: what for name, what in more.items()},
    }
    print(f"\nWritten to {shown(directory.path)}:")
    names = [path.relative_to(directory.path).as_posix() for path in contents]
    width = max(map(len, names)) + 2
    for name, what in zip(names, contents.values(), strict=True):
        print(f"  {name:{width}}{what}")
