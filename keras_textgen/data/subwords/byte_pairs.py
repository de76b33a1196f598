"""Subwords as GPT-2 splits texts: pairs of bytes that are merged by rank.

By TensorFlow alone, as `tensorflow_text` has no such splitter: a SentencePiece
model ranks what pairs become, not the pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.tokens import SPECIALS

# Of GPT-2; what it says of white space before white space is left out, as a
# clean text has none. In this order: endings; letters, numbers and other
# characters, each with the space before them.
_WORD = (
    r"'s|'t|'re|'ve|'m|'ll|'d"
    r"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+"
)
# A control character, which no clean text holds.
_BREAK = "\x1f"
# Words of more bytes are merged apart from the others, which they would slow.
_SHORT = 32
_NO_RANK = 2**62
_NO_PIECE = -1


def byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in the names of pieces.

    Bytes of visible characters of Latin-1 stand for themselves; the others
    have those from U+0100 on.

    Example:
        >>> letters = byte_letters()
        >>> letters["a"], letters["\u0120"], len(letters)
        (97, 32, 256)
    """
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in own]
    letters = {chr(byte): byte for byte in own}
    return letters | {chr(256 + n): byte for n, byte in enumerate(others)}


class BytePairs:
    """Byte-level BPE in the graph, with the ids of a vocabulary.

    Args:
        pieces: names in the order of their ids, without special tokens.
        merges: pairs of names, those first that are merged first.
        adds_space: whether a space is put before each text.

    Attributes:
        pieces: all but the special tokens, in the order of ids.
        spellings: what each of them adds to a text, bytes.

    Raises:
        KeyError: a piece of a merge, or a byte, is none of the pieces.
    """

    # The package beside TensorFlow that splits texts.
    package: str | None = None

    def __init__(
        self,
        pieces: Sequence[str],
        merges: Sequence[Sequence[str]],
        adds_space: bool = False,
    ) -> None:
        self.pieces = tuple(pieces)
        self.merges = tuple(tuple(pair) for pair in merges)
        self.adds_space = adds_space
        letters = byte_letters()
        self.spellings = [_spelling(piece, letters) for piece in pieces]
        places = {piece: place for place, piece in enumerate(pieces)}
        self._bytes = np.array(
            [places[letter] for letter in sorted(letters, key=letters.get)]
        )
        pairs = [(places[a], places[b]) for a, b in self.merges]
        self._merged = np.array(
            [places[a + b] for a, b in self.merges] or [0], np.int64
        )
        keys = np.array([self._key(a, b) for a, b in pairs] or [-2], np.int64)
        self._ranks = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(keys), tf.range(len(keys), dtype=tf.int64)
            ),
            _NO_RANK,
        )
        # As a graph, also where texts are not split in one: it loops.
        self._merge = tf.function(
            self._merged_bytes,
            autograph=False,
            input_signature=[tf.TensorSpec([None], tf.string)],
        )

    @property
    def config(self) -> dict[str, Any]:
        """What `from_config` makes the same of; for JSON."""
        return {
            "pieces": list(self.pieces),
            "merges": [list(pair) for pair in self.merges],
            "adds_space": self.adds_space,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BytePairs:
        """Makes it of what `config` gives."""
        return cls(**config)

    def one_larger(self, name: str) -> BytePairs:
        """The same with a further piece, the last one."""
        return BytePairs([*self.pieces, name], self.merges, self.adds_space)

    def tables(self) -> list[tf.lookup.StaticHashTable]:
        """What a SavedModel has to track."""
        return [self._ranks]

    def resources(self) -> list[tf.Module]:
        """What else a SavedModel of texts has to track."""
        return []

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits texts.

        Args:
            texts: clean ones, strings `[batch]`.

        Returns:
            int32 `[batch, (time)]`, ids of the vocabulary.
        """
        if self.adds_space:
            texts = tf.strings.regex_replace(texts, r"^([^ ])", r" \1")
        parted = tf.strings.regex_replace(texts, _WORD, rf"\0{_BREAK}")
        words = tf.strings.split(parted, _BREAK)
        words = tf.ragged.boolean_mask(words, words != "")
        known, places = tf.unique(words.flat_values)
        pieces = tf.gather(self._pieces_of(known), places)
        pieces = words.with_flat_values(pieces).merge_dims(1, 2)
        return tf.cast(pieces + len(SPECIALS), tf.int32)

    def _pieces_of(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Places of pieces, int64 `[words, (pieces)]`."""
        is_long = tf.strings.length(words) > _SHORT
        groups = [tf.where(~is_long)[:, 0], tf.where(is_long)[:, 0]]
        pieces = [self._merge(tf.gather(words, group)) for group in groups]
        order = tf.argsort(tf.concat(groups, 0))
        return tf.gather(tf.concat(pieces, 0), order)

    def _merged_bytes(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Merges the bytes of words, the pair of the lowest rank first."""
        letters = tf.strings.bytes_split(words)
        codes = tf.io.decode_raw(
            tf.strings.reduce_join(letters.flat_values), tf.uint8
        )
        ids = tf.gather(
            tf.constant(self._bytes, tf.int64), tf.cast(codes, tf.int32)
        )
        dense = letters.with_flat_values(ids).to_tensor(_NO_PIECE)
        # There is a place for a pair, also where no word is.
        missing = tf.maximum(2 - tf.shape(dense)[1], 0)
        dense = tf.pad(dense, [[0, 0], [0, missing]], constant_values=_NO_PIECE)
        dense, _ = tf.while_loop(
            lambda dense, goes_on: goes_on,
            lambda dense, goes_on: self._merge_once(dense),
            (dense, tf.constant(True)),
            shape_invariants=(
                tf.TensorShape([None, None]),
                tf.TensorShape([]),
            ),
        )
        return tf.ragged.boolean_mask(dense, dense != _NO_PIECE)

    def _merge_once(self, dense: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One merge in each row that has any; whether one had."""
        left, right = dense[:, :-1], dense[:, 1:]
        is_pair = right != _NO_PIECE
        keys = tf.where(is_pair, self._key(left, right), -1)
        ranks = self._ranks.lookup(keys)
        place = tf.argmin(ranks, axis=1)[:, tf.newaxis]
        rank = tf.gather(ranks, place, batch_dims=1)
        has_pair = rank < _NO_RANK
        merged = tf.gather(self._merged, tf.where(has_pair, rank, 0))
        columns = tf.range(tf.shape(dense, tf.int64)[1])
        shifted = tf.pad(right, [[0, 0], [0, 1]], constant_values=_NO_PIECE)
        new = tf.where(columns == place, merged, shifted)
        new = tf.where(columns < place, dense, new)
        return tf.where(has_pair, new, dense), tf.reduce_any(has_pair)

    def _key(self, left: Any, right: Any) -> Any:
        return left * len(self.pieces) + right


def _spelling(piece: str, letters: dict[str, int]) -> bytes:
    if all(letter in letters for letter in piece):
        return bytes(letters[letter] for letter in piece)
    return piece.encode()
