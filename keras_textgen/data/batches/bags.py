"""Documents as bags of words: sparse counts, and batches of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias, TypeGuard

import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from keras_textgen.checks import Numbers, check, counted, refused
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.batches.sequences import row_with_misplaced_padding
from keras_textgen.data.id_checks import asserted, checked_ids
from keras_textgen.data.text_lists import checked_texts, texts_or_none
from keras_textgen.data.vocabulary import (
    Vocabulary,
    check_limits,
    count_corpus,
)
from keras_textgen.data.words import CHARACTERS
from keras_textgen.tokens import PAD_ID, SPECIALS

# Counts of words: SciPy sparse or float [documents, words]; or texts; or token
# ids, a list of ints a document or padded int [documents, time].
BagData: TypeAlias = (
    scipy.sparse.sparray
    | scipy.sparse.spmatrix
    | np.ndarray
    | tf.RaggedTensor
    | Sequence[str]
    | Sequence[Sequence[int]]
)
# "columns" int32 and "counts" float32, both [batch, places].
Bags = dict[str, tf.Tensor]

_NOT = "n't"


def bag_vocabulary(
    texts: Sequence[str],
    max_size: int | None = None,
    min_count: int = 1,
    max_share: float = 1.0,
    stop_words: Collection[str] = ENGLISH_STOP_WORDS,
    standardize: str = "words",
) -> Vocabulary:
    """Builds a vocabulary of the words that say what a text is about.

    Words begin with a letter and have two characters or more: to a bag of
    words, punctuation and numbers are noise, and there is much of it. Where
    characters stand for words, every letter is one.

    Args:
        texts: one string a document.
        max_size: largest size, the four special tokens included; None for no
            limit. The most frequent words are kept.
        min_count: words that occur less often are left out.
        max_share: words that are in a larger share of the texts are left out.
        stop_words: are left out, also with an ending such as 'll or n't.
        standardize: how text becomes words, see `split_words`.

    Returns:
        The vocabulary, most frequent words first, ties by word.

    Raises:
        ValueError: an argument that is not allowed, or no word is left.

    Example:
        >>> texts = ["A rose isn't 1 thorn.", "The rose: it's red!", "A tree"]
        >>> bag_vocabulary(texts).get_vocabulary()[4:]
        ['rose', 'red', 'thorn', 'tree']
        >>> bag_vocabulary(texts, max_share=0.5).get_vocabulary()[4:]
        ['red', 'thorn', 'tree']
    """
    check_limits(max_size, min_count)
    check(Numbers(above=0, at_most=1), max_share=max_share)
    stop_words = frozenset(checked_texts(stop_words, "stop word"))
    texts = checked_texts(texts)
    counts = count_corpus(texts, standardize)
    most = max_share * len(texts)
    shortest = 1 if standardize == CHARACTERS else 2
    kept = [
        word
        for word, count in counts.occurrences.items()
        if count >= min_count
        and counts.texts[word] <= most
        and says_something(word, stop_words, shortest)
    ]
    if not kept:
        raise refused(
            f"no word is left with min_count={min_count}, max_share="
            f"{max_share} and {counted(len(stop_words), 'stop word')}",
            "limits that leave 1 word or more",
        )
    return Vocabulary(counts.most_frequent(kept, max_size), standardize)


def says_something(
    word: str, stop_words: Collection[str] = (), shortest: int = 2
) -> bool:
    """Whether a word says what a text is about.

    Args:
        word: as `split_words` gives it.
        stop_words: say nothing, also with an ending such as 'll or n't.
        shortest: fewest characters of a word.

    Returns:
        True for a word that begins with a letter, is long enough, and is none
        of `stop_words`.

    Example:
        >>> words = ["rose", "isn't", "a", "1,000", "?"]
        >>> [word for word in words if says_something(word, {"is"})]
        ['rose']
    """
    if len(word) < shortest or not word[0].isalpha():
        return False
    if not stop_words:
        return True
    # "isn't" and "he'll" are single words here.
    stem = word.split("'")[0]
    return stem not in stop_words and not word.endswith(_NOT)


def count_words(
    texts: Sequence[str], vocabulary: Vocabulary
) -> scipy.sparse.csr_array:
    """Counts the words of texts.

    Args:
        texts: one string a document.
        vocabulary: of the words; others are not counted.

    Returns:
        float32 CSR `[documents, words]`. The columns are the words without the
        special tokens: column 0 is the word of id 4.

    Example:
        >>> vocabulary = Vocabulary(["red", "rose"])
        >>> count_words(["A rose is a rose", "red rose"], vocabulary).toarray()
        array([[0., 2.],
               [1., 1.]], dtype=float32)
    """
    tokens = vocabulary.tokenize_corpus(texts)
    return _count_ids(tokens, num_words(vocabulary))


def num_words(vocabulary: Vocabulary) -> int:
    """Returns the number of words without the special tokens.

    Example:
        >>> num_words(Vocabulary(["red", "rose"]))
        2
    """
    return vocabulary.size - len(SPECIALS)


def as_counts(
    data: BagData, width: int, vocabulary: Vocabulary | None = None
) -> scipy.sparse.csr_array:
    """Turns whatever a user holds into counts of words.

    Args:
        data: counts `[documents, width]`, SciPy sparse or float; texts; or
            token ids, a list of ints a document, or int `[documents, time]`
            padded with 0.
        width: number of words.
        vocabulary: needed for texts and token ids.

    Returns:
        float32 CSR `[documents, width]`, each column once a row, in order.

    Raises:
        ValueError: `data` is of another kind or shape, has no rows, or holds a
            count or an id that is not allowed.

    Example:
        >>> vocabulary = Vocabulary(["red", "rose"])
        >>> as_counts([[5, 4, 5], [1]], 2, vocabulary).toarray()
        array([[1., 2.],
               [0., 0.]], dtype=float32)
        >>> as_counts(scipy.sparse.csr_array([[-1.0, 0.0]]), 2)
        Traceback (most recent call last):
        ValueError: count -1.0 in row 0; allowed: finite, 0 or more
    """
    if _are_counts(data):
        counts = _checked_counts(data, width)
    else:
        counts = _from_words(data, width, vocabulary)
    if not counts.shape[0]:
        raise refused("no documents", "1 document or more")
    return counts


class BagBatches(RowBatches):
    """Bags of words, cut into batches.

    The counts stay sparse; a batch holds the words of its documents, padded to
    those of the document with the most different words. Which documents make up
    a batch depends on `seed`, epoch and step alone, as in `SequenceBatches`.

    Args:
        counts: float CSR `[documents, words]`, each column once a row.
        batch_size: documents a batch; the last batch may be smaller.
        seed: of the shuffling.
        is_shuffled: see `RowBatches`.
        sample_weight: a weight a document, see `RowBatches`.

    Attributes:
        has_words: which documents have a word at all, bool `[documents]`.

    Raises:
        ValueError: an argument that is not allowed.

    Example:
        >>> counts = scipy.sparse.csr_array([[0, 3, 1], [2, 0, 0], [0, 1, 0]])
        >>> batches = BagBatches(counts, batch_size=2)
        >>> for bags in batches.evaluation_dataset():
        ...     print(bags["columns"].numpy().tolist(), bags["counts"].numpy())
        [[1, 2], [0, 0]] [[3. 1.] [2. 0.]]
        [[1]] [[1.]]
    """

    def __init__(
        self,
        counts: scipy.sparse.csr_array,
        batch_size: int,
        seed: int = 0,
        *,
        is_shuffled: bool = True,
        sample_weight: Sequence[float] | None = None,
    ) -> None:
        self.num_documents, self.num_words = counts.shape
        super().__init__(
            self.num_documents,
            batch_size,
            seed=seed,
            # All alike: shuffled, and not grouped.
            lengths=np.zeros(self.num_documents, np.int64),
            is_shuffled=is_shuffled,
            sample_weight=sample_weight,
        )
        self.has_words = counts.sum(axis=1) > 0
        # Kept on the host: a dataset runs there whatever device trains.
        with tf.device("CPU:0"):
            self._splits = tf.constant(counts.indptr, tf.int64)
            self._columns = tf.constant(counts.indices, tf.int32)
            self._counts = tf.constant(counts.data, tf.float32)

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return self.num_documents, "documents"

    def check_means(self) -> None:
        """Refuses documents none of which has a word: they have no loss."""
        if not self.has_words.any():
            raise refused("no document with a known word", "1 or more")

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> Bags:
        """{"columns": int32, "counts": float32}, both `[batch, places]`.

        Places on the right that a document does not need have the count 0.
        """
        del epoch, step
        places = tf.ragged.range(
            tf.gather(self._splits, rows), tf.gather(self._splits, rows + 1)
        )
        return {
            "columns": tf.gather(self._columns, places).to_tensor(),
            "counts": tf.gather(self._counts, places).to_tensor(),
        }


def bags_of_tokens(tokens: tf.RaggedTensor | tf.Tensor) -> Bags:
    """Turns token ids into bags, inside the graph.

    Args:
        tokens: int32 `[batch, time]`, ragged or padded with 0.

    Returns:
        Bags in which a word that occurs twice has two places.

    Example:
        >>> bags = bags_of_tokens(
        ...     tf.constant([[2, 6, 4, 6, 3], [2, 1, 3, 0, 0]])
        ... )
        >>> bags["columns"].numpy().tolist(), bags["counts"].numpy().tolist()
        ([[2, 0, 2], [0, 0, 0]], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    """
    words = tf.ragged.boolean_mask(tokens, tokens >= len(SPECIALS))
    counts = tf.ones_like(words, tf.float32)
    return {
        "columns": (words - len(SPECIALS)).to_tensor(),
        "counts": counts.to_tensor(),
    }


def prepared_bags(
    data: Bags | tf.Tensor, width: int, vocabulary: Vocabulary | None = None
) -> Bags:
    """Bags of a batch, inside the graph.

    Args:
        data: bags; strings `[batch]`; token ids `[batch, time]`; or counts,
            float `[batch, width]` or a `tf.SparseTensor` of them.
        width: number of words.
        vocabulary: needed for texts and token ids.

    Returns:
        Bags, checked as they come.

    Raises:
        ValueError: `data` is of another kind, or there is no vocabulary.

    Example:
        >>> vocabulary = Vocabulary(["red", "rose"])
        >>> bags = prepared_bags(tf.constant(["a red rose"]), 2, vocabulary)
        >>> bags["columns"].numpy().tolist()
        [[0, 1]]
    """
    if isinstance(data, dict):
        return checked_bags(data, width)
    if isinstance(data, tf.Tensor) and data.dtype.is_floating:
        data = tf.sparse.from_dense(data)
    if isinstance(data, tf.SparseTensor):
        return checked_bags(_bags_of_counts(data), width)
    if vocabulary is None:
        raise refused(
            "texts or token ids, and no vocabulary", "counts of words"
        )
    if data.dtype == tf.string and data.shape.rank == 1:
        return _counted(vocabulary.tokenize(data), width)
    if data.dtype.is_integer and data.shape.rank == 2:
        ids = checked_ids(data, vocabulary.size)
        return _counted(tf.RaggedTensor.from_tensor(ids, padding=PAD_ID), width)
    raise refused(
        f"a dataset of {data}",
        "batches of bags, of strings [batch], "
        "of token ids [batch, time], or of counts [batch, words]",
    )


def _counted(tokens: tf.RaggedTensor, width: int) -> Bags:
    """Bags in which a word has one place, however often it occurs."""
    words = tf.ragged.boolean_mask(tokens, tokens >= len(SPECIALS))
    columns = tf.cast(words.flat_values - len(SPECIALS), tf.int64)
    cells = words.value_rowids() * width + columns
    cells, _, counts = tf.unique_with_counts(tf.sort(cells))
    places = tf.stack([cells // width, cells % width], axis=1)
    shape = [tokens.nrows(), width]
    values = tf.cast(counts, tf.float32)
    return _bags_of_counts(tf.SparseTensor(places, values, shape))


def _bags_of_counts(counts: tf.SparseTensor) -> Bags:
    rows = tf.RaggedTensor.from_value_rowids(
        tf.cast(counts.indices[:, 1], tf.int32),
        counts.indices[:, 0],
        counts.dense_shape[0],
    )
    values = rows.with_flat_values(tf.cast(counts.values, tf.float32))
    return {"columns": rows.to_tensor(), "counts": values.to_tensor()}


def checked_bags(bags: Bags, width: int) -> Bags:
    """Refuses inside the graph the bags that matrices are refused for.

    Args:
        bags: columns and counts, `[batch, places]`.
        width: number of words; columns are below it.

    Returns:
        The same.

    Raises:
        tf.errors.InvalidArgumentError: a column that is not there, or a count
            that is negative or not finite.

    Example:
        >>> columns, counts = tf.constant([[0]]), tf.constant([[2.0]])
        >>> bags = {"columns": columns, "counts": counts}
        >>> checked_bags(bags, width=1)["counts"].numpy().tolist()
        [[2.0]]
    """
    columns, counts = bags["columns"], tf.cast(bags["counts"], tf.float32)
    columns_rule = f"a column of no word; allowed: 0 to {width - 1}"
    is_word = (columns >= 0) & (columns < tf.cast(width, columns.dtype))
    counts_rule = "a count that is none; allowed: finite, 0 or more"
    is_count = tf.math.is_finite(counts) & (counts >= 0)
    return {
        "columns": asserted(columns, {columns_rule: is_word}),
        "counts": asserted(counts, {counts_rule: is_count}),
    }


def _are_counts(data: BagData) -> TypeGuard[scipy.sparse.sparray | np.ndarray]:
    is_float = isinstance(data, np.ndarray) and data.dtype.kind == "f"
    return is_float or scipy.sparse.issparse(data)


def _checked_counts(
    data: scipy.sparse.sparray | np.ndarray, width: int
) -> scipy.sparse.csr_array:
    if data.ndim != 2 or data.shape[1] != width:
        raise refused(
            f"counts of shape {list(data.shape)}", f"[documents, {width}]"
        )
    counts = scipy.sparse.csr_array(data, dtype=np.float32)
    counts = _csr(counts.data, counts.indices, counts.indptr, counts.shape)
    wrong = ~(np.isfinite(counts.data) & (counts.data >= 0))
    if wrong.any():
        place = np.argmax(wrong)
        row = np.searchsorted(counts.indptr, place, side="right") - 1
        raise refused(
            f"count {counts.data[place]} in row {row}", "finite, 0 or more"
        )
    return counts


def _from_words(
    data: BagData, width: int, vocabulary: Vocabulary | None
) -> scipy.sparse.csr_array:
    if vocabulary is None:
        raise refused(
            "texts or token ids, and no vocabulary",
            "counts of words, a SciPy sparse matrix or a float array",
        )
    if isinstance(data, str):
        data = [data]
    if isinstance(data, np.ndarray):
        data = data.tolist()
    if isinstance(data, tf.RaggedTensor):
        tokens = data
    else:
        texts = texts_or_none(data)
        if texts is not None:
            return count_words(texts, vocabulary)
        tokens = _ragged(data)
    row = row_with_misplaced_padding(tokens)
    if row is not None:
        # Whole counts, as scikit-learn gives them, look like ids.
        raise refused(
            f"token ids of which row {row} has the padding id {PAD_ID} before "
            "a token",
            "padding on the right; counts as a SciPy matrix or float array",
        )
    ids = tokens.flat_values.numpy()
    outside = ids[(ids < 0) | (ids >= vocabulary.size)]
    if len(outside):
        raise refused(f"token id {outside[0]}", f"0 to {vocabulary.size - 1}")
    return _count_ids(tokens, width)


def _ragged(documents: BagData) -> tf.RaggedTensor:
    try:
        ids = np.concatenate([[], *documents])
        is_whole = bool(np.all(ids == ids.astype(np.int32)))
        lengths = [len(document) for document in documents]
    except (TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise refused(
            f"documents of {type(documents[0]).__name__}",
            "texts, lists of token ids, or counts of words",
        )
    return tf.RaggedTensor.from_row_lengths(ids.astype(np.int32), lengths)


def _count_ids(tokens: tf.RaggedTensor, width: int) -> scipy.sparse.csr_array:
    columns = tokens.flat_values.numpy() - len(SPECIALS)
    is_word = columns >= 0
    # How many words there are before each token, and before the end.
    before = np.concatenate([[0], np.cumsum(is_word)])
    return _csr(
        np.ones(before[-1], np.float32),
        columns[is_word],
        before[tokens.row_splits.numpy()],
        (int(tokens.nrows()), width),
    )


def _csr(
    values: np.ndarray,
    columns: np.ndarray,
    splits: np.ndarray,
    shape: tuple[int, int],
) -> scipy.sparse.csr_array:
    """Each column once a row, in order; 32-bit indices, for scikit-learn."""
    parts = (values, columns.astype(np.int32), splits.astype(np.int32))
    counts = scipy.sparse.csr_array(parts, shape, copy=True)
    counts.sum_duplicates()
    return counts
