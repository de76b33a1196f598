"""What is asked of a table of cells; free of NumPy, as a command line is."""

from __future__ import annotations

from keras_textgen.checks import OneOf, check

# Of the ids of rows and columns, and of the values.
TABLE_FIELDS = ("user", "item", "rating")
# What becomes of a cell that is given again.
DUPLICATES = ("first", "last", "mean", "sum")


def check_duplicates(duplicates: str | None) -> None:
    """Refuses what cannot be done with pairs that are given again."""
    if duplicates is not None:
        check(OneOf(DUPLICATES), duplicates=duplicates)
