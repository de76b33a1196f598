"""Tables and matrices of one's own: pairs given again, ids, first lines."""

import gzip
import itertools
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from keras_textgen.data.cell_columns import DUPLICATES
from keras_textgen.data.ratings import load_ratings
from keras_textgen.data.readers.files import SPLITS, DataError
from keras_textgen.data.readers.tables import (
    read_matrix,
    read_table,
)
from tests.data.lines import write

HEADER = "user,item,rating"
LINES = [f"{i % 3},f{i},{i % 5}" for i in range(30)]
MERGED = {"first": 1.0, "last": 4.0, "mean": 3.0, "sum": 9.0}


def values_of(corpus):
    """The value of every pair of raw ids."""
    values = {}
    for split in SPLITS:
        cells = getattr(corpus, split)
        for row, column, value in zip(
            cells.rows, cells.columns, cells.values, strict=True
        ):
            pair = corpus.row_names[row], corpus.column_names[column]
            assert pair not in values
            values[pair] = float(value)
    return values


# -- Pairs given again ---------------------------------------------------------


@pytest.mark.parametrize("duplicates", DUPLICATES)
def test_merged_in_a_table(tmp_path, duplicates):
    again = ["2,f5,4", "2,f5,4"]
    lines = [HEADER, *LINES, *again]
    lines[6] = "2,f5,1"
    path = write(tmp_path / "a.csv", lines)
    found = values_of(load_ratings("ratings", path, duplicates=duplicates))
    expected = values_of(read_table(write(tmp_path / "b.csv", lines[:-2])))
    assert found == expected | {("2", "f5"): MERGED[duplicates]}


def test_refused_in_a_table(tmp_path):
    again = [LINES[0], LINES[0], *LINES[3:6]]
    path = write(tmp_path / "a.csv", [HEADER, *LINES, *again])
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(error.value) == (
        f"{path}:32: 0, f0 (line 32, first 2); 0, f0 (line 33, first 2); "
        "0, f3 (line 34, first 5) and 2 more pairs are there already; "
        "allowed: every pair once, or --duplicates=first, last, mean or sum"
    )
    with pytest.raises(ValueError, match="duplicates='any'; al"):
        read_table(path, duplicates="any")


@pytest.fixture(params=["mtx", "npz", "symmetric"])
def doubled(request, tmp_path):
    """A matrix of 5 rows and columns with a place given three times."""
    pairs = [*itertools.product(range(5), range(5))]
    if request.param == "symmetric":
        pairs = [(i, j) for i, j in pairs if i > j]
    values = [float(i + 1) for i in range(len(pairs))]
    place = pairs.index((3, 1))
    values[place] = 1.0
    pairs, values = [*pairs, (3, 1), (3, 1)], [*values, 4.0, 4.0]
    if request.param == "npz":
        path = tmp_path / "a.npz"
        matrix = scipy.sparse.coo_array((values, np.transpose(pairs)), (5, 5))
        scipy.sparse.save_npz(path, matrix)
        return path, f"{path}: row 3, column 1; row 3, column 1 are there alre"
    kind = "symmetric" if request.param == "symmetric" else "general"
    lines = [
        f"%%MatrixMarket matrix coordinate real {kind}",
        "% a comment",
        f"5 5 {len(pairs)}",
        *(f"{i + 1} {j + 1} {v}" for (i, j), v in zip(pairs, values)),  # noqa: B905
    ]
    path = write(tmp_path / "a.mtx", lines)
    line = 3 + len(pairs) - 1
    return path, f"{path}:{line}: row 3, column 1; row 3, column 1"


@pytest.mark.parametrize("duplicates", DUPLICATES)
def test_merged_in_a_matrix(doubled, duplicates):
    path, message = doubled
    found = values_of(load_ratings("matrix", path, duplicates=duplicates))
    assert found["3", "1"] == MERGED[duplicates]
    with pytest.raises(DataError) as error:
        read_matrix(path)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_zeros_of_a_matrix_are_cells(tmp_path):
    dense = np.arange(12.0).reshape(3, 4)
    places = np.indices((3, 4)).reshape(2, -1)
    matrix = scipy.sparse.coo_array((dense.ravel(), places), (3, 4))
    scipy.sparse.save_npz(tmp_path / "a.npz", matrix)
    scipy.io.mmwrite(tmp_path / "a.mtx", matrix)
    scipy.io.mmwrite(tmp_path / "dense.mtx", dense)
    for name in ("a.npz", "a.mtx", "dense.mtx"):
        assert values_of(read_matrix(tmp_path / name))["0", "0"] == 0
        assert len(values_of(read_matrix(tmp_path / name))) == 12


# -- Ids -----------------------------------------------------------------------


def test_whole_numbers_with_a_fraction(tmp_path):
    lines = [f"{i % 4}{'.0' * (i % 2)},{i % 7}.5,{i}" for i in range(28)]
    corpus = read_table(write(tmp_path / "a.csv", [HEADER, *lines]))
    assert corpus.row_names == ("0", "1", "2", "3")
    assert corpus.column_names[:2] == ("0.5", "1.5")
    # Beside text, a number is text.
    lines[0] = "ann,0.5,0"
    corpus = read_table(write(tmp_path / "a.csv", [HEADER, *lines]))
    assert corpus.row_names == ("ann", "1.0", "2", "3.0", "0")


def test_zeros_in_front_stay(tmp_path):
    lines = [f"0{i % 2},{i},1" for i in range(20)]
    corpus = read_table(write(tmp_path / "a.csv", [HEADER, *lines]))
    assert corpus.row_names == ("00", "01")


# -- What is refused, and how early --------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["who,item,rating"], ":1: no column 'user'; there are who, item, rat"),
        (
            ["196,242,3", "186,302,3"],
            ":1: no column 'user'; there are 196, 242, 3 (numbers are no "
            "names: the first line has to name the columns); allowed: a tabl",
        ),
        (
            ["196\t242\t3"],
            ":1: no column 'user'; there are 196, 242, 3 (numbers are no ",
        ),
        (["user,item,user,rating"], ":1: 2 columns 'user'; allowed: one of th"),
        ([HEADER, *LINES, ",f1,3"], ":32: user is missing; allowed: an id"),
        ([HEADER, *LINES, "1, ,3"], ":32: item is missing; allowed: an id"),
        (
            [HEADER, *LINES, "nan,g,3", "1,h,3"],
            ":32: user is missing ('nan'); allowed: an id",
        ),
        (
            [HEADER, *LINES, "1, <NA>,3"],
            ":32: item is missing ('<NA>'); allowed: an id",
        ),
        ([HEADER, *LINES, "1,g,inf"], ":32: value 'inf'; allowed: a finite"),
        ([HEADER, *LINES, "1,g,NaN"], ":32: value 'NaN'; allowed: a finite"),
        ([HEADER, *LINES, "1,g,1_0"], ":32: value '1_0'; allowed: a finite"),
        ([HEADER, *LINES, "1,g"], ":32: 2 columns; allowed: 3, as in the fi"),
        ([HEADER, *LINES[:4]], ": 4 values leave nothing for validation; all"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_by_line(tmp_path, lines, message):
    path = write(tmp_path / "a.csv", lines)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for place in (path, packed):
        with pytest.raises(DataError) as error:
            read_table(place)
        assert str(error.value).startswith(f"{place}{message}")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "feedback", "message"),
    [
        (
            "1,g,0",
            "implicit",
            ":32: value 0; allowed with --feedback=implicit: ",
        ),
        (
            "1,g,-1.5",
            "implicit",
            ":32: value -1.5; allowed with --feedback=imp",
        ),
        (
            "1,g,1e38",
            "explicit",
            ":32: value 1e+38; allowed with --feedback=ex",
        ),
        (
            "1,g,1e38",
            "implicit",
            ":32: value 1e+38; allowed with --feedback=im",
        ),
    ],
)
def test_values_that_a_feedback_refuses(tmp_path, line, feedback, message):
    lines = [HEADER, *(each[:-1] + "2" for each in LINES), line]
    path = write(tmp_path / "a.csv", lines)
    with pytest.raises(DataError) as error:
        read_table(path, feedback=feedback)
    assert str(error.value).startswith(f"{path}{message}")
    assert len(read_table(path, feedback="ranking").train) == 25


def test_values_of_a_pair_are_judged_when_they_are_merged(tmp_path):
    """What was bought and given back is no occurrence; one left of two is."""
    lines = [each[:-1] + "2" for each in LINES]
    again = ["2,f5,-1", "0,f6,-2"]
    path = write(tmp_path / "a.csv", [HEADER, *lines, *again[:1]])
    corpus = read_table(path, duplicates="sum", feedback="implicit")
    assert values_of(corpus)["2", "f5"] == 1
    path = write(tmp_path / "a.csv", [HEADER, *lines, *again])
    with pytest.raises(
        DataError, match=f"^{path}:8: value 0; allowed with --f"
    ):
        read_table(path, duplicates="sum", feedback="implicit")


def test_values_of_a_matrix_that_a_feedback_refuses(tmp_path):
    matrix = scipy.sparse.coo_array(np.arange(1.0, 21).reshape(4, 5))
    matrix.data[7] = -3
    for suffix in ("npz", "mtx"):
        path = tmp_path / f"a.{suffix}"
        line = ""
        if suffix == "npz":
            scipy.sparse.save_npz(path, matrix)
        else:
            scipy.io.mmwrite(path, matrix)
            (number,) = (
                number
                for number, text in enumerate(path.read_text().splitlines(), 1)
                if text.startswith("2 3 ")
            )
            line = f":{number}"
        with pytest.raises(
            DataError, match=f"^{path}{line}: value -3 in row 1, column 2; all"
        ):
            read_matrix(path, feedback="implicit")
        read_matrix(path, feedback="explicit")
    # Of a dense one, a value has a line, but no place.
    path = tmp_path / "b.mtx"
    scipy.io.mmwrite(path, matrix.toarray())
    with pytest.raises(
        DataError, match=f"^{path}: value -3 in row 1, column 2"
    ):
        read_matrix(path, feedback="implicit")


def test_no_tensorflow(tmp_path):
    path = write(tmp_path / "a.csv", [HEADER, *LINES])
    code = (
        "import sys\n"
        "from keras_textgen.data.ratings import load_ratings\n"
        "load_ratings('ratings', sys.argv[1])\n"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()\n"
    )
    root = pathlib.Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code, path], check=True, cwd=root)


# -- What would be lost without a word -----------------------------------------


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("quoted", [(5,), (5, 20)])
def test_a_quote_that_is_not_closed(tmp_path, separator, quoted):
    """It would take the lines below into one field."""
    lines = [HEADER + ",note", *(f"{line},x" for line in LINES)]
    for place in quoted:
        lines[place] = lines[place][:-1] + '"he said'
    lines = [line.replace(",", separator) for line in lines]
    path = tmp_path / f"a.{'csv' if separator == ',' else 'tsv'}"
    with pytest.raises(DataError, match=f"^{path}:6: .*; allowed: .* quote"):
        read_table(write(path, lines))
