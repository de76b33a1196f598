"""Subwords, tokenizers and tiny backbones as those of BERT and GPT-2."""

import itertools

from keras_textgen.data.subwords.byte_pairs import BytePairs, byte_letters
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.data.subwords.word_pieces import PlainWordPieces, WordRules

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "another", "hat"]
# As GPT-2 writes the space before a word.
SPACE = "\u0120"
BEGINS = ["the", *(SPACE + word for word in WORDS[1:])]
END = "<|endoftext|>"
MERGES = list(
    dict.fromkeys(
        (word[:end], word[end])
        for word in [*BEGINS, *WORDS]
        for end in range(1, len(word))
    )
)
# The first ten are words, as those of the other vocabularies of the tests.
PIECES = list(
    dict.fromkeys(
        [
            *BEGINS,
            *sorted(byte_letters(), key=byte_letters().get),
            *map("".join, MERGES),
        ]
    )
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORD_PIECES = [
    *WORDS,
    *LETTERS.replace("a", ""),  # A word already.
    *(f"##{letter}" for letter in LETTERS),
    *".,-!?",
    "##at",
    "ca",
]
SIZES = {"num_layers": 2, "num_heads": 2, "intermediate_dim": 6}


def byte_pairs() -> SubwordVocabulary:
    """GPT-2's, of few words."""
    return SubwordVocabulary("bytepairs", BytePairs(PIECES, MERGES).config)


def word_pieces(**rules: bool) -> SubwordVocabulary:
    """BERT's, of few words."""
    rules = {"parts_ideographs": True, "parts_punctuation": True} | rules
    config = PlainWordPieces(WORD_PIECES, WordRules(**rules)).config
    return SubwordVocabulary("plain_wordpiece", config)


def gpt2_tokenizer():
    """Of keras-hub; its end stands among the others, and an id is left out."""
    from keras_hub.models import GPT2Tokenizer

    names = [*PIECES[:20], END, *PIECES[20:]]
    places = [*range(30), *range(31, len(names) + 1)]
    return GPT2Tokenizer(
        vocabulary=dict(zip(names, places, strict=True)),
        merges=list(map(" ".join, MERGES)),
    )


def bert_tokenizer(**settings):
    """Of keras-hub; its special tokens stand in another order."""
    from keras_hub.models import BertTokenizer

    names = [*SPECIAL[:2], "[unused1]", *SPECIAL[:1:-1], *WORD_PIECES]
    return BertTokenizer(vocabulary=names, **settings)


def gpt2_backbone(**settings):
    """Of keras-hub, with random weights and ids to spare."""
    from keras_hub.models import GPT2Backbone

    return GPT2Backbone(
        **{
            "vocabulary_size": len(PIECES) + 5,
            "hidden_dim": 4,
            "max_sequence_length": 16,
            **SIZES,
            **settings,
        }
    )


def bert_backbone(**settings):
    """Of keras-hub, with random weights."""
    from keras_hub.models import BertBackbone

    return BertBackbone(
        **{
            "vocabulary_size": len(SPECIAL) + len(WORD_PIECES) + 4,
            "hidden_dim": 8,
            "max_sequence_length": 32,
            **SIZES,
            **settings,
        }
    )


def all_strings(letters: str, longest: int) -> list[str]:
    """Of some letters, up to a length."""
    return [
        "".join(each)
        for length in range(1, longest + 1)
        for each in itertools.product(letters, repeat=length)
    ]
