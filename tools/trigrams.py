"""A simple baseline for language models: interpolated trigrams."""

import collections
from collections.abc import Sequence

import numpy as np

_ORDERS = 3


class Trigrams:
    """Counts of three words, two and one, mixed with the uniform share.

    Jelinek and Mercer, 1980: p(w | u, v) is a mixture, whose weights are those
    of the highest likelihood of the validation set, by expectation
    maximization.

    Args:
        training: Sequences of ids, start and end ids inside.
        validation: The same.
        size: Words that can follow, the end among them.

    Example:
        >>> model = Trigrams([[2, 4, 3], [2, 5, 3]], [[2, 4, 3]], 4)
        >>> round(model.nll([[2, 4, 3]]), 2)
        0.69
    """

    def __init__(
        self,
        training: Sequence[Sequence[int]],
        validation: Sequence[Sequence[int]],
        size: int,
    ) -> None:
        self._size = size
        self._grams = [collections.Counter() for _ in range(_ORDERS)]
        self._contexts = [collections.Counter() for _ in range(_ORDERS)]
        for words in training:
            for place in range(1, len(words)):
                for order in range(_ORDERS):
                    context = tuple(words[max(place - order, 0) : place])
                    self._contexts[order][context] += 1
                    self._grams[order][*context, words[place]] += 1
        self._weights = np.full(_ORDERS + 1, 1 / (_ORDERS + 1))
        shares = np.concatenate([self._shares(each) for each in validation])
        for _ in range(100):
            parts = shares * self._weights
            parts /= parts.sum(axis=1, keepdims=True)
            self._weights = parts.mean(axis=0)

    def nll(self, sequences: Sequence[Sequence[int]]) -> float:
        """The mean negative log-likelihood, nats per sequence."""
        logs = [
            np.log(self._shares(each) @ self._weights).sum()
            for each in sequences
        ]
        return -float(np.mean(logs))

    def _shares(self, words: Sequence[int]) -> np.ndarray:
        """What each order says of each word after the first: [T - 1, 4]."""
        shares = np.empty((len(words) - 1, _ORDERS + 1))
        shares[:, -1] = 1 / self._size
        for place in range(1, len(words)):
            for order in range(_ORDERS):
                context = tuple(words[max(place - order, 0) : place])
                gram = self._grams[order][*context, words[place]]
                total = self._contexts[order][context]
                shares[place - 1, order] = gram / total if total else 0.0
        return shares
