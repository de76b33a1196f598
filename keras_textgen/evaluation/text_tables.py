"""Tables as text."""

import csv
import io
from collections.abc import Container, Iterable, Sequence
from typing import Any


def aligned(
    rows: Sequence[Sequence[str]], to_the_right: Container[int] = ()
) -> str:
    """Rows of cells in columns of one width each, two spaces apart.

    Args:
        rows: Of one length, the head first.
        to_the_right: Numbers of the columns that end in line, from 0; the
            others begin in line.

    Returns:
        A line a row, without spaces at its end.

    Example:
        >>> print(aligned([("name", "nats"), ("kl", "7.41")], {1}))
        name  nats
        kl    7.41
        >>> print(aligned([("a", "b"), ("aa", "bbb"), ("aaa", "b")]))
        a    b
        aa   bbb
        aaa  b
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in to_the_right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    r"""Rows as the text of a CSV file.

    Args:
        rows: Of cells, the head first; None is an empty one.

    Example:
        >>> csv_text([("figure", "value"), ("rmse", 0.5), ("mae", None)])
        'figure,value\nrmse,0.5\nmae,\n'
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
