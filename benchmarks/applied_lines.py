"""Time and peak memory of applying a preset from the shell to many lines.

    python benchmarks/applied_lines.py 20000 1000000

Writes so many lines of 4 to 24 words, drawn from the preset's vocabulary, and
encodes them with `trainer.py --mode=encode`, each number of lines in a process
of its own. The peak is that of the process, TensorFlow included.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from keras_textgen import from_preset
from keras_textgen.tokens import SPECIALS

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESET = "lstm_vae_sotu"
LENGTHS = (4, 24)
# Lines that are drawn at a time.
CHUNK = 10_000


def write_lines(path: pathlib.Path, number: int) -> None:
    """Write so many lines of random words."""
    vocabulary = from_preset(PRESET).vocabulary.get_vocabulary()
    words = np.array(vocabulary[len(SPECIALS) :])
    random = np.random.default_rng(0)
    shortest, longest = LENGTHS
    with path.open("w", encoding="utf-8") as file:
        for first in range(0, number, CHUNK):
            rows = min(CHUNK, number - first)
            lengths = random.integers(shortest, longest + 1, rows)
            drawn = words[random.integers(len(words), size=(rows, longest))]
            for row, length in zip(drawn, lengths, strict=True):
                file.write(" ".join(row[:length]) + "\n")


def encoded(lines: pathlib.Path, codes: pathlib.Path) -> tuple[float, float]:
    """Seconds and gigabytes of a process that encodes the lines."""
    command = [sys.executable, "trainer.py", "--mode=encode"]
    command += [f"--preset={PRESET}", f"--input={lines}", f"--output={codes}"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)}: exit status {status}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1e6


def main() -> None:
    """Print a line for each number of lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="+", type=int)
    for number in parser.parse_args().numbers:
        with tempfile.TemporaryDirectory() as folder:
            lines = pathlib.Path(folder, "lines.txt")
            write_lines(lines, number)
            size = lines.stat().st_size / 1e6
            seconds, peak = encoded(lines, pathlib.Path(folder, "codes.csv"))
        print(
            f"{number:>9,} lines, {size:.1f} MB: {seconds:.0f} s, "
            f"peak {peak:.3f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
