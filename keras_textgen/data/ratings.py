"""Matrices to factorize: ratings, tables of one's own, counts of words."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
import pathlib
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import scipy.io
import scipy.sparse

from keras_textgen.data.archives import Publication
from keras_textgen.data.reading import (
    SPLITS,
    DataError,
    decode,
    read_bytes,
    split_rows,
)
from keras_textgen.data.sotu import load_sotu_documents

FOLDS = (1, 2, 3, 4, 5)
TABLE_FIELDS = ("user", "item", "rating")
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
_MATRIX_SUFFIXES = (".npz", ".mtx")
_LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass
class Ratings:
    """Cells of a matrix whose values are known.

    Attributes:
        rows: int32 `[cells]`.
        columns: int32 `[cells]`.
        values: float32 `[cells]`.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray | slice) -> Ratings:
        return Ratings(
            self.rows[index], self.columns[index], self.values[index]
        )

    def matrix(self, shape: tuple[int, int]) -> scipy.sparse.csr_array:
        """The cells as a sparse matrix, zeros among the values included.

        Args:
            shape: rows and columns of the matrix.

        Example:
            >>> ratings = Ratings(np.array([1]), np.array([0]), np.array([3.0]))
            >>> ratings.matrix((2, 2)).toarray().tolist()
            [[0.0, 0.0], [3.0, 0.0]]
        """
        cells = (self.values, (self.rows, self.columns))
        return scipy.sparse.coo_array(cells, shape=shape).tocsr()


@dataclasses.dataclass
class RatingsCorpus:
    """A matrix with its known cells split in three.

    Attributes:
        name: such as `"ml100k_fold1"`.
        train: cells to learn from.
        valid: cells for validation.
        test: cells for the final figures.
        row_names: the raw id of each row.
        column_names: the raw id of each column.
        column_titles: what to show of each column.
        row_features: of each row, sparse `[rows, features]`, or None.
        column_features: the same of each column.
        value_range: the lowest and the highest value allowed, or None.
        note: one line that has to be printed beside every result; empty if
            there is nothing to say.
    """

    name: str
    train: Ratings
    valid: Ratings
    test: Ratings
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    column_titles: tuple[str, ...]
    row_features: scipy.sparse.csr_array | None = None
    column_features: scipy.sparse.csr_array | None = None
    value_range: tuple[float, float] | None = None
    note: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return len(self.row_names), len(self.column_names)


def load_ratings(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    fold: int = 1,
    fields: tuple[str, str, str | None] = TABLE_FIELDS,
    seed: int = 0,
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
        data_dir: where its files are.
        fold: of `ml100k`, 1 to 5.
        fields: of `ratings`, the names of the columns with the ids of rows and
            columns and with the values; None in the last place makes every
            value 1.
        seed: of the split.

    Returns:
        The matrix.

    Raises:
        DataError: the data are missing, or a file cannot be used.
        ValueError: an argument that is not allowed.
    """
    loaders: dict[str, Callable[[], RatingsCorpus]] = {
        "ml100k": lambda: read_ml100k(data_dir, fold, seed),
        "sotu": lambda: read_sotu_counts(seed),
        "ratings": lambda: read_table(data_dir, fields, seed),
        "matrix": lambda: read_matrix(data_dir, seed),
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
    return _split(
        "sotu",
        _ratings(*zip(*cells, strict=True)),
        tuple(counts),
        tuple(columns),
        seed,
        row_features=one_hot(features.values()),
    )


def read_table(
    path: str | os.PathLike | None,
    fields: tuple[str, str, str | None] = TABLE_FIELDS,
    seed: int = 0,
) -> RatingsCorpus:
    r"""Reads a table of ratings with named columns.

    Args:
        path: a `.csv` file, or a `.tsv` file with tabs between the columns;
            UTF-8, the names of the columns in the first line, perhaps
            compressed (`.gz`).
        fields: names of the columns with the ids of rows and columns and
            with the values, as in `load_ratings`; others are left aside.
        seed: of the split.

    Returns:
        The matrix; rows and columns in the order in which they occur first.

    Raises:
        DataError: the file cannot be read, a column is missing, a value is no
            finite number, an id is empty, or a cell is given twice.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "ratings.csv")
        >>> lines = ["user,item,rating", *(f"ann,{i},{i}" for i in range(10))]
        >>> _ = path.write_text("\n".join(lines), "utf-8")
        >>> corpus = read_table(path)
        >>> corpus.shape, len(corpus.train)
        ((1, 10), 8)
    """
    expected = f"a table with the columns {', '.join(filter(None, fields))}"
    if path is None:
        raise DataError(f"ratings: no data_dir given; allowed: {expected}")
    path = pathlib.Path(path)
    if not path.is_file():
        raise DataError(f"{path}: not a file; allowed: {expected}")
    text = decode(read_bytes(path), path)
    tabs = path.name.removesuffix(".gz").endswith((".tsv", ".tab"))
    reader = csv.reader(io.StringIO(text), delimiter="\t" if tabs else ",")
    _, header = next(_records(reader, path), (None, []))
    header = [name.strip() for name in header]
    for field in filter(None, fields):
        if field not in header:
            raise DataError(
                f"{path}:1: no column {field!r}; there are "
                f"{', '.join(header) or 'none'}; allowed: {expected}"
            )
    places = [header.index(field) for field in filter(None, fields)]
    numbers: tuple[dict[str, int], dict[str, int]] = {}, {}
    seen: set[tuple[int, int]] = set()
    cells = []
    for where, record in _records(reader, path):
        if len(record) != len(header):
            raise DataError(
                f"{where}: {len(record)} columns; allowed: {len(header)}, as "
                "in the first line"
            )
        row, column, *values = (record[place].strip() for place in places)
        if not row or not column:
            raise DataError(f"{where}: an empty id; allowed: any other text")
        cell = tuple(
            known.setdefault(name, len(known))
            for known, name in zip(numbers, (row, column), strict=True)
        )
        if cell in seen:
            raise DataError(
                f"{where}: {row}, {column} is there already; allowed: every "
                "pair once"
            )
        seen.add(cell)
        cells.append((*cell, _number(values[0], where) if values else 1.0))
    _check_number(len(cells), path)
    return _split(
        path.name.split(".")[0],
        _ratings(*zip(*cells, strict=True)),
        *map(tuple, numbers),
        seed,
    )


def read_matrix(path: str | os.PathLike | None, seed: int = 0) -> RatingsCorpus:
    """Reads a sparse matrix; what is stored are the known cells.

    Args:
        path: a file of `scipy.sparse.save_npz` (`.npz`) or in Matrix Market
            format (`.mtx`), in which values of one cell are added; or a
            folder with `matrix`, and perhaps `row_features` and
            `column_features`, in either format.
        seed: of the split.

    Returns:
        The matrix; the ids are numbers from 0.

    Raises:
        DataError: a file cannot be used, or its shape does not fit.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "ones.npz")
        >>> scipy.sparse.save_npz(path, scipy.sparse.csr_array(np.ones((4, 5))))
        >>> corpus = read_matrix(path)
        >>> corpus.shape, len(corpus.train)
        ((4, 5), 16)
    """
    if path is None:
        raise DataError("matrix: no data_dir given; allowed: a .npz or .mtx")
    path = pathlib.Path(path)
    files = {"matrix": path}
    if path.is_dir():
        files = {
            name: path / f"{name}{suffix}"
            for name in ("matrix", "row_features", "column_features")
            for suffix in _MATRIX_SUFFIXES
            if (path / f"{name}{suffix}").is_file()
        }
    if "matrix" not in files:
        raise DataError(f"{path}: allowed: matrix.npz or matrix.mtx in it")
    cells = _sparse(files["matrix"]).tocoo()
    _check_number(cells.nnz, files["matrix"])
    features = {}
    for axis, name in enumerate(("row_features", "column_features")):
        if name in files:
            features[name] = _sparse(files[name]).tocsr()
            rows = features[name].shape[0]
            if rows != cells.shape[axis]:
                raise DataError(
                    f"{files[name]}: {rows} rows; allowed: "
                    f"{cells.shape[axis]}, as the matrix"
                )
    names = (tuple(map(str, range(size))) for size in cells.shape)
    return _split(
        path.name.split(".")[0],
        _ratings(*cells.coords, cells.data),
        *names,
        seed,
        **features,
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
        cells.append((users[user], movies[movie], _number(value, line.where)))
    return _ratings(*zip(*cells, strict=True))


def _user_features(line: _Line) -> list[str]:
    _, age, gender, occupation, *_ = line.fields
    number = _number(age, line.where)
    group = max(start for start in _AGES if start <= max(number, 0))
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


def _records(
    reader: Iterator[list[str]], path: pathlib.Path
) -> Iterator[tuple[str, list[str]]]:
    """Gives the file and line, and the fields, of every line with any."""
    try:
        for record in reader:
            if record:
                yield f"{path}:{reader.line_num}", record
    except csv.Error as error:
        raise DataError(
            f"{path}:{reader.line_num}: {error}; allowed: a table"
        ) from error


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # False for NaN, too.
    if not abs(number) <= _LARGEST:
        raise DataError(f"{where}: value {text!r}; allowed: a finite number")
    return number


def _ratings(
    rows: Sequence[int], columns: Sequence[int], values: Sequence[float]
) -> Ratings:
    return Ratings(
        np.asarray(rows, np.int32),
        np.asarray(columns, np.int32),
        np.asarray(values, np.float32),
    )


def _sparse(path: pathlib.Path) -> scipy.sparse.sparray:
    reader = scipy.io.mmread
    if path.suffix == ".npz":
        reader = scipy.sparse.load_npz
    content = io.BytesIO(read_bytes(path))
    try:
        matrix = scipy.sparse.coo_array(reader(content))
        if matrix.ndim != 2 or np.iscomplexobj(matrix.data):
            raise ValueError(
                f"it has {matrix.ndim} dimensions and {matrix.dtype} values"
            )
    except (
        EOFError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(
            f"{path}: no sparse matrix ({error}); allowed: a .npz of "
            "scipy.sparse.save_npz, or a .mtx"
        ) from error
    matrix.sum_duplicates()
    # False for NaN, too.
    if not (np.abs(matrix.data) <= _LARGEST).all():
        raise DataError(f"{path}: a value is not finite; allowed: numbers")
    return matrix


def _check_number(cells: int, path: pathlib.Path) -> None:
    if cells < 10:
        raise DataError(
            f"{path}: {cells} values leave nothing for validation; allowed: "
            "10 or more"
        )


def _split(
    name: str,
    ratings: Ratings,
    row_names: tuple[str, ...],
    column_names: tuple[str, ...],
    seed: int,
    **features: scipy.sparse.csr_array,
) -> RatingsCorpus:
    rows = split_rows(len(ratings), seed)
    splits = {
        split: ratings[chosen]
        for split, chosen in zip(SPLITS, rows, strict=True)
    }
    return RatingsCorpus(
        name,
        **splits,
        row_names=row_names,
        column_names=column_names,
        column_titles=column_names,
        **features,
    )
