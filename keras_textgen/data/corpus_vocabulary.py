"""The vocabulary of a corpus: words, characters or subwords."""

from __future__ import annotations

import os
from collections.abc import Sequence

from keras_textgen.checks import OneOf, check, refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.subwords.training import ALGORITHMS
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.data.words import standardizer

TOKENIZERS = ("word", "character", "subword")


def corpus_vocabulary(
    texts: Sequence[str],
    tokenizer: str = "word",
    *,
    vocab_size: int | None = None,
    min_count: int = 1,
    subwords: str | None = None,
    tokenizer_file: str | os.PathLike | None = None,
    of_words: str = "words",
    most_words: int | None = None,
) -> BaseVocabulary:
    """Makes the vocabulary of a corpus, as settings describe it.

    Args:
        texts: those that are counted.
        tokenizer: `"word"`, `"character"` or `"subword"`.
        vocab_size: of words and characters the largest size; of subwords the
            size. The four special tokens are included.
        min_count: words and characters that occur less often are unknown.
        subwords: the algorithm of `SubwordVocabulary.from_texts`; None for its
            default.
        tokenizer_file: a file of `SubwordVocabulary.from_file`, in place of
            training.
        of_words: the standardization of words, see `split_words`.
        most_words: `vocab_size` of words and characters if it is None.

    Returns:
        The vocabulary.

    Raises:
        ValueError: an argument is not allowed, or has no meaning beside the
            others.

    Example:
        >>> corpus_vocabulary(["a red rose"], "word", subwords="bpe")
        Traceback (most recent call last):
        ValueError: subwords=bpe with tokenizer=word; allowed: tokenizer=subword
    """
    check(OneOf(TOKENIZERS), tokenizer=tokenizer)
    if tokenizer == "subword":
        return _subwords(texts, vocab_size, min_count, subwords, tokenizer_file)
    for name, value in (
        ("subwords", subwords),
        ("tokenizer_file", tokenizer_file),
    ):
        if value is not None:
            raise refused(
                f"{name}={value} with tokenizer={tokenizer}",
                "tokenizer=subword",
            )
    return Vocabulary.from_texts(
        texts,
        most_words if vocab_size is None else vocab_size,
        min_count,
        standardizer(tokenizer, of_words),
    )


def _subwords(
    texts: Sequence[str],
    vocab_size: int | None,
    min_count: int,
    algorithm: str | None,
    file: str | os.PathLike | None,
) -> SubwordVocabulary:
    if min_count != 1:
        raise refused(
            f"min_count={min_count} with tokenizer=subword, which spells rare "
            "words",
            "tokenizer=word or character",
        )
    if file is None:
        return _trained(
            texts, vocab_size, ALGORITHMS[0] if algorithm is None else algorithm
        )
    for name, value in (("vocab_size", vocab_size), ("subwords", algorithm)):
        if value is not None:
            raise refused(
                f"{name}={value} with tokenizer_file={os.fspath(file)}",
                "one of the two",
            )
    return SubwordVocabulary.from_file(file)


def _trained(
    texts: Sequence[str], vocab_size: int | None, algorithm: str
) -> SubwordVocabulary:
    try:
        return SubwordVocabulary.from_texts(texts, vocab_size, algorithm)
    except ValueError as error:
        given, _, allowed = str(error).partition("; allowed: ")
        given = given.replace("max_size=", "vocab_size=")
        raise refused(given, allowed) from None
