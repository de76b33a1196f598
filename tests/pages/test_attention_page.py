"""The page of attention: colors, choice of documents, safe text."""

import re

import numpy as np

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.attention import DocumentAttention
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.pages.attention_page import (
    ShownDocument,
    attention_page,
    choose_documents,
)
from tests.pages.parsed import Parsed

RIGHT = DocumentAttention(
    sentences=["A dull start.", "Loved it!"],
    words=[["a", "dull", "start", "."], ["loved", "it", "!"]],
    sentence_weights=np.array([0.2, 0.8]),
    word_weights=[np.array([0.1, 0.7, 0.1, 0.1]), np.array([0.6, 0.3, 0.1])],
    probabilities=np.array([0.25, 0.75]),
)
WRONG = RIGHT._replace(
    sentences=["<b>Hm</b> & so"],
    words=[["<b>", "&"]],
    sentence_weights=np.array([1.0]),
    word_weights=[np.array([0.5, 0.5])],
)
EMPTY = DocumentAttention([], [], np.array([]), [], np.array([0.5, 0.5]))
NAMES = ["<neg>", "pos"]


def page_of(*documents):
    return attention_page(documents, NAMES, "Films & more")


def shares(page, kind):
    """How deep the colors of a kind of element are, without the legend's."""
    body = page.partition("<article>")[2]
    found = re.findall(rf'class="{kind}" style="--share: ([\d.]+)"', body)
    return [float(share) for share in found]


def test_colors():
    page = page_of(ShownDocument("A review", RIGHT, 1))
    # Of 1 where all count alike, the deepest is of 4.
    of_sentences = 2 * np.array([0.2, 0.8])
    np.testing.assert_allclose(shares(page, "sentence"), of_sentences / 4)
    times = np.concatenate(
        [
            0.4**0.5 * 4 * RIGHT.word_weights[0],
            1.6**0.5 * 3 * RIGHT.word_weights[1],
        ]
    )
    expected = np.minimum(times / 4, 1)
    np.testing.assert_allclose(shares(page, "word"), expected, atol=6e-4)
    assert ">0.200</td>" in page
    assert ">0.800</td>" in page
    assert "pos 0.75, &lt;neg&gt; 0.25</p>" in page


def test_weights_that_are_alike_look_alike_in_every_document():
    found = set()
    for sentences, words in ((1, 1), (2, 9), (7, 3)):
        alike = DocumentAttention(
            sentences=["a"] * sentences,
            words=[["a"] * words] * sentences,
            sentence_weights=np.full(sentences, 1 / sentences),
            word_weights=[np.full(words, 1 / words)] * sentences,
            probabilities=np.array([0.5, 0.5]),
        )
        page = page_of(ShownDocument("One", alike, 0))
        found |= {*shares(page, "sentence"), *shares(page, "word")}
    assert found == {0.25}


def test_what_is_not_read_is_counted():
    cut = RIGHT._replace(lengths=(4, 5, 8, 8))
    page = page_of(ShownDocument("A review", cut, 1))
    first, second = page.partition("<article>")[2].split("</tr>")[:2]
    assert "Not read" not in first
    assert "Not read: 2 further words." in second
    assert "Not read: 2 further sentences." in page
    assert "Not read" not in page_of(ShownDocument("A review", RIGHT, 1))


def test_the_model_counts_what_it_does_not_read():
    vocabulary = Vocabulary(["a", "rose", "red"], standardize="keras")
    model = HierarchicalAttentionNetwork(
        vocabulary,
        ["x", "y"],
        embedding_dim=2,
        rnn_units=2,
        attention_units=2,
        max_sentences=2,
        max_words=3,
    )
    text = "A rose. A rose is a red rose. !? Red. A rose."
    (document,) = model.attention([text])
    assert [len(words) for words in document.words] == [2, 3]
    assert document.lengths == (2, 6, 1, 2)


def test_right_and_wrong_ones():
    page = page_of(
        ShownDocument("First", WRONG, 0), ShownDocument("Second", RIGHT, 1)
    )
    right, wrong = page.split("Classified right")[1].split("Classified wrong")
    assert "Second: pos, predicted pos (0.75)" in right
    assert "First: &lt;neg&gt;, predicted pos (0.75)" in wrong
    assert "First" not in right


def test_text_is_escaped_and_the_page_is_whole():
    page = page_of(
        ShownDocument("<i>", WRONG, 0), ShownDocument("None", EMPTY, 0)
    )
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;" in page
    assert "<h1>Films &amp; more</h1>" in page
    assert not re.search(r"src=|href=|url\(|<script", page)
    assert not Parsed(page).open


def test_nothing_wrong():
    page = page_of(ShownDocument("Second", RIGHT, 1))
    assert page.split("Classified wrong")[1].count("<p>None.</p>") == 1


def test_choice():
    labels = np.zeros(20, int)
    predicted = np.arange(20) % 2
    right, wrong = choose_documents(predicted, labels, count=3)
    assert right.tolist() == [0, 6, 12]
    assert wrong.tolist() == [1, 7, 13]
    right, wrong = choose_documents(labels, labels, count=30)
    assert right.tolist() == list(range(20))
    assert wrong.tolist() == []
