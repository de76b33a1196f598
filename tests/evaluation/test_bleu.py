"""BLEU against its definition, text by text and n-gram by n-gram."""

import itertools
import math

import numpy as np
import pytest

from keras_textgen.evaluation.bleu import corpus_bleu, self_bleu


def ngrams(words, order):
    return [tuple(words[i : i + order]) for i in range(len(words) - order + 1)]


def brute_force(text, references):
    """Sentence BLEU-4 with method 1 of Chen and Cherry, nothing cached."""
    logs = []
    for order in (1, 2, 3, 4):
        own = ngrams(text, order)
        matches = 0
        for gram in set(own):
            most = max(ngrams(each, order).count(gram) for each in references)
            matches += min(own.count(gram), most)
        if order == 1 and not matches:
            return 0.0
        logs.append(math.log((matches or 0.1) / (len(own) or 1)))
    lengths = sorted(len(each) for each in references)
    closest = min(lengths, key=lambda each: abs(each - len(text)))
    return math.exp(min(0, 1 - closest / len(text)) + sum(logs) / 4)


@pytest.mark.parametrize("seed", range(4))
def test_self_bleu_is_that_of_each_text_beside_all_others(seed):
    draw = np.random.default_rng(seed)
    texts = [
        list(draw.choice(list("abcd"), draw.integers(0, 9))) for _ in range(12)
    ]
    texts += [texts[0], ["x", "y"]]
    expected = [
        brute_force(text, texts[:row] + texts[row + 1 :]) if text else 0.0
        for row, text in enumerate(texts)
    ]
    actual = self_bleu([" ".join(text) for text in texts])
    assert actual == pytest.approx(np.mean(expected), rel=1e-12)


def test_corpus_bleu_by_hand():
    # Words 5 of 6 (the second "the" is one too many), pairs 3 of 5, triples
    # 2 of 4, fours 1 of 3; the reference is one word longer.
    text, reference = "the cat sat on the the", "a cat sat on the mat today"
    by_hand = (4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25 * math.exp(1 - 7 / 6)
    assert corpus_bleu([text], [reference]) == pytest.approx(by_hand)


def test_corpus_bleu_sums_before_it_divides():
    texts = ["a b c d", "e"]
    references = ["a b c d", "e f g h"]
    # All that is there is right; 5 of 8 words are there.
    assert corpus_bleu(texts, references) == pytest.approx(math.exp(1 - 8 / 5))


def test_without_four_words_in_a_row_there_is_no_corpus_bleu():
    assert corpus_bleu(["a b c", "d e f"], ["a b c", "d e f"]) == 0
    assert corpus_bleu([""], ["a"]) == 0


def test_more_words_are_not_punished_twice():
    assert corpus_bleu(["a b c d e"], ["a b c d"]) == pytest.approx(
        (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    )


def test_refusals():
    with pytest.raises(ValueError, match="1 text; allowed: 2 or more"):
        self_bleu(["a"])
    for texts, references in itertools.product(([], ["a"]), ([], ["a"] * 2)):
        with pytest.raises(ValueError, match="as many of both"):
            corpus_bleu(texts, references)
