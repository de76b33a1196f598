"""Trains subwords on a corpus."""

from __future__ import annotations

import io
import itertools
import pathlib
import re
import tempfile
from collections.abc import Iterator, Sequence

import tensorflow as tf

from keras_textgen.checks import OneOf, WholeNumbers, check, refused
from keras_textgen.data.base_vocabulary import pieces_of
from keras_textgen.data.subwords.extra import trainer_package
from keras_textgen.data.subwords.messages import (
    PieceType,
    read_pieces,
    without_rules_file,
)
from keras_textgen.data.subwords.sentence_pieces import SPACE, SentencePieces
from keras_textgen.data.subwords.word_pieces import PREFIX, WordPieces
from keras_textgen.data.words import clean_text
from keras_textgen.tokens import (
    END_ID,
    PAD_ID,
    SPECIALS,
    START_ID,
    UNKNOWN_ID,
)

ALGORITHMS = ("unigram", "bpe", "wordpiece")
DEFAULT_SIZE = 8000
_BYTES = 256
_LONGEST_TEXT = 2**30
_SMALLEST_WORD_PIECES = 6
# Pieces of SentencePiece that are none of WordPiece.
_MORE = 8


def train_subwords(
    texts: Sequence[str],
    max_size: int | None = None,
    algorithm: str = "unigram",
) -> SentencePieces | WordPieces:
    """Trains subwords, as `SubwordVocabulary.from_texts` says.

    Args:
        texts: see there.
        max_size: see there.
        algorithm: see there.

    Returns:
        What splits texts into them.

    Raises:
        ValueError: see there.

    Example:
        >>> texts = ["a red rose", "the sea"] * 9
        >>> train_subwords(texts, 8000, "bpe")
        Traceback (most recent call last):
        ValueError: max_size=8000 for these texts; allowed: at most 291
    """
    check(OneOf(ALGORITHMS), algorithm=algorithm)
    if algorithm == "wordpiece":
        return _train_word_pieces(texts, max_size)
    if max_size is not None:
        least = len(SPECIALS) + _BYTES + 1
        check(WholeNumbers(least), max_size=max_size)
    return SentencePieces(
        _train_model(
            texts,
            max_size or DEFAULT_SIZE,
            algorithm,
            is_exact=max_size is not None,
            has_bytes=True,
        )
    )


def _cleaned(texts: Sequence[str]) -> Iterator[str]:
    """The texts as they will be split, but empty ones."""
    for piece in pieces_of(texts):
        piece = clean_text(tf.strings.regex_replace(piece, SPACE, " "))
        yield from filter(None, map(bytes.decode, piece.numpy()))


def _train_model(
    texts: Sequence[str],
    size: int,
    algorithm: str,
    *,
    is_exact: bool,
    has_bytes: bool,
) -> bytes:
    """A SentencePiece model of so many pieces, or at most so many."""
    package = trainer_package()
    cleaned = _cleaned(texts)
    first = next(cleaned, None)
    if first is None:
        raise refused("texts without words", "texts with words")
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        # A rule, of what no text has, keeps the library from saying on each
        # use that there is none.
        rules = pathlib.Path(folder, "rules.tsv")
        rules.write_text(f"{ord(SPACE):x}\t20\n", "ascii")
        try:
            package.SentencePieceTrainer.train(
                sentence_iterator=itertools.chain([first], cleaned),
                model_writer=model,
                model_type=algorithm,
                vocab_size=size,
                hard_vocab_limit=is_exact,
                byte_fallback=has_bytes,
                normalization_rule_tsv=str(rules),
                max_sentence_length=_LONGEST_TEXT,
                pad_id=PAD_ID,
                unk_id=UNKNOWN_ID,
                bos_id=START_ID,
                eos_id=END_ID,
                minloglevel=3,
            )
        except RuntimeError as error:
            raise _reworded(error, size) from None
    return without_rules_file(model.getvalue())


def _reworded(error: RuntimeError, size: int) -> ValueError:
    """What the library says of a size, in the words of this package."""
    message = " ".join(str(error).split())
    most = re.search(r"too high \(\d+\)\. .* value <= (\d+)", message)
    least = re.search(r"than required_chars\. \d+ vs (\d+)", message)
    if most:
        return _wrong_size(size, f"at most {most[1]}")
    if least:
        return _wrong_size(size, f"{least[1]} or more, for their characters")
    return _wrong_size(size, f"another size, or other texts ({message})")


def _wrong_size(size: int, allowed: str) -> ValueError:
    return refused(f"max_size={size} for these texts", allowed)


def _train_word_pieces(
    texts: Sequence[str], max_size: int | None
) -> WordPieces:
    """Pieces that are merged of frequent neighbors, named as WordPiece's.

    How a word is split is another matter than how its pieces were found.
    """
    size = DEFAULT_SIZE if max_size is None else max_size
    check(WholeNumbers(_SMALLEST_WORD_PIECES), max_size=size)
    model = _train_model(
        texts,
        max(size, DEFAULT_SIZE) + _MORE,
        "bpe",
        is_exact=False,
        has_bytes=False,
    )
    names = [
        piece.name
        for piece in read_pieces(model)
        if piece.type == PieceType.NORMAL and piece.name != SPACE
    ]
    letters = sorted(name for name in names if len(name) == 1)
    pieces = [*letters, *(PREFIX + letter for letter in letters)]
    least = len(SPECIALS) + len(pieces)
    if least > size:
        raise _wrong_size(size, f"{least} or more, for their characters")
    merged = map(_named_as_word_piece, names)
    found = dict.fromkeys([*pieces, *filter(None, merged)])
    most = len(SPECIALS) + len(found)
    if max_size is not None and most < size:
        raise _wrong_size(size, f"at most {most}")
    return WordPieces(list(found)[: size - len(SPECIALS)])


def _named_as_word_piece(name: str) -> str | None:
    """None for the begin of a word that looks as if it were none."""
    if not name.startswith(SPACE):
        return PREFIX + name
    begin = name.removeprefix(SPACE)
    return None if begin.startswith(PREFIX) else begin
