"""Corpora by name, as token ids ready for batching."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import tensorflow as tf

from keras_textgen.data.readers.files import SPLITS, DataError, Texts
from keras_textgen.data.readers.imdb import first_and_last
from keras_textgen.data.readers.ptb import stream_windows
from keras_textgen.data.readers.texts import read_texts
from keras_textgen.data.vocabulary import Vocabulary, standardizer
from keras_textgen.tokens import END_ID, SPECIALS, START_ID

__all__ = ["DataError", "TextCorpus", "load_corpus"]

PTB_PROTOCOLS = ("stream", "sentences")
_STANDARDIZE = {
    "sotu": "words",
    "ptb": "none",
    "imdb": "keras",
    "text": "words",
    "yahoo": "none",
    "yahoo_short": "none",
    "dbpedia": "none",
}
# Those of the prepared corpora hold every word that the preparation kept.
_VOCABULARY_SIZES = {
    "sotu": 10_000,
    "yahoo": 20_000,
    "yahoo_short": 20_002,
    "dbpedia": 20_003,
}
_PTB_WINDOW = 20
_IMDB_WINDOW = 15


@dataclasses.dataclass
class TextCorpus:
    """A corpus as token ids.

    Attributes:
        name: such as `"sotu"`; ends in `"_reduced"` where the training file is
            missing and the validation file stands in for it.
        vocabulary: of the training texts.
        train: int32 RaggedTensor `[sequences, (time)]`, start and end tokens
            inside, no padding.
        valid: the same, for validation.
        test: the same, for the final figures.
        order: how `SequenceBatches` is to order it, `"length"` or `"stream"`.
        labels: for each split, an int32 array `[sequences]`; empty where the
            corpus has no labels.
        label_names: the names that the labels are the numbers of; empty where
            there are no labels.
        dropped: for each split, how many sequences were longer than
            `max_length` and were left out; empty without that limit.
        note: one line that has to be printed beside every result; empty if
            there is nothing to say.
        remarks: what the reader has left out, a line each.
    """

    name: str
    vocabulary: Vocabulary
    train: tf.RaggedTensor
    valid: tf.RaggedTensor
    test: tf.RaggedTensor
    order: str = "length"
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    label_names: tuple[str, ...] = ()
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    note: str = ""
    remarks: tuple[str, ...] = ()


def load_corpus(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    vocab_size: int | None = None,
    min_count: int = 1,
    max_length: int | None = None,
    protocol: str | None = None,
    window: int | None = None,
    batch_size: int = 20,
    tokenizer: str = "word",
    seed: int = 0,
    texts: Texts | None = None,
) -> TextCorpus:
    r"""Loads a corpus and turns it into token ids.

    - `sotu`: sentences of the State of the Union addresses, split by address
      and labeled by the party of the president; needs no `data_dir`.
    - `ptb`: Penn Treebank. Protocol `"stream"`: every line end is an end token,
      there are no start tokens, and the one stream of each split is laid out
      in `batch_size` rows and cut into windows. Protocol `"sentences"`: one
      sentence a sequence.
    - `imdb`: the first and the last `window - 1` words of each review, labeled
      as negative or positive.
    - `text`: a file or folder of one's own, perhaps labeled, see `read_text`.
    - `yahoo`: Yahoo answers as prepared by Yang et al. (2017).
    - `yahoo_short`: short Yahoo questions with 10 classes.
    - `dbpedia`: DBpedia abstracts with 14 classes.

    Where the training file of one of the last three is missing, the validation
    file without its last 10 % is the training set, the name of the corpus
    ends in `"_reduced"`, and `note` says so.

    The vocabulary is built from the training split (for `imdb` from all 25,000
    training reviews, those held out for validation included, as the word index
    of the original was).

    Args:
        name: `"sotu"`, `"ptb"`, `"imdb"`, `"text"`, `"yahoo"`,
            `"yahoo_short"` or `"dbpedia"`.
        data_dir: the file, folder or archive of the corpus.
        vocab_size: largest size of the vocabulary, the four special tokens
            included; None for the default of the corpus: 10,000 for `sotu`,
            20,000 for `yahoo`, 20,002 for `yahoo_short`, 20,003 for `dbpedia`,
            all words for the others.
        min_count: words that occur less often are unknown.
        max_length: sequences of more words are left out of all three splits
            and counted in `dropped`, because truncated ones would teach false
            ends. None for no limit.
        protocol: of `ptb`, `"stream"` (None) or `"sentences"`.
        window: predicted tokens a window: of `ptb`'s stream, 20 by default,
            and of `imdb`, 15 by default (14 words and the end token).
        batch_size: rows of `ptb`'s stream.
        tokenizer: `"word"`, or `"character"`: a token is a character with its
            marks, for scripts without spaces. What is said of words, such as
            `max_length`, is then said of characters.
        seed: of the split of `sotu` and `text`.
        texts: what `read_texts` gave for this corpus; None reads it.

    Returns:
        The corpus.

    Raises:
        DataError: the files are missing or cannot be used, or nothing is left.
        ValueError: an argument that is not allowed.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "roses.txt")
        >>> _ = path.write_text("A rose is a rose.\n" * 30, "utf-8")
        >>> corpus = load_corpus("text", path)
        >>> corpus.vocabulary.to_text(corpus.test[:1]).numpy()
        array([b'a rose is a rose .'], dtype=object)
    """
    _check_arguments(
        name,
        protocol,
        max_length=max_length,
        window=window,
        batch_size=batch_size,
    )
    standardize = standardizer(tokenizer, _STANDARDIZE[name])
    texts = texts or read_texts(name, data_dir, seed)
    vocabulary = _build_vocabulary(
        name, texts, vocab_size, min_count, standardize
    )
    tokens = {
        split: vocabulary.tokenize_corpus(getattr(texts, split))
        for split in SPLITS
    }
    for split in SPLITS:
        _check_words(name, split, tokens[split])
    labels, order = dict(texts.labels), "length"
    if name == "ptb" and protocol != "sentences":
        window, order = window or _PTB_WINDOW, "stream"
        for split in SPLITS:
            tokens[split] = _windows(split, tokens[split], batch_size, window)
    elif name == "imdb":
        for split in SPLITS:
            tokens[split], labels[split] = _first_and_last_words(
                tokens[split], labels[split], (window or _IMDB_WINDOW) - 1
            )
    corpus = TextCorpus(
        name + texts.suffix,
        vocabulary,
        **tokens,
        order=order,
        labels=labels,
        label_names=texts.label_names,
        note=texts.note,
        remarks=texts.remarks,
    )
    if max_length is not None:
        for split in SPLITS:
            _drop_longer(corpus, split, max_length)
    return corpus


def _check_arguments(
    name: str, protocol: str | None, **sizes: int | None
) -> None:
    if name not in _STANDARDIZE:
        allowed = ", ".join(_STANDARDIZE)
        raise ValueError(f"corpus {name!r}; allowed: {allowed}")
    if protocol not in (None, *PTB_PROTOCOLS) or (protocol and name != "ptb"):
        raise ValueError(
            f"protocol={protocol!r} for {name}; "
            f"allowed: for ptb {' or '.join(PTB_PROTOCOLS)}, else None"
        )
    # A window of one token would hold no word of a review.
    minima = {"max_length": 1, "window": 2, "batch_size": 1}
    for argument, value in sizes.items():
        if value is not None and value < minima[argument]:
            raise ValueError(
                f"{argument}={value}; allowed: {minima[argument]} or more"
            )


def _build_vocabulary(
    name: str,
    texts: Texts,
    vocab_size: int | None,
    min_count: int,
    standardize: str,
) -> Vocabulary:
    if vocab_size is None:
        vocab_size = _VOCABULARY_SIZES.get(name)
    counted = texts.train + (texts.valid if name == "imdb" else [])
    vocabulary = Vocabulary.from_texts(
        counted, vocab_size, min_count, standardize
    )
    words = vocabulary.size - len(SPECIALS)
    if words < 2:
        raise DataError(
            f"{name}: a vocabulary of {words} word; allowed: 2 words or more"
        )
    return vocabulary


def _check_words(name: str, split: str, tokens: tf.RaggedTensor) -> None:
    empty = np.flatnonzero(tokens.row_lengths().numpy() <= 2)
    if len(empty):
        raise DataError(
            f"{name}: sequence {empty[0] + 1} of {split} is without words; "
            "allowed: 1 word or more"
        )


def _windows(
    split: str, tokens: tf.RaggedTensor, batch_size: int, window: int
) -> tf.RaggedTensor:
    stream = tokens[:, 1:].flat_values.numpy()
    windows = stream_windows(stream, batch_size, window)
    if not len(windows):
        raise DataError(
            f"ptb: {split}: {len(stream)} tokens in {batch_size} rows fill no "
            f"window of {window}; allowed: more text, or smaller sizes"
        )
    return tf.RaggedTensor.from_tensor(windows)


def _first_and_last_words(
    tokens: tf.RaggedTensor, labels: np.ndarray, words: int
) -> tuple[tf.RaggedTensor, np.ndarray]:
    lengths = tokens.row_lengths().numpy() - 2
    reviews, begins, ends = first_and_last(lengths, words).T
    # In the flat values, a review's first word follows its start token.
    first_words = tokens.row_starts().numpy()[reviews] + 1
    parts = tf.gather(
        tokens.flat_values,
        tf.ragged.range(first_words + begins, first_words + ends),
    )
    edge = np.ones([len(reviews), 1], np.int32)
    return tf.concat([START_ID * edge, parts, END_ID * edge], 1), labels[
        reviews
    ]


def _drop_longer(corpus: TextCorpus, split: str, max_length: int) -> None:
    tokens = getattr(corpus, split)
    kept = tokens.row_lengths().numpy() - 2 <= max_length
    if not kept.any():
        raise DataError(
            f"{corpus.name}: no sequence of {split} has at most "
            f"max_length={max_length} words; allowed: a larger max_length"
        )
    corpus.dropped[split] = int(np.count_nonzero(~kept))
    setattr(corpus, split, tf.ragged.boolean_mask(tokens, kept))
    if corpus.labels:
        corpus.labels[split] = corpus.labels[split][kept]
