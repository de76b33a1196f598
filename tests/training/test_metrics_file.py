"""The table of a run's epochs, whole and damaged."""

import random

import pytest
from fuzz_damage import damaged

from keras_textgen.cli.errors import RunError
from keras_textgen.training.metrics_file import MetricsFile, read_epochs


def test_metrics_file_drops_rows_of_epochs_trained_again(tmp_path):
    path = tmp_path / "metrics.csv"
    table = MetricsFile(path)
    for epoch in range(3):
        table.on_epoch_end(epoch, {"loss": float(epoch)})
    table = MetricsFile(path, first_epoch=1)
    table.on_epoch_end(1, {"loss": 10.0, "val_loss": 1.5})
    assert path.read_text() == "epoch,loss,val_loss\n1,0.0,\n2,10.0,1.5\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"epoch,loss\n1,2.0\nx,1.0\n", ":3: no epoch number in the first col"),
        (b"epoch,loss\n1,2.0\n2,1.u\n", ":3: loss='1.u' is no number"),
        (b"epoch,loss\n1,2.0,3.0\n", ":2: more or fewer cells than names"),
        (b"epoch,loss\n1\n", ":2: more or fewer cells than names"),
        (b"epoch,lo\xb4s\n1,2.0\n", ": damaged ('utf-8' codec can't decode"),
        (b'epoch,"loss\n1,2.0\n', ": damaged (unexpected end of data)"),
    ],
)
def test_another_table_is_refused(tmp_path, content, message):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    for read in (MetricsFile, read_epochs):
        with pytest.raises(RunError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}{message}")
        assert str(error.value).endswith(
            "; allowed: the table of this run, or no such file"
        )


def test_a_damaged_table_is_read_or_refused(tmp_path):
    path = tmp_path / "metrics.csv"
    table = MetricsFile(path)
    for epoch in range(3):
        table.on_epoch_end(epoch, {"loss": 0.5 * epoch, "val_loss": 1e-7})
    assert read_epochs(path)[2] == {"epoch": 3, "loss": 1.0, "val_loss": 1e-7}
    whole, refused = path.read_bytes(), 0
    for seed in range(300):
        path.write_bytes(damaged(whole, random.Random(seed)))
        try:
            read_epochs(path)
        except RunError:
            refused += 1
    assert 100 < refused < 300
