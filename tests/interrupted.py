"""Runs that are stopped amid an epoch, and the state that they end in."""

import itertools
import signal

import numpy as np
import tensorflow as tf

from keras_textgen.data.shards import order
from keras_textgen.tasks import runs
from keras_textgen.training import callbacks


def terminate_after(steps, monkeypatch):
    """Sends SIGTERM to this process after so many training steps."""
    counter = itertools.count(1)
    look = callbacks.FiniteLoss.on_train_batch_end

    def look_and_count(self, batch, logs):
        look(self, batch, logs)
        if next(counter) == steps:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(
        callbacks.FiniteLoss, "on_train_batch_end", look_and_count
    )


def train_alone(monkeypatch):
    """Lets runs leave out what comes after the training and takes longer."""
    for after in ("_write_export", "print_results"):
        monkeypatch.setattr(runs, after, lambda *_: {})


def tensors(run_dir):
    """Every number of the newest checkpoint that training depends on."""
    path = tf.train.latest_checkpoint(run_dir / "checkpoint" / "last")
    reader = tf.train.load_checkpoint(path)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        # Of saves, an interrupted run makes more; names differ in a process
        # that has made several models.
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH" and "save_counter" not in name
    }


def assert_same_state(first, second):
    """Checkpoints and figures of two runs are the same, to the bit."""
    one, other = tensors(first), tensors(second)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)
    assert (first / "metrics.csv").read_text() == (
        second / "metrics.csv"
    ).read_text()


def assert_going_on_equals_no_interruption(train, folder, monkeypatch, capsys):
    """A run on shards of two epochs that is stopped after step 5 of the second.

    Args:
        train: given a folder, trains there and gives its status.
        folder: for two of them.
        monkeypatch: of the test.
        capsys: of the test.

    Returns:
        What the whole run has printed.
    """
    train_alone(monkeypatch)
    # Several windows an epoch.
    monkeypatch.setattr(order, "WINDOW", 4)
    whole, again = folder / "whole", folder / "again"
    assert train(whole) == 0
    printed = capsys.readouterr().out
    steps = int(printed.partition(" steps an epoch")[0].rpartition(" ")[2])
    with monkeypatch.context() as patch:
        terminate_after(steps + 5, patch)
        assert train(again) == 128 + signal.SIGTERM
    assert train(again) == 0
    assert "Going on after step 5 of epoch 2" in capsys.readouterr().out
    assert_same_state(whole, again)
    return printed
