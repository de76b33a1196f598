"""Subwords that are trained: ids, texts, sizes, saving."""

import base64
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import Vocabulary
from keras_textgen.data.subwords.messages import PieceType, read_pieces
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.tokens import END_ID, SPECIALS, START_ID, UNKNOWN_ID
from tests.data.subwords.corpus import HARD, TEXTS, need_packages, normalized

need_packages()
import sentencepiece  # noqa: E402

ALGORITHMS = ["unigram", "bpe", "wordpiece"]
WITH_BYTES = ["unigram", "bpe"]


@pytest.fixture(scope="module")
def trained():
    return {
        name: SubwordVocabulary.from_texts(TEXTS, algorithm=name)
        for name in ALGORITHMS
    }


def ids_of(vocabulary, text):
    start, *ids, end = vocabulary.tokenize([text]).numpy()[0]
    assert (start, end) == (START_ID, END_ID)
    return ids


def texts_of(vocabulary, tokens):
    return [text.decode() for text in vocabulary.to_text(tokens).numpy()]


def proto_of(vocabulary):
    return base64.b64decode(vocabulary.get_config()["config"]["model"])


@pytest.mark.parametrize("name", WITH_BYTES)
def test_every_text_comes_back_as_it_was_normalized(trained, name):
    tokens = trained[name](HARD)
    assert not np.any(tokens == UNKNOWN_ID)
    assert texts_of(trained[name], tokens) == [normalized(t) for t in HARD]


@pytest.mark.parametrize("name", WITH_BYTES)
def test_ids_are_those_of_sentencepiece(trained, name):
    reference = sentencepiece.SentencePieceProcessor(
        model_proto=proto_of(trained[name])
    )
    assert reference.vocab_size() == trained[name].size
    for text in [*TEXTS[:5], *HARD]:
        expected = reference.encode(normalized(text))
        assert ids_of(trained[name], text) == expected, text
    pieces = [
        reference.id_to_piece(n) for n in range(4, reference.vocab_size())
    ]
    assert trained[name].get_vocabulary() == [*SPECIALS, *pieces]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_training_repeats_itself(trained, name):
    again = SubwordVocabulary.from_texts(list(TEXTS), algorithm=name)
    assert again.get_config()["config"] == trained[name].get_config()["config"]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_text_has_one_code(trained, name):
    same = ["cafe\u0301s  a\u00adb", " cafés\u00a0ab\n", "cafés ab"]
    codes = {tuple(ids_of(trained[name], text)) for text in same}
    assert len(codes) == 1


def greedy(word, pieces):
    """WordPiece of a word, from its definition: the longest piece first."""
    found, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        end = next(
            (
                end
                for end in range(len(word), start, -1)
                if prefix + word[start:end] in pieces
            ),
            None,
        )
        if end is None:
            return [UNKNOWN_ID]
        found.append(pieces[prefix + word[start:end]])
        start = end
    return found


def test_word_pieces_are_the_longest(trained):
    pieces = {
        piece: place
        for place, piece in enumerate(trained["wordpiece"].get_vocabulary())
        if piece not in SPECIALS
    }
    for text in [*TEXTS[:5], *HARD]:
        words = normalized(text).split()
        expected = [
            number
            for word in words
            for number in (
                greedy(word, pieces) if len(word) <= 100 else [UNKNOWN_ID]
            )
        ]
        assert ids_of(trained["wordpiece"], text) == expected, text


def test_word_pieces_of_known_characters_come_back(trained):
    vocabulary = trained["wordpiece"]
    tokens = vocabulary([*TEXTS[:5], "mat ☃ hat"])
    texts = [normalized(text) for text in TEXTS[:5]]
    assert texts_of(vocabulary, tokens) == [*texts, "mat <unk> hat"]


def test_bytes_that_are_no_text_are_marked(trained):
    names = trained["bpe"].get_vocabulary()
    tokens = [[names.index(byte) for byte in ("<0xC3>", "<0x41>", "<0xE2>")]]
    assert texts_of(trained["bpe"], tokens) == ["\ufffdA\ufffd"]


def test_ids_outside_the_vocabulary_are_unknown(trained):
    assert texts_of(trained["bpe"], [[2, 10**6, 3, 5]]) == ["<unk>"]


def test_no_texts_and_shapes(trained):
    for vocabulary in trained.values():
        assert vocabulary(tf.constant([], tf.string)).shape == (0, 2)
        assert vocabulary([""]).numpy().tolist() == [[2, 3]]
        assert vocabulary.tokenize_corpus([]).shape[0] == 0


def test_in_a_graph_first(trained):
    vocabulary = SubwordVocabulary.from_config(trained["bpe"].get_config())
    texts = tf.data.Dataset.from_tensor_slices(TEXTS[:5]).batch(5)
    (found,) = texts.map(vocabulary)
    np.testing.assert_array_equal(found, trained["bpe"](TEXTS[:5]))


def test_pieces_of_texts(trained):
    (found,) = trained["bpe"].split(tf.constant(["The cat ☃"])).to_list()
    text = b"".join(found).decode()
    assert text == "▁The▁cat▁<0xE2><0x98><0x83>"


@pytest.mark.parametrize("name", WITH_BYTES)
def test_special_tokens_are_where_they_belong(trained, name):
    pieces = read_pieces(proto_of(trained[name]))
    types = [piece.type for piece in pieces[:4]]
    control = PieceType.CONTROL
    assert types == [control, PieceType.UNKNOWN, control, control]
    assert b"/tmp" not in proto_of(trained[name])


# -- Sizes --------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_BYTES)
def test_sizes_are_exact(name):
    assert SubwordVocabulary.from_texts(TEXTS, 310, name).size == 310


def test_word_pieces_keep_every_character():
    few = SubwordVocabulary.from_texts(TEXTS, 100, "wordpiece")
    assert few.size == 100
    assert not np.any(few(TEXTS) == UNKNOWN_ID)


@pytest.mark.parametrize(
    ("size", "algorithm", "message"),
    [
        (8000, "unigram", r"max_size=8000 for these texts; allowed: at most"),
        (8000, "bpe", r"max_size=8000 for these texts; allowed: at most \d+$"),
        (270, "bpe", r"=270 for these texts; allowed: \d+ or more, for the"),
        (8000, "wordpiece", r"max_size=8000 for these texts; allowed: at mo"),
        (260, "bpe", "max_size=260; allowed: whole numbers, 261 or more"),
        (20, "wordpiece", r"=20 for these texts; allowed: \d+ or more, for"),
        (None, "words", "algorithm='words'; allowed: unigram, bpe, wordpiece"),
    ],
)
def test_what_is_refused(size, algorithm, message):
    with pytest.raises(ValueError, match=message) as error:
        SubwordVocabulary.from_texts(TEXTS, size, algorithm)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_texts_without_words_are_refused(name):
    with pytest.raises(ValueError, match=r"^texts without words; allowed:"):
        SubwordVocabulary.from_texts(["", " \u200b"], algorithm=name)


@pytest.mark.parametrize("name", ["bpe", "wordpiece"])
def test_the_largest_size_that_is_named_is_allowed(name):
    with pytest.raises(ValueError, match="at most") as error:
        SubwordVocabulary.from_texts(TEXTS, 8000, name)
    most = int(str(error.value).split()[-1])
    assert SubwordVocabulary.from_texts(TEXTS, None, name).size == most
    assert SubwordVocabulary.from_texts(TEXTS, most, name).size == most


def test_word_pieces_of_texts_with_their_own_mark():
    texts = ["## A rose", "##a ### rose#s", "a ##rose"] * 5
    vocabulary = SubwordVocabulary.from_texts(texts, algorithm="wordpiece")
    assert texts_of(vocabulary, vocabulary(texts)) == texts


# -- Saving, and what is needed -----------------------------------------------


@pytest.mark.parametrize("name", ALGORITHMS)
def test_config_is_json_and_gives_the_same(trained, name):
    config = json.loads(
        json.dumps(keras.saving.serialize_keras_object(trained[name]))
    )
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(again(HARD), trained[name](HARD))
    assert again.get_config() == trained[name].get_config()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_larger(trained, name):
    larger = trained[name].one_larger("★★")
    assert larger.get_vocabulary() == [*trained[name].get_vocabulary(), "★★"]
    np.testing.assert_array_equal(larger(TEXTS[:5]), trained[name](TEXTS[:5]))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_without_the_extra_there_are_ids(trained, name, monkeypatch):
    config = trained[name].get_config()
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    vocabulary = SubwordVocabulary.from_config(config)
    tokens = trained[name](["The mat."])
    assert texts_of(vocabulary, tokens) == ["The mat."]
    with pytest.raises(ValueError, match="tensorflow_text") as error:
        vocabulary.tokenize(["The mat."])
    assert str(error.value) == (
        "texts of a vocabulary of subwords without tensorflow_text, which is "
        "not installed; allowed: token ids, or pip install "
        "'keras-textgen[subwords]'"
    )
    with pytest.raises(ValueError, match=r"^training of .*subwords\]'$"):
        SubwordVocabulary.from_texts(TEXTS, algorithm=name)


_CLIENT = """
import sys
from keras_textgen import LSTMLanguageModel, Vocabulary
for standardize in ("words", "characters"):
    words = Vocabulary.from_texts(["a red rose"], standardize=standardize)
    model = LSTMLanguageModel(words, rnn_units=2, embedding_dim=2)
    model.log_likelihood(["a rose"])
assert "tensorflow" in sys.modules
assert not {"tensorflow_text", "sentencepiece"} & set(sys.modules)
"""


def test_words_and_characters_need_no_extra():
    subprocess.run([sys.executable, "-c", _CLIENT], check=True)


def test_units():
    assert Vocabulary(["a"]).unit == "word"
    assert Vocabulary(["a"], "characters").unit == "character"
    config = {"pieces": ["a"], "rules": {}, "prefix": "##"}
    assert SubwordVocabulary("wordpiece", config).unit == "subword"


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "a vocabulary without subwords; allowed: 1 subword or more"),
        (["a", "</s>"], "subwords hold the special token '</s>'; allowed:"),
    ],
)
def test_no_vocabulary(pieces, message):
    config = {"pieces": pieces, "rules": {}, "prefix": "##"}
    with pytest.raises(ValueError, match=message):
        SubwordVocabulary("wordpiece", config)
