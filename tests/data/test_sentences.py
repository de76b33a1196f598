"""Splitting documents into sentences."""

import pytest

from keras_textgen.data.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is by Mr. Fox. I like it.", ["It is by Mr. Fox.", "I like it."]),
        (
            "At 3.5 stars, the U.S. cut won.",
            ["At 3.5 stars, the U.S. cut won."],
        ),
        ("Wrapped\nat a line. Next", ["Wrapped at a line.", "Next"]),
        ("Title\n\nText", ["Title", "Text"]),
        ('"Why?" he said. No!', ['"Why?" he said.', "No!"]),
        ("Good...and bad", ["Good...and bad"]),
        ("One.\n\n-----\n\nTwo.", ["One. -----", "Two."]),
        ("***\n\nOne.\n\n***", ["*** One. ***"]),
        ("!!!", ["!!!"]),
        ("", []),
        (" \n\n \t", []),
        ("Été. Voilà!", ["Été.", "Voilà!"]),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_no_word_is_lost():
    text = (
        "From: a@b.c (A. B)\n\n> > Is it?\n> \n\n  --\n A. B., Ph.D.\n:-)\n" * 9
    )
    sentences = split_sentences(text)
    assert " ".join(sentences).split() == text.split()
    assert len(sentences) > 9
    assert all(any(map(str.isalnum, sentence)) for sentence in sentences)
