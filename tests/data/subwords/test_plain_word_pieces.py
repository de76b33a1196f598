"""WordPiece by TensorFlow alone, beside its definition and the fast one."""

import unicodedata

import pytest
import tensorflow as tf

from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.data.subwords.word_pieces import (
    PlainWordPieces,
    WordPieces,
    WordRules,
)
from keras_textgen.data.words import clean_text
from keras_textgen.tokens import SPECIALS, UNKNOWN_ID
from tests.conformance.backbones import all_strings
from tests.data.subwords.corpus import HARD, TEXTS
from tests.data.subwords.test_subword_vocabulary import greedy

PIECES = ["a", "ab", "##b", "b", "##ba", "##bb", "###", "#", "é", "##日"]
RULES = [
    WordRules(),
    WordRules(is_lower=True, strips_accents=True, most_characters=4),
    WordRules(parts_ideographs=True, parts_punctuation=True),
]


def ids_of(pieces, texts):
    return pieces.ids(clean_text(tf.constant(texts))).to_list()


def test_the_longest_piece_first():
    """Of every word of two letters of the alphabet and the prefix's."""
    words = all_strings("ab#", 5)
    places = {name: len(SPECIALS) + n for n, name in enumerate(PIECES)}
    # A word that begins as pieces within words do, begins with none of them.
    begins = {
        name: place
        for name, place in places.items()
        if not name.startswith("##")
    }
    for word, found in zip(
        words, ids_of(PlainWordPieces(PIECES), words), strict=True
    ):
        first = max(
            (word[:end] for end in range(1, 6) if word[:end] in begins),
            key=len,
            default=None,
        )
        expected = [UNKNOWN_ID]
        if first is not None:
            rest = greedy(f"-{word[len(first) :]}", {**places, "-": None})
            if rest[0] is None:
                expected = [begins[first], *rest[1:]]
        assert found == expected, word


@pytest.mark.parametrize("rules", RULES)
def test_it_splits_as_the_fast_one(rules):
    pytest.importorskip(
        "tensorflow_text", reason="the extra subwords is missing"
    )
    texts = [*dict.fromkeys(TEXTS), *HARD, *all_strings("aé日.", 4)]
    letters = sorted({letter for text in texts for letter in text})
    pieces = [*PIECES, "The", "##at", "##he", "caf"]
    pieces += [
        name
        for letter in letters
        if letter.isprintable() and letter != " "
        for name in (letter, f"##{letter}")
    ]
    pieces = list(dict.fromkeys(pieces))
    fast, plain = (
        ids_of(kind(pieces, rules), texts)
        for kind in (WordPieces, PlainWordPieces)
    )
    assert plain == fast


def test_accents_are_stripped_as_python_strips_them():
    texts = ["Crème brûlée Ǟ ﬁ", "한국어 각", "cafe\u0301", "", "مَرحبا"]
    pieces = sorted({each for text in texts for each in decomposed(text)})
    names = [each for letter in pieces for each in (letter, f"##{letter}")]
    found = PlainWordPieces(names, WordRules(strips_accents=True))
    for text, ids in zip(texts, ids_of(found, texts), strict=True):
        written = "".join(
            found.spellings[each - len(SPECIALS)].decode() for each in ids
        )
        assert written.split() == decomposed(text).split()


def decomposed(text):
    return "".join(
        letter
        for letter in unicodedata.normalize("NFD", text)
        if unicodedata.category(letter) != "Mn"
    )


def test_no_texts_and_texts_without_words():
    vocabulary = SubwordVocabulary(
        "plain_wordpiece", PlainWordPieces(PIECES).config
    )
    assert vocabulary(tf.constant([], tf.string)).shape == (0, 2)
    assert vocabulary(["", " "]).numpy().tolist() == [[2, 3], [2, 3]]
    assert vocabulary.package is None
    assert vocabulary.text_resources() == []


def test_a_vocabulary_is_made_again_and_one_larger():
    vocabulary = SubwordVocabulary(
        "plain_wordpiece", PlainWordPieces(PIECES, RULES[1]).config
    )
    again = SubwordVocabulary.from_config(vocabulary.get_config())
    larger = again.one_larger("##c")
    assert larger.splitter == "plain_wordpiece"
    texts = ["ABB b", "abc"]
    assert again(texts).numpy().tolist() == vocabulary(texts).numpy().tolist()
    last = len(SPECIALS) + len(PIECES)
    assert again(texts)[1].numpy().tolist()[1:3] == [UNKNOWN_ID, 3]
    assert larger(texts)[1].numpy().tolist()[2:4] == [last, 3]
