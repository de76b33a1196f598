"""A simple language model to compare with: interpolated trigrams."""

from __future__ import annotations

import collections
from collections.abc import Collection, Hashable, Sequence

import numpy as np

from keras_textgen.checks import refused

_ORDERS = 3
_ROUNDS = 100


class Trigrams:
    """Counts of three words, two and one, mixed with the uniform share.

    Jelinek and Mercer, "Interpolated estimation of Markov source parameters
    from sparse data" (1980): p(w | u, v) is a mixture, whose weights are those
    of the highest likelihood of the validation set, as if each part had
    explained one word of it more, by expectation maximization.

    Args:
        training: Sequences of words or of their ids, start and end inside.
        validation: The same.
        size: Words that can follow, the end among them.

    Raises:
        ValueError: No word follows another in one of the two.

    Example:
        >>> model = Trigrams([[2, 4, 3], [2, 5, 3]], [[2, 4, 3]], 4)
        >>> round(model.nll([[2, 4, 3]]), 2)
        1.22
    """

    def __init__(
        self,
        training: Sequence[Sequence[Hashable]],
        validation: Sequence[Sequence[Hashable]],
        size: int,
    ) -> None:
        self._size = size
        self._grams: list[collections.Counter] = [
            collections.Counter() for _ in range(_ORDERS)
        ]
        self._contexts: list[collections.Counter] = [
            collections.Counter() for _ in range(_ORDERS)
        ]
        for name, texts in (("training", training), ("validation", validation)):
            if not any(len(words) > 1 for words in texts):
                raise refused(f"{name} without words that follow", "some")
        for words in training:
            self._count(words)
        self._weights = np.full(_ORDERS + 1, 1 / (_ORDERS + 1))
        shares = np.concatenate([self._shares(each) for each in validation])
        for _ in range(_ROUNDS):
            parts = shares * self._weights
            parts /= parts.sum(axis=1, keepdims=True)
            # One word of each order more, so that no weight is ever zero.
            self._weights = (parts.sum(axis=0) + 1) / (len(parts) + _ORDERS + 1)

    def nll(self, sequences: Sequence[Sequence[Hashable]]) -> float:
        """The mean negative log-likelihood of sequences.

        Args:
            sequences: At least one, start and end inside.

        Returns:
            Nats per sequence.
        """
        return -float(np.mean([self._logs(each).sum() for each in sequences]))

    def perplexity(
        self,
        sequences: Sequence[Sequence[Hashable]],
        known: Collection[Hashable],
    ) -> float:
        """How many words the next one is drawn from, as it were.

        Args:
            sequences: Start and end inside.
            known: Words that count; what else follows does not.

        Returns:
            exp(-mean log p), the mean over the known words that follow; NaN
            without any.

        Example:
            >>> model = Trigrams([[2, 4, 3], [2, 5, 3]], [[2, 4, 3]], 4)
            >>> round(model.perplexity([[2, 4, 9, 3]], known={3, 4}), 2)
            4.02
        """
        logs = [
            log
            for words in sequences
            for word, log in zip(words[1:], self._logs(words), strict=True)
            if word in known
        ]
        return float(np.exp(-np.mean(logs))) if logs else float("nan")

    def _count(self, words: Sequence[Hashable]) -> None:
        for place in range(1, len(words)):
            for order in range(_ORDERS):
                context = tuple(words[max(place - order, 0) : place])
                self._contexts[order][context] += 1
                self._grams[order][*context, words[place]] += 1

    def _logs(self, words: Sequence[Hashable]) -> np.ndarray:
        """log p of each word after the first: [T - 1]."""
        return np.log(self._shares(words) @ self._weights)

    def _shares(self, words: Sequence[Hashable]) -> np.ndarray:
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
