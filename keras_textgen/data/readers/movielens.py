"""MovieLens (Harper and Konstan 2015): 1M, 10M, 20M, 25M, 32M and latest."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import pathlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from keras_textgen.checks import counted
from keras_textgen.data.cell_columns import TABLE_FIELDS
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.columns import Columns, shown_columns
from keras_textgen.data.formats.delimited import read_delimited
from keras_textgen.data.formats.streams import reading_errors
from keras_textgen.data.formats.table import Row, Table
from keras_textgen.data.matrix import Matrix, one_hot
from keras_textgen.data.readers.archives import DAMAGES
from keras_textgen.data.readers.files import given_path
from keras_textgen.data.splits import split_rule
from keras_textgen.data.table_cells import (
    TIMES,
    matrix_of_columns,
    wanted_of,
)

_ADDRESS = "https://grouplens.org/datasets/movielens/"
_ENDINGS = (".dat", ".csv")
# What the columns of files without names are, which `::` divides.
_COLUMNS = {
    "ratings": ("user", "item", "rating", "timestamp"),
    "movies": ("movieId", "title", "genres"),
    "users": ("user", "gender", "age", "occupation", "zip"),
}
_YEAR = re.compile(r"\((\d{3})\d\)\s*$")
_NO_GENRES = "(no genres listed)"
_EXPECTED = (
    "a folder such as ml-1m, ml-10M100K, ml-20m or ml-latest-small, with "
    "ratings.dat and movies.dat or ratings.csv and movies.csv, or its .zip; "
    f"they are at {_ADDRESS}"
)


def read_movielens(
    data_dir: str | os.PathLike | None,
    seed: int = 0,
    feedback: str = "ranking",
    time_column: str | None = None,
    split: str | None = None,
) -> Matrix:
    """Reads the ratings of a release of MovieLens, with genres of the movies.

    Args:
        data_dir: the folder of the release, a folder that holds one such
            folder or archive, or the archive, which is read without being
            extracted.
        seed: of a split at random.
        feedback: as in `readers.tables.read_table`.
        time_column: the column by which is split; there is but `timestamp`.
        split: as in `readers.tables.read_table`.

    Returns:
        The matrix: users and movies in the order in which they occur first;
        the features of movies are genres and decade, those of users, where the
        release has them, gender, age group and occupation.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    rule = split_rule(split, time_column)
    times = None if rule == "random" else time_column or TIMES
    release = _find(data_dir)
    columns = Columns()
    with release.table("ratings") as table:
        columns.read(table, wanted_of(TABLE_FIELDS, times))
    corpus = matrix_of_columns(
        release.name,
        columns,
        TABLE_FIELDS,
        rule=rule,
        times=times,
        seed=seed,
        feedback=feedback,
    )
    titles, genres = _movies(release)
    names = corpus.column_names
    corpus.column_titles = tuple(titles.get(name, name) for name in names)
    corpus.column_features = one_hot(genres.get(name, ()) for name in names)
    if release.has("users"):
        users = _users(release)
        corpus.row_features = one_hot(
            users.get(name, ()) for name in corpus.row_names
        )
    return corpus


@dataclasses.dataclass(frozen=True)
class _Release:
    """A release, extracted or packed.

    Attributes:
        path: the folder, or the archive.
        files: where each file is: a path, or a name in the archive.
    """

    path: pathlib.Path
    files: dict[str, str]

    @property
    def name(self) -> str:
        """As its publisher calls it."""
        return self.path.name.removesuffix(".zip")

    def has(self, what: str) -> bool:
        """Whether there is a file of that kind."""
        return what in self.files

    @contextlib.contextmanager
    def table(self, what: str) -> Iterator[Table]:
        """Opens a file of the release."""
        if what not in self.files:
            raise DataError(
                f"{self.path}: no {what}.dat or {what}.csv there; allowed: "
                f"{_EXPECTED}"
            )
        name = self.files[what]
        shown = str(self.path / name)
        with reading_errors(shown), contextlib.ExitStack() as stack:
            stream: Any
            try:
                if self.path.is_dir():
                    stream = stack.enter_context((self.path / name).open("rb"))
                else:
                    archive = stack.enter_context(zipfile.ZipFile(self.path))
                    stream = stack.enter_context(archive.open(name))
                    shown = f"{self.path}: {name}"
                if name.endswith(".csv"):
                    yield read_delimited(stream, shown)
                else:
                    yield _with_colons(stream, shown, _COLUMNS[what])
            except DAMAGES as error:
                raise DataError(
                    f"{self.path}: the archive is damaged ({error}); allowed: "
                    f"{_EXPECTED}"
                ) from error


def _with_colons(
    stream: io.BufferedReader, name: str, columns: tuple[str, ...]
) -> Table:
    """A table of 1M or 10M: no names, `::` between the columns."""

    def rows(places: Sequence[int]) -> Iterator[Row]:
        for number, line in enumerate(stream, 1):
            # The titles of 1M are in Latin-1, those of 10M in UTF-8.
            fields = _decoded(line).rstrip("\r\n").split("::")
            if len(fields) != len(columns):
                raise DataError(
                    f"{name}:{number}: {counted(len(fields), 'column')}; "
                    f"allowed: {len(columns)} with '::' between them"
                )
            yield number, [fields[place] for place in places]

    return Table(name, columns, rows)


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _find(data_dir: str | os.PathLike | None) -> _Release:
    path = given_path("movielens", data_dir, _EXPECTED)
    if path.is_file():
        return _packed(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; allowed: {_EXPECTED}")
    for folder in (path, *sorted(path.glob("ml-*/"))):
        files = _files(each.name for each in folder.iterdir())
        if "ratings" in files:
            return _Release(folder, files)
    archives = sorted(path.glob("ml-*.zip"))
    if len(archives) != 1:
        problem = f"{len(archives)} archives" if archives else "no release"
        raise DataError(f"{path}: {problem} there; allowed: {_EXPECTED}")
    return _packed(archives[0])


def _packed(path: pathlib.Path) -> _Release:
    try:
        with reading_errors(path), zipfile.ZipFile(path) as archive:
            return _Release(path, _files(archive.namelist()))
    except DAMAGES as error:
        raise DataError(
            f"{path}: no .zip, or not whole ({error}); allowed: {_EXPECTED}"
        ) from error


def _files(names: Iterator[str] | Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        what, ending = os.path.splitext(os.path.basename(name))
        if what in _COLUMNS and ending in _ENDINGS:
            found[what] = name
    return found


def _movies(release: _Release) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Titles, and genres and decade, by the raw ids of movies."""
    titles, features = {}, {}
    with release.table("movies") as table:
        places = [_place(table, each) for each in _COLUMNS["movies"]]
        for _, (movie, title, genres) in table.rows(places):
            titles[movie] = title
            listed = [
                genre for genre in genres.split("|") if genre != _NO_GENRES
            ]
            year = _YEAR.search(title)
            decade = [f"decade {year[1]}0"] if year else []
            features[movie] = [*filter(None, listed), *decade]
    return titles, features


def _users(release: _Release) -> dict[str, list[str]]:
    """Gender, age group and occupation, by the raw ids of users."""
    with release.table("users") as table:
        places = [_place(table, each) for each in _COLUMNS["users"][:4]]
        return {
            user: [f"gender {gender}", f"age {age}", f"occupation {occupation}"]
            for _, (user, gender, age, occupation) in table.rows(places)
        }


def _place(table: Table, column: str) -> int:
    if column not in table.columns:
        raise DataError(
            f"{table.where(1)}: no column {column!r}; there are "
            f"{shown_columns(table.columns)}; allowed: {_EXPECTED}"
        )
    return table.columns.index(column)
