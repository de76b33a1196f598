"""Memory and time of training the softmax autoencoder, against its input.

Random bags of words, about as frequent as words are in text (Zipf), and one
epoch for each row, in a process of its own, after a few steps that trace and
warm up. Batches of 64, codes of 50 dimensions, Nadam. Time is that of all
cores together, which other programs disturb least. The peak counts the whole
process, TensorFlow (about 0.7 GB) included:

    python benchmarks/sae_scaling.py

The documents grow first, then the words of a document, then the vocabulary:
an epoch costs what the counts above 0 cost, and besides, for each batch, a
matrix product and an optimizer's step over the whole vocabulary. Nothing but
the counts themselves, 8 bytes each, is held for more than a batch.
"""

import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Documents, draws of words a document, vocabulary.
SIZES = (
    (2_000, 200, 30_000),
    (4_000, 200, 30_000),
    (8_000, 200, 30_000),
    (16_000, 200, 30_000),
    (4_000, 800, 30_000),
    (4_000, 3_200, 30_000),
    (4_000, 200, 60_000),
    (4_000, 200, 120_000),
)
BATCH = 64


def measure(documents: int, draws: int, words: int) -> None:
    """Print the row of one size."""
    import numpy as np
    import scipy.sparse

    import keras_textgen

    generator = np.random.default_rng(0)
    shares = 1 / np.arange(1, words + 1)
    columns = generator.choice(
        words, documents * draws, p=shares / shares.sum()
    )
    rows = np.repeat(np.arange(documents), draws)
    ones = np.ones(len(rows), np.float32)
    counts = scipy.sparse.csr_array((ones, (rows, columns)), (documents, words))
    dense = documents * words * 4 / 1e9
    model = keras_textgen.SoftmaxAutoencoder(num_words=words)
    model.compile("nadam")
    batches = model.batches(counts, BATCH)
    model.fit(batches, steps_per_epoch=3, verbose=0)
    start = time.process_time()
    model.fit(batches, verbose=0)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{documents:>9,}  {words:>7,}  {counts.nnz:>12,}  {dense:>8.2f}  "
        f"{peak:>7.2f}  {seconds:>5.1f}  "
        f"{1000 * seconds / batches.steps_per_epoch:>9.0f}",
        flush=True,
    )


def main() -> None:
    """Print the table, or a row of it."""
    if len(sys.argv) > 1:
        measure(*map(int, sys.argv[1:]))
        return
    print(
        "documents    words    counts > 0  dense GB  peak GB  CPU s  ms a step",
        flush=True,
    )
    for size in SIZES:
        subprocess.run([sys.executable, __file__, *map(str, size)], check=True)


if __name__ == "__main__":
    main()
