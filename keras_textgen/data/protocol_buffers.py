"""Messages of protocol buffers, field by field, without what declares them."""

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_WIDTHS = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}


def field(number: int, value: int | float | bytes) -> bytes:
    """A field of a message.

    Args:
        number: of the field.
        value: a whole number of 0 or more, a number that is kept as float32,
            or bytes, such as those of a message within the message.

    Returns:
        The field's part of the message.

    Example:
        >>> field(2, b"testing").hex(), field(1, 150).hex()
        ('120774657374696e67', '089601')
    """
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | _FOUR_BYTES) + struct.pack("<f", value)
    return _varint(number << 3 | _LENGTH) + _varint(len(value)) + value


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message.

    Args:
        message: to be read.

    Yields:
        The number of a field and its value: a whole number, or bytes.

    Raises:
        IndexError: the message ends within a field.
        KeyError: a field is of a kind that no longer is in use.

    Example:
        >>> list(fields(field(1, 150) + field(2, b"a")))
        [(1, 150), (2, b'a')]
    """
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


def _varint(number: int) -> bytes:
    """A whole number in groups of seven bits, the lowest first."""
    content = bytearray()
    while number > 127:
        content.append(number & 127 | 128)
        number >>= 7
    content.append(number)
    return bytes(content)
