"""Reads and writes the files of SentencePiece: messages of protocol buffers.

Of the few fields that are needed, by their numbers in
`sentencepiece_model.proto`; all others are left as they are.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from keras_textgen.checks import refused

# Of a model; of a piece; of how it was trained; of how texts are normalized.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_NAME, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _BYTE_FALLBACK, _UNKNOWN_ID = 3, 35, 40
_CHARACTER_MAP, _RULES = 2, 6
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_WIDTHS = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
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
            for number, value in _fields(model)
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
        _field(_NAME, piece.name.encode())
        + bytes([_SCORE << 3 | _FOUR_BYTES])
        + struct.pack("<f", piece.score)
        + _field(_TYPE, int(piece.type))
    )
    return _field(_PIECES, content)


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
        _field(_MODEL_TYPE, _UNIGRAM)
        + _field(_BYTE_FALLBACK, int(has_bytes))
        + _field(_UNKNOWN_ID, unknown_id)
    )
    normalizer = _field(_CHARACTER_MAP, character_map or b"")
    return (
        b"".join(map(write_piece, pieces))
        + _field(_TRAINER, trainer)
        + _field(_NORMALIZER, normalizer)
    )


def without_rules_file(model: bytes) -> bytes:
    """The model without the path of the file of its rules of normalization."""
    parts = []
    for number, value in _fields(model):
        if number == _NORMALIZER:
            value = b"".join(
                _field(inner, each)
                for inner, each in _fields(value)
                if inner != _RULES
            )
        parts.append(_field(number, value))
    return b"".join(parts)


def _read_piece(message: bytes) -> Piece:
    found = dict(_fields(message))
    name = found[_NAME].decode()
    (score,) = struct.unpack("<f", found.get(_SCORE, bytes(4)))
    return Piece(name, score, PieceType(found.get(_TYPE, PieceType.NORMAL)))


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers of fields and their values; whole numbers, or bytes."""
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        if key & 7 == _VARINT:
            value, place = _number(message, place)
            yield key >> 3, value
            continue
        if key & 7 == _LENGTH:
            length, place = _number(message, place)
        else:
            length = _WIDTHS[key & 7]
        if place + length > len(message):
            raise IndexError(place)
        yield key >> 3, message[place : place + length]
        place += length


def _number(message: bytes, place: int) -> tuple[int, int]:
    """A whole number at a place, and the place behind it."""
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _LENGTH) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 127:
        content.append(number & 127 | 128)
        number >>= 7
    content.append(number)
    return bytes(content)
