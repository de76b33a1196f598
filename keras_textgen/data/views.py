"""A corpus as models are given it: token ids, documents, bags, cells."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse
import tensorflow as tf

from keras_textgen.checks import WholeNumbers, check, counted, refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.bags import (
    bag_vocabulary,
    count_words,
    says_something,
)
from keras_textgen.data.cells import matrix_cells
from keras_textgen.data.corpus import SPLITS, Corpus, DataError, checksum
from keras_textgen.data.corpus_vocabulary import corpus_vocabulary
from keras_textgen.data.matrix import Matrix, split_cells
from keras_textgen.data.readers.imdb import first_and_last
from keras_textgen.data.readers.ptb import stream_windows
from keras_textgen.data.text_size import TextSize, lengths_of, total
from keras_textgen.data.vocabulary import (
    Vocabulary,
    count_corpus,
    unknown_share,
)
from keras_textgen.data.words import standardizer
from keras_textgen.datasets import View, find_view
from keras_textgen.tokens import END_ID, SPECIALS, START_ID

_STREAM = "stream"
# Of a stream, if no other number is asked for.
_ROWS = 20
# Of texts whose words are the columns of a matrix: a word that is in few of
# them tells nothing of others, and one that is in most nothing of any.
_FEWEST_TEXTS, _LARGEST_SHARE = 5, 0.5


# -- Token ids ----------------------------------------------------------------


@dataclasses.dataclass
class TokenIds(Corpus):
    """A corpus as token ids.

    Each split is an int32 RaggedTensor `[sequences, (time)]`, start and end
    tokens inside, no padding.

    Attributes:
        vocabulary: of the training texts.
        order: how `SequenceBatches` is to order it, `"length"` or `"stream"`.
        text_sizes: by split, the length of the texts that the sequences are;
            empty where they are windows, which are no whole texts.
    """

    _: dataclasses.KW_ONLY
    vocabulary: BaseVocabulary
    order: str = "length"
    text_sizes: dict[str, TextSize] = dataclasses.field(default_factory=dict)

    def contents(self) -> Iterator[str | np.ndarray]:
        """Every word and every token."""
        yield _listed(self.vocabulary)
        for ids in (self.train, self.valid):
            yield from (ids.flat_values.numpy(), ids.row_splits.numpy())


def token_ids(
    name: str,
    corpus: Corpus,
    *,
    vocab_size: int | None = None,
    min_count: int = 1,
    max_length: int | None = None,
    protocol: str | None = None,
    window: int | None = None,
    batch_size: int | None = None,
    tokenizer: str = "word",
    subwords: str | None = None,
    tokenizer_file: str | os.PathLike | None = None,
) -> TokenIds:
    """Turns the texts of a corpus into token ids.

    Args:
        name: the row of `keras_textgen.datasets` that says how.
        corpus: raw, as `read_corpus` gives it.
        vocab_size: as in `load_corpus`, like all that follow.
        min_count: see there.
        max_length: see there.
        protocol: see there.
        window: see there.
        batch_size: see there.
        tokenizer: see there.
        subwords: see there.
        tokenizer_file: see there.

    Returns:
        The token ids; `dropped` counts the sequences that were too long.

    Raises:
        DataError: nothing is left, or a sequence is without words.
        ValueError: an argument that is not allowed.

    Example:
        >>> corpus = Corpus("roses", ["a rose", "a red rose"], ["a"], ["red"])
        >>> token_ids("text", corpus, max_length=2).train
        <tf.RaggedTensor [[2, 4, 5, 3]]>
    """
    facts = find_view(name, "texts")
    _check_arguments(
        name,
        facts,
        protocol,
        max_length=max_length,
        window=window,
        batch_size=batch_size,
    )
    vocabulary = corpus_vocabulary(
        [text for split in facts.counted for text in getattr(corpus, split)],
        tokenizer,
        vocab_size=vocab_size,
        min_count=min_count,
        subwords=subwords,
        tokenizer_file=tokenizer_file,
        of_words=facts.standardize,
        most_words=facts.vocabulary_size,
    )
    _check_size(name, vocabulary)
    found = TokenIds(
        **_copied(corpus),
        vocabulary=vocabulary,
    )
    is_cut = bool(facts.window) and not facts.protocols
    window = window or facts.window
    for split in SPLITS:
        texts = getattr(corpus, split)
        ids = vocabulary.tokenize_corpus(texts)
        _check_words(name, split, ids)
        if is_stream(name, protocol):
            ids = _windows(name, split, ids, batch_size or _ROWS, window)
            found.order = _STREAM
        elif is_cut:
            ids, rows = _first_and_last_words(ids, window - 1)
            found.keep_facts(split, rows)
        setattr(found, split, ids)
        kept = np.ones(len(texts), bool)
        if max_length is not None:
            kept = _drop_longer(found, split, max_length)
        if not is_cut and found.order != _STREAM:
            found.text_sizes[split] = total(lengths_of(texts)[kept])
    return found


def _check_arguments(
    name: str, facts: View, protocol: str | None, **sizes: int | None
) -> None:
    if protocol is not None and protocol not in facts.protocols:
        allowed = " or ".join(facts.protocols) or "None"
        raise refused(f"protocol={protocol!r} for {name}", allowed)
    # A window of one token would hold no word of a review.
    minima = {"max_length": 1, "window": 2, "batch_size": 1}
    for argument, value in sizes.items():
        if value is not None:
            check(WholeNumbers(minima[argument]), **{argument: value})
    is_cut = bool(facts.window) and not facts.protocols
    for argument, is_taken, what in (
        ("window", is_cut or is_stream(name, protocol), "windows"),
        ("batch_size", is_stream(name, protocol), "a stream"),
    ):
        if sizes[argument] is not None and not is_taken:
            given = f"{argument}={sizes[argument]} for {name}"
            if protocol is not None:
                given += f" with protocol={protocol!r}"
            raise refused(f"{given}, which is not cut into {what}", "None")


def is_stream(name: str, protocol: str | None = None) -> bool:
    """Whether the texts of a corpus are read as one stream of words.

    Args:
        name: of a corpus with texts.
        protocol: as in `load_corpus`.

    Example:
        >>> is_stream("ptb"), is_stream("ptb", "sentences"), is_stream("text")
        (True, False, False)
    """
    first = next(iter(find_view(name, "texts").protocols), None)
    return (protocol or first) == _STREAM


def _check_size(name: str, vocabulary: BaseVocabulary) -> None:
    words = vocabulary.size - len(SPECIALS)
    if words < 2:
        raise DataError(
            f"{name}: a vocabulary of {words} word; allowed: 2 words or more"
        )


def _check_words(name: str, split: str, ids: tf.RaggedTensor) -> None:
    empty = np.flatnonzero(ids.row_lengths().numpy() <= 2)
    if len(empty):
        raise DataError(
            f"{name}: sequence {empty[0] + 1} of {split} is without words; "
            "allowed: 1 word or more"
        )


def _windows(
    name: str, split: str, ids: tf.RaggedTensor, batch_size: int, window: int
) -> tf.RaggedTensor:
    stream = ids[:, 1:].flat_values.numpy()
    windows = stream_windows(stream, batch_size, window)
    if not len(windows):
        raise DataError(
            f"{name}: {split}: {counted(len(stream), 'token')} in "
            f"{counted(batch_size, 'row')} fill no window of {window}; "
            "allowed: more text, or smaller sizes"
        )
    return tf.RaggedTensor.from_tensor(windows)


def _first_and_last_words(
    ids: tf.RaggedTensor, words: int
) -> tuple[tf.RaggedTensor, np.ndarray]:
    """Parts of texts, and the text that each is of."""
    lengths = ids.row_lengths().numpy() - 2
    rows, begins, ends = first_and_last(lengths, words).T
    # In the flat values, a text's first word follows its start token.
    first_words = ids.row_starts().numpy()[rows] + 1
    parts = tf.gather(
        ids.flat_values,
        tf.ragged.range(first_words + begins, first_words + ends),
    )
    edge = np.ones([len(rows), 1], np.int32)
    return tf.concat([START_ID * edge, parts, END_ID * edge], 1), rows


def _drop_longer(corpus: TokenIds, split: str, max_length: int) -> np.ndarray:
    """Leaves out long sequences; gives, for each, whether it is kept."""
    ids = getattr(corpus, split)
    kept = ids.row_lengths().numpy() - 2 <= max_length
    if not kept.any():
        raise DataError(
            f"{corpus.name}: no sequence of {split} has at most "
            f"max_length={max_length} words; allowed: a larger max_length"
        )
    corpus.dropped[split] = int(np.count_nonzero(~kept))
    setattr(corpus, split, tf.ragged.boolean_mask(ids, kept))
    corpus.keep_facts(split, np.flatnonzero(kept))
    return kept


# -- Documents ----------------------------------------------------------------


@dataclasses.dataclass
class Documents(Corpus):
    """A corpus as documents, each of which has a known word.

    Each split is a list of texts, which may hold line ends.

    Attributes:
        vocabulary: of the training documents.
        unknown_shares: by split, how many of all words are unknown.
        whole: fingerprint of all documents, also of those left out.
    """

    _: dataclasses.KW_ONLY
    vocabulary: BaseVocabulary
    unknown_shares: dict[str, float]
    whole: int

    @property
    def fingerprint(self) -> int:
        """As that of `Corpus`, of every word and every document."""
        return self.whole


def documents(
    corpus: Corpus,
    *,
    vocab_size: int | None = None,
    min_count: int = 1,
    tokenizer: str = "word",
    subwords: str | None = None,
    tokenizer_file: str | os.PathLike | None = None,
) -> Documents:
    """Leaves out the documents without a known word, which teach nothing.

    Args:
        corpus: raw, as `read_corpus` gives it.
        vocab_size: largest size of the vocabulary, the four special tokens
            included; None for all words.
        min_count: words that occur less often are unknown.
        tokenizer: as in `corpus_vocabulary`.
        subwords: see there.
        tokenizer_file: see there.

    Returns:
        The documents; `dropped` and `remarks` say what was left out.

    Raises:
        DataError: nothing is left of a split.
        ValueError: an argument that is not allowed.

    Example:
        >>> corpus = Corpus("roses", ["a rose", "a rose"], ["rose"], ["?", "a"])
        >>> found = documents(corpus)
        >>> found.test, found.dropped
        (['a'], {'test': 1})
    """
    vocabulary = corpus_vocabulary(
        corpus.train,
        tokenizer,
        vocab_size=vocab_size,
        min_count=min_count,
        subwords=subwords,
        tokenizer_file=tokenizer_file,
    )
    shares, known = {}, {}
    for split in SPLITS:
        ids = vocabulary.tokenize_corpus(getattr(corpus, split))
        shares[split] = unknown_share(ids)
        known[split] = tf.reduce_any(ids >= len(SPECIALS), axis=1).numpy()
    found = Documents(
        **_copied(corpus),
        vocabulary=vocabulary,
        unknown_shares=shares,
        whole=checksum([_listed(vocabulary), *corpus.contents()]),
    )
    found.leave_out(known)
    return found


# -- Bags of words ------------------------------------------------------------


@dataclasses.dataclass
class Bags(Corpus):
    """A corpus as bags of words, none of them empty.

    Each split is a list of texts.

    Attributes:
        vocabulary: of the training documents.
        counts: by split, how often each word is in each document, float32 CSR
            `[documents, words]`.
        whole: fingerprint of all documents, also of those left out.
    """

    _: dataclasses.KW_ONLY
    vocabulary: Vocabulary
    counts: dict[str, scipy.sparse.csr_array]
    whole: int

    @property
    def fingerprint(self) -> int:
        """As that of `Corpus`, of every word and every count."""
        return self.whole


def bags(
    corpus: Corpus,
    *,
    vocab_size: int | None = None,
    min_count: int = 1,
    tokenizer: str = "word",
    **limits: Any,
) -> Bags:
    """Counts the words of documents; those without any are left out.

    They would make topics of nothing.

    Args:
        corpus: raw, as `read_corpus` gives it.
        vocab_size: largest size of the vocabulary, the four special tokens
            included; None for all words.
        min_count: words that occur less often are not counted.
        tokenizer: `"word"` or `"character"`.
        **limits: `max_share` and `stop_words` of `bag_vocabulary`.

    Returns:
        The bags; `dropped` and `remarks` say what was left out.

    Raises:
        DataError: nothing is left of a split.
        ValueError: an argument that is not allowed.

    Example:
        >>> corpus = Corpus("roses", ["Red rose.", "Red!"], ["rose"], ["red"])
        >>> bags(corpus).counts["train"].toarray()
        array([[1., 1.],
               [1., 0.]], dtype=float32)
    """
    vocabulary = bag_vocabulary(
        corpus.train,
        vocab_size,
        min_count,
        standardize=standardizer(tokenizer),
        **limits,
    )
    counts = {
        split: count_words(getattr(corpus, split), vocabulary)
        for split in SPLITS
    }
    parts: list[str | np.ndarray] = [_listed(vocabulary)]
    for split in SPLITS[:2]:
        each = counts[split]
        parts += [each.indptr, each.indices, each.data]
    known = {split: np.diff(each.indptr) > 0 for split, each in counts.items()}
    found = Bags(
        **_copied(corpus),
        vocabulary=vocabulary,
        counts={split: counts[split][known[split]] for split in SPLITS},
        whole=checksum(parts),
    )
    found.leave_out(known)
    return found


# -- Cells of a matrix --------------------------------------------------------


def cells(corpus: Matrix) -> Matrix:
    """Sees to it that the splits of a matrix hold cells.

    Where its rows are texts, how often each word is in each of them are the
    cells, split at random, 80/10/10. Words are those of `bag_vocabulary`, stop
    words included, that are in 5 texts or more and in half of them or fewer.

    Args:
        corpus: raw, as `read_corpus` gives it.

    Returns:
        The cells; columns of words are in the order of the alphabet.

    Raises:
        ValueError: no word is left.

    Example:
        >>> texts = ["a red rose", "a red, red rose", "a thorn"] * 5
        >>> names = tuple(map(str, range(15)))
        >>> corpus = Matrix(
        ...     "roses", texts, [], [], row_names=names, split_seed=0
        ... )
        >>> found = cells(corpus)
        >>> found.column_names, found.train.values.tolist()
        (('thorn',), [1.0, 1.0, 1.0])
    """
    if corpus.split_seed is None:
        return corpus
    counts = count_corpus(corpus.train, "words")
    most = _LARGEST_SHARE * len(corpus.train)
    words = sorted(
        word
        for word, number in counts.texts.items()
        if _FEWEST_TEXTS <= number <= most and says_something(word)
    )
    found = split_cells(
        corpus.name,
        matrix_cells(count_words(corpus.train, Vocabulary(words))),
        corpus.row_names,
        tuple(words),
        corpus.split_seed,
        row_features=corpus.row_features,
    )
    return dataclasses.replace(found, note=corpus.note, remarks=corpus.remarks)


# -- What they have in common -------------------------------------------------


def _copied(corpus: Corpus) -> dict[str, Any]:
    """The fields of a corpus, for one from which rows are left out."""
    fields = {
        field.name: getattr(corpus, field.name)
        for field in dataclasses.fields(Corpus)
    }
    facts = {
        name: dict(getattr(corpus, name))
        for name in ("labels", "names", "times")
    }
    return fields | facts | {"dropped": {}}


def _listed(vocabulary: BaseVocabulary) -> str:
    return "\n".join(vocabulary.get_vocabulary())
