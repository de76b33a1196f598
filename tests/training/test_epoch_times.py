"""The table of times, by a clock that is known."""

import csv

import pytest

from keras_textgen.cli.settings import RunError
from keras_textgen.training.epoch_times import EpochTimes, speeds_of


def rows(path):
    with path.open() as file:
        return [
            {name: float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def test_times_by_hand(tmp_path):
    now = 100.0
    times = EpochTimes(tmp_path / "t.csv", (80, "words"), 4, clock=lambda: now)
    times.on_epoch_begin(0)
    for step in range(4):
        now += 0.5
        times.on_train_batch_end(step)
    now += 3  # of validation
    times.on_epoch_end(0)
    # The rest of an epoch in which the run had stopped.
    times.on_epoch_begin(1)
    now += 2
    times.on_train_batch_end(3)
    times.on_epoch_end(1)
    first, second = rows(tmp_path / "t.csv")
    assert first == {
        "epoch": 1,
        "seconds": 5,
        "training_seconds": 2,
        "words_a_second": 40,
    }
    assert second["seconds"] == second["training_seconds"] == 2
    assert speeds_of(second) == {"words": 10}


def test_epochs_that_are_trained_again(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("epoch,seconds\n1,5.0\n2,6.0\n")
    times = EpochTimes(path, (9, "texts"), 1, first_epoch=1, clock=lambda: 7.0)
    times.on_epoch_begin(1)
    times.on_epoch_end(1)
    _, first, second = path.read_text().splitlines()
    assert (first, second[:2]) == ("1,5.0,,", "2,")
    path.write_text("epoch\nx\n")
    with pytest.raises(RunError, match="no epoch number"):
        EpochTimes(path, (9, "texts"), 1)
