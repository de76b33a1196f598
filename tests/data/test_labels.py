"""Labels of texts."""

import numpy as np
import pytest

from keras_textgen.data.labels import (
    listing,
    number_labels,
    number_splits,
    read_labeled_lines,
    sorted_names,
)
from keras_textgen.data.reading import DataError


def test_numbers_are_ordered_by_value():
    labels = ["b", "10", "a", "9", "-1", "a", "²"]
    assert sorted_names(labels) == ("9", "10", "-1", "a", "b", "²")


def test_numbers_index_names():
    labels = ["b", "c", "a", "c"]
    names = sorted_names(labels)
    numbers = number_labels(labels, names)
    assert numbers.dtype == np.int32
    assert [names[number] for number in numbers] == labels


def test_names_are_those_of_the_first_split():
    labels = {"train": ["b", "a"], "test": ["b"]}
    paths = {"train": "train.txt", "test": "test.txt"}
    names, numbers = number_splits(labels, paths)
    assert names == ("a", "b")
    assert [values.tolist() for values in numbers.values()] == [[1, 0], [1]]
    labels["test"] = ["b", "c"]
    with pytest.raises(DataError, match=r"^test.txt:2: the label 'c' is not "):
        number_splits(labels, paths)


def test_several_files(tmp_path):
    paths = [tmp_path / name for name in ("a.txt", "b.txt")]
    for path in paths:
        path.write_text(" x \t1 2\ny\t3\n", "utf-8")
    texts, labels = read_labeled_lines(paths)
    assert texts == [["1 2", "3"]] * 2
    assert labels == [["x", "y"]] * 2
    paths[1].write_text("3\n", "utf-8")
    with pytest.raises(DataError, match=f"^{paths[1]}:1: a line without a tab"):
        read_labeled_lines(paths)
    with pytest.raises(DataError, match=f"^{paths[0]}:1: a tab in the text"):
        read_labeled_lines(paths[::-1])


def test_long_lists_are_cut():
    assert listing([str(i) for i in range(30)]).endswith(", '19' and 10 more")
    assert listing(["a", "b"], most=2) == "'a', 'b'"
