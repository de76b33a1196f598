"""Small prepared folders, made by hand, whose manifests are damaged."""

import hashlib
import io
import json
import pathlib
import tempfile
from collections.abc import Mapping

import numpy as np

from keras_textgen.data.corpus import SPLITS
from keras_textgen.data.shards.manifest import (
    COLUMNS,
    MANIFEST,
    ROWS,
    VOCABULARY,
    CellCounts,
    CellManifest,
    Counts,
    File,
    Manifest,
    cells_file,
    labels_file,
    lengths_file,
)


def matrix_files() -> dict[str, bytes]:
    """A prepared matrix of 8 rows and 6 columns, by the names of its files."""
    rows, columns = np.divmod(np.arange(48, dtype=np.int32), 6)
    files = {
        ROWS: json.dumps([f"u{n}" for n in range(8)]).encode(),
        COLUMNS: json.dumps([f"i{n}" for n in range(6)]).encode(),
    }
    counts = {}
    for place, split in enumerate(SPLITS):
        cells = slice(place, None, 3)
        values = np.float32(rows[cells] % 5 + 1)
        for part, array in (
            ("rows", rows[cells]),
            ("columns", columns[cells]),
            ("values", values),
        ):
            files[cells_file(split, part)] = _array(array)
        counts[split] = CellCounts(
            len(values), float(min(values)), float(max(values)), 3.0
        )
    manifest = CellManifest(
        settings={"duplicates": "last"},
        counts=counts,
        files=_listed(files),
        shape=(8, 6),
        fields=("user", "item", "rating"),
        merged=1,
        bad=2,
        source={"bytes": 100},
    )
    return {**files, MANIFEST: manifest.text.encode()}


def corpus_files() -> dict[str, bytes]:
    """A prepared corpus of 12 texts a split, by the names of its files."""
    texts = [np.uint16([2, 4 + n % 2, 5, 3]) for n in range(12)]
    files = {VOCABULARY: b'{"class": "Vocabulary", "config": {}}'}
    shards = {}
    for split in SPLITS:
        name = f"{split}-00000.array_record"
        shard = {name: _shard([text.tobytes() for text in texts])}
        shards[split] = _listed(shard, rows=len(texts))
        lengths = np.full(len(texts), 4, np.int32)
        files[lengths_file(split)] = _array(lengths)
        files[labels_file(split)] = _array(np.arange(12, dtype=np.int32) % 2)
        files |= shard
    of_shards = {file.name for each in shards.values() for file in each}
    others = {name: files[name] for name in files if name not in of_shards}
    manifest = Manifest(
        settings={"sentence_rule": None},
        counts={split: Counts(12, 24, 60, 48, 0, 1) for split in SPLITS},
        shards=shards,
        files=_listed(others),
        unit="word",
        vocabulary_size=6,
        label_names=("a", "b"),
        bad=1,
        source={"bytes": 100},
    )
    return {**files, MANIFEST: manifest.text.encode()}


def _shard(records: list[bytes]) -> bytes:
    from array_record.python.array_record_module import ArrayRecordWriter

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "shard")
        writer = ArrayRecordWriter(str(path), "group_size:1")
        for record in records:
            writer.write(record)
        writer.close()
        return path.read_bytes()


def _array(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def _listed(files: Mapping[str, bytes], rows: int = 0) -> tuple[File, ...]:
    return tuple(
        File(name, rows, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    )
