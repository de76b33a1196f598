"""Gives readers damaged files, and holds them to one line of refusal.

Small whole files of every format that the program reads are damaged by a seeded
hand: bits are flipped, pieces are cut out, doubled, moved, or overwritten by
what readers trip over. Each is then read as the program reads it before it
imports TensorFlow. It is read, or refused by one line; a traceback, a line
break in the message, or more than ten seconds is a fault.

    python tools/fuzz.py --inputs=1000 --seed=0
"""

import argparse
import collections
import pathlib
import random
import resource
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

from fuzz_kinds import Kind, kinds, written

from keras_textgen.cli.errors import RunError
from keras_textgen.data.corpus import DataError

SECONDS = 10
# Of all that is read; the files have some kB.
MOST_MEGABYTES = 1500


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
    faults = 0
    start = time.monotonic()
    for name, outcome, fault in fuzz(options.inputs, options.seed):
        outcomes[name, outcome] += 1
        if fault:
            faults += 1
            print(fault)
    names = sorted({name for name, _ in outcomes})
    print(f"{'input':32}{'read':>8}{'refused':>10}{'faults':>8}")
    for name in names:
        counts = [outcomes[name, each] for each in ("read", "refused", "fault")]
        print(f"{name:32}{counts[0]:8}{counts[1]:10}{counts[2]:8}")
    print(
        f"{options.inputs} inputs, seed {options.seed}, "
        f"{time.monotonic() - start:.0f} s, {faults} faults, peak memory "
        f"{_peak_megabytes():.0f} MB"
    )
    return 1 if faults or _peak_megabytes() > MOST_MEGABYTES else 0


def fuzz(inputs: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Read so many damaged files.

    Args:
      inputs: how many.
      seed: of the damages.

    Yields:
      The kind of the input, "read", "refused" or "fault", and what is wrong.
    """
    signal.signal(signal.SIGALRM, _too_long)
    every = kinds()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(inputs):
            kind = every[number % len(every)]
            hand = random.Random(f"{seed} {number}")
            path = written(kind, pathlib.Path(folder))
            path.write_bytes(kind.damage(kind.content, hand))
            outcome, fault = _outcome(kind, path)
            if fault:
                fault = f"{kind.name}, input {number} of seed {seed}: {fault}"
            yield kind.name, outcome, fault


def _outcome(kind: Kind, path: pathlib.Path) -> tuple[str, str]:
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kind.read(path)
    except (DataError, RunError) as error:
        text = str(error)
        if len(text.splitlines()) != 1:
            return "fault", f"not one line: {text!r}"
        return "refused", ""
    except TimeoutError:
        return "fault", f"more than {SECONDS} s"
    except Exception:
        return "fault", traceback.format_exc()
    finally:
        signal.alarm(0)
    return "read", ""


def _too_long(signal_number: int, frame: Any) -> None:
    del signal_number, frame
    raise TimeoutError


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
