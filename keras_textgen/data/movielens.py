"""MovieLens 100K (Harper and Konstan, 2015), in its five published folds."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np
import scipy.sparse

from keras_textgen.data.archives import Publication
from keras_textgen.data.matrices import (
    RatingsCorpus,
    choose,
    one_hot,
    to_matrix,
    to_value,
)
from keras_textgen.data.reading import DataError, split_rows

FOLDS = range(1, 6)
_PUBLICATION = Publication(
    corpus="ml100k",
    folder="ml-100k",
    marker="u.item",
    archives=("ml-100k.zip",),
    files="u*",
    wanted=re.compile(r"(?:^|/)(u\.user|u\.item|u\.genre|u[1-5]\.\w+)$"),
    address="https://grouplens.org/datasets/movielens/100k/",
)
# The age groups of the later MovieLens data sets, by their first year.
_AGES = (0, 18, 25, 35, 45, 50, 56)
_AGE_NAMES = ("0-17", "18-24", "25-34", "35-44", "45-49", "50-55", "56-")
_FILM_FIELDS = 5


def read_movielens(
    data_dir: str | os.PathLike | None, fold: int = 1, seed: int = 0
) -> RatingsCorpus:
    """Reads one of the five folds, with what is known of users and films.

    Args:
        data_dir: the folder `ml-100k`, a folder that holds it or the archive,
            or the archive, which is read without being extracted.
        fold: 1 to 5: `u1.base` is for training, `u1.test` for the test.
        seed: of the 10 % of the training ratings that are held out for
            validation.

    Returns:
        72,000, 8,000 and 20,000 ratings from 1 to 5 of 1,682 films (columns)
        by 943 users (rows). The features of users are their age group, gender
        and occupation, those of films their genres.

    Raises:
        DataError: the files are missing or cannot be used.
    """
    source = _PUBLICATION.find(data_dir)
    files = {
        _PUBLICATION.wanted.search(name)[1]: (f"{source}: {name}", content)
        for name, content in _PUBLICATION.read(source)
    }
    genres = [name for name, _ in _fields(files, "u.genre", "|", 2, source)]
    users = _fields(files, "u.user", "|", 5, source)
    film_fields = _FILM_FIELDS + len(genres)
    films = _fields(files, "u.item", "|", film_fields, source)
    user_ids = tuple(fields[0] for fields in users)
    film_ids = tuple(fields[0] for fields in films)
    row_features, row_feature_names = _user_features(users, files["u.user"][0])
    of_genres = np.array([fields[_FILM_FIELDS:] for fields in films]) == "1"
    matrices = {}
    for name in (f"u{fold}.base", f"u{fold}.test"):
        ratings = _fields(files, name, "\t", 4, source)
        matrices[name] = _to_matrix(ratings, user_ids, film_ids, files[name][0])
    base, test = matrices.values()
    train, valid = split_rows(base.nnz, seed, held_out_parts=1)
    return RatingsCorpus(
        "ml100k",
        choose(base, train),
        choose(base, valid),
        test,
        row_names=user_ids,
        column_names=film_ids,
        row_features=row_features,
        column_features=scipy.sparse.csr_array(of_genres.astype(np.float32)),
        row_feature_names=row_feature_names,
        column_feature_names=tuple(f"genre {genre}" for genre in genres),
    )


def _fields(
    files: Mapping[str, tuple[str, bytes]],
    name: str,
    separator: str,
    count: int,
    source: pathlib.Path,
) -> list[list[str]]:
    if name not in files:
        raise DataError(
            f"{source}: {name} is missing; allowed: {_PUBLICATION.expected}"
        )
    place, content = files[name]
    # Of all files, some titles of films are not in ASCII.
    text = content.decode("latin-1").replace("\r\n", "\n").rstrip("\n")
    lines = [line.split(separator) for line in text.split("\n")]
    for number, fields in enumerate(lines, 1):
        if len(fields) != count:
            raise DataError(
                f"{place}:{number}: {len(fields)} fields; "
                f"allowed: {count}, with {separator!r} between them"
            )
    return lines


def _user_features(
    users: list[list[str]], place: str
) -> tuple[scipy.sparse.csr_array, tuple[str, ...]]:
    ages = [
        to_value(age, f"{place}:{line}")
        for line, (_, age, *_) in enumerate(users, 1)
    ]
    groups = np.searchsorted(_AGES, ages, "right") - 1
    return one_hot(
        {
            "age": [_AGE_NAMES[group] for group in groups],
            "gender": [gender for _, _, gender, *_ in users],
            "occupation": [occupation for *_, occupation, _ in users],
        }
    )


def _to_matrix(
    ratings: list[list[str]],
    user_ids: tuple[str, ...],
    film_ids: tuple[str, ...],
    place: str,
) -> scipy.sparse.coo_array:
    users = {name: number for number, name in enumerate(user_ids)}
    films = {name: number for number, name in enumerate(film_ids)}
    for line, (user, film, _, _) in enumerate(ratings, 1):
        if user not in users or film not in films:
            raise DataError(
                f"{place}:{line}: user {user!r} and film {film!r}; "
                "allowed: users of u.user and films of u.item"
            )
    return to_matrix(
        [users[user] for user, *_ in ratings],
        [films[film] for _, film, *_ in ratings],
        [
            to_value(value, f"{place}:{line}")
            for line, (_, _, value, _) in enumerate(ratings, 1)
        ],
        (len(users), len(films)),
    )
