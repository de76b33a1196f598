"""Presets: models that are trained already, and models written as such."""

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from keras_textgen.checks import counted, refused
from keras_textgen.cli.presets import MODEL_FILE, find_preset, preset_names
from keras_textgen.data.readers.archives import DAMAGES
from keras_textgen.models.exporting import check_model
from keras_textgen.models.loading import load_file, load_model, unloadable

_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"
# Its learning rate is not to be rounded.
_OPTIMIZER = "/optimizer"
# In bytes: what says to be larger is refused before it is read.
_LARGEST_MODEL = 4 * 2**30


def from_preset(preset: str | os.PathLike) -> keras.Model:
    """Load a model that is trained already.

    Those that come with the package are listed in `docs/presets.md`,
    each with a card that says what it has learnt and how well.

    Args:
        preset: The name of one that comes with the package, or the folder, or
            the `.zip` of the folder, that `save_to_preset` has written.

    Returns:
        The model, as its constructor leaves it: not compiled, for most.

    Raises:
        ValueError: If it is none of these.

    Example:
        >>> model = from_preset("lstm_lm_sotu")
        >>> len(model.generate(3))
        3
        >>> from_preset("elmo")
        Traceback (most recent call last):
        ValueError: preset='elmo', which is not there; allowed: ...
    """
    path = find_preset(preset)
    if path is None:
        raise refused(
            f"preset={os.fspath(preset)!r}, which is not there",
            "a folder or .zip that save_to_preset has written, or one of "
            + ", ".join(preset_names()),
        )
    if path.is_dir():
        return load_model(path)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL_FILE
        try:
            file.write_bytes(_model_in(path))
        except DAMAGES as error:
            raise unloadable(path, error) from error
        return load_file(file, named=path)


def save_to_preset(model: keras.Model, folder: str | os.PathLike) -> None:
    """Write a model as a preset: smaller, and without its optimizer.

    Its weights are rounded to float16, that is to three digits, which halves
    the file;
    those beyond its range stay as they are. `from_preset(folder)` loads it, and
    so does `from_preset` of a `.zip` of the folder.

    Args:
        model: Of this package, of any kind.
        folder: Made if it is not there. A preset that is there is replaced.

    Example:
        >>> import tempfile
        >>> from keras_textgen import SentenceVAE, Vocabulary
        >>> model = SentenceVAE(Vocabulary(["red", "rose"]), rnn_units=4)
        >>> folder = tempfile.mkdtemp()
        >>> save_to_preset(model, folder)
        >>> from_preset(folder).vocabulary.get_vocabulary()[-2:]
        ['red', 'rose']
    """
    check_model(model, "endpoints")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        whole = Path(beside) / "whole.keras"
        _as_constructed(model).save(whole)
        small = Path(beside) / MODEL_FILE
        _write_small(whole, small)
        os.replace(small, folder / MODEL_FILE)


def _as_constructed(model: keras.Model) -> keras.Model:
    """The same model, compiled only if its constructor compiles it."""
    fresh = type(model).from_config(model.get_config())
    fresh.set_weights(model.get_weights())
    return fresh


def _write_small(whole: Path, small: Path) -> None:
    """Copy a `.keras` file, its weights in float16."""
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.infolist():
            content = source.read(part)
            if part.filename == _WEIGHTS:
                content = _smaller(content)
            elif part.filename == _CONFIG:
                content = _uncompiled(content)
            # With the date of the part: the same model gives the same bytes.
            target.writestr(part, content, zipfile.ZIP_DEFLATED)


def _uncompiled(content: bytes) -> bytes:
    """The config of a model, which its constructor alone compiles."""
    config = json.loads(content)
    config.pop("compile_config", None)
    return json.dumps(config).encode()


def _smaller(content: bytes) -> bytes:
    """The file of a model's weights, in float16."""
    result = io.BytesIO()
    with (
        h5py.File(io.BytesIO(content), "r") as source,
        h5py.File(result, "w") as target,
    ):
        _copy(source, target)
    return result.getvalue()


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Dataset):
            target[name] = _halved(item[()])
            target[name].attrs.update(item.attrs)
        elif item.name == _OPTIMIZER:
            source.copy(item, target)
        else:
            _copy(item, target.create_group(name))


def _halved(values: np.ndarray) -> np.ndarray:
    """The values in float16, if they are of float32 and within its range."""
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    return halves if np.isfinite(halves).all() else values


def _model_in(archive: Path) -> bytes:
    """The file of the model in the `.zip` of a preset's folder."""
    with zipfile.ZipFile(archive) as parts:
        found = [
            part
            for part in parts.infolist()
            if Path(part.filename).name == MODEL_FILE
        ]
        if len(found) != 1:
            raise refused(
                f"{archive}: {counted(len(found), 'file')} {MODEL_FILE}",
                "the .zip of one preset's folder",
            )
        if found[0].file_size > _LARGEST_MODEL:
            raise refused(
                f"{archive}: {counted(found[0].file_size, 'byte')} of "
                f"{MODEL_FILE}",
                f"at most {_LARGEST_MODEL:,}",
            )
        return parts.read(found[0])
