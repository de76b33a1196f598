"""MovieLens 100K (Harper and Konstan 2015), in its five published folds."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re

import numpy as np

from keras_textgen.checks import Numbers, WholeNumbers, check, counted
from keras_textgen.data.cells import Ratings, ratings_of
from keras_textgen.data.corpus import DataError
from keras_textgen.data.matrix import Matrix, one_hot
from keras_textgen.data.readers.archives import Publication
from keras_textgen.data.readers.tables import finite_number

FOLDS = (1, 2, 3, 4, 5)
_PUBLICATION = Publication(
    corpus="ml100k",
    folder="ml-100k",
    marker="u.item",
    archives=("ml-100k.zip",),
    files="u*",
    wanted=re.compile(r"(?:^|/)(u[1-5]\.(?:base|test)|u\.(?:item|user))$"),
    address="https://grouplens.org/datasets/movielens/100k/",
)
_GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
# Of the base file of a fold; what is published was trained on all of it.
_HELD_OUT = 0.05
_SHARES = Numbers(above=0, at_most=0.5)
# Where the age groups of MovieLens begin.
_AGES = (0, 18, 25, 35, 45, 50, 56)


def read_ml100k(
    data_dir: str | os.PathLike | None,
    fold: int = 1,
    seed: int = 0,
    validation_share: float = _HELD_OUT,
) -> Matrix:
    """Reads a published fold of MovieLens 100K with its features.

    Args:
        data_dir: the folder `ml-100k`, a folder that holds it or the archive,
            or the archive, which is read without being extracted.
        fold: 1 to 5: `u1.base` and `u1.test`, and so on.
        seed: of what is held out for validation.
        validation_share: of the base file, how much that is; at most half.

    Returns:
        943 users and 1,682 movies: 76,000, 4,000 and 20,000 ratings of 1 to 5,
        where another share is not asked for.

    Raises:
        DataError: the ratings are missing, or a file cannot be used.
        ValueError: there is no such fold, or share.
    """
    check(WholeNumbers(FOLDS[0], FOLDS[-1]), fold=fold)
    check(_SHARES, validation_share=validation_share)
    source = _PUBLICATION.find(data_dir)
    files = _files(source, fold)

    def lines(name: str, separator: str, fewest: int) -> list[_Line]:
        return _lines(files[name], f"{source}: {name}", separator, fewest)

    users = {
        line.fields[0]: _user_features(line) for line in lines("u.user", "|", 5)
    }
    titles = {}
    movies = {}
    for line in lines("u.item", "|", 5 + len(_GENRES)):
        titles[line.fields[0]] = line.fields[1]
        movies[line.fields[0]] = _movie_features(line)
    numbers = [
        {name: i for i, name in enumerate(ids)} for ids in (users, movies)
    ]
    base, test = (
        _published_ratings(lines(f"u{fold}.{part}", "\t", 4), *numbers)
        for part in ("base", "test")
    )
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(base))
    valid, train = np.split(order, [max(1, int(validation_share * len(base)))])
    return Matrix(
        name=f"ml100k_fold{fold}",
        train=base[np.sort(train)],
        valid=base[np.sort(valid)],
        test=test,
        row_names=tuple(users),
        column_names=tuple(movies),
        column_titles=tuple(titles.values()),
        row_features=one_hot(users.values()),
        column_features=one_hot(movies.values()),
        value_range=(1.0, 5.0),
    )


@dataclasses.dataclass(frozen=True)
class _Line:
    """A line of a published file.

    Attributes:
        where: file and line, for messages.
        fields: what stands between the separators.
    """

    where: str
    fields: list[str]


def _files(source: pathlib.Path, fold: int) -> dict[str, bytes]:
    """The published files, those that a fold is read from among them."""
    files = {
        _PUBLICATION.wanted.search(name)[1]: content
        for name, content in _PUBLICATION.read(source)
    }
    for name in (f"u{fold}.base", f"u{fold}.test", "u.user", "u.item"):
        if name not in files:
            raise DataError(
                f"{source}: no {name} there; allowed: {_PUBLICATION.expected}"
            )
    return files


def _lines(
    content: bytes, source: str, separator: str, fewest: int
) -> list[_Line]:
    """Lines of so many fields or more."""
    # The titles of movies are in Latin-1, in which no byte is invalid.
    text = content.decode("latin-1").rstrip("\n")
    if not text:
        raise DataError(f"{source}: no lines; allowed: 1 or more")
    found = []
    # Not splitlines: it takes a byte of Latin-1 for the end of a line.
    for number, listed in enumerate(text.split("\n"), 1):
        fields = listed.removesuffix("\r").split(separator)
        line = _Line(f"{source}:{number}", fields)
        if len(line.fields) < fewest:
            raise DataError(
                f"{line.where}: {counted(len(line.fields), 'field')}; "
                f"allowed: {fewest} with {separator!r} between them"
            )
        found.append(line)
    return found


def _published_ratings(
    lines: list[_Line], users: dict[str, int], movies: dict[str, int]
) -> Ratings:
    cells = []
    for line in lines:
        user, movie, value, *_ = line.fields
        if user not in users or movie not in movies:
            raise DataError(
                f"{line.where}: user {user}, movie {movie}; allowed: those of "
                "u.user and u.item"
            )
        cells.append(
            (users[user], movies[movie], finite_number(value, line.where))
        )
    return ratings_of(*zip(*cells, strict=True))


def _user_features(line: _Line) -> list[str]:
    _, age, gender, occupation, *_ = line.fields
    years = finite_number(age, line.where)
    group = max(start for start in _AGES if start <= max(years, 0))
    return [f"age {group}", f"gender {gender}", f"occupation {occupation}"]


def _movie_features(line: _Line) -> list[str]:
    # Such as 01-Jan-1995; one movie has none.
    date = line.fields[2]
    decades = [f"decade {date[-4:-1]}0"] if date else []
    marks = line.fields[5:]
    genres = [
        name for name, mark in zip(_GENRES, marks, strict=False) if mark == "1"
    ]
    return [*genres, *decades]
