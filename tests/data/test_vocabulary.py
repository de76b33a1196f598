"""Vocabulary: ids, standardization, saving."""

import collections
import json
import subprocess
import sys
import unicodedata

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary, split_words
from keras_textgen.tokens import END_ID, START_ID, UNKNOWN_ID

WORDS = ["the", "cat", "sat", "on", "mat", "."]


def words_of(text, standardize="words"):
    (words,) = split_words(tf.constant([text]), standardize).to_list()
    return [word.decode() for word in words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", ",", "world", "!"]),
        ("don\u2019t \u201cquote\u201d", ["don't", '"', "quote", '"']),
        ("$1,000 or 19.5%.", ["$", "1,000", "or", "19.5", "%", "."]),
        ("in the U.S. at 5 p.m.", ["in", "the", "u.s.", "at", "5", "p.m."]),
        ("well-known 1st-class", ["well-known", "1st-class"]),
        ("wait--what...", ["wait", "-", "-", "what", ".", ".", "."]),
        ("ÉCOLE naïve ΣΟΦΙΑ", ["école", "naïve", "σοφια"]),
        (
            "tab\tno-break\u00a0em\u2003space",
            ["tab", "no-break", "em", "space"],
        ),
        ("a<unk>b <UNK>", ["a", "<unk>", "b", "<unk>"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_splitting_joined_words_changes_nothing():
    text = "Mr. O'Neil's U.S.A. paid $1,234.56 (19.5%) -- 'why?' a.b. 3-1,000"
    words = words_of(text)
    assert words_of(" ".join(words)) == words


def test_none_splits_at_white_space_only():
    assert words_of("The n.v.  N 'S", "none") == ["The", "n.v.", "N", "'S"]


def test_every_separator_of_unicode_is_between_words():
    separators = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Zs", "Zl", "Zp", "Cc")
    ]
    assert len(separators) > 80
    # Each alone, as one among them decides how all are looked at.
    for each in separators:
        words = split_words(tf.constant([f"red{each}rose {each} 1{each}2"]))
        assert words.numpy().tolist() == [[b"red", b"rose", b"1", b"2"]]


@pytest.mark.parametrize("standardize", ["none", "keras"])
def test_words_with_a_no_break_space_are_as_they_were_read(standardize):
    # No warning that no text has them, which would be an error here.
    text = "a\u00a0red \x85 rose"
    vocabulary = Vocabulary.from_texts([text], standardize=standardize)
    assert set(vocabulary.get_vocabulary()[4:]) == set(text.split(" "))
    assert vocabulary.to_text(vocabulary([text])).numpy()[0].decode() == text


def test_keras_is_the_filter_of_its_classic_tokenizer():
    # Written out from the documentation of keras.preprocessing.text.Tokenizer.
    filtered = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
    text = "It's a <br /><br />well-made film: 10/10!" + filtered + "End"
    expected = text.lower().translate({ord(c): " " for c in filtered}).split()
    assert words_of(text, "keras") == expected


def test_unknown_standardization_is_refused():
    with pytest.raises(ValueError, match="'upper'; allowed: none, words"):
        Vocabulary(["a"], standardize="upper")
    with pytest.raises(ValueError, match="'upper'; allowed: none, words"):
        split_words(tf.constant(["a"]), "upper")


def test_call_puts_start_and_end_and_pads_on_the_right():
    vocabulary = Vocabulary(WORDS)
    tokens = vocabulary(["The cat sat on the mat.", "A dog", ""])
    assert tokens.dtype == tf.int32
    np.testing.assert_array_equal(
        tokens,
        [
            [2, 4, 5, 6, 7, 4, 8, 9, 3],
            [2, 1, 1, 3, 0, 0, 0, 0, 0],
            [2, 3, 0, 0, 0, 0, 0, 0, 0],
        ],
    )


def test_no_texts_give_no_sequences():
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.tokenize([]).shape == (0, None)
    assert vocabulary.tokenize_corpus([]).shape == (0, None)


def test_text_to_ids_to_text():
    vocabulary = Vocabulary(WORDS)
    texts = ["the cat sat on the mat .", "the mat", ""]
    back = vocabulary.to_text(vocabulary(texts)).numpy()
    assert [text.decode() for text in back] == texts


def test_reserved_words_in_text_are_unknown():
    vocabulary = Vocabulary(WORDS, standardize="none")
    tokens = vocabulary(["cat </s> <s> <unk> sat"])
    assert tokens.numpy().tolist() == [
        [START_ID, 5, UNKNOWN_ID, UNKNOWN_ID, UNKNOWN_ID, 6, END_ID]
    ]


def test_to_text_stops_at_the_first_end_and_drops_the_rest():
    tokens = [[2, 4, 0, 5, 3, 6, 3], [3, 4, 4, 4, 4, 4, 4]]
    texts = Vocabulary(WORDS).to_text(tokens)
    assert texts.numpy().tolist() == [b"the cat", b""]


def test_ids_outside_the_vocabulary_read_unknown():
    texts = Vocabulary(WORDS).to_text([[2, -1, 10, 1, 3]])
    assert texts.numpy().tolist() == [b"<unk> <unk> <unk>"]


def test_strings_stand_in_the_order_of_ids():
    vocabulary = Vocabulary(WORDS)
    strings = vocabulary.get_vocabulary()
    assert vocabulary.size == len(strings) == 10
    assert strings[:4] == ["", "<unk>", "<s>", "</s>"]
    ids = vocabulary(WORDS).numpy()[:, 1]
    assert [strings[i] for i in ids] == WORDS


def test_from_texts_orders_by_count_then_by_word():
    generator = np.random.default_rng(0)
    texts = [
        " ".join(generator.choice(list("abcdefgh"), size=9)) for _ in range(50)
    ]
    counts = collections.Counter(" ".join(texts).split())
    expected = sorted(counts, key=lambda word: (-counts[word], word))
    assert Vocabulary.from_texts(texts).get_vocabulary()[4:] == expected
    reversed_texts = Vocabulary.from_texts(texts[::-1])
    assert reversed_texts.get_vocabulary()[4:] == expected


def test_from_texts_limits():
    texts = ["a a a b b c", "<unk> <unk> <s>"]
    options = {"standardize": "none"}
    full = Vocabulary.from_texts(texts, **options)
    assert full.get_vocabulary()[4:] == ["a", "b", "c"]
    assert Vocabulary.from_texts(texts, max_size=6, **options).size == 6
    assert Vocabulary.from_texts(texts, min_count=2, **options).size == 6
    assert Vocabulary.from_texts(texts, min_count=3, **options).size == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"texts": ["a"], "max_size": 4}, "max_size=4; allowed: more than"),
        ({"texts": ["a"], "min_count": 0}, "min_count=0; allowed: whole"),
        ({"texts": ["a"], "min_count": 2}, "no word occurs min_count=2 times"),
        ({"texts": []}, "no word occurs min_count=1 times"),
        ({"texts": ["<unk>"]}, "no word occurs min_count=1 times"),
    ],
)
def test_from_texts_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_texts(**arguments)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a vocabulary without words"),
        (["a", "</s>"], "the special token '</s>'"),
        (["a", ""], "the special token ''"),
        (["a", "b", "a"], "the word 'a' occurs 2 times"),
        ("ab", "words='ab'; allowed: a list of words"),
        (3, "words=3; allowed: a list of words"),
    ],
)
def test_words_are_checked(words, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(words)


def test_a_word_of_any_length_takes_only_its_own_memory():
    words = ["x" * 100_000, *map(str, range(2000))]
    vocabulary = Vocabulary(words, standardize="none")
    assert vocabulary([words[0]]).numpy().tolist() == [[2, 4, 3]]


def test_config_round_trip():
    vocabulary = Vocabulary(WORDS, standardize="none", name="words")
    twin = Vocabulary.from_config(vocabulary.get_config())
    assert twin.get_config() == vocabulary.get_config()
    assert twin.get_vocabulary() == vocabulary.get_vocabulary()
    texts = ["the cat", "The mat"]
    np.testing.assert_array_equal(twin(texts), vocabulary(texts))


def test_keras_deserializes_it():
    vocabulary = Vocabulary(WORDS)
    config = keras.saving.serialize_keras_object(vocabulary)
    twin = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    assert twin.get_config() == vocabulary.get_config()


def test_saved_model_round_trip(tmp_path):
    vocabulary = Vocabulary(WORDS)
    module = tf.Module()
    module.tables = vocabulary.lookup_tables()
    strings = tf.TensorSpec([None], tf.string, name="texts")
    ids = tf.TensorSpec([None, None], tf.int32, name="tokens")
    module.tokens = tf.function(vocabulary, input_signature=[strings])
    module.texts = tf.function(vocabulary.to_text, input_signature=[ids])
    tf.saved_model.save(module, str(tmp_path))
    code = (
        "import sys, tensorflow as tf\n"
        "module = tf.saved_model.load(sys.argv[1])\n"
        "tokens = module.tokens(tf.constant(['The cat?', 'On the mat.']))\n"
        "texts = module.texts(tokens)\n"
        "print(tokens.numpy().tolist(), texts.numpy().tolist())\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == (
        "[[2, 4, 5, 1, 3, 0], [2, 7, 4, 8, 9, 3]] "
        "[b'the cat <unk>', b'on the mat .']"
    )


def test_export_archive_tracks_the_tables(tmp_path):
    vocabulary = Vocabulary(WORDS)
    archive = keras.export.ExportArchive()
    archive.track(vocabulary)
    archive.add_endpoint(
        "tokens", vocabulary.call, [tf.TensorSpec([None], tf.string)]
    )
    archive.write_out(str(tmp_path), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path))
    tokens = loaded.tokens(tf.constant(["the cat"]))
    assert tokens.numpy().tolist() == [[2, 4, 5, 3]]


def test_inside_a_dataset_and_a_function():
    vocabulary = Vocabulary(WORDS)
    texts = tf.data.Dataset.from_tensor_slices(["the cat", "sat"]).batch(2)
    (tokens,) = texts.map(vocabulary)
    np.testing.assert_array_equal(tokens, [[2, 4, 5, 3], [2, 6, 3, 0]])
    back = tf.function(vocabulary.to_text)(tokens)
    assert back.numpy().tolist() == [b"the cat", b"sat"]


def test_a_float16_policy_leaves_ids_alone():
    vocabulary = Vocabulary(WORDS, dtype="mixed_float16")
    assert vocabulary(["the cat"]).dtype == tf.int32


def test_bytes_that_are_not_utf_8_are_refused():
    """TensorFlow would read each byte of them as a word of its own."""
    message = r"^text 1 holds invalid UTF-8 \(byte 0xe9\); allowed: Unicode"
    for read in (Vocabulary.from_texts, Vocabulary(WORDS).tokenize):
        with pytest.raises(ValueError, match=message):
            read([b"the cat", b"caf\xe9"])
    tokens = Vocabulary(["café"]).tokenize(["café".encode()])
    assert tokens.to_list() == [[START_ID, 4, END_ID]]
