"""Folders of a clone, which an installation has as subpackages."""

import importlib.resources
import pathlib

import keras_textgen


def places_of(folder: str, subpackage: str) -> list[pathlib.Path]:
    """Where a folder of this package may be.

    Args:
      folder: in a clone, such as "flags".
      subpackage: as which it is installed, such as "recipes".

    Returns:
      Its path in a clone, and that in an installation.

    Example:
    >>> [path.name for path in places_of("flags", "recipes")]
    ['flags', 'recipes']
    """
    # The subpackage by its own name might be that of another clone, which is
    # installed as editable.
    package = pathlib.Path(str(importlib.resources.files(keras_textgen)))
    return [package.parent / folder, package / subpackage]
