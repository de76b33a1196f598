"""A user's own ratings: tables with named columns, and matrix files."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse

from keras_textgen.data.labels import listing, number_labels, sorted_names
from keras_textgen.data.matrices import (
    RatingsCorpus,
    choose,
    find_twice,
    split_entries,
    to_matrix,
    to_value,
)
from keras_textgen.data.reading import (
    SPLITS,
    DataError,
    decode,
    find_text_file,
    read_bytes,
)

COLUMNS = ("row", "column", "value")
_ENDINGS = (".csv", ".tsv")
_MATRIX_ENDING = ".npz"
_EXPECTED = (
    "a .csv or .tsv file with a header, a folder with train, valid and test "
    "as .csv or .tsv (all also as .gz), or a matrix that scipy.sparse.save_npz "
    "wrote (.npz)"
)


def read_ratings(
    data_dir: str | os.PathLike | None,
    columns: Sequence[str] = COLUMNS,
    seed: int = 0,
) -> RatingsCorpus:
    r"""Reads a table of ratings or a matrix file.

    The first line of a table names its columns, and the three wanted may
    stand in any place among others; if it holds a tab, tabs separate the
    fields, and else commas. Rows and columns of the matrix are in the order of
    their names, whole numbers first, by value. A folder with `train`, `valid`
    and `test` is taken as split; all else is split by `seed`, 80/10/10.

    The rows and columns of a matrix file are named `"0"`, `"1"` and so on.

    Args:
        data_dir: the file or folder.
        columns: names of the columns with the rows, the columns and the values
            of the matrix.
        seed: of the split.

    Returns:
        The corpus, without features.

    Raises:
        DataError: nothing usable is there; a pair of row and column is there
            twice.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "films.csv")
        >>> lines = [f"{i},{'xy'[i % 2]},{i % 5}" for i in range(20)]
        >>> _ = path.write_text("\n".join(["user,film,stars", *lines]))
        >>> corpus = read_ratings(path, ("user", "film", "stars"))
        >>> corpus.shape, corpus.column_names, corpus.train.nnz
        ((20, 2), ('x', 'y'), 16)
    """
    if data_dir is None:
        raise DataError(f"text: no data_dir given; allowed: {_EXPECTED}")
    source = pathlib.Path(data_dir)
    if source.is_dir():
        return _read_tables(_find_splits(source), columns)
    if not source.is_file():
        raise DataError(
            f"{source}: no such file or folder; allowed: {_EXPECTED}"
        )
    if source.suffix == _MATRIX_ENDING:
        matrix = _read_matrix(source)
        names = [tuple(map(str, range(size))) for size in matrix.shape]
    else:
        table = _read_table(source, columns)
        names, (matrix,) = _to_matrices([table])
    return RatingsCorpus(
        "text",
        **split_entries(matrix, seed, source),
        row_names=names[0],
        column_names=names[1],
    )


@dataclasses.dataclass
class _Table:
    """The entries of a file and the lines that they stand in."""

    path: pathlib.Path
    rows: list[str]
    columns: list[str]
    values: list[float]
    lines: list[int]


def _find_splits(folder: pathlib.Path) -> list[pathlib.Path]:
    paths = []
    for split in SPLITS:
        found = [
            path
            for ending in _ENDINGS
            if (path := find_text_file(folder, f"{split}{ending}"))
        ]
        if not found:
            raise DataError(
                f"{folder}: no {split}.csv or {split}.tsv; allowed: {_EXPECTED}"
            )
        paths.append(found[0])
    return paths


def _read_tables(
    paths: Sequence[pathlib.Path], columns: Sequence[str]
) -> RatingsCorpus:
    tables = [_read_table(path, columns) for path in paths]
    (row_names, column_names), matrices = _to_matrices(tables)
    splits = dict(zip(SPLITS, matrices, strict=True))
    return RatingsCorpus(
        "text", **splits, row_names=row_names, column_names=column_names
    )


def _read_table(path: pathlib.Path, columns: Sequence[str]) -> _Table:
    lines = _split_lines(path)
    header = [name.strip() for name in next(lines)[1]]
    for column in columns:
        if header.count(column) != 1:
            raise DataError(
                f"{path}:1: {header.count(column) or 'no'} column {column!r}; "
                f"allowed: one of those there: {listing(header)}"
            )
    places = [header.index(column) for column in columns]
    table = _Table(path, [], [], [], [])
    for line, fields in lines:
        if len(fields) != len(header):
            raise DataError(
                f"{path}:{line}: {len(fields)} fields; "
                f"allowed: {len(header)}, as in the first line"
            )
        row, column, value = (fields[place].strip() for place in places)
        if not row or not column:
            raise DataError(
                f"{path}:{line}: an empty name; allowed: names of a row and of "
                "a column"
            )
        table.rows.append(row)
        table.columns.append(column)
        table.values.append(to_value(value, f"{path}:{line}"))
        table.lines.append(line)
    if not table.lines:
        raise DataError(f"{path}: no line after the first; allowed: 1 or more")
    return table


def _split_lines(path: pathlib.Path) -> Iterator[tuple[int, list[str]]]:
    text = decode(read_bytes(path), path)
    if not text:
        raise DataError(f"{path}: the file is empty; allowed: {_EXPECTED}")
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(
            f"{path}:{reader.line_num}: {error}; allowed: a table of fields"
        ) from error


def _to_matrices(
    tables: Sequence[_Table],
) -> tuple[list[tuple[str, ...]], list[scipy.sparse.coo_array]]:
    """Returns the names of rows and columns, and the matrix of each table."""
    joined = [
        [name for table in tables for name in getattr(table, side)]
        for side in ("rows", "columns")
    ]
    names = [sorted_names(listed) for listed in joined]
    rows, columns = (
        number_labels(listed, ordered)
        for listed, ordered in zip(joined, names, strict=True)
    )
    twice = find_twice(rows, columns)
    if twice:
        places = [
            f"{table.path}:{line}" for table in tables for line in table.lines
        ]
        first, again = (places[entry] for entry in twice)
        row, column = (listed[twice[0]] for listed in joined)
        raise DataError(
            f"{again}: row {row!r} and column {column!r} again, after {first}; "
            "allowed: one value a pair"
        )
    values = [value for table in tables for value in table.values]
    shape = len(names[0]), len(names[1])
    matrix = to_matrix(rows, columns, values, shape)
    ends = np.cumsum([len(table.lines) for table in tables])[:-1]
    parts = np.split(np.arange(matrix.nnz), ends)
    return names, [choose(matrix, part) for part in parts]


def _read_matrix(path: pathlib.Path) -> scipy.sparse.coo_array:
    content = io.BytesIO(read_bytes(path))
    try:
        matrix = scipy.sparse.load_npz(content).tocoo()
        matrix = to_matrix(*matrix.coords, _real(matrix.data), matrix.shape)
    except (
        EOFError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(
            f"{path}: no matrix can be read ({error}); allowed: a real matrix "
            "that scipy.sparse.save_npz wrote"
        ) from error
    for entry in np.flatnonzero(~np.isfinite(matrix.data)):
        row, column = matrix.row[entry], matrix.col[entry]
        raise DataError(
            f"{path}: the value {matrix.data[entry]} at row {row} and column "
            f"{column}; allowed: finite numbers"
        )
    twice = find_twice(matrix.row, matrix.col)
    if twice:
        row, column = matrix.row[twice[0]], matrix.col[twice[0]]
        raise DataError(
            f"{path}: two values at row {row} and column {column}; "
            "allowed: one value a pair"
        )
    return matrix


def _real(values: np.ndarray) -> np.ndarray:
    if np.iscomplexobj(values):
        raise TypeError(f"it has values of type {values.dtype}")
    return values
