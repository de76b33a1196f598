"""Reads and writes the files of SentencePiece: messages of protocol buffers.

Of the few fields that are needed, by their numbers in
`sentencepiece_model.proto`; all others are left as they are.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable
from typing import NamedTuple

from keras_textgen.checks import refused
from keras_textgen.data.protocol_buffers import field, fields

# Of a model; of a piece; of how it was trained; of how texts are normalized.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_NAME, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _BYTE_FALLBACK, _UNKNOWN_ID = 3, 35, 40
_CHARACTER_MAP, _RULES = 2, 6
_UNIGRAM = 1


class PieceType(enum.IntEnum):
    """What a piece of a model is; their numbers are those of the file."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Piece(NamedTuple):
    """A piece of a SentencePiece model.

    Attributes:
        name: with a lower block for a space; of a byte `<0x41>`.
        score: its log-probability, or minus its rank.
        type: what it is.
    """

    name: str
    score: float = 0.0
    type: PieceType = PieceType.NORMAL


def read_pieces(model: bytes) -> list[Piece]:
    """Reads the pieces of a SentencePiece model.

    Args:
        model: the content of a `.model` file.

    Returns:
        The pieces, in the order of their ids.

    Raises:
        ValueError: it is no such file.

    Example:
        >>> read_pieces(write_model([Piece("a", -1.5)], None))
        [Piece(name='a', score=-1.5, type=<PieceType.NORMAL: 1>)]
        >>> read_pieces(b"a red rose")
        Traceback (most recent call last):
        ValueError: bytes that are no SentencePiece model; allowed: a .model \
file of SentencePiece
    """
    try:
        pieces = [
            _read_piece(value)
            for number, value in fields(model)
            if number == _PIECES
        ]
    except (IndexError, KeyError, TypeError, ValueError, struct.error):
        pieces = []
    if not pieces:
        raise refused(
            "bytes that are no SentencePiece model",
            "a .model file of SentencePiece",
        )
    return pieces


def write_piece(piece: Piece) -> bytes:
    """A piece as what can be put behind a model, in which it is the last one.

    Example:
        >>> model = write_model([Piece("a")], None)
        >>> len(read_pieces(model + write_piece(Piece("b"))))
        2
    """
    content = (
        field(_NAME, piece.name.encode())
        + field(_SCORE, float(piece.score))
        + field(_TYPE, int(piece.type))
    )
    return field(_PIECES, content)


def write_model(
    pieces: Iterable[Piece],
    character_map: bytes | None,
    unknown_id: int = 0,
    has_bytes: bool = False,
) -> bytes:
    """Writes a model of the unigram kind.

    Args:
        pieces: in the order of their ids.
        character_map: compiled rules of normalization; None for none.
        unknown_id: of the unknown piece.
        has_bytes: whether the bytes of unknown characters stand for them.

    Returns:
        The content of a `.model` file.
    """
    trainer = (
        field(_MODEL_TYPE, _UNIGRAM)
        + field(_BYTE_FALLBACK, int(has_bytes))
        + field(_UNKNOWN_ID, unknown_id)
    )
    normalizer = field(_CHARACTER_MAP, character_map or b"")
    return (
        b"".join(map(write_piece, pieces))
        + field(_TRAINER, trainer)
        + field(_NORMALIZER, normalizer)
    )


def without_rules_file(model: bytes) -> bytes:
    """The model without the path of the file of its rules of normalization."""
    parts = []
    for number, value in fields(model):
        if number == _NORMALIZER:
            value = b"".join(
                field(inner, each)
                for inner, each in fields(value)
                if inner != _RULES
            )
        parts.append(field(number, value))
    return b"".join(parts)


def _read_piece(message: bytes) -> Piece:
    found = dict(fields(message))
    name = found[_NAME].decode()
    (score,) = struct.unpack("<f", found.get(_SCORE, bytes(4)))
    return Piece(name, score, PieceType(found.get(_TYPE, PieceType.NORMAL)))
