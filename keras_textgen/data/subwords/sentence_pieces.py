"""Subwords as SentencePiece splits texts: by a unigram model, or BPE."""

from __future__ import annotations

import base64
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.subwords.extra import PACKAGE, text_ops
from keras_textgen.data.subwords.messages import (
    Piece,
    PieceType,
    read_pieces,
    write_piece,
)
from keras_textgen.tokens import SPECIALS, UNKNOWN_ID

SPACE = "\u2581"
# A vocabulary has its own for these.
_SPECIAL = (PieceType.UNKNOWN, PieceType.CONTROL)


class SentencePieces:
    """A SentencePiece model in the graph, with the ids of a vocabulary.

    Its unknown piece is the vocabulary's; its control pieces, such as start,
    end and padding, are in no text. The others follow in the order of its ids.

    Args:
        model: the content of a `.model` file.

    Attributes:
        pieces: all but the special tokens, in the order of ids.
        spellings: what each of them adds to a text, bytes.

    Raises:
        ValueError: `model` is no such file, or has no unknown piece.
    """

    # The package beside TensorFlow that splits texts.
    package: str | None = PACKAGE

    def __init__(self, model: bytes) -> None:
        self.model = model
        listed = read_pieces(model)
        if PieceType.UNKNOWN not in {piece.type for piece in listed}:
            raise refused(
                "a SentencePiece model without an unknown piece", "one with it"
            )
        kept = [piece for piece in listed if piece.type not in _SPECIAL]
        self.pieces = tuple(piece.name for piece in kept)
        self.spellings = [_spelling(piece) for piece in kept]
        is_kept = np.array([piece.type not in _SPECIAL for piece in listed])
        places = np.cumsum(is_kept) - 1 + len(SPECIALS)
        self._ids = np.where(is_kept, places, UNKNOWN_ID).astype(np.int32)
        # No attribute that TensorFlow would track: a checkpoint of the
        # vocabulary is the same before its first text and after it.
        self._made = functools.cache(functools.partial(_make_tokenizer, model))

    @property
    def config(self) -> dict[str, Any]:
        """What `from_config` makes the same of; for JSON."""
        return {"model": base64.b64encode(self.model).decode()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SentencePieces:
        """Makes it of what `config` gives."""
        return cls(base64.b64decode(config["model"]))

    def one_larger(self, name: str) -> SentencePieces:
        """The same with a further piece, the last one."""
        return SentencePieces(self.model + write_piece(Piece(name)))

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits texts.

        Args:
            texts: clean ones, strings `[batch]`.

        Returns:
            int32 `[batch, (time)]`, ids of the vocabulary.
        """
        found = self._tokenizer.tokenize(texts)
        return found.with_flat_values(tf.gather(self._ids, found.flat_values))

    def tables(self) -> list[tf.lookup.StaticHashTable]:
        """What a SavedModel has to track: there are none."""
        return []

    def resources(self) -> list[tf.Module]:
        """What else a SavedModel of texts has to track."""
        return [self._tokenizer]

    @property
    def _tokenizer(self) -> tf.Module:
        """That of before, unless `keras.backend.clear_session` has ended it.

        What it holds belongs to a kernel of TensorFlow's, whose cache that
        empties.
        """
        with tf.init_scope():
            try:
                self._made().tokenize([""])
            except tf.errors.NotFoundError:
                self._made.cache_clear()
        return self._made()


def _make_tokenizer(model: bytes) -> tf.Module:
    with tf.init_scope():  # Also where its first texts are in a graph.
        return text_ops().SentencepieceTokenizer(model)


def _spelling(piece: Piece) -> bytes:
    if piece.type == PieceType.BYTE:
        return bytes([int(piece.name[3:5], 16)])
    return piece.name.replace(SPACE, " ").encode()
