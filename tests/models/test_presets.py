"""Models that are trained already, and writing such."""

import copy
import itertools
import json
import random
import shutil
import zipfile

import h5py
import numpy as np
import pytest
from fuzz_damage import damaged

from keras_textgen import from_preset, load_model, save_to_preset
from keras_textgen.cli import settings
from keras_textgen.cli.errors import RunError
from keras_textgen.cli.presets import (
    MODEL_FILE,
    find_preset,
    preset_names,
)
from keras_textgen.evaluation.trigrams import Trigrams
from keras_textgen.models import presets
from keras_textgen.specs import SPECS
from keras_textgen.tasks.runs import task_class
from tests.conformance.keras_cases import CASES, parametrized
from tests.conformance.registry import skips_of
from tools import make_presets

NAMES = preset_names()
EACH = [
    pytest.param(name, marks=skips_of("subwords"))
    if name == "transformer_vae_sotu"
    else name
    for name in NAMES
]


def test_there_is_one_of_each_model():
    models = {name.rpartition("_")[0] for name in NAMES}
    assert models == {*SPECS, "transformer_vae"}
    total = sum(
        path.stat().st_size for path in make_presets.PRESETS.rglob("*.*")
    )
    assert total < 60e6


@pytest.mark.parametrize("name", EACH)
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


@pytest.mark.parametrize("part", ["config.json", "model.weights.h5", None])
def test_a_damaged_model_is_loaded_or_refused(part, tmp_path):
    """Of `None`, the file itself; its parts are packed anew."""
    path = tmp_path / MODEL_FILE
    small().save(tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").read_bytes()
    refusals = []
    for seed in range(40):
        hand = random.Random(seed)
        if part is None:
            path.write_bytes(damaged(whole, hand))
        else:
            with zipfile.ZipFile(tmp_path / "whole.keras") as parts:
                members = {each: parts.read(each) for each in parts.namelist()}
            members[part] = damaged(members[part], hand)
            with zipfile.ZipFile(path, "w") as parts:
                for name, content in members.items():
                    parts.writestr(name, content)
        refusals.append(refusal_of(path))
    assert refusals.count("") < 20
    for each in filter(None, refusals):
        assert each.startswith(f"{path}: cannot be loaded (")
        assert "\n" not in each


def refusal_of(path):
    try:
        load_model(path)
    except ValueError as error:
        return str(error)
    return ""


def test_a_damaged_archive_is_refused_by_its_own_name(tmp_path):
    save_to_preset(small(), tmp_path / "mine")
    archive = tmp_path / "mine.zip"
    content = (tmp_path / "mine" / MODEL_FILE).read_bytes()
    with zipfile.ZipFile(archive, "w") as parts:
        parts.writestr(MODEL_FILE, content[:-100])
    with pytest.raises(ValueError, match=r"^\S+mine.zip: cannot be loaded \("):
        from_preset(archive)
    whole = archive.read_bytes()
    archive.write_bytes(whole[:1000] + b"?" * 40 + whole[1040:])
    with pytest.raises(ValueError, match=r"mine.zip: .* \(Bad CRC-32"):
        from_preset(archive)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"a.keras: no such file; allowed: a"):
        load_model(tmp_path / "a.keras")


@pytest.mark.parametrize("preset", ["elmo", "../hdgm_sotu", "", "a/b"])
def test_one_that_is_not_there(preset):
    with pytest.raises(ValueError, match=r"not there; allowed: .*hdgm_sotu"):
        from_preset(preset)


# Those that a command line can make.
NAMED = [case for case in CASES if case.name != "optimus"]


@parametrized(NAMED)
def test_what_changes_the_weights_is_taken_from_a_preset(case):
    """A size that is forgotten would refuse every preset of another one."""
    model = case.make()
    config, name = model.get_config(), type(model).__name__
    spec = next(each for each in SPECS.values() if each.class_name == name)
    changed = set()
    for name, setting in settings.SETTINGS.items():
        if setting.takes and not spec.is_one_of(setting.takes):
            continue
        for argument in set(setting.arguments(spec)) & set(config):
            value = config[argument]
            if not isinstance(value, int):
                continue
            other = not value if isinstance(value, bool) else 2 * value
            if not same_weights(model, config | {argument: other}):
                changed.add(name)
    assert changed
    assert changed <= {
        name for name, each in settings.SETTINGS.items() if each.in_preset
    }


def same_weights(model, config):
    """Whether a model of a config has the weights of a model."""
    try:
        other = type(model).from_config(copy.deepcopy(config))
    except ValueError:
        # Such as sentences of a rule that the case does not have.
        return True
    shapes = ([w.shape for w in m.trainable_weights] for m in (model, other))
    return next(shapes) == next(shapes)


def test_a_preset_gives_what_its_weights_and_words_are():
    given = {name for name, each in settings.SETTINGS.items() if each.in_preset}
    assert {"tokenizer", "rnn_type", "positions", "code_activation"} <= given
    assert not given & {"seed", "learning_rate", "data_dir", "preset", "epochs"}
    parsed = settings.parse(
        [
            "trainer.py",
            "--preset=lstm_lm_sotu",
            "--dataset=text",
            f"--data_dir={__file__}",
        ],
        "flags",
    )
    folder = find_preset("lstm_lm_sotu")
    theirs = settings.read_flagfile(folder / settings.FLAGS_FILE)
    for name in given:
        assert getattr(parsed, name) == getattr(theirs, name), name


def test_the_folder_of_a_preset_holds_from_elsewhere(tmp_path, monkeypatch):
    """flags.txt has its absolute path, so that the run can be gone on with."""
    folder = tmp_path / "mine"
    shutil.copytree(find_preset("lstm_lm_sotu"), folder)
    monkeypatch.chdir(tmp_path)

    def parsed(*arguments, preset="mine"):
        given = [] if preset is None else [f"--preset={preset}"]
        return settings.parse(["trainer.py", *given, *arguments], "flags")

    for spelled in ("mine", "./mine", "mine/", "../" + tmp_path.name + "/mine"):
        assert parsed(preset=spelled).preset == str(folder)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    kept = settings.flagfile_text(parsed())
    for text in (kept, kept.replace(str(folder), "mine")):
        # The second is what flags.txt was before, good from here only.
        (tmp_path / "run" / settings.FLAGS_FILE).write_text(text)
        again = parsed("--run_dir=run", "--model=lstm_lm", preset=None)
        assert again.preset == str(folder)
    (tmp_path / "run" / settings.FLAGS_FILE).write_text(kept)
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = parsed("--run_dir=../run", "--model=lstm_lm", preset=None)
    assert find_preset(again.preset) == folder
    # A name is kept as it is, wherever the package is.
    assert parsed(preset="lstm_lm_sotu").preset == "lstm_lm_sotu"


def test_random_weights_are_not_frozen(tmp_path):
    def parsed(*arguments):
        return settings.parse(["trainer.py", *arguments], "flags")

    with pytest.raises(RunError) as error:
        parsed("--model=lstm_lm", "--freeze=decoder")
    assert str(error.value) == (
        "--freeze=decoder without --preset would keep random weights; allowed "
        "with --preset"
    )
    assert parsed("--preset=lstm_lm_sotu", "--freeze=decoder").freeze
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("rose 1 2\n")
    han = ["--model=han", f"--word_vectors={vectors}"]
    assert parsed(*han, "--freeze=embedding").freeze == "embedding"
    with pytest.raises(RunError, match="--freeze=embedding with --word_vector"):
        parsed(*han, "--freeze=embedding,output_layer")
    # A run that is there goes on as it began.
    run = tmp_path / "run"
    run.mkdir()
    flags = settings.flagfile_text(parsed("--model=lstm_lm"))
    (run / settings.FLAGS_FILE).write_text(
        flags.replace("--freeze=default", "--freeze=decoder")
    )
    again = parsed("--model=lstm_lm", f"--run_dir={run}")
    assert again.freeze == "decoder"


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
            "--mode=generate with --model=sae; allowed: train, sweep, evaluate",
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


@pytest.mark.parametrize("name", EACH)
def test_training_starts_from_each(name, tmp_path, capsys):
    model = name.removesuffix("_sotu").removeprefix("transformer_")
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
