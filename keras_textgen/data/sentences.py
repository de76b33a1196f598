"""Splitting documents into sentences."""

from __future__ import annotations

import sentencex


def split_sentences(text: str) -> list[str]:
    r"""Splits a text into sentences, by the rules of the package `sentencex`.

    They know abbreviations, initials, numbers and quotes, and take an empty
    line for an end. What has neither letters nor digits, such as a row of
    dashes, goes with the sentence before it, or with the first one.

    Args:
        text: English, of any length.

    Returns:
        The sentences, each on one line, with one space between words; together
        they have all words of the text in order.

    Example:
        >>> split_sentences("Mr. Fox paid\n$1.50. Why?\n\n---\n\nWe ask.")
        ['Mr. Fox paid $1.50.', 'Why? ---', 'We ask.']
    """
    sentences: list[str] = []
    for piece in sentencex.segment("en", text):
        words = " ".join(piece.split())
        if sentences and not (_has_word(words) and _has_word(sentences[-1])):
            sentences[-1] = f"{sentences[-1]} {words}".rstrip()
        elif words:
            sentences.append(words)
    return sentences


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))
