"""Labels of texts: their files, their names, their numbers."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from keras_textgen.data.reading import DataError, read_lines

_LABELED = "a label, a tab and the text in every line, or no tab in any line"


def read_labeled_lines(
    paths: Sequence[pathlib.Path],
) -> tuple[list[list[str]], list[list[str]]]:
    r"""Reads files of one text a line, perhaps with labels before a tab.

    The first line of the first file decides: with a tab, every line of every
    file is a label, a tab and the text; without, no line has a tab.

    Args:
        paths: the files.

    Returns:
        The texts and the labels, one list a file; no lists of labels where
        the lines have none.

    Raises:
        DataError: a file cannot be used, or a line is of the other kind.

    Example:
        >>> import tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "verse.txt")
        >>> _ = path.write_text("sad\tthe moon\nglad\tthe sun\n", "utf-8")
        >>> read_labeled_lines([path])
        ([['the moon', 'the sun']], [['sad', 'glad']])
    """
    files = [read_lines(path) for path in paths]
    labeled = "\t" in files[0][0]
    for path, lines in zip(paths, files, strict=True):
        for number, line in enumerate(lines, 1):
            _check_line(line, labeled, f"{path}:{number}")
    if not labeled:
        return files, []
    halves = [[line.split("\t") for line in lines] for lines in files]
    texts = [[text for _, text in lines] for lines in halves]
    return texts, [[label.strip() for label, _ in lines] for lines in halves]


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
    labels = [line.strip() for line in read_lines(path)]
    if len(labels) != count:
        raise DataError(
            f"{path}: {len(labels)} classes for the {count} lines of "
            f"{lines_path.name}; allowed: one class a line"
        )
    return labels


def sorted_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns the different labels in order, whole numbers first, by value.

    Args:
        labels: of any number of texts.

    Returns:
        The names; the place of a name is the number of the label.

    Example:
        >>> sorted_names(["news", "10", "9", "arts", "news"])
        ('9', '10', 'arts', 'news')
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
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Names the labels by those of the first split, and numbers all.

    Args:
        labels: for each split, one a text; the training split first.
        sources: the files whose lines they belong to.

    Returns:
        The names, and int32 `[texts]` for each split.

    Raises:
        DataError: fewer than two labels, or one that is not in the first split.
    """
    first, *_ = labels
    names = sorted_names(labels[first])
    check_names(names, sources[first])
    known = set(names)
    for split, listed in labels.items():
        for line, label in enumerate(listed, 1):
            if label not in known:
                raise DataError(
                    f"{sources[split]}:{line}: the label {label!r} is not in "
                    f"the training set; allowed: {listing(names)}"
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


def _order(label: str) -> tuple[bool, int, str]:
    number = label.isascii() and label.isdecimal()
    return not number, int(label) if number else 0, label


def _check_line(line: str, labeled: bool, place: str) -> None:
    label, *texts = line.split("\t")
    if labeled and not texts:
        problem = "a line without a tab"
    elif labeled and not label.strip():
        problem = "no label before the tab"
    elif labeled and not texts[0].strip():
        problem = "no text after the label"
    elif len(texts) > labeled:
        problem = "a tab in the text"
    else:
        return
    raise DataError(f"{place}: {problem}; allowed: {_LABELED}")
