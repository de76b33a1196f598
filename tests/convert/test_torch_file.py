"""Tensors of PyTorch's files: every form of them, and what is refused."""

import os
import pickle
import random
import zipfile

import numpy as np
import pytest
from fuzz_damage import damaged

from keras_textgen.convert.torch_file import read_state_dict
from tests.convert.torch_writer import (
    Tensor,
    lend_names,
    state_dict,
    write_legacy,
    write_zip,
)

BASE = np.arange(24, dtype=np.float32)
ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.array([0.5, -2.0]),
    "steps": np.array(7),
    "empty": np.zeros([0, 3], np.float32),
}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    lend_names(monkeypatch)


@pytest.fixture(params=[write_zip, write_legacy], ids=["zip", "legacy"])
def write(request):
    return request.param


def test_arrays_come_back(tmp_path, write):
    # Two views of one storage, one of them transposed.
    views = {
        "rows": BASE.reshape(4, 6)[1:3],
        "columns": BASE.reshape(4, 6).T,
    }
    tensors = {
        "rows": Tensor(views["rows"], BASE, offset=6),
        "columns": Tensor(views["columns"], BASE),
    }
    write(tmp_path / "a.pt", state_dict(ARRAYS | tensors))
    found = read_state_dict(tmp_path / "a.pt")
    assert list(found) == [*ARRAYS, "rows", "columns"]
    for name, expected in (ARRAYS | views).items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype


def test_arrays_of_numpy(tmp_path):
    np.savez(tmp_path / "a.npz", **ARRAYS)
    found = read_state_dict(tmp_path / "a.npz")
    assert found.keys() == ARRAYS.keys()
    np.savez(tmp_path / "b.npz", a=np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_state_dict(tmp_path / "b.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    for part in (b"", whole[:100]):
        (tmp_path / "c.npz").write_bytes(part)
        with pytest.raises(ValueError, match=r"c.npz: no state dict \("):
            read_state_dict(tmp_path / "c.npz")


@pytest.mark.parametrize("kind", ["zip", "legacy", "npz"])
def test_a_damaged_file_is_read_or_refused(tmp_path, kind):
    path = tmp_path / ("a.npz" if kind == "npz" else "a.pt")
    if kind == "npz":
        np.savez(path, **ARRAYS)
    else:
        write = {"zip": write_zip, "legacy": write_legacy}[kind]
        write(path, state_dict(ARRAYS))
    whole = path.read_bytes()
    refusals = []
    for seed in range(400):
        path.write_bytes(damaged(whole, random.Random(seed)))
        refusals.append(refusal_of(path))
    assert refusals.count("") < 200
    assert {each.partition(" (")[0] for each in refusals if each} == {
        f"{path}: no state dict"
    }


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_pickle_that_would_remember_at_a_far_place(tmp_path, kind):
    """Memory would be taken for all places before it, here 32 GB."""
    path = tmp_path / "a.pt"
    far = b"\x80\x02Kar" + (2**31).to_bytes(4, "little") + b"."
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as parts:
            parts.writestr("a/data.pkl", far)
    else:
        path.write_bytes(far)
    with pytest.raises(ValueError, match=r"\(damaged: place 2147483648\)"):
        read_state_dict(path)


def test_parts_that_are_small_only_while_they_are_packed(tmp_path):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("a/data.pkl", bytes(2**24))
    assert path.stat().st_size < 2**16
    with pytest.raises(ValueError, match=r"\(a compressed part\)"):
        read_state_dict(path)


def refusal_of(path):
    try:
        read_state_dict(path)
    except ValueError as error:
        return str(error)
    return ""


class Harm:
    """Would run a command where a pickle is run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_nothing_is_run(tmp_path, write):
    harm = tmp_path / "harm"
    for content in (Harm(str(harm)), state_dict(ARRAYS) | {"x": Harm("x")}):
        write(tmp_path / "a.pt", content)
        with pytest.raises(
            ValueError, match=r"a.pt: no state dict \(it names \w+.mkdir\); all"
        ):
            read_state_dict(tmp_path / "a.pt")
    assert not harm.exists()


def test_views_beyond_their_storage_are_refused(tmp_path, write):
    wrong = Tensor(BASE.reshape(4, 6), BASE[:20])
    write(tmp_path / "a.pt", state_dict({"a": wrong}))
    with pytest.raises(ValueError, match="damaged: numbers are missing"):
        read_state_dict(tmp_path / "a.pt")
    # Backwards, and one number for very many.
    many = np.broadcast_to(BASE[:1], [10**12])
    for each in (Tensor(BASE[::-1], BASE), Tensor(many, BASE)):
        write(tmp_path / "a.pt", state_dict({"a": each}))
        with pytest.raises(ValueError, match="damaged: numbers are missing"):
            read_state_dict(tmp_path / "a.pt")


def test_other_files_are_refused(tmp_path, write):
    path = tmp_path / "a.pt"
    for content, message in (
        ({"epoch": 3, "model": state_dict(ARRAYS)}, "0 tensors in a dict of 2"),
        ({}, "0 tensors in a dict of 0"),
        ([1, 2], r"\(a list\); allowed: a state dict that torch.save"),
    ):
        write(path, content)
        with pytest.raises(ValueError, match=message):
            read_state_dict(path)
    write(path, state_dict(ARRAYS))
    whole = path.read_bytes()
    for part in (
        whole[: len(whole) // 2],
        b"",
        b"text",
        pickle.dumps({"a": 1}),
    ):
        path.write_bytes(part)
        with pytest.raises(ValueError, match=r"; allowed: a state dict that"):
            read_state_dict(path)
