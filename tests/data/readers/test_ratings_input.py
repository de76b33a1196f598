"""Matrices to factorize: what is read, split and refused."""

import gzip
import re
import zipfile

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.matrix import one_hot
from keras_textgen.data.ratings import load_ratings
from keras_textgen.data.readers.sotu import load_sotu_documents
from keras_textgen.data.readers.tables import read_matrix, read_table
from tests.data.lines import write

FIELDS = ("user", "film", "stars")
RATINGS = [
    (f"u{user}", str(film), (user + film) % 5)
    for user in range(5)
    for film in range(8, 12)
]
HEADER = "film,stars,user,note"
LINES = [f"{film},{stars},{user},?" for user, film, stars in RATINGS]
USERS = ["1|24|M|artist|85711", "2|17|F|other|94043", "3|56|F|artist|00000"]
FILMS = [
    f"{number}|{title}|{date}||http://x/|" + "|".join(genres)
    for number, title, date, genres in (
        (1, "Toy Story (1995)", "01-Jan-1995", "0001" + "0" * 15),
        (2, "Caf\xe9\x85", "01-Jan-1971", "0100" + "0" * 15),
        (3, "unknown", "", "1000" + "0" * 15),
        (4, "Both", "01-Feb-1995", "0101" + "0" * 15),
    )
]


def triples(corpus, split):
    cells = getattr(corpus, split)
    return [
        (corpus.row_names[row], corpus.column_names[column], value)
        for row, column, value in zip(
            cells.rows, cells.columns, cells.values, strict=True
        )
    ]


def whole(corpus):
    return sum(
        getattr(corpus, split).matrix(corpus.shape).toarray()
        for split in SPLITS
    )


def test_a_table(tmp_path):
    path = write(tmp_path / "a.csv", [HEADER, *LINES])
    corpus = read_table(path, FIELDS, seed=2)
    assert corpus.shape == (5, 4)
    assert [len(getattr(corpus, split)) for split in SPLITS] == [16, 2, 2]
    found = [triple for split in SPLITS for triple in triples(corpus, split)]
    assert sorted(found) == sorted(RATINGS)
    assert corpus.train.rows.dtype == corpus.train.columns.dtype == np.int32
    assert corpus.train.values.dtype == np.float32
    assert triples(read_table(path, FIELDS, seed=2), "test") == triples(
        corpus, "test"
    )
    assert triples(read_table(path, FIELDS, seed=3), "test") != triples(
        corpus, "test"
    )


def test_tabs_quotes_and_gzip(tmp_path):
    expected = read_table(write(tmp_path / "a.csv", [HEADER, *LINES]), FIELDS)
    lines = [line.replace(",", "\t") for line in [HEADER, *LINES]]
    packed = tmp_path / "a.tsv.gz"
    packed.write_bytes(gzip.compress("\r\n".join(lines).encode("utf-8-sig")))
    quoted = [line.replace("?", '"so, so\nfar"') for line in LINES]
    path = write(tmp_path / "b.csv", [HEADER, *quoted])
    for place in (packed, path):
        corpus = read_table(place, FIELDS)
        for split in SPLITS:
            assert triples(corpus, split) == triples(expected, split)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["film,user", "8,u0"], ":1: no column 'stars'; there are film, user;"),
        ([], ":1: no column 'user'; there are none; allowed: "),
        ([HEADER], ": 0 values leave nothing for validation; allowed: 10 or"),
        ([HEADER, *LINES[:9]], ": 9 values leave nothing for validation; al"),
        ([HEADER, *LINES, "8,2,u9"], ":22: 3 columns; allowed: 4, as in the f"),
        ([HEADER, *LINES, "8,nan,u9,?"], ":22: value 'nan'; allowed: a finite"),
        ([HEADER, *LINES, "8,1e39,u9,?"], ":22: value '1e39'; allowed: a fini"),
        ([HEADER, *LINES, "8,five,u9,?"], ":22: value 'five'; allowed: a fini"),
        ([HEADER, *LINES, "8,,u9,?"], ":22: value ''; allowed: a finite numb"),
        ([HEADER, *LINES, "8,2, ,?"], ":22: user is missing; allowed: an id"),
        (
            [HEADER, *LINES, "8,2,u0,?"],
            r":22: u0, 8 \(line 22, first 2\) is th",
        ),
        ([HEADER, *LINES, f'8,"{"x" * 200_000}"'], r":22: 2 columns; allowed"),
    ],
)
def test_refused_tables(tmp_path, lines, message):
    path = write(tmp_path / "a.csv", lines)
    with pytest.raises(DataError, match=f"^{path}{message}") as error:
        read_table(path, FIELDS)
    assert "\n" not in str(error.value)


def test_no_table(tmp_path):
    with pytest.raises(
        DataError, match=r"^ratings: no data_dir given; allowed"
    ):
        read_table(None)
    with pytest.raises(
        DataError, match=f"^{tmp_path}: no table in it; allowed: .parquet"
    ):
        read_table(tmp_path)
    with pytest.raises(
        DataError, match=f"^{tmp_path}/a.csv: not a file; allowed: a table"
    ):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "mtx"])
def test_a_matrix(tmp_path, kind):
    dense = np.random.default_rng(0).integers(0, 3, [12, 9])
    matrix = scipy.sparse.coo_array(dense)
    path = tmp_path / f"matrix.{'mtx' if kind == 'mtx' else 'npz'}"
    if kind == "mtx":
        scipy.io.mmwrite(path, matrix)
    else:
        scipy.sparse.save_npz(path, matrix.asformat(kind))
    corpus = read_matrix(path)
    assert corpus.row_names[-1] == "11"
    np.testing.assert_array_equal(whole(corpus), dense)
    assert len(corpus.valid) == np.count_nonzero(dense) // 10
    assert corpus.train.values.dtype == np.float32


def test_features_of_a_matrix(tmp_path):
    ones = scipy.sparse.csr_array(np.ones((4, 5)))
    scipy.sparse.save_npz(tmp_path / "matrix.npz", ones)
    features = scipy.sparse.csr_array(np.eye(4)[:, :3])
    scipy.sparse.save_npz(tmp_path / "row_features.npz", features)
    corpus = read_matrix(tmp_path)
    np.testing.assert_array_equal(
        corpus.row_features.toarray(), features.toarray()
    )
    assert corpus.column_features is None
    path = tmp_path / "column_features.npz"
    scipy.sparse.save_npz(path, features)
    with pytest.raises(DataError, match=f"^{path}: 4 rows; allowed: 5, as the"):
        read_matrix(tmp_path)


def save(path, values, rows=(1, 2), columns=(3, 3), shape=(4, 5)):
    matrix = scipy.sparse.coo_array((values, (rows, columns)), shape)
    scipy.sparse.save_npz(path, matrix)
    return path


def test_refused_matrices(tmp_path):
    path, ones = tmp_path / "a.npz", np.ones(2)
    save(path, np.array([1, np.inf]))
    with pytest.raises(
        DataError, match=f"^{path}: a value is not finite; allo"
    ):
        read_matrix(path)
    save(path, ones)
    with pytest.raises(
        DataError, match=f"^{path}: 2 values leave nothing for "
    ):
        read_matrix(path)
    save(path, ones * 1j)
    with pytest.raises(DataError, match=f"^{path}: no sparse .*complex"):
        read_matrix(path)
    scipy.sparse.save_npz(path, scipy.sparse.coo_array(np.ones(12)))
    with pytest.raises(DataError, match=f"^{path}: no sparse .*1 dimensi"):
        read_matrix(path)
    save(path, ones)
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=f"^{path}: no sparse matrix"):
            read_matrix(path)
    np.savez(path, values=ones)
    with pytest.raises(DataError, match=f"^{path}: no sparse matrix"):
        read_matrix(path)
    # A row that is not there.
    good = {"row": [1, 2], "col": [3, 3], "data": ones, "format": b"coo"}
    np.savez(path, **good, shape=[2, 5])
    with pytest.raises(DataError, match=f"^{path}: no sparse matrix .*index"):
        read_matrix(path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(
        DataError, match=f"^{empty}: allowed: matrix.npz or mat"
    ):
        read_matrix(empty)
    with pytest.raises(
        DataError, match=r"^matrix: no data_dir given; allowed:"
    ):
        read_matrix(None)


def test_a_value_of_zero_is_a_cell():
    cells = Ratings(np.array([0]), np.array([1]), np.array([0.0]))
    assert cells.matrix((1, 2)).nnz == 1


@pytest.fixture
def films(tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    for name, lines in {"u.user": USERS, "u.item": FILMS}.items():
        text = "".join(f"{line}\n" for line in lines)
        (folder / name).write_text(text, "latin-1")
    pairs = [(user, film) for user in (1, 2, 3) for film in (1, 2, 3, 4)]
    for fold in range(1, 6):
        lines = [f"{u}\t{f}\t{(u * f) % 5 + 1}\t8812509{u}" for u, f in pairs]
        test = lines[fold : fold + 1]
        base = [line for line in lines if line not in test]
        write(folder / f"u{fold}.base", base)
        write(folder / f"u{fold}.test", test)
    return folder


def test_a_fold(films):
    corpus = load_ratings("ml100k", films, fold=3, seed=1)
    assert corpus.shape == (3, 4)
    assert corpus.column_titles[1] == "Caf\xe9\x85"
    # The fourth pair: user 1 and film 4.
    assert triples(corpus, "test") == [("1", "4", 5)]
    assert len(corpus.train) + len(corpus.valid) == 11
    expected = np.outer([1, 2, 3], [1, 2, 3, 4]) % 5 + 1
    np.testing.assert_array_equal(whole(corpus), expected)


@pytest.mark.parametrize(("share", "held"), [(0.01, 1), (0.3, 3), (0.5, 5)])
def test_share_of_a_fold_that_is_held_out(films, share, held):
    corpus = load_ratings("ml100k", films, validation_share=share)
    assert (len(corpus.train), len(corpus.valid)) == (11 - held, held)
    assert len(corpus.test) == 1


@pytest.mark.parametrize("share", [0, 0.51, float("nan"), "1"])
def test_refused_shares_of_a_fold(films, share):
    message = f"^validation_share={share!r}; allowed: numbers above 0, at most"
    with pytest.raises(ValueError, match=message):
        load_ratings("ml100k", films, validation_share=share)


def test_features_of_a_fold(films):
    corpus = load_ratings("ml100k", films)
    # Ages 0, 18, 56; genders F, M; occupations artist, other.
    users = [
        [0, 1, 0, 0, 1, 1, 0],
        [1, 0, 0, 1, 0, 0, 1],
        [0, 0, 1, 1, 0, 1, 0],
    ]
    np.testing.assert_allclose(
        corpus.row_features.toarray(), np.array(users) / 3**0.5, rtol=1e-6
    )
    # Action, Animation, decades 1970 and 1990, unknown.
    kinds = np.array(
        [[0, 1, 0, 1, 0], [1, 0, 1, 0, 0], [0, 0, 0, 0, 1], [1, 1, 0, 1, 0]]
    )
    scale = np.sqrt(kinds.sum(1, keepdims=True))
    np.testing.assert_allclose(
        corpus.column_features.toarray(), kinds / scale, rtol=1e-6
    )


def test_the_archive_of_films(films, tmp_path):
    archive = tmp_path / "beside" / "ml-100k.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as members:
        for path in films.iterdir():
            members.write(path, path.relative_to(tmp_path))
        members.writestr("__MACOSX/ml-100k/._u.user", "not wanted")
    for place in (archive, archive.parent, films.parent):
        corpus = load_ratings("ml100k", place, fold=2)
        assert triples(corpus, "test") == [("1", "3", 4)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("u1.base", "1\t1\t5\n", r":1: 3 fields; allowed: 4 with "),
        ("u1.base", "1\t1\t5\t8\n9\t1\t5\t8\n", ":2: user 9, movie 1; allowed"),
        ("u1.test", "1\t5\t5\t8\n", ":1: user 1, movie 5; allowed: those of "),
        ("u1.test", "1\t1\tgood\t8\n", ":1: value 'good'; allowed: a finite"),
        ("u.user", "1|24|M|artist\n", ":1: 4 fields; allowed: 5 with "),
        ("u.user", "1|old|M|artist|0\n", ":1: value 'old'; allowed: a finite"),
        ("u.item", "1|Toy Story|||\n", ":1: 5 fields; allowed: 24 with "),
    ],
)
def test_refused_lines_of_a_fold(films, name, text, message):
    (films / name).write_text(text)
    with pytest.raises(DataError, match=f"^{films}: {name}{message}"):
        load_ratings("ml100k", films)


def test_refused_folds(films):
    (films / "u4.test").unlink()
    with pytest.raises(
        DataError, match=rf"^{films}: no u4\.test there; allowed"
    ):
        load_ratings("ml100k", films, fold=4)
    for fold in (0, 6):
        with pytest.raises(ValueError, match=f"^fold={fold}; allowed: whole"):
            load_ratings("ml100k", films, fold=fold)
    with pytest.raises(
        DataError, match=r"^ml100k: no data_dir .*grouplens\.or"
    ):
        load_ratings("ml100k")
    message = "^dataset='imdb' as matrices; allowed: sotu, prepared, ml100k, "
    with pytest.raises(ValueError, match=message):
        load_ratings("imdb")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "sotu",
            {"fold": 1},
            "fold=1 for sotu as matrices; allowed: None; it ",
        ),
        ("sotu", {"data_dir": "x"}, "data_dir=x for sotu as matrices; allowed"),
        (
            "matrix",
            {"validation_share": 0.1},
            "validation_share=0.1 for matrix",
        ),
        ("matrix", {"time_column": "year"}, "time_column=year for matrix as m"),
        ("ml100k", {"split": "time"}, "split=time for ml100k as matrices; all"),
        ("ml100k", {"duplicates": "sum"}, "duplicates=sum for ml100k as matri"),
        (
            "movielens",
            {"fields": ("a", "b", "c")},
            r"fields=\('a', 'b', 'c'\) ",
        ),
    ],
)
def test_what_a_matrix_has_no_use_for_is_refused(name, given, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        load_ratings(name, **given)


def test_words_of_addresses():
    corpus = load_ratings("sotu", seed=1)
    counts = whole(corpus)
    row = corpus.row_names.index("1863 Lincoln")
    (text,) = (
        document.text.lower()
        for document in load_sotu_documents()
        if (document.year, document.president) == (1863, "Lincoln")
    )
    words = re.findall(r"[a-z']+", text)
    for word in ("emancipation", "slavery", "insurgents"):
        column = corpus.column_names.index(word)
        assert counts[row, column] == words.count(word) > 0
    # Of the known cells, as many are held out as the protocol says.
    cells = np.count_nonzero(counts)
    assert len(corpus.valid) == len(corpus.test) == cells // 10
    addresses = np.count_nonzero(counts, axis=0)
    assert addresses.min() == 5
    assert addresses.max() <= len(corpus.row_names) / 2
    # Party, president and decade of each address.
    np.testing.assert_array_equal(
        np.diff(corpus.row_features.indptr), [3] * len(corpus.row_names)
    )


def test_features_have_the_norm_one():
    features = one_hot([["a", "b", "c", "d"], ["d"], []]).toarray()
    expected = [[0.5] * 4, [0, 0, 0, 1], [0] * 4]
    np.testing.assert_array_equal(features, expected)


def test_real_movielens(shared_data):
    tested = []
    for fold in range(1, 6):
        corpus = load_ratings("ml100k", shared_data, fold=fold)
        assert corpus.shape == (943, 1_682)
        parts = [getattr(corpus, split) for split in SPLITS]
        assert len(parts[0]) + len(parts[1]) == 80_000
        assert len(parts[2]) == 20_000
        cells = [part.rows * 1_682 + part.columns for part in parts]
        assert len(np.unique(np.concatenate(cells))) == 100_000
        tested.append(cells[2])
    # The folds part the ratings.
    assert len(np.unique(np.concatenate(tested))) == 100_000
    values = np.concatenate([part.values for part in parts])
    assert set(values) == {1, 2, 3, 4, 5}
    assert corpus.column_titles[0] == "Toy Story (1995)"
    # As counted with awk: 7 age groups, 2 genders and 21 occupations, of
    # which the first group has 36 users and the first gender 273.
    users = np.count_nonzero(corpus.row_features.toarray(), axis=0)
    assert len(users) == 7 + 2 + 21
    assert (users[0], users[7]) == (36, 273)
