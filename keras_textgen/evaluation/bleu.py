"""BLEU of reconstructions, and of samples by one another."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from keras_textgen.checks import counted, refused

_LONGEST = 4
# What counts for an order of which nothing matches, if words do (method 1 of
# Chen and Cherry 2014).
_NO_MATCH = 0.1

Counts = collections.Counter[tuple[str, ...]]


def corpus_bleu(texts: Sequence[str], references: Sequence[str]) -> float:
    """BLEU-4 of texts, each with one reference.

    Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine
    Translation" (ACL), section 2.3: matches and lengths are summed over all
    texts, without smoothing.

    Args:
        texts: Words apart by white space.
        references: As many.

    Returns:
        From 0 to 1; 0 where no four words in a row are right.

    Raises:
        ValueError: Without texts, or if their numbers differ.

    Example:
        >>> corpus_bleu(["a rose is a rose"], ["a rose is a rose"])
        1.0
        >>> round(corpus_bleu(["a rose is a thorn"], ["a rose is a rose"]), 3)
        0.669
    """
    if not texts or len(texts) != len(references):
        raise refused(
            f"{counted(len(texts), 'text')} and "
            f"{counted(len(references), 'reference')}",
            "as many of both, 1 or more",
        )
    matches, totals = np.zeros(_LONGEST), np.zeros(_LONGEST)
    lengths = np.zeros(2)
    for text, reference in zip(texts, references, strict=True):
        words, right = text.split(), reference.split()
        lengths += len(words), len(right)
        for order in range(1, _LONGEST + 1):
            counts = _counts(words, order)
            matches[order - 1] += (counts & _counts(right, order)).total()
            totals[order - 1] += counts.total()
    if not matches.all():
        return 0.0
    return _bleu(matches, totals, *lengths)


def self_bleu(texts: Sequence[str]) -> float:
    """The mean BLEU-4 of each text, all the others being its references.

    Zhu et al. 2018, "Texygen: A Benchmarking Platform for Text Generation
    Models" (SIGIR), section 2.3, with the smoothing that its code has: high if
    texts are alike. It grows with their number: compare equal numbers only.

    Args:
        texts: Words apart by white space; two or more.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: For fewer than two texts.

    Example:
        >>> self_bleu(["a rose is a rose", "a rose is a rose"])
        1.0
        >>> self_bleu(["a rose", "the thorn"])
        0.0
    """
    if len(texts) < 2:
        raise refused(counted(len(texts), "text"), "2 or more")
    split = [text.split() for text in texts]
    matches = np.zeros([len(texts), _LONGEST])
    totals = np.zeros([len(texts), _LONGEST])
    for order in range(1, _LONGEST + 1):
        counts = [_counts(words, order) for words in split]
        first, second = _two_largest(counts)
        for row, own in enumerate(counts):
            totals[row, order - 1] = own.total()
            matches[row, order - 1] = sum(
                min(
                    count, second[gram] if count == first[gram] else first[gram]
                )
                for gram, count in own.items()
            )
    lengths = collections.Counter(map(len, split))
    scores = [
        _smoothed(matches[row], totals[row], len(words), lengths)
        for row, words in enumerate(split)
    ]
    return float(np.mean(scores))


def _smoothed(
    matches: np.ndarray,
    totals: np.ndarray,
    length: int,
    lengths: collections.Counter[int],
) -> float:
    """BLEU of a text beside others, of which there are so many a length."""
    if not matches[0]:
        return 0.0
    others = lengths - collections.Counter([length])
    closest = min(others, key=lambda each: (abs(each - length), each))
    return _bleu(
        np.where(matches > 0, matches, _NO_MATCH),
        np.maximum(totals, 1),
        length,
        closest,
    )


def _bleu(
    matches: np.ndarray, totals: np.ndarray, length: float, right: float
) -> float:
    brevity = min(0.0, 1 - right / length)
    return math.exp(brevity + float(np.mean(np.log(matches / totals))))


def ngrams_of(words: Sequence[str], order: int) -> Iterator[tuple[str, ...]]:
    """So many words that follow each other, at each place.

    Example:
        >>> list(ngrams_of(["a", "red", "rose"], 2))
        [('a', 'red'), ('red', 'rose')]
    """
    shifted = [words[start:] for start in range(order)]
    return zip(*shifted, strict=False)


def _counts(words: Sequence[str], order: int) -> Counts:
    return collections.Counter(ngrams_of(words, order))


def _two_largest(counts: Iterable[Counts]) -> tuple[Counts, Counts]:
    """The largest count of each n-gram in a text, and the one after it."""
    first: Counts = collections.Counter()
    second: Counts = collections.Counter()
    for own in counts:
        for gram, count in own.items():
            second[gram] = max(second[gram], min(first[gram], count))
            first[gram] = max(first[gram], count)
    return first, second
