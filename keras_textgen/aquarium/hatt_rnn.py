"""Classes of documents of ids: the HAN by the arguments of keras-aquarium."""

from collections.abc import Sequence

import numpy as np

from keras_textgen.checks import (
    SIZES,
    WholeNumbers,
    check,
    counted,
    refused,
)
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork

_WORD_DIM = 50

Matrix = np.ndarray | Sequence[Sequence[float]]


def HierarchicalAttentionRNN(  # noqa: N802, the name that it has there
    max_sents: int,
    max_sent_length: int,
    n_classes: int,
    embeddings: Matrix | None = None,
    n_words: int | None = None,
    word_dim: int = _WORD_DIM,
    word_hidden_dim: int = 100,
    sent_hidden_dim: int = 100,
) -> HierarchicalAttentionNetwork:
    """A hierarchical attention network of ids, compiled with Nadam.

    It is fitted on whole numbers [documents, sentences, words], padded with 0
    on the right, and on numbers of classes or one-hot rows.

    Args:
        max_sents: Of a longer document, the first so many sentences are read.
        max_sent_length: Of a longer sentence, the first so many words.
        n_classes: Number of classes.
        embeddings: Word vectors to begin with, [rows, width]; row i is that of
            id i, and row 0 that of padding. None for random ones.
        n_words: Number of words: ids 1 to `n_words` are words. With
            `embeddings` None, or what fits their rows, 0 counted or not.
        word_dim: Width of the word vectors; `embeddings` have one of their
            own, beside which another than the default is refused.
        word_hidden_dim: Units of the GRU over words in one direction. The
            attention spaces are twice as wide.
        sent_hidden_dim: Units of the GRU over sentences in one direction.

    Returns:
        The model; see `HierarchicalAttentionNetwork` for what else it does.

    Raises:
        ValueError: If an argument is not allowed.

    Example:
        >>> model = HierarchicalAttentionRNN(
        ...     max_sents=2, max_sent_length=3, n_classes=2, n_words=8
        ... )
        >>> ids = np.array([[[1, 2, 0], [8, 0, 0]], [[3, 4, 5], [0, 0, 0]]])
        >>> history = model.fit(ids, [[1, 0], [0, 1]], verbose=0)
        >>> model.predict(ids, verbose=0).shape
        (2, 2)
    """
    check(
        SIZES,
        max_sents=max_sents,
        max_sent_length=max_sent_length,
        word_dim=word_dim,
        word_hidden_dim=word_hidden_dim,
        sent_hidden_dim=sent_hidden_dim,
    )
    check(WholeNumbers(2), n_classes=n_classes)
    if embeddings is not None:
        embeddings = np.asarray(embeddings)
        n_words, word_dim = _sizes_of(embeddings, n_words, word_dim)
    elif n_words is None:
        raise refused("n_words=None without embeddings", "one of the two")
    else:
        check(SIZES, n_words=n_words)
    model = HierarchicalAttentionNetwork(
        n_words,
        n_classes,
        embedding_dim=word_dim,
        rnn_units=word_hidden_dim,
        sentence_rnn_units=sent_hidden_dim,
        attention_units=2 * word_hidden_dim,
        max_sentences=max_sents,
        max_words=max_sent_length,
    )
    if embeddings is not None:
        model.use_word_vectors(embeddings)
    model.compile("nadam")
    return model


def _sizes_of(
    embeddings: np.ndarray, n_words: int | None, word_dim: int
) -> tuple[int, int]:
    """Words and width of a matrix, beside which others are refused."""
    if embeddings.ndim != 2 or len(embeddings) < 2:
        raise refused(
            f"embeddings of shape {list(embeddings.shape)}",
            "[rows, width], row 0 for padding and a row a word",
        )
    rows, width = embeddings.shape
    if n_words not in (None, rows - 1, rows):
        raise refused(
            f"n_words={n_words} with embeddings of {counted(rows, 'row')}",
            f"None, {counted(rows - 1, 'word')}, or {rows} with padding",
        )
    if word_dim not in (_WORD_DIM, width):
        raise refused(
            f"word_dim={word_dim} with embeddings of width {width}", f"{width}"
        )
    return rows - 1, width
