"""The page of attention: colors, choice of documents, safe text."""

import html.parser
import re

import numpy as np

from keras_textgen.models.documents.attention import DocumentAttention
from keras_textgen.pages.attention_page import (
    ShownDocument,
    attention_page,
    choose_documents,
)

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


def shares(page, color):
    """Opacities of the elements of a color, without the two of the legend."""
    found = re.findall(rf"rgba\({color}, ([\d.]+)\)", page)
    return [float(share) for share in found][1:]


def test_colors():
    page = page_of(ShownDocument("A review", RIGHT, 1))
    np.testing.assert_allclose(shares(page, "60, 120, 255"), [0.25, 1])
    words = np.concatenate(
        [0.2**0.5 * RIGHT.word_weights[0], 0.8**0.5 * RIGHT.word_weights[1]]
    )
    expected = words / words.max()
    np.testing.assert_allclose(shares(page, "255, 90, 60"), expected, atol=6e-4)
    assert ">0.200</td>" in page
    assert ">0.800</td>" in page


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
    opened = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Parser().feed(page)
    assert not opened


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
