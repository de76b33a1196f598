"""The matrix that the columns of tables make."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_textgen.data.cell_columns import DUPLICATES
from keras_textgen.data.cells import (
    Ratings,
    merge_repeated,
    merge_times,
    pairs_named,
    repeated_pairs,
    wrong_value,
)
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.collect import Ids, Times, Values
from keras_textgen.data.formats.columns import Columns, Wanted
from keras_textgen.data.matrix import Matrix, split_cells
from keras_textgen.data.splits import check_enough, leave_last_out, rows_by_time

TIMES = "timestamp"
# Fields of a table: of the ids of rows and columns, and of the values.
Fields = tuple[str, str, str | None]
ONCE = (
    "allowed: every pair once, or --duplicates="
    f"{', '.join(DUPLICATES[:-1])} or {DUPLICATES[-1]}"
)


def wanted_of(fields: Fields, times: str | None = None) -> list[Wanted]:
    """The columns of a table that a matrix is made of.

    Args:
        fields: of ids and values; None in the last place for no values.
        times: of the times of cells; None for none.

    Example:
        >>> [each.flag for each in wanted_of(("user", "item", None))]
        ['row_column', 'column_column']
    """
    row, column, value = fields
    wanted = [
        Wanted(row, "row_column", Ids),
        Wanted(column, "column_column", Ids),
    ]
    if value is not None:
        wanted.append(Wanted(value, "value_column", Values))
    if times is not None:
        wanted.append(Wanted(times, "time_column", Times))
    return wanted


def matrix_of_columns(
    name: str,
    columns: Columns,
    fields: Fields,
    *,
    rule: str = "random",
    times: str | None = None,
    seed: int = 0,
    duplicates: str | None = None,
    feedback: str = "ranking",
    **more: Any,
) -> Matrix:
    """Makes a matrix of columns that were read, and splits it.

    Args:
        name: of the matrix.
        columns: of `wanted_of`.
        fields: as there.
        rule: of the split, as in `read_table`.
        times: as in `wanted_of`.
        seed: of a split at random.
        duplicates: as in `read_table`.
        feedback: as in `read_table`.
        **more: of the matrix, as in `Matrix`.

    Raises:
        DataError: a pair is given again, a value is not allowed, or there are
            too few.
    """
    table = TableCells(columns, fields)
    if duplicates is None:
        table.check_pairs()
    merged = merge_repeated(table.cells, duplicates)
    table.check_values(merged, feedback)
    check_enough(len(merged), "value", columns.first_file)
    chosen = None
    if times is not None:
        ages = np.asarray(columns.kept[times].found)
        ages = merge_times(table.cells, ages, duplicates)
        if rule == "time":
            chosen = rows_by_time(ages)
        else:
            chosen = _last_left_out(merged, ages, columns.first_file)
    row, column, value = (
        None if field is None else columns.names[field] for field in fields
    )
    assert row is not None
    assert column is not None
    return split_cells(
        name,
        merged,
        table.row_names,
        table.column_names,
        seed,
        chosen,
        fields=(row, column, value),
        **more,
    )


def _last_left_out(
    cells: Ratings, ages: np.ndarray, name: str
) -> list[np.ndarray]:
    chosen = leave_last_out(cells.rows, ages)
    if not len(chosen[1]):
        raise DataError(
            f"{name}: no row has 3 values, of which the last two could be left "
            "out; allowed: --split=random or time"
        )
    return chosen


class TableCells:
    """The cells of columns that were read.

    Args:
        columns: of `wanted_of`.
        fields: as there.
    """

    def __init__(self, columns: Columns, fields: Fields) -> None:
        self.columns = columns
        row, column, value = fields
        self.ids = columns.kept[row], columns.kept[column]
        rows, self.row_names = self.ids[0].numbered()
        places, self.column_names = self.ids[1].numbered()
        values = np.ones(len(columns), np.float32)
        if value is not None:
            values = np.asarray(columns.kept[value].found, np.float32)
        self.cells = Ratings(rows, places, values)

    def check_pairs(self) -> None:
        """Refuses pairs that are given again, by their lines."""
        again = repeated_pairs(self.cells)
        if not len(again):
            return
        named = pairs_named(
            f"{', '.join(each.raw(place) for each in self.ids)} "
            f"({self._line(place)}, first {self._number(first)})"
            for place, first in again
        )
        where = self.columns.where(again[0, 0])
        raise DataError(f"{where}: {named} there already; {ONCE}")

    def _number(self, row: int) -> int:
        return self.columns.numbers[row]

    def _line(self, row: int) -> str:
        unit = "line" if self.columns.table_of(row).by_line else "row"
        return f"{unit} {self._number(row)}"

    def check_values(self, merged: Ratings, feedback: str) -> None:
        """Refuses values that are not allowed, by the line of their pair."""
        wrong = wrong_value(merged.values, feedback)
        if wrong is None:
            return
        place, allowed = wrong
        of_pair = (self.cells.rows == merged.rows[place]) & (
            self.cells.columns == merged.columns[place]
        )
        where = self.columns.where(int(np.argmax(of_pair)))
        raise DataError(
            f"{where}: value {merged.values[place]:g}; allowed "
            f"with --feedback={feedback}: {allowed}"
        )
