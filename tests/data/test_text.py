"""A user's own text."""

import gzip

import pytest

from keras_textgen.data.reading import DataError
from keras_textgen.data.text import read_text

LINES = [f"line {i}" for i in range(40)]


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def all_of(texts):
    return texts.train + texts.valid + texts.test


def test_one_file_is_split_by_seed(tmp_path):
    path = write_lines(tmp_path / "poems.txt", LINES)
    texts = read_text(path, seed=1)
    assert sorted(all_of(texts)) == sorted(LINES)
    assert [len(texts.train), len(texts.valid), len(texts.test)] == [32, 4, 4]
    assert read_text(str(path), seed=1) == texts
    assert read_text(path, seed=2) != texts


def test_a_folder_that_is_split(tmp_path):
    write_lines(tmp_path / "train.txt", LINES[:30])
    packed = "\n".join(LINES[30:35]).encode()
    (tmp_path / "valid.txt.gz").write_bytes(gzip.compress(packed))
    write_lines(tmp_path / "test.txt", LINES[35:])
    write_lines(tmp_path / "notes.txt", ["not read"])
    texts = read_text(tmp_path)
    assert texts.train == LINES[:30]
    assert texts.valid == LINES[30:35]
    assert texts.test == LINES[35:]


def test_a_folder_of_other_files_is_split_by_seed(tmp_path):
    write_lines(tmp_path / "b.txt", LINES[10:])
    (tmp_path / "a.txt.gz").write_bytes(
        gzip.compress("\n".join(LINES[:10]).encode())
    )
    (tmp_path / "picture.png").write_bytes(b"\0")
    together = write_lines(tmp_path / "all", LINES)
    assert read_text(tmp_path, seed=3) == read_text(together, seed=3)


def test_refused(tmp_path):
    with pytest.raises(DataError, match=r"^text: no data_dir given"):
        read_text(None)
    missing = tmp_path / "none"
    with pytest.raises(DataError, match=f"^{missing}: no such file or folder"):
        read_text(missing)
    with pytest.raises(DataError, match=f"^{tmp_path}: no .txt file"):
        read_text(tmp_path)
    write_lines(tmp_path / "train.txt", LINES)
    with pytest.raises(DataError, match=f"^{tmp_path}: valid.txt is missing"):
        read_text(tmp_path)
