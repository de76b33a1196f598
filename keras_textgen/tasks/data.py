"""Reads the data of a run without TensorFlow.

The program does so before it imports TensorFlow, so that what is wrong with
them is said at once.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from keras_textgen.cli.settings import (
    NO_VALUES,
    SETTINGS,
    RunError,
    Settings,
)
from keras_textgen.data.readers.files import DataError

__all__ = ["DataError", "data_errors", "read_data"]

_ARGUMENT = re.compile(r"(?<![-\w])\w+(?==)")


@contextlib.contextmanager
def data_errors(settings: Settings) -> Iterator[None]:
    """Name the data set, and the flags, in what is said of them.

    Args:
      settings: of the run.

    Yields:
      Nothing.

    Raises:
      DataError: as it comes, since it names a file.
      RunError: in place of any other ValueError.

    Example:
    >>> with data_errors(Settings(dataset="text")):
    ...     raise ValueError("window=1; allowed: 2 or more")
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: --dataset=text: --window=1; \
allowed: 2 or more
    """
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        source = f"--dataset={settings.dataset}"
        if getattr(settings, "data_dir", None) is not None:
            source += f" --data_dir={settings.data_dir}"
        raise RunError(f"{source}: {_with_flags(str(error))}") from None


def _with_flags(message: str) -> str:
    """A message of arguments, which the command line has as flags.

    Example:
    >>> _with_flags("no word occurs min_count=2 times, width=3")
    'no word occurs --min_count=2 times, width=3'
    """
    return _ARGUMENT.sub(
        lambda name: f"--{name[0]}" if name[0] in SETTINGS else name[0],
        message,
    )


def read_data(settings: Settings) -> Any:
    r"""Read the data that `--dataset` names, for the kind of the model.

    Args:
      settings: of the run.

    Returns:
      `Texts` for text models, a `DocumentCorpus` for HAN and SAE, a
      `RatingsCorpus` for DMF.

    Raises:
      DataError: if the data are not there or cannot be used.
      RunError: if a setting is not for these data.

    Example:
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "poems.txt")
    >>> _ = path.write_text("a rose\n" * 20, "utf-8")
    >>> settings = Settings(model="vae", dataset="text", data_dir=path)
    >>> len(read_data(settings).train)
    16
    """
    with data_errors(settings):
        return _READERS[settings.spec.kind](settings)


# Each imports what it needs alone: SciPy takes longer than most errors.


def _texts(settings: Settings):
    from keras_textgen.data.readers.texts import read_texts

    return read_texts(settings.dataset, settings.data_dir, settings.split_seed)


def _documents(settings: Settings):
    from keras_textgen.data.documents import load_documents

    corpus = load_documents(
        settings.dataset,
        settings.data_dir,
        label=settings.label,
        seed=settings.split_seed,
    )
    if settings.spec.kind == "documents" and not corpus.label_names:
        raise ValueError(
            "the documents have no labels; allowed for "
            f"{settings.model}: labeled ones (docs/data.md says how)"
        )
    return corpus


def _matrix(settings: Settings):
    from keras_textgen.data.ratings import load_ratings
    from keras_textgen.data.readers.tables import TABLE_FIELDS

    row, column, value = TABLE_FIELDS
    value = settings.value_column or value
    fields = (
        settings.row_column or row,
        settings.column_column or column,
        None if value == NO_VALUES else value,
    )
    return load_ratings(
        settings.dataset,
        settings.data_dir,
        fold=settings.fold or 1,
        fields=fields,
        seed=settings.split_seed,
        duplicates=settings.duplicates,
    )


_READERS: dict[str, Callable[[Settings], Any]] = {
    "text": _texts,
    "documents": _documents,
    "topics": _documents,
    "matrices": _matrix,
}
