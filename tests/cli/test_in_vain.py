"""Flags without an effect beside the others: the user is told, files are not.

What a run or a recipe has written stays readable, whatever has been refused
since.
"""

import pathlib

import pytest

from keras_textgen.cli import settings
from keras_textgen.cli.in_vain import check_given
from keras_textgen.datasets import DATASETS

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = [
    file
    for place in ("docs/results", "saved_models/presets")
    for file in sorted((ROOT / place).glob("*/flags.txt"))
    # Of when --sampling_temperature was called so.
    if "hsvae" in file.parent.name or "--temperature=" not in file.read_text()
]


def parse(folder, *arguments, recipes=None):
    return settings.parse(["trainer.py", *arguments], recipes or folder)


DMF = ("--model=dmf", "--dataset=ratings")
PTB = ("--model=vae", "--dataset=ptb")
# What is said in vain, what is said of it, and beside what it has an effect.
CASES = [
    (
        [*PTB, "--split_seed=3"],
        "--split_seed=3 with --dataset=ptb, whose split draws nothing; "
        "allowed: 0",
        [*PTB, "--split_seed=0"],
    ),
    (
        ["--model=han", "--dataset=imdb", "--split_seed=3"],
        "--split_seed=3 with --dataset=imdb, whose split draws nothing; "
        "allowed: 0",
        ["--model=han", "--dataset=20news", "--split_seed=3"],
    ),
    (
        [*DMF, "--split=leave_last_out", "--split_seed=3"],
        "--split_seed=3 with a split by time, which draws nothing; allowed: 0",
        [*DMF, "--split=random", "--split_seed=3"],
    ),
    (
        ["--dataset=text", "--time_column=year", "--split_seed=3"],
        "--split_seed=3 with a split by time, which draws nothing; allowed: 0",
        ["--dataset=text", "--split_seed=3"],
    ),
    (
        [*PTB, "--ptb_protocol=sentences", "--window=9"],
        "--window=9 with --ptb_protocol=sentences, which are not cut; allowed: "
        "--ptb_protocol=stream",
        [*PTB, "--ptb_protocol=stream", "--window=9"],
    ),
    (
        ["--model=vae", "--beside=."],
        f"--beside={pathlib.Path().absolute()} without --probes, whose table "
        "it is for; allowed: with --probes",
        ["--model=vae", "--beside=.", "--probes"],
    ),
    (
        ["--model=hsvae", "--beside=.", "--noprobes"],
        f"--beside={pathlib.Path().absolute()} without --probes, whose table "
        "it is for; allowed: with --probes",
        ["--model=hsvae", "--beside=."],
    ),
    (
        ["--model=hsvae", "--beside=.", "--nofinish"],
        f"--beside={pathlib.Path().absolute()} with --nofinish, which judges "
        "nothing; allowed: --finish",
        ["--model=hsvae", "--beside=.", "--finish"],
    ),
    (
        [*DMF, "--multi_level"],
        "--multi_level=true without a hidden layer, which it is about; "
        "allowed: with --hidden_layers",
        [*DMF, "--multi_level", "--hidden_layers=9:tanh"],
    ),
    (
        [*DMF, "--side_features"],
        "--side_features=true with --dataset=ratings, which has none; allowed: "
        "false",
        [*DMF, "--noside_features"],
    ),
    (
        [*DMF, "--feature_dim=9"],
        "--feature_dim=9 with --dataset=ratings, which has no features of rows "
        "or columns; allowed: with --history_features",
        [*DMF, "--history_features", "--feature_dim=9", "--join=add"],
    ),
    (
        ["--model=dmf", "--dataset=prepared", "--join=add"],
        "--join=add with --dataset=prepared, which has no features of rows or "
        "columns; allowed: with --history_features",
        ["--model=dmf", "--dataset=matrix", "--join=add"],
    ),
    # Those of which the values of one flag decide.
    (
        [*DMF, "--feedback=ranking", "--confidence=2"],
        "--confidence has a meaning only with --feedback=implicit, not with "
        "--feedback=ranking",
        [*DMF, "--feedback=implicit", "--confidence=2"],
    ),
    (
        [*DMF, "--nouse_biases", "--bias_l2=0.1"],
        "--bias_l2 has a meaning only with --use_biases=true, not with "
        "--use_biases=false",
        [*DMF, "--bias_l2=0.1"],
    ),
]


def with_data(given, folder):
    name = [each for each in given if each.startswith("--dataset=")]
    dataset = name[0].partition("=")[2] if name else "sotu"
    needed = DATASETS[dataset].needs_data_dir
    return [*given, *[f"--data_dir={folder}"] * needed]


@pytest.mark.parametrize(("given", "message", "allowed"), CASES)
def test_what_is_given_in_vain_is_refused(given, message, allowed, tmp_path):
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, *with_data(given, tmp_path))
    assert str(error.value) == message
    parse(tmp_path, *with_data(allowed, tmp_path))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--model=lstm_lm"], "--model=lstm_lm, whose likelihood is exact; al"),
        (["--model=hdgm"], "--objective=reference, by which there is no likel"),
    ],
)
def test_samples_of_a_score_that_takes_none_are_refused(more, told, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    # Where a run ends, its figures say what they are.
    trained = parse(tmp_path, *more, "--importance_samples=3")
    (run / "flags.txt").write_text(settings.flagfile_text(trained))
    given = ["--mode=score", f"--run_dir={run}", "--input=.", *more]
    assert parse(tmp_path, *given).importance_samples == 3
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, *given, "--importance_samples=9")
    assert str(error.value).startswith(f"--importance_samples=9 with {told}")
    assert parse(tmp_path, *given, "--importance_samples=0")


def test_a_score_without_samples_is_refused(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    trained = parse(tmp_path, "--model=vae", "--importance_samples=3")
    (run / "flags.txt").write_text(settings.flagfile_text(trained))
    given = ["--mode=score", f"--run_dir={run}", "--input=."]
    given += ["--model=vae"]
    assert parse(tmp_path, *given).importance_samples == 3
    with pytest.raises(settings.RunError) as error:
        parse(tmp_path, *given, "--importance_samples=0")
    assert str(error.value) == (
        "--importance_samples=0 with --mode=score; allowed: 1 or more"
    )
    # A run that has no bound may be told so again; the score says the rest.
    text = settings.flagfile_text(trained)
    (run / "flags.txt").write_text(text.replace("samples=3", "samples=0"))
    again = parse(tmp_path, *given, f"--flagfile={run / 'flags.txt'}")
    assert again.importance_samples == 0


def test_recipes_may_hold_what_has_no_effect(tmp_path):
    """So that it has one where a flag changes what decides."""
    recipe = tmp_path / "dmf_ratings.flags"
    recipe.write_text(
        "--join=add\n--feature_dim=9\n--feedback=explicit\n--confidence=2\n"
    )
    given = [*DMF, f"--data_dir={tmp_path}"]
    values = parse(tmp_path, *given)
    assert (values.join, values.feature_dim) == ("add", 9)
    # Of another feedback, the model would refuse it.
    assert values.confidence is None
    values = parse(tmp_path, *given, "--feedback=implicit")
    assert values.confidence == 2
    repeated = tmp_path / "repeated.flags"
    repeated.write_text("\n".join(given) + "\n--join=add\n--feature_dim=9\n")
    assert parse(tmp_path, f"--flagfile={repeated}").feature_dim == 9


def test_runs_of_before_may_hold_what_is_refused_since(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    given = [*DMF, f"--data_dir={tmp_path}", f"--run_dir={run}"]
    given.append("--feedback=ranking")
    text = settings.flagfile_text(parse(tmp_path, *given))
    vain = "--confidence=1.0\n--join=add\n--side_features=true\n"
    (run / "flags.txt").write_text(text + vain)
    there = settings.read_flagfile(run / "flags.txt")
    again = parse(tmp_path, *given)
    for values in (there, again):
        assert (values.confidence, values.join) == (None, "add")
        assert values.side_features


@pytest.mark.parametrize("file", FLAGS, ids=lambda file: file.parent.name)
def test_no_flag_of_a_run_that_is_kept_is_refused(file, tmp_path):
    there = settings.read_flagfile(file)
    given = [f"--flagfile={file}", f"--run_dir={tmp_path / 'run'}"]
    if DATASETS[there.dataset].needs_data_dir:
        given.append(f"--data_dir={tmp_path}")
    again = parse(None, *given, recipes=ROOT / "flags")
    assert (again.model, again.seed) == (there.model, there.seed)


def test_off_and_none_are_never_in_vain():
    values = settings.Settings(model="dmf", dataset="ratings")
    for value in (None, False):
        check_given(values, {}, {"side_features": value, "join": None}, {})
