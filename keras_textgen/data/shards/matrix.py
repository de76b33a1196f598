"""A prepared matrix: known cells in files that are mapped into memory.

Free of TensorFlow, as the readers are.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.shards.manifest import (
    COLUMNS,
    PARTS_OF_CELLS,
    ROWS,
    CellManifest,
    cells_file,
    check_content,
)
from keras_textgen.data.shards.prepared import Prepared, left_out
from keras_textgen.data.shards.split import mapped


class PreparedCells(Ratings):
    """The cells of a split, by row and in it by column, mapped from files.

    Args:
        folder: of the prepared matrix.
        manifest: of it.
        split: `"train"`, `"valid"` or `"test"`.
        train: the training cells; None for these themselves.

    Attributes:
        shape: rows and columns of the matrix.
        ids_sums: the checksums of the files with the ids of both.
        train: the training cells.

    Raises:
        DataError: of its arrays, if a file cannot be used.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        manifest: CellManifest,
        split: str,
        train: PreparedCells | None = None,
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._split = split
        self._counts = manifest.counts[split]
        self.shape = manifest.shape
        self.ids_sums = tuple(
            manifest.file(name).sha256 for name in (ROWS, COLUMNS)
        )
        self.train = self if train is None else train

    def __len__(self) -> int:
        return self._counts.cells

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._folder)!r}, {self._split!r})"

    @functools.cached_property
    def rows(self) -> np.ndarray:  # type: ignore[override]
        """int32 `[cells]`, mapped; they do not fall."""
        return self._mapped("rows")

    @functools.cached_property
    def columns(self) -> np.ndarray:  # type: ignore[override]
        """int32 `[cells]`, mapped; in a row they rise."""
        return self._mapped("columns")

    @functools.cached_property
    def values(self) -> np.ndarray:  # type: ignore[override]
        """float32 `[cells]`, mapped."""
        return self._mapped("values")

    @property
    def lowest(self) -> float:
        """The lowest value, from the manifest."""
        return self._counts.lowest

    @property
    def highest(self) -> float:
        """The highest value, from the manifest."""
        return self._counts.highest

    @property
    def mean(self) -> float:
        """The mean of the values, from the manifest."""
        return self._counts.mean

    @functools.cached_property
    def starts(self) -> np.ndarray:
        """Where the cells of each row begin, and all end, `[rows + 1]`."""
        rows = np.arange(self.shape[0] + 1, dtype=self.rows.dtype)
        return np.searchsorted(self.rows, rows).astype(np.int64)

    def of_row(self, row: int) -> Ratings:
        """The cells of a row, in the order of their columns."""
        return self.of_rows(np.array([row]))

    def of_rows(self, rows: np.ndarray) -> Ratings:
        """The cells of some rows, one row after the other.

        Args:
            rows: their numbers.
        """
        return self[places_between(self.starts[rows], self.starts[rows + 1])]

    def _mapped(self, part: str) -> np.ndarray:
        name = cells_file(self._split, part)
        kind = PARTS_OF_CELLS[part]
        return mapped(self._folder, self._manifest.file(name), len(self), kind)


def places_between(begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """All places of some stretches, one after the other.

    Args:
        begins: of each stretch.
        ends: the place after each.

    Returns:
        int64.

    Example:
        >>> places_between(np.array([5, 0, 2]), np.array([7, 0, 3])).tolist()
        [5, 6, 2]
    """
    sizes = ends - begins
    before = np.cumsum(sizes) - sizes
    return np.arange(sizes.sum()) + np.repeat(begins - before, sizes)


@dataclasses.dataclass
class PreparedMatrix(Prepared[CellManifest]):
    """A matrix that `python -m keras_textgen.prepare` has written.

    Each split is a `PreparedCells`, which `fit` and `evaluate` of a model of
    matrices take.

    Attributes:
        folder: with the cells.
        manifest: what is known of them.
    """

    # What other matrices may have.
    row_features = column_features = value_range = split_seed = None

    @functools.cached_property
    def row_names(self) -> tuple[str, ...]:
        """The raw id of each row."""
        return self._ids(ROWS, self.shape[0])

    @functools.cached_property
    def column_names(self) -> tuple[str, ...]:
        """The raw id of each column."""
        return self._ids(COLUMNS, self.shape[1])

    @property
    def column_titles(self) -> tuple[str, ...]:
        """What to show of each column: its id."""
        return self.column_names

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return self.manifest.shape

    @property
    def fields(self) -> tuple[str, str, str | None]:
        """What the columns of the tables are called, as `Fields`."""
        return self.manifest.fields

    @property
    def summary(self) -> str:
        """What the folder holds, such as "cells 80 of train, ..."."""
        counts = self.manifest.counts
        listed = (f"{each.cells:,} of {name}" for name, each in counts.items())
        rows, columns = self.shape
        return (
            f"cells {', '.join(listed)}; {counted(rows, 'row')}, "
            f"{counted(columns, 'column')}"
        )

    def _ids(self, name: str, count: int) -> tuple[str, ...]:
        check_content(self.folder, self.manifest.file(name))
        ids = read_ids(self.folder / name)
        if len(ids) != count:
            raise DataError(
                f"{self.folder / name}: {len(ids):,} ids; allowed: {count:,}"
            )
        return ids


def matrix_in(folder: pathlib.Path, manifest: CellManifest) -> PreparedMatrix:
    """The matrix of a folder; no cell is read.

    Args:
        folder: that holds it.
        manifest: of it.
    """
    train = PreparedCells(folder, manifest, SPLITS[0])
    splits = {
        name: PreparedCells(folder, manifest, name, train)
        for name in SPLITS[1:]
    }
    return PreparedMatrix.of_splits(
        folder.resolve().name,
        {SPLITS[0]: train, **splits},
        remarks=_remarks(manifest),
        folder=folder,
        manifest=manifest,
    )


def _remarks(manifest: CellManifest) -> tuple[str, ...]:
    found = left_out(manifest, "matrix")
    if not manifest.merged:
        return found
    return (
        *found,
        "Given again when the matrix was prepared: "
        f"{counted(manifest.merged, 'cell')}, which became one with "
        f"another (--duplicates={manifest.settings.get('duplicates')}).",
    )


def ids_text(ids: Sequence[str]) -> str:
    """The content of a file of ids.

    Example:
        >>> ids_text(["7", "ann"])
        '["7", "ann"]'
    """
    return json.dumps(list(ids), ensure_ascii=False)


def ids_sum(ids: Sequence[str]) -> str:
    """The checksum of a file of ids, in hexadecimal."""
    return hashlib.sha256(ids_text(ids).encode()).hexdigest()


def read_ids(path: pathlib.Path) -> tuple[str, ...]:
    """The ids of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        if not all(isinstance(each, str) for each in found):
            raise TypeError("an id that is no text")
        return tuple(found)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error!s:.80}); allowed: the file as "
            "it was written"
        ) from None
