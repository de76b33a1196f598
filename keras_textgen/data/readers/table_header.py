"""What a first line that lacks a column of a table may be instead."""

import math
from collections.abc import Sequence

from keras_textgen.data.cells import number_of_text


def header_hint(names: Sequence[str]) -> str:
    """What may be wrong with the names of a table's columns.

    Args:
        names: of the columns, as the first line was cut.

    Returns:
        A remark in parentheses, after a space, on numbers in the place of
        names; empty if there is none.

    Example:
        >>> header_hint(["7", "film", "4.5"])
        ' (numbers are no names: the first line has to name the columns)'
        >>> header_hint(["user", "film"])
        ''
    """
    if not any(map(_is_number, names)):
        return ""
    return " (numbers are no names: the first line has to name the columns)"


def _is_number(name: str) -> bool:
    return not math.isnan(number_of_text(name))
