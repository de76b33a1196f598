"""Ratings by name, as sparse matrices split into three."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable

from keras_textgen.data.matrices import (
    RatingsCorpus,
    one_hot,
    split_entries,
    to_matrix,
)
from keras_textgen.data.movielens import FOLDS, read_movielens
from keras_textgen.data.ratings_table import COLUMNS, read_ratings
from keras_textgen.data.reading import DataError
from keras_textgen.data.sotu import SotuDocument, load_sotu_documents

__all__ = ["DataError", "RatingsCorpus", "load_ratings"]

_NAMES = ("ml100k", "sotu", "text")
# Rarer words say too little about the others.
_SOTU_MIN_DOCUMENTS = 5
# Two letters or more.
_SOTU_WORD = r"[^\W\d_]{2,}"


def load_ratings(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    fold: int | None = None,
    row_column: str | None = None,
    column_column: str | None = None,
    value_column: str | None = None,
    seed: int = 0,
) -> RatingsCorpus:
    """Loads a matrix of ratings, its entries split into three.

    - `ml100k`: MovieLens 100K, 943 users by 1,682 films, in the published
      fold; of its training ratings, 10 % are for validation. Users have age
      groups, genders and occupations as features, films genres.
    - `sotu`: how often each of 10,971 words is in each of the 249 State of the
      Union addresses; the addresses have the party, the president and the
      decade as features. Needs no `data_dir`.
    - `text`: a table of one's own, `.csv` or `.tsv` with a header, or a
      matrix, `.npz`; see `read_ratings`.

    The entries of `sotu` and `text` are split at random, 80/10/10.

    Args:
        name: `"ml100k"`, `"sotu"` or `"text"`.
        data_dir: where the files are.
        fold: of `ml100k`, 1 (None) to 5.
        row_column: of the tables of `text`, the column with the names of
            rows; None for `"row"`.
        column_column: the same for the names of columns; None for `"column"`.
        value_column: the same for the values; None for `"value"`.
        seed: of the split, or of what is held out of `ml100k`.

    Returns:
        The corpus.

    Raises:
        DataError: the files are missing or cannot be used.
        ValueError: an argument that is not allowed.

    Example:
        >>> corpus = load_ratings("sotu")
        >>> corpus.shape, corpus.row_names[0]
        ((249, 10971), '1790 Washington')
        >>> freedom = corpus.column_names.index("freedom")
        >>> int(corpus.train.tocsc()[:, [freedom]].max())
        20
    """
    columns = (row_column, column_column, value_column)
    _check(name, fold, columns)
    if name == "ml100k":
        return read_movielens(data_dir, fold or 1, seed)
    if name == "sotu":
        return _read_sotu(seed)
    wanted = [
        given or default
        for given, default in zip(columns, COLUMNS, strict=True)
    ]
    return read_ratings(data_dir, wanted, seed)


def _check(
    name: str, fold: int | None, columns: tuple[str | None, ...]
) -> None:
    if name not in _NAMES:
        raise ValueError(f"ratings {name!r}; allowed: {', '.join(_NAMES)}")
    if fold is not None and (name != "ml100k" or fold not in FOLDS):
        raise ValueError(
            f"fold={fold} for {name}; allowed: for ml100k {FOLDS[0]} to "
            f"{FOLDS[-1]}, else None"
        )
    given = [column for column in columns if column is not None]
    if (given and name != "text") or len(set(given)) < len(given):
        raise ValueError(
            f"columns {', '.join(given)} for {name}; "
            "allowed: for text three different ones, else None"
        )


def _read_sotu(seed: int) -> RatingsCorpus:
    # Takes a second to import, which the other corpora need not wait for.
    from sklearn.feature_extraction.text import CountVectorizer

    documents = load_sotu_documents()
    counter = CountVectorizer(
        min_df=_SOTU_MIN_DOCUMENTS, token_pattern=_SOTU_WORD
    )
    counts = counter.fit_transform(
        [document.text for document in documents]
    ).tocoo()
    matrix = to_matrix(counts.row, counts.col, counts.data, counts.shape)
    features, feature_names = one_hot(
        {
            "party": [document.party for document in documents],
            "president": [document.president for document in documents],
            "decade": [f"{document.year // 10}0" for document in documents],
        }
    )
    return RatingsCorpus(
        "sotu",
        **split_entries(matrix, seed, "sotu"),
        row_names=_names(documents),
        column_names=tuple(counter.get_feature_names_out().tolist()),
        row_features=features,
        row_feature_names=feature_names,
    )


def _names(documents: Iterable[SotuDocument]) -> tuple[str, ...]:
    """Returns year and president, with a number from the second one on."""
    names = []
    counts = collections.Counter()
    for document in documents:
        name = f"{document.year} {document.president}"
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name} {counts[name]}")
    return tuple(names)
