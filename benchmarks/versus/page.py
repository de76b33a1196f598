"""Writes the tables of docs/performance.md from the files of numbers.

python -m benchmarks.versus.page
"""

import json
import pathlib
from typing import Any

from benchmarks.versus import epochs
from benchmarks.versus.__main__ import Measured, head, rate_lines, row_of
from benchmarks.versus.inference import Row, line_of
from benchmarks.versus.machine import line_of_machine
from benchmarks.versus.scaling import CURVES, Point, table_of
from benchmarks.versus.workloads import WORKLOADS

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->\n"


def tables() -> str:
    """All tables."""
    parts = [
        training_table(json.loads(path.read_text("utf-8")))
        for path in sorted(HERE.glob("training_*.json"))
    ]
    parts += [
        epochs_table(json.loads(path.read_text("utf-8")))
        for path in sorted(HERE.glob("epochs*.json"))
    ]
    parts += [
        inference_table(json.loads(path.read_text("utf-8")))
        for path in sorted(HERE.glob("inference*.json"))
    ]
    parts += [
        scaling_tables(json.loads(path.read_text("utf-8")))
        for path in sorted(HERE.glob("scaling*.json"))
    ]
    return "\n".join(parts)


def scaling_tables(found: dict[str, Any]) -> str:
    """The tables of how a step grows, and what was measured on."""
    lines = [f"a step by its sizes ({line_of_machine(found['machine'])}):", ""]
    lines += [
        table_of(curve.title, [Point(**each) for each in found[name]])
        for name, curve in CURVES.items()
        if name in found
    ]
    return "\n".join(lines)


def epochs_table(found: dict[str, Any]) -> str:
    """The table of real texts, and what was measured on."""
    machine = line_of_machine(found["machine"])
    lines = [f"epochs of real texts ({machine}):", "", epochs.head()]
    for corpus in epochs.TRAINED:
        if corpus in found:
            sides = {
                name: epochs.Epochs(**each)
                for name, each in found[corpus]["sides"].items()
            }
            lines.append(epochs.row_of(corpus, found[corpus]["words"], sides))
    return "\n".join(lines) + "\n"


def inference_table(found: dict[str, Any]) -> str:
    """The table of what is not training, and what was measured on."""
    head = "| what | ms | GFLOP/s |\n|---|---:|---:|"
    lines = [f"not training ({line_of_machine(found['machine'])}):", "", head]
    lines += [line_of(Row(**each)) for each in found["rows"]]
    return "\n".join(lines) + "\n"


def training_table(found: dict[str, Any]) -> str:
    """The table of a precision, and what was measured on."""
    machine = line_of_machine(found["machine"])
    lines = [f"{found['precision']} ({machine}):", "", head()]
    rates = []
    for workload in WORKLOADS:
        if workload not in found:
            continue
        numbers = dict(found[workload])
        of_products = numbers.pop("rates", None)
        sides = {name: Measured(**each) for name, each in numbers.items()}
        lines.append(row_of(workload, sides))
        if of_products:
            step = sides["here"].milliseconds
            rates += rate_lines(workload, of_products, step, found["precision"])
    return "\n".join([*lines, "", *(f"- {each}" for each in rates)]) + "\n"


def page_with(tables: str) -> str:
    """The page, with these tables in place of those that it has."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(tables()), "utf-8")
