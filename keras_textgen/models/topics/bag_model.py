"""What models of bags of words share: documents in, arrays out."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import WholeNumbers, check, counted, refused
from keras_textgen.data.batches.bags import (
    BagBatches,
    BagData,
    Bags,
    as_counts,
    num_words,
    prepared_bags,
)
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.batches.sources import is_stream
from keras_textgen.data.frames import frame_of, texts_of
from keras_textgen.data.rows import in_memory
from keras_textgen.data.shards.bags import PreparedBags, prepared_bags_of
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.base import GlobalBatchModel
from keras_textgen.tokens import SPECIALS


class BagModel(GlobalBatchModel):
    """Base of models that turn bags of words into codes.

    A model adds `call`, `codes` and its losses.

    Attributes:
        vocabulary: Words of the columns; None for a model of matrices alone.
        num_words: Number of columns.
    """

    default_batch_size = 64
    reads_shards = (PreparedSplit,)

    vocabulary: Vocabulary | None
    num_words: int
    _metrics_of_steps: dict[str, keras.metrics.Mean]

    # -- What a model adds ---------------------------------------------------

    def codes(self, bags: Bags) -> tf.Tensor:
        """Codes of bags, float32 [batch, D]."""
        raise NotImplementedError

    # -- Bags as tensors -----------------------------------------------------

    def sparse_counts(self, bags: Bags) -> tf.SparseTensor:
        """Counts of bags, sparse float32 [batch, words].

        A word that has two places in a bag is there twice.
        """
        counts = tf.cast(bags["counts"], tf.float32)
        places = tf.where(counts > 0)  # [non-zeros, 2]
        columns = tf.cast(tf.gather_nd(bags["columns"], places), tf.int64)
        return tf.SparseTensor(
            tf.stack([places[:, 0], columns], axis=1),
            tf.gather_nd(counts, places),
            [tf.shape(counts, tf.int64)[0], self.num_words],
        )

    @staticmethod
    def is_known(bags: Bags) -> tf.Tensor:
        """1 for bags that hold a word, else 0: float32 [batch]."""
        return tf.cast(tf.reduce_any(bags["counts"] > 0, axis=1), tf.float32)

    # -- Figures of steps ----------------------------------------------------

    def update_metrics(
        self, outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> None:
        """Add the documents with a known word to loss and divergence."""
        weights = self.known_weights(outputs, sample_weight)
        for name, metric in self._metrics_of_steps.items():
            metric.update_state(outputs[name], weights)

    @staticmethod
    def known_weights(
        outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> tf.Tensor:
        """Weights in means, of which documents without a word have none."""
        weights = outputs["is_known"]
        if sample_weight is None:
            return weights
        return weights * tf.cast(sample_weight, tf.float32)

    @property
    def own_metrics(self) -> list[keras.metrics.Metric]:
        """Loss and divergence."""
        return list(self._metrics_of_steps.values())

    # -- Documents in, arrays out --------------------------------------------

    def row_batches(
        self,
        x: BagData,
        y: None,
        sample_weight: np.ndarray | None,
        batch_size: int,
        *,
        is_shuffled: bool = True,
        is_prediction: bool = False,
    ) -> BagBatches | PreparedBags:
        """Counts of words, SciPy sparse or float [N, words]; texts; token ids.

        Token ids are a list of ints a document, or padded int [N, time]; or
        texts in shards.
        """
        del y, is_prediction
        if isinstance(x, PreparedSplit):
            return prepared_bags_of(
                x,
                self.vocabulary,
                batch_size,
                seed=self.seed,
                is_shuffled=is_shuffled,
                sample_weight=sample_weight,
            )
        return BagBatches(
            as_counts(x, self.num_words, self.vocabulary),
            batch_size,
            seed=self.seed,
            is_shuffled=is_shuffled,
            sample_weight=sample_weight,
        )

    def prepared(self, x: Bags | tf.Tensor, y: None) -> tuple[Bags, None]:
        """Bags; of a batch of strings, token ids or counts, too."""
        return prepared_bags(x, self.num_words, self.vocabulary), y

    def batches(self, data: BagData, batch_size: int = 64) -> BagBatches:
        """Documents in batches of bags.

        Args:
            data: As in `fit`, but no dataset.
            batch_size: Documents a batch.

        Raises:
            ValueError: If `data` is not allowed.
        """
        if isinstance(data, BagBatches):
            return data
        return self.row_batches(
            documents_in_memory(data), None, None, batch_size
        )

    def encode(
        self,
        data: BagData | BagBatches | tf.data.Dataset,
        batch_size: int = 256,
    ) -> np.ndarray:
        """Codes of documents, those of training or others.

        Args:
            data: As in `fit`.
            batch_size: Documents a batch.

        Returns:
            float32 [N, D]; for documents without a known word the code of
            nothing, of which `topics` gives -1.

        Raises:
            ValueError: If `data` is not allowed.
        """
        encode = self.in_graph("codes")
        dataset = self._dataset(data, batch_size)
        return np.concatenate([encode(bags).numpy() for bags in dataset])

    def transform(self, data: BagData, batch_size: int = 256) -> np.ndarray:
        """`encode`, under the name that scikit-learn's tools call."""
        return self.encode(data, batch_size)

    def nearest_documents(
        self, data: BagData, among: BagData, k: int = 5
    ) -> tuple[np.ndarray, np.ndarray]:
        """The documents whose codes are nearest.

        Args:
            data: N documents, as in `fit`.
            among: M documents to choose from.
            k: How many.

        Returns:
            Their numbers, int64 [N, k], and Euclidean distances of codes,
            float32 [N, k]; nearest first, equal ones by number. Documents
            without a known word are near none: they are never among the
            nearest, and have -1 and NaN themselves.

        Raises:
            ValueError: If `k` is not between 1 and the number of those of the
                M documents that have a known word.

        Example:
            >>> from keras_textgen import SoftmaxAutoencoder
            >>> model = SoftmaxAutoencoder(Vocabulary(["red", "sea"]))
            >>> texts = ["sea", "red", "red sea"]
            >>> model.nearest_documents(["red"], texts, k=1)[0]
            array([[1]])
        """
        asked, others = self.batches(data), self.batches(among)
        known = np.flatnonzero(others.has_words)
        if not len(known):
            raise refused("among: no document with a known word", "1 or more")
        check(WholeNumbers(1, len(known)), k=k)
        candidates = self.encode(others)[known]
        codes = self.encode(asked)
        numbers = np.full((len(codes), k), -1, np.int64)
        distances = np.full((len(codes), k), np.nan, np.float32)
        for row in np.flatnonzero(asked.has_words):
            all_distances = np.linalg.norm(candidates - codes[row], axis=1)
            nearest = np.argsort(all_distances, kind="stable")[:k]
            numbers[row] = known[nearest]
            distances[row] = all_distances[nearest]
        return numbers, distances

    def _dataset(
        self, data: BagData | BagBatches | tf.data.Dataset, batch_size: int
    ) -> tf.data.Dataset:
        dataset, _ = self._evaluation_dataset(
            data, None, None, batch_size, None, is_prediction=True
        )
        return dataset

    # -- Words ---------------------------------------------------------------

    def _words(self, columns: tf.Tensor) -> list[list[str]]:
        words = self.vocabulary.get_vocabulary()[len(SPECIALS) :]
        return [[words[each] for each in row] for row in columns.numpy()]

    def _check_k(self, k: int) -> None:
        if self.vocabulary is None:
            raise refused(
                "the model has no vocabulary", "a model made with one"
            )
        check(WholeNumbers(1, self.num_words), k=k)


def documents_in_memory(data: Any) -> Any:
    """Documents that can be read again, those of a table's column, too.

    Args:
        data: As in `fit`.

    Raises:
        ValueError: If they come in batches, of which each is read once.

    Example:
        >>> documents_in_memory(["a rose"])
        ['a rose']
        >>> documents_in_memory(iter(["a rose"]))
        Traceback (most recent call last):
        ValueError: documents of type list_iterator; allowed: documents in \
memory
    """
    if is_stream(data) or isinstance(data, RowBatches):
        raise refused(
            f"documents of type {type(data).__name__}", "documents in memory"
        )
    frame = frame_of(data)
    return in_memory(data if frame is None else texts_of(frame))


def checked_width(
    vocabulary: Vocabulary | None, given_words: int | None
) -> int:
    """The number of words, of a vocabulary or as it is given.

    Raises:
        ValueError: If there is neither, or they disagree.

    Example:
        >>> checked_width(Vocabulary(["red", "sea"]), None)
        2
        >>> checked_width(None, 9)
        9
    """
    if vocabulary is None and given_words is None:
        raise refused("neither vocabulary nor num_words", "one of them")
    if vocabulary is None:
        return given_words
    if not isinstance(vocabulary, Vocabulary):
        raise refused(
            f"vocabulary of type {type(vocabulary).__name__}, whose entries "
            "are no words",
            "a Vocabulary",
        )
    if given_words not in (None, num_words(vocabulary)):
        raise refused(
            f"num_words={given_words}",
            f"the {counted(num_words(vocabulary), 'word')} of the vocabulary",
        )
    return num_words(vocabulary)
