"""What happens beside the gradient steps, on a tiny model."""

import csv
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.cli.settings import RunError
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.training import callbacks
from keras_textgen.training.checkpoints import (
    Progress,
    RunCheckpoints,
    newest_first,
)
from keras_textgen.training.metrics_file import MetricsFile
from keras_textgen.training.run_directory import RunDirectory
from keras_textgen.training.trials import TRIAL


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    sequences = [[2, *rng.integers(4, 7, 1 + i % 4), 3] for i in range(14)]
    return SequenceBatches(sequences, batch_size=4)


@pytest.fixture(scope="module")
def compiled_model():
    """Traced once for all tests."""
    keras.utils.set_random_seed(0)
    model = SentenceVAE(
        Vocabulary(["a", "b", "c"]),
        embedding_dim=2,
        rnn_units=4,
        num_layers=1,
        latent_dim=2,
        objective="bound",
        word_keep_rate=0.5,
    )
    model.compile(keras.optimizers.Adam(0.01))
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture
def model(compiled_model):
    """The model as if it were new."""
    yield from as_new(compiled_model)


def as_new(model):
    variables = [*model.variables, *model.optimizer.variables]
    values = [variable.numpy() for variable in variables]
    model.reset_metrics()
    yield model
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def fit(model, batches, each, epochs=2):
    model.fit(
        batches.training_stream(),
        steps_per_epoch=batches.steps_per_epoch,
        epochs=epochs,
        validation_data=batches.evaluation_dataset(),
        callbacks=each,
        verbose=0,
    )


def test_metrics_file_has_a_row_an_epoch(model, batches, tmp_path):
    path = tmp_path / "metrics.csv"
    fit(
        model,
        batches,
        [callbacks.Diagnostics(batches), MetricsFile(path)],
    )
    rows = read_csv(path)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    history = model.history.history
    for name in ("loss", "val_loss", "val_perplexity", "val_active_units"):
        assert [float(row[name]) for row in rows] == history[name]
    assert "val_mutual_information" in rows[0]


def test_tensorboard_logs(tmp_path):
    logs = callbacks.TensorBoardLogs(tmp_path)
    logs.on_epoch_end(0, {"nll": 3.0, "val_nll": 4.0})
    logs.on_epoch_end(1, {"nll": 1.0, "val_nll": 2.0})
    for name, expected in {"train": [3, 1], "validation": [4, 2]}.items():
        (path,) = (tmp_path / name).iterdir()
        found = []
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.tag == "nll"
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found.append((event.step, float(tf.make_ndarray(value.tensor))))
        assert found == list(enumerate(expected, 1))


def test_loss_that_is_not_finite_ends_training(model, batches, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                weight = self.model.trainable_weights[0]
                weight.assign(tf.fill(weight.shape, np.nan))

    finite = callbacks.FiniteLoss(RunDirectory(tmp_path))
    with pytest.raises(RunError) as error:
        fit(model, batches, [finite, Poison()])
    assert str(error.value) == (
        "the training loss is not a finite number after step 3 of epoch 1; "
        f"what was saved before is kept in {tmp_path}; begin anew in another "
        "--run_dir with a lower --learning_rate or --clip_norm"
    )


def test_a_trial_that_diverges_is_the_sweeps_to_judge(tmp_path, monkeypatch):
    for name, value in TRIAL.items():
        monkeypatch.setenv(name, value)
    finite = callbacks.FiniteLoss(RunDirectory(tmp_path))
    finite.on_epoch_begin(0)
    with pytest.raises(RunError) as error:
        finite.on_train_batch_end(0, {"loss": float("nan")})
    assert str(error.value) == (
        "the training loss is not a finite number after step 1 of epoch 1; "
        f"what was saved before is kept in {tmp_path}; this trial counts as "
        "failed, and the sweep goes on"
    )


def test_validation_loss_is_looked_at_too(tmp_path):
    finite = callbacks.FiniteLoss(RunDirectory(tmp_path), first_step=5)
    finite.on_epoch_begin(2)
    finite.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(RunError, match="step 6 of epoch 3"):
        finite.on_epoch_end(2, {"val_loss": float("inf")})


def checkpointing(
    model, batches, folder, signals=None, seconds=1e9, **settings
):
    run = RunCheckpoints(RunDirectory(folder), model, Progress())
    run.restore_last()
    return run, callbacks.Checkpointing(
        run,
        signals or callbacks.Signals(),
        batches.steps_per_epoch,
        seconds,
        **settings,
    )


def test_checkpoints_at_the_end_of_epochs(model, batches, tmp_path):
    run, each = checkpointing(model, batches, tmp_path)
    fit(model, batches, [each])
    paths = newest_first(run.directory.last_checkpoints)
    assert [path.name for path in paths] == ["ckpt-8", "ckpt-4"]
    history = model.history.history["val_loss"]
    assert float(run.progress.best_loss) == min(history)
    best = (1 + int(np.argmin(history))) * batches.steps_per_epoch
    (path,) = newest_first(run.directory.best_checkpoints)
    assert path.name == f"ckpt-{best}"
    assert run.directory.model_file.is_file()


def test_best_is_kept_when_the_loss_rises(model, batches, tmp_path):
    run, each = checkpointing(model, batches, tmp_path)
    each.set_model(model)
    for epoch, loss in enumerate([3.0, 2.0, 2.5]):
        each.on_epoch_begin(epoch)
        each.on_epoch_end(epoch, {"val_loss": loss})
    (path,) = newest_first(run.directory.best_checkpoints)
    assert path.name == "ckpt-8"
    assert float(run.progress.best_loss) == 2.0


def test_epochs_of_pretraining_are_never_the_best(model, batches, tmp_path):
    run, each = checkpointing(model, batches, tmp_path, pretraining_epochs=2)
    each.set_model(model)
    for epoch, loss in enumerate([3.0, 1.0]):
        each.on_epoch_begin(epoch)
        each.on_epoch_end(epoch, {"val_loss": loss})
    assert not run.directory.model_file.exists()
    assert not run.restore_best()
    assert float(run.progress.best_loss) == np.inf
    assert int(run.progress.epoch) == 2
    each.on_epoch_end(2, {"val_loss": 2.0})
    assert float(run.progress.best_loss) == 2.0
    assert run.directory.model_file.is_file()


def test_checkpoints_by_time_within_an_epoch(model, batches, tmp_path):
    run, each = checkpointing(model, batches, tmp_path, seconds=0.0)
    fit(model, batches, [each], epochs=1)
    paths = newest_first(run.directory.last_checkpoints)
    # After step 3, and at the end of the epoch in place of after step 4.
    assert [path.name for path in paths] == ["ckpt-4", "ckpt-3"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("batch", "done"), [(1, (0, 2)), (3, (1, 0))])
def test_first_signal_saves_and_stops(
    model, batches, tmp_path, number, batch, done
):
    class Send(keras.callbacks.Callback):
        def on_train_batch_begin(self, step, logs=None):
            if step == batch:
                signal.raise_signal(number)

    before = signal.getsignal(number)
    with callbacks.Signals() as signals:
        run, each = checkpointing(model, batches, tmp_path, signals)
        with pytest.raises(callbacks.Interrupted) as interrupted:
            fit(model, batches, [Send(), each])
    assert interrupted.value.signal_number == number
    assert signal.getsignal(number) is before
    progress = run.progress
    assert (int(progress.epoch), int(progress.step)) == done
    (path, *_) = newest_first(run.directory.last_checkpoints)
    assert path.name == f"ckpt-{batch + 1}"


def test_second_signal_stops_at_once(monkeypatch):
    class ExitedError(Exception):
        pass

    def leave(status):
        raise ExitedError(status)

    monkeypatch.setattr(os, "_exit", leave)
    with callbacks.Signals() as signals:
        signal.raise_signal(signal.SIGINT)
        assert signals.received == signal.SIGINT
        with pytest.raises(ExitedError, match="143"):
            signal.raise_signal(signal.SIGTERM)


def test_going_on_between_epochs_gives_the_same_figures(
    model, batches, tmp_path
):
    """The metrics in such a checkpoint are those of the validation."""
    for whole in as_new(model):
        fit(whole, batches, [], epochs=2)
        expected = whole.history.history
    _, each = checkpointing(model, batches, tmp_path)
    fit(model, batches, [each], epochs=1)
    _, each = checkpointing(model, batches, tmp_path)
    model.fit(
        batches.training_stream(1),
        steps_per_epoch=batches.steps_per_epoch,
        validation_data=batches.evaluation_dataset(),
        callbacks=[each],
        verbose=0,
    )
    for name, (value,) in model.history.history.items():
        assert value == expected[name][1]


def test_epoch_gone_on_with_gives_the_same_figures(model, batches, tmp_path):
    for whole in as_new(model):
        fit(whole, batches, [], epochs=1)
        expected = dict(whole.history.history)
    stop = callbacks.Signals()

    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 1:
                stop.received = signal.SIGINT

    _, each = checkpointing(model, batches, tmp_path, stop)
    with pytest.raises(callbacks.Interrupted):
        fit(model, batches, [Stop(), each], epochs=1)
    model.reset_metrics()
    _, each = checkpointing(model, batches, tmp_path)
    model.fit(
        batches.training_stream(0, 2),
        steps_per_epoch=batches.steps_per_epoch - 2,
        validation_data=batches.evaluation_dataset(),
        callbacks=[each],
        verbose=0,
    )
    assert model.history.history == expected


def test_progress_bar_counts_from_the_start_of_the_epoch(
    model, batches, capsys
):
    bar = callbacks.ProgressBar(epochs=5, steps_per_epoch=4, first_step=1)
    model.fit(
        batches.training_stream(2, 1),
        steps_per_epoch=3,
        initial_epoch=2,
        epochs=3,
        validation_data=batches.evaluation_dataset(),
        callbacks=[callbacks.Diagnostics(batches), bar],
        verbose=2,
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 3/5"
    assert lines[1].startswith("4/4 - ")
    assert lines[2].startswith("  training    nll ")
    assert lines[3].startswith("  validation  nll ")
    assert "active units" in lines[3]


def test_save_model_keeps_the_old_file_on_failure(model, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    callbacks.save_model(model, path)
    content = path.read_bytes()

    def fail(target):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save", fail)
    with pytest.raises(RunError, match=r"model\.keras: cannot be written"):
        callbacks.save_model(model, path)
    assert path.read_bytes() == content
