"""Damaged files are read or refused by one line, and nothing else."""

import json
import random
import tarfile
import zipfile

import fuzz
import fuzz_damage
import fuzz_kinds
import fuzz_prepared
import numpy as np
import pytest

from keras_textgen.cli.errors import RunError
from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import parse
from keras_textgen.data.corpus import DataError, read_corpus
from keras_textgen.data.readers import archives
from keras_textgen.data.shards.corpus import open_prepared
from keras_textgen.data.shards.manifest import sealed

KINDS = {kind.name: kind for kind in fuzz_kinds.kinds()}


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_is_read(name, tmp_path):
    KINDS[name].read(fuzz_kinds.written(KINDS[name], tmp_path))


def test_a_damaged_file_is_read_or_refused():
    found = list(fuzz.fuzz(inputs=8 * len(KINDS), seed=0))
    assert [fault for _, _, fault in found if fault] == []
    assert {outcome for _, outcome, _ in found} == {"read", "refused"}


def test_damages_are_of_the_seed():
    whole = bytes(range(256))
    one, same, other = (
        fuzz_damage.damaged(whole, random.Random(seed)) for seed in (1, 1, 2)
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


@pytest.fixture
def matrix(tmp_path):
    for name, content in fuzz_prepared.matrix_files().items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("bad", "many", "bad='many'; allowed: whole numbers, 0 to 900719925"),
        ("merged", 10**400, "merged=1000"),
        ("counts train mean", "3", "mean='3'; allowed: numbers"),
        ("counts valid lowest", float("nan"), "lowest=nan; allowed: numbers"),
        ("counts test", {}, "CellCounts"),
        ("files 0 sha256", None, "sha256=None; allowed: text"),
        ("files 0 name", "..", "the name '..'; allowed: one of this folder"),
        ("files 0 name", "a", "no rows.json among its files"),
        ("settings", [], "settings=[]; allowed: fields by name"),
        ("shape 0", 0, "rows=0; allowed: whole numbers, 1 to 2147483647"),
        ("fields 2", 3, "value=3; allowed: text"),
        ("kind", "texts", "another kind; allowed: cells"),
    ],
)
def test_values_of_a_manifest_that_are_none(matrix, place, value, told):
    """They ended in tracebacks, when they were used."""
    path = matrix / "manifest.json"
    fields = holder = json.loads(path.read_text())
    *way, last = (int(k) if k.isdigit() else k for k in place.split())
    for key in way:
        holder = holder[key]
    holder[last] = value
    path.write_text(sealed(fields))
    with pytest.raises(DataError) as error:
        open_prepared(matrix)
    assert f"{path}: no manifest of this format (" in str(error.value)
    assert told in str(error.value)


def test_a_manifest_of_many_brackets(matrix):
    (matrix / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"of this format \(RecursionError"):
        open_prepared(matrix)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(16, dtype=np.int64),
        np.arange(15, dtype=np.int32),
        np.arange(16, dtype=np.int32).reshape(4, 4),
        np.array([{}] * 16, object),
    ],
    ids=["int64", "15", "4x4", "objects"],
)
def test_an_array_of_another_type_or_size(matrix, array):
    path = matrix / "train.rows.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError) as error:
        fuzz_kinds.open_listed(path)
    assert str(error.value) == (
        f"{path}: cannot be read (another head; allowed: that of <i4 [16]); "
        "allowed: the file as it was written"
    )


def test_arrays_are_mapped_whatever_fills_up_their_heads(matrix):
    """As many blanks as versions of NumPy like."""
    path = matrix / "train.rows.npy"
    content, rows = path.read_bytes(), np.load(path)
    size = int.from_bytes(content[8:10], "little")
    head = content[10 : 10 + size].rstrip() + b" " * 40 + b"\n"
    short = content[:8] + len(head).to_bytes(2, "little") + head
    path.write_bytes(short + content[10 + size :])
    fuzz_kinds.open_listed(path)
    np.testing.assert_array_equal(open_prepared(matrix).train.rows, rows)


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
