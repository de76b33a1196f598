"""Prepared corpora: labels, unknown words, and missing training files."""

import gzip

import numpy as np
import pytest

from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.prepared import (
    read_dbpedia,
    read_yahoo,
    read_yahoo_short,
)

READERS = {
    "yahoo": read_yahoo,
    "yahoo_short": read_yahoo_short,
    "dbpedia": read_dbpedia,
}


def write(folder, name, lines):
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def yahoo(tmp_path):
    for split, count in {"train": 30, "valid": 20, "test": 5}.items():
        lines = [f"{split} _UNK nr {i} ?" for i in range(count)]
        write(tmp_path, f"yahoo.{split}.txt", lines)
    return tmp_path


@pytest.fixture
def classes(tmp_path):
    for split, count in {"train": 40, "valid": 40, "test": 4}.items():
        write(tmp_path, f"{split}.txt", [f"{split} {i}" for i in range(count)])
        # Sorted by class, as the published files are.
        labels = [9 - i * 2 // count for i in range(count)]
        write(tmp_path, f"{split}_class_label.txt", labels)
    return tmp_path


def compress(folder):
    for path in folder.glob("*.txt"):
        packed = gzip.compress(path.read_bytes())
        path.with_name(f"{path.name}.gz").write_bytes(packed)
        path.unlink()


def test_yahoo(yahoo):
    texts = read_yahoo(yahoo)
    assert texts.train == [f"train <unk> nr {i} ?" for i in range(30)]
    assert texts.valid == [f"valid <unk> nr {i} ?" for i in range(20)]
    assert texts.test[-1] == "test <unk> nr 4 ?"
    assert (texts.labels, texts.name, texts.note) == ({}, "yahoo", "")


def test_yahoo_reduced(yahoo):
    whole = read_yahoo(yahoo)
    (yahoo / "yahoo.train.txt").unlink()
    texts = read_yahoo(yahoo)
    assert texts.train == whole.valid[:18]
    assert texts.valid == whole.valid[18:]
    assert texts.test == whole.test
    assert texts.name == "yahoo_reduced"
    assert texts.note == (
        "yahoo.train.txt is missing: the reduced protocol trains on "
        "yahoo.valid.txt, its last 10 % held out; not to be set beside "
        "published numbers"
    )


def test_yahoo_with_labels(yahoo):
    for split in ("train", "valid", "test"):
        path = yahoo / f"yahoo.{split}.txt"
        lines = path.read_text("utf-8").splitlines()
        labeled = [f"{i % 2 + 4}\t{line}" for i, line in enumerate(lines)]
        write(yahoo, path.name, labeled)
    texts = read_yahoo(yahoo)
    assert texts.train[:2] == ["train <unk> nr 0 ?", "train <unk> nr 1 ?"]
    assert texts.label_names == ("4", "5")
    assert texts.labels["test"].tolist() == [0, 1, 0, 1, 0]
    assert texts.labels["train"].dtype == np.int32
    (yahoo / "yahoo.train.txt").unlink()
    texts = read_yahoo(yahoo)
    assert texts.label_names == ("4", "5")
    assert texts.labels["train"].tolist() == [0, 1] * 9
    assert texts.labels["valid"].tolist() == [0, 1]
    assert texts.labels["test"].tolist() == [0, 1, 0, 1, 0]


def test_only_the_word_is_unknown(yahoo):
    lines = ["_UNK _UNK x_UNK _UNKs _unk", "a _UNK"]
    write(yahoo, "yahoo.train.txt", lines)
    expected = ["<unk> <unk> x_UNK _UNKs _unk", "a <unk>"]
    assert read_yahoo(yahoo).train == expected


def test_classes(classes):
    texts = read_yahoo_short(classes)
    assert texts.train == [f"train {i}" for i in range(40)]
    assert texts.labels["valid"].tolist() == [9] * 20 + [8] * 20
    assert texts.labels["test"].tolist() == [9, 9, 8, 8]
    assert len(texts.label_names) == 10
    assert texts.label_names[8] == "Family & Relationships"
    assert (texts.name, texts.note) == ("yahoo_short", "")


def test_the_reduced_split_holds_out_of_each_class(classes):
    (classes / "train.txt").unlink()
    texts = read_dbpedia(classes)
    held_out = [18, 19, 38, 39]
    kept = [i for i in range(40) if i not in held_out]
    assert texts.valid == [f"valid {i}" for i in held_out]
    assert texts.train == [f"valid {i}" for i in kept]
    assert texts.labels["valid"].tolist() == [9, 9, 8, 8]
    assert texts.labels["train"].tolist() == [9] * 18 + [8] * 18
    assert texts.labels["test"].tolist() == [9, 9, 8, 8]
    assert len(texts.label_names) == 14
    assert texts.label_names[9] == "Animal"
    assert texts.name == "dbpedia_reduced"
    assert "valid.txt, its last 10 % of each label held out" in texts.note


def test_a_rare_label_may_stay_out_of_the_validation_set(classes):
    (classes / "train.txt").unlink()
    write(classes, "valid_class_label.txt", [1] * 9 + [0] * 31)
    texts = read_dbpedia(classes)
    assert texts.labels["valid"].tolist() == [0] * 3
    assert texts.labels["train"].tolist() == [1] * 9 + [0] * 28


def test_compressed(yahoo):
    plain = read_yahoo(yahoo)
    compress(yahoo)
    assert read_yahoo(yahoo) == plain


def test_compressed_classes(classes):
    plain = read_yahoo_short(classes)
    compress(classes)
    packed = read_yahoo_short(classes)
    assert packed.train == plain.train
    for split, labels in plain.labels.items():
        np.testing.assert_array_equal(packed.labels[split], labels)


@pytest.mark.parametrize("name", READERS)
def test_no_folder(tmp_path, name):
    with pytest.raises(DataError, match=f"^{name}: no data_dir .*allowed: "):
        READERS[name](None)
    missing = tmp_path / "none"
    with pytest.raises(DataError, match=f"^{missing}: no such folder; allowed"):
        READERS[name](missing)


@pytest.mark.parametrize("split", ["valid", "test"])
def test_missing_files(yahoo, split):
    (yahoo / f"yahoo.{split}.txt").unlink()
    message = rf"^{yahoo}: yahoo\.{split}\.txt is missing; allowed: yahoo\.tr"
    with pytest.raises(DataError, match=message):
        read_yahoo(yahoo)


@pytest.mark.parametrize(
    "name", ["valid.txt", "test.txt", "train_class_label.txt"]
)
def test_missing_files_of_classes(classes, name):
    (classes / name).unlink()
    with pytest.raises(DataError, match=f"^{classes}: {name} is missing; all"):
        read_yahoo_short(classes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\ta", "2\tb", "c"], ":3: a line without a tab; allowed: a label, "),
        (["1\ta", "\tb"], ":2: no label before the tab; allowed: a label"),
        (["1\ta", "2\t "], ":2: no text after the label; allowed: "),
        (["1\ta", "2\tb\tc"], ":2: a tab in the text; allowed: a label, a t"),
        (["a", "1\tb"], ":2: a tab in the text; allowed: a label, a tab"),
        (["a", ""], ":2: a line without words; allowed: "),
        ([], ": the file is empty; allowed: "),
    ],
)
def test_refused_lines(yahoo, lines, message):
    path = write(yahoo, "yahoo.valid.txt", lines)
    (yahoo / "yahoo.train.txt").unlink()
    with pytest.raises(DataError, match=f"^{path}{message}") as error:
        read_yahoo(yahoo)
    assert "\n" not in str(error.value)


def test_all_files_have_labels_or_none(yahoo):
    write(yahoo, "yahoo.test.txt", ["1\ta"])
    with pytest.raises(DataError, match=r"yahoo\.test\.txt:1: a tab in the te"):
        read_yahoo(yahoo)
    write(yahoo, "yahoo.train.txt", ["1\ta", "2\tb"])
    with pytest.raises(DataError, match=r"yahoo\.valid\.txt:1: a line without"):
        read_yahoo(yahoo)
    write(yahoo, "yahoo.valid.txt", ["2\ta", "3\tb"])
    with pytest.raises(
        DataError, match=r"valid\.txt:2: the label '3' is not i"
    ):
        read_yahoo(yahoo)
    path = write(yahoo, "yahoo.train.txt", ["2\ta", "2\tb"])
    with pytest.raises(DataError, match=f"^{path}: one label, '2'; allowed: 2"):
        read_yahoo(yahoo)


@pytest.mark.parametrize("label", ["10", "-1", "1.0", "x", "²", "1 2"])
def test_refused_classes(classes, label):
    path = write(classes, "valid_class_label.txt", ["3"] * 7 + [label] * 33)
    with pytest.raises(
        DataError, match=f"^{path}:8: the class '{label}'; .* from 0 to 9$"
    ):
        read_yahoo_short(classes)


def test_dbpedia_has_more_classes(classes):
    write(classes, "test_class_label.txt", [0, 9, 10, 13])
    assert read_dbpedia(classes).labels["test"].tolist() == [0, 9, 10, 13]
    path = write(classes, "test_class_label.txt", [0, 9, 10, 14])
    with pytest.raises(DataError, match=f"^{path}:4: .* from 0 to 13$"):
        read_dbpedia(classes)


@pytest.mark.parametrize("count", [3, 5])
def test_as_many_classes_as_lines(classes, count):
    path = write(classes, "test_class_label.txt", [1] * count)
    message = f"^{path}: {count} classes for the 4 lines of test.txt; allowed:"
    with pytest.raises(DataError, match=message):
        read_yahoo_short(classes)


def test_too_few_to_hold_out(yahoo):
    (yahoo / "yahoo.train.txt").unlink()
    path = write(yahoo, "yahoo.valid.txt", ["a"] * 9)
    with pytest.raises(DataError, match=f"^{path}: 9 sequences leave nothing"):
        read_yahoo(yahoo)
