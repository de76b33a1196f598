"""Keras's callbacks, for every model."""

import csv
import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.keras_cases import each_case


class Judged(keras.callbacks.Callback):
    """Says how good epochs are, and keeps the weights after each."""

    def __init__(self, *losses):
        super().__init__()
        self.losses = losses
        self.weights = []

    def on_epoch_end(self, epoch, logs):
        logs["val_loss"] = self.losses[epoch]
        self.weights.append(self.model.get_weights())


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def fit(case, model, *callbacks, epochs):
    return model.fit(
        case.x,
        case.y,
        batch_size=2,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
    )


@each_case
def test_early_stopping_restores_the_best_weights(case):
    model = case.make_eager()
    judged = Judged(3.0, 1.0, 2.0, 2.0, 0.0)
    stopping = keras.callbacks.EarlyStopping(
        patience=2, restore_best_weights=True
    )
    fit(case, model, judged, stopping, epochs=5)
    assert len(judged.weights) == 4
    assert_same(model.get_weights(), judged.weights[1])


@each_case
def test_model_checkpoint_keeps_the_best_model(case, tmp_path):
    judged = Judged(3.0, 1.0, 2.0)
    path = str(tmp_path / "best.keras")
    weights = str(tmp_path / "{epoch}.weights.h5")
    fit(
        case,
        case.make_eager(),
        judged,
        keras.callbacks.ModelCheckpoint(path, save_best_only=True),
        keras.callbacks.ModelCheckpoint(weights, save_weights_only=True),
        epochs=3,
    )
    best = keras.saving.load_model(path)
    assert_same(best.get_weights(), judged.weights[1])
    best.load_weights(weights.format(epoch=3))
    assert_same(best.get_weights(), judged.weights[2])


@each_case
def test_the_learning_rate_is_reduced_on_a_plateau(case):
    model = case.make()
    model.compile(keras.optimizers.SGD(0.25), run_eagerly=True)
    reduce = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1)
    history = fit(case, model, Judged(1.0, 1.0, 1.0), reduce, epochs=3)
    assert history.history["learning_rate"] == [0.25, 0.25, 0.125]
    assert float(model.optimizer.learning_rate) == 0.0625


@each_case
def test_the_learning_rate_follows_a_schedule(case):
    model = case.make_eager()
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.0, 0.5])
    model.compile(keras.optimizers.SGD(rates), run_eagerly=True)
    before = [each.numpy() for each in model.trainable_variables]
    for _ in range(2):
        model.train_on_batch(case.x, case.y)
    assert_same([each.numpy() for each in model.trainable_variables], before)
    assert float(model.optimizer.learning_rate) == 0.5
    model.train_on_batch(case.x, case.y)
    after = [each.numpy() for each in model.trainable_variables]
    assert any(
        np.any(one != other) for one, other in zip(before, after, strict=True)
    )


@each_case
def test_the_csv_logger_writes_the_history(case, tmp_path):
    path = tmp_path / "log.csv"
    logger = keras.callbacks.CSVLogger(path)
    history = fit(case, case.make_eager(), logger, epochs=2).history
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("epoch") for row in rows] == ["0", "1"]
    # It leaves columns for a validation that there is none of.
    assert set(rows[0]) == {*history, *(f"val_{name}" for name in history)}
    for name, values in history.items():
        assert [float(row[name]) for row in rows] == values


@each_case
def test_callbacks_are_called_in_order(case):
    calls = []
    lambdas = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: calls.append("train"),
        on_epoch_begin=lambda epoch, logs: calls.append(f"epoch {epoch}"),
        on_train_batch_end=lambda batch, logs: calls.append(batch),
        on_epoch_end=lambda epoch, logs: calls.append(logs),
        on_train_end=lambda logs: calls.append("end"),
    )
    history = fit(case, case.make_eager(), lambdas, epochs=2).history
    logs = [
        {name: values[epoch] for name, values in history.items()}
        for epoch in range(2)
    ]
    steps = [0, 1, 2]
    assert calls == [
        "train",
        "epoch 0",
        *steps,
        logs[0],
        "epoch 1",
        *steps,
        logs[1],
        "end",
    ]


class PowerCut(keras.callbacks.Callback):
    """Stops everything before the third epoch."""

    def on_epoch_begin(self, epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt


@each_case
def test_backup_and_restore_goes_on_as_if_nothing_had_been(case, tmp_path):
    whole = case.make_eager()
    fit(case, whole, epochs=3)
    backup = keras.callbacks.BackupAndRestore
    with pytest.raises(KeyboardInterrupt):
        fit(
            case,
            case.make_eager(),
            backup(tmp_path / "run"),
            PowerCut(),
            epochs=3,
        )
    resumed = case.make_eager()
    history = fit(case, resumed, backup(tmp_path / "run"), epochs=3)
    assert history.epoch == [2]
    assert_same(resumed.get_weights(), whole.get_weights())


@each_case
def test_tensorboard_has_the_history(case, tmp_path, record_property):
    board = keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    if importlib.util.find_spec("tensorboard") is None:
        record_property("cell", "needs `tensorboard`")
        with pytest.raises(Exception, match="TensorBoard is not installed"):
            fit(case, case.make_eager(), board, epochs=1)
        return
    history = fit(case, case.make_eager(), board, epochs=2).history
    (file,) = (tmp_path / "train").iterdir()
    losses = [
        tf.make_ndarray(value.tensor).item()
        for record in tf.data.TFRecordDataset(str(file))
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
        if value.tag == "epoch_loss"
    ]
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-6)
