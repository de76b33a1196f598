"""Trains subwords on a corpus."""

from __future__ import annotations

import collections
import io
import itertools
import pathlib
import re
import tempfile
from collections.abc import Iterator, Sequence

import tensorflow as tf

from keras_textgen.checks import OneOf, WholeNumbers, check, refused
from keras_textgen.data.base_vocabulary import pieces_of
from keras_textgen.data.subwords.extra import text_ops, trainer_package
from keras_textgen.data.subwords.messages import without_rules_file
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
    return SentencePieces(_train_model(texts, max_size, algorithm))


def _cleaned(texts: Sequence[str]) -> Iterator[str]:
    """The texts as they will be split, but empty ones."""
    for piece in pieces_of(texts):
        piece = clean_text(tf.strings.regex_replace(piece, SPACE, " "))
        yield from filter(None, map(bytes.decode, piece.numpy()))


def _train_model(
    texts: Sequence[str], max_size: int | None, algorithm: str
) -> bytes:
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
                vocab_size=max_size or DEFAULT_SIZE,
                hard_vocab_limit=max_size is not None,
                byte_fallback=True,
                normalization_rule_tsv=str(rules),
                max_sentence_length=_LONGEST_TEXT,
                pad_id=PAD_ID,
                unk_id=UNKNOWN_ID,
                bos_id=START_ID,
                eos_id=END_ID,
                minloglevel=3,
            )
        except RuntimeError as error:
            raise _reworded(error, max_size) from None
    return without_rules_file(model.getvalue())


def _reworded(error: RuntimeError, max_size: int | None) -> ValueError:
    """What the library says of a size, in the words of this package."""
    message = " ".join(str(error).split())
    most = re.search(r"too high \(\d+\)\. .* value <= (\d+)", message)
    least = re.search(r"than required_chars\. \d+ vs (\d+)", message)
    allowed = "another size, or other texts"
    if most:
        allowed = f"at most {most[1]}"
    elif least:
        allowed = f"{least[1]} or more, for their characters"
    else:
        allowed += f" ({message})"
    return refused(
        f"max_size={max_size or DEFAULT_SIZE} for these texts", allowed
    )


def _train_word_pieces(
    texts: Sequence[str], max_size: int | None
) -> WordPieces:
    if max_size is not None:
        check(WholeNumbers(_SMALLEST_WORD_PIECES), max_size=max_size)
    text_ops("training of WordPiece")
    from tensorflow_text.tools.wordpiece_vocab import (
        wordpiece_tokenizer_learner_lib as learner,
    )

    counts = collections.Counter(
        word for text in _cleaned(texts) for word in text.split()
    )
    if not counts:
        raise refused("texts without words", "texts with words")
    limit = (max_size or DEFAULT_SIZE) - len(SPECIALS)
    pieces = learner.learn(
        sorted(counts.items()), limit, [], lower_thresh=1, joiner=PREFIX
    )
    return WordPieces(_most_frequent(pieces, limit, max_size))


def _most_frequent(
    pieces: list[str], limit: int, max_size: int | None
) -> list[str]:
    """The first pieces, and all characters, without which words are unknown."""
    characters = [
        piece for piece in pieces if len(piece.removeprefix(PREFIX)) == 1
    ]
    if len(characters) > limit:
        raise refused(
            f"max_size={max_size or DEFAULT_SIZE} for these texts",
            f"{len(characters) + len(SPECIALS)} or more, for their characters",
        )
    kept = set(characters)
    longer = [piece for piece in pieces if piece not in kept]
    kept.update(longer[: limit - len(characters)])
    return [piece for piece in pieces if piece in kept]
