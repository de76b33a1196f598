"""The table of corpora, their readers, their row in docs; raw corpora."""

import importlib
import inspect
import pathlib
import pkgutil
import re
import sys
import typing
import zlib

import numpy as np
import pytest

from keras_textgen.data import readers
from keras_textgen.data.corpus import (
    Corpus,
    DataError,
    check_taken,
    read_corpus,
)
from keras_textgen.data.matrix import Matrix
from keras_textgen.data.words import STANDARDIZERS
from keras_textgen.datasets import DATASETS, VIEWS, find_view, names_with

ROOT = pathlib.Path(__file__).parents[2]
ROWS = [
    pytest.param(name, view, id=f"{name}-{view}")
    for view in VIEWS
    for name in names_with(view)
]


def function_of(reader):
    module, name = reader.split(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("name", "view"), ROWS)
def test_a_row_fits_its_reader(name, view):
    facts = find_view(name, view)
    signature = inspect.signature(function_of(facts.reader))
    assert tuple(signature.parameters) == facts.arguments or (
        # A label has the default of the reader, where none can be chosen.
        tuple(signature.parameters) == (*facts.arguments, "label")
    )
    for argument, parameter in signature.parameters.items():
        # Only the data have to be named.
        assert (parameter.default is parameter.empty) == (
            argument == "data_dir"
        )
    if "label" in facts.arguments:
        assert signature.parameters["label"].default == facts.labels[0]
    # The word matrix of documents is of words as all models split them.
    allowed = {None} if view == "matrices" else set()
    assert facts.standardize in allowed | set(STANDARDIZERS)


def test_a_view_that_there_is_not_is_refused():
    message = "view='matrix'; allowed: texts, documents, bags, matrices"
    with pytest.raises(ValueError, match=f"^{message}$"):
        find_view("sotu", "matrix")


def test_every_reader_has_a_row():
    named = {
        view.reader for row in DATASETS.values() for view in row.views.values()
    }
    found = set()
    for module in pkgutil.iter_modules(
        readers.__path__, readers.__name__ + "."
    ):
        for name, each in vars(importlib.import_module(module.name)).items():
            if not inspect.isfunction(each) or each.__module__ != module.name:
                continue
            gives = typing.get_type_hints(each).get("return")
            if not name.startswith("_") and gives in (Corpus, Matrix):
                found.add(f"{module.name}:{name}")
    # Of what readers share.
    shared = {
        f"{readers.__name__}.files:{name}_{end}"
        for name, end in (("split", "texts"), ("reduced", "splits"))
    }
    assert found - shared == named


def documented():
    """The rows of the table of corpora in docs: cells by name."""
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    table = text[text.index("| name | ") :].partition("\n\n")[0]
    _, _, *rows = table.splitlines()
    cells = [re.split(r" *\| *", row.strip("| ")) for row in rows]
    return {name.strip("`"): others for name, *others in cells}


def test_docs_have_a_row_a_corpus():
    rows = documented()
    assert list(rows) == list(DATASETS)
    for name, row in DATASETS.items():
        what, texts, documents, matrix, labels, data_dir = rows[name]
        assert what
        for views, cell in (
            (("texts",), texts),
            (("documents", "bags"), documents),
            (("matrices",), matrix),
        ):
            there = set(views) & set(row.views)
            assert (cell != "-") == bool(there), (name, views)
            # Documents that are bags of words alone are said to be.
            assert ("bags of words alone" in cell) == (there == {"bags"})
        assert (data_dir != "-") == row.needs_data_dir
        choices = row.views.get("documents")
        for label in choices.labels if choices else ():
            assert f"`{label}`" in labels


def test_what_a_reader_is_given(monkeypatch):
    module = sys.modules[__name__]
    row = DATASETS["imdb"].views["documents"]
    given = []
    monkeypatch.setattr(
        module, "taken", lambda **all: given.append(all), raising=False
    )
    facts = type(row)(f"{__name__}:taken", row.arguments, row.labels)
    monkeypatch.setattr(
        "keras_textgen.data.corpus.find_view", lambda name, view: facts
    )
    read_corpus("imdb", "documents", data_dir="here", seed=3, label=None)
    read_corpus("imdb", "documents", label="rating", fold=1)
    assert given == [
        {"data_dir": "here"},
        {"data_dir": None, "label": "rating"},
    ]
    with pytest.raises(
        ValueError, match=r"^label=.x. for imdb; allowed: polarity"
    ):
        read_corpus("imdb", "documents", label="x")


@pytest.mark.parametrize("name", DATASETS)
def test_what_a_reader_would_leave_aside_is_refused(name):
    every = {each for row in DATASETS.values() for each in arguments_of(row)}
    for view, facts in DATASETS[name].views.items():
        check_taken(name, view, **dict.fromkeys(facts.arguments, 1))
        check_taken(name, view, **dict.fromkeys(every))
        for argument in every.difference(facts.arguments):
            with pytest.raises(
                ValueError, match=f"^{argument}=1 for {name} as {view}; allow"
            ):
                check_taken(name, view, **{argument: 1})


def arguments_of(row):
    return [each for view in row.views.values() for each in view.arguments]


@pytest.mark.parametrize("seed", [-1, 1.5, "a", [1]])
def test_seeds_of_splits(seed):
    with pytest.raises(
        ValueError, match=r"^seed=.*; allowed: whole numbers, 0"
    ):
        read_corpus("sotu", "texts", seed=seed)


def test_fingerprint_is_of_all_rows_in_their_order():
    labels = {split: np.array([0, 1], np.int32) for split in ("train", "valid")}
    corpus = Corpus("c", ["a", "b"], ["c", "é"], ["d"], labels)
    number = zlib.crc32(b"ab" + b"\0\0\0\0\1\0\0\0")
    number = zlib.crc32("cé".encode() + b"\0\0\0\0\1\0\0\0", number)
    assert corpus.fingerprint == number


def test_leaving_out():
    labels = {"train": np.arange(8), "valid": np.arange(1)}
    corpus = Corpus("c", list("abcdefgh"), ["v"], ["t"], labels)
    known = np.array([True, False] + 6 * [False])
    corpus.leave_out({"train": known, "valid": np.array([True])})
    assert (corpus.train, corpus.valid) == (["a"], ["v"])
    assert corpus.labels["train"].tolist() == [0]
    assert corpus.dropped == {"train": 7}
    assert corpus.remarks == (
        "Left out of the train set: 7 of 8 documents, without a known word "
        "(number 2, 3, 4, 5, 6 and 2 more of it, counted from 1).",
    )
    with pytest.raises(DataError, match=r"^c: no document of test has a"):
        corpus.leave_out({"test": np.array([False])})
