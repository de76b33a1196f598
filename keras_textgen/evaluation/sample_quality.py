"""Are generated texts good ones: new, diverse, and like real text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_textgen.checks import SIZES, Lists, check, refused
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.rows import spread_rows
from keras_textgen.evaluation.bleu import corpus_bleu, ngrams_of, self_bleu
from keras_textgen.evaluation.text_tables import csv_text
from keras_textgen.evaluation.trigrams import Trigrams
from keras_textgen.tokens import END, START, UNKNOWN

_BATCH_SIZE = 32


class SampleQuality(NamedTuple):
    """A measure of what a model writes, and of as many real texts.

    Attributes:
        measure: Its name.
        model: Of the model's texts; NaN where they have nothing to measure.
        real: Of the real texts; NaN where it says nothing of them.
    """

    measure: str
    model: float
    real: float


def sample_quality(
    samples: Sequence[str],
    training: Sequence[str],
    valid: Sequence[str],
    test: Sequence[str],
) -> list[SampleQuality]:
    """Measures samples beside as many training texts.

    - "copies": `copied_share`.
    - "distinct-1", "distinct-2": `distinct_ngrams`, unknown words left out.
    - "self-BLEU": `self_bleu`; NaN of a single text.
    - "forward perplexity" (Zhao et al. 2018, "Adversarially Regularized
      Autoencoders", ICML, section 6): of the samples under a language model of
      real text. Low for texts like real ones, lower still for commonplaces.
    - "reverse perplexity" (the same): of real text under a language model of
      the samples. High if they lack much of what real text has.

    The language model is `Trigrams`, of the test texts or of the samples,
    mixed by the validation texts, so that neither has seen the training texts.
    The words that count in perplexities are those of the training texts; the
    unknown word, and what they lack, do not.

    Args:
        samples: Words apart by white space; at least one.
        training: What the model was trained on.
        valid: Some of the validation set.
        test: Some of the test set.

    Returns:
        The measures, in this order.

    Raises:
        ValueError: Without samples, or without texts of a set.

    Example:
        >>> real = ["a rose is a rose", "the rose is red"]
        >>> rows = sample_quality(["a rose", "a rose"], real, real, real)
        >>> rows[2].measure, rows[2].model, round(rows[2].real, 2)
        ('distinct-2', 0.5, 0.71)
    """
    check(
        Lists("texts"),
        samples=samples,
        training=training,
        valid=valid,
        test=test,
    )
    beside = [training[x] for x in spread_rows(len(training), len(samples))]
    known = {word for text in training for word in text.split()} - {UNKNOWN}
    known.add(END)
    judge = _trigrams(test, valid, known)
    rows = [
        SampleQuality("copies", copied_share(samples, training), float("nan"))
    ]
    measures = {
        "distinct-1": lambda texts: distinct_ngrams(_known_parts(texts), 1),
        "distinct-2": lambda texts: distinct_ngrams(_known_parts(texts), 2),
        "self-BLEU": lambda texts: (
            self_bleu(texts) if len(texts) > 1 else float("nan")
        ),
        "forward perplexity": lambda texts: judge.perplexity(
            _sequences(texts), known
        ),
        "reverse perplexity": lambda texts: _trigrams(
            texts, valid, known
        ).perplexity(_sequences(test), known),
    }
    rows += [
        SampleQuality(name, measure(samples), measure(beside))
        for name, measure in measures.items()
    ]
    return rows


def reconstruction_quality(
    again: Sequence[str], texts: Sequence[str]
) -> list[SampleQuality]:
    """Measures reconstructions: `corpus_bleu`, and the share that is exact.

    Args:
        again: What was read from the codes of the texts.
        texts: As many, written as the model writes; an unknown word is right
            where both have it.

    Returns:
        "reconstruction BLEU" and "exact reconstructions".

    Raises:
        ValueError: Without texts, or if their numbers differ.

    Example:
        >>> rows = reconstruction_quality(["a rose", "a"], ["a rose", "a lily"])
        >>> rows[1].measure, rows[1].model
        ('exact reconstructions', 0.5)
    """
    check(Lists("texts"), again=again, texts=texts)
    bleu = corpus_bleu(again, texts)
    exact = [
        _one_space_between_words(ours) == _one_space_between_words(text)
        for ours, text in zip(again, texts, strict=True)
    ]
    return [
        SampleQuality("reconstruction BLEU", bleu, float("nan")),
        SampleQuality(
            "exact reconstructions", float(np.mean(exact)), float("nan")
        ),
    ]


def format_sample_quality(rows: Sequence[SampleQuality]) -> str:
    """Sets measures as a table, "-" where there is nothing to measure.

    Args:
        rows: What `sample_quality` or `reconstruction_quality` returned.

    Example:
        >>> rows = [SampleQuality("copies", 0.5, float("nan"))]
        >>> print(format_sample_quality(rows))
                                 model      real
        copies                  0.5000         -
    """
    lines = [f"{'':22}{'model':>8}{'real':>10}"]
    lines += [
        f"{row.measure:22}{_cell(row.model):>8}{_cell(row.real):>10}"
        for row in rows
    ]
    return "\n".join(lines)


def sample_quality_csv(rows: Sequence[SampleQuality]) -> str:
    """Sets measures as CSV; what there is nothing of is empty.

    Args:
        rows: As for `format_sample_quality`.

    Example:
        >>> rows = [SampleQuality("copies", 0.5, float("nan"))]
        >>> print(sample_quality_csv(rows), end="")
        measure,model,real
        copies,0.5,
    """
    cells = (
        [name, *(None if np.isnan(v) else v for v in values)]
        for name, *values in rows
    )
    return csv_text([SampleQuality._fields, *cells])


def _cell(value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.4f}" if value < 10 else f"{value:,.1f}"


def _trigrams(
    texts: Sequence[str], valid: Sequence[str], known: Collection[str]
) -> Trigrams:
    return Trigrams(_sequences(texts), _sequences(valid), len(known))


def _sequences(texts: Sequence[str]) -> list[list[str]]:
    return [[START, *text.split(), END] for text in texts]


def _known_parts(texts: Sequence[str]) -> list[str]:
    """What stands between unknown words."""
    return [part for text in texts for part in text.split(UNKNOWN)]


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
        ngrams += ngrams_of(text.split(), length)
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
