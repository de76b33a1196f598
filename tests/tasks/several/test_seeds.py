"""Runs of several seeds: one after the other, once each, and compared."""

import csv
import fcntl
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest

import trainer
from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import parse
from keras_textgen.tasks.children import ChildRuns
from keras_textgen.tasks.reports.comparison import comparison
from tests.tasks.several.fake import runs_of

ROOT = pathlib.Path(__file__).parents[3]


def call(*given):
    return trainer.main(["trainer.py", *given])


def table_of(folder):
    with (folder / "seeds.csv").open() as lines:
        return {(r["figure"], r["split"]): r for r in csv.DictReader(lines)}


def test_each_seed_has_a_folder_and_every_figure_a_mean(given, program, capsys):
    assert call(*given, "--seeds=3,0,11") == 0
    folder = runs_of(given)
    assert program.calls == ["seed_3", "seed_0", "seed_11"]
    seeds = {name: each.seed for name, each in program.given.items()}
    assert seeds == {"seed_3": 3, "seed_0": 0, "seed_11": 11}
    assert {each.seeds for each in program.given.values()} == {None}
    assert all(each.finish for each in program.given.values())
    row = table_of(folder)["rmse", "test"]
    values = [3, 0, 11]
    assert float(row["mean"]) == pytest.approx(statistics.mean(values))
    assert float(row["standard_deviation"]) == pytest.approx(
        np.std(values, ddof=1)
    )
    assert [float(row[f"seed_{n}"]) for n in values] == values
    out = capsys.readouterr().out
    assert "seed_11, 3 of 3:" in out
    line = f"  rmse    test   4.6667  {np.std(values, ddof=1):.4f}  points"
    assert line in out
    page = (folder / "comparison.html").read_text("utf-8")
    assert "<td>--seed</td><td>3</td><td>0</td><td>11</td>" in page
    assert "standard deviation" in page
    assert f'<td class="number">{np.std(values, ddof=1):.4g}</td>' in page


def test_a_page_of_runs_without_figures(given, program):
    assert call(*given, "--seeds=0,1") == 0
    folders = [runs_of(given) / name for name in ("seed_0", "seed_1")]
    (folders[1] / "figures.json").unlink()
    page = comparison(list(map(str, folders)))
    assert '<td class="number">0</td></tr>' in page
    (folders[0] / "figures.json").unlink()
    page = comparison(list(map(str, folders)))
    assert "Of none of the runs there is a figures.json yet" in page


def test_a_precision_that_a_run_has_chosen_is_the_same(tmp_path):
    def of(precision):
        given = ["trainer.py", "--model=lstm_lm", f"--precision={precision}"]
        return parse(given, find_recipes())

    children = ChildRuns(tmp_path, ["seed_*"])
    run = children.of("seed_0")
    run.path.mkdir()
    run.write_flags(of("bfloat16"))
    run.figures_file.write_text("[]\n")
    (tmp_path / "finished.txt").write_text("seed_0\n")
    assert children.is_finished("seed_0", of("auto"))
    assert children.is_finished("seed_0", of("bfloat16"))
    assert not children.is_finished("seed_0", of("float32"))


def test_what_is_finished_is_not_repeated(given, program, capsys):
    program.statuses["seed_1"] = [128 + signal.SIGTERM]
    assert call(*given, "--seeds=0,1,2") == 128 + signal.SIGTERM
    assert program.calls == ["seed_0", "seed_1"]
    assert not (runs_of(given) / "seeds.csv").exists()
    assert call(*given, "--seeds=0,1,2") == 0
    assert program.calls == ["seed_0", "seed_1", "seed_1", "seed_2"]
    assert "seed_0, 1 of 3: finished before." in capsys.readouterr().out
    # As one that was written before there was a flag.
    flags = runs_of(given) / "seed_1" / "flags.txt"
    lines = flags.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("--tracker=")]
    assert len(kept) == len(lines) - 1
    flags.write_text("\n".join(kept) + "\n")
    # More seeds, in another order, and a folder that is gone.
    (runs_of(given) / "seed_2" / "figures.json").unlink()
    assert call(*given, "--seeds=5,2,1") == 0
    assert program.calls[4:] == ["seed_5", "seed_2"]
    assert list(table_of(runs_of(given))["rmse", "test"])[-3:] == [
        "seed_5",
        "seed_2",
        "seed_1",
    ]


def test_more_epochs_train_all_further(given, program):
    assert call(*given, "--seeds=0,1", "--epochs=2") == 0
    program.statuses["seed_1"] = [1]
    assert call(*given, "--seeds=0,1", "--epochs=3") == 1
    # What was stopped in between has new flags, and is not finished.
    assert call(*given, "--seeds=0,1", "--epochs=3") == 0
    assert program.calls[2:] == ["seed_0", "seed_1", "seed_1"]


def test_flags_of_a_run_may_be_given(given, program, tmp_path):
    flags = tmp_path / "flags.txt"
    flags.write_text("--seed=7\n--learning_rate=0.5\n")
    assert call(*given, f"--flagfile={flags}", "--seeds=0,1") == 0
    assert [each.seed for each in program.given.values()] == [0, 1]
    assert {each.learning_rate for each in program.given.values()} == {0.5}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--seeds=0"], "--seeds=0: must be two or more whole numbers, 0 to"),
        (
            ["--seeds=0,99999999999"],
            "--seeds=0,99999999999: must be two or more whole numbers, 0 to "
            "2147483647, each once, such as 0,1,2",
        ),
        (["--seeds=0,1,0"], "--seeds=0,1,0: must be two or more"),
        (["--seeds=0,x"], "--seeds=0,x: must be two or more"),
        (["--seeds=0,-1"], "--seeds=0,-1: must be two or more"),
        (["--seeds=0,1", "--data_dir=-"], "--data_dir=- with --seeds=0,1"),
        (
            [
                "--seeds=0,1",
                "--distribution_strategy=multi_worker_mirrored",
            ],
            "--distribution_strategy=multi_worker_mirrored with --seeds=0,1",
        ),
        (["--seeds=0,1", "--nofinish"], "--nofinish with --seeds=0,1"),
        (
            ["--seeds=0,1", "--mode=sweep", "--sweep=epochs=1,2"],
            "--seeds has a meaning only with --mode=train",
        ),
    ],
)
def test_what_cannot_be_combined_is_refused_by_name(
    given, program, capsys, more, told
):
    assert call(*given, *more) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
    assert program.calls == []
    assert not runs_of(given).exists()


def test_folders_of_others_are_refused(given, program, capsys):
    folder = runs_of(given)
    folder.mkdir()
    (folder / "notes.txt").touch()
    assert call(*given, "--seeds=0,1") == 2
    assert f"{folder}: holds notes.txt" in capsys.readouterr().err
    (folder / "notes.txt").rename(folder / "flags.txt")
    assert call(*given, "--seeds=0,1") == 2
    assert f"{folder}: holds a run of its own" in capsys.readouterr().err
    (folder / "flags.txt").unlink()
    assert call(*given, "--seeds=0,1") == 0
    # Before anything runs, though the first seed is a new one.
    assert call(*given, "--seeds=2,1", "--embedding_dim=5") == 2
    told = "seed_1: the run there has --embedding_dim=4, not --embedding_dim=5"
    assert told in capsys.readouterr().err
    assert program.calls == ["seed_0", "seed_1"]


@pytest.mark.parametrize(
    ("more", "name"),
    [
        (["--seeds=0,1"], "seed_0"),
        (["--mode=sweep", "--sweep=l2=0,1"], "trial_0"),
    ],
)
def test_a_run_that_was_left_behind_is_waited_for(
    given, program, capsys, more, name
):
    run = runs_of(given) / name
    run.mkdir(parents=True)
    with open(run / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert call(*given, *more) == 2
    told = f"{run}: another process is writing there; wait for it"
    assert told in capsys.readouterr().err
    assert program.calls == []
    assert call(*given, *more) == 0


# -- The program itself -------------------------------------------------------


def start(given, *more):
    program = [sys.executable, str(ROOT / "trainer.py")]
    return subprocess.Popen(
        [*program, *given, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, process, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_series_goes_on(given):
    cells = [(u, i) for u in range(12) for i in range(9) if (u + i) % 4]
    rows = [f"u{u},i{i},{1 + (u * i) % 5}" for u, i in cells]
    folder = runs_of(given)
    (folder.parent / "ratings.csv").write_text(
        "user,item,rating\n" + "\n".join(rows) + "\n"
    )
    given += ["--epochs=2", "--seeds=0,1"]
    first = folder / "seed_0"
    process = start(given)
    wait_for((first / "flags.txt").exists, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (folder / "finished.txt").read_text()

    # A signal to this process alone reaches the run that it waits for.
    process = start(given)
    wait_for((folder / "seed_1" / "flags.txt").exists, process)
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert (folder / "finished.txt").read_text() == "seed_0\n"
    before = (first / "figures.json").stat().st_mtime_ns

    process = start(given)
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert (first / "figures.json").stat().st_mtime_ns == before
    values = [
        {
            (each["name"], each["split"]): each["value"]
            for each in json.loads(path.read_text())
        }["rmse", "test"]
        for path in sorted(folder.glob("seed_*/figures.json"))
    ]
    row = table_of(folder)["rmse", "test"]
    assert float(row["mean"]) == pytest.approx(sum(values) / 2)
    assert float(row["standard_deviation"]) == pytest.approx(
        np.std(values, ddof=1)
    )


def test_a_seed_beside_seeds_is_refused(given, program, capsys):
    told = "--seed=3 beside --seeds; allowed: one of the two"
    assert trainer.main(["trainer.py", *given, "--seeds=0,1", "--seed=3"]) == 2
    assert told in capsys.readouterr().err
    assert not program.calls
