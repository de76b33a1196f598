"""The weights of a file of Keras 1 or 2, layer by layer."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from keras_textgen.checks import refused
from keras_textgen.data.text_lists import as_text

_ALLOWED = "a file of save_weights or save of Keras 2 (.h5, .hdf5)"
_NUMBER = re.compile(r"(.*?)(?:_(\d+))?")


class Layer(NamedTuple):
    """A layer with weights.

    Attributes:
        kind: Its name without a number, such as "dense".
        name: Such as "dense_3".
        weights: In the order in which the layer has them.
    """

    kind: str
    name: str
    weights: list[np.ndarray]


def read_layers(path: str | Path) -> list[Layer]:
    """Read the layers that have weights.

    Args:
        path: File of Keras 2, of weights or of a whole model.

    Returns:
        Layers of each kind in the order in which they were made, which is that
        of their numbers.

    Raises:
        ValueError: If it is no such file.
        OSError: If it cannot be read.
    """
    if not h5py.is_hdf5(path):
        raise refused(f"{path}: no HDF5", _ALLOWED)
    with h5py.File(path, "r") as file:
        group = file.get("model_weights", file)
        if "layer_names" not in group.attrs:
            raise refused(f"{path}: it names no layers", _ALLOWED)
        layers = [
            _layer(path, group, as_text(name))
            for name in group.attrs["layer_names"]
        ]
    return sorted((each for each in layers if each.weights), key=_place)


def keras_version(path: str | Path) -> tuple[int, ...] | None:
    """The version of Keras that has written a file, if it says so.

    Returns:
        Such as (2, 0, 8).
    """
    with h5py.File(path, "r") as file:
        group = file.get("model_weights", file)
        said = group.attrs.get("keras_version", file.attrs.get("keras_version"))
    if said is None:
        return None
    return tuple(int(each) for each in re.findall(r"\d+", as_text(said)))


def layers_of_kinds(path: str | Path, *kinds: str) -> list[list[Layer]]:
    """The layers of each kind.

    Args:
        path: As in `read_layers`.
        *kinds: Such as "dense".

    Raises:
        ValueError: If there are layers with weights of other kinds.
    """
    layers = read_layers(path)
    others = [each.name for each in layers if each.kind not in kinds]
    if others:
        raise refused(
            f"{path}: layers {', '.join(others)}", f"of {' and '.join(kinds)}"
        )
    return [[each for each in layers if each.kind == kind] for kind in kinds]


def check_layer(
    path: str | Path, layer: Layer, shapes: list[tuple[int | None, ...]]
) -> None:
    """Refuse a layer whose weights have other shapes.

    Args:
        path: Of the file, for messages.
        layer: Of it.
        shapes: Of its weights; None where any size will do.

    Raises:
        ValueError: If they have.
    """
    found = [tuple(map(int, each.shape)) for each in layer.weights]
    fits = len(found) == len(shapes) and all(
        len(one) == len(other)
        and all(b in (None, a) for a, b in zip(one, other, strict=True))
        for one, other in zip(found, shapes, strict=True)
    )
    if not fits:
        raise refused(
            f"{path}: {layer.name} has weights of {_listed(found)}",
            _listed(shapes),
        )


def _listed(shapes: Sequence[tuple[int | None, ...]]) -> str:
    """Shapes for a message.

    Example:
        >>> _listed([(None, 3), (3,)])
        '[any, 3] and [3]'
    """
    texts = (", ".join(map(str, each)) for each in shapes)
    listed = " and ".join(f"[{text}]" for text in texts)
    return listed.replace("None", "any")


def _layer(path: str | Path, group: h5py.Group, name: str) -> Layer:
    match = _NUMBER.fullmatch(name)
    assert match is not None
    if name not in group:
        raise refused(f"{path}: it lacks the layer {name}", _ALLOWED)
    names = map(as_text, group[name].attrs.get("weight_names", ()))
    weights = [np.asarray(group[name][each]) for each in names]
    return Layer(match[1], name, weights)


def _place(layer: Layer) -> tuple[str, int]:
    number = layer.name.removeprefix(layer.kind).removeprefix("_")
    return layer.kind, int(number or 0)
