"""Whether the first line of a table names its columns."""

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
    if is_numbered(names) or not any(map(_is_number, names)):
        return ""
    return " (numbers are no names: the first line has to name the columns)"


def is_numbered(names: Sequence[str]) -> bool:
    """Whether columns are named 0, 1, 2 and on, as pandas does without names.

    Example:
        >>> is_numbered(["0", "1"]), is_numbered(["3", "a rose"])
        (True, False)
    """
    return [*names] == [str(place) for place in range(len(names))]


def _is_number(name: str) -> bool:
    return not math.isnan(number_of_text(name))
