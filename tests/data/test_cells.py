"""Cells given again, and ids of every type and of none."""

import datetime
import itertools

import numpy as np
import pytest
import scipy.sparse

from keras_textgen.data.cell_columns import DUPLICATES
from keras_textgen.data.cells import (
    LARGEST_SQUARED,
    check_values,
    matrix_cells,
    merge_repeated,
    ratings_of,
    repeated_pairs,
    table_cells,
    table_values,
)
from keras_textgen.data.raw_ids import (
    MISSING_TEXTS,
    numbers_of_ids,
    raw_ids,
)

FIELDS = "user", "film", "stars"


class NAType:
    """As pandas.NA: it refuses to be true or false, also when compared."""

    def __eq__(self, other):
        return self

    __ne__ = __eq__
    __hash__ = None

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")

    def __repr__(self):
        return "<NA>"


def brute_force(cells, duplicates):
    """Pair after pair, in the order of its first place."""
    values = {}
    for row, column, value in zip(
        cells.rows, cells.columns, cells.values, strict=True
    ):
        values.setdefault((int(row), int(column)), []).append(float(value))
    merge = {
        "first": lambda each: each[0],
        "last": lambda each: each[-1],
        "mean": np.mean,
        "sum": np.sum,
    }[duplicates]
    return [(*pair, merge(each)) for pair, each in values.items()]


@pytest.mark.parametrize("duplicates", DUPLICATES)
def test_merging(duplicates):
    generator = np.random.default_rng(0)
    cells = ratings_of(*generator.integers(0, 5, [2, 60]), generator.random(60))
    merged = merge_repeated(cells, duplicates)
    found = list(zip(merged.rows, merged.columns, merged.values, strict=True))
    np.testing.assert_allclose(found, brute_force(cells, duplicates), rtol=1e-6)
    assert merged.rows.dtype == np.int32
    assert merged.values.dtype == np.float32


def test_repeated_pairs():
    pairs = [(0, 1), (1, 0), (0, 1), (1, 1), (0, 1), (1, 0)]
    cells = ratings_of(*zip(*pairs, strict=True), range(6))
    assert repeated_pairs(cells).tolist() == [[2, 0], [4, 0], [5, 1]]
    # Of numbers whose product is beyond 32 bits.
    large = ratings_of([2**31 - 1, 2**31 - 2], [2**31 - 1, 2**31 - 1], [1, 2])
    assert not len(repeated_pairs(large))
    assert merge_repeated(large, None) is large


def test_refused_pairs():
    cells = ratings_of([0, 0, *range(5), *range(5)], [3] * 12, [1] * 12)
    with pytest.raises(
        ValueError,
        match=r"^row 0, column 3; row 0, column 3; row 0, column 3 and 4 more "
        "pairs are given again; allowed: every pair once, or duplicates=first",
    ):
        merge_repeated(cells, None)
    with pytest.raises(ValueError, match="duplicates='max'; al"):
        merge_repeated(cells, "max")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([3, 3.0, np.int64(3), np.float32(3), "3", b"3"], ["3"] * 6),
        (np.array([1.0, 0.0, -2.0]), ["1", "0", "-2"]),
        (np.array([b"ann", b"caf\xc3\xa9"]), ["ann", "café"]),
        (np.array(["ann", "nana"]), ["ann", "nana"]),
        ([2.5, "3.0", "none", True], ["2.5", "3.0", "none", "True"]),
        ([1e20], ["100000000000000000000"]),
        ((each for each in "ab"), ["a", "b"]),
    ],
)
def test_ids_of_every_type(ids, expected):
    assert raw_ids("user", ids) == expected


@pytest.mark.parametrize(
    "missing",
    [
        None,
        float("nan"),
        np.float32("nan"),
        np.datetime64("NaT"),
        NAType(),
        "",
        "  ",
        b"",
        "nan",
        b" NaN ",
        str(None),
        str(NAType()),
        str(np.datetime64("NaT")),
        "NA",
        "NULL",
        r"\N",
    ],
)
def test_missing_ids(missing):
    for ids in ([7, missing], ["ann", missing], np.array([0, missing], object)):
        with pytest.raises(ValueError, match=r"user of place 1 is missing \("):
            raw_ids("user", ids)


def test_what_an_array_makes_of_nan_is_missing():
    ids = np.array(["ann", float("nan")])
    assert ids.dtype.kind == "U"
    with pytest.raises(ValueError, match=r"user of place 1 is missing \('nan'"):
        raw_ids("user", ids)


def test_missing_texts_are_those_of_pandas():
    pandas = pytest.importorskip("pandas")
    from pandas._libs.parsers import STR_NA_VALUES

    assert STR_NA_VALUES <= MISSING_TEXTS
    others = sorted(MISSING_TEXTS - STR_NA_VALUES)
    assert others == ["NaT", r"\N"]
    assert str(pandas.NaT) == "NaT"


def test_a_known_id_is_no_missing_one():
    """Such as a word of a matrix of words."""
    known = ["null", "and", "void", "None"]
    found = numbers_of_ids("word", ["void", "null", b"None"], known)
    assert found.tolist() == [2, 0, 3]
    with pytest.raises(
        ValueError, match=r"word of place 0 is missing \(None\)"
    ):
        numbers_of_ids("word", [None], known)
    with pytest.raises(ValueError, match="word of place 0 is missing \\('NA'"):
        numbers_of_ids("word", ["NA"], known)


@pytest.mark.parametrize(
    ("values", "feedback", "message"),
    [
        ([1, 0], "implicit", "value 0 in row 1, column 0, with feedback=im"),
        (
            [1, -2],
            "implicit",
            "value -2 in .*=implicit; allowed: above 0$",
        ),
        (
            [2, 1e16],
            "implicit",
            r"value 1e\+16 in .*: above 0 to 1e\+15, which",
        ),
        ([2, -1e38], "explicit", r"value -1e\+38 in .*: -1e\+15 to 1e\+15, wh"),
    ],
)
def test_values_that_nothing_is_learnt_from(values, feedback, message):
    cells = ratings_of([0, 1], [0, 0], values)
    with pytest.raises(ValueError, match=message):
        check_values(cells, feedback)
    check_values(cells, "ranking")


def test_the_largest_values_can_be_squared():
    """Summed over more cells than a machine holds, in float32."""
    squared = np.square(np.float32(LARGEST_SQUARED))
    assert np.isfinite(np.float32(1e8) * squared)
    check_values(ratings_of([0], [0], [LARGEST_SQUARED]), "explicit")


def test_dates_are_ids():
    day = datetime.date(2024, 2, 29)
    assert raw_ids("day", [day]) == ["2024-02-29"]


def test_bytes_that_are_no_text():
    with pytest.raises(ValueError, match=r"id b'\\xff' is not UTF-8; allowed"):
        raw_ids("user", [b"\xff"])


def test_numbers_of_ids():
    assert numbers_of_ids("film", [b"b", "a"], ["a", "b"]).tolist() == [1, 0]
    # A model whose ids were once read as they stood.
    assert numbers_of_ids("film", [3.0], ["1.0", "3.0"]).tolist() == [1]
    with pytest.raises(ValueError, match="film '3' is unknown; allowed: the 2"):
        numbers_of_ids("film", [3.0], ["a", "b"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, None], "stars of place 1 is None; allowed: a finite number"),
        ([NAType()], "stars of place 0 is <NA>; allowed"),
        ([1.0, np.nan], "stars of place 1 is nan; allowed"),
        ([-np.inf], "stars of place 0 is -inf; allowed"),
        ([1e39], r"stars of place 0 is 1e\+39; allowed"),
        (["five"], "stars of place 0 is 'five'; allowed"),
        (["1_0"], "stars of place 0 is '1_0'; allowed"),
        ([[1, 2]], r"stars of place 0 is \[1, 2\]; allowed"),
        ([1j], "stars of place 0 is 1j; allowed"),
    ],
)
def test_values_that_are_none(values, message):
    with pytest.raises(ValueError, match=message):
        table_values("stars", values)


def test_values():
    values = table_values("stars", [1, 2.5, "3", b"4", True, np.int8(6)])
    assert values.tolist() == [1, 2.5, 3, 4, 1, 6]
    assert values.dtype == np.float32


def test_a_table():
    table = {"user": [2.0, b"1"], "film": ["x", "y"], "stars": ["4", 0]}
    cells = table_cells(table, FIELDS, ["1", "2"], ["y", "x"])
    found = zip(cells.rows, cells.columns, cells.values, strict=True)
    assert list(found) == [(1, 1, 4), (0, 0, 0)]


def test_a_column_that_is_not_there():
    with pytest.raises(
        ValueError, match="no column 'film' in the data; there are user, name;"
    ):
        table_cells({"user": [1], "name": ["x"]}, FIELDS, ["1"], ["x"])


def test_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"user": [1, 2, 3], "film": ["x", "y", "x"], "stars": [4, 5, 3]}
    )
    # What is left keeps its labels, which are no places.
    frame = frame[frame["user"] > 1].astype({"film": "category"})
    cells = table_cells(frame, FIELDS, ["2", "3"], ["x", "y"])
    found = zip(cells.rows, cells.columns, cells.values, strict=True)
    assert list(found) == [(0, 1, 5), (1, 0, 3)]
    frame["user"] = pandas.array([2, None], dtype="Int64")
    with pytest.raises(
        ValueError, match=r"user of place 1 is missing \(<NA>\)"
    ):
        table_cells(frame, FIELDS, ["2", "3"], ["x", "y"])
    frame = frame.drop(columns="user")
    with pytest.raises(
        ValueError, match="no column 'user' in the data; there are film, stars"
    ):
        table_cells(frame, FIELDS, ["2", "3"], ["x", "y"])


@pytest.mark.parametrize("kind", ["coo", "csr", "csc", "dok"])
def test_cells_of_a_matrix(kind):
    matrix = scipy.sparse.coo_array(np.arange(6).reshape(2, 3))
    cells = matrix_cells(matrix.asformat(kind))
    assert set(zip(cells.rows, cells.columns, cells.values, strict=True)) == {
        (i, j, 3 * i + j)
        for i, j in itertools.product(range(2), range(3))
        if i or j
    }


def test_complex_values():
    with pytest.raises(ValueError, match="complex128 values; allowed: real"):
        matrix_cells(scipy.sparse.coo_array([[1j]]))
