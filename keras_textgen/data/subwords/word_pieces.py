"""Subwords as WordPiece splits words: the longest known piece first."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import tensorflow as tf

from keras_textgen.data.graph_normalization import without_accents
from keras_textgen.data.subwords.extra import PACKAGE, text_ops
from keras_textgen.tokens import SPECIALS, UNKNOWN_ID

PREFIX = "##"
# Characters that no clean text has: for a word that is unknown, and before
# pieces within a word, which then are no begin of any.
_UNKNOWN, _WITHIN = "\x1f", "\x1e"
_MOST = 2**30
_NO_PIECE = -1
# Ideographs that BERT takes for words, as its code lists them.
_IDEOGRAPH = (
    r"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}"
    r"\x{2A700}-\x{2B73F}\x{2B740}-\x{2B81F}\x{2B920}-\x{2CEAF}"
    r"\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]"
)
# Of ASCII all that is no letter and no digit, though Unicode calls some of it
# symbols.
_PUNCTUATION = r"[!-/:-@\[-`{-~\p{P}]"


@dataclasses.dataclass(frozen=True)
class WordRules:
    """How texts become the words that are split.

    Attributes:
        is_lower: whether in lower case.
        strips_accents: whether without accents.
        parts_ideographs: whether Chinese characters are words of their own.
        parts_punctuation: whether punctuation marks are.
        most_characters: a longer word is unknown.
    """

    is_lower: bool = False
    strips_accents: bool = False
    parts_ideographs: bool = False
    parts_punctuation: bool = False
    most_characters: int = 100

    def words(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Strings `[batch, (words)]` of clean texts `[batch]`.

        Example:
            >>> rules = WordRules(is_lower=True, parts_punctuation=True)
            >>> rules.words(tf.constant(["A rose."]))
            <tf.RaggedTensor [[b'a', b'rose', b'.']]>
        """
        if self.parts_ideographs:
            texts = tf.strings.regex_replace(texts, _IDEOGRAPH, r" \0 ")
        if self.strips_accents:
            texts = without_accents(texts)
        if self.is_lower:
            # One small sigma, at the end of a word, too: as character by
            # character.
            texts = tf.strings.regex_replace(texts, "\u03a3", "\u03c3")
            texts = tf.strings.lower(texts, encoding="utf-8")
        if self.parts_punctuation:
            texts = tf.strings.regex_replace(texts, _PUNCTUATION, r" \0 ")
        words = tf.strings.split(texts)
        lengths = tf.strings.length(words.flat_values, unit="UTF8_CHAR")
        return words.with_flat_values(
            tf.where(
                lengths > self.most_characters, _UNKNOWN, words.flat_values
            )
        )


class WordPieces:
    """A WordPiece vocabulary in the graph, with the ids of a vocabulary.

    Args:
        pieces: in the order of their ids, without special tokens; those within
            a word begin with `prefix`.
        rules: how texts become words; white space alone parts those of the
            default, so that pieces can be put together to the text again.
        prefix: see `pieces`.

    Attributes:
        pieces: all but the special tokens, in the order of ids.
        spellings: what each of them adds to a text, bytes.
    """

    # The package beside TensorFlow that splits texts.
    package: str | None = PACKAGE

    def __init__(
        self,
        pieces: list[str],
        rules: WordRules | None = None,
        prefix: str = PREFIX,
    ) -> None:
        self.pieces = tuple(pieces)
        self.rules = rules or WordRules()
        self.prefix = prefix
        self.spellings = [_spelling(piece, prefix).encode() for piece in pieces]
        self._tokenizer = functools.cache(
            functools.partial(_make_tokenizer, self.pieces, prefix)
        )

    @property
    def config(self) -> dict[str, Any]:
        """What `from_config` makes the same of; for JSON."""
        return {
            "pieces": list(self.pieces),
            "rules": dataclasses.asdict(self.rules),
            "prefix": self.prefix,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WordPieces:
        """Makes it of what `config` gives."""
        rules = WordRules(**config["rules"])
        return cls(config["pieces"], rules, config["prefix"])

    def one_larger(self, name: str) -> WordPieces:
        """The same with a further piece, the last one."""
        return WordPieces([*self.pieces, name], self.rules, self.prefix)

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits texts.

        Args:
            texts: clean ones, strings `[batch]`.

        Returns:
            int32 `[batch, (time)]`, ids of the vocabulary.
        """
        words = self.rules.words(texts)
        found = self._tokenizer().tokenize(words).merge_dims(1, 2)
        places = found.flat_values
        is_known = places < len(self.pieces)
        return found.with_flat_values(
            tf.where(is_known, places + len(SPECIALS), UNKNOWN_ID)
        )

    def tables(self) -> list[tf.lookup.StaticHashTable]:
        """What a SavedModel has to track: there are none."""
        return []

    def resources(self) -> list[tf.Module]:
        """What else a SavedModel of texts has to track."""
        return [self._tokenizer()]


class PlainWordPieces(WordPieces):
    """As `WordPieces`, by operations that every TensorFlow has.

    They are slower than those of `tensorflow_text`, which splits a corpus: they
    are for the texts of a batch, which a model splits as it reads them.

    Args:
        pieces: as in `WordPieces`, as all that follows.
        rules: how texts become words.
        prefix: see `pieces`.
    """

    package: str | None = None

    def __init__(
        self,
        pieces: list[str],
        rules: WordRules | None = None,
        prefix: str = PREFIX,
    ) -> None:
        super().__init__(pieces, rules, prefix)
        self._longest = max(map(len, self.pieces), default=1)
        names = [_within(piece, prefix) for piece in self.pieces]
        self._places = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(names, tf.string),
                tf.range(len(names), dtype=tf.int32),
            ),
            _NO_PIECE,
        )
        # As a graph, also where texts are not split in one: it loops.
        self._split = tf.function(
            self._split_words,
            autograph=False,
            input_signature=[tf.TensorSpec([None], tf.string)],
        )

    def one_larger(self, name: str) -> PlainWordPieces:
        """The same with a further piece, the last one."""
        return PlainWordPieces([*self.pieces, name], self.rules, self.prefix)

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits texts, see `WordPieces`."""
        words = self.rules.words(texts)
        known, places = tf.unique(words.flat_values)
        ids = tf.gather(self._split(known), places)
        return words.with_flat_values(ids).merge_dims(1, 2)

    def tables(self) -> list[tf.lookup.StaticHashTable]:
        """What a SavedModel has to track."""
        return [self._places]

    def resources(self) -> list[tf.Module]:
        """What else a SavedModel of texts has to track: there is nothing."""
        return []

    def _split_words(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Ids of the vocabulary, int32 `[words, (pieces)]`."""
        places = tf.fill([tf.size(words), 0], _NO_PIECE)
        _, places, is_known, _ = tf.while_loop(
            lambda rest, *_: tf.reduce_any(rest != ""),
            self._split_off,
            (words, places, tf.fill(tf.shape(words), True), tf.constant("")),
            shape_invariants=(
                tf.TensorShape([None]),
                tf.TensorShape([None, None]),
                tf.TensorShape([None]),
                tf.TensorShape([]),
            ),
        )
        # Of an unknown word, one token.
        unknown = tf.where(is_known, _NO_PIECE, UNKNOWN_ID)[:, tf.newaxis]
        is_piece = is_known[:, tf.newaxis] & (places != _NO_PIECE)
        ids = tf.where(is_piece, places + len(SPECIALS), _NO_PIECE)
        ids = tf.concat([ids, unknown], axis=1)
        return tf.ragged.boolean_mask(ids, ids != _NO_PIECE)

    def _split_off(
        self,
        rest: tf.Tensor,
        places: tf.Tensor,
        is_known: tf.Tensor,
        within: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        """Takes the longest piece off what is left of each word.

        Args:
            rest: of words, strings [words]; empty behind the last piece.
            places: of the pieces before, int32 [words, pieces].
            is_known: bool [words].
            within: what begins the names of pieces here.
        """
        # A begin of each length, the longest first; no longer than the word.
        lengths = tf.range(self._longest, 0, -1)[tf.newaxis]
        whole = tf.strings.length(rest, unit="UTF8_CHAR")[:, tf.newaxis]
        lengths = tf.minimum(lengths, whole)
        begins = tf.repeat(rest[:, tf.newaxis], self._longest, axis=1)
        begins = tf.strings.substr(
            begins, tf.zeros_like(lengths), lengths, unit="UTF8_CHAR"
        )
        found = self._places.lookup(tf.strings.join([within, begins]))
        best = tf.argmax(found != _NO_PIECE, axis=1, output_type=tf.int32)
        place = tf.gather(found, best, batch_dims=1)
        length = tf.gather(lengths, best, batch_dims=1)
        place = tf.where(rest == "", _NO_PIECE, place)
        is_known &= (rest == "") | (place != _NO_PIECE)
        rest = tf.strings.substr(
            rest, length, tf.fill(tf.shape(length), _MOST), unit="UTF8_CHAR"
        )
        rest = tf.where(is_known, rest, "")
        places = tf.concat([places, place[:, tf.newaxis]], axis=1)
        return rest, places, is_known, tf.constant(_WITHIN)


def _make_tokenizer(pieces: tuple[str, ...], prefix: str) -> tf.Module:
    with tf.init_scope():  # Also where its first texts are in a graph.
        return text_ops().FastWordpieceTokenizer(
            [*(_within(piece, prefix) for piece in pieces), _UNKNOWN],
            suffix_indicator=_WITHIN,
            max_bytes_per_word=_MOST,
            token_out_type=tf.int32,
            unknown_token=_UNKNOWN,
            no_pretokenization=True,
        )


def _within(piece: str, prefix: str) -> str:
    if piece.startswith(prefix):
        return _WITHIN + piece.removeprefix(prefix)
    return piece


def _spelling(piece: str, prefix: str) -> str:
    if piece.startswith(prefix):
        return piece.removeprefix(prefix)
    return f" {piece}"
