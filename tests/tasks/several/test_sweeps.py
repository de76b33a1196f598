"""Sweeps: what is tried, what is best, and what is tried after a stop."""

import csv
import math
import signal

import pytest

import trainer
from keras_textgen.cli.sweeping import search_space
from keras_textgen.evaluation.figures import Figure
from keras_textgen.tasks import search
from keras_textgen.tasks.search import Trial, suggested
from keras_textgen.training.trials import TRIAL
from tests.tasks.several.fake import runs_of

SWEEP = "--mode=sweep"


@pytest.fixture
def optuna():
    return pytest.importorskip("optuna", reason="the extra sweep is missing")


def call(*given):
    return trainer.main(["trainer.py", *given])


def rows_of(given):
    with (runs_of(given) / "trials.csv").open() as lines:
        return list(csv.DictReader(lines))


def test_a_grid_tries_all_combinations(given, program, capsys):
    grid = "--sweep=learning_rate=0.5,0.1;l2=0,0.25"
    assert call(*given, SWEEP, grid) == 0
    tried = [(s.learning_rate, s.l2) for s in program.given.values()]
    assert tried == [(0.5, 0), (0.5, 0.25), (0.1, 0), (0.1, 0.25)]
    for each in program.given.values():
        # Neither evaluated on the test set, nor a sweep itself.
        assert (each.mode, each.finish, each.sweep) == ("train", False, None)
        assert each.embedding_dim == 4
    # Where one fails, there is nothing for a user to do.
    assert program.variables == TRIAL
    rows = rows_of(given)
    assert [row["trial"] for row in rows] == [
        "trial_2",
        "trial_3",
        "trial_0",
        "trial_1",
    ]
    assert rows[0] == {
        "trial": "trial_2",
        "val_rmse": "0.1000",
        "learning_rate": "0.1",
        "l2": "0.0",
    }
    out = capsys.readouterr().out
    best = runs_of(given) / "trial_2"
    command = f"python trainer.py --flagfile={best}/flags.txt --run_dir={best}"
    assert command in out
    # That command goes on with the trial.
    program.calls.clear()
    program([*command.split()[2:]])
    assert program.given["trial_2"].finish


def test_a_grid_goes_on_where_it_was(given, program, capsys):
    grid = "--sweep=learning_rate=0.5,0.1,0.3"
    program.statuses["trial_1"] = [128 + signal.SIGINT]
    assert call(*given, SWEEP, grid) == 128 + signal.SIGINT
    assert call(*given, SWEEP, grid) == 0
    assert program.calls == ["trial_0", "trial_1", "trial_1", "trial_2"]
    assert "trial_0, 1 of 3, --learning_rate=0.5: finished before." in (
        capsys.readouterr().out
    )
    # Another grid is not these trials, even if it holds them all.
    for other in ("0.5,0.2", "0.5,0.1", "0.7,0.5,0.1,0.3", "0.1:0.5"):
        more = ["--sweep_trials=3"] if ":" in other else []
        swept = f"--sweep=learning_rate={other}"
        assert call(*given, SWEEP, swept, *more) == 2
        told = (
            "the sweep there has --sweep='learning_rate=0.5,0.1,0.3', not "
            f"'learning_rate={other}'; allowed: the same, or another --run_dir"
        )
        assert told in capsys.readouterr().err
    # Spelled in another way, it is the same.
    assert call(*given, SWEEP, "--sweep=learning_rate = 0.50,0.1,0.3") == 0


def test_a_trial_that_fails_ends_no_sweep(given, program, capsys):
    program.statuses = {"trial_0": [2], "trial_1": [128 + signal.SIGKILL]}
    grid = "--sweep=learning_rate=0.1,0.2,0.3"
    assert call(*given, SWEEP, grid) == 0
    assert "1 of 3 trials, by val_rmse" in capsys.readouterr().out
    values = {row["trial"]: row["val_rmse"] for row in rows_of(given)}
    assert values == {
        "trial_2": "0.3000",
        "trial_0": "failed",
        "trial_1": "failed",
    }
    # They are tried again, and the other one is not.
    assert call(*given, SWEEP, grid) == 0
    assert program.calls[3:] == ["trial_0", "trial_1"]
    assert rows_of(given)[0]["trial"] == "trial_0"


def test_a_figure_that_is_no_number_is_never_the_best(given, program, capsys):
    program.figures = lambda settings: [
        Figure("rmse", math.nan, split="valid"),
        Figure("rmse", 0.0, split="test"),
    ]
    assert call(*given, SWEEP, "--sweep=learning_rate=0.1,0.2") == 2
    assert "none of 2 trials has ended well" in capsys.readouterr().err


def test_the_larger_accuracy_is_better(given, program, tmp_path, capsys):
    (tmp_path / "texts.txt").write_text("a\tb\n")
    given = ["--model=han", f"--run_dir={tmp_path / 'runs'}"]
    program.figures = lambda settings: [
        Figure("accuracy", settings.learning_rate, split="valid")
    ]
    # Words may differ where documents are what is counted.
    grid = "--sweep=learning_rate=0.1,0.2;min_count=1,2"
    assert call(*given, SWEEP, grid) == 0
    assert [row["trial"] for row in rows_of(given)] == [
        "trial_2",
        "trial_3",
        "trial_0",
        "trial_1",
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "--mode=sweep needs --sweep"),
        (["--sweep=l2"], "--sweep: 'l2'; allowed: NAME=VALUE"),
        (["--sweep=l2=1;"], "--sweep: ''; allowed: NAME=VALUE"),
        (["--sweep=l2=1;l2=2"], "--sweep: l2 twice"),
        (["--sweep=l2=1,1.0"], "--sweep: l2=1,1.0; allowed: each value once"),
        (["--sweep=el2=1"], "--sweep: unknown setting el2; did you mean l2?"),
        (["--sweep=seed=1,2"], "--sweep: seed; allowed: --seeds"),
        (["--sweep=model=dmf,vae"], "--sweep: model; allowed: a sweep of each"),
        (["--sweep=run_dir=a,b"], "--sweep: run_dir, on which"),
        (["--sweep=rnn_units=4"], "--sweep: rnn_units is not for --model=dmf"),
        (["--sweep=l2=one"], "--sweep: l2=one: must be a number"),
        (["--sweep=learning_rate=0.1,0"], "learning_rate=0: must be a number"),
        (["--sweep=l2=0:1"], "--sweep: l2 has a range"),
        (["--sweep=l2=0:1:log", "--sweep_trials=2"], "LOW:HIGH:log with LOW"),
        (["--sweep=l2=1:0", "--sweep_trials=2"], "LOW below HIGH"),
        (["--sweep=l2=1", "--sweep_trials=0"], "--sweep_trials=0: must be"),
        (["--sweep=split_seed=1,2"], "split_seed changes what val_rmse is"),
        (["--sweep=feedback=explicit"], "feedback changes what val_rmse is"),
        (
            ["--sweep=l2=1", "--sweep_metric=rmse"],
            "--sweep_metric=rmse with --model=dmf; allowed: val_rmse, val_mae",
        ),
        (["--sweep=l2=1", "--data_dir=-"], "--data_dir=- with --mode=sweep"),
        (
            ["--sweep=l2=1", "--feedback=ranking", "--start_at_baseline"],
            "l2 changes what val_loss is",
        ),
        # Together with the other settings of the run.
        (
            ["--sweep=optimizer=adam,sgd", "--beta_1=0.5"],
            "--beta_1 has a meaning only with --optimizer=adam or nadam",
        ),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(
    given, program, capsys, more, told
):
    assert call(*given, SWEEP, *more) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
    assert program.calls == []
    assert not runs_of(given).exists()


def test_other_names_of_settings_are_understood():
    space = search_space("--alpha=1,2", "mat_vae")
    assert list(space) == ["mmd_weight"]
    space = search_space("hidden_layers=5:tanh,3:tanh|none", "dmf")
    assert space["hidden_layers"].texts == ("5:tanh,3:tanh", "none")


# -- Search -------------------------------------------------------------------


def test_without_optuna_a_search_is_refused(
    given, program, monkeypatch, capsys
):
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    more = [SWEEP, "--sweep=l2=0.1:1", "--sweep_trials=2"]
    assert call(*given, *more) == 2
    assert "pip install 'keras-textgen[sweep]'" in capsys.readouterr().err
    assert call(*given, SWEEP, "--sweep=l2=0.1,1") == 0


def test_a_search_comes_near_to_the_best(given, program, optuna):
    program.figures = lambda settings: [
        Figure("rmse", (settings.learning_rate - 0.3) ** 2, split="valid")
    ]
    ranges = "--sweep=learning_rate=0.01:1;embedding_dim=2:4;l2=0.5,0.25"
    assert call(*given, SWEEP, ranges, "--sweep_trials=25") == 0
    best = float(rows_of(given)[0]["learning_rate"])
    assert abs(best - 0.3) < 0.05
    tried = list(program.given.values())
    assert len({(s.learning_rate, s.embedding_dim, s.l2) for s in tried}) == 25
    assert all(0.01 <= each.learning_rate <= 1 for each in tried)
    assert {each.embedding_dim for each in tried} == {2, 3, 4}
    assert {each.l2 for each in tried} == {0.5, 0.25}


def test_a_search_that_was_stopped_ends_as_one_that_was_not(
    given, program, optuna, tmp_path
):
    more = [SWEEP, "--sweep=learning_rate=1e-4:1:log", "--sweep_trials=14"]
    assert call(*given, *more) == 0
    whole = rows_of(given)
    other = [*given, f"--run_dir={tmp_path / 'other'}"]
    program.calls.clear()
    for number in (3, 11):
        program.statuses[f"trial_{number}"] = [128 + signal.SIGTERM]
        assert call(*other, *more) == 128 + signal.SIGTERM
    assert call(*other, *more) == 0
    assert len(program.calls) == 16
    assert rows_of([f"--run_dir={tmp_path / 'other'}"]) == whole
    # Further trials go on from them, and fewer need none.
    assert call(*other, *more[:-1], "--sweep_trials=15") == 0
    assert program.calls[16:] == ["trial_14"]
    assert call(*other, *more[:-1], "--sweep_trials=9") == 0
    assert len(program.calls) == 17
    # Those that are there stay in the table.
    assert len(rows_of([f"--run_dir={tmp_path / 'other'}"])) == 15


def test_trials_of_another_range_are_refused(given, program, optuna, capsys):
    more = ["--sweep=learning_rate=0.5:1", "--sweep_trials=1"]
    assert call(*given, SWEEP, *more) == 0
    more[0] = "--sweep=learning_rate=0.1:0.2"
    assert call(*given, SWEEP, *more) == 2
    assert "the sweep there has --sweep=" in capsys.readouterr().err


def test_a_search_ends_when_all_is_tried(given, program, optuna, capsys):
    more = ["--sweep=embedding_dim=2,3;l2=0,1", "--sweep_trials=9"]
    assert call(*given, SWEEP, *more) == 0
    assert len(program.calls) == 4
    assert "4 of 4 trials" in capsys.readouterr().out


def test_a_refused_trial_fails(given, program, optuna, capsys):
    """What contradicts only beside a value of another setting."""
    given = [f"--run_dir={runs_of(given)}", "--model=lstm_vae"]
    sizes = "--sweep=transformer_units=8,12;transformer_heads=2,3"
    given += ["--encoder=transformer", "--decoder=transformer"]
    program.figures = lambda settings: [
        Figure("elbo", -settings.transformer_units, split="valid")
    ]
    assert call(*given, SWEEP, sizes) == 2
    assert "--transformer_units=8 with --transformer_heads=3" in (
        capsys.readouterr().err
    )
    sizes = "--sweep=transformer_units=12,16;transformer_heads=2,3"
    assert call(*given, SWEEP, sizes, "--sweep_trials=4") == 0
    rows = rows_of(given)
    assert [row["val_elbo"] for row in rows] == [
        "-12.0000",
        "-12.0000",
        "-16.0000",
        "failed",
    ]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_what_is_suggested_depends_on_the_direction(optuna, direction):
    space = search_space("learning_rate=0.01:1", "vae")
    values = [0.1 + 0.09 * n for n in range(10)]
    trials = [
        Trial(f"trial_{n}", {"learning_rate": f"{x:.4g}"}, x)
        for n, x in enumerate(values)
    ]
    trials.append(Trial("trial_10", {"learning_rate": "0.5"}, None))
    found = [
        float(suggested(space, direction, trials, seed)["learning_rate"])
        for seed in range(9)
    ]
    median = sorted(found)[4]
    assert median < 0.4 if direction == "minimize" else median > 0.6
    assert suggested(space, direction, trials, 2**31 - 1) is not None
    again = suggested(space, direction, trials, 0)
    assert float(again["learning_rate"]) == found[0]


def test_the_best_is_printed_as_the_program_was_called(
    given, program, monkeypatch, capsys
):
    monkeypatch.chdir(runs_of(given).parent)
    arguments = [*given, SWEEP, "--sweep=l2=0.5"]
    assert trainer.main(["/usr/bin/keras-textgen", *arguments]) == 0
    command = "keras-textgen --flagfile=runs/trial_0/flags.txt "
    command += "--run_dir=runs/trial_0"
    assert f"\n  {command}\n" in capsys.readouterr().out


@pytest.mark.parametrize("more", [[SWEEP, "--sweep=l2=0,1"], ["--seeds=0,1"]])
def test_data_that_no_run_can_read_are_told_once(given, program, capsys, more):
    runs_of(given).with_name("ratings.csv").write_text("user,item,rating\n")
    assert call(*given, *more) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "ratings.csv" in line
    assert not program.calls
    assert not runs_of(given).exists()
