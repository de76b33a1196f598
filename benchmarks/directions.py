"""What a direction of codes does to texts, by a classifier that is held out.

Sentences of the addresses before 1900 and from 1960 on: the direction is the
difference of the mean codes of some training sentences of both, as
`--plus` and `--minus` have it; the classifier, logistic regression on words,
learns from others, and judges what test sentences of before 1900 become.

    python benchmarks/directions.py lstm_vae_sotu
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from keras_textgen import from_preset
from keras_textgen.data.readers.sotu import read_sotu

BEFORE, AFTER = 1900, 1960
# Sentences for the direction, of each age, and those that are moved.
SET, MOVED = 1000, 300
WORDS = (6, 25)
# The share of texts that are called of the later age.
Judge = Callable[[Sequence[str]], float]
STRENGTHS = (-1.0, 0.0, 0.5, 1.0, 2.0, 4.0)


def main() -> None:
    """Move, decode, judge, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("preset")
    options = parser.parse_args()
    model = from_preset(options.preset)
    rng = np.random.default_rng(0)
    old, new = (rng.permutation(each) for each in sentences("train"))
    classifier = judge(old[SET:], new[SET:])
    test = sentences("test")
    moved = rng.permutation(test[0])[:MOVED].tolist()
    codes = model.encode(moved)
    direction = model.encode(new[:SET].tolist()).mean(axis=0)
    direction -= model.encode(old[:SET].tolist()).mean(axis=0)
    print(f"{options.preset}, {MOVED} test sentences of before {BEFORE}")
    print(f"| | called of {AFTER} and later | mean words |")
    print("|---|---:|---:|")
    for age, texts in zip(
        (f"before {BEFORE}", f"{AFTER} and later"), test, strict=True
    ):
        _print(f"test sentences of {age}, as they are", classifier, texts)
    for strength in STRENGTHS:
        texts = model.decode(codes + strength * direction)
        _print(f"strength {strength:g}", classifier, texts)


def sentences(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Different ones of a split, of before 1900 and of 1960 and later."""
    corpus = read_sotu()
    ages: tuple[dict[str, None], dict[str, None]] = {}, {}
    for text, year in zip(
        getattr(corpus, split), corpus.times[split], strict=True
    ):
        if WORDS[0] <= len(text.split()) <= WORDS[1]:
            if year < BEFORE:
                ages[0][text] = None
            elif year >= AFTER:
                ages[1][text] = None
    return np.array(list(ages[0])), np.array(list(ages[1]))


def judge(old: np.ndarray, new: np.ndarray) -> Judge:
    """A classifier of the two ages."""
    words = CountVectorizer(lowercase=True, min_df=3)
    texts = [*old, *new]
    is_new = np.repeat([False, True], [len(old), len(new)])
    regression = LogisticRegression(max_iter=1000, class_weight="balanced")
    regression.fit(words.fit_transform(texts), is_new)
    return lambda given: regression.predict(words.transform(given)).mean()


def _print(name: str, classifier: Judge, texts: np.ndarray) -> None:
    length = np.mean([len(text.split()) for text in texts])
    print(f"| {name} | {classifier(texts):.1%} | {length:.1f} |", flush=True)


if __name__ == "__main__":
    main()
