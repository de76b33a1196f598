"""Real texts as ids, in a file that both sides read.

    python -m benchmarks.versus.real_texts ptb FILE --data_dir=FOLDER

Reading a file needs NumPy alone, so that a side imports nothing of the other.
"""

import argparse
import pathlib
from typing import NamedTuple

import numpy as np

from benchmarks.versus.workloads import WORKLOADS, Workload

# Of Penn Treebank's 42,068: a fifth, so that sides take turns within a minute.
SENTENCES = 8_192


class Texts(NamedTuple):
    """What is trained on.

    Attributes:
        ids: Of all words, one text after another.
        lengths: Ids of each text, or of each sentence of documents.
        counts: Sentences of each document; empty where there are none.
        labels: Class of each document; empty where there are none.
    """

    ids: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray
    labels: np.ndarray

    @property
    def num_words(self) -> int:
        """What an epoch trains on: words of documents, or predicted tokens."""
        starts = 0 if len(self.counts) else len(self.lengths)
        return len(self.ids) - starts


def sentences_of_ptb(data_dir: str) -> Texts:
    """Training sentences of Penn Treebank, start and end inside."""
    import keras_textgen

    corpus = keras_textgen.load_corpus("ptb", data_dir, protocol="sentences")
    sentences = [row.numpy() for row in corpus.train]
    drawn = np.random.default_rng(0).permutation(len(sentences))[:SENTENCES]
    sentences = [sentences[row] for row in drawn]
    return Texts(
        np.concatenate(sentences),
        np.array([len(sentence) for sentence in sentences]),
        np.array([], int),
        np.array([], int),
    )


def documents_of_sotu(data_dir: str) -> Texts:
    """The training addresses, by party."""
    del data_dir
    import keras_textgen
    from keras_textgen.data.batches.documents import encode_documents
    from keras_textgen.data.views import documents

    # As flags/han_sotu.flags counts and cuts them.
    corpus = documents(keras_textgen.load_documents("sotu"), min_count=6)
    ids = encode_documents(
        corpus.train, corpus.vocabulary, *TRAINED["sotu"].shape
    )
    return Texts(
        ids.flat_values.numpy(),
        ids.values.row_lengths().numpy(),
        ids.row_lengths().numpy(),
        corpus.labels["train"],
    )


CORPORA = {"ptb": sentences_of_ptb, "sotu": documents_of_sotu}
# What is trained on which, at the sizes of its recipe.
TRAINED = {
    "ptb": WORKLOADS["lstm_vae"]._replace(
        title="LSTM-VAE, 8,192 sentences of Penn Treebank", is_ragged=True
    ),
    "sotu": Workload(
        "HAN, 200 State of the Union addresses",
        "han",
        {"words": 10_000, "embedding": 64, "units": 32, "attention": 64},
        8,
        (200, 60),
        is_ragged=True,
    ),
}


def read(path: str) -> Texts:
    """The texts of a file."""
    with np.load(path) as arrays:
        return Texts(**arrays)


def with_words_of(workload: Workload, texts: Texts) -> Workload:
    """The workload with a vocabulary of all ids."""
    sizes = workload.sizes | {"words": int(texts.ids.max()) + 1}
    return workload._replace(sizes=sizes)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--data_dir")
    options = parser.parse_args()
    texts = CORPORA[options.corpus](options.data_dir)
    np.savez(options.file, **texts._asdict())


if __name__ == "__main__":
    main()
