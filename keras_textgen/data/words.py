"""The rule by which text becomes words, inside the graph."""

from __future__ import annotations

import tensorflow as tf

from keras_textgen.checks import OneOf, check
from keras_textgen.data.characters import JOINERS
from keras_textgen.data.graph_normalization import normalize_in_graph

CHARACTERS = "characters"

# Of words; of the joiners, normalization has left those inside words.
_LETTER = rf"[\p{{L}}\p{{M}}\p{{N}}{JOINERS}]"
# In this order: the unknown token itself; numbers such as 1,000 or 19.5;
# initials such as u.s. or p.m.; words with inner apostrophes and hyphens; and
# whatever else is visible, character by character with its marks.
_TOKEN = (
    r"<unk>"
    r"|\p{N}+(?:[.,]\p{N}+)+"
    r"|(?:\p{L}\.){2,}"
    rf"|{_LETTER}+(?:['\-]{_LETTER}+)*"
    r"|[^\s\p{Z}\p{Cc}]\p{M}*"
)
# What a reader takes for one character: with marks, and what is joined to it.
_CHARACTER = rf"<unk>|[^\p{{M}}{JOINERS}]?[\p{{M}}{JOINERS}]+|[^\p{{M}}]"
_WHITE_SPACE = r"[\s\p{Z}\p{Cc}]+"
# Of it, what TensorFlow does not split at; \C is a byte, see
# `normalize_in_graph`.
_ODD_SPACE = (
    r"[\x{00}-\x{08}\x{0E}-\x{1F}\x{7F}-\x{A0}\x{1680}\x{2000}-\x{200A}"
    r"\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]"
)
_HAS_ODD_SPACE = rf"(?s)\C*{_ODD_SPACE}\C*"
# A control character, which no text holds once its white space is one space.
_BREAK = "\x1f"
_KERAS_FILTER = r"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n]"


def _lower(texts: tf.Tensor) -> tf.Tensor:
    # Lower case first: a few capitals compose with no mark, their small
    # letters do. TensorFlow's lower case ends a text at a zero byte.
    texts = tf.strings.regex_replace(texts, r"\x00", " ")
    return normalize_in_graph(tf.strings.lower(texts, encoding="utf-8"))


def _separate_words(texts: tf.Tensor) -> tf.Tensor:
    texts = _lower(texts)
    texts = tf.strings.regex_replace(texts, r"[\x{2018}\x{2019}]", "'")
    texts = tf.strings.regex_replace(texts, r"[\x{201C}\x{201D}]", '"')
    # Most texts have none, and are looked through in a tenth of the time.
    is_odd = tf.strings.regex_full_match(texts, _HAS_ODD_SPACE)
    texts = tf.cond(
        tf.reduce_any(is_odd),
        lambda: tf.strings.regex_replace(texts, _ODD_SPACE, " "),
        lambda: texts,
    )
    return tf.strings.regex_replace(texts, _TOKEN, r" \0 ")


def _drop_punctuation(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(_lower(texts), _KERAS_FILTER, " ")


def clean_text(texts: tf.Tensor) -> tf.Tensor:
    r"""Normalizes texts and makes white space one space, none at the ends.

    Args:
        texts: strings, shape `[batch]`.

    Returns:
        strings `[batch]`; upper case stays.

    Example:
        >>> clean_text(tf.constant([" A\trose\u00a0is"])).numpy().tolist()
        [b'A rose is']
    """
    texts = normalize_in_graph(texts)
    texts = tf.strings.regex_replace(texts, _WHITE_SPACE, " ")
    return tf.strings.strip(texts)


def _separate_characters(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(
        clean_text(texts), _CHARACTER, rf"\0{_BREAK}"
    )


STANDARDIZERS = {
    "none": normalize_in_graph,
    "words": _separate_words,
    "keras": _drop_punctuation,
    CHARACTERS: _separate_characters,
}


def standardizer(tokenizer: str, of_words: str = "words") -> str:
    """Returns how text becomes tokens.

    Args:
        tokenizer: `"word"` or `"character"`.
        of_words: the standardization of words, see `split_words`.

    Raises:
        ValueError: another tokenizer.

    Example:
        >>> standardizer("word"), standardizer("character")
        ('words', 'characters')
    """
    kinds = {"word": of_words, "character": CHARACTERS}
    check(OneOf(tuple(kinds)), tokenizer=tokenizer)
    return kinds[tokenizer]


def split_words(
    texts: tf.Tensor, standardize: str = "words"
) -> tf.RaggedTensor:
    """Standardizes texts and splits them into words.

    Everything is done by `tf.strings`, so that a SavedModel treats raw text
    exactly as training did.

    Args:
        texts: strings, shape `[batch]`.
        standardize: `"none"`: nothing, the text is split at white space;
            `"words"`: lower case, curly quotes made straight, punctuation
            split off into tokens of its own, while inner apostrophes and
            hyphens, numbers (`1,000`, `19.5`) and initials (`u.s.`) stay
            whole; `"keras"`: lower case and punctuation other than apostrophes
            dropped, the default of Keras's classic `Tokenizer`;
            `"characters"`: characters with their marks take the place of
            words, and white space is one space, a word like the others.
            Whichever it is, `normalize_text` comes first.

    Returns:
        RaggedTensor of strings, shape `[batch, (words)]`.

    Raises:
        ValueError: `standardize` is not one of the four.

    Example:
        >>> texts = tf.constant(["It's $1,000.50, isn't it?"])
        >>> b" ".join(split_words(texts).numpy()[0]).decode()
        "it's $ 1,000.50 , isn't it ?"
        >>> b" ".join(split_words(texts, "keras").numpy()[0]).decode()
        "it's 1 000 50 isn't it"
        >>> split_words(tf.constant(["to  be"]), "characters")
        <tf.RaggedTensor [[b't', b'o', b' ', b'b', b'e']]>
    """
    check(OneOf(tuple(STANDARDIZERS)), standardize=standardize)
    standardized = STANDARDIZERS[standardize](texts)
    if standardize != CHARACTERS:
        return tf.strings.split(standardized)
    characters = tf.strings.split(standardized, _BREAK)
    return tf.ragged.boolean_mask(characters, characters != "")
