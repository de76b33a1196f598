"""What models that classify documents share: what they serve and report."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.data.batches.documents import (
    encode_sentences,
    sentences_and_words,
)
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.classification import (
    bag_of_words_baseline,
    classification_report,
)
from keras_textgen.evaluation.corpora import is_corpus
from keras_textgen.evaluation.watching import Watch, unwatched
from keras_textgen.models.base import GlobalBatchModel
from keras_textgen.serving.endpoints import TEXTS, Endpoint, Outputs
from keras_textgen.tokens import PAD, PAD_ID

_SENTENCES = tf.TensorSpec([None, None], tf.string, name="sentences")


class DocumentClassifier(GlobalBatchModel):
    """Base of models that say of documents what class they are of, and why.

    A model adds `probabilities_and_attention`, `predict` and `class_numbers`.

    Attributes:
        table_name: What tables call the model.
        vocabulary: Words to ids.
        label_names: Names of the classes, by number.
        max_sentences: Of a longer document, the first so many are read.
        max_words: Of a longer sentence, the first so many are read.
    """

    table_name: str
    vocabulary: Vocabulary
    label_names: tuple[str, ...]
    max_sentences: int
    max_words: int

    def probabilities_and_attention(self, documents: tf.Tensor) -> Outputs:
        """What the model says of ids [batch, sentences, words].

        Returns:
            float32 "probabilities" [batch, classes], "sentence_weights"
            [batch, sentences] and "word_weights" [batch, sentences, words];
            bool "is_known" [batch].
        """
        raise NotImplementedError

    def class_numbers(self, labels: Any) -> np.ndarray:
        """Numbers of classes, int32 [N], from numbers or names."""
        raise NotImplementedError

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""
        also = {"sentences": [_SENTENCES]}
        return {
            "classify": Endpoint(self._classify, [TEXTS], also=also),
            "attention": Endpoint(self._attention, [TEXTS], also=also),
            "label_names": Endpoint(
                lambda: {"label_names": tf.constant(self.label_names)}, []
            ),
        }

    def _classify(self, documents: tf.Tensor) -> Outputs:
        """Classes and their probabilities."""
        outputs = self._outputs_of_sentences(_sentences(documents))
        best = tf.argmax(outputs["probabilities"], axis=1)
        return {
            "label": tf.gather(tf.constant(self.label_names), best),
            "probabilities": outputs["probabilities"],
            "is_known": outputs["is_known"],
        }

    def _attention(self, documents: tf.Tensor) -> Outputs:
        """Sentences, words and their weights."""
        sentences = _sentences(documents)
        outputs = self._outputs_of_sentences(sentences)
        read, words = sentences_and_words(
            sentences, self.vocabulary, self.max_sentences, self.max_words
        )
        return {
            "sentences": read.to_tensor(PAD),
            "sentence_weights": outputs["sentence_weights"],
            "words": words.to_tensor(PAD),
            "word_weights": outputs["word_weights"],
        }

    def _outputs_of_sentences(self, sentences: tf.RaggedTensor) -> Outputs:
        ids = encode_sentences(
            sentences, self.vocabulary, self.max_sentences, self.max_words
        )
        return self.probabilities_and_attention(ids.to_tensor(PAD_ID))

    def report(
        self,
        data: Any,
        *,
        batch_size: int = 64,
        watch: Watch = unwatched,
    ) -> dict[str, Any]:
        """Figures of test documents; see `keras_textgen.evaluate_model`.

        Args:
            data: A corpus with labels, whose training documents a bag of words
                learns; or documents and their labels, for no baseline.
            batch_size: Documents at a time.
            watch: Sees how the baseline advances.

        Returns:
            "model" and what `classification_report` gives.

        Raises:
            ValueError: If the data are of another kind, or without labels.
        """
        test = _test_set(data)
        probabilities = self.predict(
            test.documents, batch_size=batch_size, verbose=0
        )
        systems = {self.table_name: np.argmax(probabilities, axis=1)}
        if is_corpus(data):
            baseline = bag_of_words_baseline(data, watch=watch)
            systems[baseline.name] = baseline.predicted
        labels = self.class_numbers(test.labels)
        report = classification_report(systems, labels, self.label_names)
        return {"model": type(self).__name__, **report}


class _TestSet(NamedTuple):
    documents: Any
    labels: Any


def _test_set(data: Any) -> _TestSet:
    if is_corpus(data):
        if not data.labels:
            raise ValueError(
                f"{data.name}: the documents have no labels; allowed: a corpus "
                "with labels"
            )
        return _TestSet(data.test, data.labels["test"])
    if isinstance(data, tuple) and len(data) == 2:
        return _TestSet(*data)
    raise ValueError(
        f"data of type {type(data).__name__}; allowed: a corpus, as "
        "load_documents gives it, or (documents, labels)"
    )


def _sentences(documents: tf.Tensor) -> tf.RaggedTensor:
    """Strings [batch, (sentences)] of documents or of their sentences."""
    if documents.shape.rank == 1:
        return split_sentences_in_graph(documents)
    return tf.RaggedTensor.from_tensor(documents, padding=PAD)
