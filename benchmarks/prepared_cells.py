"""A matrix larger than memory: preparing its cells, and training on them.

`generate` writes a table of ratings whose items follow Zipf's law, no pair
twice. `train` trains DMF for some steps, on the prepared matrix or on the same
cells in memory, and prints the time of a step, that of a batch by itself, and
the memory of the process: what it holds, and with the mapped files, which the
system takes back where it needs room:

    python benchmarks/prepared_cells.py generate --millions=20 --output=r.csv
    python benchmarks/prepared.py watch python -m keras_textgen.prepare \
        --input=r.csv --output=ratings --row_column=user
    python benchmarks/prepared_cells.py train --matrix=ratings
    python benchmarks/prepared_cells.py train --matrix=ratings --in_memory
"""

import argparse
import os
import pathlib
import re
import time

import numpy as np

USERS, ITEMS = 200_000, 20_000
READ = 300


def generate(millions: int, output: str) -> None:
    """Writes ratings of 1 to 5, as many of each user."""
    generator = np.random.default_rng(0)
    weights = np.cumsum(1 / np.arange(10, ITEMS + 10))
    each = millions * 10**6 // USERS
    order = generator.permutation(USERS)
    with open(output, "w", encoding="ascii") as file:
        file.write("user,item,rating\n")
        for user in order:
            places = generator.random(2 * each) * weights[-1]
            items = np.unique(np.searchsorted(weights, places))
            items = generator.permutation(items)[:each]
            ratings = generator.integers(1, 6, len(items))
            file.write(
                "".join(
                    f"{user},{item},{rating}\n"
                    for item, rating in zip(items, ratings, strict=True)
                )
            )


def train(matrix: str, steps: int, feedback: str, in_memory: bool) -> None:
    """Trains on a prepared matrix, or on what it holds, in memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras_textgen
    from keras_textgen.data.batches.cells import feedback_batches
    from keras_textgen.data.cells import Ratings
    from keras_textgen.data.shards.cells import PreparedCellBatches
    from keras_textgen.models.matrices.cell_settings import NEGATIVES

    opened = keras_textgen.open_prepared(matrix)
    model = keras_textgen.DualMatrixFactorization.from_prepared(
        opened,
        row_dim=20,
        col_dim=20,
        row_layers=(),
        col_layers=(),
        feedback=feedback,
    )
    cells = opened.train
    before, _ = memory()
    given = {"negatives": NEGATIVES[feedback]}
    begin = time.process_time()
    if in_memory:
        parts = map(np.array, (cells.rows, cells.columns, cells.values))
        batches = feedback_batches(
            feedback, Ratings(*parts), opened.shape, 1024, **given
        )
    else:
        batches = PreparedCellBatches(cells, 1024, feedback=feedback, **given)
    stream = iter(batches.training_stream())
    for _ in range(10):
        next(stream)
    starting = time.process_time() - begin
    begin = time.process_time()
    for _ in range(READ):
        next(stream)
    reading = time.process_time() - begin
    del stream
    # The first steps trace the model.
    model.fit(batches, steps_per_epoch=5, verbose=0)
    begin, cpu = time.monotonic(), time.process_time()
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
    held, whole = memory()
    print(
        f"{'memory' if in_memory else 'files'}, {feedback}: {len(cells):,} "
        f"cells; {1000 * seconds / steps:.1f} ms a step "
        f"({1000 * cpu / steps:.1f} ms of the CPU), a batch of 1024 alone "
        f"{1000 * reading / READ:.2f} ms of the CPU, until the first batches "
        f"{starting:.1f} s; holds {held:.2f} GB, {held - before:.2f} more than "
        f"before; peak with mapped files {whole:.2f} GB"
    )


def memory() -> tuple[float, float]:
    """What the process holds, and the peak of all that is resident, in GB."""
    status = pathlib.Path("/proc/self/status").read_text("utf-8")
    held, peak = (
        int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) / 1e6
        for name in ("RssAnon", "VmHWM")
    )
    return held, peak


def main() -> None:
    """Does one of the two."""
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action", required=True)
    each = actions.add_parser("generate")
    each.add_argument("--millions", type=int, required=True)
    each.add_argument("--output", required=True)
    each = actions.add_parser("train")
    each.add_argument("--matrix", required=True)
    each.add_argument("--steps", type=int, default=200)
    each.add_argument("--feedback", default="explicit")
    each.add_argument("--in_memory", action="store_true")
    given = vars(parser.parse_args())
    action = given.pop("action")
    {"generate": generate, "train": train}[action](**given)


if __name__ == "__main__":
    main()
