"""Sentences split by TensorFlow."""

import pytest
import tensorflow as tf

from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.readers.sotu import load_sotu_documents
from keras_textgen.data.sentences import split_sentences


def split(*texts):
    found = split_sentences_in_graph(tf.constant(texts, tf.string))
    return [[each.decode() for each in row] for row in found.to_list()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Wait... What?! No…", ["Wait...", "What?!", "No…"]),
        ("Dr. No met J. R. Hartley.", ["Dr. No met J. R. Hartley."]),
        ("It cost $1.50. 20 paid.", ["It cost $1.50.", "20 paid."]),
        ("so it is. it is", ["so it is. it is"]),
        ("“Go.” (He went.) Élan", ["“Go.”", "(He went.)", "Élan"]),
        ("A title\n \nA text\nof lines", ["A title", "A text of lines"]),
        ("a\x1eb\x1fc", ["a b c"]),
        (" \n\n ", []),
        ("", []),
    ],
)
def test_rules(text, expected):
    assert split(text) == [expected]


def test_a_batch():
    assert split("Yes. No.", "", "Yes") == [["Yes.", "No."], [], ["Yes"]]


def test_hardly_differs_from_the_rules_of_python():
    texts = [each.text for each in load_sotu_documents()[::40]]
    for text, found in zip(texts, split(*texts), strict=True):
        expected = split_sentences(text)
        same = len(set(found) & set(expected))
        assert same > 0.95 * len(set(expected))
        assert same > 0.95 * len(set(found))
