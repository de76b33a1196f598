"""Files as users bring them, for the benchmarks on own labels and documents.

Run from the root with `PYTHONPATH=.`, unless the package is installed. Written
from the corpora that `KERAS_TEXTGEN_TEST_DATA` names (default:
`../shared/data`), from the installed addresses, and from a generator: a folder
a corpus with `train.txt`, `valid.txt` and `test.txt`, a label, a tab and a text
a line.
"""

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from keras_textgen.data.corpus import SPLITS, Corpus
from keras_textgen.data.documents import load_documents
from keras_textgen.data.readers.prepared import read_dbpedia, read_yahoo_short
from keras_textgen.data.readers.sotu import (
    address_sentences,
    load_sotu_documents,
)
from keras_textgen.data.splits import rows_at_random

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(
    os.environ.get("KERAS_TEXTGEN_TEST_DATA", ROOT.parent / "shared" / "data")
)
# Rows of training, validation and test: labels and texts.
Rows = list[tuple[str, str]]


def questions() -> list[Rows]:
    """Yahoo questions of about 12 words, 10 classes."""
    return _drawn(read_yahoo_short(DATA / "yahoo_short"), 9000, 1000, 5000)


def abstracts() -> list[Rows]:
    """DBpedia abstracts of about 35 words, 14 classes."""
    return _drawn(read_dbpedia(DATA / "dbpedia"), 9000, 1000, 5000)


def posts() -> list[Rows]:
    """Newsgroup posts, 20 groups."""
    return _drawn(load_documents("20news", DATA), 5000, 1000, 3000)


def reviews() -> list[Rows]:
    """Film reviews by polarity."""
    return _drawn(load_documents("imdb", DATA), 4000, 1000, 4000)


def sentences() -> list[Rows]:
    """Sentences of addresses, by president."""
    rows = [
        (address.president, sentence)
        for address in load_sotu_documents()
        for sentence in address_sentences(address.text)
    ]
    chosen = np.random.default_rng(0).permutation(len(rows))[:15_000]
    return _split([rows[row] for row in chosen])


def addresses() -> list[Rows]:
    """Whole addresses, by the decade in which they were given."""
    rows = [
        (f"{address.year // 10 * 10}s", address.text)
        for address in load_sotu_documents()
    ]
    return _split(rows)


def parties() -> list[Rows]:
    """Whole addresses, by party."""
    return _split([(each.party, each.text) for each in load_sotu_documents()])


def intents() -> list[Rows]:
    """Generated: 150 classes of 100 short texts.

    A class has 12 words of its own choice among 1,000 and its subject, one of
    15, has 60 among 2,000, all as frequent as words are (Zipf). A text has 1 to
    3 words of the class, 1 to 3 of the subject, and 3 to 8 of 100 that say
    nothing, in any order.
    """
    draw = np.random.default_rng(0)
    subjects = [draw.choice(2000, 60, replace=False) for _ in range(15)]
    rows = []
    for intent in range(150):
        own = draw.choice(1000, 12, replace=False)
        for _ in range(100):
            words = [f"act{each}" for each in _zipf(draw, own, 1, 3)]
            subject = subjects[intent % 15]
            words += [f"thing{each}" for each in _zipf(draw, subject, 1, 3)]
            words += [f"so{each}" for each in _zipf(draw, np.arange(100), 3, 8)]
            rows.append((f"intent{intent}", " ".join(draw.permutation(words))))
    return _split(rows)


def write(corpus: Callable[[], list[Rows]], folder: pathlib.Path) -> None:
    """Write the files of a corpus, if they are not there yet."""
    if (folder / "test.txt").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in zip(SPLITS, corpus(), strict=True):
        lines = [f"{label}\t{' '.join(text.split())}\n" for label, text in rows]
        (folder / f"{split}.txt").write_text("".join(lines), "utf-8")


def _drawn(corpus: Corpus, *counts: int) -> list[Rows]:
    """So many documents of each split, drawn."""
    parts = []
    for split, count in zip(SPLITS, counts, strict=True):
        texts, labels = getattr(corpus, split), corpus.labels[split]
        rows = np.random.default_rng(0).permutation(len(texts))[:count]
        names = corpus.label_names
        parts.append([(names[labels[row]], texts[row]) for row in rows])
    return parts


def _split(rows: Rows) -> list[Rows]:
    """80/10/10, label by label."""
    _, numbers = np.unique([label for label, _ in rows], return_inverse=True)
    parts = rows_at_random(len(rows), 0, numbers)
    return [[rows[row] for row in part] for part in parts]


def _zipf(
    draw: np.random.Generator, words: Sequence[int], fewest: int, most: int
) -> np.ndarray:
    shares = 1 / np.arange(1, len(words) + 1)
    count = draw.integers(fewest, most, endpoint=True)
    return draw.choice(words, count, p=shares / shares.sum())
