"""Sequences of token ids in batches of like length."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, OneOf, check, counted, refused
from keras_textgen.data.base_vocabulary import BaseVocabulary, share_of_unknown
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.id_checks import check_known_ids, checked_tokens
from keras_textgen.data.text_lists import texts_or_none
from keras_textgen.data.text_size import TextSize
from keras_textgen.tokens import PAD_ID, START_ID

_ORDERS = ("length", "stream")


class TokenBatches(RowBatches):
    """Batches of sequences of token ids, wherever the sequences are.

    Args:
        num_rows: how many sequences there are.
        batch_size: sequences a batch; the last batch may be smaller.
        unit: what a token is.
        text_size: of the texts that the sequences are; None where it is not
            known.
        **kwargs: of `RowBatches`.

    Attributes:
        num_sequences: how many there are.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        *,
        unit: str = "word",
        text_size: TextSize | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_rows, batch_size, **kwargs)
        self.num_sequences = num_rows
        self.unit = unit
        self.text_size = text_size

    @property
    def num_predicted_tokens(self) -> int:
        """All tokens but the first of each sequence."""
        raise NotImplementedError

    @property
    def units(self) -> tuple[int, str]:
        """What an epoch consists of: how many, and their name."""
        return self.num_predicted_tokens, f"{self.unit}s"

    @property
    def unknown_share(self) -> float:
        """How many of all tokens are unknown; start and end do not count."""
        raise NotImplementedError

    @property
    def checksum(self) -> int:
        """A number that depends on every token of every sequence."""
        raise NotImplementedError

    @property
    def evaluation_sizes(self) -> list[int]:
        """Tokens of each batch of `evaluation_dataset()`, with padding."""
        raise NotImplementedError


class SequenceBatches(TokenBatches):
    """Sequences of token ids, cut into padded batches.

    The sequences are kept as one flat array of values with row splits and are
    padded a batch at a time. Which sequences make up the batch of a given epoch
    and step depends on nothing but `seed`, epoch and step, so training can
    go on from any point.

    Args:
        sequences: a RaggedTensor `[sequences, (time)]` or a list of lists of
            ids, start and end tokens inside, no padding.
        batch_size: sequences a batch; the last batch may be smaller.
        seed: of the shuffling.
        order: `"length"`: each epoch is shuffled, sorted by length (so that
            a batch holds sequences of like length and little padding), cut into
            batches, and the batches are shuffled; `"stream"`: batches of
            consecutive sequences, in the given order, every epoch.
        sample_weight: a weight a sequence, see `RowBatches`.
        unit: what a token is.
        text_size: of the texts that the sequences are; None where it is not
            known.

    Raises:
        ValueError: no sequences, a sequence without a token to predict, or
            an argument that is not allowed.

    Example:
        >>> batches = SequenceBatches(
        ...     [[2, 5, 3], [2, 3], [2, 4, 3]], batch_size=2
        ... )
        >>> for tokens in batches.evaluation_dataset():
        ...     print(tokens.numpy().tolist())
        [[2, 3, 0], [2, 5, 3]]
        [[2, 4, 3]]
        >>> stream = batches.training_stream(first_epoch=3, first_step=1)
        >>> stream.element_spec
        TensorSpec(shape=(None, None), dtype=tf.int32, name=None)
    """

    def __init__(
        self,
        sequences: tf.RaggedTensor | Sequence[Sequence[int]],
        batch_size: int,
        seed: int = 0,
        order: str = "length",
        sample_weight: Sequence[float] | None = None,
        *,
        unit: str = "word",
        text_size: TextSize | None = None,
    ):
        check(OneOf(_ORDERS), order=order)
        values, lengths = _flatten(sequences)
        _check_lengths(lengths)
        super().__init__(
            len(lengths),
            batch_size,
            seed=seed,
            lengths=lengths,
            is_shuffled=order == "length",
            sample_weight=sample_weight,
            unit=unit,
            text_size=text_size,
        )
        self.order = order
        self._num_predicted_tokens = int(np.sum(lengths - 1))
        with tf.device("CPU:0"):
            self._values = tf.constant(values.astype(np.int32))
            self._lengths = tf.constant(lengths, tf.int64)
            self._starts = tf.cumsum(self._lengths, exclusive=True)

    @property
    def num_predicted_tokens(self) -> int:
        """All tokens but the first of each sequence."""
        return self._num_predicted_tokens

    @property
    def unknown_share(self) -> float:
        """How many of all tokens are unknown; start and end do not count.

        Example:
            >>> SequenceBatches([[2, 1, 4, 3], [2, 3]], 2).unknown_share
            0.5
        """
        return share_of_unknown(self._values.numpy())

    @property
    def checksum(self) -> int:
        """A number that depends on every token of every sequence."""
        number = zlib.crc32(self._lengths.numpy().tobytes())
        return zlib.crc32(self._values.numpy().tobytes(), number)

    @property
    def evaluation_sizes(self) -> list[int]:
        """Tokens of each batch of `evaluation_dataset()`, with padding.

        Example:
            >>> batches = SequenceBatches([[2, 4, 3], [2, 3], [2, 3]], 2)
            >>> batches.evaluation_sizes
            [4, 3]
        """
        lengths = self._lengths.numpy()[self._evaluation_rows.numpy()]
        starts = range(0, self.num_sequences, self.batch_size)
        batches = [lengths[i : i + self.batch_size] for i in starts]
        return [len(batch) * int(max(batch)) for batch in batches]

    def tensors(
        self, rows: tf.Tensor, epoch: tf.Tensor, step: tf.Tensor
    ) -> tf.Tensor:
        """Tokens int32 `[batch, time]`, padded with 0."""
        del epoch, step
        starts = tf.gather(self._starts, rows)
        ends = starts + tf.gather(self._lengths, rows)
        positions = tf.ragged.range(starts, ends)
        return tf.gather(self._values, positions).to_tensor(PAD_ID)


def _flatten(
    sequences: tf.RaggedTensor | Sequence[Sequence[int]],
) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(sequences, tf.RaggedTensor):
        values = sequences.flat_values.numpy()
        return values, sequences.row_lengths().numpy()
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    return np.concatenate([[], *sequences]).astype(np.int32), lengths


def _no_sequences() -> ValueError:
    return refused("no sequences", "1 sequence or more")


def _check_lengths(lengths: np.ndarray) -> None:
    if not len(lengths):
        raise _no_sequences()
    shortest = int(np.argmin(lengths))
    if lengths[shortest] < 2:
        raise refused(
            f"sequence {shortest} has {counted(lengths[shortest], 'token')}",
            "2 or more, the start and end tokens among them",
        )


def sequence_batches(
    data: tf.RaggedTensor | tf.Tensor | np.ndarray | Sequence,
    vocabulary: BaseVocabulary,
    batch_size: int = 32,
    *,
    seed: int = 0,
    order: str = "length",
    sample_weight: Sequence[float] | None = None,
) -> SequenceBatches:
    """Batches of what a user holds in memory.

    Args:
        data: strings; or ids `[sequences, time]`, start and end tokens inside,
            ragged or padded on the right.
        vocabulary: for strings, and the ids that are allowed.
        batch_size: sequences a batch.
        seed: see `SequenceBatches`.
        order: see `SequenceBatches`.
        sample_weight: see `SequenceBatches`.

    Raises:
        ValueError: `data` is empty or of another kind, a text is missing, or
            an id is not in the vocabulary.

    Example:
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> vocabulary = Vocabulary(["hello"])
        >>> batches = sequence_batches(["hello", "hello hello"], vocabulary)
        >>> next(iter(batches.evaluation_dataset())).numpy().tolist()
        [[2, 4, 3, 0], [2, 4, 4, 3]]
    """
    sequences = _sequences(data, vocabulary)
    _check_ids(sequences, vocabulary.size)
    return SequenceBatches(
        sequences,
        batch_size,
        seed,
        order,
        sample_weight=sample_weight,
        unit=vocabulary.unit,
    )


def _sequences(
    data: tf.RaggedTensor | tf.Tensor | np.ndarray | Sequence,
    vocabulary: BaseVocabulary,
) -> tf.RaggedTensor:
    if isinstance(data, str):
        data = [data]
    if isinstance(data, tf.RaggedTensor):
        return data
    texts = texts_or_none(data)
    if texts is not None:
        return vocabulary.tokenize_corpus(texts)
    if is_ragged_list(data):
        return tf.ragged.constant(data, tf.int32, row_splits_dtype=tf.int64)
    if np.shape(data) == (0,):
        raise _no_sequences()
    return _from_array(np.asarray(data))


def few_texts(data: Any, batch_size: int) -> tf.Tensor | None:
    """Texts that make one batch, for which a dataset is not worth its time.

    Args:
        data: as for `sequence_batches`.
        batch_size: sequences a batch.

    Returns:
        strings `[batch]`, or None for more texts, for none, and for anything
        else.

    Raises:
        ValueError: one of the texts is none, or `batch_size` is no size.

    Example:
        >>> few_texts(["a rose"], 32).shape, few_texts(["a"] * 33, 32)
        (TensorShape([1]), None)
    """
    check(SIZES, batch_size=batch_size)
    if isinstance(data, str):
        data = [data]
    if not isinstance(data, list | tuple) or not 0 < len(data) <= batch_size:
        return None
    texts = texts_or_none(data)
    return None if texts is None else tf.constant(texts, tf.string)


def is_ragged_list(data: Any) -> bool:
    """Whether data are lists of whole numbers, of which the lengths differ.

    Example:
        >>> is_ragged_list([[2, 3], [2, 4, 3]]), is_ragged_list([[2, 3]])
        (True, False)
    """
    if not isinstance(data, list | tuple) or not data:
        return False
    if not all(isinstance(row, list | tuple | np.ndarray) for row in data):
        return False
    numbers = (number for row in data for number in row)
    return len({len(row) for row in data}) > 1 and all(
        isinstance(number, int | np.integer) for number in numbers
    )


def prepared_tokens(data: tf.Tensor, vocabulary: BaseVocabulary) -> tf.Tensor:
    """Tokens of a batch, inside the graph.

    Args:
        data: strings `[batch]`, or ids `[batch, time]`.
        vocabulary: for strings, and the ids that are allowed.

    Returns:
        int32 `[batch, time]`; ids are checked as they come, see
        `checked_tokens`.

    Raises:
        ValueError: `data` is of another kind.

    Example:
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> vocabulary = Vocabulary(["hello"])
        >>> prepared_tokens(tf.constant(["hello"]), vocabulary).numpy().tolist()
        [[2, 4, 3]]
    """
    if isinstance(data, tf.RaggedTensor) and data.dtype.is_integer:
        data = data.to_tensor(PAD_ID)
    if isinstance(data, tf.Tensor):
        if data.dtype == tf.string and data.shape.rank == 1:
            return vocabulary(data)
        if data.dtype.is_integer and data.shape.rank == 2:
            return checked_tokens(data, vocabulary.size)
    raise refused(
        f"a dataset of {data}",
        "batches of strings [batch] or of integer ids [batch, time]",
    )


def _from_array(tokens: np.ndarray) -> tf.RaggedTensor:
    if tokens.dtype.kind not in "iu" or tokens.ndim != 2:
        raise refused(
            f"data of type {tokens.dtype} and shape {list(tokens.shape)}",
            "strings [sequences], or integer ids [sequences, time]",
        )
    lengths = np.count_nonzero(tokens, axis=1)
    padding = np.arange(tokens.shape[1]) >= lengths[:, np.newaxis]
    misplaced = np.any((tokens == PAD_ID) != padding, axis=1)
    if misplaced.any():
        raise refused(
            f"row {np.argmax(misplaced)} has the padding id {PAD_ID} before a "
            "token",
            "padding on the right",
        )
    return tf.RaggedTensor.from_tensor(tokens, lengths)


def row_with_misplaced_padding(tokens: tf.RaggedTensor) -> int | None:
    """The first row that has padding before a token, or None.

    Example:
        >>> row_with_misplaced_padding(tf.ragged.constant([[4, 0], [0, 4]]))
        1
    """
    rows = tokens.value_rowids().numpy()
    is_padding = tokens.flat_values.numpy() == PAD_ID
    is_wrong = is_padding[:-1] & ~is_padding[1:] & (rows[:-1] == rows[1:])
    return int(rows[:-1][is_wrong][0]) if is_wrong.any() else None


def _check_ids(tokens: tf.RaggedTensor, size: int) -> None:
    ids = tokens.flat_values.numpy()
    check_known_ids(ids, size)
    starts = np.flatnonzero(ids == START_ID)
    inside = starts[~np.isin(starts, tokens.row_starts())]
    if len(inside):
        row = np.searchsorted(tokens.row_limits(), inside[0], side="right")
        raise refused(
            f"row {row} has the id {START_ID} of the start token after its "
            "first token",
            "as the first token",
        )
