"""Tables that a user holds in Python, known by what they can do.

pandas, pyarrow and Hugging Face's `datasets` are not imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_textgen.checks import refused
from keras_textgen.data.formats.columns import OTHER_NAMES


class Frame(Mapping[str, Any]):
    """The columns of a table by their names, each made when it is asked for.

    Args:
        table: that a user holds.
        names: of its columns.

    Example:
        >>> table = {"text": ["a rose"], "stars": [5]}
        >>> frame = Frame(table, list(table))
        >>> list(frame), frame["stars"]
        (['text', 'stars'], [5])
    """

    def __init__(self, table: Any, names: Sequence[str]) -> None:
        self.table = table
        self._names = list(names)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        column = self.table[name]
        # Of pyarrow; pandas' columns are arrays, those of others lists.
        for convert in ("to_pylist", "to_numpy"):
            if hasattr(column, convert):
                return getattr(column, convert)()
        return column if isinstance(column, list) else list(column)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def class_names(self, name: str) -> Sequence[str] | None:
        """What the numbers of a column stand for, as `datasets` has it."""
        features = getattr(self.table, "features", None)
        feature = features.get(name) if isinstance(features, Mapping) else None
        return getattr(feature, "names", None)


def frame_of(data: Any) -> Frame | None:
    """A user's table, or None for other data.

    Args:
        data: a data frame of pandas, a table of pyarrow, a `Dataset`
            of Hugging Face; anything else.

    Raises:
        ValueError: it is several tables, by split.

    Example:
        >>> frame_of(["a rose"]), frame_of({"text": ["a rose"]})
        (None, None)
    """
    names = getattr(data, "column_names", None)
    if names is None and getattr(data, "ndim", 2) == 2:
        names = getattr(data, "columns", None)
    if names is None or isinstance(data, type) or callable(names):
        return None
    if isinstance(names, Mapping):
        raise refused(
            f"{type(data).__name__} of {', '.join(names)}",
            f"one of them, such as data[{next(iter(names))!r}]",
        )
    names = list(names)
    # Columns of numbers are an array by another name.
    are_texts = all(isinstance(name, str) for name in names)
    return Frame(data, names) if are_texts else None


def known_column(frame: Frame, name: str) -> str | None:
    """The column of that name, or of one that others give it.

    Example:
        >>> table = {"review": ["a rose"], "stars": [5]}
        >>> known_column(Frame(table, list(table)), "text")
        'review'
    """
    names = (name, *OTHER_NAMES[name])
    return next((each for each in names if each in frame), None)


def texts_of(frame: Frame) -> Any:
    """The column of texts: of a known name, or the only one.

    Raises:
        ValueError: it cannot be told.

    Example:
        >>> table = {"id": [7], "poem": ["a rose"]}
        >>> texts_of(Frame(table, list(table)))
        Traceback (most recent call last):
        ValueError: a table with the columns id, poem; allowed: one of the name
        text, reviewText, review, content, document or sentence, or a column
        alone, such as table['poem']
    """
    name = known_column(frame, "text")
    if name is None and len(frame) == 1:
        name = next(iter(frame))
    if name is None:
        *names, last = ("text", *OTHER_NAMES["text"])
        raise refused(
            f"a table with the columns {', '.join(frame)}",
            f"one of the name {', '.join(names)} or {last}, or a column "
            f"alone, such as table[{list(frame)[-1]!r}]",
        )
    return frame[name]


def labels_of(frame: Frame, label_names: Sequence[str]) -> Any:
    """The column of labels, of a known name.

    Args:
        frame: the table.
        label_names: of the model. Where the table names its classes by these,
            their names are taken and not their numbers.

    Returns:
        Labels; None if no column has such a name.

    Example:
        >>> table = {"text": ["a rose"], "label": [1]}
        >>> labels_of(Frame(table, list(table)), ("thorn", "rose"))
        [1]
    """
    name = known_column(frame, "label")
    if name is None:
        return None
    labels, names = frame[name], frame.class_names(name)
    if names is None or not set(names) <= set(label_names):
        return labels
    return [names[int(label)] for label in labels]
