"""What vocabularies of words, characters and subwords have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.text_lists import checked_texts
from keras_textgen.private_names import take_any_argument
from keras_textgen.tokens import (
    END_ID,
    PAD_ID,
    SPECIALS,
    START_ID,
    UNKNOWN_ID,
)

# Texts are standardized and looked up in pieces, which bounds the memory that
# the strings of a large corpus take between the two steps.
_TEXTS_A_PIECE = 2000


def pieces_of(texts: Sequence[str]) -> Iterator[tf.Tensor]:
    """Checks texts and gives them piece by piece.

    Args:
        texts: strings.

    Yields:
        Strings `[texts]`; one empty piece where there are no texts.

    Raises:
        ValueError: a text is missing, see `checked_texts`.

    Example:
        >>> [piece.shape[0] for piece in pieces_of(["a rose"] * 5000)]
        [2000, 2000, 1000]
    """
    texts = checked_texts(texts)
    for start in range(0, max(1, len(texts)), _TEXTS_A_PIECE):
        yield tf.constant(texts[start : start + _TEXTS_A_PIECE], tf.string)


def share_of_unknown(ids: np.ndarray) -> float:
    """The share of the unknown token among tokens that are not special.

    Example:
        >>> share_of_unknown(np.array([2, 1, 4, 1, 3, 0]))
        0.6666666666666666
    """
    words = ids[(ids == UNKNOWN_ID) | (ids >= len(SPECIALS))]
    return float(np.mean(words == UNKNOWN_ID)) if len(words) else 0.0


def check_tokens(tokens: Sequence[str], noun: str) -> None:
    """Refuses tokens that no vocabulary can hold beside the special ones.

    Args:
        tokens: of a vocabulary, without the special ones.
        noun: what one is called in messages.

    Raises:
        ValueError: there are none, or a special token is among them.

    Example:
        >>> check_tokens(["rose", "<s>"], "word")
        Traceback (most recent call last):
        ValueError: words hold the special token '<s>'; allowed: words without \
the special tokens
    """
    if not tokens:
        raise refused(f"a vocabulary without {noun}s", f"1 {noun} or more")
    reserved = set(SPECIALS).intersection(tokens)
    if reserved:
        raise refused(
            f"{noun}s hold the special token {min(reserved)!r}",
            f"{noun}s without the special tokens",
        )


class BaseVocabulary(keras.layers.Layer):
    """Text to token ids and token ids to text, whatever a token is.

    Ids 0 to 3 are the same in every vocabulary: padding `""`, the unknown token
    `<unk>`, the start `<s>` and the end `</s>` of a sequence; others follow
    from id 4. A vocabulary adds its `unit`, its `tokens`, `split`, `ids_of`,
    `strings_of` and `joined`, from which the rest is made.

    Args:
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**{**kwargs, "trainable": False})
        take_any_argument(self)
        self.supports_jit = False

    @property
    def unit(self) -> str:
        """What a token is: "word", "character" or "subword"."""
        raise NotImplementedError

    @property
    def tokens(self) -> Sequence[str]:
        """All strings but the four special tokens, in the order of ids."""
        raise NotImplementedError

    @property
    def package(self) -> str | None:
        """What a SavedModel that takes texts needs beside TensorFlow."""
        return None

    def split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns strings `[batch]` into strings `[batch, (time)]`."""
        raise NotImplementedError

    def ids_of(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns strings `[batch]` into int32 ids `[batch, (time)]`."""
        raise NotImplementedError

    def strings_of(self, ids: tf.Tensor) -> tf.Tensor:
        """Turns int64 ids `[batch, time]` into strings of the same shape."""
        raise NotImplementedError

    def joined(self, strings: tf.RaggedTensor) -> tf.Tensor:
        """Turns strings `[batch, (time)]` of tokens into texts `[batch]`."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Number of ids, the four special tokens included."""
        return len(SPECIALS) + len(self.tokens)

    def get_vocabulary(self) -> list[str]:
        """Returns every string, in the order of ids."""
        return [*SPECIALS, *self.tokens]

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Turns texts into token ids.

        Args:
            texts: strings, shape `[batch]`.

        Returns:
            int32 RaggedTensor `[batch, (time)]`, with start and end tokens.

        Example:
            >>> from keras_textgen.data.vocabulary import Vocabulary
            >>> Vocabulary(["red", "rose"]).tokenize(["rose", "red rose"])
            <tf.RaggedTensor [[2, 5, 3], [2, 4, 5, 3]]>
        """
        if not tf.is_tensor(texts):
            texts = tf.constant(checked_texts(texts), tf.string)
        ids = self.ids_of(texts)
        start = tf.fill([ids.nrows(), 1], START_ID)
        return tf.concat([start, ids, tf.fill(tf.shape(start), END_ID)], 1)

    def tokenize_corpus(self, texts: Sequence[str]) -> tf.RaggedTensor:
        """Turns a large list of texts into token ids, piece by piece.

        Args:
            texts: strings, one a sequence.

        Returns:
            The same as `tokenize`.

        Example:
            >>> from keras_textgen.data.vocabulary import Vocabulary
            >>> Vocabulary(["red", "rose"]).tokenize_corpus(
            ...     ["rose", "red rose"]
            ... )
            <tf.RaggedTensor [[2, 5, 3], [2, 4, 5, 3]]>
        """
        return tf.concat(
            [self.tokenize(piece) for piece in pieces_of(texts)], 0
        )

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
            strings `[batch]`: the tokens before the first end token, words
            joined by one space, characters and subwords by none; start and
            padding are dropped, and ids outside the vocabulary read `<unk>`.

        Example:
            >>> from keras_textgen.data.vocabulary import Vocabulary
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
        return self.joined(
            tf.ragged.boolean_mask(self.strings_of(tokens), kept)
        )

    def lookup_tables(self) -> list[tf.lookup.StaticHashTable]:
        """Returns the TensorFlow tables of ids, for a SavedModel to track."""
        raise NotImplementedError

    def text_resources(self) -> list[tf.Module]:
        """Returns what else a SavedModel that takes texts has to track."""
        return []

    def one_larger(self, name: str) -> BaseVocabulary:
        """Returns the same vocabulary with a further token, the last one.

        Args:
            name: of the token, which is none of the vocabulary.
        """
        raise NotImplementedError
