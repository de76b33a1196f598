"""Penn Treebank: files and windows."""

import gzip

import numpy as np
import pytest

from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.ptb import read_ptb, stream_windows


def write_splits(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "valid", "test"):
        text = f" the {split} N \n a <unk> \n"
        (folder / f"ptb.{split}.txt").write_text(text, "utf-8")


@pytest.mark.parametrize("below", ["", "data", "simple-examples/data"])
def test_folders(tmp_path, below):
    write_splits(tmp_path / below)
    texts = read_ptb(tmp_path)
    assert texts.train == [" the train N ", " a <unk> "]
    assert texts.test == [" the test N ", " a <unk> "]


def test_compressed(tmp_path):
    write_splits(tmp_path)
    plain = read_ptb(tmp_path)
    for path in tmp_path.glob("*.txt"):
        packed = gzip.compress(path.read_bytes())
        path.with_name(f"{path.name}.gz").write_bytes(packed)
        path.unlink()
    assert read_ptb(tmp_path) == plain


def test_refused(tmp_path):
    address = "simple-examples.tgz"
    with pytest.raises(DataError, match=f"^ptb: no data_dir .*{address}"):
        read_ptb(None)
    missing = tmp_path / "none"
    with pytest.raises(DataError, match=f"^{missing}: no such f.*{address}"):
        read_ptb(missing)
    write_splits(tmp_path)
    (tmp_path / "ptb.valid.txt").unlink()
    with pytest.raises(DataError, match=rf"ptb\.valid\.txt is m.*{address}"):
        read_ptb(tmp_path)


@pytest.mark.parametrize(
    ("tokens", "batch_size", "window"), [(1000, 7, 9), (42, 2, 20), (50, 1, 3)]
)
def test_windows(tokens, batch_size, window):
    stream = np.arange(tokens)
    windows = stream_windows(stream, batch_size, window)
    # By hand: row r starts at r * columns; its window k starts k * window
    # later and needs one token more, for the last target.
    columns = tokens // batch_size
    expected = [
        [row * columns + step * window + i for i in range(window + 1)]
        for step in range((columns - 1) // window)
        for row in range(batch_size)
    ]
    np.testing.assert_array_equal(windows, expected)


@pytest.mark.parametrize("tokens", [0, 3, 40])
def test_a_stream_too_short(tokens):
    assert stream_windows(np.arange(tokens), 2, 20).shape == (0, 21)
