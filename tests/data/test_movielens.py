"""MovieLens 100K: folds, features and refusals."""

import zipfile

import numpy as np
import pytest

from keras_textgen.data.movielens import read_movielens
from keras_textgen.data.reading import DataError

USERS = [
    "1|24|M|artist|85711",
    "2|17|F|other|94043",
    "3|56|F|artist|00000",
]
FILMS = [
    "1|Toy Story (1995)|01-Jan-1995||http://x/|0|1",
    "2|Café|||http://y/|1|0",
    "3|unknown||||0|0",
    "4|Both|||http://z/|1|1",
]


@pytest.fixture
def films(tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    for name, lines in {
        "u.user": USERS,
        "u.item": FILMS,
        "u.genre": ["Drama|0", "Comedy|1", ""],
    }.items():
        text = "".join(f"{line}\n" for line in lines)
        (folder / name).write_text(text, "latin-1")
    pairs = [(user, film) for user in (1, 2, 3) for film in (1, 2, 3, 4)]
    for fold in range(1, 6):
        lines = [f"{u}\t{f}\t{(u * f) % 5 + 1}\t8812509{u}" for u, f in pairs]
        test = lines[fold : fold + 1]
        base = [line for line in lines if line not in test]
        for ending, part in {"base": base, "test": test}.items():
            path = folder / f"u{fold}.{ending}"
            path.write_text("".join(f"{line}\n" for line in part))
    return folder


def test_a_fold(films):
    corpus = read_movielens(films, fold=3, seed=1)
    assert (corpus.name, corpus.shape) == ("ml100k", (3, 4))
    assert corpus.row_names == ("1", "2", "3")
    # The fourth pair: user 1 and film 4.
    assert (corpus.test.row, corpus.test.col) == (0, 3)
    assert corpus.test.data == [5]
    assert (corpus.train.nnz, corpus.valid.nnz) == (10, 1)
    total = sum(
        part.toarray() for part in (corpus.train, corpus.valid, corpus.test)
    )
    expected = np.outer([1, 2, 3], [1, 2, 3, 4]) % 5 + 1
    np.testing.assert_array_equal(total, expected)
    held_out = {
        read_movielens(films, 3, seed).valid.row[0] for seed in range(9)
    }
    assert len(held_out) > 1


def test_features(films):
    corpus = read_movielens(films)
    assert corpus.row_feature_names == (
        "age 0-17",
        "age 18-24",
        "age 56-",
        "gender F",
        "gender M",
        "occupation artist",
        "occupation other",
    )
    np.testing.assert_array_equal(
        corpus.row_features.toarray(),
        [
            [0, 1, 0, 0, 1, 1, 0],
            [1, 0, 0, 1, 0, 0, 1],
            [0, 0, 1, 1, 0, 1, 0],
        ],
    )
    assert corpus.column_feature_names == ("genre Drama", "genre Comedy")
    np.testing.assert_array_equal(
        corpus.column_features.toarray(), [[0, 1], [1, 0], [0, 0], [1, 1]]
    )
    assert corpus.column_features.dtype == np.float32


def test_the_archive(films, tmp_path):
    archive = tmp_path / "beside" / "ml-100k.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as members:
        for path in films.iterdir():
            members.write(path, path.relative_to(tmp_path))
        members.writestr("__MACOSX/ml-100k/._u.user", "not wanted")
    for place in (archive, archive.parent, films.parent):
        corpus = read_movielens(place, fold=2)
        assert corpus.shape == (3, 4)
        assert corpus.test.col.tolist() == [2]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("u1.base", "1\t1\t5\n", r":1: 3 fields; allowed: 4, with '\\t'"),
        (
            "u1.base",
            "1\t1\t5\t8\n9\t1\t5\t8\n",
            ":2: user '9' and film '1'; al",
        ),
        ("u1.test", "1\t5\t5\t8\n", ":1: user '1' and film '5'; allowed: user"),
        ("u1.test", "1\t1\tgood\t8\n", ":1: the value 'good'; allowed: a fin"),
        ("u.user", "1|24|M|artist\n", ":1: 4 fields; allowed: 5, with '|'"),
        ("u.user", "1|old|M|artist|0\n", ":1: the value 'old'; allowed: a fi"),
        ("u.item", "1|Toy Story|||\n", ":1: 5 fields; allowed: 7, with '|'"),
    ],
)
def test_refused_lines(films, name, text, message):
    (films / name).write_text(text)
    message = message.replace("|", r"\|")
    with pytest.raises(DataError, match=f"^{films}: {name}{message}"):
        read_movielens(films)


def test_refused(films):
    (films / "u4.test").unlink()
    with pytest.raises(
        DataError, match=rf"^{films}: u4\.test is missing; allo"
    ):
        read_movielens(films, fold=4)
    with pytest.raises(
        DataError, match=r"^ml100k: no data_dir .*grouplens\.or"
    ):
        read_movielens(None)
