"""Files of the folder of work, which all processes of a preparation see."""

from __future__ import annotations

import contextlib
import json
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_textgen.data.corpus import DataError


@contextlib.contextmanager
def writing(folder: pathlib.Path) -> Iterator[None]:
    """Says in one line why a folder cannot be written.

    Args:
        folder: of work.

    Raises:
        DataError: in place of the errors of Python and of ArrayRecord.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"{folder}: cannot be written ({reason.partition(';')[0]:.120}); "
            "allowed: a folder on a disk with room"
        ) from None


def facts_file(stage: str, number: int) -> str:
    """The name of what is known of a unit after a stage."""
    return f"{stage}-{number:05}.json"


def read_facts(folder: pathlib.Path, stage: str, count: int) -> Iterator[Any]:
    """What is known of each unit after a stage, in order."""
    for number in range(count):
        yield json.loads(
            (folder / facts_file(stage, number)).read_text("utf-8")
        )


def temporary(path: pathlib.Path) -> pathlib.Path:
    """Where a file is written until it is whole, under a name of its own.

    A runner may do a unit twice at the same time.
    """
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}")


def write_json(path: pathlib.Path, content: Any) -> None:
    """Writes JSON so that it is there whole, or not at all."""
    unfinished = temporary(path)
    unfinished.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    unfinished.replace(path)


def write_array(path: pathlib.Path, values: np.ndarray) -> None:
    """Writes an array as `.npy` so that it is there whole, or not at all."""
    unfinished = temporary(path)
    with unfinished.open("wb") as file:
        np.save(file, values, allow_pickle=False)
    unfinished.replace(path)
