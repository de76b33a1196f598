"""Documents by name, as text with labels."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping

import numpy as np

from keras_textgen.data.readers import imdb, sotu
from keras_textgen.data.readers.files import SPLITS, DataError, Texts
from keras_textgen.data.readers.newsgroups import read_newsgroups
from keras_textgen.data.readers.text import read_text

__all__ = ["DataError", "DocumentCorpus", "load_documents"]

# What can be chosen; the first is the default.
_LABELS = {
    "20news": (),
    "imdb": imdb.LABELS,
    "sotu": sotu.LABELS,
    "text": (),
}
# Documents that are named by their numbers.
_SHOWN = 5
_BREAK = re.compile(r"<br */?>")


@dataclasses.dataclass
class DocumentCorpus:
    """A corpus of whole documents.

    Attributes:
        name: such as `"20news"`.
        train: one string a document; may hold line ends.
        valid: the same, for validation.
        test: the same, for the final figures.
        labels: for each split, an int32 array `[documents]`; empty where the
            corpus has no labels.
        label_names: the names that the labels are the numbers of; empty where
            there are no labels.
        note: one line that has to be printed beside every result; empty if
            there is nothing to say.
        remarks: what was left out, a line each.
    """

    name: str
    train: list[str]
    valid: list[str]
    test: list[str]
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    label_names: tuple[str, ...] = ()
    note: str = ""
    remarks: tuple[str, ...] = ()

    def leave_out(self, known: Mapping[str, np.ndarray]) -> list[str]:
        """Leaves out the documents of which no word is known.

        Args:
            known: for each split, whether a word of each is, bool
                `[documents]`.

        Returns:
            A line on each split that has such documents.

        Raises:
            DataError: nothing is left of a split.

        Example:
            >>> corpus = DocumentCorpus("poems", ["a", "b"], ["c"], ["d"])
            >>> print(*corpus.leave_out({"train": np.array([True, False])}))
            Left out of the train set: 1 of 2 documents, without a known word \
(number 2 of it, counted from 1).
            >>> corpus.train
            ['a']
        """
        lines = []
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
            if self.labels:
                self.labels[split] = self.labels[split][kept]
            numbers = ", ".join(f"{row + 1:,}" for row in unknown[:_SHOWN])
            more = f" and {len(unknown) - _SHOWN:,} more"
            lines.append(
                f"Left out of the {split} set: {len(unknown):,} of "
                f"{len(texts):,} documents, without a known word (number "
                f"{numbers}{more if len(unknown) > _SHOWN else ''} of it, "
                "counted from 1)."
            )
        return lines


def load_documents(
    name: str,
    data_dir: str | os.PathLike | None = None,
    *,
    label: str | None = None,
    seed: int = 0,
) -> DocumentCorpus:
    r"""Loads a corpus of documents as text.

    - `20news`: the posts of 20 newsgroups, split by date, headers included;
      10 % of the training posts of each group are for validation.
    - `imdb`: film reviews, each `<br />` of them a line end; the last 10 % of
      the training reviews of each polarity are for validation.
    - `sotu`: State of the Union addresses, split by address and label; needs
      no `data_dir`.
    - `text`: a file or folder of one's own, a document a line or a file,
      perhaps labeled, see `read_text`.

    Args:
        name: `"20news"`, `"imdb"`, `"sotu"` or `"text"`.
        data_dir: the corpus: its file, its folder, its archive, or a folder
            that holds one of them.
        label: of `imdb`, `"polarity"` (None) or `"rating"` (8 classes: 1 to 4
            and 7 to 10 points); of `sotu`, `"party"` (None) or `"president"`.
        seed: of what is held out of `20news`, and of the split of `sotu` and
            `text`.

    Returns:
        The corpus.

    Raises:
        DataError: the files are missing or cannot be used.
        ValueError: an argument that is not allowed.

    Example:
        >>> corpus = load_documents("sotu", label="president")
        >>> len(corpus.train), len(corpus.valid), len(corpus.test)
        (170, 40, 39)
        >>> corpus.label_names[:3], corpus.train[0][:14]
        (('Adams', 'Arthur', 'Biden'), 'Fellow-Citizen')
    """
    if name not in _LABELS:
        raise ValueError(f"documents {name!r}; allowed: {', '.join(_LABELS)}")
    if label is not None and label not in _LABELS[name]:
        allowed = " or ".join(_LABELS[name]) or "None"
        raise ValueError(f"label={label!r} for {name}; allowed: {allowed}")
    texts = _read(name, data_dir, label, seed)
    return DocumentCorpus(
        name,
        **{split: getattr(texts, split) for split in SPLITS},
        labels=texts.labels,
        label_names=texts.label_names,
        note=texts.note,
        remarks=texts.remarks,
    )


def _read(
    name: str,
    data_dir: str | os.PathLike | None,
    label: str | None,
    seed: int,
) -> Texts:
    if name == "20news":
        return read_newsgroups(data_dir, seed)
    if name == "imdb":
        texts = imdb.read_imdb(data_dir, label or imdb.LABELS[0])
        for split in SPLITS:
            documents = [_BREAK.sub("\n", t) for t in getattr(texts, split)]
            setattr(texts, split, documents)
        return texts
    if name == "sotu":
        return sotu.read_sotu_documents(label or sotu.LABELS[0], seed)
    return read_text(data_dir, seed)
