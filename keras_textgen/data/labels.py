"""Labels of texts: their files, their names, their numbers."""

from __future__ import annotations

import decimal
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_textgen.checks import counted
from keras_textgen.data.characters import has_word, normalize_text
from keras_textgen.data.corpus import DataError
from keras_textgen.data.raw_ids import is_missing_field
from keras_textgen.data.readers.files import read_lines

_LABELED = "a label, a tab and the text in every line, or no tab in any line"
# What the column of labels is called in a first line that names the columns.
_HEADINGS = ("label", "class", "category", "target")
# What that of texts is called; and both by pandas, of a frame without names.
_TEXT_HEADING = "text"
_NUMBERED = ("0", "1")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class LabeledLines(NamedTuple):
    """The lines of files, perhaps with labels.

    Attributes:
        texts: one list a file.
        labels: one list a file; no lists where the lines have none.
        first_lines: the number of the line of each file's first text: 2 below
            a line that names the columns.
        remarks: what was left out, a line each.
    """

    texts: list[list[str]]
    labels: list[list[str]]
    first_lines: list[int]
    remarks: tuple[str, ...] = ()


def read_labeled_lines(paths: Sequence[pathlib.Path]) -> LabeledLines:
    r"""Reads files of one text a line, perhaps with labels before a tab.

    The first line of the first file decides: with a tab, every line of every
    file is a label, a tab and the text; without, no line has a tab. A first
    line names the columns and is left out if its label is `label`, `class`,
    `category` or `target`, in any case, or its text is `text`, and that label
    occurs once in its file; or if it is `0`, a tab and `1`.

    Args:
        paths: the files.

    Returns:
        The texts and the labels.

    Raises:
        DataError: a file cannot be used, or a line is of the other kind.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "verse.txt")
        >>> _ = path.write_text("sad\tthe moon\nglad\tthe sun\n", "utf-8")
        >>> lines = read_labeled_lines([path])
        >>> lines.texts, lines.labels
        ([['the moon', 'the sun']], [['sad', 'glad']])
    """
    files = [read_lines(path) for path in paths]
    labeled = "\t" in files[0][0]
    for path, lines in zip(paths, files, strict=True):
        for number, line in enumerate(lines, 1):
            check_line(line, labeled, f"{path}:{number}")
    if not labeled:
        return LabeledLines(files, [], [1] * len(files))
    texts, labels, first_lines, remarks = [], [], [], []
    for path, lines in zip(paths, files, strict=True):
        halves = [line.split("\t") for line in lines]
        listed = [clean_label(label) for label, _ in halves]
        found = [text for _, text in halves]
        below = zip(listed[1:], found[1:], strict=True)
        first = is_heading(listed[0], found[0], below)
        if first:
            if len(lines) == 1:
                raise DataError(
                    f"{path}: no line below the names of the columns; "
                    f"allowed: {_LABELED}"
                )
            remarks.append(
                f"{path}:1: names the columns ({listed[0]!r}); left out."
            )
        texts.append(found[first:])
        labels.append(listed[first:])
        first_lines.append(first + 1)
    return LabeledLines(texts, labels, first_lines, tuple(remarks))


def clean_label(label: str) -> str:
    r"""Writes a label as labels are compared.

    Args:
        label: as a file or a folder has it.

    Returns:
        It without white space around it, and in one spelling, see
        `normalize_text`: a byte order mark, where files were joined, and an
        accent as a character of its own make no other label.

    Example:
        >>> clean_label("\ufeffgood "), len(clean_label("cafe\u0301"))
        ('good', 4)
    """
    return normalize_text(label).strip()


def read_label_file(
    path: pathlib.Path, lines_path: pathlib.Path, count: int
) -> list[str]:
    """Reads the labels of the lines of another file, one a line.

    Args:
        path: the file of labels.
        lines_path: the file with the texts, for messages.
        count: of its lines.

    Returns:
        The labels.

    Raises:
        DataError: the file cannot be used or has another number of lines.
    """
    labels = [clean_label(line) for line in read_lines(path)]
    for number, label in enumerate(labels, 1):
        if is_missing_field(label):
            raise DataError(
                f"{path}:{number}: the label is missing ({label!r}); allowed: "
                "one class a line"
            )
    if len(labels) != count:
        raise DataError(
            f"{path}: {counted(len(labels), 'class', 'classes')} for the "
            f"{counted(count, 'line')} of {lines_path.name}; allowed: one "
            "class a line"
        )
    return labels


def sorted_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns the different labels in order, numbers first, by value.

    Args:
        labels: of any number of texts.

    Returns:
        The names; the place of a name is the number of the label.

    Example:
        >>> sorted_names(["news", "10", "9.5", "-1", "arts", "news"])
        ('-1', '9.5', '10', 'arts', 'news')
    """
    return tuple(sorted(set(labels), key=_order))


def number_labels(labels: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Replaces labels by their numbers.

    Args:
        labels: one a text, all of them in `names`.
        names: in the order of their numbers.

    Returns:
        int32 `[texts]`.

    Example:
        >>> number_labels(["b", "a", "b"], ["a", "b"])
        array([1, 0, 1], dtype=int32)
    """
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[label] for label in labels], np.int32)


def number_splits(
    labels: Mapping[str, Sequence[str]],
    sources: Mapping[str, pathlib.Path],
    first_lines: Mapping[str, int] | None = None,
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Names the labels by those of the first split, and numbers all.

    Args:
        labels: for each split, one a text; the training split first.
        sources: the files whose lines they belong to.
        first_lines: the line of the first of them, by split; None for 1.

    Returns:
        The names, and int32 `[texts]` for each split.

    Raises:
        DataError: fewer than two labels, or one that is not in the first split.
    """
    first, *_ = labels
    lines = first_lines or {}
    return number_found(
        labels,
        sources[first],
        lambda split, row: f"{sources[split]}:{lines.get(split, 1) + row}",
    )


def number_found(
    labels: Mapping[str, Sequence[str]],
    source: pathlib.Path,
    where: Callable[[str, int], str],
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """As `number_splits`, of labels that are found anywhere.

    Args:
        labels: for each split, one a text; the training split first.
        source: where those of the training split come from.
        where: a label stands, by split and place, for messages.

    Returns:
        The names, and int32 `[texts]` for each split.

    Raises:
        DataError: fewer than two labels, or one that is not in the first split.
    """
    first, *_ = labels
    names = sorted_names(labels[first])
    check_names(names, source)
    known = set(names)
    for split, listed in labels.items():
        for row, label in enumerate(listed):
            if label not in known:
                raise DataError(
                    f"{where(split, row)}: the label {label!r} is not in the "
                    f"training set; allowed: {listing(names)}"
                )
    return names, {
        split: number_labels(listed, names) for split, listed in labels.items()
    }


def check_names(names: Sequence[str], source: pathlib.Path) -> None:
    """Refuses a single label, which tells nothing.

    Args:
        names: the different labels.
        source: where they are from.

    Raises:
        DataError: fewer than two labels.
    """
    if len(names) < 2:
        raise DataError(
            f"{source}: one label, {listing(names)}; allowed: 2 labels or more"
        )


def listing(names: Sequence[str], most: int = 20) -> str:
    """Returns names for a message, the first ones if there are many.

    Args:
        names: the names.
        most: how many are shown.

    Example:
        >>> listing(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(map(repr, names[:most]))
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def _order(label: str) -> tuple[bool, decimal.Decimal, str]:
    # U+2212, the minus sign, is how tables for print write it.
    written = label.replace("\u2212", "-")
    is_number = _NUMBER.fullmatch(written) is not None
    return not is_number, decimal.Decimal(written if is_number else 0), label


def is_heading(label: str, text: str, below: Iterable[tuple[str, str]]) -> bool:
    """Whether a first line of labeled ones names the columns.

    Args:
        label: of the line, as `clean_label` writes it.
        text: of the line.
        below: labels and texts of the lines below it, read as far as needed.

    Example:
        >>> is_heading("class", "body", [("good", "a rose")])
        True
        >>> is_heading("class", "of 1984", [("class", "of 1985")])
        False
    """
    if (label, text) == _NUMBERED:
        return all(other != text for _, other in below)
    is_name = label.lower() in _HEADINGS or text == _TEXT_HEADING
    return is_name and all(other != label for other, _ in below)


def check_line(line: str, labeled: bool, place: str) -> None:
    """Refuses a line that is not as `read_labeled_lines` says.

    Args:
        line: without its end.
        labeled: whether it is to have a label, a tab and a text; else it is to
            have no tab.
        place: where it stands, for messages.

    Raises:
        DataError: it is not so.
    """
    label, *texts = line.split("\t")
    if labeled and not texts:
        problem = "a line without a tab"
    elif labeled and not clean_label(label):
        problem = "no label before the tab"
    elif labeled and is_missing_field(clean_label(label)):
        problem = f"the label is missing ({clean_label(label)!r})"
    elif labeled and not has_word(texts[0]):
        problem = "no text after the label"
    elif len(texts) > labeled:
        problem = "a tab in the text"
    else:
        return
    raise DataError(f"{place}: {problem}; allowed: {_LABELED}")
