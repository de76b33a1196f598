"""Corpora as their publishers pack them: archives, extracted or not."""

from __future__ import annotations

import dataclasses
import gzip
import lzma
import os
import pathlib
import re
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator

from keras_textgen.checks import counted
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.streams import read_bytes
from keras_textgen.data.readers.files import given_path

_PIECE = 2**20
# The largest file in an archive, in bytes: a text, or a table of few columns.
_LARGEST_MEMBER = 2**28
# Known by the first bytes of a file, because users rename archives.
_DECOMPRESS: dict[
    bytes, Callable[[pathlib.Path], gzip.GzipFile | lzma.LZMAFile]
] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\0": lzma.open}
_ZIP = b"PK\x03\x04"
# What reading a damaged archive may raise, beside OSError.
DAMAGES = (
    EOFError,
    # Of zipfile, for passwords and methods that it does not know.
    RuntimeError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
# What NumPy and SciPy may raise of a damaged .npy or .npz, whose heads they
# parse as Python's source.
ARRAY_DAMAGES = (
    *DAMAGES,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)


@dataclasses.dataclass(frozen=True)
class Publication:
    """A corpus as its publisher packs it.

    Attributes:
        corpus: its name here.
        folder: the folder that the archive is extracted to.
        marker: a file or folder in it, which tells that it is the right one.
        archives: names of the archive.
        files: glob pattern of the files wanted, below the folder.
        wanted: regular expression that the names of these files end in.
        address: where to get it.
    """

    corpus: str
    folder: str
    marker: str
    archives: tuple[str, ...]
    files: str
    wanted: re.Pattern[str]
    address: str

    @property
    def expected(self) -> str:
        """What is allowed, for messages."""
        return (
            f"the folder {self.folder} (with {self.marker} in it), a folder "
            f"with it or with {' or '.join(self.archives)}, or the archive "
            f"itself; it is at {self.address}"
        )

    def find(self, data_dir: str | os.PathLike | None) -> pathlib.Path:
        """Returns the folder with the files, or the archive.

        Args:
            data_dir: the folder, a folder that holds it or the archive, or
                the archive, under any name.

        Raises:
            DataError: nothing of it is there.
        """
        source = given_path(self.corpus, data_dir, self.expected)
        if source.is_file():
            return source
        for folder in (source, source / self.folder):
            if (folder / self.marker).exists():
                return folder
        for name in self.archives:
            if (source / name).is_file():
                return source / name
        problem = (
            f"no {self.folder} there" if source.is_dir() else "no such folder"
        )
        raise DataError(f"{source}: {problem}; allowed: {self.expected}")

    def read(self, source: pathlib.Path) -> Iterator[tuple[str, bytes]]:
        """Reads the files wanted, from an archive without extracting it.

        Args:
            source: what `find` returned.

        Yields:
            The name of a file, with its folders, and its content; in any order.

        Raises:
            DataError: a file cannot be read, or the archive is no archive or
                damaged.
        """
        if source.is_dir():
            for path in source.glob(self.files):
                name = path.relative_to(source).as_posix()
                if self.wanted.search(name):
                    yield name, read_bytes(path)
            return
        try:
            yield from self._read_archive(source)
        except (OSError, *DAMAGES) as error:
            raise DataError(
                f"{source}: the archive is damaged or not whole ({error}); "
                f"allowed: {self.expected}"
            ) from error

    def _read_archive(
        self, archive: pathlib.Path
    ) -> Iterator[tuple[str, bytes]]:
        with archive.open("rb") as file:
            start = file.read(6)
        if start.startswith(_ZIP):
            yield from self._read_zip(archive)
            return
        for magic, decompress in _DECOMPRESS.items():
            if start.startswith(magic):
                # The stream is opened here, because tarfile's own one takes
                # the end of a truncated file for the end of the archive.
                with decompress(archive) as stream:
                    yield from self._read_tar(archive, stream)
                return
        raise DataError(
            f"{archive}: neither a .tar.gz nor a .tar.xz nor a .zip; "
            f"allowed: {self.expected}"
        )

    def _read_zip(self, archive: pathlib.Path) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(archive) as members:
            for member in members.infolist():
                name = member.filename
                if self.wanted.search(name):
                    _check_size(archive, name, member.file_size)
                    yield name, members.read(member)

    def _read_tar(
        self, archive: pathlib.Path, stream: gzip.GzipFile | lzma.LZMAFile
    ) -> Iterator[tuple[str, bytes]]:
        # "|": no seeking.
        with tarfile.open(fileobj=stream, mode="r|") as members:
            for member in members:
                if member.isfile() and self.wanted.search(member.name):
                    _check_size(archive, member.name, member.size)
                    yield member.name, members.extractfile(member).read()
        # A damaged header reads as the end of the archive; only the checksum
        # at the end of the stream tells.
        while stream.read(_PIECE):
            pass


def _check_size(archive: pathlib.Path, name: str, size: int) -> None:
    """Refuses a file that is small as long as it is packed only."""
    if size > _LARGEST_MEMBER:
        raise DataError(
            f"{archive}: {name} has {counted(size, 'byte')} when unpacked; "
            f"allowed: at most {_LARGEST_MEMBER:,}"
        )
