"""Reads the data of a run without TensorFlow.

The program does so before it imports TensorFlow, so that what is wrong with
them is said at once.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from keras_textgen.checks import refused
from keras_textgen.cli.settings import (
    NO_VALUES,
    SETTINGS,
    RunError,
    Settings,
)
from keras_textgen.data.corpus import Corpus, DataError, read_corpus

__all__ = ["DataError", "data_errors", "read_data"]

# How a kind of model sees a corpus, where it is not called as the kind.
_VIEWS = {"text": "texts", "topics": "bags"}
_OF_TABLES = ("text_column", "label_column", "time_column", "split")
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


def read_data(settings: Settings) -> Corpus:
    r"""Read the data that `--dataset` names, for the kind of the model.

    Args:
      settings: of the run.

    Returns:
      Raw rows: texts, or cells of a matrix for DMF.

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
    kind = settings.spec.kind
    view = _VIEWS.get(kind, kind)
    with data_errors(settings):
        if settings.download:
            # It imports what only a download needs.
            from keras_textgen.data.download import download

            download(settings.dataset, settings.data_dir)
        corpus = read_corpus(
            settings.dataset,
            view,
            data_dir=settings.data_dir,
            seed=settings.split_seed,
            **{name: getattr(settings, name) for name in _OF_TABLES},
            **_MORE[view](settings),
        )
        if kind == "documents" and not corpus.label_names:
            raise refused(
                f"documents without labels for {settings.model}",
                "a label and a tab before each text, a folder a label, or a "
                "column of labels (--label_column); docs/data.md has examples",
            )
    return corpus


def _of_documents(settings: Settings) -> dict[str, Any]:
    return {"label": settings.label}


def _of_matrices(settings: Settings) -> dict[str, Any]:
    return {
        "fold": settings.fold,
        "fields": table_fields(settings),
        "duplicates": settings.duplicates,
        "feedback": settings.feedback or "explicit",
    }


def table_fields(settings: Settings) -> tuple[str, str, str | None]:
    """The columns of a table with ids of rows and columns, and with values.

    None in the last place says that there are no values.

    Example:
    >>> settings = Settings(
    ...     row_column=None, column_column="film", value_column="none"
    ... )
    >>> table_fields(settings)
    ('user', 'film', None)
    """
    # It imports SciPy, which takes longer than most errors.
    from keras_textgen.data.readers.tables import TABLE_FIELDS

    row, column, value = TABLE_FIELDS
    value = settings.value_column or value
    return (
        settings.row_column or row,
        settings.column_column or column,
        None if value == NO_VALUES else value,
    )


# What further settings say how a corpus is read, by view.
_MORE = {
    "texts": lambda settings: {},
    "documents": _of_documents,
    "bags": _of_documents,
    "matrices": _of_matrices,
}
