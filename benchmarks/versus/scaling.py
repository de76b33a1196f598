"""How a training step grows with the sizes: time and peak memory.

    python -m benchmarks.versus.scaling [CURVE ...] [--json=FILE]

One size is changed at a time, of the LSTM-VAE at the sizes of Penn Treebank and
of HAN; each point has a process of its own, so that its peak is its own. The
time is the least of some rounds. "order" is by which power of the size the time
grows from the point before: 1 is linear.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.processes import (
    least_milliseconds,
    peak_gigabytes,
    step_seconds,
)
from benchmarks.versus.machine import machine
from benchmarks.versus.workloads import WORKLOADS, Workload

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 3


class Curve(NamedTuple):
    """What one size does.

    Attributes:
        title: What is changed.
        workload: What it is changed of.
        changed: The workload of a value.
        values: In their order.
    """

    title: str
    workload: str
    changed: Callable[[Workload, int], Workload]
    values: tuple[int, ...]


class Point(NamedTuple):
    """What a process measured.

    Attributes:
        value: Of what is changed.
        milliseconds: Of a step.
        peak: Of memory, in GB.
    """

    value: int
    milliseconds: float
    peak: float


def _of_size(name: str) -> Callable[[Workload, int], Workload]:
    return lambda workload, value: workload._replace(
        sizes=workload.sizes | {name: value}
    )


def _of_tokens(workload: Workload, value: int) -> Workload:
    return workload._replace(shape=(value,))


def _of_batch(workload: Workload, value: int) -> Workload:
    return workload._replace(batch=value)


CURVES = {
    "vocabulary": Curve(
        "words of the vocabulary, LSTM-VAE",
        "lstm_vae",
        _of_size("words"),
        (5_000, 10_000, 20_000, 40_000, 80_000),
    ),
    "tokens": Curve(
        "tokens of a text, LSTM-VAE",
        "lstm_vae",
        _of_tokens,
        (10, 20, 40, 80),
    ),
    "samples": Curve(
        "samples of a text, LSTM-VAE",
        "lstm_vae",
        _of_size("samples"),
        (1, 2, 5, 10, 20, 50),
    ),
    "batch": Curve(
        "texts of a batch, LSTM-VAE",
        "lstm_vae",
        _of_batch,
        (8, 16, 32, 64, 128),
    ),
    "documents": Curve(
        "documents of a batch, HAN, ragged",
        "han_ragged",
        _of_batch,
        (16, 32, 64, 128, 256),
    ),
}


def measured_here(name: str, value: int) -> Point:
    """A point, by this process."""
    import keras
    import tensorflow as tf

    from benchmarks.versus.ours import compiled, data_of

    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    curve = CURVES[name]
    workload = curve.changed(WORKLOADS[curve.workload], value)
    workload = workload._replace(batches=2)
    model, data = compiled(workload), data_of(workload)
    step_seconds(model.fit, data)
    rounds = [step_seconds(model.fit, data) for _ in range(ROUNDS)]
    return Point(value, least_milliseconds(rounds), peak_gigabytes())


def measured(name: str, value: int) -> Point:
    """A point, by a process of its own."""
    module = [sys.executable, "-m", "benchmarks.versus.scaling"]
    answer = subprocess.run(
        [*module, f"--point={name}:{value}"],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    return Point(*json.loads(answer))


def order(before: Point, point: Point) -> float:
    """By which power of the value the time grows."""
    return math.log(point.milliseconds / before.milliseconds) / math.log(
        point.value / before.value
    )


def table_of(title: str, points: list[Point]) -> str:
    """The table of a curve."""
    lines = [
        f"| {title} | ms a step | order | peak GB |",
        "|---:|---:|---:|---:|",
    ]
    for before, point in zip([None, *points], points, strict=False):
        shown = f"{order(before, point):.2f}" if before else "-"
        lines.append(
            f"| {point.value:,} | {point.milliseconds:,.1f} | {shown} "
            f"| {point.peak:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables; with --json, write their numbers, too."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("curves", nargs="*", default=list(CURVES))
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        name, _, value = options.point.partition(":")
        print(json.dumps(measured_here(name, int(value))))
        return
    found: dict[str, Any] = {"machine": machine()}
    for name in options.curves:
        points = [measured(name, value) for value in CURVES[name].values]
        found[name] = [point._asdict() for point in points]
        print(table_of(CURVES[name].title, points), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
