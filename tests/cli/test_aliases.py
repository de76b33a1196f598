"""Second names of settings, and what was written under names of before."""

import pathlib
import re

import pytest

from keras_textgen.cli import settings
from keras_textgen.cli.table import ALIASES, SETTINGS, models_taking

ROOT = pathlib.Path(__file__).parents[2]
# The first runs are from before --temperature was called what it is today.
RUNS = [
    path
    for path in sorted((ROOT / "docs" / "results").glob("*/flags.txt"))
    if "--importance_samples" not in path.read_text()
    or "--sampling_temperature" in path.read_text()
]
RATINGS = ["--model=dmf", "--dataset=ratings", f"--data_dir={ROOT}"]


def parse(*arguments, recipes="no_recipes"):
    return settings.parse(["trainer.py", *arguments], recipes)


def refusal(*arguments, recipes="no_recipes"):
    with pytest.raises(settings.RunError) as error:
        parse(*arguments, recipes=recipes)
    return str(error.value)


def test_aliases_lead_to_settings_of_their_models():
    assert not ALIASES.keys() & SETTINGS.keys()
    for targets in ALIASES.values():
        for model, name in targets.items():
            assert model in models_taking(name)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["--model=hsvae", "--alpha=3"], "gamma_alpha"),
        (["--model=hsvae", "--beta=3"], "gamma_beta"),
        (["--model=mat_vae", "--alpha", "3"], "mmd_weight"),
        (["--model=mat_vae", "--beta=3"], "kl_weight"),
        (["--model=sae", "-alpha=3"], "code_steepness"),
        (["--model=dmf", "--alpha=3"], "confidence"),
        (["--model=vae", "--iter=3"], "seed"),
        ([*RATINGS, "--row_field=3"], "row_column"),
        ([*RATINGS, "--column_field=3"], "column_column"),
        ([*RATINGS, "--value_field=3"], "value_column"),
        ([*RATINGS, "--user_column=3"], "row_column"),
        ([*RATINGS, "--item_column=3"], "column_column"),
    ],
)
def test_an_alias_is_its_setting(given, name):
    values = parse(*given)
    parser = SETTINGS[name].parser
    assert getattr(values, name) == parser.parse("3")
    plain = given[: -1 if "=" in given[-1] else -2]
    assert values == parse(*plain, f"--{name}=3")
    assert f"\n--{name}=3" in settings.flagfile_text(values)


def test_an_alias_with_another_value_than_its_setting_is_refused():
    hsvae = ["--model=hsvae", "--alpha=3"]
    assert parse(*hsvae, "--gamma_alpha=3").gamma_alpha == 3
    assert refusal(*hsvae, "--gamma_alpha=4") == (
        "--gamma_alpha=4.0 contradicts --alpha=3, which is the same as "
        "--gamma_alpha; give one of them"
    )
    assert refusal(*RATINGS, "--row_field=a", "--user_column=b") == (
        "--row_field=a contradicts --user_column=b, which is the same as "
        "--row_column; give one of them"
    )


def test_the_later_source_wins_whatever_it_calls_the_setting(tmp_path):
    recipe = tmp_path / "hsvae_sotu.flags"
    for theirs, ours in (("alpha", "gamma_alpha"), ("gamma_alpha", "alpha")):
        recipe.write_text(f"--{theirs}=2\n")
        given = ["--model=hsvae", f"--{ours}=5"]
        assert parse(*given, recipes=tmp_path).gamma_alpha == 5
        given = ["--model=hsvae", f"--{ours}=default"]
        assert parse(*given, recipes=tmp_path).gamma_alpha is None
    assert parse("--model=hsvae", recipes=tmp_path).gamma_alpha == 2


def test_what_an_alias_may_be_is_said_under_its_name():
    assert refusal("--model=mat_vae", "--alpha=-1") == (
        "--alpha=-1: must be a number of at least 0"
    )
    assert refusal("--iter=-1") == (
        "--iter=-1: must be a whole number of at least 0"
    )
    assert refusal("--model=vae", "--alpha=1") == (
        "--alpha has a meaning only with --model=hsvae or mat_vae or sae or "
        "dmf, not with --model=vae"
    )
    assert refusal("--model=sae", "--beta=1") == (
        "--beta has a meaning only with --model=hsvae or mat_vae, "
        "not with --model=sae"
    )
    assert refusal("--model=dmf", "--row_field=a") == (
        "--row_field has a meaning only with --dataset=ratings, "
        "not with --dataset=sotu"
    )
    assert refusal("--aplha=1") == (
        "unknown flag --aplha; did you mean --alpha? "
        "(--helpshort lists all flags)"
    )


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.parent.name)
def test_runs_of_before_are_read_as_what_they_meant(path):
    values = settings.read_flagfile(path)
    written = dict(re.findall(r"^--(\w+)=(.*)$", path.read_text(), re.M))
    for name, text in written.items():
        today = ALIASES.get(name, {}).get(values.model, name)
        if (name, text) == ("iter", "default"):
            continue
        if name == "data_dir" and text != settings.DEFAULT:
            text = str(pathlib.Path(text).absolute())
        assert settings.value_text(values, today) == text, name
    again = settings.flagfile_text(values)
    assert not set(re.findall(r"^--(\w+)=", again, re.M)) & ALIASES.keys()


def test_there_are_runs_of_every_kind():
    models = {settings.read_flagfile(path).model for path in RUNS}
    assert {"lstm_vae", "hsvae", "mat_vae", "sae", "dmf", "han"} <= models
