"""Quality of samples, counted by hand and by enumeration."""

import math

import numpy as np
import pytest

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.sample_quality import (
    SampleQuality,
    copied_share,
    distinct_ngrams,
    format_sample_quality,
    judged_perplexity,
    reconstruction_quality,
    sample_quality,
    sample_quality_csv,
)
from keras_textgen.evaluation.trigrams import Trigrams
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
    real = ["a rose"]
    for measure in (
        lambda: sample_quality("a rose", real, real, real),
        lambda: sample_quality(real, real, real, "a rose"),
        lambda: reconstruction_quality("a rose", "a rose"),
    ):
        with pytest.raises(
            ValueError, match=r"='a rose'; allowed: a list of t"
        ):
            measure()
    with pytest.raises(ValueError, match="length=0"):
        distinct_ngrams(["a"], 0)
    judge = Judge()
    judge.likelihood_kind = "lower bound"
    with pytest.raises(ValueError, match="of the judge; allowed: 'exact'"):
        judged_perplexity(judge, ["a"])


def test_samples_beside_real_texts():
    training = ["a b c", "a b d", "d c b", "c a"]
    valid, test = ["a b", "c b"], ["a b c", "d z"]
    rows = {
        row.measure: row[1:]
        for row in sample_quality(["a b c", "a b a"], training, valid, test)
    }
    # As many training texts: the first and the third.
    assert rows["copies"][0] == 0.5
    assert rows["distinct-1"] == (3 / 6, 4 / 6)
    assert rows["distinct-2"] == (3 / 4, 4 / 4)
    known = {"a", "b", "c", "d", "</s>"}

    def sequences(texts):
        return [["<s>", *text.split(), "</s>"] for text in texts]

    judge = Trigrams(sequences(test), sequences(valid), 5)
    samples, real = ["a b c", "a b a"], ["a b c", "d c b"]
    for texts, forward, reverse in zip(
        (samples, real),
        rows["forward perplexity"],
        rows["reverse perplexity"],
        strict=True,
    ):
        # All words of the samples are known: the mean a word is of nll.
        nats = judge.nll(sequences(texts)) * 2
        assert forward == pytest.approx(math.exp(nats / 8))
        other = Trigrams(sequences(texts), sequences(valid), 5)
        assert reverse == pytest.approx(
            other.perplexity(sequences(test), known)
        )


def walks(count):
    """Texts in which one of two words follows each of eight."""
    draw = np.random.default_rng(0)
    steps = np.cumsum(draw.integers(1, 3, [count, 8]), axis=1) % 8
    return [" ".join("abcdefgh"[step] for step in walk) for walk in steps]


def test_one_text_again_and_again_lacks_what_real_text_has():
    texts = walks(120)
    training, valid, test = texts[:40], texts[40:80], texts[80:]
    rows = {
        row.measure: row[1:]
        for row in sample_quality([training[0]] * 40, training, valid, test)
    }
    of_samples, of_real = rows["reverse perplexity"]
    assert of_samples > 1.5 * of_real
    assert rows["self-BLEU"][0] == 1 > rows["self-BLEU"][1]
    assert rows["copies"][0] == 1


def test_words_in_any_order_are_unlike_real_text():
    texts = walks(120)
    training, valid, test = texts[:40], texts[40:80], texts[80:]
    mixed = [" ".join(sorted(text.split(), reverse=True)) for text in training]
    rows = {
        row.measure: row[1:]
        for row in sample_quality(mixed, training, valid, test)
    }
    of_samples, of_real = rows["forward perplexity"]
    assert of_samples > 1.5 * of_real


def test_reconstructions():
    texts = ["a b c d e", "a  b", f"{UNKNOWN} c"]
    rows = reconstruction_quality(["a b c d z", "a b", "c"], texts)
    # Words 4 + 2 + 1 of 8, pairs 3 + 1 of 5, triples 2 of 3, fours 1 of 2.
    bleu = (7 / 8 * 4 / 5 * 2 / 3 * 1 / 2) ** (1 / 4) * math.exp(1 - 9 / 8)
    assert rows[0].model == pytest.approx(bleu)
    assert rows[1].model == pytest.approx(1 / 3)


def test_what_there_is_nothing_of():
    rows = [
        SampleQuality("copies", 0.25, math.nan),
        SampleQuality("forward perplexity", 1234.5, 9.5),
    ]
    assert format_sample_quality(rows).splitlines()[1:] == [
        "copies                  0.2500         -",
        "forward perplexity     1,234.5    9.5000",
    ]
    assert sample_quality_csv(rows) == (
        "measure,model,real\ncopies,0.25,\nforward perplexity,1234.5,9.5\n"
    )


def test_a_single_text_has_no_others_to_be_like():
    rows = sample_quality(["a b"], ["a b"], ["a"], ["b a"])
    values = {row.measure: row.model for row in rows}
    assert math.isnan(values.pop("self-BLEU"))
    assert not any(map(math.isnan, values.values()))
