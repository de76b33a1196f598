"""Which words stand for a topic: coherence and diversity of three rules.

"heaviest" is the highest shares y of words, as is usual of LDA and NMF; "gain"
is y log(y / mean y), mean y over topics; "lift", by which the SAE's
`topic_words` go, is y / (mean y + 1 / words). For the SAE y is what the center
of a topic decodes to, for ProdLDA what a topic by itself does, for LDA and NMF
the components with rows that add up to 1. "beta" is what ProdLDA's
`topic_words` go by, as its authors do: its weights as they are.

    python benchmarks/topic_words.py --data_dir=DATA_DIR RUN ...

RUN are folders of runs with the words of their recipe. DATA_DIR is where 20
Newsgroups lies; without it, all is of the State of the Union addresses.
"""

import argparse
import os
import warnings
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import scipy.sparse
import tensorflow as tf
from scipy.special import softmax
from sklearn.decomposition import NMF, LatentDirichletAllocation
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer

import keras_textgen
from keras_textgen.data.corpus import read_corpus
from keras_textgen.data.views import bags
from keras_textgen.evaluation.topics import npmi_coherence, topic_diversity

NUM_WORDS = 10
# Name, words as in the recipes of the SAE, and its number of topics, without
# and with --data_dir.
CORPORA = (
    ("sotu", {"min_count": 5, "max_share": 0.5}, 8),
    ("20news", {"max_share": 0.1}, 20),
)


def rules(y: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Names and values of the rules, for shares of words [topics, words]."""
    mean = y.mean(axis=0)
    yield "heaviest", y
    yield "gain", y * np.log(np.maximum(y, 1e-30) / np.maximum(mean, 1e-30))
    yield "lift", y / (mean + 1 / y.shape[1])


def show(name: str, rule: str, values: np.ndarray, counts: object) -> None:
    """A line of the table."""
    words = np.argsort(-values, axis=1, kind="stable")[:, :NUM_WORDS]
    coherence = npmi_coherence(words, counts).mean()
    print(f"{name:24}{rule:10}{coherence:6.3f}{topic_diversity(words):11.3f}")


def of_model(folder: str, counts: scipy.sparse.csr_array) -> None:
    """The lines of a run."""
    model = keras_textgen.load_model(folder)
    if model.num_words != counts.shape[1]:
        raise SystemExit(f"{folder} has {model.num_words} words")
    name = f"{model.table_name}, seed {model.seed}"
    if hasattr(model, "beta"):
        show(name, "beta", model.beta.numpy(), counts)
        logits = model.word_logits(tf.eye(model.num_topics))
    else:
        logits = model.logits(model.topic_centers.value)
    for rule, values in rules(softmax(logits.numpy(), axis=1)):
        show(name, rule, values, counts)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data_dir", help="where 20 Newsgroups lies")
    parser.add_argument("runs", nargs="*", help="folders of runs")
    given = parser.parse_args()
    name, limits, num_topics = CORPORA[bool(given.data_dir)]
    corpus = read_corpus(name, "bags", data_dir=given.data_dir)
    counts = bags(corpus, **limits).counts["train"]
    print(f"{'':24}{'words':10}{'NPMI':>6}{'diversity':>11}")
    for folder in given.runs:
        of_model(folder, counts)
    weighted = TfidfTransformer().fit_transform(counts)
    warnings.simplefilter("ignore", ConvergenceWarning)
    lda = LatentDirichletAllocation(num_topics, max_iter=20, random_state=0)
    nmf = NMF(num_topics, random_state=0)
    for name, method, rows in (("LDA", lda, counts), ("NMF", nmf, weighted)):
        weights = method.fit(rows).components_
        shares = weights / weights.sum(axis=1, keepdims=True)
        for rule, values in rules(shares):
            show(f"{name}, seed 0", rule, values, counts)


if __name__ == "__main__":
    main()
