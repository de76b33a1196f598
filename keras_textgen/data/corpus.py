"""A corpus as its reader gives it, and what all corpora share.

Free of TensorFlow, as the readers are; `keras_textgen.data.views` turns the
raw rows into what models are given.
"""

from __future__ import annotations

import dataclasses
import importlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from keras_textgen.checks import WholeNumbers, check, counted, refused
from keras_textgen.datasets import find_view, names_with

SPLITS = ("train", "valid", "test")
# Left-out rows that are named by their numbers.
_SHOWN = 5


class DataError(ValueError):
    r"""Input data that cannot be used; the message is one line.

    It names the file, and the line where there is one: `FILE:LINE: what is
    wrong; what is allowed`. What libraries say in several lines, and names of
    files that have some, become one.

    Example:
        >>> DataError("a\nb.csv: damaged")
        DataError('a b.csv: damaged')
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


@dataclasses.dataclass
class Corpus:
    """A corpus in three splits.

    Attributes:
        name: such as `"sotu"`; ends in `"_reduced"` where the training file is
            missing and the validation file stands in for it.
        train: the rows to learn from. Raw ones are strings, a sequence or a
            document each, or the known cells of a matrix (`Ratings`).
        valid: the same, for validation.
        test: the same, for the final figures.
        labels: for each split, an int32 array `[rows]`; empty where the corpus
            has no labels.
        label_names: the names that the labels are the numbers of; empty where
            there are no labels.
        note: one line that has to be printed beside every result; empty if
            there is nothing to say.
        remarks: what was left out, a line each, to be said once.
        dropped: for each split, how many rows a view has left out; empty where
            it leaves out none.
        names: for each split, what each row is called, such as a file's name;
            empty where rows have no names.
        times: for each split, when each row was written, float64 `[rows]`, a
            date in years; empty where nobody knows.
    """

    name: str
    train: Any
    valid: Any
    test: Any
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    label_names: tuple[str, ...] = ()
    note: str = ""
    remarks: tuple[str, ...] = ()
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    names: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    times: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @classmethod
    def of_splits(cls, name: str, rows: Mapping[str, Any], **more: Any) -> Self:
        """Makes a corpus of rows by split.

        Args:
            name: of the corpus.
            rows: of each split.
            **more: further attributes.

        Example:
            >>> rows = {"train": ["a"], "valid": ["b"], "test": ["c"]}
            >>> Corpus.of_splits("letters", rows).test
            ['c']
        """
        train, valid, test = (rows[split] for split in SPLITS)
        return cls(name, train, valid, test, **more)

    @property
    def fingerprint(self) -> int:
        """A number that depends on all training and validation data.

        Example:
            >>> poems = Corpus("poems", ["a rose"], ["a thorn"], ["a tulip"])
            >>> same = Corpus("other", ["a rose"], ["a thorn"], ["no tulip"])
            >>> other = Corpus("poems", ["a rose"], ["thorns"], ["a tulip"])
            >>> poems.fingerprint == same.fingerprint
            True
            >>> poems.fingerprint == other.fingerprint
            False
        """
        return checksum(self.contents())

    def contents(self) -> Iterator[str | np.ndarray]:
        """All that the fingerprint depends on."""
        for split in SPLITS[:2]:
            yield from getattr(self, split)
            if self.labels:
                yield self.labels[split]

    def leave_out(self, known: Mapping[str, np.ndarray]) -> None:
        """Leaves out the documents of which no word is known.

        `dropped` counts them and `remarks` names them.

        Args:
            known: for each split, whether a word of each is, bool
                `[documents]`.

        Raises:
            DataError: nothing is left of a split.

        Example:
            >>> corpus = Corpus("poems", ["a", "b"], ["c"], ["d"])
            >>> corpus.leave_out({"train": np.array([True, False])})
            >>> print(*corpus.remarks)
            Left out of the train set: 1 of 2 documents, without a known word \
(number 2 of it, counted from 1).
            >>> corpus.train, corpus.dropped
            (['a'], {'train': 1})
        """
        for split, is_known in known.items():
            unknown = np.flatnonzero(~is_known)
            if not len(unknown):
                continue
            if not is_known.any():
                raise DataError(
                    f"{self.name}: no document of {split} has a known word; "
                    "allowed: a larger vocabulary, or tokenizer=character for "
                    "a script without spaces"
                )
            texts = getattr(self, split)
            kept = np.flatnonzero(is_known)
            setattr(self, split, [texts[row] for row in kept])
            self.keep_facts(split, kept)
            self.dropped[split] = len(unknown)
            numbers = ", ".join(f"{row + 1:,}" for row in unknown[:_SHOWN])
            more = f" and {len(unknown) - _SHOWN:,} more"
            self.remarks += (
                f"Left out of the {split} set: {len(unknown):,} of "
                f"{counted(len(texts), 'document')}, without a known word "
                f"(number {numbers}{more if len(unknown) > _SHOWN else ''} of "
                "it, counted from 1).",
            )

    def keep_facts(self, split: str, rows: np.ndarray) -> None:
        """Keeps, of what is known of a split's rows, that of some of them.

        Args:
            split: whose labels, names and times are kept.
            rows: their numbers, int `[kept]`.

        Example:
            >>> poems = Corpus("poems", [], [], [], names={"test": ["a", "b"]})
            >>> poems.keep_facts("test", np.array([1]))
            >>> poems.names
            {'test': ['b']}
        """
        if split in self.labels:
            self.labels[split] = self.labels[split][rows]
        if split in self.names:
            self.names[split] = [self.names[split][row] for row in rows]
        if split in self.times:
            self.times[split] = self.times[split][rows]


def checksum(parts: Iterable[str | np.ndarray], start: int = 0) -> int:
    """A number of 32 bits that depends on all of some data.

    Args:
        parts: strings and arrays, in their order.
        start: the number of what goes before them.

    Example:
        >>> checksum(["a", "rose"]) == checksum(["rose"], checksum(["a"]))
        True
    """
    for part in parts:
        content = part.encode() if isinstance(part, str) else part.tobytes()
        start = zlib.crc32(content, start)
    return start


def check_taken(name: str, view: str, **given: Any) -> None:
    """Refuses what the reader of a corpus would leave aside.

    Args:
        name: of the corpus, as in the table.
        view: as for `read_corpus`.
        **given: as a user gave them, by name; None is what was left out.

    Raises:
        ValueError: there is no such corpus or view of it, or an argument has
            no meaning for it.

    Example:
        >>> check_taken("ml100k", "matrices", data_dir="ml-100k", fold=2)
        >>> check_taken("sotu", "matrices", fold=2)
        Traceback (most recent call last):
        ValueError: fold=2 for sotu as matrices; allowed: None; it has a \
meaning for ml100k only
    """
    taken = find_view(name, view).arguments
    for argument, value in given.items():
        if value is None or argument in taken:
            continue
        others = (
            each
            for each in names_with(view)
            if argument in find_view(each, view).arguments
        )
        raise refused(
            f"{argument}={value} for {name} as {view}",
            f"None; it has a meaning for {' or '.join(others)} only",
        )


def read_corpus(name: str, view: str, **given: Any) -> Corpus:
    r"""Reads a corpus as one kind of model is given it.

    The table `keras_textgen.datasets` names the reader.

    Args:
        name: of the corpus, as in the table.
        view: `"texts"`, `"documents"`, `"bags"` or `"matrices"`.
        **given: by name, all that a reader may need: `data_dir`, `seed` (0 if
            left out), `label`, and for matrices `fold`, `validation_share`,
            `fields`, `duplicates` and `feedback`; of tables `text_column`,
            `label_column`, `time_column` and `split`. What its reader has no
            use for is left aside (`check_taken` refuses it); what is left out
            or None has the reader's default.

    Returns:
        Raw rows.

    Raises:
        DataError: the files are missing or cannot be used.
        ValueError: there is no such corpus or view of it, or an argument is
            not allowed.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "roses.txt")
        >>> _ = path.write_text("A rose is a rose.\n" * 30, "utf-8")
        >>> len(read_corpus("text", "texts", data_dir=path).train)
        24
    """
    facts = find_view(name, view)
    label = given.get("label")
    if label is not None and label not in facts.labels:
        allowed = " or ".join(facts.labels) or "None"
        raise refused(f"label={label!r} for {name}", allowed)
    split = given.get("split")
    if split is not None and split not in facts.splits:
        allowed = " or ".join(facts.splits) or "None"
        raise refused(f"split={split} for {name} as {view}", allowed)
    if given.get("seed") is not None:
        check(WholeNumbers(0), seed=given["seed"])
    module, function = facts.reader.split(":")
    reader = getattr(importlib.import_module(module), function)
    arguments = {
        argument: given[argument]
        for argument in facts.arguments
        if given.get(argument) is not None
    }
    if "data_dir" in facts.arguments:
        arguments.setdefault("data_dir", None)
    return reader(**arguments)
