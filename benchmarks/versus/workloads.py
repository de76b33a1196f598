"""What is timed: models, their sizes, and the batches that all sides are fed.

NumPy alone, so that a side imports nothing of the other.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from keras_textgen.tokens import END_ID, PAD_ID, SPECIALS, START_ID

# A batch is a tuple of arrays.
Batch = tuple[np.ndarray, ...]


class Product(NamedTuple):
    """Matrix products [rows, inner] x [inner, columns], `count` of them."""

    rows: int
    inner: int
    columns: int
    count: int = 1


class Workload(NamedTuple):
    """A training step.

    Attributes:
        title: Of its row.
        model: Name of the model, as of `--model`.
        sizes: What both sides build the model with.
        batch: Rows of a batch.
        shape: Of a row: tokens that are predicted; sentences and words of HAN;
            words of the vocabulary and words a document of ProdLDA.
        is_ragged: Whether texts, or HAN's documents and sentences, differ in
            length.
        optimizer: "sgd" with rate 1, or "adam" with 1e-3; both clip the norm
            of all gradients at 5.
        batches: How many a round has.
    """

    title: str
    model: str
    sizes: dict[str, Any]
    batch: int
    shape: tuple[int, ...]
    is_ragged: bool = False
    optimizer: str = "adam"
    batches: int = 4


_PTB = {
    "words": 10_000,
    "embedding": 100,
    "units": 400,
    "latent": 32,
    "layers": 1,
    "dropout": 0.5,
}
_YAHOO = _PTB | {"words": 20_000, "embedding": 512, "units": 1_024}
_HAN = {"words": 20_000, "embedding": 200, "units": 50, "attention": 100}
_BLOCKS = {
    "words": 10_000,
    "embedding": 256,
    "units": 256,
    "latent": 32,
    "layers": 2,
    "heads": 4,
}


def _of_ptb(
    title: str, model: str, sizes: dict[str, Any], batches: int = 4
) -> Workload:
    return Workload(title, model, sizes, 32, (24,), False, "sgd", batches)


WORKLOADS = {
    "hdgm": Workload(
        "HDGM, PTB sizes, B 20 T 20",
        "hdgm",
        {
            "words": 10_002,
            "embedding": 128,
            "units": 200,
            "latent": 16,
            "layers": 2,
            "attention": 50,
        },
        20,
        (20,),
    ),
    "lstm_lm": _of_ptb("LSTM-LM, PTB sizes, B 32 T 24", "lstm_lm", _PTB),
    "lstm_vae": _of_ptb(
        "LSTM-VAE, PTB sizes, B 32 T 24", "lstm_vae", _PTB | {"samples": 1}
    ),
    "lstm_vae_10": _of_ptb(
        "LSTM-VAE, the same, 10 samples",
        "lstm_vae",
        _PTB | {"samples": 10},
        batches=2,
    ),
    "lstm_vae_avg_10": _of_ptb(
        "LSTM-VAE-AVG, the same, 10 samples",
        "lstm_vae_avg",
        _PTB | {"samples": 10},
        batches=2,
    ),
    "lstm_vae_yahoo": Workload(
        "LSTM-VAE, Yahoo sizes, B 32 T 80",
        "lstm_vae",
        _YAHOO | {"samples": 1},
        32,
        (80,),
        optimizer="sgd",
        batches=1,
    ),
    "hsvae": Workload(
        "HSVAE, B 256 T 16, Z 768",
        "hsvae",
        {"words": 20_002, "embedding": 256, "units": 512, "latent": 768},
        256,
        (16,),
        batches=1,
    ),
    "han": Workload(
        "HAN, 64 x 15 x 30, full", "han", _HAN, 64, (15, 30), batches=2
    ),
    "han_ragged": Workload(
        "HAN, the same, ragged", "han", _HAN, 64, (15, 30), True, batches=2
    ),
    "transformer_vae": Workload(
        "Sentence VAE of transformers, B 32 T 24",
        "transformer_vae",
        _BLOCKS,
        32,
        (24,),
    ),
    "prodlda": Workload(
        "ProdLDA, 200 documents of 150 words",
        "prodlda",
        {"hidden": 100, "topics": 20, "dropout": 0.2},
        200,
        (5_000, 150),
        batches=16,
    ),
    "dmf": Workload(
        "DMF, 2,000 cells",
        "dmf",
        {"rows": 943, "columns": 1_682, "width": 50},
        2_000,
        (),
        batches=32,
    ),
}
CLASSES = 20


def arrays_of(workload: Workload) -> Batch:
    """All rows: of one batch more than a round times; the first sets up."""
    rows = workload.batch * (workload.batches + 1)
    make = {"han": _documents, "prodlda": _bags, "dmf": _cells}.get(
        workload.model, _sentences
    )
    return make(workload, rows, np.random.default_rng(0))


def batches_of(workload: Workload) -> Iterator[Batch]:
    """The rows, in their order."""
    arrays = arrays_of(workload)
    for first in range(0, len(arrays[0]), workload.batch):
        yield tuple(each[first : first + workload.batch] for each in arrays)


def _words(
    generator: np.random.Generator, number: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Words 0 to number - 1, about as frequent as in text (Zipf)."""
    shares = 1 / np.arange(1, number + 1)
    return generator.choice(number, shape, p=shares / shares.sum())


def _sentences(
    workload: Workload, rows: int, generator: np.random.Generator
) -> Batch:
    """Ids [rows, 1 + T]: start, T - 1 words, end."""
    (time,) = workload.shape
    special = len(SPECIALS)
    words = workload.sizes["words"] - special
    tokens = np.full((rows, time + 1), END_ID, np.int32)
    tokens[:, 0] = START_ID
    shape = (rows, time - 1)
    tokens[:, 1:-1] = special + _words(generator, words, shape)
    return (tokens,)


def _documents(
    workload: Workload, rows: int, generator: np.random.Generator
) -> Batch:
    """Ids [rows, sentences, words], and classes [rows]."""
    sentences, words = workload.shape
    shape = (rows, sentences, words)
    ids = 1 + _words(generator, workload.sizes["words"] - 1, shape)
    if workload.is_ragged:
        counts = generator.integers(1, sentences, rows, endpoint=True)
        lengths = generator.integers(1, words, shape[:2], endpoint=True)
        lengths *= np.arange(sentences) < counts[:, None]
        ids[np.arange(words) >= lengths[..., None]] = PAD_ID
    labels = generator.integers(CLASSES, size=rows)
    return ids.astype(np.int32), labels.astype(np.int32)


def _bags(
    workload: Workload, rows: int, generator: np.random.Generator
) -> Batch:
    """Counts [rows, words], float32."""
    number, draws = workload.shape
    words = _words(generator, number, (rows, draws))
    counts = np.zeros((rows, number), np.float32)
    np.add.at(counts, (np.arange(rows)[:, None], words), 1)
    return (counts,)


def _cells(
    workload: Workload, rows: int, generator: np.random.Generator
) -> Batch:
    """Rows, columns and ratings of different cells, [rows] each."""
    shape = (workload.sizes["rows"], workload.sizes["columns"])
    cells = generator.choice(np.prod(shape), rows, replace=False)
    of_rows, of_columns = np.unravel_index(cells, shape)
    ratings = generator.integers(1, 5, rows, endpoint=True)
    return of_rows.astype(np.int32), of_columns.astype(np.int32), ratings


def products_of(workload: Workload) -> list[Product]:
    """The matrix products of a training step of the LSTM-VAE.

    Of the backward pass, those by the inputs are as many as in the forward
    pass, and that by the weights is one over all steps.
    """
    sizes, (time,) = workload.sizes, workload.shape
    units, batch = sizes["units"], workload.batch
    rows, copies = batch * time, sizes["samples"]
    embedding, latent = sizes["embedding"], sizes["latent"]
    ahead = [
        Product(rows, embedding, 4 * units),
        Product(batch, units, 4 * units, time),
        Product(copies * rows, embedding + latent, 4 * units),
        Product(copies * batch, units, 4 * units, time),
        Product(copies * rows, units, sizes["words"]),
    ]
    of_inputs = [Product(p.rows, p.columns, p.inner, p.count) for p in ahead]
    of_weights = [Product(p.inner, p.rows * p.count, p.columns) for p in ahead]
    return ahead + of_inputs + of_weights
