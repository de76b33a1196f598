"""Epochs of real texts by PyTorch, its `DataLoader` included.

python -m benchmarks.versus.their_epochs CORPUS FILE [--grouped]
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Sampler

from benchmarks.processes import peak_gigabytes
from benchmarks.versus.real_texts import TRAINED, Texts, read, with_words_of
from benchmarks.versus.theirs import step_of

# Batches that set up.
FIRST_BATCHES = 4


class LikeLengths(Sampler):
    """Shuffles, sorts by length, cuts into batches, and shuffles those."""

    def __init__(self, lengths: np.ndarray, batch_size: int) -> None:
        self.lengths, self.batch_size = lengths, batch_size
        self.generator = np.random.default_rng(0)

    def __len__(self) -> int:
        """How many batches there are."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Rows of each batch."""
        rows = self.generator.permutation(len(self.lengths))
        rows = rows[np.argsort(self.lengths[rows], kind="stable")].tolist()
        for number in self.generator.permutation(len(self)):
            first = number * self.batch_size
            yield rows[first : first + self.batch_size]


def padded_texts(rows: Sequence[Tensor]) -> list[Tensor]:
    """Ids [batch, time], padded with 0."""
    return [pad_sequence(rows, batch_first=True)]


def padded_documents(rows: Sequence[tuple]) -> list[Tensor]:
    """Ids [batch, sentences, words], padded with 0, and classes [batch]."""
    documents, labels = zip(*rows, strict=True)
    counts = [len(sentences) for sentences in documents]
    sentences = list(itertools.chain.from_iterable(documents))
    words = pad_sequence(sentences, batch_first=True)
    padded = pad_sequence(words.split(counts), batch_first=True)
    return [padded, torch.tensor(labels)]


def rows_of(texts: Texts) -> tuple[list, np.ndarray, Callable]:
    """What the loader is given, its lengths, and what pads a batch."""
    ends = np.cumsum(texts.lengths)[:-1]
    parts = np.split(texts.ids.astype(np.int64), ends)
    sequences = [torch.from_numpy(part) for part in parts]
    if not len(texts.counts):
        return sequences, texts.lengths, padded_texts
    left = iter(sequences)
    documents = [list(itertools.islice(left, n)) for n in texts.counts]
    rows = list(zip(documents, texts.labels.tolist(), strict=True))
    return rows, texts.counts, padded_documents


def main() -> None:
    """Train an epoch for each line that comes, and print its seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", choices=TRAINED)
    parser.add_argument("file")
    parser.add_argument("--grouped", action="store_true")
    options = parser.parse_args()

    torch.manual_seed(0)
    texts = read(options.file)
    workload = with_words_of(TRAINED[options.corpus], texts)
    step = step_of(workload, False, "float32")
    rows, lengths, pad = rows_of(texts)
    order = (
        {"batch_sampler": LikeLengths(lengths, workload.batch)}
        if options.grouped
        else {"batch_size": workload.batch, "shuffle": True}
    )
    loader = DataLoader(rows, collate_fn=pad, **order)
    for batch in itertools.islice(loader, FIRST_BATCHES):
        step(batch)
    print("ready", flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        for batch in loader:
            step(batch)
        seconds = time.perf_counter() - begin
        print(json.dumps([seconds, peak_gigabytes()]), flush=True)


if __name__ == "__main__":
    main()
