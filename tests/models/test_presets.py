"""Models that are trained already, and writing such."""

import itertools
import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest

from keras_textgen import from_preset, load_model, save_to_preset
from keras_textgen.cli import settings
from keras_textgen.cli.errors import RunError
from keras_textgen.cli.presets import (
    MODEL_FILE,
    SIZES,
    find_preset,
    preset_names,
)
from keras_textgen.evaluation.trigrams import Trigrams
from keras_textgen.models import presets
from keras_textgen.specs import SPECS
from keras_textgen.tasks.runs import task_class
from tests.conformance.keras_cases import CASES, parametrized
from tools import make_presets

NAMES = preset_names()


def test_there_is_one_of_each_model():
    assert {name.rpartition("_")[0] for name in NAMES} == set(SPECS)
    total = sum(
        path.stat().st_size for path in make_presets.PRESETS.rglob("*.*")
    )
    assert total < 60e6


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_its_card(name):
    folder = find_preset(name)
    expected = json.loads((folder / make_presets.FIGURES).read_text("utf-8"))
    assert expected.pop("examples") == make_presets.EXAMPLES
    flags = settings.read_flagfile(folder / settings.FLAGS_FILE)
    task = task_class(flags)(flags)
    figures = make_presets.figures_of(from_preset(name), task)
    assert figures == pytest.approx(expected, rel=1e-3)
    for figure, value in expected.items():
        row = f"| {figure} | {value:.4g} |"
        assert row in (folder / make_presets.CARD).read_text("utf-8")


@parametrized(CASES)
def test_written_and_loaded(case, tmp_path):
    model = case.make()
    model.fit(case.x, case.y, verbose=0)
    save_to_preset(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MODEL_FILE]
    loaded = from_preset(tmp_path)
    assert loaded.compiled == (case.name == "dmf")
    assert loaded.get_config() == model.get_config()
    for weight, expected in zip(
        loaded.get_weights(), model.get_weights(), strict=True
    ):
        halves = np.asarray(expected)
        if halves.dtype == np.float32:
            halves = halves.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(weight, halves)


def small():
    (case,) = (case for case in CASES if case.name == "lstm_lm")
    return case.make()


def test_the_file_holds_neither_float32_nor_an_optimizer(tmp_path):
    model = small()
    model.fit(CASES[0].x, verbose=0)
    save_to_preset(model, tmp_path)
    dtypes = set()
    with (
        zipfile.ZipFile(tmp_path / MODEL_FILE) as parts,
        h5py.File(parts.open("model.weights.h5")) as file,
    ):
        assert "optimizer" not in file
        file.visititems(
            lambda _, item: dtypes.add(getattr(item, "dtype", None))
        )
    assert np.dtype(np.float16) in dtypes
    assert np.dtype(np.float32) not in dtypes


def test_what_float16_cannot_hold_stays(tmp_path):
    model = small()
    weights = model.get_weights()
    row = next(i for i, w in enumerate(weights) if w.dtype == np.float32)
    weights[row].flat[0] = 1e6
    model.set_weights(weights)
    save_to_preset(model, tmp_path)
    np.testing.assert_array_equal(
        from_preset(tmp_path).get_weights()[row], weights[row]
    )


def test_a_model_takes_the_place_of_another(tmp_path):
    save_to_preset(CASES[0].make(), tmp_path)
    save_to_preset(small(), tmp_path)
    assert type(from_preset(tmp_path)) is type(small())


def test_of_an_archive(tmp_path):
    folder = tmp_path / "mine"
    save_to_preset(small(), folder)
    archive = shutil.make_archive(tmp_path / "mine", "zip", tmp_path, "mine")
    texts = CASES[0].x
    np.testing.assert_array_equal(
        from_preset(archive).log_likelihood(texts),
        from_preset(folder).log_likelihood(texts),
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "0 files model.keras; allowed: the .zip of one preset's folder"),
        (["a/model.keras", "b/model.keras"], "2 files model.keras"),
    ],
)
def test_archives_that_are_refused(members, message, tmp_path):
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as parts:
        for member in members:
            parts.writestr(member, b"")
    with pytest.raises(ValueError, match=message):
        from_preset(archive)


def test_an_archive_that_says_to_be_huge_is_not_read(tmp_path, monkeypatch):
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as parts:
        parts.writestr(MODEL_FILE, b"12345")
    monkeypatch.setattr(presets, "_LARGEST_MODEL", 4)
    with pytest.raises(
        ValueError, match=r"5 bytes of model.keras; .* at most 4"
    ):
        from_preset(archive)


@pytest.mark.parametrize("preset", ["elmo", "../hdgm_sotu", "", "a/b"])
def test_one_that_is_not_there(preset):
    with pytest.raises(ValueError, match=r"not there; allowed: .*hdgm_sotu"):
        from_preset(preset)


def test_sizes_are_settings_that_models_are_made_of():
    assert set(SIZES) <= set(settings.SETTINGS)
    assert "seed" not in SIZES


def test_a_folder_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_to_preset(CASES[0].make(), "lstm_lm_sotu")
    assert type(from_preset("lstm_lm_sotu")) is type(CASES[0].make())


def test_a_run_generates_as_its_preset(tmp_path):
    texts = from_preset("lstm_lm_sotu").generate(2, seed=1)
    folder = find_preset("lstm_lm_sotu")
    assert load_model(folder).generate(2, seed=1) == texts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode=generate", "--preset=elmo"], "--preset=elmo: not there"),
        (["--preset=elmo"], "--preset=elmo: not there"),
        (
            ["--preset=sae_sotu", "--model=vae"],
            "--preset=sae_sotu with --model=vae; allowed: sae, which it is",
        ),
        (
            ["--mode=generate", "--preset=sae_sotu"],
            "--mode=generate: sae generates no texts",
        ),
        (
            ["--mode=generate", "--preset=lstm_lm_sotu", "--run_dir=here"],
            "--preset=lstm_lm_sotu contradicts --run_dir=.*here",
        ),
    ],
)
def test_command_lines_that_are_refused(arguments, message):
    with pytest.raises(RunError, match=message):
        settings.parse(["trainer.py", *arguments], "flags")


def test_the_settings_of_a_preset():
    parsed = settings.parse(
        ["trainer.py", "--mode=generate", "--preset=lstm_vae_sotu"], "flags"
    )
    assert parsed.model == "lstm_vae"
    assert parsed.run_dir == str(find_preset("lstm_vae_sotu").absolute())


TEXTS = [
    "we must fund our schools and protect the border .",
    "the treaty with spain was signed at the capitol .",
    "our army and our navy are ready for war and peace .",
]


def own_data(model, folder):
    """Data of one's own for a model, and what they are called."""
    if model == "dmf":
        path = folder / "ratings.csv"
        cells = itertools.product(range(9), range(7))
        rows = [f"u{row},i{col},{1 + (row * col) % 5}" for row, col in cells]
        path.write_text("\n".join(["user,item,rating", *rows]), "utf-8")
        return "ratings", path
    path = folder / "texts.tsv"
    lines = [f"{'ab'[row % 2]}\t{TEXTS[row % 3]} {row}" for row in range(40)]
    path.write_text("\n".join(lines), "utf-8")
    return "text", path


@pytest.mark.parametrize("name", NAMES)
def test_training_starts_from_each(name, tmp_path, capsys):
    model = name.removesuffix("_sotu")
    dataset, path = own_data(model, tmp_path)
    parsed = settings.parse(
        [
            "trainer.py",
            f"--preset={name}",
            f"--dataset={dataset}",
            f"--data_dir={path}",
        ],
        "flags",
    )
    assert parsed.model == model
    task = task_class(parsed)(parsed)
    if model == "dmf":
        # That of the addresses has features of its rows, such as their years.
        with pytest.raises(RunError, match="--preset=dmf_sotu: 6 weights for"):
            task.build_model()
        return
    task.build_model()
    assert f"Starting from {name}, which has " in capsys.readouterr().out


def test_trigrams_sum_to_one_and_fit():
    texts = [[2, 4, 5, 3], [2, 5, 4, 3], [2, 4, 4, 3]]
    model = Trigrams(texts, texts, 4)
    following = [3, 4, 5, 6]
    shares = [np.exp(-model.nll([[2, word]])) for word in following]
    assert sum(shares) == pytest.approx(1)
    uniform = 3 * np.log(4)
    assert model.nll(texts) < uniform
