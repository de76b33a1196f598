"""Reads the data of a run without TensorFlow.

The program does so before it imports TensorFlow, so that what is wrong with
them is said at once.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from keras_textgen.checks import counted, refused
from keras_textgen.cli.modes import MODES
from keras_textgen.cli.parsers import STANDARD_INPUT
from keras_textgen.cli.settings import (
    NO_VALUES,
    SETTINGS,
    RunError,
    Settings,
)
from keras_textgen.data.corpus import Corpus, DataError, read_corpus
from keras_textgen.data.formats.collect import (
    checked_id_or_none,
    checked_text,
)
from keras_textgen.data.formats.outputs import check_output
from keras_textgen.data.formats.records import Record, read_records

__all__ = ["DataError", "data_errors", "read_data"]

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
    view = settings.spec.view
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
        if view == "documents" and not corpus.label_names:
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
        "validation_share": settings.validation_share,
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
    from keras_textgen.data.cell_columns import TABLE_FIELDS

    row, column, value = TABLE_FIELDS
    value = settings.value_column or value
    return (
        settings.row_column or row,
        settings.column_column or column,
        None if value == NO_VALUES else value,
    )


# -- What a trained model is applied to ---------------------------------------


def input_columns(settings: Settings) -> list[str]:
    """The columns of `--input`, as a table calls them.

    Raises:
      RunError: if `--input_columns` names another number of columns.

    Example:
    >>> input_columns(
    ...     Settings(model="dmf", dataset="ratings", mode="recommend")
    ... )
    ['user']
    >>> input_columns(
    ...     Settings(model="vae", mode="interpolate", input_columns="from,to")
    ... )
    ['from', 'to']
    """
    usual = _usual_columns(settings)
    if settings.input_columns is None:
        return usual
    names = [each.strip() for each in settings.input_columns.split(",")]
    if len(names) != len(usual) or not all(names):
        raise RunError(
            f"--input_columns={settings.input_columns} with "
            f"--mode={settings.mode}; allowed: the names of "
            f"{counted(len(usual), 'column')}, with a comma between two"
        )
    return names


def _usual_columns(settings: Settings) -> list[str]:
    if settings.spec.kind == "matrices":
        row, column = cell_columns(settings)
        return [row] if settings.mode == "recommend" else [row, column]
    names = MODES[settings.mode].reads
    return [settings.text_column or "text"] if names == ("text",) else [*names]


def cell_columns(settings: Settings) -> tuple[str, str]:
    """What the ids of a row and of a column are called beside each other.

    Example:
    >>> cell_columns(Settings(model="dmf", dataset="sotu"))
    ('row', 'column')
    """
    _, tables = SETTINGS["row_column"].needs or ("", ())
    if settings.dataset not in tables:
        return "row", "column"
    row, column, _ = table_fields(settings)
    return row, column


def read_input(settings: Settings) -> Iterator[Record]:
    """The records of `--input`.

    Raises:
      DataError: if it cannot be read.
      RunError: if the columns are not those of the mode.
    """
    is_of_ids = settings.spec.kind == "matrices"
    return read_records(
        settings.input,
        input_columns(settings),
        checked_id_or_none if is_of_ids else checked_text,
        is_table=settings.input_columns is not None,
    )


def check_input(settings: Settings) -> None:
    """Read the first record of `--input`, which finds most of what is wrong.

    Raises:
      DataError: if it cannot be read.
      RunError: if the columns are not those of the mode.
    """
    if settings.output not in (None, STANDARD_INPUT):
        check_output(settings.output)
        _check_other_file(settings)
    records = read_input(settings)
    # What is piped to the program comes once.
    if settings.input != STANDARD_INPUT and next(records, None) is None:
        raise DataError(f"{settings.input}: no records; allowed: 1 or more")


def _check_other_file(settings: Settings) -> None:
    """Refuse an output that would take the place of an input."""
    if not os.path.exists(settings.output):
        return
    for name in ("input", "plus", "minus"):
        path = getattr(settings, name)
        if path is None or not os.path.exists(path):
            continue
        if os.path.samefile(path, settings.output):
            raise DataError(
                f"{settings.output}: --output is the file of --{name}; "
                "allowed: another file"
            )


# What further settings say how a corpus is read, by view.
_MORE = {
    "texts": lambda settings: {},
    "documents": _of_documents,
    "bags": _of_documents,
    "matrices": _of_matrices,
}
