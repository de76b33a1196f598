"""Where presets are: models that are trained already, a folder each."""

import os
import pathlib

from keras_textgen.cli.folders import places_of

# What makes a folder a preset.
MODEL_FILE = "model.keras"


def find_preset(preset: str | os.PathLike) -> pathlib.Path | None:
    """The folder of a preset, or the `.zip` of one.

    Args:
      preset: the name of one that comes with the package, or a path.

    Returns:
      Its path, or None if there is none.

    Example:
    >>> find_preset("hdgm_sotu").name, find_preset("elmo")
    ('hdgm_sotu', None)
    """
    path = pathlib.Path(preset)
    if path.suffix == ".zip" and path.is_file():
        return path
    candidates = (path, *(place / path for place in _places()))
    # A path that leads elsewhere is not the name of one that is here.
    usable = candidates if len(path.parts) == 1 else candidates[:1]
    return next(
        (each for each in usable if (each / MODEL_FILE).is_file()), None
    )


def kept_spelling(preset: str | None) -> str | None:
    """How a preset is spelled where it has to hold from any folder.

    Args:
      preset: as for `find_preset`; None for none.

    Returns:
      The absolute path of a folder; a name, or what is not there, as it is.

    Example:
    >>> kept_spelling("hdgm_sotu")
    'hdgm_sotu'
    """
    if preset is None or not (pathlib.Path(preset) / MODEL_FILE).is_file():
        return preset
    return os.path.abspath(preset)


def preset_names() -> list[str]:
    """The names of those that come with the package.

    Returns:
      Names, sorted.
    """
    return sorted(
        {
            file.parent.name
            for place in _places()
            for file in place.glob(f"*/{MODEL_FILE}")
        }
    )


def _places() -> list[pathlib.Path]:
    return places_of("saved_models/presets", "presets")
