"""Lines of files: a text each, or a label, a tab and a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.columns import names_of
from keras_textgen.data.formats.streams import Source, decoded_lines
from keras_textgen.data.labels import check_line, clean_label, is_heading
from keras_textgen.data.text_tables import LABEL, TEXT
from keras_textgen.prepare.pieces import Piece
from keras_textgen.prepare.settings import PrepareSettings

# Files of these names are tables only where their first line names columns.
_TABS = (".tsv", ".tab")
Tell = Callable[[int, Exception], None]


def are_labeled(source: Source, settings: PrepareSettings) -> bool:
    """Whether each line of a file is a label, a tab and a text.

    So it is in a file of tabs whose first line names no column of texts, and in
    a `.txt` file where labels are asked for.

    Args:
        source: of the file.
        settings: with the columns that are asked for.

    Raises:
        DataError: it is a `.txt` file, and a column is asked for by a name.
    """
    is_named = settings.text_column or settings.label_column not in (
        None,
        LABEL,
    )
    if source.suffix == ".txt" and settings.label_column is not None:
        if is_named:
            raise DataError(
                f"{source.name}: lines, which have no columns with names; "
                f"allowed: tables, or label_column={LABEL} alone for a label, "
                "a tab and the text in every line"
            )
        return True
    if source.suffix not in _TABS or is_named:
        return False
    with source.opened() as stream:
        first = next(decoded_lines(stream, source.name, _ignored), "")
    names = [each.strip() for each in first.split("\t")]
    return len(names) == 2 and set(names_of(TEXT)).isdisjoint(names)


def labeled_lines(piece: Piece, tell: Tell) -> Iterator[tuple[str, str]]:
    """Labels and texts, but those of a first line that names columns.

    Args:
        piece: of a file of which `are_labeled` is true.
        tell: is told of lines that are something else.
    """
    for number, line in usable_lines(piece, tell):
        try:
            check_line(line, True, f"{piece.name}:{number}")
        except DataError as error:
            tell(number, error)
            continue
        label, text = _halves(line)
        is_first = number == 1 and not piece.start
        if is_first and is_heading(label, text, _below(piece)):
            continue
        yield label, text


def usable_lines(piece: Piece, tell: Tell) -> Iterator[tuple[int, str]]:
    """The lines of a piece, with their numbers from 1 on.

    Args:
        piece: of a file of lines.
        tell: is told of what is no text, which is left out.
    """
    broken = 0

    def on_bad(number: int, error: Exception) -> None:
        nonlocal broken
        broken = number
        tell(number, error)

    with piece.opened() as stream:
        lines = decoded_lines(stream, piece.name, on_bad)
        for number, line in enumerate(lines, 1):
            if number != broken:
                yield number, line.removesuffix("\n")


def _below(piece: Piece) -> Iterator[tuple[str, str]]:
    """Labels and texts below the first line."""
    for number, line in usable_lines(piece, _ignored):
        if number > 1:
            yield _halves(line)


def _halves(line: str) -> tuple[str, str]:
    label, _, text = line.partition("\t")
    return clean_label(label), text


def _ignored(number: int, error: Exception) -> None:
    """For what is told of elsewhere."""
