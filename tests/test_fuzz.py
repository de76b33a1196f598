"""Damaged files are read or refused by one line, and nothing else."""

import importlib.util
import pathlib
import random
import sys
import tarfile
import zipfile

import pytest

from keras_textgen.cli.errors import RunError
from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import parse
from keras_textgen.data.corpus import DataError, read_corpus
from keras_textgen.data.readers import archives

ROOT = pathlib.Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("fuzz", ROOT / "tools/fuzz.py")
fuzz = importlib.util.module_from_spec(_SPEC)
sys.modules["fuzz"] = fuzz
_SPEC.loader.exec_module(fuzz)
KINDS = {kind.name: kind for kind in fuzz.kinds()}


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_is_read(name, tmp_path):
    path = tmp_path / KINDS[name].file
    path.write_bytes(KINDS[name].content)
    KINDS[name].read(path)


def test_a_damaged_file_is_read_or_refused():
    found = list(fuzz.fuzz(inputs=8 * len(KINDS), seed=0))
    assert [fault for _, _, fault in found if fault] == []
    assert {outcome for _, outcome, _ in found} == {"read", "refused"}


def test_damages_are_of_the_seed():
    whole = bytes(range(256))
    one, same, other = (
        fuzz.damaged(whole, random.Random(seed)) for seed in (1, 1, 2)
    )
    assert one == same
    assert len({one, other, whole}) == 3


# What it has found.


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"2 2 4`4\xd3;\xad\xd0O", "'2 2 4`4\ufffd;\ufffd\ufffdO'"),
        (b"2 2 4 4", "'2 2 4 4'"),
    ],
)
def test_a_line_of_a_matrix_that_is_no_cell(tmp_path, line, shown):
    """SciPy's reader ends the process at some of them."""
    path = tmp_path / "a.mtx"
    head = b"%%MatrixMarket matrix coordinate real general\n% why\n2 2 2\n"
    path.write_bytes(head + b"1 1 0.5\n" + line + b"\n")
    with pytest.raises(DataError) as error:
        read_corpus("matrix", "matrices", data_dir=path)
    assert str(error.value).startswith(f"{path}:5: {shown} is no cell")


def test_a_damaged_column_of_an_arrow_file(tmp_path):
    """What it says of lengths leads out of its memory."""
    arrow = pytest.importorskip("pyarrow", reason="no pyarrow")
    feather = pytest.importorskip("pyarrow.feather", reason="no pyarrow")
    path = tmp_path / "a.arrow"
    texts = arrow.array(["a rose", "a thorn"])
    offsets = arrow.array([0, 2**30, 13], arrow.int32()).buffers()[1]
    damaged = arrow.StringArray.from_buffers(2, offsets, texts.buffers()[2])
    table = arrow.table({"text": damaged})
    feather.write_feather(table, path, compression="uncompressed")
    with pytest.raises(DataError, match="damaged, or of another format"):
        read_corpus("text", "texts", data_dir=path)


def test_an_argument_that_is_far_too_long():
    with pytest.raises(RunError, match="too long for a flag"):
        parse(["trainer.py", "--" + "modell" * 300], find_recipes())


def test_what_libraries_say_in_several_lines_is_one():
    assert str(DataError("a: Invalid data\n; allowed: b")).count("\n") == 0
    assert str(RunError("a\r\nb")) == "a b"


@pytest.mark.parametrize("packed", ["zip", "tar.gz"])
def test_a_file_that_is_small_only_while_it_is_packed(
    tmp_path, monkeypatch, packed
):
    monkeypatch.setattr(archives, "_LARGEST_MEMBER", 1000)
    path = tmp_path / f"20news.{packed}"
    large = tmp_path / "large"
    large.write_bytes(b"a" * 1001)
    name = "20news-bydate-train/sci.space/1"
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(large, name)
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(large, name)
    with pytest.raises(DataError) as error:
        read_corpus("20news", "documents", data_dir=path)
    assert str(error.value) == (
        f"{path}: {name} has 1,001 bytes when unpacked; allowed: at most 1,000"
    )
