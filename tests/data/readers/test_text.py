"""A user's own text."""

import gzip

import numpy as np
import pytest

from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.text import read_text
from tests.data.lines import write

LINES = [f"line {i}" for i in range(40)]


def all_of(texts):
    return texts.train + texts.valid + texts.test


def test_one_file_is_split_by_seed(tmp_path):
    path = write(tmp_path / "poems.txt", LINES)
    texts = read_text(path, seed=1)
    assert sorted(all_of(texts)) == sorted(LINES)
    assert [len(texts.train), len(texts.valid), len(texts.test)] == [32, 4, 4]
    assert read_text(str(path), seed=1) == texts
    assert read_text(path, seed=2) != texts


def test_a_folder_that_is_split(tmp_path):
    write(tmp_path / "train.txt", LINES[:30])
    packed = "\n".join(LINES[30:35]).encode()
    (tmp_path / "valid.txt.gz").write_bytes(gzip.compress(packed))
    write(tmp_path / "test.txt", LINES[35:])
    write(tmp_path / "notes.txt", ["not read"])
    texts = read_text(tmp_path)
    assert texts.train == LINES[:30]
    assert texts.valid == LINES[30:35]
    assert texts.test == LINES[35:]


def test_a_folder_of_other_files_is_split_by_seed(tmp_path):
    write(tmp_path / "b.txt", LINES[10:])
    (tmp_path / "a.txt.gz").write_bytes(
        gzip.compress("\n".join(LINES[:10]).encode())
    )
    (tmp_path / "picture.png").write_bytes(b"\0")
    together = write(tmp_path / "all", LINES)
    assert read_text(tmp_path, seed=3) == read_text(together, seed=3)


def test_refused(tmp_path):
    with pytest.raises(DataError, match=r"^text: no data_dir given"):
        read_text(None)
    missing = tmp_path / "none"
    with pytest.raises(DataError, match=f"^{missing}: no such file or folder"):
        read_text(missing)
    with pytest.raises(DataError, match=f"^{tmp_path}: no .txt file"):
        read_text(tmp_path)
    write(tmp_path / "train.txt", LINES)
    with pytest.raises(DataError, match=f"^{tmp_path}: valid.txt is missing"):
        read_text(tmp_path)


MOODS = ("good", "bad", "so-so")
LABELED = [f"{MOODS[i % 3]}\tline {i}" for i in range(60)]


def pairs(texts):
    """Labels and texts of the three splits, as lines were written."""
    return {
        split: [
            f"{texts.label_names[label]}\t{text}"
            for label, text in zip(
                texts.labels[split], getattr(texts, split), strict=True
            )
        ]
        for split in ("train", "valid", "test")
    }


def test_labeled_lines(tmp_path):
    path = write(tmp_path / "reviews.tsv", LABELED)
    texts = read_text(path, seed=1)
    assert texts.label_names == ("bad", "good", "so-so")
    splits = pairs(texts)
    everything = splits["train"] + splits["valid"] + splits["test"]
    assert sorted(everything) == sorted(LABELED)
    for split, count in {"train": 16, "valid": 2, "test": 2}.items():
        assert texts.labels[split].dtype == np.int32
        assert np.bincount(texts.labels[split]).tolist() == [count] * 3
    assert pairs(read_text(path, seed=1)) == splits
    assert pairs(read_text(path, seed=2)) != splits


def test_rare_labels_are_in_training(tmp_path):
    rare = ["odd\tline a", "odd\tline b"]
    texts = read_text(write(tmp_path / "a.txt", LABELED + rare))
    splits = pairs(texts)
    assert set(rare) <= set(splits["train"])
    alone = [f"label {i}\tline {i}" for i in range(20)]
    path = write(tmp_path / "b.txt", alone)
    with pytest.raises(DataError, match=f"^{path}: no label has 3 texts, "):
        read_text(path)


@pytest.fixture
def split_folder(tmp_path):
    counts = {"train": (0, 30), "valid": (30, 45), "test": (45, 60)}
    for split, (start, end) in counts.items():
        write(tmp_path / f"{split}.txt", LABELED[start:end])
    return tmp_path


def test_labeled_lines_that_are_split(split_folder):
    splits = pairs(read_text(split_folder))
    assert splits["train"] == LABELED[:30]
    assert splits["test"] == LABELED[45:]


def test_files_of_labels(split_folder):
    expected = read_text(split_folder)
    for split in ("train", "valid", "test"):
        lines = [
            line.split("\t")
            for line in (split_folder / f"{split}.txt").read_text().splitlines()
        ]
        write(split_folder / f"{split}.txt", [text for _, text in lines])
        labels = "\n".join(label for label, _ in lines).encode()
        packed = split_folder / f"{split}_class_label.txt.gz"
        packed.write_bytes(gzip.compress(labels))
    assert pairs(read_text(split_folder)) == pairs(expected)
    packed.unlink()
    message = f"^{split_folder}: test_class_label.txt is missing; allowed: all"
    with pytest.raises(DataError, match=message):
        read_text(split_folder)
    path = write(split_folder / "test_class_label.txt", ["good"] * 14)
    with pytest.raises(DataError, match=f"^{path}: 14 classes for the 15 line"):
        read_text(split_folder)
    write(path, ["good"] * 14 + ["new"])
    with pytest.raises(DataError, match=f"^{path}:15: the label 'new' is not"):
        read_text(split_folder)
    train = write(split_folder / "train.txt", LABELED)
    with pytest.raises(DataError, match="a line without a tab"):
        read_text(split_folder)
    for split in ("valid", "test"):
        write(split_folder / f"{split}.txt", LABELED)
    with pytest.raises(DataError, match=f"^{train}:1: a tab .* which has a fi"):
        read_text(split_folder)


def write_folders(folder, lines):
    for number, line in enumerate(lines):
        label, text = line.split("\t")
        path = folder / label / f"{number:03}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n\nsigned\n", "utf-8")
    (folder / label / ".hidden").write_bytes(b"\0")
    (folder / ".hidden").mkdir()


def in_one_line(splits):
    return {
        split: [line.replace("\n\nsigned\n", "") for line in lines]
        for split, lines in splits.items()
    }


def test_a_folder_a_label(tmp_path):
    write_folders(tmp_path, LABELED)
    texts = read_text(tmp_path, seed=4)
    assert texts.train[0].endswith("\n\nsigned\n")
    # As one file whose lines are sorted by label.
    path = write(tmp_path / "one", sorted(LABELED, key=in_order))
    expected = pairs(read_text(path, seed=4))
    assert in_one_line(pairs(texts)) == expected
    for split, names in texts.names.items():
        written = [(tmp_path / name).read_text("utf-8") for name in names]
        assert written == getattr(texts, split)


def in_order(line):
    label, text = line.split("\t")
    return label, int(text.split()[1])


def test_folders_of_labels_that_are_split(tmp_path):
    write_folders(tmp_path / "train", LABELED[:30])
    write_folders(tmp_path / "valid", LABELED[30:45])
    write_folders(tmp_path / "test", LABELED[45:46])
    splits = in_one_line(pairs(read_text(tmp_path)))
    assert splits["train"] == sorted(LABELED[:30], key=in_order)
    assert splits["test"] == LABELED[45:46]
    # A label without texts is none, in the training folder, too.
    for split in ("train", "test"):
        (tmp_path / split / "new").mkdir()
    assert in_one_line(pairs(read_text(tmp_path))) == splits
    (tmp_path / "test" / "new" / "a").write_text("new")
    with pytest.raises(DataError, match=f"^{tmp_path}/test/new: the label 'ne"):
        read_text(tmp_path)
    for path in sorted((tmp_path / "test").rglob("*"))[::-1]:
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match=f"^{tmp_path}/test: no texts; allowed"):
        read_text(tmp_path)
    (tmp_path / "test").rmdir()
    with pytest.raises(DataError, match=f"^{tmp_path}: test is missing; allow"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (LABELED[:7] + LINES, ":8: a line without a tab; allowed: a label, a"),
        (LINES[:7] + LABELED, ":8: a tab in the text; allowed: a label, a tab"),
        (["a\tb"] * 12, ": one label, 'a'; allowed: 2 labels or more"),
        (["a\tb", "c\td\te"], ":2: a tab in the text; allowed: "),
        ([" \tb", "c\td"], ":1: no label before the tab; allowed: "),
        (["a\tb", "c\t "], ":2: no text after the label; allowed: "),
    ],
)
def test_refused_lines(tmp_path, lines, message):
    path = write(tmp_path / "mixed.txt", lines)
    with pytest.raises(DataError, match=f"^{path}{message}") as error:
        read_text(path)
    assert "\n" not in str(error.value)


def test_refused_files_of_folders(tmp_path):
    write_folders(tmp_path, LABELED)
    path = tmp_path / "good" / "000"
    path.write_bytes(b"fine\n\xff")
    with pytest.raises(DataError, match=f"^{path}:2: invalid UTF-8"):
        read_text(tmp_path)
    path.write_text(" \n", "utf-8")
    with pytest.raises(DataError, match=f"^{path}: a file without words"):
        read_text(tmp_path)


def test_what_systems_leave_in_folders_is_no_class(tmp_path):
    for label in ("good", "bad", "__MACOSX", "lost+found", "__pycache__"):
        (tmp_path / label).mkdir()
        for number in range(6):
            text = f"{label} {number}"
            (tmp_path / label / f"{number}.txt").write_text(text, "utf-8")
    (tmp_path / "good" / "Thumbs.db").write_bytes(b"\xd0\xcf\0")
    (tmp_path / "desktop.ini").write_text("[.ShellClassInfo]", "utf-8")
    texts = read_text(tmp_path)
    assert texts.label_names == ("bad", "good")
    assert len(texts.train + texts.valid + texts.test) == 12
    left_out = ["__MACOSX", "__pycache__", "desktop.ini", "lost+found"]
    left_out.append("good/Thumbs.db")
    assert texts.remarks == tuple(
        f"{tmp_path / name}: no text of the corpus; left out."
        for name in left_out
    )
    for split in ("train", "valid", "test"):
        (tmp_path / split).mkdir()
        for label in ("good", "bad", "__MACOSX"):
            (tmp_path / split / label).mkdir()
            (tmp_path / split / label / "1").write_text("word", "utf-8")
    texts = read_text(tmp_path)
    assert texts.label_names == ("bad", "good")
    assert len(texts.train) == 2
    assert len(texts.remarks) == 7


def test_hidden_files_beside_lines(tmp_path):
    (tmp_path / "a.txt").write_text("one line\n" * 12, "utf-8")
    (tmp_path / "._a.txt").write_bytes(b"\0\x05\x16\x07")
    texts = read_text(tmp_path)
    assert len(texts.train + texts.valid + texts.test) == 12


def test_a_heading_is_left_out_and_said(tmp_path):
    path = tmp_path / "all.tsv"
    lines = ["Label\ttext", *["a\tone", "b\ttwo"] * 10]
    path.write_text("\n".join(lines), "utf-8")
    texts = read_text(path)
    assert texts.label_names == ("a", "b")
    assert len(texts.train + texts.valid + texts.test) == 20
    assert texts.remarks == (
        f"{path}:1: names the columns ('Label'); left out.",
    )
