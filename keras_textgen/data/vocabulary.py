"""Text to token ids and back, inside the graph, on Keras's lookup layers."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.data.characters import JOINERS, normalize_text
from keras_textgen.data.graph_normalization import normalize_in_graph
from keras_textgen.data.text_lists import checked_texts
from keras_textgen.tokens import (
    END,
    END_ID,
    PAD,
    PAD_ID,
    SPECIALS,
    START,
    START_ID,
    UNKNOWN,
    UNKNOWN_ID,
)

CHARACTERS = "characters"

# Texts are standardized and looked up in pieces, which bounds the memory that
# the strings of a large corpus take between the two steps.
_TEXTS_A_PIECE = 20_000

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
    texts = tf.strings.regex_replace(texts, _WHITE_SPACE, " ")
    return tf.strings.regex_replace(texts, _TOKEN, r" \0 ")


def _drop_punctuation(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(_lower(texts), _KERAS_FILTER, " ")


def _separate_characters(texts: tf.Tensor) -> tf.Tensor:
    texts = normalize_in_graph(texts)
    texts = tf.strings.regex_replace(texts, _WHITE_SPACE, " ")
    texts = tf.strings.strip(texts)
    return tf.strings.regex_replace(texts, _CHARACTER, rf"\0{_BREAK}")


_STANDARDIZERS = {
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
    if tokenizer not in kinds:
        raise ValueError(
            f"tokenizer={tokenizer!r}; allowed: {', '.join(kinds)}"
        )
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
    if standardize not in _STANDARDIZERS:
        raise ValueError(
            f"standardize={standardize!r}; allowed: {', '.join(_STANDARDIZERS)}"
        )
    standardized = _STANDARDIZERS[standardize](texts)
    if standardize != CHARACTERS:
        return tf.strings.split(standardized)
    characters = tf.strings.split(standardized, _BREAK)
    return tf.ragged.boolean_mask(characters, characters != "")


def _pieces(texts: Sequence[str]) -> Iterable[tf.Tensor]:
    texts = checked_texts(texts)
    for start in range(0, max(1, len(texts)), _TEXTS_A_PIECE):
        yield tf.constant(texts[start : start + _TEXTS_A_PIECE], tf.string)


def unknown_share(tokens: tf.RaggedTensor) -> float:
    """Returns the share of unknown words among the words of texts.

    Args:
        tokens: ids `[texts, (time)]`; start and end tokens do not count.

    Example:
        >>> unknown_share(Vocabulary(["red"]).tokenize(["red", "a red rose"]))
        0.5
    """
    ids = tokens.flat_values.numpy()
    words = ids[(ids == UNKNOWN_ID) | (ids >= len(SPECIALS))]
    return float(np.mean(words == UNKNOWN_ID)) if len(words) else 0.0


@keras.saving.register_keras_serializable(package="keras_textgen")
class Vocabulary(keras.layers.Layer):
    """The words of a corpus: text to token ids and token ids to text.

    Ids 0 to 3 are the same in every vocabulary: padding `""`, the unknown word
    `<unk>`, the start `<s>` and the end `</s>` of a sequence; words follow from
    id 4. The lookups are two `keras.layers.StringLookup` layers, so that the
    vocabulary is saved with a model and works inside a SavedModel. The texts
    `<s>` and `</s>` in raw text are unknown words, never ends.

    Args:
        words: the words without the four special tokens, in the order of ids.
        standardize: how text becomes words, see `split_words`.
        **kwargs: of `keras.layers.Layer`.

    A warning names words that no text can have: capitals, where texts are read
    in lower case, and white space.

    Raises:
        ValueError: no words, a special token among them, or a word twice.

    Example:
        >>> vocabulary = Vocabulary(["the", "cat", "sat"])
        >>> tokens = vocabulary(["The cat sat", "The dog"])
        >>> tokens.numpy()
        array([[2, 4, 5, 6, 3],
               [2, 4, 1, 3, 0]], dtype=int32)
        >>> vocabulary.to_text(tokens).numpy()
        array([b'the cat sat', b'the <unk>'], dtype=object)
    """

    def __init__(
        self, words: Sequence[str], standardize: str = "words", **kwargs
    ):
        super().__init__(**{**kwargs, "trainable": False})
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_jit = False
        words = list(words)
        _check_words(words)
        if standardize not in _STANDARDIZERS:
            raise ValueError(
                f"standardize={standardize!r}; "
                f"allowed: {', '.join(_STANDARDIZERS)}"
            )
        _warn_of_unreachable(words, standardize)
        self.standardize = standardize
        self._words = tuple(words)
        specials = {"mask_token": PAD, "oov_token": UNKNOWN}
        self._ids = keras.layers.StringLookup(
            vocabulary=_listed(_spellings(words)), **specials
        )
        self._strings = keras.layers.StringLookup(
            vocabulary=_listed(words), invert=True, **specials
        )
        self.built = True

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        max_size: int | None = None,
        min_count: int = 1,
        standardize: str = "words",
    ) -> Vocabulary:
        """Builds the vocabulary of a corpus, most frequent words first.

        Words of equal count are ordered as strings, so the result depends on
        the counts alone.

        Args:
            texts: one string a sequence.
            max_size: largest size, the four special tokens included; None for
                no limit.
            min_count: words that occur less often are left out.
            standardize: see `split_words`.

        Returns:
            The vocabulary.

        Raises:
            ValueError: no word is left, a text is missing, or `max_size` or
                `min_count` is too small.

        Example:
            >>> texts = ["a rose is a rose", "a thorn"]
            >>> Vocabulary.from_texts(texts, max_size=6).get_vocabulary()
            ['', '<unk>', '<s>', '</s>', 'a', 'rose']
        """
        if max_size is not None and max_size <= len(SPECIALS):
            raise ValueError(
                f"max_size={max_size}; "
                f"allowed: more than the {len(SPECIALS)} special tokens"
            )
        if min_count < 1:
            raise ValueError(f"min_count={min_count}; allowed: 1 or more")
        counts = collections.Counter()
        for piece in _pieces(texts):
            counts.update(split_words(piece, standardize).flat_values.numpy())
        for special in SPECIALS:
            counts.pop(special.encode(), None)
        frequent = [word for word in counts if counts[word] >= min_count]
        frequent.sort(key=lambda word: (-counts[word], word))
        if not frequent:
            raise ValueError(
                f"no word occurs min_count={min_count} times or more; "
                "allowed: texts with words, and a min_count they reach"
            )
        if max_size is not None:
            frequent = frequent[: max_size - len(SPECIALS)]
        return cls([word.decode() for word in frequent], standardize)

    @property
    def size(self) -> int:
        """Number of ids, the four special tokens included."""
        return len(SPECIALS) + len(self._words)

    def get_vocabulary(self) -> list[str]:
        """Returns every string, in the order of ids."""
        return [*SPECIALS, *self._words]

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Turns texts into token ids.

        Args:
            texts: strings, shape `[batch]`.

        Returns:
            int32 RaggedTensor `[batch, (time)]`, with start and end tokens.

        Example:
            >>> Vocabulary(["red", "rose"]).tokenize(["rose", "red rose"])
            <tf.RaggedTensor [[2, 5, 3], [2, 4, 5, 3]]>
        """
        if not tf.is_tensor(texts):
            texts = tf.constant(checked_texts(texts), tf.string)
        words = split_words(texts, self.standardize)
        ids = tf.cast(self._ids(words.flat_values), tf.int32)
        reserved = (ids == START_ID) | (ids == END_ID)
        words = words.with_flat_values(tf.where(reserved, UNKNOWN_ID, ids))
        start = tf.fill([words.nrows(), 1], START_ID)
        return tf.concat([start, words, tf.fill(tf.shape(start), END_ID)], 1)

    def tokenize_corpus(self, texts: Sequence[str]) -> tf.RaggedTensor:
        """Turns a large list of texts into token ids, piece by piece.

        Args:
            texts: strings, one a sequence.

        Returns:
            The same as `tokenize`.

        Example:
            >>> Vocabulary(["red", "rose"]).tokenize_corpus(
            ...     ["rose", "red rose"]
            ... )
            <tf.RaggedTensor [[2, 5, 3], [2, 4, 5, 3]]>
        """
        return tf.concat([self.tokenize(piece) for piece in _pieces(texts)], 0)

    def call(self, texts: tf.Tensor | Sequence[str]) -> tf.Tensor:
        """Turns texts into token ids, padded on the right.

        Args:
            texts: strings, shape `[batch]`.

        Returns:
            int32 `[batch, time]`, `time` being the longest sequence; of no
            texts, that of a text without words.
        """
        tokens = self.tokenize(texts).to_tensor(PAD_ID)
        # Without rows there would be no columns either.
        missing = tf.maximum(2 - tf.shape(tokens)[1], 0)
        return tf.pad(tokens, [[0, 0], [0, missing]])

    def to_text(self, tokens: tf.Tensor) -> tf.Tensor:
        """Turns token ids into texts.

        Args:
            tokens: integers, shape `[batch, time]`.

        Returns:
            strings `[batch]`: the words before the first end token, joined by
            one space (characters by none); start and padding are dropped, and
            ids outside the vocabulary read `<unk>`.

        Example:
            >>> Vocabulary(["a", "b"]).to_text([[2, 5, 4, 3, 5]]).numpy()
            array([b'b a'], dtype=object)
        """
        tokens = tf.cast(tokens, tf.int64)
        is_end = tf.cast(tokens == END_ID, tf.int32)
        kept = (
            (tf.cumsum(is_end, axis=1) == 0)
            & (tokens != START_ID)
            & (tokens != PAD_ID)
        )
        words = tf.ragged.boolean_mask(self._strings(tokens), kept)
        separator = "" if self.standardize == CHARACTERS else " "
        return tf.strings.reduce_join(words, axis=1, separator=separator)

    def lookup_tables(self) -> list[tf.lookup.StaticHashTable]:
        """Returns the TensorFlow tables, for a SavedModel to track."""
        return [self._ids.lookup_table, self._strings.lookup_table]

    def get_config(self) -> dict:
        """Returns the constructor's arguments, the words included."""
        return {
            **super().get_config(),
            "words": list(self._words),
            "standardize": self.standardize,
        }


def _listed(words: list[str]) -> np.ndarray:
    # An array of objects: one of fixed-width strings would take the length of
    # the longest word for every word.
    return np.array([START, END, *words], dtype=object)


def _spellings(words: list[str]) -> list[str]:
    """The words as texts spell them once they are normalized.

    What was written another way in the vocabulary's source is found by its
    normal form, unless that is a word itself, or another word's already.
    """
    if all(map(str.isascii, words)):
        return words
    taken = {*SPECIALS, *words}
    spellings = []
    for word in words:
        normal = normalize_text(word)
        spellings.append(word if normal in taken else normal)
        taken.add(spellings[-1])
    return spellings


def _warn_of_unreachable(words: list[str], standardize: str) -> None:
    """Warns of words that no text has once it is standardized."""
    if standardize == CHARACTERS:
        return  # White space is one of them.
    is_lower = standardize in ("words", "keras")
    # Only of "words" is all of Unicode's white space; the others are split as
    # the corpora's authors have, which leaves a no-break space in a word.
    split = str.split if standardize == "words" else _split_at_ascii
    unreachable = [
        word
        for word in words
        if len(split(word)) != 1 or (is_lower and word != word.lower())
    ]
    if unreachable:
        reason = "in lower case and " if is_lower else ""
        warnings.warn(
            f"{len(unreachable):,} of {len(words):,} words are in no text, as "
            f"texts are read {reason}split at white space: "
            f"{unreachable[0]!r:.40}",
            stacklevel=3,
        )


def _split_at_ascii(word: str) -> list[str]:
    return [part.decode() for part in word.encode().split()]


def _check_words(words: list[str]) -> None:
    if not words:
        raise ValueError("a vocabulary without words; allowed: 1 word or more")
    reserved = set(SPECIALS).intersection(words)
    if reserved:
        raise ValueError(
            f"words hold the special token {min(reserved)!r}; "
            "allowed: words without the special tokens"
        )
    if len(set(words)) < len(words):
        word, count = collections.Counter(words).most_common(1)[0]
        raise ValueError(
            f"the word {word!r} occurs {count} times; allowed: once"
        )
