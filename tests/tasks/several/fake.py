"""A program in the place of the real one, which trains in no time."""

import pathlib

import pytest

from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import parse
from keras_textgen.evaluation.figures import Figure, figures_json
from keras_textgen.tasks import children
from keras_textgen.training.run_directory import RunDirectory


class FakeProgram:
    """Writes what a run ends with, and notes what it was asked.

    Attributes:
        calls: Names of the folders, in the order of the calls.
        figures: From settings to figures of a run.
        variables: Of the environment of the last call.
        statuses: Of calls, by name of the folder, in their order; 0 without.
    """

    def __init__(self, figures):
        self.calls = []
        self.figures = figures
        self.statuses = {}
        self.given = {}
        self.variables = None

    def __call__(self, arguments, variables=None):
        self.variables = variables
        settings = parse(["trainer.py", *arguments], find_recipes())
        directory = RunDirectory(settings.run_dir)
        directory.check(settings)
        name = directory.path.name
        self.calls.append(name)
        self.given[name] = settings
        directory.path.mkdir(exist_ok=True)
        directory.write_flags(settings)
        statuses = self.statuses.get(name, [])
        status = statuses.pop(0) if statuses else 0
        if status == 0:
            text = figures_json(self.figures(settings))
            directory.figures_file.write_text(text)
            directory.metrics_file.write_text("epoch,loss,val_loss\n1,2,3\n")
        return status


@pytest.fixture
def program(monkeypatch):
    """A program whose figures are the learning rate, and the seed."""
    fake = FakeProgram(
        lambda settings: [
            Figure("rmse", settings.learning_rate, "points", "valid"),
            Figure("rmse", settings.seed, "points", "test"),
        ]
    )
    monkeypatch.setattr(children, "_run_program", fake)
    return fake


@pytest.fixture
def given(tmp_path):
    """What every command line begins with."""
    path = tmp_path / "ratings.csv"
    rows = [f"a{n},b,{n % 5}" for n in range(10)]
    path.write_text("\n".join(["user,item,rating", *rows]) + "\n")
    run_dir = tmp_path / "runs"
    names = {"model": "dmf", "dataset": "ratings", "data_dir": path}
    names |= {"run_dir": run_dir, "embedding_dim": 4}
    return [f"--{name}={value}" for name, value in names.items()]


def runs_of(given) -> pathlib.Path:
    """The folder of all runs."""
    (text,) = (each for each in given if each.startswith("--run_dir="))
    return pathlib.Path(text.partition("=")[2])
