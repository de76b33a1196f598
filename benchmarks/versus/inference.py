"""Times what is not training: LSTM-VAE at the sizes of Penn Treebank.

    python -m benchmarks.versus.inference [--json=FILE]

Each row is the least of some rounds in one process; where the work is mostly
matrix products, their operations a second stand beside it, to be compared with
those that the machine reaches on the same shapes. The start is that of new
processes: imports, a model, its first step.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.versus.machine import machine
from benchmarks.versus.workloads import WORKLOADS, Workload, arrays_of

WORKLOAD = WORKLOADS["lstm_vae"]
IMPORTANCE_SAMPLES, IMPORTANCE_TEXTS = 500, 20
# How often all texts are there: a call takes 0.2 s before the first one.
EVALUATED = 8
GENERATED = 1_000
# Texts that are encoded and codes that are decoded at once.
BATCH = 64
# Words of a generated text on the average, about as many as Penn Treebank's.
GENERATED_LENGTH = 20
ROUNDS = 5
# A process that imports, makes a model and takes a step.
FIRST_STEP = """
import numpy as np
from benchmarks.versus.ours import compiled
from benchmarks.versus.workloads import WORKLOADS, arrays_of
workload = WORKLOADS["lstm_vae"]
compiled(workload).fit(arrays_of(workload)[0][:32], batch_size=32, verbose=0)
"""


class Row(NamedTuple):
    """What was measured.

    Attributes:
        title: Of the row.
        milliseconds: At least.
        operations: Of its matrix products; 0 where they do not matter.
    """

    title: str
    milliseconds: float
    operations: float = 0


def decoder_operations(workload: Workload) -> float:
    """Of one token of one sample: the recurrence and the softmax."""
    sizes = workload.sizes
    units = sizes["units"]
    inputs = sizes["embedding"] + sizes["latent"] + units
    return 2 * units * (4 * inputs + sizes["words"])


def encoder_operations(workload: Workload) -> float:
    """Of one token."""
    units = workload.sizes["units"]
    return 8 * units * (workload.sizes["embedding"] + units)


def least_milliseconds_of(call: Callable[[], Any], rounds: int) -> float:
    """The least time of some calls after a first one."""
    call()
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return 1000 * min(taken)


def end_after(model: Any, words: int) -> None:
    """Makes the texts of an untrained model end, as trained ones do."""
    import numpy as np

    from keras_textgen.tokens import END_ID

    bias = model.output_layer.bias
    values = np.array(bias)
    values[END_ID] += np.log(len(values) / words)
    bias.assign(values)


def in_process_rows() -> list[Row]:
    """What one process measures."""
    import keras
    import numpy as np
    import tensorflow as tf

    import keras_textgen
    from benchmarks.versus.ours import compiled
    from keras_textgen.data.batches.sequences import SequenceBatches

    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    model = compiled(WORKLOAD)
    end_after(model, GENERATED_LENGTH)
    tokens = np.tile(arrays_of(WORKLOAD)[0], [EVALUATED, 1])
    (length,) = WORKLOAD.shape
    of_decoder, of_encoder = (
        decoder_operations(WORKLOAD),
        encoder_operations(WORKLOAD),
    )
    few = tokens[:IMPORTANCE_TEXTS]
    text = ["w1 w2 w3 w4 w5 w6 w7 w8"]
    codes = np.random.default_rng(0).normal(size=[BATCH, model.latent_dim])
    batches = SequenceBatches(tokens.tolist(), WORKLOAD.batch)

    def evaluate() -> None:
        model.evaluate(tokens, batch_size=WORKLOAD.batch, verbose=0)

    def weigh() -> None:
        model.log_likelihood(few, num_samples=IMPORTANCE_SAMPLES)

    def export() -> None:
        with tempfile.TemporaryDirectory() as folder:
            keras_textgen.export_model(model, folder + "/export")

    def load() -> None:
        for _ in batches.training_stream().take(batches.steps_per_epoch):
            pass

    samples = IMPORTANCE_SAMPLES * len(few)
    with tempfile.TemporaryDirectory() as folder:
        keras_textgen.export_model(model, folder)
        served = tf.saved_model.load(folder)
    one, batch = tf.constant(text), tf.constant(text * BATCH)
    return [
        Row(
            f"evaluate, {len(tokens):,} texts of {length} tokens",
            least_milliseconds_of(evaluate, ROUNDS),
            len(tokens) * length * (of_decoder + of_encoder),
        ),
        Row(
            f"importance weights, {len(few)} texts, "
            f"{IMPORTANCE_SAMPLES} samples each",
            least_milliseconds_of(weigh, 2),
            samples * length * of_decoder,
        ),
        Row(
            f"generate({GENERATED:,}), up to {model.max_length} tokens, "
            f"{GENERATED_LENGTH} words on the average",
            least_milliseconds_of(lambda: model.generate(GENERATED), 2),
        ),
        Row(
            "encode one text",
            least_milliseconds_of(lambda: model.encode(text), 50),
        ),
        Row(
            f"encode {BATCH} texts",
            least_milliseconds_of(lambda: model.encode(text * BATCH), 50),
        ),
        Row(
            "encode one text, the SavedModel",
            least_milliseconds_of(lambda: served.encode(one), 50),
        ),
        Row(
            f"encode {BATCH} texts, the SavedModel",
            least_milliseconds_of(lambda: served.encode(batch), 50),
        ),
        Row(
            f"decode {BATCH} codes, the likeliest word each time",
            least_milliseconds_of(lambda: model.decode(codes, 1), 5),
        ),
        Row(
            f"decode {BATCH} codes, a beam of 5",
            least_milliseconds_of(lambda: model.decode(codes, 5), 5),
        ),
        Row(
            f"the loader alone, {batches.steps_per_epoch} batches of "
            f"{WORKLOAD.batch} texts",
            least_milliseconds_of(load, ROUNDS),
        ),
        Row("export_model", least_milliseconds_of(export, 2)),
    ]


def first_step() -> Row:
    """From the start of a process to its first training step."""

    def start() -> None:
        subprocess.run(
            [sys.executable, "-c", FIRST_STEP],
            check=True,
            capture_output=True,
            env={"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ},
        )

    return Row(
        "start of a process to the first step", least_milliseconds_of(start, 2)
    )


def line_of(row: Row) -> str:
    """A line of the table."""
    rate = row.operations / row.milliseconds / 1e6
    shown = f"{rate:.0f}" if row.operations else "-"
    return f"| {row.title} | {row.milliseconds:,.1f} | {shown} |"


def main() -> None:
    """Print the table; with --json, write its numbers, too."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    options = parser.parse_args()
    rows = [*in_process_rows(), first_step()]
    print("| what | ms | GFLOP/s |\n|---|---:|---:|")
    for row in rows:
        print(line_of(row))
    if options.json:
        found = {
            "machine": machine(),
            "rows": [each._asdict() for each in rows],
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
