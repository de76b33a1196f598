"""A user's own ratings."""

import gzip

import numpy as np
import pytest
import scipy.sparse

from keras_textgen.data.ratings_table import read_ratings
from keras_textgen.data.reading import SPLITS, DataError

COLUMNS = ("user", "film", "stars")
RATINGS = [
    (f"u{user}", str(film), (user + film) % 5)
    for user in range(5)
    for film in range(8, 12)
]
LINES = [f"{film},{stars},{user},?" for user, film, stars in RATINGS]
HEADER = "film,stars,user,note"


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def triples(corpus, split):
    matrix = getattr(corpus, split)
    return [
        (corpus.row_names[row], corpus.column_names[column], value)
        for row, column, value in zip(*matrix.coords, matrix.data, strict=True)
    ]


def all_triples(corpus):
    return sorted(
        triple for split in SPLITS for triple in triples(corpus, split)
    )


def test_a_table(tmp_path):
    path = write(tmp_path / "a.csv", [HEADER, *LINES])
    corpus = read_ratings(path, COLUMNS, seed=2)
    assert (corpus.name, corpus.shape) == ("text", (5, 4))
    assert corpus.row_names == ("u0", "u1", "u2", "u3", "u4")
    assert corpus.column_names == ("8", "9", "10", "11")
    assert [getattr(corpus, split).nnz for split in SPLITS] == [16, 2, 2]
    assert all_triples(corpus) == sorted(RATINGS)
    assert corpus.train.row.dtype == corpus.train.col.dtype == np.int32
    assert corpus.train.dtype == np.float32
    assert (corpus.row_features, corpus.row_feature_names) == (None, ())
    other = read_ratings(path, COLUMNS, seed=3)
    assert triples(other, "test") != triples(corpus, "test")


def test_tabs_quotes_and_gzip(tmp_path):
    expected = read_ratings(write(tmp_path / "a", [HEADER, *LINES]), COLUMNS)
    lines = [line.replace(",", "\t") for line in [HEADER, *LINES]]
    packed = tmp_path / "a.tsv.gz"
    packed.write_bytes(gzip.compress("\r\n".join(lines).encode("utf-8-sig")))
    assert triples(read_ratings(packed, COLUMNS), "test") == triples(
        expected, "test"
    )
    quoted = [line.replace("?", '"so, so\nfar"') for line in LINES]
    path = write(tmp_path / "b.csv", [HEADER, *quoted])
    corpus = read_ratings(path, COLUMNS)
    assert triples(corpus, "valid") == triples(expected, "valid")


def test_tables_that_are_split(tmp_path):
    write(tmp_path / "train.csv", [HEADER, *LINES[:16]])
    write(tmp_path / "test.csv", [HEADER, *LINES[16:]])
    message = f"^{tmp_path}: no valid.csv or valid.tsv; allowed: a .csv"
    with pytest.raises(DataError, match=message):
        read_ratings(tmp_path, COLUMNS)
    valid = write(tmp_path / "valid.tsv", ["user\tfilm\tstars", "u9\t8\t4"])
    corpus = read_ratings(tmp_path, COLUMNS)
    assert triples(corpus, "train") == RATINGS[:16]
    assert triples(corpus, "valid") == [("u9", "8", 4)]
    assert triples(corpus, "test") == RATINGS[16:]
    write(valid, ["user\tfilm\tstars", "u0\t9\t4"])
    message = (
        f"^{valid}:2: row 'u0' and column '9' again, after "
        f"{tmp_path}/train.csv:3; allowed: one value a pair$"
    )
    with pytest.raises(DataError, match=message):
        read_ratings(tmp_path, COLUMNS)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["film,user", "8,u0"],
            ":1: no column 'stars'; allowed: .*: 'film', '",
        ),
        (["film,user,stars,film"], ":1: 2 column 'film'; allowed: "),
        ([HEADER], ": no line after the first; allowed: "),
        ([], ": the file is empty; allowed: "),
        ([HEADER, *LINES, "8,2,u9"], ":22: 3 fields; allowed: 4, as in the "),
        ([HEADER, *LINES, ""], ":22: 0 fields; allowed: 4, as in the first"),
        ([HEADER, *LINES, "8,nan,u9,?"], ":22: the value 'nan'; allowed: a fi"),
        ([HEADER, *LINES, "8,five,u9,?"], ":22: the value 'five'; allowed: a "),
        ([HEADER, *LINES, "8,,u9,?"], ":22: the value ''; allowed: a finite"),
        ([HEADER, *LINES, "8,2, ,?"], ":22: an empty name; allowed: names of"),
        ([HEADER, *LINES, "8,2,u0,?"], ":22: row 'u0' and column '8' again, a"),
        ([HEADER, *LINES, '8,2,u9,"?"x'], ":22: .* expected after .*; allowed"),
        ([HEADER, *LINES[:9]], ": 9 entries leave nothing for validation; al"),
    ],
)
def test_refused_tables(tmp_path, lines, message):
    path = write(tmp_path / "a.csv", lines)
    with pytest.raises(DataError, match=f"^{path}{message}") as error:
        read_ratings(path, COLUMNS)
    assert "\n" not in str(error.value)


def test_refused(tmp_path):
    with pytest.raises(DataError, match=r"^text: no data_dir given; allowed: "):
        read_ratings(None)
    missing = tmp_path / "none"
    with pytest.raises(DataError, match=f"^{missing}: no such file or folder"):
        read_ratings(missing)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_a_matrix(tmp_path, kind):
    dense = np.random.default_rng(0).integers(0, 3, [12, 9])
    path = tmp_path / "counts.npz"
    scipy.sparse.save_npz(path, scipy.sparse.coo_array(dense).asformat(kind))
    corpus = read_ratings(path)
    assert corpus.row_names[-1] == "11"
    total = sum(getattr(corpus, split).toarray() for split in SPLITS)
    np.testing.assert_array_equal(total, dense)
    assert corpus.valid.nnz == np.count_nonzero(dense) // 10
    assert corpus.train.dtype == np.float32


def save(path, values, rows, columns, shape=(4, 5)):
    matrix = scipy.sparse.coo_array((values, (rows, columns)), shape)
    scipy.sparse.save_npz(path, matrix)
    return path


def test_refused_matrices(tmp_path):
    path = tmp_path / "a.npz"
    ones = np.ones(2)
    save(path, np.array([1, np.nan]), [1, 2], [3, 4])
    with pytest.raises(
        DataError, match=f"^{path}: the value nan at row 2 and "
    ):
        read_ratings(path)
    save(path, ones, [1, 1], [3, 3])
    with pytest.raises(
        DataError, match=f"^{path}: two values at row 1 and col"
    ):
        read_ratings(path)
    save(path, ones, [1, 2], [3, 3])
    with pytest.raises(DataError, match=f"^{path}: 2 entries leave nothing"):
        read_ratings(path)
    save(path, ones * 1j, [1, 2], [3, 3])
    with pytest.raises(DataError, match=f"^{path}: no matrix .*complex"):
        read_ratings(path)
    save(path, ones, [1, 2], [3, 3])
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=f"^{path}: no matrix can be read"):
            read_ratings(path)
    np.savez(path, values=ones)
    with pytest.raises(DataError, match=f"^{path}: no matrix can be read"):
        read_ratings(path)
    # A row that is not there.
    good = {"row": [1, 2], "col": [3, 3], "data": ones, "format": b"coo"}
    np.savez(path, **good, shape=[2, 5])
    with pytest.raises(DataError, match=f"^{path}: no matrix .*index"):
        read_ratings(path)
