"""Loading models that were saved as `.keras` files."""

import importlib
import json
import zipfile
from pathlib import Path

import keras

from keras_textgen.checks import first_line, refused
from keras_textgen.cli.presets import MODEL_FILE

# Imported for what they register with Keras: the classes in a saved model.
from keras_textgen.models import register  # noqa: F401

_ALLOWED = "a file that save of a model has written"
_CONFIG_FILE, _PACKAGE = "config.json", "keras_textgen."


def load_model(path: str | Path) -> keras.Model:
    """Load a model of this package, with its vocabulary and optimizer.

    `keras.saving.load_model` knows a class only once its module has been
    imported; this imports all that can be in a file.

    Args:
        path: A file written by `model.save("....keras")` or by `trainer.py`,
            or the folder of a run.

    Returns:
        The model, compiled if it was.

    Raises:
        ValueError: If it is not there, or cannot be loaded: it is damaged, or
            of another program. The cause tells more.

    Example:
        >>> import tempfile
        >>> from keras_textgen import SentenceVAE, Vocabulary
        >>> model = SentenceVAE(Vocabulary(["red", "rose"]), rnn_units=4)
        >>> file = tempfile.mkdtemp() + "/model.keras"
        >>> model.save(file)
        >>> loaded = load_model(file)
        >>> bool((loaded.encode(["rose"]) == model.encode(["rose"])).all())
        True
    """
    if (Path(path) / MODEL_FILE).is_file():
        path = Path(path) / MODEL_FILE
    if not Path(path).exists():
        raise refused(f"{path}: no such file", _ALLOWED)
    return load_file(path, named=path)


def load_file(path: str | Path, named: str | Path) -> keras.Model:
    """As `load_model`, of a file.

    Args:
        path: Of the file.
        named: What it is called in refusals.

    Raises:
        ValueError: It holds no model.
    """
    try:
        _import_class_of(path)
        return keras.saving.load_model(path)
    # What Keras raises of a file that it cannot use may be anything.
    except Exception as error:
        raise unloadable(named, error) from error


def unloadable(named: str | Path, error: Exception) -> ValueError:
    """The refusal of a file that holds no model.

    Args:
        named: The file.
        error: That came of loading it.

    Example:
        >>> unloadable("model.keras", EOFError("it ends too early"))
        ValueError('model.keras: cannot be loaded (it ends too early); \
allowed: a file that save of a model has written')
    """
    return refused(f"{named}: cannot be loaded ({first_line(error)})", _ALLOWED)


def _import_class_of(path: str | Path) -> None:
    """Import the module of the model's class, if it is one of this package.

    Those that no command line names, such as the wrappers, are in no table.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as parts:
        if _CONFIG_FILE not in parts.namelist():
            return
        config = json.loads(parts.read(_CONFIG_FILE))
    name, module = config.get("registered_name"), config.get("module")
    is_known = keras.saving.get_registered_object(name) is not None
    if not is_known and str(module).startswith(_PACKAGE):
        importlib.import_module(module)
