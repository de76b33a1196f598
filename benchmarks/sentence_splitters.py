"""How many sentences of `sentencex` the rule for documents finds.

HAN and its SavedModels split documents inside the graph, by a simpler rule than
`split_sentences`, which models of before were trained with. The row of a corpus
is the share of the sentences of its test documents that both split alike, to
the character:

    python benchmarks/sentence_splitters.py --data_dir=DIR

`--data_dir` is a folder with the archives, or what is in them, of `imdb` and
`20news`.
"""

import argparse
import collections
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from keras_textgen.data.documents import load_documents
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.sentences import split_sentences

DOCUMENTS = 1000  # of a corpus, at most


def share_found(texts: list[str]) -> tuple[int, float]:
    """How many sentences there are, and the share that the graph finds."""
    in_graph = split_sentences_in_graph(tf.constant(texts)).to_list()
    number = found = 0
    for text, others in zip(texts, in_graph, strict=True):
        sentences = collections.Counter(
            " ".join(each.split()) for each in split_sentences(text)
        )
        others = collections.Counter(each.decode() for each in others)
        number += sentences.total()
        found += (sentences & others).total()
    return number, found / number


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True, type=pathlib.Path)
    data_dir = parser.parse_args().data_dir
    print("| corpus | test documents | sentences | found by the graph |")
    print("|---|---|---|---|")
    for name in ("sotu", "imdb", "20news"):
        folder = None if name == "sotu" else data_dir
        texts = load_documents(name, folder).test[:DOCUMENTS]
        number, share = share_found(texts)
        print(f"| {name} | {len(texts):,} | {number:,} | {share:.1%} |")


if __name__ == "__main__":
    main()
