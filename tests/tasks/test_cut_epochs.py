"""Epochs of --steps_per_epoch, for every kind of model."""

import csv
import types

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import __main__ as program
from keras_textgen.cli.settings import RunError, parse
from keras_textgen.specs import KINDS, SPECS
from keras_textgen.tasks import runs
from keras_textgen.tasks.base import introduction
from keras_textgen.training.checkpoints import newest_first

# Of 40 texts or cells, 32 are for training: 4 steps of 8.
STEPS = 4
LINES = [
    f"{'ab'[n % 2]}\tthe {('red', 'blue')[n % 2]} {('rose', 'ship')[n % 3 % 2]}"
    for n in range(40)
]
CELLS = [f"u{n % 8},i{n // 8},{1 + n % 5}" for n in range(40)]
MODELS = {
    "text": ["--model=lstm_lm", "--dataset=text", "--rnn_units=4"],
    "documents": ["--model=han", "--dataset=text", "--rnn_units=3"],
    "topics": ["--model=sae", "--dataset=text", "--latent_dim=3"],
    "matrices": ["--model=dmf", "--dataset=ratings", "--embedding_dim=3"],
}


def test_every_kind_is_here():
    assert set(MODELS) == set(KINDS)


@pytest.fixture(params=MODELS)
def given(request, tmp_path):
    files = {"text": LINES, "ratings": ["user,item,rating", *CELLS]}
    dataset = MODELS[request.param][1].partition("=")[2]
    path = tmp_path / ("data.csv" if dataset == "ratings" else "data.txt")
    path.write_text("\n".join(files[dataset]) + "\n")
    return [
        *MODELS[request.param],
        f"--data_dir={path}",
        "--batch_size=8",
        "--min_steps_per_epoch=1",
    ]


def task_of(given, *more):
    settings = parse(["trainer.py", *given, *more], "no_recipes")
    return runs.task_class(settings)(settings)


def arrays(batch):
    return [
        np.asarray(part)
        for part in tf.nest.flatten(batch, expand_composites=True)
    ]


def test_epochs_are_cut_from_one_stream(given):
    whole = task_of(given).training_batches()
    assert whole.steps_per_epoch == STEPS
    cut = task_of(given, "--steps_per_epoch=3").training_batches()
    assert cut.steps_per_epoch == 3
    units, unit = whole.units
    assert cut.units == (round(units * 3 / STEPS), unit)
    stream = list(whole.training_stream().take(9))
    for epoch, step in [(0, 0), (1, 0), (1, 2), (2, 1)]:
        batch = next(iter(cut.training_stream(epoch, step)))
        for here, there in zip(
            arrays(batch), arrays(stream[3 * epoch + step]), strict=True
        ):
            np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize(
    ("batch_size", "fewest", "steps", "first_rows"),
    [
        (8, 4, 4, 8),  # Enough.
        (32, 2, 2, 16),  # One batch of all 32; half of it is enough.
        (32, 5, 5, 8),  # Four batches of the smallest size, and one again.
        (4, 9, 9, 4),  # Batches are never larger than they should be.
    ],
)
def test_small_data_have_smaller_batches_and_several_passes(
    given, batch_size, fewest, steps, first_rows
):
    flags = [f"--batch_size={batch_size}", f"--min_steps_per_epoch={fewest}"]
    batches = task_of(given, *flags).training_batches()
    assert batches.steps_per_epoch == steps
    first = next(iter(batches.training_stream()))
    leaves = tf.nest.flatten(first, expand_composites=False)
    if "--model=lstm_lm" in given or "--model=han" in given:
        assert leaves[0].shape[0] == first_rows
    asked = task_of(given, *flags, "--steps_per_epoch=3")
    assert asked.training_batches().steps_per_epoch == 3
    # Then nothing is too short, and batches are what was asked for.
    assert asked.training_batch_size == batch_size


def test_other_batches_than_asked_for_are_said(given):
    model = types.SimpleNamespace(trainable_weights=[])
    flags = ["--batch_size=32", "--min_steps_per_epoch=5"]
    said = introduction(task_of(given, *flags), model, 5)
    assert said.endswith(
        "5 steps an epoch, of 8 in place of --batch_size=32 for "
        "--min_steps_per_epoch=5."
    )
    assert introduction(task_of(given), model, 4).endswith("4 steps an epoch.")


def test_two_half_epochs_are_a_whole_one(given, tmp_path, monkeypatch):
    for after in ("_write_export", "print_results"):
        monkeypatch.setattr(runs, after, lambda *_: {})
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    ways = {
        whole: ["--epochs=1"],
        halves: ["--epochs=2", f"--steps_per_epoch={STEPS // 2}"],
    }
    last, weights = {}, {}
    for run_dir, flags in ways.items():
        line = ["trainer.py", *given, *flags, f"--run_dir={run_dir}"]
        assert program.main(line) == 0
        with open(run_dir / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(flags)
        last[run_dir] = rows[-1]["val_loss"]
        path = newest_first(run_dir / "checkpoint" / "last")[0]
        reader = tf.train.load_checkpoint(str(path))
        weights[run_dir] = {
            name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()
            if name.startswith("model/")
        }
    assert last[whole] == last[halves]
    assert weights[whole]
    for name, value in weights[whole].items():
        np.testing.assert_array_equal(value, weights[halves][name], name)


def test_epochs_without_a_step_are_refused():
    for model in SPECS:
        with pytest.raises(RunError) as error:
            parse(
                ["t", f"--model={model}", "--steps_per_epoch=0"], "no_recipes"
            )
        assert str(error.value) == (
            "--steps_per_epoch=0: must be a whole number of at least 1"
        )
