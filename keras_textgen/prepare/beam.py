"""Pipelines of Beam, and what units say in them of their data, in one line."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any

from keras_textgen.data.corpus import DataError


@contextlib.contextmanager
def in_parallel(
    label: str, items: Iterable[Any], options: Any
) -> Iterator[Any]:
    """A pipeline, which runs when the block ends.

    Args:
        label: of what it begins with.
        items: to be worked on, each by itself.
        options: of Beam.

    Yields:
        The items, as what steps of the pipeline are put behind.

    Raises:
        DataError: a unit has said so.
    """
    # Imported where it is used, so that the package works without it.
    import apache_beam as beam

    with _one_line_errors(), beam.Pipeline(options=options) as pipeline:
        created = pipeline | label >> beam.Create(list(items))
        yield created | "in parallel" >> beam.Reshuffle()


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    """What a unit has said, without what runners of Beam add to it.

    Raises:
        DataError: in place of what holds one: that of another process is part
            of a message.
    """
    logger = logging.getLogger("apache_beam.runners.common")
    logger.addFilter(_is_no_data_error)
    try:
        yield
    except (DataError, RuntimeError) as error:
        message = re.sub(r" \[while running .*", "", str(error))
        if isinstance(error, DataError):
            raise DataError(message) from None
        told = re.findall(r"DataError: (.*)", message)
        if not told:
            raise
        raise DataError(told[-1]) from None
    finally:
        logger.removeFilter(_is_no_data_error)


def _is_no_data_error(record: logging.LogRecord) -> bool:
    """Whether Beam may log it: a DataError is said in a line of its own."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, DataError)
