"""A corpus larger than memory: preparing it, and training on it.

`generate` writes texts whose words follow Zipf's law over a million types, so
many megabytes of them; no line is there twice. `train` trains the LSTM language
model for some steps, on shards or on the same texts in memory, and prints the
steps a second, the time a batch takes by itself, and the peak of resident
memory. How preparing does, `/usr/bin/time -v` or `watch` says:

    python benchmarks/prepared.py generate --megabytes=300 --output=zipf.txt
    python benchmarks/prepared.py watch python -m keras_textgen.prepare \
        --input=zipf.txt --output=zipf --vocab_size=100000
    python benchmarks/prepared.py train --corpus=zipf
    python benchmarks/prepared.py train --corpus=zipf --in_memory
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

TYPES = 1_000_000
WORDS_A_TEXT = (5, 35)
TEXTS_AT_ONCE = 20_000
READ = 300


def generate(megabytes: int, output: str) -> None:
    """Writes texts of words whose frequency is 1 / rank."""
    generator = np.random.default_rng(0)
    names = np.array([f"w{each:x}" for each in range(TYPES)], object)
    weights = np.cumsum(1 / np.arange(1, TYPES + 1))
    left = megabytes * 10**6
    with open(output, "w", encoding="ascii") as file:
        while left > 0:
            lengths = generator.integers(*WORDS_A_TEXT, TEXTS_AT_ONCE)
            places = generator.random(lengths.sum()) * weights[-1]
            words = names[np.searchsorted(weights, places)]
            texts = np.split(words, np.cumsum(lengths)[:-1])
            content = "".join(f"{' '.join(text)}\n" for text in texts)
            file.write(content)
            left -= len(content)


def watch(command: list[str]) -> None:
    """Runs a command; prints its time and the peak of its processes."""
    begin = time.monotonic()
    subprocess.run(command, check=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{time.monotonic() - begin:.0f} s, of the CPU {usage.ru_utime:.0f} s; "
        f"peak of the largest process {usage.ru_maxrss / 1e6:.2f} GB"
    )


def train(corpus: str, steps: int, in_memory: bool) -> None:
    """Trains on shards, or on what they hold, in memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras_textgen
    from keras_textgen.data.shards.batches import PreparedBatches
    from keras_textgen.tasks.prepared import held

    opened = keras_textgen.open_prepared(corpus)
    split = opened.train
    if in_memory:
        sequences = held(split, np.arange(len(split)))
        batches = keras_textgen.SequenceBatches(sequences, 32)
    else:
        batches = PreparedBatches(split, 32)
    stream = iter(batches.training_stream())
    # The first batches open the shards, or shuffle an epoch.
    for _ in range(10):
        next(stream)
    begin = time.process_time()
    for _ in range(READ):
        next(stream)
    reading = time.process_time() - begin
    del stream
    model = keras_textgen.LSTMLanguageModel(
        opened.vocabulary, embedding_dim=64, rnn_units=128, seed=0
    )
    # The first steps trace the model.
    model.fit(batches, steps_per_epoch=5, verbose=0)
    begin, cpu = time.monotonic(), time.process_time()
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{'memory' if in_memory else 'shards'}: {len(split):,} texts, "
        f"{opened.vocabulary.size:,} words; {1000 * seconds / steps:.1f} ms a "
        f"step ({1000 * cpu / steps:.1f} ms of the CPU), a batch of 32 alone "
        f"{1000 * reading / READ:.2f} ms of the CPU; peak {peak:.2f} GB"
    )


def main() -> None:
    """Does one of the three."""
    if sys.argv[1:2] == ["watch"]:
        watch(sys.argv[2:])
        return
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action", required=True)
    each = actions.add_parser("generate")
    each.add_argument("--megabytes", type=int, required=True)
    each.add_argument("--output", required=True)
    each = actions.add_parser("train")
    each.add_argument("--corpus", type=pathlib.Path, required=True)
    each.add_argument("--steps", type=int, default=200)
    each.add_argument("--in_memory", action="store_true")
    given = vars(parser.parse_args())
    action = given.pop("action")
    {"generate": generate, "train": train}[action](**given)


if __name__ == "__main__":
    main()
