"""Epochs of real texts by this package: `fit`, its loader included.

python -m benchmarks.versus.our_epochs CORPUS FILE
"""

import argparse
import json
import sys
import time
from typing import Any

import keras
import tensorflow as tf

from benchmarks.processes import peak_gigabytes
from benchmarks.versus.ours import compiled
from benchmarks.versus.real_texts import TRAINED, Texts, read, with_words_of

# Rows of the epochs that set up.
FIRST_ROWS = 64


def data_of(texts: Texts) -> dict[str, Any]:
    """Arguments of `fit`: ids [texts, (words)], or documents and classes."""
    ids = tf.RaggedTensor.from_row_lengths(texts.ids, texts.lengths)
    if not len(texts.counts):
        return {"x": ids}
    documents = tf.RaggedTensor.from_row_lengths(ids, texts.counts)
    return {"x": documents, "y": texts.labels}


def main() -> None:
    """Train an epoch for each line that comes, and print its seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", choices=TRAINED)
    parser.add_argument("file")
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    texts = read(options.file)
    workload = with_words_of(TRAINED[options.corpus], texts)
    model, data = compiled(workload), data_of(texts)
    first = {name: rows[:FIRST_ROWS] for name, rows in data.items()}
    model.fit(**first, batch_size=workload.batch, verbose=0)
    print("ready", flush=True)
    for epoch, _ in enumerate(sys.stdin):
        begin = time.perf_counter()
        model.fit(
            **data,
            batch_size=workload.batch,
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
        )
        seconds = time.perf_counter() - begin
        print(json.dumps([seconds, peak_gigabytes()]), flush=True)


if __name__ == "__main__":
    main()
