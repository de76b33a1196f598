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
from keras_textgen.data.readers.files import DataError


def test_numbers_are_ordered_by_value():
    labels = ["b", "10", "a", "9", "-1", "a", "²", "0", "1.5", "1e1", ".5"]
    labels += ["+2", "\u22123", "1_0", "nan", "inf", "-", "-1.0"]
    numbers = (
        "\u22123",
        "-1",
        "-1.0",
        "0",
        ".5",
        "1.5",
        "+2",
        "9",
        "10",
        "1e1",
    )
    others = ("-", "1_0", "a", "b", "inf", "nan", "²")
    assert sorted_names(labels) == numbers + others
    # Beyond what a float tells apart.
    large = ["12345678901234567891", "12345678901234567890"]
    assert sorted_names(large) == (large[1], large[0])


def test_sentiments_are_numbered_from_negative_to_positive():
    assert sorted_names(["1", "0", "-1"]) == ("-1", "0", "1")


@pytest.mark.parametrize("heading", ["label", "Class", "CATEGORY", "target"])
def test_a_heading_is_no_class(tmp_path, heading):
    paths = [tmp_path / name for name in ("train.txt", "valid.txt")]
    paths[0].write_text(f"\ufeff{heading}\ttext\na\tone\nb\ttwo\n", "utf-8")
    paths[1].write_text("b\tthree\nc\tfour\n", "utf-8")
    lines = read_labeled_lines(paths)
    assert lines.texts == [["one", "two"], ["three", "four"]]
    assert lines.labels == [["a", "b"], ["b", "c"]]
    assert lines.remarks == (
        f"{paths[0]}:1: names the columns ({heading!r}); left out.",
    )
    labels = dict(zip(("train", "valid"), lines.labels, strict=True))
    sources = dict(zip(labels, paths, strict=True))
    first_lines = dict(zip(labels, lines.first_lines, strict=True))
    with pytest.raises(DataError, match=r"valid.txt:2: the label 'c'"):
        number_splits(labels, sources, first_lines)
    labels["train"], labels["valid"] = labels["valid"], labels["train"]
    with pytest.raises(DataError, match=r"valid.txt:2: the label 'a'"):
        number_splits(labels, sources, {"valid": 2})


def test_a_heading_that_occurs_again_is_a_class(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("label\tone\nb\ttwo\nlabel\tthree\n", "utf-8")
    lines = read_labeled_lines([path])
    assert lines.labels == [["label", "b", "label"]]
    assert not lines.remarks
    path.write_text("labels\tone\nb\ttwo\n", "utf-8")
    assert read_labeled_lines([path]).labels == [["labels", "b"]]


def test_one_label_in_two_spellings(tmp_path):
    path = tmp_path / "joined.txt"
    lines = ["caf\u00e9\t1", "cafe\u0301\t2", "\ufeffcaf\u00e9\t3", "tea\t4"]
    path.write_text("\n".join(lines), "utf-8")
    assert set(read_labeled_lines([path]).labels[0]) == {"caf\u00e9", "tea"}
    path.write_text("a\t1\n\u200b\t2\n", "utf-8")
    with pytest.raises(DataError, match=r":2: no label before the tab"):
        read_labeled_lines([path])


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
    lines = read_labeled_lines(paths)
    assert lines.texts == [["1 2", "3"]] * 2
    assert lines.labels == [["x", "y"]] * 2
    paths[1].write_text("3\n", "utf-8")
    with pytest.raises(DataError, match=f"^{paths[1]}:1: a line without a tab"):
        read_labeled_lines(paths)
    with pytest.raises(DataError, match=f"^{paths[0]}:1: a tab in the text"):
        read_labeled_lines(paths[::-1])


def test_long_lists_are_cut():
    assert listing([str(i) for i in range(30)]).endswith(", '19' and 10 more")
    assert listing(["a", "b"], most=2) == "'a', 'b'"


def test_nothing_below_a_heading(tmp_path):
    paths = [tmp_path / name for name in ("train.txt", "valid.txt")]
    paths[0].write_text("label\ttext\na\tone\nb\ttwo\n", "utf-8")
    paths[1].write_text("label\ttext\n", "utf-8")
    message = f"^{paths[1]}: no line below the names of the columns; allowed"
    with pytest.raises(DataError, match=message):
        read_labeled_lines(paths)


@pytest.mark.parametrize("text", ["\u200b", "\ufeff", "\ufe0f", "\u200d"])
def test_a_text_that_cannot_be_seen(tmp_path, text):
    """No word is made of it, which would be said without the line."""
    path = tmp_path / "a.txt"
    path.write_text(f"a\tone\nb\t{text}\n", "utf-8")
    with pytest.raises(DataError, match=f"^{path}:2: no text after the label"):
        read_labeled_lines([path])
    path.write_text(f"one\n{text}\n", "utf-8")
    with pytest.raises(DataError, match=f"^{path}:2: a line without words"):
        read_labeled_lines([path])
