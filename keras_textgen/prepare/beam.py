"""What units say of their data, by way of Beam, in one line."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator

from keras_textgen.data.corpus import DataError


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
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
