"""One spelling for what reads the same, in Python and in the graph."""

import random
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.characters import composition, normalize_text
from keras_textgen.data.graph_normalization import normalize_in_graph
from keras_textgen.data.vocabulary import Vocabulary, split_words

# Decomposed and composed, stacked marks, marks in no canonical order, Hangul,
# ideographs of which one stands for another.
_WORDS = " ".join(
    (
        "café naïve Ångström façade señor Ωμέγα Ᾰ̓́ ᾧ ἄνθρωπος ῥᾴδιος",
        "йод ёж ў ї ӣ Việt Nam được những Ị́ ọ̀ṣọ́ ẹ̀kọ́ Ǖ ṩ q̣̇ ḍ̇ h̲ ẖ ț",
        "शक़्ति ड़ कऩ বাংলাদেশ বড়ো கொடு கௌரவம் കൊല്ലം ශ්‍රී ලංකාව ଓଡ଼ିଆ ಕೊನೆ",
        "مُحَمَّد اَللّٰه آب أمر مؤمن رئيس שָׁלוֹם בְּרֵאשִׁית ייִדיש",
        "한국어 조선글 각 がぎぐげご パピプペポ ヷ 神 福 豈 行",
        "བོད་སྐད ཀྵ གྷ မြန်မာ ဦး ᬆ 𑂚 𑄮 𝅗𝅥 ≠ ∄ ⫝̸ ﬁ K Å Ω ; ·",
    )
).split(" ")
# What Unicode calls format characters, beside the joiners.
_FORMAT = [
    chr(code)
    for code in (*range(0x30000), *range(0xE0000, 0xE0080))
    if unicodedata.category(chr(code)) == "Cf" and code not in (0x200C, 0x200D)
]


def _in_graph(texts):
    normalized = normalize_in_graph(tf.constant(texts, tf.string)).numpy()
    return [text.decode() for text in normalized]


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_words_of_many_scripts(form):
    words = [unicodedata.normalize(form, word) for word in _WORDS]
    expected = [unicodedata.normalize("NFC", word) for word in words]
    # The joiner inside a word stays; NFC keeps it, too.
    assert _in_graph(words) == expected
    assert [normalize_text(word) for word in words] == expected


def test_every_character_and_random_ones_in_a_row():
    tables = composition()
    firsts, seconds = tables.pairs >> 21, tables.pairs & (1 << 21) - 1
    hangul = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), 0xAC00, 0xAC01]
    hangul += [*range(0x11A7, 0x11C3), 0xAC1C]
    single = [*tables.decomposed, *tables.combining, *hangul, *range(0x250)]
    draw = random.Random(5)
    pool = [*single, *3 * [*firsts, *seconds], *3 * hangul]
    pool = [chr(code) for code in pool if code > 32]
    invisible = ["\u034f", *_FORMAT, *map(chr, range(0xFE00, 0xFE10))]
    pool = sorted(set(pool) - set(invisible)) + 3 * sorted(
        chr(code) for code in {*firsts, *seconds, *hangul}
    )
    texts = [chr(code) for code in single if code and chr(code) in pool]
    texts += [
        "".join(draw.choices(pool, k=draw.randint(2, 9))) for _ in range(20_000)
    ]
    expected = [unicodedata.normalize("NFC", text) for text in texts]
    assert len(texts) > 23_000
    assert _in_graph(texts) == expected


def test_a_letter_with_very_many_marks_is_finite_work():
    text = "e" + "\u0301" * 5000 + " e\u0301"
    (normalized,) = _in_graph([text])
    assert normalized == "é" + "\u0301" * 4999 + " é"


@pytest.mark.parametrize("standardize", ["words", "keras", "none"])
def test_format_characters_never_make_or_split_a_word(standardize):
    assert len(_FORMAT) > 150
    invisible = [*_FORMAT, "\ufe0f", "\u034f"]
    texts = [f"{c}ro{c}se {c} don{c}'t{c}" for c in invisible]
    words = split_words(tf.constant(texts), standardize)
    assert words.to_list() == [[b"rose", b"don't"]] * len(invisible)


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize("standardize", ["words", "keras", "none"])
def test_joiners_stay_inside_words_alone(joiner, standardize):
    inside = f"می{joiner}خواهم"
    text = f"{joiner}{inside}{joiner} {joiner} a{joiner}b{joiner}c {joiner}-"
    words = split_words(tf.constant([text]), standardize).to_list()[0]
    expected = [inside, f"a{joiner}b{joiner}c"]
    assert [word.decode() for word in words][:2] == expected
    assert joiner not in "".join(word.decode() for word in words[2:])


def test_a_heart_is_one_word_with_a_selector_and_without():
    words = split_words(tf.constant(["\u2764\ufe0f \u2764"])).to_list()[0]
    assert words == ["\u2764".encode()] * 2


@pytest.mark.parametrize("standardize", ["words", "keras", "none"])
def test_a_zero_byte_is_a_boundary(standardize):
    words = split_words(tf.constant(["a\0rose\0", "\0\0is"]), standardize)
    assert words.to_list() == [[b"a", b"rose"], [b"is"]]


def test_what_is_no_utf8_hides_nothing():
    words = split_words(tf.constant([b"\xff cafe\xcc\x81"]), "words")
    assert words.to_list()[0][-1].decode() == "café"


def test_capitals_without_a_composed_form():
    # H with a line below has none, h has.
    words = split_words(tf.constant(["H\u0331 \u1e96"])).to_list()[0]
    assert words == ["\u1e96".encode()] * 2


def test_vocabulary_counts_both_spellings_as_one_word():
    texts = ["café", "cafe\u0301", "ca\u00adfé rose"]
    vocabulary = Vocabulary.from_texts(texts)
    assert vocabulary.get_vocabulary()[4:] == ["café", "rose"]
    np.testing.assert_array_equal(vocabulary(texts)[:, 1], [4, 4, 4])


def test_vocabulary_with_words_in_another_form_is_found():
    # The first spelling of a word has the ids of both.
    words = ["cafe\u0301", "rose", "noe\u0308l", "noël", "s\u00ado"]
    vocabulary = Vocabulary(words)
    tokens = vocabulary.tokenize(["café cafe\u0301 noël noe\u0308l so"])
    assert tokens.to_list() == [[2, 4, 4, 7, 7, 8, 3]]
    assert vocabulary.get_vocabulary()[4:] == words
    again = Vocabulary.from_config(vocabulary.get_config())
    assert again.get_vocabulary() == vocabulary.get_vocabulary()


def test_saved_model_normalizes(tmp_path):
    vocabulary = Vocabulary(["café", "rose"])
    module = tf.Module()
    module.tables = vocabulary.lookup_tables()
    module.tokenize = tf.function(
        vocabulary, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path))
    served = tf.saved_model.load(str(tmp_path))
    texts = tf.constant(["cafe\u0301 \u200bro\u00adse\0", "plain rose"])
    assert served.tokenize(texts).numpy().tolist() == [
        [2, 4, 5, 3],
        [2, 1, 5, 3],
    ]


def test_characters_round_trip():
    texts = ["我爱你。", "Cafe\u0301  au\tlait", "ห้อง น้ำ", "क्षत्रिय", "<unk>"]
    vocabulary = Vocabulary.from_texts(texts, standardize="characters")
    assert " " in vocabulary.get_vocabulary()
    back = [
        text.decode() for text in vocabulary.to_text(vocabulary(texts)).numpy()
    ]
    assert back == ["我爱你。", "Café au lait", "ห้อง น้ำ", "क्षत्रिय", "<unk>"]
    characters = split_words(tf.constant(texts[2:3]), "characters").to_list()
    assert [each.decode() for each in characters[0]] == [
        "ห้",
        "อ",
        "ง",
        " ",
        "น้",
        "ำ",
    ]


def test_texts_that_are_none_are_refused_with_their_position():
    class NAType:
        """As pandas names the type of its NA, which is unequal to nothing."""

        def __ne__(self, other):
            raise TypeError("boolean value of NA is ambiguous")

        __hash__ = None

    for missing in (None, float("nan"), np.float32("nan"), NAType()):
        with pytest.raises(ValueError, match=r"^text 1 is missing \("):
            Vocabulary.from_texts(["a rose", missing])
    with pytest.raises(ValueError, match=r"^text 2 is 7, of type int;"):
        Vocabulary.from_texts(["a", "b", 7])
