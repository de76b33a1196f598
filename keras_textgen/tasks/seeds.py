"""`--seeds`: a run of each seed, and how far they differ."""

import math
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_textgen.checks import counted
from keras_textgen.cli.parsers import seeds
from keras_textgen.cli.settings import RunError, Settings, parse
from keras_textgen.evaluation.figures import (
    Spread,
    read_figures,
    spread,
)
from keras_textgen.evaluation.text_tables import aligned, csv_text
from keras_textgen.tasks.children import ChildRuns
from keras_textgen.tasks.reports.comparison import comparison
from keras_textgen.training.run_directory import shown

_TABLE_FILE, _PAGE_FILE = "seeds.csv", "comparison.html"


def run_seeds(
    argv: Sequence[str],
    settings: Settings,
    recipes: str | os.PathLike,
    check_data: Callable[[], None],
) -> int:
    """Train with each of `--seeds`, and compare.

    Args:
      argv: the command line, the program's name first.
      settings: what it settles.
      recipes: folder of the recipes.
      check_data: refuses data that no run can read; called before the first.

    Returns:
      Exit status: that of the first run that has not ended well, or 0.

    Raises:
      RunError: if a folder holds another run, or cannot be written, or
        `--seed` is given, too.
    """
    for flag in argv[1:]:
        if flag.lstrip("-").partition("=")[0] == "seed":
            raise RunError(f"{flag} beside --seeds; allowed: one of the two")
    runs = ChildRuns(settings.run_dir, ["seed_*", _TABLE_FILE, _PAGE_FILE])
    arguments = {
        f"seed_{seed}": [
            *argv[1:],
            "--seeds=default",
            f"--seed={seed}",
            f"--run_dir={runs.path / f'seed_{seed}'}",
        ]
        for seed in seeds(settings.seeds)
    }
    planned = {
        name: parse([argv[0], *given], recipes)
        for name, given in arguments.items()
    }
    for name, each in planned.items():
        runs.of(name).check(each)
    if not runs.have_begun:
        check_data()
    with runs.directory.claimed():
        for number, (name, given) in enumerate(arguments.items(), 1):
            heading = f"{name}, {number} of {len(arguments)}"
            if runs.is_finished(name, planned[name]):
                print(f"\n{heading}: finished before.")
                continue
            print(f"\n{heading}:")
            status = runs.run(name, given)
            if status:
                return status
        _compare(runs, list(arguments))
    return 0


def _compare(runs: ChildRuns, names: Sequence[str]) -> None:
    files = {name: runs.of(name).figures_file for name in names}
    found = spread({name: read_figures(file) for name, file in files.items()})
    print(
        f"\nOver {counted(len(names), 'seed')}, standard deviations with n - 1:"
    )
    print(format_spread(found))
    contents = {
        _TABLE_FILE: (spread_csv(found), "this table, with each seed"),
        _PAGE_FILE: (
            comparison([str(runs.of(name).path) for name in names]),
            "the runs on one page, for a browser",
        ),
    }
    print()
    for name, (text, what) in contents.items():
        runs.write(name, text)
        print(f"Written to {shown(runs.path / name)}: {what}.")


def format_spread(found: Sequence[Spread]) -> str:
    """Set figures of several runs as a table.

    Args:
      found: means and standard deviations.

    Returns:
      A head and a line for each.

    Example:
    >>> from keras_textgen.evaluation.figures import Figure
    >>> nll = Figure("nll", 80.0625, "nats per sequence")
    >>> print(format_spread([Spread(nll, 0.5, {})]))
      figure  of       mean      sd  unit
      nll     test  80.0625  0.5000  nats per sequence
    """
    rows = [("figure", "of", "mean", "sd", "unit")] + [
        (
            each.figure.name,
            each.figure.split,
            _number(each.figure.value),
            _number(each.deviation),
            each.figure.unit,
        )
        for each in found
    ]
    return textwrap.indent(aligned(rows, {2, 3}), "  ")


def _number(value: float) -> str:
    """A whole number as such, others with four digits.

    Example:
    >>> _number(3592.0), _number(0.12345), _number(float("nan"))
    ('3,592', '0.1235', '-')
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:,.{0 if value == round(value) else 4}f}"


def spread_csv(found: Sequence[Spread]) -> str:
    """Set figures of several runs as CSV, a row a figure.

    Args:
      found: means, standard deviations, and values by the name of the run.

    Returns:
      The text; what is not there is empty.

    Example:
    >>> from keras_textgen.evaluation.figures import Figure
    >>> row = Spread(Figure("kl", 2.0, "nats"), 1.5, {"seed_0": 0.5})
    >>> print(spread_csv([row]), end="")
    figure,split,unit,bound,mean,standard_deviation,seed_0
    kl,test,nats,,2.0,1.5,0.5
    """
    runs: Mapping[str, float] = found[0].values if found else {}
    of_figure = ("figure", "split", "unit", "bound")
    rows: list[tuple[Any, ...]] = [
        (*of_figure, "mean", "standard_deviation", *runs)
    ]
    for figure, deviation, values in found:
        numbers = [figure.value, deviation, *values.values()]
        rows.append(
            (
                figure.name,
                figure.split,
                figure.unit,
                figure.bound or "",
                *(each if math.isfinite(each) else "" for each in numbers),
            )
        )
    return csv_text(rows)
