"""Where the recipes are: the files `<model>_<dataset>.flags`."""

import importlib.resources
import pathlib

import keras_textgen
from keras_textgen.training.settings import RunError

# The folder of a clone is installed as this package.
_FOLDER, _PACKAGE = "flags", "keras_textgen.recipes"
# The recipe of the command line without flags: there wherever recipes are.
_MAIN = "hdgm_sotu.flags"


def find_recipes() -> pathlib.Path:
    """The folder with the recipes that belong to this package.

    Those of a clone come before installed ones, which may be of another
    version.

    Returns:
      The folder.

    Raises:
      RunError: if there is none.

    Example:
    >>> (find_recipes() / "hdgm_ptb.flags").is_file()
    True
    """
    package = pathlib.Path(keras_textgen.__file__).parent
    places = [package.parent / _FOLDER, _installed(package)]
    for place in places:
        if (place / _MAIN).is_file():
            return place
    raise RunError(
        f"no recipes, such as {_MAIN}, in {' or '.join(map(str, places))}; "
        "allowed: a whole clone, or a whole installation of keras-textgen"
    )


def _installed(package: pathlib.Path) -> pathlib.Path:
    try:
        return pathlib.Path(str(importlib.resources.files(_PACKAGE)))
    except ModuleNotFoundError:
        return package / _PACKAGE.rpartition(".")[2]
