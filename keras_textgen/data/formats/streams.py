"""The bytes of files and of standard input, perhaps packed, and their text."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import io
import pathlib
import shutil
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from keras_textgen.data.corpus import DataError

# What stands for standard input in the place of a file.
STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
PACKED = (".gz", ".zst")
_EXTRA = "pip install 'keras-textgen[tables]'"

# Is told of a row or line that cannot be used, by its number, and raises the
# error or has it left out.
OnBad = Callable[[int, DataError], None]


def refuse(number: int, error: DataError) -> None:
    """Raises the error."""
    raise error


@dataclasses.dataclass(frozen=True)
class Source:
    """A file, or standard input.

    Attributes:
        path: of the file; `-` for standard input.

    Example:
        >>> Source(pathlib.Path("a.csv.gz")).suffix, Source.of_input().name
        ('.csv', 'standard input')
    """

    path: pathlib.Path

    @classmethod
    def of_input(cls) -> Source:
        """Standard input."""
        return cls(pathlib.Path(STANDARD_INPUT))

    @property
    def name(self) -> str:
        """What it is called in messages."""
        is_input = str(self.path) == STANDARD_INPUT
        return "standard input" if is_input else str(self.path)

    @property
    def suffix(self) -> str:
        """The end of its name that says the format, in lower case."""
        name = self.path.name.lower()
        for packed in PACKED:
            name = name.removesuffix(packed)
        return pathlib.Path(name).suffix

    @contextlib.contextmanager
    def opened(self) -> Iterator[io.BufferedReader]:
        """Its content, unpacked; packed files are told by their first bytes.

        Yields:
            A stream that can be peeked into.

        Raises:
            DataError: it cannot be read, is damaged, or needs an extra.
        """
        with reading_errors(self.name), contextlib.ExitStack() as stack:
            stream: Any
            if str(self.path) == STANDARD_INPUT:
                stream = _on_disk(standard_input())
                stream.seek(0)
            else:
                stream = stack.enter_context(self.path.open("rb"))
            start = stream.peek(4)[:4]
            if start.startswith(_GZIP) or self.path.suffix == ".gz":
                stream = stack.enter_context(gzip.open(stream))
            elif start == _ZSTANDARD:
                arrow = arrow_module(self.name, "zstd")
                unpacked = arrow.CompressedInputStream(stream, "zstd")
                stream = stack.enter_context(io.BufferedReader(unpacked))
            yield stream


def standard_input() -> BinaryIO:
    """The bytes that are piped to the program.

    Raises:
        DataError: there are none, as it is a terminal.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError(
            "standard input: nothing is piped; allowed: a command such as "
            "zcat lines.gz | python trainer.py --data_dir=-"
        )
    return sys.stdin.buffer


# Copies of streams that can be read but once, as long as those are there.
_copies: weakref.WeakKeyDictionary[BinaryIO, Any] = weakref.WeakKeyDictionary()


def _on_disk(stream: BinaryIO) -> Any:
    """What a stream gives once, to be read again and from its end."""
    if stream not in _copies:
        copy = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(stream, copy.close)
        shutil.copyfileobj(stream, copy)
        _copies[stream] = copy
    return _copies[stream]


@functools.cache
def _arrow() -> Any:
    import pyarrow

    return pyarrow


def arrow_module(name: str, what: str) -> Any:
    """The module pyarrow, which few formats need.

    Args:
        name: of the file, for messages.
        what: needs it.

    Raises:
        DataError: it is not installed.
    """
    try:
        return _arrow()
    except ImportError:
        raise DataError(
            f"{name}: {what} needs pyarrow, which is not installed; "
            f"allowed: {_EXTRA}, or a .csv, .tsv or .jsonl, plain or .gz"
        ) from None


def read_bytes(path: pathlib.Path) -> bytes:
    """Reads a file, unpacked if it is packed.

    Args:
        path: the file, or `-` for standard input.

    Returns:
        The content.

    Raises:
        DataError: the file cannot be read, or is compressed and damaged.
    """
    with Source(path).opened() as stream:
        return stream.read()


def decoded_lines(
    stream: io.BufferedReader, name: str, on_bad: OnBad = refuse
) -> Iterator[str]:
    r"""The lines of a text, UTF-8, or UTF-16 that begins with its mark.

    Lines of UTF-8 are read one by one.

    Args:
        stream: of the bytes.
        name: of the file, for messages.
        on_bad: is told of a line that is no text.

    Yields:
        Lines with their ends, which are "\n"; an empty one in the place of
        one that is left out.

    Raises:
        DataError: it is no such text; the message names the line.

    Example:
        >>> stream = io.BufferedReader(io.BytesIO("caf\u00e9\r\n".encode()))
        >>> list(decoded_lines(stream, "menu.txt"))
        ['caf\xe9\n']
    """
    if stream.peek(2)[:2] in _UTF_16:
        yield from io.StringIO(decode(stream.read(), name))
        return
    for number, line in enumerate(stream, 1):
        try:
            text = decode(line, name, number)
        except DataError as error:
            on_bad(number, error)
            text = "\n"
        # Several, if the file's lines end with carriage returns.
        yield from io.StringIO(text)


@contextlib.contextmanager
def reading_errors(path: pathlib.Path | str) -> Iterator[None]:
    """Turns failures to read a file into one line that names it.

    Args:
        path: the file.

    Yields:
        Nothing.

    Raises:
        DataError: the file cannot be read, or is compressed and damaged.

    Example:
        >>> with reading_errors(pathlib.Path("w.gz")):
        ...     raise EOFError("it ends too early")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: w.gz: the compressed file is \
damaged (it ends too early); allowed: a whole .gz file
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed file is damaged ({error}); "
            "allowed: a whole .gz file"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror or error}; allowed: a readable file"
        ) from error


def decode(
    content: bytes, source: pathlib.Path | str, first_line: int = 1
) -> str:
    r"""Decodes UTF-8 and normalizes the ends of lines to one character.

    Content that begins with the mark of UTF-16 is of that. A carriage return
    ends a line where no line feed does.

    Args:
        content: of a text file.
        source: the name of the file, for messages.
        first_line: the number of the first line, for messages.

    Returns:
        The text, without a byte order mark.

    Raises:
        DataError: `content` is binary, or of another encoding.

    Example:
        >>> decode(b"caf\xc3\xa9", "menu.txt")
        'café'
    """
    try:
        if first_line == 1 and content.startswith(_UTF_16):
            return _with_line_feeds(content.decode("utf-16"), first_line)
        if b"\0" not in content:
            return _with_line_feeds(content.decode("utf-8-sig"), first_line)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(error.encoding, "ignore")
        line = first_line + before.count("\n")
        raise DataError(f"{source}:{line}: {_not_decoded(error)}") from error
    line = first_line + content.count(b"\n", 0, content.index(b"\0"))
    raise DataError(
        f"{source}:{line}: a zero byte, as binary files have, and UTF-16 "
        "without its mark; allowed: text, UTF-8"
    )


def _with_line_feeds(text: str, first_line: int) -> str:
    if first_line == 1 and "\n" not in text:
        return text.replace("\r", "\n")
    return text.replace("\r\n", "\n")


def _not_decoded(error: UnicodeDecodeError) -> str:
    if error.encoding.startswith("utf-16"):
        return f"invalid UTF-16 ({error.reason}); allowed: text, UTF-8"
    byte = error.object[error.start : error.start + 1]
    # From 0x80 to 0x9f Latin-1 has no character that can be seen.
    name, code = "Latin-1", "latin-1"
    if byte < b"\xa0":
        name, code = "Windows-1252", "cp1252"
    char = byte.decode(code, "replace")
    return (
        f"invalid UTF-8 (byte 0x{byte.hex()}), {char!r} in {name}; allowed: "
        "text, UTF-8"
    )
