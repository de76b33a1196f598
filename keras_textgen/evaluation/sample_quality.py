"""Are generated texts good ones: new, diverse, and like real text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import SIZES, check, refused
from keras_textgen.data.batches.sequences import SequenceBatches

_BATCH_SIZE = 32


def copied_share(texts: Sequence[str], training_texts: Sequence[str]) -> float:
    """Share of the texts that are a training text, word for word.

    Args:
        texts: Generated texts, words apart by white space; at least one.
        training_texts: What the model was trained on.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: If there are no texts.

    Example:
        >>> copied_share(["a rose", "a thorn"], ["a  rose", "a lily"])
        0.5
    """
    known = set(map(_one_space_between_words, training_texts))
    copies = [
        _one_space_between_words(text) in known for text in _checked(texts)
    ]
    return float(np.mean(copies))


def distinct_ngrams(texts: Sequence[str], length: int = 2) -> float:
    """Share of different n-grams among all n-grams of the texts.

    "distinct-n" of Li et al. 2016, "A Diversity-Promoting Objective Function
    for Neural Conversation Models" (NAACL), section 5. The more text, the
    lower it is: compare equal numbers of texts only.

    Args:
        texts: Words apart by white space; at least one text.
        length: n, the words of an n-gram; no n-gram spans two texts.

    Returns:
        From above 0 to 1; NaN if every text is shorter than an n-gram.

    Raises:
        ValueError: If there are no texts, or `length` is below 1.

    Example:
        >>> distinct_ngrams(["so it is", "it is"])  # so it, it is, it is
        0.6666666666666666
    """
    check(SIZES, length=length)
    ngrams: list[tuple[str, ...]] = []
    for text in _checked(texts):
        words = text.split()
        shifted = [words[start:] for start in range(length)]
        ngrams += zip(*shifted, strict=False)
    return len(set(ngrams)) / len(ngrams) if ngrams else float("nan")


def judged_perplexity(judge: Any, texts: Sequence[str]) -> float:
    """Perplexity of texts under a language model of other, real texts.

    Low for texts like those that the judge has read, and lowest for its
    commonplaces: it says nothing of diversity. Words that the judge does not
    know are its unknown word.

    Args:
        judge: A model with an exact likelihood, such as `LSTMLanguageModel`.
        texts: At least one.

    Returns:
        exp(-sum of log p(x) / number of tokens), the end of each text
        included.

    Raises:
        ValueError: If there are no texts, or the judge has no exact
            likelihood.

    Example:
        >>> from keras_textgen import LSTMLanguageModel, Vocabulary
        >>> vocabulary = Vocabulary(["a", "rose"])
        >>> judge = LSTMLanguageModel(vocabulary, embedding_dim=2, rnn_units=2)
        >>> perplexity = judged_perplexity(judge, ["a rose", "a rose is a"])
        >>> perplexity > 1
        True
    """
    if judge.likelihood_kind != "exact":
        raise refused(
            f"likelihood_kind={judge.likelihood_kind!r} of the judge", "'exact'"
        )
    tokens = judge.vocabulary.tokenize_corpus(list(_checked(texts)))
    batches = SequenceBatches(tokens, _BATCH_SIZE)
    nats = -np.sum(judge.log_likelihood(batches), dtype=np.float64)
    return float(np.exp(nats / batches.num_predicted_tokens))


def _one_space_between_words(text: str) -> str:
    return " ".join(text.split())


def _checked(texts: Sequence[str]) -> Sequence[str]:
    if not len(texts):
        raise refused("no texts", "1 or more")
    return texts
