"""What `tools/fuzz.py` does to whole files, by a seeded hand."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from keras_textgen.data.shards.manifest import sealed

_NASTY = (
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b'"',
    b"'",
    b"\t\t",
    b"\r",
    b"\n\n\n",
    b",,,,",
    b"{}",
    b"[" * 2000,
    b"1e999",
    b"NaN",
    b"-1",
    b"99999999999999999999",
    b"%s%n",
    b"../../etc/passwd",
    b"\x1b[31m",
    b"\xe2\x80\xae",
    b"\x85\xe2\x80\xa8",
)
# What stands where another value belongs.
_VALUES = (
    None,
    True,
    -1,
    0,
    3,
    0.5,
    float("inf"),
    float("nan"),
    10**400,
    "",
    "a",
    "..",
    "../../etc/passwd",
    "a\0b",
    "a\nb",
    "a" * 5000,
    [],
    {},
    ["a"],
    {"a": 1},
)


def damaged(content: bytes, hand: random.Random) -> bytes:
    """A file with one to four damages.

    Example:
    >>> damaged(b"a rose", random.Random(1)) != b"a rose"
    True
    """
    data = bytearray(content)
    for _ in range(hand.randint(1, 4)):
        start = hand.randrange(len(data) + 1)
        end = min(len(data), start + hand.randint(1, 40))
        piece = bytes(data[start:end])
        kind = hand.randrange(7)
        if kind == 0 and piece:
            data[start] ^= 1 << hand.randrange(8)
        elif kind == 1:
            del data[start:end]
        elif kind == 2:
            data[start:start] = piece * hand.randint(1, 30)
        elif kind == 3:
            data[start:start] = hand.choice(_NASTY)
        elif kind == 4:
            del data[start:]
        elif kind == 5:
            data[start:end] = hand.randbytes(end - start)
        else:
            data += piece
    return bytes(data)


def changed(content: bytes, hand: random.Random) -> bytes:
    """A manifest with one to three other values, whose checksum is right.

    Example:
    >>> changed(b'{"bad": 3, "checksum": "?"}', random.Random(2))[:20]
    b''
    """
    fields = json.loads(content)
    for _ in range(hand.randint(1, 3)):
        holder, key = hand.choice(list(_places(fields)))
        if hand.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(hand.choice(_VALUES))
    return sealed(fields).encode()


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """All places of a value of JSON, as what holds it and its key."""
    keys = node if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])
