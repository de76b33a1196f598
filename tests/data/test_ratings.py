"""Matrices to factorize: folds, counts, tables and files, and bad ones."""

import gzip
import re

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from keras_textgen.data.corpus import DataError
from keras_textgen.data.ratings import load_ratings
from keras_textgen.data.readers.ml100k import read_ml100k
from keras_textgen.data.readers.tables import read_matrix, read_table

FIELDS = ("who", "what", "stars")


def published(folder, **files):
    """The files of MovieLens with 2 users, 3 movies and 40 + 2 ratings."""
    contents = {
        "u.user": "1|24|M|writer|85711\n2|53|F|other|94043\n",
        "u.item": "".join(
            f"{i}|Caf\xe9 {i}|01-Jan-199{i}||http://x|" + "|".join(marks) + "\n"
            for i, marks in enumerate(["01" + "0" * 17, "1" + "0" * 18], 1)
        ),
        "u2.base": "".join(
            f"{1 + i % 2}\t1\t{1 + i % 5}\t0\n" for i in range(40)
        ),
        "u2.test": "1\t2\t5\t0\n2\t2\t1\t0\n",
    }
    folder.mkdir(exist_ok=True)
    for name, content in {**contents, **files}.items():
        (folder / name).write_text(content, "latin-1")
    return folder


def as_set(cells):
    return set(zip(cells.rows, cells.columns, cells.values, strict=True))


def test_fold_with_features(tmp_path):
    corpus = read_ml100k(published(tmp_path / "ml-100k").parent, fold=2)
    assert corpus.name == "ml100k_fold2"
    assert corpus.shape == (2, 2)
    assert (len(corpus.train), len(corpus.valid)) == (38, 2)
    assert as_set(corpus.test) == {(0, 1, 5.0), (1, 1, 1.0)}
    assert corpus.column_titles == ("Café 1", "Café 2")
    # age 18 and 50, F and M, other and writer: each has the norm 1.
    third = 3**-0.5
    np.testing.assert_allclose(
        corpus.row_features.toarray(),
        third * np.array([[1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 1, 0]]),
        rtol=1e-6,
    )
    # Action, the decade they share, unknown.
    np.testing.assert_allclose(
        corpus.column_features.toarray(),
        2**-0.5 * np.array([[1, 1, 0], [0, 1, 1]]),
        rtol=1e-6,
    )
    assert corpus.value_range == (1, 5)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"u2.test": "1\t9\t5\t0\n"}, "u2.test:1: user 1, movie 9; allowed:"),
        ({"u2.test": "1\t1\tgood\t0\n"}, "u2.test:1: value 'good'; allowed:"),
        ({"u2.base": "1\t1\t5\n"}, "u2.base:1: 3 fields; allowed: 4"),
        ({"u.user": "1|old|M|writer|1\n"}, "u.user:1: value 'old'; allowed:"),
        ({"u2.test": ""}, "u2.test: no lines; allowed: 1 or more"),
    ],
)
def test_bad_fold(tmp_path, files, message):
    folder = published(tmp_path / "ml-100k", **files)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_ml100k(folder, fold=2)
    assert "\n" not in str(caught.value)


def test_missing_files(tmp_path):
    folder = published(tmp_path / "ml-100k")
    with pytest.raises(DataError, match=r"no u3\.base there; allowed: the f"):
        read_ml100k(folder, fold=3)
    with pytest.raises(ValueError, match="fold=6; allowed: whole numbers, 1"):
        read_ml100k(folder, fold=6)
    with pytest.raises(ValueError, match="dataset='films' as matrices; allow"):
        load_ratings("films")


def test_published_folds(shared_data):
    folds = [load_ratings("ml100k", shared_data, fold=i) for i in (1, 5)]
    for corpus in folds:
        assert corpus.shape == (943, 1682)
        sizes = [
            len(each) for each in (corpus.train, corpus.valid, corpus.test)
        ]
        assert sizes == [76_000, 4_000, 20_000]
        everything = as_set(corpus.train) | as_set(corpus.valid)
        assert len(everything | as_set(corpus.test)) == 100_000
    assert not as_set(folds[0].test) & as_set(folds[1].test)
    # The mean that the publisher's data have: 3.53.
    assert np.mean(folds[0].test.values) == pytest.approx(3.53, abs=0.1)
    assert folds[0].column_titles[0] == "Toy Story (1995)"


def test_counts_of_words():
    corpus = load_ratings("sotu")
    cells = [corpus.train, corpus.valid, corpus.test]
    counts = sum(each.matrix(corpus.shape) for each in cells)
    lincoln = corpus.row_names.index("1863 Lincoln")
    proclamation = corpus.column_names.index("emancipation")
    assert counts[lincoln, proclamation] >= 5
    addresses = np.diff(counts.tocsc().indptr)
    assert addresses.min() >= 5
    assert addresses.max() <= len(corpus.row_names) / 2
    assert counts.data.min() == 1
    shares = np.array([len(each) for each in cells]) / counts.nnz
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=1e-4)
    np.testing.assert_allclose(
        corpus.row_features.power(2).sum(axis=1), 1, rtol=1e-6
    )


def write_table(path, separator=","):
    lines = ["stars,who,when,what"]
    lines += [f"{i / 2},ann,,film {i}" for i in range(9)] + ["4,bob,,film 3"]
    text = "\n".join(lines).replace(",", separator)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize(
    ("name", "separator"), [("r.csv", ","), ("r.tsv.gz", "\t")]
)
def test_table(tmp_path, name, separator):
    path = write_table(tmp_path / name, separator)
    corpus = load_ratings("ratings", path, fields=FIELDS)
    assert corpus.name == "r"
    assert corpus.row_names == ("ann", "bob")
    cells = [corpus.train, corpus.valid, corpus.test]
    assert [len(each) for each in cells] == [8, 1, 1]
    expected = {(0, i, i / 2) for i in range(9)} | {(1, 3, 4.0)}
    assert set.union(*map(as_set, cells)) == expected


def test_table_without_values(tmp_path):
    path = write_table(tmp_path / "r.csv")
    corpus = read_table(path, ("who", "what", None))
    assert corpus.train.values.tolist() == [1] * 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: no column 'who'; there are none"),
        ("who,what", ":1: no column 'stars'; there are who, what"),
        ("who,what,stars\na,b", ":2: 2 columns; allowed: 3"),
        ("who,what,stars\na,,3", ":2: what is missing; allowed"),
        ("who,what,stars\na,b,nan", ":2: value 'nan'; allowed: a finite"),
        (
            "who,what,stars\na,b,1\na,b,2",
            ":3: a, b (line 3, first 2) is there already",
        ),
        ("who,what,stars\na,b,1", ": 1 value leaves nothing for validation"),
    ],
)
def test_bad_table(tmp_path, text, message):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(
        DataError, match=re.escape(f"{path}{message}")
    ) as caught:
        read_table(path, FIELDS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".mtx"])
def test_matrix_with_features(tmp_path, suffix):
    matrices = {
        "matrix": scipy.sparse.csr_array(np.arange(12).reshape(3, 4)),
        "column_features": scipy.sparse.csr_array(np.eye(4)),
    }
    for name, matrix in matrices.items():
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".npz":
            scipy.sparse.save_npz(path, matrix)
        else:
            scipy.io.mmwrite(path, matrix)
    corpus = read_matrix(tmp_path)
    assert corpus.shape == (3, 4)
    cells = [as_set(each) for each in (corpus.train, corpus.valid, corpus.test)]
    assert set.union(*cells) == {(i // 4, i % 4, i) for i in range(1, 12)}
    assert corpus.row_features is None
    np.testing.assert_array_equal(corpus.column_features.toarray(), np.eye(4))


def test_bad_matrix(tmp_path):
    with pytest.raises(DataError, match=r"allowed: matrix\.npz or matrix\.mtx"):
        read_matrix(tmp_path)
    path = tmp_path / "matrix.npz"
    path.write_bytes(b"no matrix")
    with pytest.raises(DataError, match="no sparse matrix"):
        read_matrix(path)
    scipy.sparse.save_npz(path, scipy.sparse.csr_array([[np.nan]]))
    with pytest.raises(DataError, match="a value is not finite"):
        read_matrix(path)
    scipy.sparse.save_npz(path, scipy.sparse.csr_array(np.ones((4, 4))))
    scipy.sparse.save_npz(
        tmp_path / "row_features.npz", scipy.sparse.csr_array(np.eye(3))
    )
    with pytest.raises(DataError, match=r"3 rows; allowed: 4, as the matrix"):
        read_matrix(tmp_path)
