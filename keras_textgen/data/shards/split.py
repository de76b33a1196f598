"""A split of a prepared corpus, read by random access; free of TensorFlow."""

from __future__ import annotations

import functools
import io
import pathlib
import re
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import refused
from keras_textgen.data.corpus import DataError
from keras_textgen.data.shards.manifest import (
    VOCABULARY,
    Counts,
    File,
    Manifest,
    check_content,
    labels_file,
    lengths_file,
    sentences_file,
)

EXTRA = "pip install 'keras-textgen[beam]'"
# Ids below are written as two bytes.
_SHORT = 1 << 16
# Of a .npy: what it is, its version, and in two bytes the length of its head.
_BEFORE_HEAD = 10
_READING = "readahead_buffer_size:0,max_parallelism:0"


def id_type(vocabulary_size: int) -> np.dtype:
    """The type in which the ids of texts are written.

    Example:
        >>> id_type(10_000), id_type(1_000_000)
        (dtype('uint16'), dtype('uint32'))
    """
    return np.dtype("<u2" if vocabulary_size <= _SHORT else "<u4")


def array_record(what: str) -> Any:
    """The module that reads and writes shards.

    Args:
        what: needs it, for messages.

    Raises:
        DataError: it is not installed.
    """
    try:
        from array_record.python import array_record_module
    except ImportError:
        raise DataError(
            f"{what} needs array_record, which is not installed; allowed: "
            f"{EXTRA}"
        ) from None
    return array_record_module


def _record(reader: Any, row: int) -> bytes:
    # To ask for a list of rows takes time in proportion to all of the shard.
    reader.seek(row)
    return reader.read()


class PreparedSplit:
    """Texts as token ids in shards, of which none is held in memory.

    Args:
        folder: of the prepared corpus.
        manifest: of it.
        split: `"train"`, `"valid"` or `"test"`.

    Attributes:
        counts: of the split.
        unit: what a token is.
        vocabulary_size: number of ids.
        vocabulary_sum: the checksum of the vocabulary.
        sentence_rule: how documents were cut into sentences; None of texts.
        label_names: the names that labels are the numbers of.
        digest: a number that depends on every file of the corpus.

    Raises:
        DataError: a file cannot be used, or array_record is not installed.
    """

    def __init__(
        self, folder: pathlib.Path, manifest: Manifest, split: str
    ) -> None:
        self._folder = folder
        self._split = split
        self._manifest = manifest
        self._shards = manifest.shards[split]
        self._type = id_type(manifest.vocabulary_size)
        self._module = array_record(str(folder))
        self._lock = threading.Lock()
        self._ends = np.cumsum([shard.rows for shard in self._shards])
        self.counts: Counts = manifest.counts[split]
        self.unit = manifest.unit
        self.vocabulary_size = manifest.vocabulary_size
        self.vocabulary_sum = manifest.file(VOCABULARY).sha256
        self.digest = manifest.digest
        self.sentence_rule = manifest.sentence_rule
        self.label_names = manifest.label_names

    def __len__(self) -> int:
        return self.counts.texts

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Of each text, int32 `[texts]`, mapped: tokens, or sentences."""
        return self._mapped(lengths_file(self._split), len(self))

    @functools.cached_property
    def labels(self) -> np.ndarray | None:
        """The label of each text, int32 `[texts]`; None without labels."""
        name = labels_file(self._split)
        if not (self._folder / name).exists():
            return None
        return self._mapped(name, len(self))

    @functools.cached_property
    def sentence_ends(self) -> np.ndarray:
        """Where the sentences of each document end, int64 `[documents]`."""
        return np.cumsum(self.lengths, dtype=np.int64)

    @functools.cached_property
    def sentence_lengths(self) -> np.ndarray:
        """Words of each sentence, int32 `[sentences]`, mapped into memory."""
        name = sentences_file(self._split)
        return self._mapped(name, int(self.sentence_ends[-1]))

    def ids_of(self, rows: Sequence[int] | np.ndarray) -> list[np.ndarray]:
        """The token ids of some texts, start and end tokens included.

        Documents have neither, but a 0 after each sentence.

        Args:
            rows: numbers of texts, from 0.

        Returns:
            An array `[time]` for each, in the order of `rows`.

        Raises:
            DataError: a shard is damaged.
        """
        rows = np.asarray(rows, np.int64)
        shards = np.searchsorted(self._ends, rows, side="right")
        found: list[Any] = [None] * len(rows)
        for shard in np.unique(shards):
            places = np.flatnonzero(shards == shard)
            first = self._ends[shard] - self._shards[shard].rows
            records = self._read(int(shard), (rows[places] - first).tolist())
            for place, record in zip(places, records, strict=True):
                found[place] = np.frombuffer(record, self._type)
        return found

    def _read(self, shard: int, rows: list[int]) -> list[bytes]:
        path = self._folder / self._shards[shard].name
        try:
            # A reader has one place at a time.
            with self._lock:
                reader = self._reader(shard)
                return [_record(reader, row) for row in rows]
        except (RuntimeError, ValueError, IndexError) as error:
            told = re.sub(r"\s+", " ", str(error))
            raise DataError(
                f"{path}: damaged ({told:.120}); allowed: the file as it was "
                "written"
            ) from None

    def _reader(self, shard: int) -> Any:
        if shard not in self._readers:
            path = self._folder / self._shards[shard].name
            self._readers[shard] = self._module.ArrayRecordReader(
                str(path), _READING
            )
        return self._readers[shard]

    @functools.cached_property
    def _readers(self) -> dict[int, Any]:
        return {}

    def _mapped(self, name: str, count: int) -> np.ndarray:
        return mapped(self._folder, self._manifest.file(name), count)


def mapped(
    folder: pathlib.Path, file: File, count: int, kind: str = "<i4"
) -> np.ndarray:
    """An array of a file, mapped into memory, once its checksum is right.

    Unlike shards, such files have no checksums of their own.

    Args:
        folder: of the prepared corpus.
        file: as the manifest lists it.
        count: of the values that it has to hold.
        kind: of the values, as NumPy writes it.

    Raises:
        DataError: it is not what was written.
    """
    path = folder / file.name
    check_content(folder, file)
    try:
        start = _start_of_values(path, kind, count)
        return np.memmap(path, kind, mode="r", offset=start, shape=(count,))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({error!s:.80}); allowed: the file "
            "as it was written"
        ) from None


def _start_of_values(path: pathlib.Path, kind: str, count: int) -> int:
    """Where the values of a .npy begin, whose head has to say what they are.

    NumPy parses a head as Python's source, which a damaged one is not.
    """
    expected = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        expected, {"descr": kind, "fortran_order": False, "shape": (count,)}
    )
    with path.open("rb") as file:
        first = file.read(_BEFORE_HEAD)
        head = file.read(int.from_bytes(first[-2:], "little"))
        start = file.tell()
    whole = expected.getvalue()
    # Blanks fill it up, in some versions of NumPy more than in others.
    if (first[:-2] + head).rstrip() != (
        whole[: _BEFORE_HEAD - 2] + whole[_BEFORE_HEAD:]
    ).rstrip():
        raise refused("another head", f"that of {kind} [{count}]")
    return start
