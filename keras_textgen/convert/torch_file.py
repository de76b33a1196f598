"""The tensors of a PyTorch file, without PyTorch and without running it.

A state dict is a pickle, which may name any function to be called. Here it may
name those that put tensors together, and no others.
"""

import collections
import io
import math
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_textgen.checks import refused
from keras_textgen.data.readers.archives import ARRAY_DAMAGES

_ALLOWED = "a state dict that torch.save has written, or a .npz of its arrays"
# The first number of files of PyTorch before 1.6, which are no .zip.
_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


_OTHER_ORDER = "numbers of the other byte order"


class _Storage(NamedTuple):
    """The numbers that tensors are views of: which ones, how many, of a type.

    Attributes:
        key: In the file.
        size: How many.
        dtype: Of NumPy.
    """

    key: str
    size: int
    dtype: np.dtype


class _View(NamedTuple):
    """A tensor: numbers of a storage by their strides, in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a state dict.

    Args:
        path: File of `torch.save`, of any version, or a `.npz` that
            `numpy.savez` has written of the tensors as arrays.

    Returns:
        Arrays by their names.

    Raises:
        ValueError: If it is none of these, is damaged, or would do more than
            put tensors together.
        OSError: If it cannot be read.
    """
    path = Path(path)
    with open(path, "rb"):
        # Of what comes later, errors of the system are those of damages, such
        # as places in the file before its start.
        pass
    try:
        return _read(path)
    except (
        *ARRAY_DAMAGES,
        AttributeError,
        IndexError,
        pickle.UnpicklingError,
    ) as error:
        raise refused(f"{path}: no state dict ({error})", _ALLOWED) from None


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npz":
        return _read_arrays(path)
    reader = _read_zip if zipfile.is_zipfile(path) else _read_legacy
    found, values = reader(path)
    if not isinstance(found, Mapping):
        raise pickle.UnpicklingError(f"a {type(found).__name__}")
    tensors = {n: view for n, view in found.items() if isinstance(view, _View)}
    if len(tensors) < len(found) or not tensors:
        raise pickle.UnpicklingError(
            f"{len(tensors)} tensors in a dict of {len(found)}"
        )
    return {str(name): _array(view, values) for name, view in tensors.items()}


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    # By itself, NumPy leaves a damaged file open.
    with open(path, "rb") as file:
        return dict(np.load(file, allow_pickle=False))


def _read_zip(path: Path) -> tuple[Any, Callable[[_Storage], bytes]]:
    """The object of a file of PyTorch 1.6 and later, and its storages."""
    with zipfile.ZipFile(path) as parts:
        if any(each.compress_type for each in parts.infolist()):
            # torch.save packs nothing; what is packed may be of any size.
            raise pickle.UnpicklingError("a compressed part")
        names = parts.namelist()
        (pickled,) = (each for each in names if each.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in names and parts.read(order) != b"little":
            raise pickle.UnpicklingError(_OTHER_ORDER)
        found = _Tensors(io.BytesIO(parts.read(pickled))).load()

    def values(storage: _Storage) -> bytes:
        with zipfile.ZipFile(path) as parts:
            return parts.read(f"{folder}data/{storage.key}")

    return found, values


def _read_legacy(path: Path) -> tuple[Any, Callable[[_Storage], bytes]]:
    """The same of a file of PyTorch before 1.6."""
    with open(path, "rb") as file:
        if _Tensors(file).load() != _MAGIC:
            raise pickle.UnpicklingError("of another kind")
        _Tensors(file).load()  # The version of the format.
        if not _Tensors(file).load()["little_endian"]:
            raise pickle.UnpicklingError(_OTHER_ORDER)
        reader = _Tensors(file)
        found = reader.load()
        storages = {}
        for key in _Tensors(file).load():
            size = int.from_bytes(file.read(8), "little")
            length = size * reader.storages[key].dtype.itemsize
            storages[key] = file.read(min(length, path.stat().st_size))
    return found, lambda storage: storages[storage.key]


class _Tensors(pickle.Unpickler):
    """Unpickles tensors, and dicts of them, and nothing else."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}
        self._file = file

    def load(self) -> Any:
        """The object, of a pickle whose places are those of its own parts.

        What is remembered has a number, and memory for all numbers below it: a
        damaged one would take 64 GB. A writer counts them from 0.
        """
        start = self._file.tell()
        with warnings.catch_warnings():
            # Of what strings of a damaged file hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            parts = pickletools.genops(self._file)
            for count, (opcode, argument, _) in enumerate(parts):
                if opcode.name.endswith("PUT") and not 0 <= argument <= count:
                    raise pickle.UnpicklingError(f"damaged: place {argument}")
            self._file.seek(start)
            return super().load()

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _DTYPES:
            return np.dtype(_DTYPES[name])
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        """The storage that a pickle speaks of."""
        kind, dtype, key, _, size, *_ = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"it holds {kind!r:.40}")
        found = _Storage(str(key), int(size), dtype)
        return self.storages.setdefault(found.key, found)


def _view(
    storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any
) -> _View:
    return _View(storage, int(offset), tuple(shape), tuple(strides))


def _parameter(data: _View, *_: Any) -> _View:
    return data


def _array(view: _View, values: Callable[[_Storage], bytes]) -> np.ndarray:
    """The numbers of a tensor, all of which are in its storage."""
    dtype = view.storage.dtype.newbyteorder("<")
    content = values(view.storage)
    steps = zip(view.shape, view.strides, strict=True)
    last = view.offset + sum((size - 1) * step for size, step in steps)
    is_whole = len(content) == view.storage.size * dtype.itemsize
    is_within = min((view.offset, *view.strides, *view.shape)) >= 0
    count = math.prod(view.shape)
    if count > view.storage.size or (count and last >= view.storage.size):
        is_within = False
    if not (is_whole and is_within):
        raise pickle.UnpicklingError("damaged: numbers are missing")
    numbers = np.frombuffer(content, dtype)[view.offset :]
    strides = [step * dtype.itemsize for step in view.strides]
    return np.lib.stride_tricks.as_strided(
        numbers, view.shape, strides, writeable=False
    ).copy()
