"""Ratings by name."""

import re

import numpy as np
import pytest

from keras_textgen.data.ratings import load_ratings
from keras_textgen.data.reading import SPLITS, DataError
from keras_textgen.data.sotu import load_sotu_documents


def test_sotu():
    corpus = load_ratings("sotu", seed=1)
    documents = load_sotu_documents()
    rows, columns = corpus.shape
    assert rows == len(documents) == len(set(corpus.row_names))
    assert columns > 10_000
    total = sum(getattr(corpus, split).tocsr() for split in SPLITS)
    assert total.nnz == sum(getattr(corpus, split).nnz for split in SPLITS)
    row = corpus.row_names.index("1863 Lincoln")
    words = re.findall(r"[a-z]+", documents[row].text.lower())
    for word in ("emancipation", "union", "the"):
        column = corpus.column_names.index(word)
        assert total[row, column] == words.count(word)
    names = [
        corpus.row_feature_names[i] for i in corpus.row_features[[row]].indices
    ]
    assert names == ["party Republican", "president Lincoln", "decade 1860"]
    assert corpus.column_features is None


def test_columns_of_a_table(tmp_path):
    path = tmp_path / "ratings.csv"
    lines = [f"{i},x,{i}" for i in range(20)]
    path.write_text("\n".join(["user,column,stars", *lines]))
    corpus = load_ratings("text", path, row_column="user", value_column="stars")
    assert corpus.shape == (20, 1)
    np.testing.assert_array_equal(corpus.train.data, corpus.train.row)
    with pytest.raises(DataError, match=f"^{path}:1: no column 'row'; allowed"):
        load_ratings("text", path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "imdb"}, "ratings 'imdb'; allowed: ml100k, sotu, text"),
        ({"fold": 1}, "fold=1 for sotu; allowed: for ml100k 1 to 5, else None"),
        ({"name": "ml100k", "fold": 6}, "fold=6 for ml100k; allowed: for ml10"),
        ({"name": "ml100k", "fold": 0}, "fold=0 for ml100k; allowed: for ml10"),
        ({"row_column": "user"}, "columns user for sotu; allowed: for text"),
        (
            {"name": "text", "row_column": "a", "value_column": "a"},
            "columns a, a for text; allowed: for text three different ones",
        ),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        load_ratings(**{"name": "sotu"} | arguments)


def test_real_movielens(shared_data):
    tested = []
    for fold in range(1, 6):
        corpus = load_ratings("ml100k", shared_data, fold=fold)
        assert corpus.shape == (943, 1_682)
        counts = [getattr(corpus, split).nnz for split in SPLITS]
        assert counts == [72_000, 8_000, 20_000]
        parts = [getattr(corpus, split) for split in SPLITS]
        pairs = [part.row * 1_682 + part.col for part in parts]
        assert len(np.unique(np.concatenate(pairs))) == 100_000
        tested.append(pairs[2])
    # The folds part the ratings.
    assert len(np.unique(np.concatenate(tested))) == 100_000
    values = np.concatenate([part.data for part in parts])
    assert set(values) == {1, 2, 3, 4, 5}
    # As given in the README of the data set and counted with awk.
    assert corpus.row_features.shape == (943, 7 + 2 + 21)
    counts = dict(
        zip(corpus.row_feature_names, corpus.row_features.sum(0), strict=True)
    )
    assert counts["age 0-17"] == 36
    assert counts["gender F"] == 273
    assert counts["occupation student"] == 196
    genres = corpus.column_features.sum(0)
    assert corpus.column_feature_names[8] == "genre Drama"
    assert (len(genres), genres[8]) == (19, 725)
