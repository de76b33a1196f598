"""What generated texts begin with, and what they are like, as tokens."""

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.text_lists import check_unicode
from keras_textgen.tokens import UNKNOWN, UNKNOWN_ID


def beginning(
    vocabulary: BaseVocabulary,
    prefix: str,
    condition_on: str | None,
    max_length: int,
) -> dict[str, tf.Tensor | None]:
    """What texts that are generated begin with, and what they are like.

    Args:
        vocabulary: Of the model.
        prefix: As for `prefix_tokens`.
        condition_on: As for `condition_tokens`.
        max_length: As for both.

    Returns:
        "prefix" and "condition".

    Raises:
        ValueError: If one of them cannot be used.
    """
    return {
        "prefix": prefix_tokens(vocabulary, prefix, max_length),
        "condition": condition_tokens(vocabulary, condition_on, max_length),
    }


def prefix_tokens(
    vocabulary: BaseVocabulary, prefix: str, max_length: int
) -> tf.Tensor | None:
    """The first tokens of texts that are generated.

    Args:
        vocabulary: Of the model.
        prefix: A text; an empty one is none.
        max_length: Of what is generated, in tokens.

    Returns:
        int32 [P], or None for none.

    Raises:
        ValueError: If the vocabulary lacks a word of it, or it is too long.

    Example:
        >>> from keras_textgen import Vocabulary
        >>> vocabulary = Vocabulary(["red", "rose"])
        >>> prefix_tokens(vocabulary, "Red", 5).numpy().tolist()
        [4]
        >>> prefix_tokens(vocabulary, "red tulip", 5)
        Traceback (most recent call last):
        ValueError: prefix='red tulip': the model does not know the word \
'tulip'; allowed: words of its vocabulary
    """
    if prefix == "":
        return None
    words = _words(vocabulary, "prefix", prefix)
    # Without the start token and the end token.
    tokens = vocabulary.tokenize([prefix])[0, 1:-1]
    unknown = np.flatnonzero(tokens == UNKNOWN_ID)
    if len(unknown):
        unit, name = vocabulary.unit, words[unknown[0]].decode()
        if name == UNKNOWN:
            # A word that no subwords spell.
            each = prefix.split()
            are_unknown = vocabulary.tokenize(each) == UNKNOWN_ID
            first = int(np.argmax(tf.reduce_any(are_unknown, axis=1)))
            unit, name = "word", each[first]
        raise refused(
            f"prefix={prefix!r}: the model does not know the {unit} {name!r}",
            f"{vocabulary.unit}s of its vocabulary",
        )
    if len(tokens) >= max_length:
        raise refused(
            f"prefix={prefix!r} of {len(tokens)} {vocabulary.unit}s",
            f"fewer than max_length={max_length}",
        )
    return tokens


def condition_tokens(
    vocabulary: BaseVocabulary, text: str | None, max_length: int
) -> tf.Tensor | None:
    """The tokens of a text that generated ones are to be like.

    Args:
        vocabulary: Of the model.
        text: The text; None for none.
        max_length: Of what is generated, in tokens; a longer text is none that
            the model could be like.

    Returns:
        int32 [1, time], or None for none.

    Raises:
        ValueError: If it has no words, or is too long.

    Example:
        >>> from keras_textgen import Vocabulary
        >>> condition_tokens(Vocabulary(["red"]), "a red", 9).numpy().tolist()
        [[2, 1, 4, 3]]
    """
    if text is None:
        return None
    words = _words(vocabulary, "condition_on", text)
    if len(words) > max_length:
        raise refused(
            f"condition_on of {len(words)} {vocabulary.unit}s",
            f"at most max_length={max_length}",
        )
    return vocabulary.tokenize([text]).to_tensor()


def _words(vocabulary: BaseVocabulary, name: str, text: str) -> np.ndarray:
    if not isinstance(text, str):
        raise refused(f"{name}={text!r:.40}", "a text")
    check_unicode(text, name)
    words = vocabulary.split(tf.constant([text]))[0].numpy()
    if not len(words):
        raise refused(f"{name}={text!r}, without words", "a text")
    return words
