"""Times training steps beside those of PyTorch, at the sizes of the papers.

    pip install -e ".[benchmark]"
    python -m benchmarks.versus                     # all, float32
    python -m benchmarks.versus lstm_vae hdgm --precision=bfloat16

Each side has a process of its own and is fed the same batches; rounds take
turns, and what counts is the least time of each step. The package trains by
`fit`, callbacks and determinism included, as the trainer does; what
determinism costs is a column of its own. PyTorch runs with and without
`torch.compile`; the faster one counts. A peak of memory is that of the whole
process. A CUDA build of PyTorch may stand in an environment of its own, named
by --torch_python.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
from typing import Any, NamedTuple

from benchmarks.processes import (
    Side,
    least_milliseconds,
    started,
    take_turns,
)
from benchmarks.versus.machine import machine
from benchmarks.versus.workloads import WORKLOADS

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Those whose products are written down in `products_of`.
RATED = ("lstm_vae", "lstm_vae_yahoo")
SIDES = {
    "here": ("ours", []),
    "here, any order": ("ours", ["--free_order"]),
    "PyTorch": ("theirs", []),
    "torch.compile": ("theirs", ["--compile"]),
}


class Measured(NamedTuple):
    """What a side took.

    Attributes:
        milliseconds: Of a step.
        peak: Of memory, in GB.
    """

    milliseconds: float
    peak: float


def command_of(side: str, workload: str, options: argparse.Namespace) -> list:
    """What starts a side."""
    module, arguments = SIDES[side]
    python = options.torch_python if module == "theirs" else sys.executable
    return [
        python,
        "-m",
        f"benchmarks.versus.{module}",
        workload,
        f"--precision={options.precision}",
        *arguments,
    ]


def compare(workload: str, options: argparse.Namespace) -> dict[str, Measured]:
    """Measure all sides of a workload."""
    with contextlib.ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                started(
                    command_of(name, workload, options),
                    {"PYTHONPATH": str(ROOT)},
                )
            )
            for name in SIDES
        }
        ready = {name: side for name, side in sides.items() if is_ready(side)}
        answers = take_turns(list(ready.values()), options.rounds)
    return {
        name: Measured(
            least_milliseconds([seconds for seconds, _ in rounds]),
            max(peak for _, peak in rounds),
        )
        for name, rounds in zip(ready, answers, strict=True)
    }


def is_ready(side: Side) -> bool:
    """Whether it starts; why not is printed."""
    try:
        side.line()
    except RuntimeError as error:
        print(str(error).rpartition("\n\n")[2].strip().splitlines()[-1])
        return False
    return True


def row_of(workload: str, sides: dict[str, Measured]) -> str:
    """A line of the table."""
    here = sides["here"]
    peers = [
        sides[name] for name in ("PyTorch", "torch.compile") if name in sides
    ]
    peer = min(peers, key=lambda side: side.milliseconds)
    cells = [
        WORKLOADS[workload].title,
        *(cell_of(sides.get(name)) for name in SIDES),
        f"{here.milliseconds / peer.milliseconds:.2f}",
        f"{here.peak:.2f}",
        f"{peer.peak:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def cell_of(side: Measured | None) -> str:
    """Milliseconds, or that there are none."""
    return "-" if side is None else f"{side.milliseconds:.1f}"


def head() -> str:
    """The first lines of the table."""
    names = [
        "a step, ms",
        *SIDES,
        "ratio to the faster",
        "peak GB here",
        "of the faster",
    ]
    return f"| {' | '.join(names)} |\n|---|{'---:|' * (len(names) - 1)}"


def rates_of(workload: str, options: argparse.Namespace) -> dict[str, Any]:
    """What the products of a step take in both frameworks."""
    pythons = {"tensorflow": sys.executable, "torch": options.torch_python}
    return {
        framework: json.loads(
            subprocess.run(
                [python, "-m", "benchmarks.versus.rates", framework, workload],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
        for framework, python in pythons.items()
    }


def rate_lines(
    workload: str, rates: dict[str, Any], step: float, precision: str
) -> list[str]:
    """What share of a step of so many milliseconds its products are."""
    lines = []
    for framework, of_framework in rates.items():
        parts = [
            f"{precision} {rate['milliseconds']:.0f} ms, "
            f"{rate['gigaflops']:.0f} GFLOP/s"
            for precision, rate in of_framework.items()
        ]
        lines.append(
            f"`{workload}`, its matrix products in {framework}: "
            f"{'; '.join(parts)}"
        )
    alone = rates["tensorflow"][precision]["milliseconds"]
    lines.append(
        f"`{workload}`: its products in {precision} are {alone / step:.0%} "
        "of a step"
    )
    return lines


def torch_version(torch_python: str) -> str:
    """Of the environment that the peers run in."""
    code = "import torch; print(torch.__version__)"
    return subprocess.run(
        [torch_python, "-c", code], capture_output=True, check=True, text=True
    ).stdout.strip()


def parsed_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--precision", default="float32", choices=("float32", "bfloat16")
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--torch_python", default=sys.executable)
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    options = parser.parse_args()
    unknown = set(options.workloads).difference(WORKLOADS)
    if unknown:
        parser.error(f"{', '.join(unknown)}; allowed: {', '.join(WORKLOADS)}")
    return options


def main() -> None:
    """Print the table; with --json, write its numbers, too."""
    options = parsed_options()
    found = {
        "machine": {**machine(), "torch": torch_version(options.torch_python)},
        "precision": options.precision,
    }
    print(json.dumps(found), "\n", head(), sep="", flush=True)
    for workload in options.workloads or WORKLOADS:
        sides = compare(workload, options)
        found[workload] = {name: each._asdict() for name, each in sides.items()}
        print(row_of(workload, sides), flush=True)
    print()
    for workload in RATED:
        if workload in found:
            rates = rates_of(workload, options)
            found[workload]["rates"] = rates
            step = found[workload]["here"]["milliseconds"]
            lines = rate_lines(workload, rates, step, options.precision)
            print(*lines, sep="\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
