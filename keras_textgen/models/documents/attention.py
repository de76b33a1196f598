"""What a HAN attends to in a document, for people to read."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.models.text.text_model import decoded_strings


class DocumentAttention(NamedTuple):
    """What a model attends to in a document.

    Attributes:
        sentences: The sentences that the model reads.
        words: The words of each that it reads.
        sentence_weights: float32 [sentences]; they add up to 1.
        word_weights: float32 [words] of each sentence; they add up to 1.
        probabilities: Of the classes, float32 [classes].
        is_known: Whether a word of it is in the vocabulary; without one, the
            probabilities say nothing of the document.
        lengths: Words of each sentence of the document, also those beyond
            what the model reads; empty if nobody has counted them.
    """

    sentences: list[str]
    words: list[list[str]]
    sentence_weights: np.ndarray
    word_weights: list[np.ndarray]
    probabilities: np.ndarray
    is_known: bool = True
    lengths: tuple[int, ...] = ()


def document_attention(
    sentences: tf.Tensor,
    words: tf.RaggedTensor,
    lengths: tf.Tensor,
    probabilities: np.ndarray,
    sentence_weights: np.ndarray,
    word_weights: np.ndarray,
    is_known: np.bool_,
) -> DocumentAttention:
    """Sets what the model has said of a document beside what it has read.

    Args:
        sentences: Strings [sentences].
        words: Strings [sentences, (words)].
        lengths: Words of all its sentences, int64 [sentences or more].
        probabilities: Of the classes, float32 [classes].
        sentence_weights: float32 [sentences or more], 0 for padding.
        word_weights: float32 [sentences or more, words or more].
        is_known: Whether the model knows a word of the document.

    Returns:
        The same without padding.

    Example:
        >>> found = document_attention(
        ...     tf.constant(["A rose"]),
        ...     tf.ragged.constant([["a", "rose"]]),
        ...     tf.constant([3]),
        ...     np.array([0.5, 0.5]),
        ...     np.array([1.0, 0.0]),
        ...     np.array([[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]]),
        ...     np.True_,
        ... )
        >>> found.words, found.word_weights, found.lengths
        ([['a', 'rose']], [array([0.25, 0.75])], (3,))
    """
    read = words.row_lengths().numpy()
    return DocumentAttention(
        sentences=decoded_strings(sentences),
        words=[decoded_strings(each) for each in words],
        sentence_weights=sentence_weights[: len(read)],
        word_weights=[
            weights[:length]
            for weights, length in zip(word_weights, read, strict=False)
        ],
        probabilities=probabilities,
        is_known=bool(is_known),
        lengths=tuple(lengths.numpy().tolist()),
    )
