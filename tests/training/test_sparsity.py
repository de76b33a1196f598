"""The sparsity of the codes in the figures of an epoch."""

import csv

import pytest

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.sparsity import hoyer, normalized
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.training.callbacks import figures_text
from keras_textgen.training.metrics_file import MetricsFile
from keras_textgen.training.sparsity import Sparsity

VIEWS = {
    HSVAE: ("gated_mean", ["sample", "slab_mean", "gated_mean"]),
    MATVAE: ("mean", ["sample", "mean"]),
}


@pytest.fixture(scope="module", params=VIEWS, ids=lambda kind: kind.__name__)
def model(request):
    words = Vocabulary(["a", "b", "c"])
    return request.param(words, embedding_dim=3, rnn_units=4, latent_dim=5)


@pytest.fixture(scope="module")
def batches():
    sequences = [[2, *[4 + i % 3] * (1 + i % 4), 3] for i in range(6)]
    return SequenceBatches(sequences, batch_size=4)


def test_figures_of_an_epoch(model, batches, tmp_path):
    callback = Sparsity(batches)
    callback.set_model(model)
    logs = {"loss": 3.0, "val_loss": 4.0}
    callback.on_epoch_end(0, logs)
    mean, views = VIEWS[type(model)]
    names = [
        f"val_hoyer_{view}{kind}"
        for view in views
        for kind in ("", "_normalized")
    ]
    assert list(logs) == ["loss", "val_loss", *names]
    codes = model.encode(batches)
    figure = logs[f"val_hoyer_{mean}_normalized"]
    assert logs[f"val_hoyer_{mean}"] == pytest.approx(hoyer(codes), abs=1e-5)
    assert figure == pytest.approx(hoyer(normalized(codes)), abs=1e-3)

    again = {}
    callback.on_epoch_end(1, again)
    assert again == {name: logs[name] for name in names}

    path = tmp_path / "metrics.csv"
    MetricsFile(path).on_epoch_end(0, logs)
    with open(path, newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row[f"val_hoyer_{mean}_normalized"]) == figure

    validation = {
        name.removeprefix("val_"): each for name, each in logs.items()
    }
    shown = mean.replace("_", " ")
    assert f"hoyer {shown} {figure:.3f}" in figures_text(validation)
    assert figures_text(validation).count("hoyer") == 2
