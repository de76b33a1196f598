"""Matrices of one's own: tables of ratings and sparse matrices in files."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import pathlib
import re
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import scipy.io
import scipy.sparse

from keras_textgen.data.cells import (
    DUPLICATES,
    LARGEST,
    Ratings,
    check_duplicates,
    matrix_cells,
    merge_repeated,
    number_of_text,
    pairs_named,
    ratings_of,
    repeated_pairs,
    wrong_value,
)
from keras_textgen.data.corpus import DataError
from keras_textgen.data.matrix import Matrix, split_cells
from keras_textgen.data.raw_ids import (
    is_missing,
)
from keras_textgen.data.readers.files import decode, read_bytes
from keras_textgen.data.readers.table_header import header_hint

TABLE_FIELDS = ("user", "item", "rating")
# Fields of a table: of the ids of rows and columns, and of the values.
Fields = tuple[str, str, str | None]
_MATRIX_SUFFIXES = (".npz", ".mtx")
_FEWEST = 10
# Numbers, some of which a data frame may have written with a fraction.
_WHOLE_NUMBER = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_ONCE = (
    "allowed: every pair once, or --duplicates="
    f"{', '.join(DUPLICATES[:-1])} or {DUPLICATES[-1]}"
)


# -- Tables -------------------------------------------------------------------


def read_table(
    data_dir: str | os.PathLike | None,
    fields: Fields = TABLE_FIELDS,
    seed: int = 0,
    duplicates: str | None = None,
    feedback: str = "ranking",
) -> Matrix:
    r"""Reads a table of ratings with named columns.

    Ids are text. Where every id of a column is a whole number, `3.0` is `3`.

    Args:
        data_dir: a `.csv` file, or a `.tsv` file with tabs between the columns;
            UTF-8, the names of the columns in the first line, perhaps
            compressed (`.gz`).
        fields: names of the columns with the ids of rows and columns and
            with the values; None in the last place makes every value 1.
            Other columns are left aside.
        seed: of the split.
        duplicates: what becomes of a pair that is given again, as in
            `keras_textgen.data.cells.merge_repeated`; None refuses it.
        feedback: what the values are for, which decides on those allowed, see
            `keras_textgen.data.cells.wrong_value`.

    Returns:
        The matrix; rows and columns in the order in which they occur first.

    Raises:
        DataError: the file cannot be read, a column is missing, a value is no
            finite number or not allowed, an id is missing, or a pair is given
            again.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "ratings.csv")
        >>> lines = ["user,item,rating", *(f"ann,{i},{i}" for i in range(10))]
        >>> _ = path.write_text("\n".join(lines), "utf-8")
        >>> corpus = read_table(path)
        >>> corpus.shape, len(corpus.train)
        ((1, 10), 8)
    """
    check_duplicates(duplicates)
    path = _table_path(data_dir, fields)
    table = _parse(decode(read_bytes(path), path), path, fields)
    cells, row_names, column_names = table.numbered()
    if duplicates is None:
        table.check_pairs(cells)
    merged = merge_repeated(cells, duplicates)
    table.check_values(cells, merged, feedback)
    _check_count(len(merged), path)
    name = path.name.split(".")[0]
    return split_cells(
        name, merged, tuple(row_names), tuple(column_names), seed
    )


@dataclasses.dataclass
class _Table:
    """What the fields of a table hold, line by line.

    Attributes:
        path: of the file, for messages.
        rows: raw ids.
        columns: raw ids.
        values: numbers.
        lines: where each stands in the file.
    """

    path: pathlib.Path
    rows: list[str] = dataclasses.field(default_factory=list)
    columns: list[str] = dataclasses.field(default_factory=list)
    values: list[float] = dataclasses.field(default_factory=list)
    lines: list[int] = dataclasses.field(default_factory=list)

    def numbered(self) -> tuple[Ratings, dict[str, int], dict[str, int]]:
        """The cells, and the number of each raw id of rows and columns."""
        rows, columns = _numbered(self.rows), _numbered(self.columns)
        cells = ratings_of(rows[0], columns[0], self.values)
        return cells, rows[1], columns[1]

    def check_pairs(self, cells: Ratings) -> None:
        """Refuses pairs that are given again, by their lines."""
        again = repeated_pairs(cells)
        if not len(again):
            return
        named = pairs_named(
            f"{self.rows[place]}, {self.columns[place]} (line "
            f"{self.lines[place]}, first {self.lines[first]})"
            for place, first in again
        )
        line = self.lines[again[0, 0]]
        raise DataError(f"{self.path}:{line}: {named} there already; {_ONCE}")

    def check_values(
        self, cells: Ratings, merged: Ratings, feedback: str
    ) -> None:
        """Refuses values that are not allowed, by the line of their pair."""
        wrong = wrong_value(merged.values, feedback)
        if wrong is None:
            return
        place, allowed = wrong
        of_pair = (cells.rows == merged.rows[place]) & (
            cells.columns == merged.columns[place]
        )
        line = self.lines[int(np.argmax(of_pair))]
        raise DataError(
            f"{self.path}:{line}: value {merged.values[place]:g}; allowed "
            f"with --feedback={feedback}: {allowed}"
        )


def _table_path(path: str | os.PathLike | None, fields: Fields) -> pathlib.Path:
    if path is None:
        raise DataError(f"ratings: no data_dir given; {_allowed(fields)}")
    path = pathlib.Path(path)
    if not path.is_file():
        raise DataError(f"{path}: not a file; {_allowed(fields)}")
    return path


def _allowed(fields: Fields) -> str:
    return (
        f"allowed: a table with the columns {', '.join(filter(None, fields))}, "
        "or their names by --row_column, --column_column and --value_column"
    )


def _parse(text: str, path: pathlib.Path, fields: Fields) -> _Table:
    tabs = path.name.removesuffix(".gz").endswith((".tsv", ".tab"))
    records = _records(text, "\t" if tabs else ",", path)
    _, header = next(records, (1, []))
    header = [name.strip() for name in header]
    places = [_place(header, name, path, fields) for name in fields if name]
    table = _Table(path)
    for line, record in records:
        where = f"{path}:{line}"
        if len(record) != len(header):
            raise DataError(
                f"{where}: {len(record)} columns; allowed: {len(header)}, as "
                "in the first line"
            )
        row, column, *values = (record[place].strip() for place in places)
        for field, text in zip(fields, (row, column), strict=False):
            if is_missing(text):
                shown = f" ({text!r})" if text else ""
                raise DataError(
                    f"{where}: {field} is missing{shown}; allowed: an id"
                )
        table.rows.append(row)
        table.columns.append(column)
        table.values.append(finite_number(values[0], where) if values else 1.0)
        table.lines.append(line)
    return table


def _place(
    header: list[str], field: str, path: pathlib.Path, fields: Fields
) -> int:
    """Which column has a name."""
    there = header.count(field)
    if there > 1:
        raise DataError(
            f"{path}:1: {there} columns {field!r}; allowed: one of that name"
        )
    if not there:
        raise DataError(
            f"{path}:1: no column {field!r}; there are "
            f"{', '.join(header) or 'none'}{header_hint(header)}; "
            f"{_allowed(fields)}"
        )
    return header.index(field)


def _records(
    text: str, delimiter: str, path: pathlib.Path
) -> Iterator[tuple[int, list[str]]]:
    """Gives the line and the fields of every record with any."""
    # Strict, as a quote that is never closed would take the lines after it
    # into one field.
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    before = 0
    try:
        for record in reader:
            before = reader.line_num
            if record:
                yield before, record
    except csv.Error as error:
        # A quote may have been opened many lines before.
        raise DataError(
            f"{path}:{before + 1}: {error}; allowed: a table, in which a field "
            "that begins with a quote ends with one, and quotes inside it are "
            "doubled"
        ) from error


def _numbered(ids: list[str]) -> tuple[list[int], dict[str, int]]:
    """The number of each id, and of each raw id."""
    matches = [_WHOLE_NUMBER.fullmatch(each) for each in ids]
    if all(matches):
        ids = [match[1] for match in matches]
    known: dict[str, int] = {}
    return [known.setdefault(each, len(known)) for each in ids], known


def finite_number(text: str, where: str) -> float:
    """A finite number as text.

    Args:
        text: of the number.
        where: file and line, for messages.

    Raises:
        DataError: it is none.

    Example:
        >>> finite_number("3.5", "ratings.csv:2")
        3.5
    """
    found = number_of_text(text)
    # False for NaN, too.
    if not abs(found) <= LARGEST:
        raise DataError(f"{where}: value {text!r}; allowed: a finite number")
    return found


# -- Sparse matrices ----------------------------------------------------------


def read_matrix(
    data_dir: str | os.PathLike | None,
    seed: int = 0,
    duplicates: str | None = None,
    feedback: str = "ranking",
) -> Matrix:
    """Reads a sparse matrix; what is stored are the known cells.

    Args:
        data_dir: a file of `scipy.sparse.save_npz` (`.npz`) or in Matrix Market
            format (`.mtx`); or a folder with `matrix`, and perhaps
            `row_features` and `column_features`, in either format. Values of
            one place of the features are added, as SciPy does.
        seed: of the split.
        duplicates: as in `read_table`.
        feedback: as in `read_table`.

    Returns:
        The matrix; the ids are numbers from 0.

    Raises:
        DataError: a file cannot be used, its shape does not fit, a value is
            not allowed, or a cell is given again.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "ones.npz")
        >>> scipy.sparse.save_npz(path, scipy.sparse.csr_array(np.ones((4, 5))))
        >>> corpus = read_matrix(path)
        >>> corpus.shape, len(corpus.train)
        ((4, 5), 16)
    """
    check_duplicates(duplicates)
    if data_dir is None:
        raise DataError("matrix: no data_dir given; allowed: a .npz or .mtx")
    path = pathlib.Path(data_dir)
    files = {"matrix": path}
    if path.is_dir():
        files = {
            name: path / f"{name}{suffix}"
            for name in ("matrix", "row_features", "column_features")
            for suffix in _MATRIX_SUFFIXES
            if (path / f"{name}{suffix}").is_file()
        }
    if "matrix" not in files:
        raise DataError(f"{path}: allowed: matrix.npz or matrix.mtx in it")
    matrix = _sparse(files["matrix"])
    cells = matrix_cells(matrix)
    if duplicates is None:
        _check_places(cells, files["matrix"])
    else:
        cells = merge_repeated(cells, duplicates)
        places = cells.rows, cells.columns
        matrix = scipy.sparse.coo_array((cells.values, places), matrix.shape)
    # Nothing is added; but in order, the same cells make the same split.
    matrix.sum_duplicates()
    cells = matrix_cells(matrix)
    _check_matrix_values(cells, files["matrix"], feedback)
    _check_count(len(cells), files["matrix"])
    features = {}
    for axis, name in enumerate(("row_features", "column_features")):
        if name in files:
            features[name] = _sparse(files[name]).tocsr()
            rows = features[name].shape[0]
            if rows != matrix.shape[axis]:
                raise DataError(
                    f"{files[name]}: {rows} rows; allowed: "
                    f"{matrix.shape[axis]}, as the matrix"
                )
    row_names, column_names = (
        tuple(map(str, range(size))) for size in matrix.shape
    )
    name = path.name.split(".")[0]
    return split_cells(name, cells, row_names, column_names, seed, **features)


def _check_places(cells: Ratings, path: pathlib.Path) -> None:
    """Refuses places of a matrix that are given again."""
    again = repeated_pairs(cells)
    if not len(again):
        return
    named = pairs_named(
        f"row {cells.rows[place]}, column {cells.columns[place]}"
        for place in again[:, 0]
    )
    # A first line that is given again is the second of the place.
    where = _place_in_file(path, cells, again[0, 0], 1)
    raise DataError(f"{where}: {named} there already; {_ONCE}")


def _check_matrix_values(
    cells: Ratings, path: pathlib.Path, feedback: str
) -> None:
    """Refuses values that are not allowed."""
    wrong = wrong_value(cells.values, feedback)
    if wrong is None:
        return
    place, allowed = wrong
    raise DataError(
        f"{_place_in_file(path, cells, place, 0)}: value "
        f"{cells.values[place]:g} in row {cells.rows[place]}, column "
        f"{cells.columns[place]}; allowed with --feedback={feedback}: {allowed}"
    )


def _place_in_file(
    path: pathlib.Path, cells: Ratings, place: int, occurrence: int
) -> str:
    """The file, and where it has lines for cells, the line of one."""
    if path.suffix == ".npz":
        return str(path)
    row, column = int(cells.rows[place]), int(cells.columns[place])
    lines = _lines_of(read_bytes(path), row + 1, column + 1)
    if not lines:
        return str(path)
    return f"{path}:{lines[min(occurrence, len(lines) - 1)]}"


def _lines_of(content: bytes, row: int, column: int) -> list[int]:
    """The lines of a Matrix Market file that give a place from 1."""
    header, *lines = content.splitlines()
    if b"coordinate" not in header.lower():
        return []
    places = [(row, column)]
    if b"general" not in header.lower():
        # Half of a symmetric matrix stands for the other half.
        places.append((column, row))
    # Before the places stand comments and the size.
    entries = [
        (line, tuple(map(int, text.split()[:2])))
        for line, text in enumerate(lines, 2)
        if text.strip() and not text.startswith(b"%")
    ]
    return [line for line, place in entries[1:] if place in places]


def _sparse(path: pathlib.Path) -> scipy.sparse.coo_array:
    reader = scipy.io.mmread
    if path.suffix == ".npz":
        reader = scipy.sparse.load_npz
    content = io.BytesIO(read_bytes(path))
    try:
        matrix = _with_every_cell(reader(content))
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
            f"{path}: no sparse matrix ({error}); allowed: a .npz of "
            "scipy.sparse.save_npz, or a .mtx"
        ) from error
    if matrix.ndim != 2 or np.iscomplexobj(matrix.data):
        raise DataError(
            f"{path}: no sparse matrix of real numbers ({matrix.ndim} "
            f"dimensions, {matrix.dtype} values); allowed: 2 dimensions, reals"
        )
    # False for NaN, too.
    if not (np.abs(matrix.data) <= LARGEST).all():
        raise DataError(f"{path}: a value is not finite; allowed: numbers")
    return matrix


def _with_every_cell(
    matrix: np.ndarray | scipy.sparse.sparray,
) -> scipy.sparse.coo_array:
    """Zeros that are given stay cells, those of a dense matrix, too."""
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2:
        return scipy.sparse.coo_array(matrix)
    places = tuple(each.ravel() for each in np.indices(matrix.shape))
    return scipy.sparse.coo_array((matrix.ravel(), places), matrix.shape)


# -- What both have in common -------------------------------------------------


def _check_count(cells: int, path: pathlib.Path) -> None:
    if cells < _FEWEST:
        raise DataError(
            f"{path}: {cells} values leave nothing for validation; allowed: "
            f"{_FEWEST} or more"
        )
