"""Files as `torch.save` writes them, without PyTorch.

Its names are lent to a pickle by modules that hold nothing else.
"""

import collections
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

KINDS = {"f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage"}


class Tensor:
    """Stands for a tensor of an array, perhaps a view of a larger one."""

    def __init__(self, values, base=None, offset=0):
        self.values, self.offset = values, offset
        self.base = values if base is None else base

    def __reduce__(self):
        strides = [step // self.values.itemsize for step in self.values.strides]
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        storage = Storage(self.base)
        hooks = collections.OrderedDict()
        shape = tuple(self.values.shape)
        return rebuild, (
            storage,
            self.offset,
            shape,
            tuple(strides),
            False,
            hooks,
        )


class Storage:
    """Stands for what a tensor is a view of."""

    def __init__(self, values):
        self.values = values


def lend_names(monkeypatch):
    """Let a pickler find the names of PyTorch, as long as a test runs."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in KINDS.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        """Is never called."""

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


class Pickler(pickle.Pickler):
    """Writes storages by their keys, each once."""

    def __init__(self, file, is_legacy):
        super().__init__(file, protocol=2)
        self.bases, self.is_legacy = [], is_legacy

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        places = [i for i, each in enumerate(self.bases) if each is obj.values]
        if not places:
            self.bases.append(obj.values)
        key = str(places[0] if places else len(self.bases) - 1)
        kind = getattr(sys.modules["torch"], KINDS[obj.values.dtype.str[1:]])
        pid = ("storage", kind, key, "cuda:0", obj.values.size)
        return (*pid, None) if self.is_legacy else pid


def state_dict(arrays):
    """An `OrderedDict` with the attribute that those of PyTorch have."""
    found = collections.OrderedDict(
        (name, each if isinstance(each, Tensor) else Tensor(each))
        for name, each in arrays.items()
    )
    found._metadata = collections.OrderedDict([("", {"version": 1})])
    return found


def write_zip(path, obj):
    """As PyTorch 1.6 and later."""
    file = io.BytesIO()
    pickler = Pickler(file, is_legacy=False)
    pickler.dump(obj)
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("archive/data.pkl", file.getvalue())
        parts.writestr("archive/byteorder", "little")
        for key, base in enumerate(pickler.bases):
            parts.writestr(f"archive/data/{key}", np.asarray(base).tobytes())
        parts.writestr("archive/version", "3\n")


def write_legacy(path, obj):
    """As PyTorch before 1.6."""
    sizes = {"short": 2, "int": 4, "long": 4}
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": sizes,
    }
    with open(path, "wb") as file:
        for each in (0x1950A86A20F9469CFC6C, 1001, system):
            pickle.dump(each, file, protocol=2)
        pickler = Pickler(file, is_legacy=True)
        pickler.dump(obj)
        keys = [str(key) for key in range(len(pickler.bases))]
        pickle.dump(keys, file, protocol=2)
        for base in pickler.bases:
            file.write(struct.pack("<q", base.size))
            file.write(np.asarray(base).tobytes())
