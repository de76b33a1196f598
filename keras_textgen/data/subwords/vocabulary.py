"""Vocabularies of subwords: text to token ids and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import OneOf, check
from keras_textgen.data.base_vocabulary import BaseVocabulary, check_tokens
from keras_textgen.data.subwords.byte_pairs import BytePairs
from keras_textgen.data.subwords.files import Subwords, read_subwords
from keras_textgen.data.subwords.sentence_pieces import SPACE, SentencePieces
from keras_textgen.data.subwords.training import train_subwords
from keras_textgen.data.subwords.word_pieces import (
    PlainWordPieces,
    WordPieces,
)
from keras_textgen.data.words import clean_text
from keras_textgen.tokens import UNKNOWN

_SPLITTERS: dict[str, type[Subwords]] = {
    "sentencepiece": SentencePieces,
    "wordpiece": WordPieces,
    "plain_wordpiece": PlainWordPieces,
    "bytepairs": BytePairs,
}


@keras.saving.register_keras_serializable(package="keras_textgen")
class SubwordVocabulary(BaseVocabulary):
    """The subwords of a corpus: text to token ids and token ids to text.

    Ids 0 to 3 are those of every vocabulary; pieces follow from id 4. Texts are
    normalized as for words (see `clean_text`), and are split inside the graph
    by `tensorflow_text`, which is imported for the first of them (byte pairs
    are split by TensorFlow alone): whoever has ids needs no package but
    TensorFlow, and neither does `to_text`. A text of
    `<s>`, `</s>` or `<unk>` is spelled as it stands.

    `from_texts` trains one, `from_file` reads one.

    Args:
        splitter: its name, "sentencepiece", "wordpiece", "plain_wordpiece" or
            "bytepairs".
        config: what that is made of, for JSON.
        **kwargs: of `keras.layers.Layer`.

    Raises:
        ValueError: there is no such splitter, or a piece is a special token.

    Example:
        >>> texts = ["the cat sat", "the hat", "a cat"] * 4
        >>> vocabulary = SubwordVocabulary.from_texts(texts)
        >>> tokens = vocabulary(["the hats", "\u00e9"])
        >>> [text.decode() for text in vocabulary.to_text(tokens).numpy()]
        ['the hats', '\u00e9']
    """

    def __init__(
        self, splitter: str, config: dict[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check(OneOf(tuple(_SPLITTERS)), splitter=splitter)
        self.splitter = splitter
        self._pieces = _SPLITTERS[splitter].from_config(config)
        check_tokens(self._pieces.pieces, "subword")
        unknown = b" " * (splitter == "wordpiece") + UNKNOWN.encode()
        spellings = [b"", unknown, b"<s>", b"</s>", *self._pieces.spellings]
        self._strings = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.range(len(spellings), dtype=tf.int64),
                tf.constant(spellings, tf.string),
            ),
            unknown,
        )
        self.built = True

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        max_size: int | None = None,
        algorithm: str = "unigram",
    ) -> SubwordVocabulary:
        """Trains subwords on a corpus; the same corpus gives the same ones.

        Args:
            texts: one string a sequence.
            max_size: size of the vocabulary, the four special tokens included;
                None for 8,000, or as many as the texts allow.
            algorithm: `"unigram"` or `"bpe"`, both by `sentencepiece` and with
                a piece for each byte, from which unknown characters are put
                together; or `"wordpiece"`, without these.

        Returns:
            The vocabulary.

        Raises:
            ValueError: the texts allow no vocabulary of this size, a text is
                missing, `algorithm` is not allowed, or a package is not
                installed.

        Example:
            >>> texts = ["a red rose is red", "a rose is a rose"] * 9
            >>> SubwordVocabulary.from_texts(texts, 275, "bpe").size
            275
        """
        return cls._of(train_subwords(texts, max_size, algorithm))

    @classmethod
    def from_file(cls, path: str | os.PathLike) -> SubwordVocabulary:
        """Reads subwords that others have trained.

        Args:
            path: a `.model` of SentencePiece, or a `tokenizer.json` of Hugging
                Face with a WordPiece, a Unigram or a byte-level BPE model.

        Returns:
            The vocabulary. The special tokens of the file are those of every
            vocabulary; its other pieces follow in the order of its ids.

        Raises:
            ValueError: the file cannot be read, or holds what is not allowed.
        """
        return cls._of(read_subwords(path))

    @classmethod
    def _of(cls, pieces: Subwords) -> SubwordVocabulary:
        names = {kind: name for name, kind in _SPLITTERS.items()}
        return cls(names[type(pieces)], pieces.config)

    @property
    def unit(self) -> str:
        """What a token is: "subword"."""
        return "subword"

    @property
    def package(self) -> str | None:
        """What a SavedModel that takes texts needs beside TensorFlow."""
        return self._pieces.package

    @property
    def tokens(self) -> tuple[str, ...]:
        """The pieces, in the order of ids."""
        return self._pieces.pieces

    def split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into pieces, as in `get_vocabulary`."""
        names = tf.constant(self.get_vocabulary())
        return tf.gather(names, self.ids_of(texts))

    def ids_of(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]`, int32 `[batch, (time)]`."""
        # SentencePiece reads its mark of a space as one.
        texts = tf.strings.regex_replace(texts, SPACE, " ")
        return self._pieces.ids(clean_text(texts))

    def strings_of(self, ids: tf.Tensor) -> tf.Tensor:
        """Looks up what ids write, int64 `[batch, time]`."""
        return self._strings.lookup(ids)

    def joined(self, strings: tf.RaggedTensor) -> tf.Tensor:
        """Joins what subwords write; bytes that are no text read U+FFFD."""
        texts = tf.strings.reduce_join(strings, axis=1)
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        return tf.strings.strip(texts)

    def lookup_tables(self) -> list[tf.lookup.StaticHashTable]:
        """Returns the TensorFlow table, for a SavedModel to track."""
        return [self._strings, *self._pieces.tables()]

    def text_resources(self) -> list[tf.Module]:
        """Returns what splits texts, for a SavedModel to track."""
        return self._pieces.resources()

    def one_larger(self, name: str) -> SubwordVocabulary:
        """Returns the same vocabulary with a further piece."""
        return SubwordVocabulary._of(self._pieces.one_larger(name))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, the pieces included."""
        return {
            **super().get_config(),
            "splitter": self.splitter,
            "config": self._pieces.config,
        }
