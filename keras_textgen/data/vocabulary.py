"""Text to token ids and back, inside the graph, on Keras's lookup layers."""

from __future__ import annotations

import collections
import itertools
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    Lists,
    OneOf,
    WholeNumbers,
    by_number,
    check,
    counted,
    refused,
)
from keras_textgen.data.base_vocabulary import (
    BaseVocabulary,
    check_tokens,
    pieces_of,
    share_of_unknown,
)
from keras_textgen.data.characters import normalize_text
from keras_textgen.data.words import CHARACTERS, STANDARDIZERS, split_words
from keras_textgen.private_names import table_of
from keras_textgen.tokens import (
    END,
    END_ID,
    PAD,
    SPECIALS,
    START,
    START_ID,
    UNKNOWN,
    UNKNOWN_ID,
)

__all__ = [
    "Vocabulary",
    "WordCounts",
    "check_limits",
    "count_corpus",
    "unknown_share",
]


class WordCounts(NamedTuple):
    """How often the words of a corpus occur; special tokens do not count.

    Attributes:
        occurrences: of each word.
        texts: how many texts each word is in.
    """

    occurrences: collections.Counter[str]
    texts: collections.Counter[str]

    def most_frequent(
        self, words: Iterable[str], max_size: int | None = None
    ) -> list[str]:
        """Puts words in order, the most frequent first, ties by word.

        Args:
            words: some of those that were counted.
            max_size: of their vocabulary, the four special tokens included;
                None for no limit.

        Example:
            >>> counts = count_corpus(["a rose is a rose", "a thorn"])
            >>> counts.most_frequent(["thorn", "rose", "is"], max_size=6)
            ['rose', 'is']
        """
        ordered = sorted(
            words, key=lambda word: (-self.occurrences[word], word)
        )
        return (
            ordered if max_size is None else ordered[: max_size - len(SPECIALS)]
        )


def count_corpus(
    texts: Sequence[str], standardize: str = "words"
) -> WordCounts:
    """Counts the words of a corpus.

    Args:
        texts: one string a sequence or document.
        standardize: how text becomes words, see `split_words`.

    Returns:
        The counts.

    Raises:
        ValueError: a text is missing, or `standardize` is not allowed.

    Example:
        >>> counts = count_corpus(["a rose is a rose", "a thorn"])
        >>> counts.occurrences["a"], counts.texts["a"]
        (3, 2)
    """
    occurrences: collections.Counter[bytes] = collections.Counter()
    of_texts: collections.Counter[bytes] = collections.Counter()
    for piece in pieces_of(texts):
        words = split_words(piece, standardize)
        flat = words.flat_values.numpy()
        occurrences.update(flat)
        for begin, end in itertools.pairwise(words.row_splits.numpy()):
            of_texts.update(set(flat[begin:end]))
    return WordCounts(_decoded(occurrences), _decoded(of_texts))


def check_limits(max_size: int | None, min_count: int) -> None:
    """Refuses limits that leave no word of any corpus.

    Args:
        max_size: of a vocabulary, the four special tokens included; None for
            no limit.
        min_count: words that occur less often are left out.

    Raises:
        ValueError: one of the two is too small.

    Example:
        >>> check_limits(4, 1)
        Traceback (most recent call last):
        ValueError: max_size=4; allowed: more than the 4 special tokens
    """
    least = WholeNumbers(len(SPECIALS) + 1)
    if max_size is not None and max_size not in least:
        raise refused(
            f"max_size={max_size}",
            f"more than the {len(SPECIALS)} special tokens",
        )
    check(SIZES, min_count=min_count)


def _decoded(counts: collections.Counter[bytes]) -> collections.Counter[str]:
    return collections.Counter(
        {
            word.decode(): count
            for word, count in counts.items()
            if word.decode() not in SPECIALS
        }
    )


def unknown_share(tokens: tf.RaggedTensor) -> float:
    """Returns the share of unknown words among the words of texts.

    Args:
        tokens: ids `[texts, (time)]`; start and end tokens do not count.

    Example:
        >>> unknown_share(Vocabulary(["red"]).tokenize(["red", "a red rose"]))
        0.5
    """
    return share_of_unknown(tokens.flat_values.numpy())


@keras.saving.register_keras_serializable(package="keras_textgen")
class Vocabulary(BaseVocabulary):
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
        super().__init__(**kwargs)
        check(Lists("words"), words=words)
        words = list(words)
        check_tokens(words, "word")
        if len(set(words)) < len(words):
            word, count = collections.Counter(words).most_common(1)[0]
            raise refused(f"the word {word!r} occurs {count} times", "once")
        check(OneOf(tuple(STANDARDIZERS)), standardize=standardize)
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
        check_limits(max_size, min_count)
        counts = count_corpus(texts, standardize)
        frequent = [
            word
            for word, count in counts.occurrences.items()
            if count >= min_count
        ]
        if not frequent:
            raise refused(
                f"no word occurs min_count={min_count} times or more",
                "texts with words, and a min_count they reach",
            )
        return cls(counts.most_frequent(frequent, max_size), standardize)

    @property
    def unit(self) -> str:
        """What a token is: "word" or "character".

        Example:
            >>> Vocabulary(["a"]).unit, Vocabulary(["a"], "characters").unit
            ('word', 'character')
        """
        return "character" if self.standardize == CHARACTERS else "word"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words, in the order of ids."""
        return self._words

    def split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words, see `split_words`."""
        return split_words(texts, self.standardize)

    def ids_of(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Looks up the words of strings `[batch]`, int32 `[batch, (time)]`."""
        words = self.split(texts)
        ids = tf.cast(self._ids(words.flat_values), tf.int32)
        reserved = (ids == START_ID) | (ids == END_ID)
        return words.with_flat_values(tf.where(reserved, UNKNOWN_ID, ids))

    def strings_of(self, ids: tf.Tensor) -> tf.Tensor:
        """Looks up ids, int64 `[batch, time]`."""
        return self._strings(ids)

    def joined(self, strings: tf.RaggedTensor) -> tf.Tensor:
        """Joins words by one space, characters by none."""
        separator = "" if self.standardize == CHARACTERS else " "
        return tf.strings.reduce_join(strings, axis=1, separator=separator)

    def lookup_tables(self) -> list[tf.lookup.StaticHashTable]:
        """Returns the TensorFlow tables, for a SavedModel to track."""
        return [table_of(self._ids), table_of(self._strings)]

    def one_larger(self, name: str) -> Vocabulary:
        """Returns the same vocabulary with a further word.

        Example:
            >>> Vocabulary(["red"]).one_larger("rose").get_vocabulary()[-2:]
            ['red', 'rose']
        """
        return Vocabulary([*self._words, name], self.standardize)

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
            f"{len(unreachable):,} of {counted(len(words), 'word')} "
            f"{by_number(len(unreachable), 'is', 'are')} in no text, as texts "
            f"are read {reason}split at white space: {unreachable[0]!r:.40}",
            stacklevel=3,
        )


def _split_at_ascii(word: str) -> list[str]:
    return [part.decode() for part in word.encode().split()]
