"""Quality of samples, counted by hand and by enumeration."""

import math

import numpy as np
import pytest

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.sample_quality import (
    copied_share,
    distinct_ngrams,
    judged_perplexity,
)
from keras_textgen.tokens import UNKNOWN

ROSES = [
    "a rose is a rose",  # (a rose), (rose is), (is a), (a rose)
    "a rose is red",  # (a rose), (rose is), (is red)
    "red",
    "",
]


class Judge:
    """Ends with 1/2 after each word; "a" is 3/8, all other words 1/8."""

    likelihood_kind = "exact"
    vocabulary = Vocabulary(["a", "rose"])

    def log_likelihood(self, batches):
        values = []
        for tokens in batches.evaluation_dataset().as_numpy_iterator():
            for text in self.vocabulary.to_text(tokens).numpy():
                words = text.decode().split()
                chances = [0.375 if word == "a" else 0.125 for word in words]
                values.append(math.log(0.5) + sum(map(math.log, chances)))
        return np.array(values, np.float32)


def test_copied_share():
    training = ["a rose is red", "a  rose is a rose", "a lily"]
    assert copied_share(ROSES, training) == 0.5
    assert copied_share(ROSES, [*training, ""]) == 0.75
    assert copied_share(ROSES, []) == 0
    # A part of a training text is no copy, nor is one that goes on.
    assert copied_share(["a rose", "a lily is"], training) == 0


@pytest.mark.parametrize(
    ("length", "different", "all_of_them"),
    [(1, 4, 10), (2, 4, 7), (3, 4, 5), (4, 3, 3), (5, 1, 1)],
)
def test_distinct_ngrams(length, different, all_of_them):
    assert distinct_ngrams(ROSES, length) == different / all_of_them


def test_no_ngram_spans_two_texts():
    assert distinct_ngrams(["a b", "b a", "a b"]) == 2 / 3


def test_without_ngrams_there_is_no_share():
    assert math.isnan(distinct_ngrams(ROSES, 6))


def test_judged_perplexity():
    # The words: a, rose, the unknown word; a. The ends: two.
    texts = ["a rose thorn", "a"]
    chances = 0.375 * 0.125 * 0.125 * 0.5 * 0.375 * 0.5
    expected = chances ** (-1 / 6)
    np.testing.assert_allclose(
        judged_perplexity(Judge(), texts), expected, rtol=1e-6
    )
    np.testing.assert_allclose(
        judged_perplexity(Judge(), [f"a rose {UNKNOWN}", "a"]),
        expected,
        rtol=1e-6,
    )


def test_the_judge_takes_a_text_without_words():
    np.testing.assert_allclose(judged_perplexity(Judge(), [""]), 2, rtol=1e-6)


def test_refusals():
    for measure in (
        lambda: copied_share([], ["a"]),
        lambda: distinct_ngrams([]),
        lambda: judged_perplexity(Judge(), []),
    ):
        with pytest.raises(ValueError, match="no texts"):
            measure()
    with pytest.raises(ValueError, match="length=0"):
        distinct_ngrams(["a"], 0)
    judge = Judge()
    judge.likelihood_kind = "lower bound"
    with pytest.raises(ValueError, match="of the judge; allowed: 'exact'"):
        judged_perplexity(judge, ["a"])
