"""Where the recipes are: the files `<model>_<dataset>.flags`."""

import os
import pathlib

from keras_textgen.cli.errors import RunError
from keras_textgen.cli.folders import places_of

# The recipe of the command line without flags: there wherever recipes are.
_MAIN = "hdgm_sotu.flags"


def find_recipes() -> pathlib.Path:
    """The folder with the recipes that belong to this package.

    Returns:
      The folder.

    Raises:
      RunError: if there is none.

    Example:
    >>> (find_recipes() / "hdgm_ptb.flags").is_file()
    True
    """
    places = places_of("flags", "recipes")
    for place in places:
        if (place / _MAIN).is_file():
            return place
    raise RunError(
        f"no recipes, such as {_MAIN}, in {' or '.join(map(str, places))}; "
        "allowed: a whole clone, or a whole installation of keras-textgen"
    )


def recipe_file(
    recipes: str | os.PathLike, model: str, dataset: str
) -> pathlib.Path | None:
    """The recipe of a model on a data set.

    Args:
      recipes: folder of the recipes.
      model: as `--model` names it.
      dataset: as `--dataset` names it.

    Returns:
      The file, or None if there is none for the two.

    Example:
    >>> recipe_file("flags", "hdgm", "ptb").as_posix()
    'flags/hdgm_ptb.flags'
    >>> recipe_file("flags", "sae", "imdb")
    """
    path = pathlib.Path(recipes) / f"{model}_{dataset}.flags"
    return path if path.is_file() else None
