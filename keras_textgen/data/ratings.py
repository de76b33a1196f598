"""Matrices to factorize: ratings, tables of one's own, counts of words."""

from __future__ import annotations

import os

from keras_textgen.checks import refused
from keras_textgen.data.corpus import check_taken, read_corpus
from keras_textgen.data.matrix import Matrix
from keras_textgen.data.readers.tables import Fields

__all__ = ["load_ratings"]


def load_ratings(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    fold: int | None = None,
    validation_share: float | None = None,
    fields: Fields | None = None,
    seed: int | None = None,
    duplicates: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
) -> Matrix:
    """Loads a matrix and splits its cells.

    The same as `cells` of what `read_corpus` gives.

    - `ml100k`: MovieLens 100K (Harper and Konstan 2015), one of its five
      published folds, with features of users (age group, gender, occupation)
      and of movies (genres, decade). For validation, a share of the ratings of
      the base file is held out.
    - `sotu`: how often each word is in each State of the Union address, with
      party, president and decade as features of the addresses; needs no
      `data_dir`. Words in fewer than 5 or in more than half of the addresses
      are left out.
    - `movielens`: a larger release of it, see `read_movielens`.
    - `ratings`: a table of one's own, see `read_table`.
    - `matrix`: a sparse matrix of one's own, see `read_matrix`.

    The cells of the last four are split at random, 80/10/10, if no other
    `split` is asked for.

    Args:
        name: `"ml100k"`, `"sotu"`, `"movielens"`, `"ratings"` or `"matrix"`.
        data_dir: its file, folder or archive; None for `sotu`.
        fold: of `ml100k`, 1 (None) to 5.
        validation_share: of `ml100k`, how much of the base file is held out;
            None for 5 %.
        fields: of `ratings`, the names of the columns with the ids of rows and
            columns and with the values; None in the last place makes every
            value 1. None for `user`, `item` and `rating`.
        seed: of the split; None for 0.
        duplicates: of `ratings` and `matrix`, `"first"`, `"last"`, `"mean"` or
            `"sum"`: what becomes of a pair of row and column that is given
            again; None refuses it.
        time_column: of `ratings` and `movielens`, the column by which is
            split, as in `read_table`.
        split: of `ratings` and `movielens`, `"random"`, `"time"` or
            `"leave_last_out"`, as in `read_table`.

    Returns:
        The matrix.

    Raises:
        DataError: the data are missing, or a file cannot be used.
        ValueError: an argument that is not allowed, or that has no meaning
            for the matrix.
    """
    if name == "prepared":
        raise refused(
            "name='prepared'", "open_prepared(folder), or another matrix"
        )
    given = {
        "data_dir": data_dir,
        "fold": fold,
        "validation_share": validation_share,
        "fields": fields,
        "seed": seed,
        "duplicates": duplicates,
        "time_column": time_column,
        "split": split,
    }
    check_taken(name, "matrices", **given)
    corpus = read_corpus(name, "matrices", **given)
    assert isinstance(corpus, Matrix)
    if corpus.split_seed is None:
        return corpus
    # Words are counted by TensorFlow, which tables are read without.
    from keras_textgen.data.views import cells

    return cells(corpus)
