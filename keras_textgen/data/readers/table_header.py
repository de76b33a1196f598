"""What a first line that lacks a column of a table may be instead."""

import math
from collections.abc import Sequence

from keras_textgen.data.cells import number_of_text

_OTHER_MARKS = {
    "\t": "tabs: name the file .tsv",
    ",": "commas: name the file .csv",
    ";": "semicolons: write commas, or tabs in a .tsv",
}


def header_hint(names: Sequence[str]) -> str:
    r"""What may be wrong with the names of a table's columns.

    Args:
        names: of the columns, as the first line was cut.

    Returns:
        A remark in parentheses, after a space, on other marks between the
        columns and on numbers in the place of names; empty if there is
        neither.

    Example:
        >>> header_hint(["user\titem"])
        ' (the line holds tabs: name the file .tsv)'
        >>> header_hint(["7", "film", "4.5"])
        ' (numbers are no names: the first line has to name the columns)'
        >>> header_hint(["user", "film"])
        ''
    """
    remarks = []
    if len(names) == 1:
        for mark, remedy in _OTHER_MARKS.items():
            if mark in names[0]:
                remarks.append(f"the line holds {remedy}")
                names = names[0].split(mark)
                break
    if any(map(_is_number, names)):
        remarks.append(
            "numbers are no names: the first line has to name the columns"
        )
    return f" ({'; '.join(remarks)})" if remarks else ""


def _is_number(name: str) -> bool:
    return not math.isnan(number_of_text(name))
