"""How long texts are, whatever they are split into; free of TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_textgen.data.text_lists import as_text


class TextSize(NamedTuple):
    """The length of texts as they were read, before any normalization.

    Attributes:
        texts: how many there are.
        words: what stands between white space in them.
        bytes: of them in UTF-8.
    """

    texts: int
    words: int
    bytes: int

    @property
    def words_and_ends(self) -> int:
        """The words, and the end of each text for one more.

        Example:
            >>> TextSize(texts=2, words=5, bytes=20).words_and_ends
            7
        """
        return self.words + self.texts

    @property
    def bytes_and_ends(self) -> int:
        """The bytes, and the end of each text for one more, of a line end.

        Example:
            >>> TextSize(texts=2, words=5, bytes=20).bytes_and_ends
            22
        """
        return self.bytes + self.texts


def lengths_of(texts: Sequence[str | bytes]) -> np.ndarray:
    """The words and bytes of each text, int64 `[texts, 2]`.

    Example:
        >>> lengths_of(["a  rose", "\u00e9"]).tolist()
        [[2, 7], [1, 2]]
    """
    found = [
        (len(text.split()), len(text.encode())) for text in map(as_text, texts)
    ]
    return np.array(found, np.int64).reshape(-1, 2)


def total(lengths: np.ndarray) -> TextSize:
    """The size of texts whose lengths are known.

    Args:
        lengths: of each, as `lengths_of` gives them.

    Example:
        >>> total(lengths_of(["a  rose", "\u00e9"]))
        TextSize(texts=2, words=3, bytes=9)
    """
    words, count = lengths.sum(axis=0).tolist()
    return TextSize(len(lengths), words, count)
