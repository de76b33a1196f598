"""Runs of matrix factorization on a prepared matrix, from the command line."""

import csv
import random

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("apache_beam", reason="the extra beam is missing")

import trainer
from keras_textgen import load_model, open_prepared
from keras_textgen.prepare.corpus import prepare_corpus
from tests.beam import beams_warnings
from tests.interrupted import assert_going_on_equals_no_interruption

pytestmark = beams_warnings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    chance = random.Random(2)
    pairs = [(row, column) for row in range(50) for column in range(30)]
    lines = [
        f"u{row},i{column},{1 + (row * column + row) % 5}"
        for row, column in chance.sample(pairs, 900)
    ]
    (folder / "a.csv").write_text("\n".join(["who,what,rating", *lines]))
    names = {"row_column": "who", "column_column": "what"}
    shares = {"valid_share": 0.1, "test_share": 0.1}
    source = folder / "a.csv"
    prepare_corpus(source, folder / "ratings", **names, **shares)
    prepare_corpus(
        source, folder / "ones", value_column="none", **names, **shares
    )
    lines = [f"a rose of number {n % 7} and {n}" for n in range(100)]
    (folder / "a.txt").write_text("\n".join(lines))
    prepare_corpus(folder / "a.txt", folder / "texts", **shares)
    return folder


def call(*given):
    return trainer.main(
        [
            "trainer.py",
            "--model=dmf",
            "--dataset=prepared",
            "--epochs=2",
            "--batch_size=32",
            "--embedding_dim=4",
            *map(str, given),
        ]
    )


@pytest.mark.parametrize("feedback", ["explicit", "ranking"])
def test_going_on_in_mid_epoch_equals_no_interruption(
    folder, tmp_path, monkeypatch, capsys, feedback
):
    data = (f"--data_dir={folder / 'ratings'}", f"--feedback={feedback}")
    printed = assert_going_on_equals_no_interruption(
        lambda run: call(*data, f"--run_dir={run}"),
        tmp_path,
        monkeypatch,
        capsys,
    )
    assert "50 x 30, " in printed


def test_a_whole_run_is_exported_and_judged_again(folder, tmp_path, capsys):
    run = tmp_path / "run"
    data = folder / "ratings"
    assert call(f"--data_dir={data}", f"--run_dir={run}") == 0
    printed = capsys.readouterr().out
    table = printed.partition("weights of the best epoch:\n")[2]
    matrix, model = open_prepared(data), load_model(run / "model.keras")
    errors = model.predict(matrix.test, verbose=0) - matrix.test.values
    rmse = np.sqrt(np.mean(errors**2))
    with (run / "results.csv").open() as lines:
        written = {r["figure"]: r["value"] for r in csv.DictReader(lines)}
    assert float(written["rmse"]) == pytest.approx(rmse, rel=1e-6)
    assert f"RMSE         {rmse:.4f}, global mean " in table
    # What is recommended is not known in training.
    names = [line.split(": ") for line in table.splitlines() if ": i" in line]
    assert len(names) == 3
    for row, columns in names:
        cells = matrix.train.of_row(matrix.row_names.index(row.strip()))
        known = {matrix.column_names[each] for each in cells.columns}
        best = columns.split(", ")
        assert len(best) == 5
        assert not known & set(best)
    served = tf.saved_model.load(run / "export")
    answer = served.recommend(tf.constant(["u3"]), 4)
    assert answer["column_ids"].shape == (1, 4)
    page = (run / "report.html").read_text()
    assert "Errors by what is known" in page
    arguments = ["trainer.py", "--mode=evaluate", f"--run_dir={run}"]
    assert trainer.main(arguments) == 0
    again = capsys.readouterr().out.partition("best epoch:\n")[2]
    assert again.splitlines()[:8] == table.splitlines()[:8]


def test_values_that_are_all_one_are_ranked(folder, tmp_path, capsys):
    data = (f"--data_dir={folder / 'ones'}", f"--run_dir={tmp_path / 'run'}")
    assert call(*data) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "every training value is 1, which leaves --feedback=ex" in line
    assert call(*data, "--feedback=ranking", "--nofinish") == 0
    assert "loss" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "name", "given", "message"),
    [
        (
            "dmf",
            "texts",
            [],
            "texts: texts; allowed: a matrix, prepared with -",
        ),
        ("lstm_lm", "ratings", [], "cells of a matrix; allowed: --model=dmf"),
        ("sae", "ratings", [], "cells of a matrix; allowed: --model=dmf"),
        ("dmf", "ratings", ["--history_features"], "--history_features=true w"),
        ("dmf", "ratings", ["--split_seed=2"], "--split_seed=2 with --dataset"),
        ("dmf", "ratings", ["--duplicates=sum"], "--duplicates"),
        ("dmf", "ratings", ["--row_column=who"], "--row_column"),
    ],
)
def test_what_is_refused_in_one_line(
    folder, tmp_path, capsys, model, name, given, message
):
    data = (f"--data_dir={folder / name}", f"--run_dir={tmp_path / 'run'}")
    arguments = [f"--model={model}", "--dataset=prepared", *data, *given]
    assert trainer.main(["trainer.py", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trainer.py: error: ")
    assert message in line


def test_counts_below_zero_are_refused(tmp_path, capsys):
    lines = [f"u{n % 9},i{n},{n - 1}" for n in range(120)]
    (tmp_path / "a.csv").write_text("\n".join(["user,item,rating", *lines]))
    data = tmp_path / "out"
    prepare_corpus(
        tmp_path / "a.csv",
        data,
        row_column="user",
        valid_share=0.2,
        test_share=0.2,
    )
    given = (f"--data_dir={data}", f"--run_dir={tmp_path / 'run'}")
    assert call(*given, "--feedback=implicit") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has values from -1 to 1" in line
    assert line.endswith("allowed with --feedback=implicit: above 0")
