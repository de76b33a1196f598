"""Matrices of one's own: tables of ratings and sparse matrices in files."""

from __future__ import annotations

import glob
import io
import os
import pathlib
import re

import numpy as np
import scipy.io
import scipy.sparse

from keras_textgen.checks import counted
from keras_textgen.data.cell_columns import TABLE_FIELDS, check_duplicates
from keras_textgen.data.cells import (
    LARGEST,
    Ratings,
    matrix_cells,
    merge_repeated,
    number_of_text,
    pairs_named,
    repeated_pairs,
    wrong_value,
)
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.columns import (
    find_sources,
    read_columns,
    split_of,
)
from keras_textgen.data.formats.streams import read_bytes
from keras_textgen.data.formats.table import LISTED
from keras_textgen.data.matrix import Matrix, split_cells
from keras_textgen.data.readers.archives import ARRAY_DAMAGES
from keras_textgen.data.readers.files import given_path
from keras_textgen.data.splits import check_enough, split_rule
from keras_textgen.data.table_cells import (
    ONCE,
    TIMES,
    Fields,
    matrix_of_columns,
    wanted_of,
)

__all__ = [
    "TABLE_FIELDS",
    "Fields",
    "finite_number",
    "read_matrix",
    "read_table",
]

_MATRIX_SUFFIXES = (".npz", ".mtx")


# -- Tables -------------------------------------------------------------------


def read_table(
    data_dir: str | os.PathLike | None,
    fields: Fields = TABLE_FIELDS,
    seed: int = 0,
    duplicates: str | None = None,
    feedback: str = "ranking",
    time_column: str | None = None,
    split: str | None = None,
) -> Matrix:
    r"""Reads a table of ratings with named columns.

    Ids are text. Where every id of a column is a whole number, `3.0` is `3`.

    Args:
        data_dir: a table of any of the formats of `keras_textgen.data.formats`,
            a folder of such, a pattern such as `data/*.csv`, or `-` for
            standard input.
        fields: names of the columns with the ids of rows and columns and
            with the values; None in the last place makes every value 1.
            Other columns are left aside. Names that others write for
            `user`, `item` and `rating` will do, see `OTHER_NAMES`.
        seed: of the split.
        duplicates: what becomes of a pair that is given again, as in
            `keras_textgen.data.cells.merge_repeated`; None refuses it.
        feedback: what the values are for, which decides on those allowed, see
            `keras_textgen.data.cells.wrong_value`.
        time_column: the column by which is split; `timestamp` if None.
        split: `"random"` (None without a `time_column`), 80/10/10; `"time"`,
            the last tenth for the test and the one before for validation;
            `"leave_last_out"`, the last value of each row, and the one before.

    Returns:
        The matrix; rows and columns in the order in which they occur first.

    Raises:
        DataError: a file cannot be read, a column is missing, a value is no
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
    rule = split_rule(split, time_column)
    given_path("ratings", data_dir, LISTED)
    times = None if rule == "random" else time_column or TIMES
    sources = find_sources(data_dir)
    named = [each.name for each in sources if split_of(each.path)]
    if len({split_of(each.path) for each in sources} - {None}) > 1:
        raise DataError(
            f"{data_dir}: {' and '.join(named[:2])} are named after splits; "
            "allowed: tables of other names, as the program splits them"
        )
    columns = read_columns(sources, wanted_of(fields, times))
    return matrix_of_columns(
        _name(data_dir),
        columns,
        fields,
        rule=rule,
        times=times,
        seed=seed,
        duplicates=duplicates,
        feedback=feedback,
    )


def _name(data_dir: str | os.PathLike) -> str:
    """What the corpus is called in what a run prints."""
    path = pathlib.Path(data_dir)
    is_plain = path.exists() and not glob.has_magic(path.name)
    return path.name.split(".")[0] if is_plain else "ratings"


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
    path = given_path("matrix", data_dir, "a .npz or .mtx")
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
    check_enough(len(cells), "value", files["matrix"])
    features = {}
    for axis, name in enumerate(("row_features", "column_features")):
        if name in files:
            features[name] = _sparse(files[name]).tocsr()
            rows = features[name].shape[0]
            if rows != matrix.shape[axis]:
                raise DataError(
                    f"{files[name]}: {counted(rows, 'row')}; allowed: "
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
    raise DataError(f"{where}: {named} there already; {ONCE}")


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


# Numbers in a line of a .mtx, beside those of its place, by its header.
_FIELDS = {b"pattern": 0, b"complex": 2}
_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+|inf|nan)(?:[eE][-+]?\d+)?"


def _sparse(path: pathlib.Path) -> scipy.sparse.coo_array:
    reader = scipy.io.mmread
    if path.suffix == ".npz":
        reader = scipy.sparse.load_npz
    content = read_bytes(path)
    if reader is scipy.io.mmread:
        _check_lines(path, content)
    try:
        matrix = _with_every_cell(reader(io.BytesIO(content)))
    except ARRAY_DAMAGES as error:
        raise DataError(
            f"{path}: no sparse matrix ({error}); allowed: a .npz of "
            "scipy.sparse.save_npz, or a .mtx"
        ) from error
    if matrix.ndim != 2 or np.iscomplexobj(matrix.data):
        raise DataError(
            f"{path}: no sparse matrix of real numbers ("
            f"{counted(matrix.ndim, 'dimension')} of {matrix.dtype}); allowed: "
            "2 dimensions, reals"
        )
    # False for NaN, too.
    if not (np.abs(matrix.data) <= LARGEST).all():
        raise DataError(f"{path}: a value is not finite; allowed: numbers")
    return matrix


def _check_lines(path: pathlib.Path, content: bytes) -> None:
    """Refuses a .mtx with a line that is no cell.

    Some such lines end the process in SciPy's reader.
    """
    header, _, rest = content.partition(b"\n")
    words = header.lower().split()
    numbers = _FIELDS.get(words[3] if len(words) > 3 else b"", 1)
    places = 2 if b"coordinate" in words else 0
    # Of lines with nothing but spaces, the one of the size is none.
    cell = rb"[ \t]+".join([rb"\d+"] * places + [_NUMBER] * numbers)
    size = rb"\d+[ \t]+\d+(?:[ \t]+\d+)?"
    allowed = b"|".join([rb"%.*", cell, size])
    line = rb"^(?![ \t]*(?:" + allowed + rb")?[ \t]*\r?$).*"
    bad = re.search(line, rest, re.MULTILINE)
    if bad is not None:
        number = 2 + rest.count(b"\n", 0, bad.start())
        shown = bad[0][:40].decode("utf-8", "replace")
        raise DataError(
            f"{path}:{number}: {shown!r} is no cell; allowed: the numbers of "
            f"a row and a column, and {counted(numbers, 'value')}, with "
            "spaces between them"
        )


def _with_every_cell(
    matrix: np.ndarray | scipy.sparse.sparray,
) -> scipy.sparse.coo_array:
    """Zeros that are given stay cells, those of a dense matrix, too."""
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2:
        return scipy.sparse.coo_array(matrix)
    places = tuple(each.ravel() for each in np.indices(matrix.shape))
    return scipy.sparse.coo_array((matrix.ravel(), places), matrix.shape)
