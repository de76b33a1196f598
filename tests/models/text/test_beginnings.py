"""Texts that begin as they are told to, or are like another text."""

import re

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.models.text.beginnings import prefix_tokens
from keras_textgen.noise import Noise
from tests.models.tiny_models import WORDS, hdgm, lstm_lm, sentence_vae

LENGTH = 9


def language_model():
    return lstm_lm(max_length=LENGTH)


def variational_model():
    return sentence_vae(objective="bound", max_length=LENGTH)


@pytest.mark.parametrize("make", [language_model, variational_model])
def test_a_prefix_that_would_have_been_drawn_changes_nothing(make):
    """Word t is drawn by seed and t, whatever stands before it."""
    model = make()
    for seed in range(20):
        (text,) = model.generate(1, seed=seed)
        words = text.split()
        if len(words) > 2:
            break
    prefix = " ".join(words[:2])
    assert model.generate(1, seed=seed, prefix=prefix) == [text]
    other = next(word for word in WORDS if word != words[0])
    (changed,) = model.generate(1, seed=seed, prefix=other)
    assert changed.split()[0] == other


def test_the_model_reads_the_prefix():
    """The word after it is the likeliest after its words."""
    model = language_model()
    tokens = model.vocabulary([f"{WORDS[0]} {WORDS[3]}"]).numpy()[:, :-1]
    state = model.generation_state(tf.constant(1), None)
    for token in tokens[0]:
        logits, state = model.next_token_logits(tf.constant([token]), state)
    best = int(np.argmax(logits[0]))
    expected = (
        "" if best == 3 else f" {model.vocabulary.get_vocabulary()[best]}"
    )
    (text,) = model.generate(
        1, prefix=f"{WORDS[0]} {WORDS[3]}", top_k=1, ban_unknown=False
    )
    assert text.startswith(f"{WORDS[0]} {WORDS[3]}{expected}")


@pytest.mark.parametrize(
    ("make", "objective"),
    [(sentence_vae, "bound"), (hdgm, "bound"), (hdgm, "reference")],
)
def test_codes_of_a_condition_are_draws_of_its_posterior(
    make, objective, monkeypatch
):
    model = make(objective=objective, max_length=LENGTH)
    drawn = []
    first_state = model.initial_state

    def watched(code, *rest):
        drawn.append(code)
        return first_state(code, *rest)

    monkeypatch.setattr(model, "initial_state", watched)
    tokens = model.vocabulary([f"{WORDS[0]} {WORDS[1]}"])
    model.generation_state(tf.constant(4000), Noise([1, 2]), tokens)
    columns = model.latent_columns
    codes = drawn[0].numpy()[:, columns]
    mean = model.encode_tokens(tokens).numpy()[0, columns]
    error = codes.std(axis=0) / np.sqrt(len(codes))
    assert (np.abs(codes.mean(axis=0) - mean) < 5 * error).all()
    assert (codes.std(axis=0) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"prefix": f"{WORDS[0]} tulip"},
            f"prefix='{WORDS[0]} tulip': the model does not know the word "
            "'tulip'; allowed: words of its vocabulary",
        ),
        ({"prefix": " "}, "prefix=' ', without words; allowed: a text"),
        # As Python reads a byte of the command line that is no UTF-8.
        (
            {"prefix": "\udcff"},
            r"prefix holds the surrogate '\udcff'; allowed: Unicode text",
        ),
        (
            {"condition_on": "\udcff"},
            r"condition_on holds the surrogate '\udcff'; allowed: Unicode text",
        ),
        ({"prefix": None}, "prefix=None; allowed: a text"),
        (
            {"prefix": f"{WORDS[0]} " * LENGTH},
            f"prefix={f'{WORDS[0]} ' * LENGTH!r} of {LENGTH} words; allowed: "
            f"fewer than max_length={LENGTH}",
        ),
        (
            {"condition_on": WORDS[0]},
            "condition_on of a language model, which has no code of a text; "
            "allowed: prefix, or a model with latent variables",
        ),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        language_model().generate(2, **arguments)


def test_a_word_that_no_subwords_spell_is_named():
    """Not as the piece that it becomes, "<unk>"."""
    for package in ("tensorflow_text", "sentencepiece"):
        pytest.importorskip(package, reason="the extra subwords is missing")
    vocabulary = SubwordVocabulary.from_texts(
        ["The cat sat."] * 9, algorithm="wordpiece"
    )
    message = (
        "prefix='The \u2603s sat': the model does not know the word '\u2603s'; "
        "allowed: subwords of its vocabulary"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        prefix_tokens(vocabulary, "The \u2603s sat", LENGTH)
