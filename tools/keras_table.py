"""Writes docs/keras.md's table of what models do, from a run of the tests.

    python -m pytest tests/conformance -k keras --junitxml=habits.xml
    python tools/keras_table.py habits.xml

Several reports, of some tests each, do as well; what none of them has stays
in the table as it was.

A row is a test of `tests/conformance/test_keras_*.py` that takes a `case`, a
column a model. `tests/test_keras_table.py` holds the table to the tests.
"""

import argparse
import ast
import itertools
import pathlib
import xml.etree.ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence

TESTS = pathlib.Path("tests/conformance")
FILES = (
    "test_keras_data",
    "test_keras_habits",
    "test_keras_metrics",
    "test_keras_training",
    "test_keras_callbacks",
    "test_keras_copies",
    "test_keras_tools",
)
DOCS = pathlib.Path("docs/keras.md")
BEGIN = "<!-- Written by tools/keras_table.py. -->\n"
END = "<!-- The end of what it writes. -->\n"
# Nothing is tested: what a test compares is not there in the model.
NOTHING = "-"


def habit(test: str) -> str:
    """A test's name in words.

    Example:
        >>> habit("test_a_frozen_layer_stays")
        'a frozen layer stays'
    """
    return test.removeprefix("test_").replace("_", " ")


def tests_of(file: str) -> list[str]:
    """The tests of a file that take a `case`, in their order."""
    tree = ast.parse((TESTS / f"{file}.py").read_text("utf-8"))
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and "case" in {argument.arg for argument in node.args.args}
    ]


def results(
    reports: Iterable[pathlib.Path],
) -> Iterator[tuple[str, str, list[str], str]]:
    """File, test, parameters and outcome of each test of reports."""
    trees = map(xml.etree.ElementTree.parse, reports)
    for case in itertools.chain.from_iterable(
        tree.iter("testcase") for tree in trees
    ):
        file = case.get("classname", "").rpartition(".")[2]
        if file not in FILES:
            continue
        name, _, parameters = case.get("name", "").partition("[")
        if case.find("failure") is not None or case.find("error") is not None:
            raise SystemExit(f"{file}: {case.get('name')} has failed")
        outcome = "yes"
        if case.find("skipped") is not None:
            outcome = NOTHING
        for each in case.iter("property"):
            if each.get("name") == "cell":
                outcome = each.get("value", "")
        yield file, name, parameters.removesuffix("]").split("-"), outcome


def cells_of(table: str) -> dict[tuple[str, str], str]:
    r"""The cells of a table, by the words of the row and the model.

    Example:
        >>> cells_of("| | han |\n|---|---|\n| compile | yes |\n")
        {('compile', 'han'): 'yes'}
    """
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.strip().splitlines()
    ]
    if not lines:
        return {}
    (_, *models), _, *rows = lines
    return {
        (row, model): cell
        for row, *cells in rows
        for model, cell in zip(models, cells, strict=True)
    }


def table(reports: Iterable[pathlib.Path], before: str = "") -> str:
    """The table of reports, as Markdown.

    Args:
        reports: Of runs of the tests.
        before: The table of before, for what the reports do not have.

    Raises:
        SystemExit: A test has failed, or is neither in the reports nor in the
            table of before.
    """
    known = cells_of(before)
    found = list(results(reports))
    models = list(
        dict.fromkeys(
            [
                *(model for _, model in known),
                # Not of tests of no model.
                *(
                    each[2][0]
                    for each in found
                    if len(each[2]) == 1 and each[2][0]
                ),
            ]
        )
    )
    lines = [
        f"| | {' | '.join(models)} |",
        f"|---|{'---|' * len(models)}",
    ]
    for file in FILES:
        for test in tests_of(file):
            of_test = [each[2:] for each in found if each[:2] == (file, test)]
            cells = _cells(habit(test), of_test, models, known)
            if not any(cells):
                raise SystemExit(f"{file}: {test} is not in the reports")
            words = [", ".join(sorted(each)) or NOTHING for each in cells]
            lines.append(f"| {habit(test)} | {' | '.join(words)} |")
    return "\n".join(lines) + "\n"


def _cells(
    row: str,
    found: Iterable[tuple[list[str], str]],
    models: Sequence[str],
    known: Mapping[tuple[str, str], str],
) -> list[set[str]]:
    """Outcomes of a test by model: those found, or else the known one."""
    cells: dict[str, set[str]] = {model: set() for model in models}
    for parameters, outcome in found:
        (model,) = set(parameters) & set(models)
        cells[model].add(outcome)
    for model, outcomes in cells.items():
        if not outcomes and (row, model) in known:
            outcomes.add(known[row, model])
    return list(cells.values())


def main() -> None:
    """Read the reports and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    before, _, rest = DOCS.read_text("utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    text = f"{before}{BEGIN}\n{table(options.reports, old)}\n{END}{after}"
    DOCS.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
