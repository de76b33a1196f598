"""The layouts of MovieLens, on small files of each."""

import zipfile

import numpy as np
import pytest

from keras_textgen.data.corpus import SPLITS, DataError, read_corpus
from keras_textgen.data.readers.movielens import read_movielens

MOVIES = [
    ("10", "Toy Story (1995)", "Animation|Comedy"),
    ("20", 'Café: Noir, "L\'été" (1971)', "Drama"),
    ("30", "Untitled", "(no genres listed)"),
    ("40", "Never rated (2001)", "Western"),
]
RATINGS = [
    (str(user), movie, 0.5 + (user * 3 + place) % 9 / 2, 100 * user + place)
    for user in range(1, 6)
    for place, (movie, _, _) in enumerate(MOVIES[:3])
]
USERS = [(str(user), "FM"[user % 2], "25", str(user)) for user in range(1, 6)]


def quoted(value):
    text = str(value).replace('"', '""')
    return f'"{text}"' if set(text) & set(',"') else text


def write(folder, kind):
    """Files as GroupLens packs them."""
    if kind == "1m":
        lines = {
            "ratings.dat": ["::".join(map(str, row)) for row in RATINGS],
            "movies.dat": ["::".join(row) for row in MOVIES],
            "users.dat": ["::".join((*row, "00000")) for row in USERS],
        }
        encoding = "latin-1"
    elif kind == "10m":
        lines = {
            "ratings.dat": ["::".join(map(str, row)) for row in RATINGS],
            "movies.dat": ["::".join(row) for row in MOVIES],
            "tags.dat": ["1::10::pixar::1"],
        }
        encoding = "utf-8"
    else:
        tables = {
            "ratings.csv": [("userId", "movieId", "rating", "timestamp")],
            "movies.csv": [("movieId", "title", "genres")],
        }
        tables["ratings.csv"] += RATINGS
        tables["movies.csv"] += MOVIES
        lines = {
            name: [",".join(map(quoted, row)) for row in rows]
            for name, rows in tables.items()
        }
        encoding = "utf-8"
    folder.mkdir(parents=True)
    for name, listed in lines.items():
        text = "".join(f"{line}\n" for line in listed)
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def packed(folder):
    path = folder.parent / f"{folder.name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted(folder.iterdir()):
            archive.write(each, f"{folder.name}/{each.name}")
            each.unlink()
    folder.rmdir()
    return path


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("kind", ["1m", "10m", "latest-small"])
def test_layouts(tmp_path, kind, is_packed):
    folder = write(tmp_path / f"ml-{kind}", kind)
    path = packed(folder) if is_packed else folder
    for data_dir in (path, path.parent):
        corpus = read_movielens(data_dir)
        found = {
            (corpus.row_names[row], corpus.column_names[column], value)
            for split in SPLITS
            for row, column, value in zip(
                *vars(getattr(corpus, split)).values(), strict=True
            )
        }
        assert found == {row[:3] for row in RATINGS}
        assert corpus.name == f"ml-{kind}"
        assert corpus.column_names == ("10", "20", "30")
        assert corpus.column_titles == tuple(
            title for _, title, _ in MOVIES[:3]
        )
        # Names of features are sorted: genres, then decades; never Western.
        half, third = 0.5**0.5, 3**-0.5
        expected = np.zeros((3, 5))
        expected[0, [0, 1, 4]] = third
        expected[1, [2, 3]] = half
        np.testing.assert_allclose(
            corpus.column_features.toarray(), expected, rtol=1e-6
        )
        users = corpus.row_features
        assert (users is None) == (kind != "1m")
        if users is not None:
            assert users.shape == (5, 2 + 1 + 5)
            np.testing.assert_allclose((users**2).sum(axis=1), 1, rtol=1e-6)


def test_splits(tmp_path):
    folder = write(tmp_path / "ml-1m", "1m")
    corpus = read_corpus(
        "movielens", "matrices", data_dir=folder, split="leave_last_out"
    )
    columns = [getattr(corpus, split).columns.tolist() for split in SPLITS]
    assert columns == [[0] * 5, [1] * 5, [2] * 5]
    corpus = read_corpus("movielens", "matrices", data_dir=folder, split="time")
    assert corpus.test.rows.tolist() == [4]
    assert corpus.fields == ("user", "item", "rating")


def test_refused(tmp_path):
    with pytest.raises(DataError, match=r"^movielens: no data_dir given; allo"):
        read_movielens(None)
    missing = tmp_path / "no"
    with pytest.raises(DataError, match=f"^{missing}: no such folder; allowed"):
        read_movielens(missing)
    with pytest.raises(
        DataError, match=f"^{tmp_path}: no release there; allow"
    ):
        read_movielens(tmp_path)
    folder = write(tmp_path / "ml-1m", "1m")
    file = folder / "ratings.dat"
    content = file.read_bytes()
    for bad, message in (
        (b"1::2::3\n", ":16: 3 columns; allowed: 4 with '::' between them"),
        (b"1::2::x::4\n", ":16: value 'x'; allowed: a finite number"),
        (b"1::10::3::4\n", r":16: 1, 10 \(line 16, first 1\) is there already"),
    ):
        file.write_bytes(content + bad)
        with pytest.raises(DataError, match=f"^{file}{message}"):
            read_movielens(tmp_path)
    file.write_bytes(content)
    (folder / "movies.dat").rename(folder / "films.dat")
    with pytest.raises(
        DataError, match=f"^{folder}: no movies.dat or movies.c"
    ):
        read_movielens(tmp_path)
    path = tmp_path / "ml-20m.zip"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match=f"^{path}: no .zip, or not whole"):
        read_movielens(path)
