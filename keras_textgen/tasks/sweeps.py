"""`--mode=sweep`: a run of each combination of values, or a search."""

import math
import os
import shlex
import signal
import textwrap
from collections.abc import Callable, Sequence

from keras_textgen.checks import counted
from keras_textgen.cli.naming import program_name
from keras_textgen.cli.settings import (
    RunError,
    Settings,
    parse,
    read_flagfile,
    value_text,
)
from keras_textgen.cli.sweeping import (
    MAXIMIZE,
    combinations,
    is_grid,
    metric_of,
    search_space,
    single_changes,
)
from keras_textgen.evaluation.figures import read_figures
from keras_textgen.evaluation.text_tables import aligned, csv_text
from keras_textgen.tasks.children import ChildRuns
from keras_textgen.tasks.search import Trial, check_search, suggested
from keras_textgen.training.run_directory import read_whole, shown
from keras_textgen.training.trials import TRIAL

_TABLE_FILE, _SPACE_FILE = "trials.csv", "sweep.txt"
# What ends a sweep as well as a trial; it goes on after one that is killed, as
# one too large for the memory is.
_STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)
# Of the sweep, and not of its trials.
_NO_SWEEP = (
    "--mode=train",
    "--nofinish",
    "--sweep=default",
    "--sweep_trials=default",
    "--sweep_metric=default",
)


def run_sweep(
    argv: Sequence[str],
    settings: Settings,
    recipes: str | os.PathLike,
    check_data: Callable[[], None],
) -> int:
    """Train with the values of `--sweep`, and compare on the validation set.

    Args:
      argv: the command line, the program's name first.
      settings: what it settles.
      recipes: folder of the recipes.
      check_data: refuses data that no run can read; called before the first.

    Returns:
      Exit status: 0, or 128 + the number of a signal.

    Raises:
      RunError: if values are refused, a folder holds another run, or no trial
        has ended well.
    """
    sweep = _Sweep(argv, settings, recipes)
    sweep.check()
    if not sweep.runs.have_begun:
        check_data()
    with sweep.runs.directory.claimed():
        return sweep.run()


class _Sweep:
    """Trials, each in a folder of its own.

    Args:
      argv: the command line, the program's name first.
      settings: what it settles.
      recipes: folder of the recipes.
    """

    def __init__(
        self,
        argv: Sequence[str],
        settings: Settings,
        recipes: str | os.PathLike,
    ) -> None:
        self._argv, self._recipes = argv, recipes
        self._settings = settings
        self._space = search_space(settings.sweep, settings.model)
        self._metric, self._direction = metric_of(settings)
        self._combinations: list[dict[str, str]] = []
        if is_grid(settings):
            self._combinations = list(combinations(self._space))
        self._trials: list[Trial] = []
        names = ["trial_*", _TABLE_FILE, _SPACE_FILE]
        self.runs = ChildRuns(settings.run_dir, names, TRIAL)
        self._number = self._planned_number()

    def _planned_number(self) -> int:
        """Of trials; of a search, no fewer than there are."""
        if self._combinations:
            return len(self._combinations)
        there = len([*self.runs.path.glob("trial_*/flags.txt")])
        return max(self._settings.sweep_trials or 0, there)

    # -- Before anything runs ------------------------------------------------

    def check(self) -> None:
        """Refuse values that the model refuses, and folders of other runs."""
        self._check_space()
        if is_grid(self._settings):
            planned = dict(enumerate(self._combinations))
        else:
            check_search()
            for values in single_changes(self._space):
                self._parsed("trial", values)
            there = map(self._values_there, range(self._number))
            planned = {n: each for n, each in enumerate(there) if each}
        for number, values in planned.items():
            name = _name(number)
            self.runs.of(name).check(self._parsed(name, values))

    def _values_there(self, number: int) -> dict[str, str] | None:
        """What a trial of before has tried; None if there is none."""
        file = self.runs.of(_name(number)).flags_file
        if not file.is_file():
            return None
        there = read_flagfile(file)
        return {each: value_text(there, each) for each in self._space}

    def _check_space(self) -> None:
        """Refuse other values than those of the trials that are there.

        Trials are known by their numbers, which other values would give to
        others.
        """
        file = self.runs.path / _SPACE_FILE
        if not file.is_file():
            return
        there = read_whole(file).strip()
        space = search_space(there, self._settings.model)
        if [*space.items()] != [*self._space.items()]:
            raise RunError(
                f"{self.runs.path}: the sweep there has --sweep={there!r}, not "
                f"{self._settings.sweep!r}; allowed: the same, or another "
                "--run_dir"
            )

    # -- The trials ----------------------------------------------------------

    def run(self) -> int:
        """Run all trials that have not ended, and print the table."""
        self.runs.write(_SPACE_FILE, f"{self._settings.sweep}\n")
        number = 0
        while (values := self._next(number)) is not None:
            status = self._run(_name(number), values)
            if status in _STOPPED:
                return status
            number += 1
        finished = self._sorted()
        print(
            f"\n{len(finished)} of {counted(number, 'trial')}, by "
            f"{self._metric}:"
        )
        print(self._table())
        if not finished:
            raise RunError(
                f"--sweep: none of {counted(number, 'trial')} has ended well; "
                "the first errors are above"
            )
        self._print_best(finished[0])
        return 0

    def _next(self, number: int) -> dict[str, str] | None:
        """The values of a trial; None after the last."""
        if number == self._number:
            return None
        if self._combinations:
            return self._combinations[number]
        return self._values_there(number) or suggested(
            self._space, self._direction, self._trials, self._settings.seed
        )

    def _run(self, name: str, values: dict[str, str]) -> int:
        said = " ".join(_flags(values))
        place = f"{len(self._trials) + 1} of {self._number}"
        heading = f"{name}, {place}, {said}"
        status = 0
        try:
            settings = self._parsed(name, values)
        except RunError as error:
            print(f"\n{heading}: {error}")
            status = 2
        else:
            if self.runs.is_finished(name, settings):
                print(f"\n{heading}: finished before.")
            else:
                print(f"\n{heading}:")
                status = self.runs.run(name, self._arguments(name, values))
        value = None if status else self._value(name)
        self._trials.append(Trial(name, values, value))
        self._write_table()
        return status

    def _arguments(self, name: str, values: dict[str, str]) -> list[str]:
        return [
            *self._argv[1:],
            *_NO_SWEEP,
            *_flags(values),
            f"--run_dir={self.runs.path / name}",
        ]

    def _parsed(self, name: str, values: dict[str, str]) -> Settings:
        arguments = self._arguments(name, values)
        return parse([self._argv[0], *arguments], self._recipes)

    def _value(self, name: str) -> float | None:
        values = {
            f"val_{each.name}": each.value
            for each in read_figures(self.runs.of(name).figures_file)
            if each.split == "valid"
        }
        value = values.get(self._metric, math.nan)
        return value if math.isfinite(value) else None

    # -- The table -----------------------------------------------------------

    def _sorted(self) -> list[Trial]:
        """The trials that have ended well, the best first."""
        sign = -1 if self._direction == MAXIMIZE else 1
        finished = [each for each in self._trials if each.value is not None]
        return sorted(finished, key=lambda each: sign * (each.value or 0.0))

    def _rows(self) -> list[list[str]]:
        failed = [each for each in self._trials if each.value is None]
        return [
            ["trial", self._metric, *self._space],
            *(
                [
                    each.name,
                    "failed" if each.value is None else f"{each.value:.4f}",
                    *each.values.values(),
                ]
                for each in [*self._sorted(), *failed]
            ),
        ]

    def _table(self) -> str:
        return textwrap.indent(aligned(self._rows()), "  ")

    def _write_table(self) -> None:
        self.runs.write(_TABLE_FILE, csv_text(self._rows()))

    def _print_best(self, best: Trial) -> None:
        program = program_name(self._argv[0])
        if program.endswith(".py"):
            program = f"python {program}"
        run = self.runs.of(best.name)
        flagfile = shlex.quote(f"--flagfile={shown(run.flags_file)}")
        run_dir = shlex.quote(f"--run_dir={shown(run.path)}")
        table = shown(self.runs.path / _TABLE_FILE)
        print(f"\nWritten to {table}: this table.")
        print(
            f"The best is {best.name}. This goes on with it, to the figures of "
            "the test set,\nthe SavedModel and the report:\n"
            f"  {program} {flagfile} {run_dir}"
        )


def _name(number: int) -> str:
    return f"trial_{number}"


def _flags(values: dict[str, str]) -> list[str]:
    return [f"--{name}={text}" for name, text in values.items()]
