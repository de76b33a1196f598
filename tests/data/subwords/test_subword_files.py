"""Subwords from files of SentencePiece and of Hugging Face."""

import base64
import io
import itertools
import json
import re
import unicodedata

import numpy as np
import pytest

from keras_textgen.data.subwords.byte_pairs import byte_letters
from keras_textgen.data.subwords.messages import PieceType, read_pieces
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.tokens import SPECIALS, UNKNOWN_ID
from tests.data.subwords.corpus import HARD, TEXTS, need_packages, normalized

need_packages()
import sentencepiece  # noqa: E402


def ids_of(vocabulary, text):
    return vocabulary.tokenize([text]).numpy()[0][1:-1].tolist()


# -- SentencePiece ------------------------------------------------------------


def model_file(path, **settings):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=model,
        minloglevel=3,
        **{"vocab_size": 55, **settings},
    )
    path.write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "unigram"},
        {"model_type": "bpe", "unk_id": 2, "bos_id": -1, "eos_id": 1},
        {"model_type": "unigram", "user_defined_symbols": ["<sep>", "cat"]},
        {"model_type": "bpe", "treat_whitespace_as_suffix": True},
    ],
)
def test_model_file(tmp_path, settings):
    path = tmp_path / "their.model"
    reference = model_file(path, **settings)
    vocabulary = SubwordVocabulary.from_file(path)
    theirs = [
        number
        for number in range(reference.vocab_size())
        if not (reference.is_unknown(number) or reference.is_control(number))
    ]
    ours = {number: place for place, number in enumerate(theirs, 4)}
    names = vocabulary.get_vocabulary()
    assert names == [*SPECIALS, *map(reference.id_to_piece, theirs)]
    for text in [*TEXTS[:5], *HARD]:
        expected = reference.encode(normalized(text))
        found = ids_of(vocabulary, text)
        assert found == [ours.get(n, UNKNOWN_ID) for n in expected], text
    decoded = vocabulary.to_text(vocabulary(TEXTS[:5])).numpy()
    for text, found in zip(TEXTS[:5], decoded, strict=True):
        again = reference.decode(reference.encode(text))
        assert found.decode() == again.strip()


def test_what_is_no_file(tmp_path):
    for name, content, message in (
        ("a.model", b"a red rose", "bytes that are no SentencePiece model; a"),
        ("b.model", b"", "bytes that are no SentencePiece model; allowed:"),
        ("c.json", b"{", "text that is no JSON; allowed: a .model of Sent"),
        ("d.json", b"{}", "a JSON file without a model and its vocab; allow"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as error:
            SubwordVocabulary.from_file(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="No such file or directory; allowed"):
        SubwordVocabulary.from_file(tmp_path / "e.model")


def test_half_a_file(tmp_path):
    path = tmp_path / "their.model"
    model_file(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no SentencePiece model"):
        SubwordVocabulary.from_file(path)


# -- Hugging Face: WordPiece --------------------------------------------------

BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT_PIECES = (
    "the", "cat", "hat", "mat", "a", "an", "##s", "##at", "s", "c", "h", "m",
    ".", ",", "!", "'", "-", "一", "本", "naive", "cafe", "1", "000", "and",
    "sat", "on", "saw", "##other", "[", "]", "unk", "<", ">", "/", "σισυφος",
    "i", "##stanbul",
)  # fmt: skip


def special(names):
    return [{"content": name, "special": True} for name in names]


def bert(**changes):
    vocab = [*BERT_SPECIALS[:2], "[unused0]", *BERT_SPECIALS[2:], *BERT_PIECES]
    tokenizer = {
        "version": "1.0",
        "added_tokens": special(BERT_SPECIALS),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: place for place, piece in enumerate(vocab)},
        },
    }
    return tokenizer | changes


def written(path, tokenizer):
    path.write_text(json.dumps(tokenizer), "utf-8")
    return path


def bert_words(text):
    """The words of a BERT in lower case, as its authors describe them."""
    text = "".join(f" {c} " if "\u4e00" <= c <= "\u9fff" else c for c in text)
    text = "".join(
        c
        for c in unicodedata.normalize("NFD", text)
        if unicodedata.category(c) != "Mn"
    )
    text = "".join(c.lower() for c in text)
    words = []
    for word in text.split():
        words.append("")
        for c in word:
            is_ascii_mark = c.isascii() and not c.isalnum()
            if is_ascii_mark or unicodedata.category(c).startswith("P"):
                words += [c, ""]
            else:
                words[-1] += c
    return [word for word in words if word]


def longest_pieces(word, vocab):
    if len(word) > 100:
        return ["[UNK]"]
    found = []
    while word:
        for length in range(len(word), 0, -1):
            piece = ("##" if found else "") + word[:length]
            if piece in vocab:
                break
        else:
            return ["[UNK]"]
        found.append(piece)
        word = word[length:]
    return found


def test_bert(tmp_path):
    tokenizer = bert()
    vocab = tokenizer["model"]["vocab"]
    vocabulary = SubwordVocabulary.from_file(
        written(tmp_path / "tokenizer.json", tokenizer)
    )
    kept = [piece for piece in vocab if piece not in BERT_SPECIALS]
    assert vocabulary.get_vocabulary() == [*SPECIALS, *kept]
    texts = [
        "The cats' hats, naïve CAFÉS!",
        "日本 1,000 cats-another [UNK] [MASK] </s>",
        *HARD,
    ]
    for text in texts:
        pieces = [
            piece
            for word in bert_words(normalized(text))
            for piece in longest_pieces(word, vocab)
        ]
        expected = [
            UNKNOWN_ID if piece == "[UNK]" else 4 + kept.index(piece)
            for piece in pieces
        ]
        assert ids_of(vocabulary, text) == expected, text


def test_word_pieces_of_a_cased_model(tmp_path):
    normalizer = bert()["normalizer"] | {"lowercase": False}
    path = written(tmp_path / "tokenizer.json", bert(normalizer=normalizer))
    names = SubwordVocabulary.from_file(path).get_vocabulary()
    vocabulary = SubwordVocabulary.from_file(path)
    found = [names[n] for n in ids_of(vocabulary, "the The naïve cats")]
    assert found == ["the", "<unk>", "<unk>", "cat", "##s"]


# -- Hugging Face: Unigram ----------------------------------------------------

UNIGRAM = [
    ["<s>", 0.0],
    ["<pad>", 0.0],
    ["</s>", 0.0],
    ["<unk>", 0.0],
    ["▁", -3.0],
    ["▁the", -2.0],
    ["▁c", -4.5],
    ["at", -3.5],
    ["▁cat", -6.0],
    ["s", -3.2],
    ["t", -4.0],
    ["ts", -8.5],
    ["a", -4.1],
    ["h", -4.4],
    ["e", -3.9],
    ["c", -5.0],
    ["<mask>", 0.0],
]
METASPACE = {
    "type": "Metaspace",
    "replacement": "▁",
    "prepend_scheme": "always",
    "split": True,
}


def unigram(**changes):
    return {
        "added_tokens": special(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
        "normalizer": {
            "type": "Replace",
            "pattern": {"Regex": " {2,}"},
            "content": " ",
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, METASPACE],
        },
        "model": {"type": "Unigram", "unk_id": 3, "vocab": UNIGRAM},
    } | changes


def likeliest(word, scores):
    """The likeliest pieces of a word, by looking at all of them."""
    if not word:
        return 0.0, ()
    found = []
    for length in range(1, len(word) + 1):
        piece = word[:length]
        if piece in scores:
            score, rest = likeliest(word[length:], scores)
            found.append((scores[piece] + score, (piece, *rest)))
    if word[0] not in scores:
        # An unknown character, of the library's penalty.
        score, rest = likeliest(word[1:], scores)
        found.append((min(scores.values()) - 10 + score, (None, *rest)))
    return max(found)


def test_unigram(tmp_path):
    vocabulary = SubwordVocabulary.from_file(
        written(tmp_path / "tokenizer.json", unigram())
    )
    kept = [piece for piece, _ in UNIGRAM[4:-1]]
    assert vocabulary.get_vocabulary() == [*SPECIALS, *kept]
    scores = dict(UNIGRAM[4:-1])
    for text in ("the cats", "a  that", "that's <s> the", "hat", "cx xat"):
        expected = []
        for word in normalized(text).split():
            pieces = likeliest(f"▁{word}", scores)[1]
            ids = [
                UNKNOWN_ID if piece is None else 4 + kept.index(piece)
                for piece in pieces
            ]
            # Unknown characters that stand together are one token.
            expected += [
                number
                for place, number in enumerate(ids)
                if number != UNKNOWN_ID or ids[place - 1 : place] != [number]
            ]
        assert ids_of(vocabulary, text) == expected, text


def test_unigram_of_a_model_file_and_its_json_are_the_same(tmp_path):
    """Rules of normalization, bytes and scores are those of the model."""
    reference = model_file(
        tmp_path / "their.model",
        model_type="unigram",
        byte_fallback=True,
        character_coverage=0.98,
        vocab_size=310,
    )
    content = (tmp_path / "their.model").read_bytes()
    pieces = read_pieces(content)
    start = content.index(b"nmt_nfkc") + len(b"nmt_nfkc") + 1
    size = re.match(rb"[\x80-\xff]*[\0-\x7f]", content[start:])[0]
    length = sum((byte & 127) << 7 * n for n, byte in enumerate(size))
    start += len(size)
    tokenizer = unigram(
        added_tokens=special(["<unk>", "<s>", "</s>"]),
        normalizer={
            "type": "Sequence",
            "normalizers": [
                {
                    "type": "Precompiled",
                    "precompiled_charsmap": base64.b64encode(
                        content[start : start + length]
                    ).decode(),
                },
                unigram()["normalizer"],
            ],
        },
        pre_tokenizer=METASPACE,
        model={
            "type": "Unigram",
            "unk_id": 0,
            "byte_fallback": True,
            "vocab": [[piece.name, piece.score] for piece in pieces],
        },
    )
    path = written(tmp_path / "tokenizer.json", tokenizer)
    found = SubwordVocabulary.from_file(path)
    expected = SubwordVocabulary.from_file(tmp_path / "their.model")
    assert PieceType.BYTE in {piece.type for piece in pieces}
    assert found.get_vocabulary() == expected.get_vocabulary()
    texts = [*TEXTS[:5], *HARD]
    np.testing.assert_array_equal(found(texts), expected(texts))
    assert ids_of(found, "ﬁne") == [n + 1 for n in reference.encode("fine")]


# -- Hugging Face: byte-level BPE ---------------------------------------------

LETTERS = byte_letters()
MERGES = [
    "Ġ t", "h e", "Ġt he", "a t", "Ġ c", "Ġc at", "' s", "c at", "l l", "Ã ©",
    "e l", "a a", "aa aa", "ã ģ", "1 1",
]  # fmt: skip


def byte_level(**changes):
    pieces = [*LETTERS, *(merge.replace(" ", "") for merge in MERGES)]
    return {
        "added_tokens": special(["<|endoftext|>"]),
        "normalizer": None,
        "pre_tokenizer": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "vocab": {
                piece: place
                for place, piece in enumerate(["<|endoftext|>", *pieces])
            },
            "merges": MERGES,
        },
    } | changes


def kind_of(character):
    kind = unicodedata.category(character)[0]
    return kind if kind in "LN" else "other"


def gpt2_words(text):
    """The words of GPT-2, character by character."""
    words = []
    while text:
        ending = re.match("'(?:s|t|re|ve|m|ll|d)", text)
        length = ending.end() if ending else 0
        if not ending:
            length = first = int(text[0] == " ")
            while text[length : length + 1] not in ("", " ") and (
                kind_of(text[length]) == kind_of(text[first])
            ):
                length += 1
        words.append(text[:length])
        text = text[length:]
    return words


def merged(word, merges):
    """Pairs of a word are merged one at a time, the first merge first."""
    spelled = {byte: letter for letter, byte in LETTERS.items()}
    pieces = [spelled[byte] for byte in word.encode()]
    while True:
        pairs = [f"{a} {b}" for a, b in itertools.pairwise(pieces)]
        known = [pair for pair in pairs if pair in merges]
        if not known:
            return pieces
        place = pairs.index(min(known, key=merges.index))
        pieces[place : place + 2] = ["".join(pieces[place : place + 2])]


@pytest.mark.parametrize("adds_space", [False, True])
def test_byte_level_bpe(tmp_path, adds_space):
    tokenizer = byte_level()
    tokenizer["pre_tokenizer"]["add_prefix_space"] = adds_space
    path = written(tmp_path / "tokenizer.json", tokenizer)
    vocabulary = SubwordVocabulary.from_file(path)
    merges = tokenizer["model"]["merges"]
    names = vocabulary.get_vocabulary()
    assert names == [*SPECIALS, *list(tokenizer["model"]["vocab"])[1:]]
    texts = ["The cat's hat's  thell'll", "cat the 1111at11", "aaaaa aaaa"]
    for text in [*texts, *TEXTS[:5], *HARD]:
        read = normalized(text)
        if adds_space and read:
            read = f" {read}"
        pieces = [p for word in gpt2_words(read) for p in merged(word, merges)]
        assert [names[n] for n in ids_of(vocabulary, text)] == pieces, text
    found = vocabulary.to_text(vocabulary(HARD)).numpy()
    assert [each.decode() for each in found] == list(map(normalized, HARD))
    config = json.loads(json.dumps(vocabulary.get_config()))
    again = SubwordVocabulary.from_config(config)
    np.testing.assert_array_equal(again(HARD), vocabulary(HARD))
    assert vocabulary.package is None


# -- What is refused ----------------------------------------------------------


def changed(tokenizer, **model):
    return tokenizer | {"model": tokenizer["model"] | model}


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        (
            {"model": {"vocab": {}, "merges": []}},
            "BPE behind no pre-tokenizer; allowed: ByteLevel alone, with the "
            "words of GPT-2 (use_regex)",
        ),
        (
            byte_level(pre_tokenizer={"type": "ByteLevel", "use_regex": False}),
            "BPE behind ByteLevel; allowed: ByteLevel alone, with the words of "
            "GPT-2 (use_regex)",
        ),
        (
            changed(byte_level(), byte_fallback=True),
            "BPE with byte_fallback=True; allowed: BPE without it",
        ),
        (
            changed(byte_level(), vocab={"a": 0}),
            "a BPE tokenizer with something missing or out of place (KeyError:",
        ),
        (
            {"model": {"type": "WordLevel", "vocab": {}}},
            "a tokenizer of model 'WordLevel'; allowed: WordPiece or Unigram "
            "or BPE",
        ),
        (
            bert(normalizer={"type": "NFKC"}),
            "normalizer NFKC(); allowed: BertNormalizer, Lowercase, NFC",
        ),
        (
            bert(pre_tokenizer={"type": "Split", "behavior": "Isolated"}),
            "pre-tokenizer Split(behavior='Isolated'); allowed: "
            "BertPreTokenizer, WhitespaceSplit",
        ),
        (
            bert(pre_tokenizer=None),
            "0 pre-tokenizers of WordPiece; allowed: one, BertPreTokenizer or "
            "WhitespaceSplit",
        ),
        (
            bert(added_tokens=[{"content": "hug", "special": False}]),
            "the added token 'hug', which is cut out of texts before they are "
            "split; allowed: special tokens, which no text has",
        ),
        (
            changed(unigram(), unk_id=None),
            "a Unigram model without unk_id; allowed: one with it",
        ),
        (
            unigram(pre_tokenizer={"type": "Whitespace"}),
            "pre-tokenizers Whitespace of Unigram; allowed: Metaspace, alone "
            "or behind WhitespaceSplit",
        ),
        (
            unigram(pre_tokenizer=METASPACE | {"prepend_scheme": "never"}),
            "pre-tokenizer Metaspace(replacement='▁', prepend_scheme='never', "
            "split=True); allowed: ▁ before each text",
        ),
        (
            changed(unigram(), vocab=[*UNIGRAM, ["▁a▁cat", -1.0]]),
            "the piece '▁a▁cat' across words, which are split first; allowed: "
            "pieces within words",
        ),
        (
            unigram(normalizer={"type": "StripAccents"}),
            "normalizer StripAccents(); allowed: Precompiled, NFC, Replace of "
            "spaces",
        ),
        (
            changed(bert(), vocab=["a", "b"]),
            "a WordPiece tokenizer with something missing or out of place "
            "(TypeError: list indices must be integers or slices, not str)",
        ),
    ],
)
def test_what_is_refused(tmp_path, tokenizer, message):
    path = written(tmp_path / "tokenizer.json", tokenizer)
    with pytest.raises(ValueError, match="allowed") as error:
        SubwordVocabulary.from_file(path)
    assert str(error.value).startswith(f"{path}: {message}")
