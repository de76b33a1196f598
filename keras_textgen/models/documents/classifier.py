"""What models that classify documents share: all but the network."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, by_number, check, counted, refused
from keras_textgen.data.batches.documents import Document, DocumentBatches
from keras_textgen.data.class_numbers import (
    Labels,
    class_numbers,
    class_numbers_in_graph,
    class_weigher,
)
from keras_textgen.data.frames import Frame, labels_of, texts_of
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.labels import listing
from keras_textgen.data.raw_documents import DocumentReader, Documents
from keras_textgen.data.rows import in_memory
from keras_textgen.data.shards.corpus import PreparedCorpus
from keras_textgen.data.shards.documents import (
    PreparedDocuments,
    document_texts,
    prepared_documents_of,
)
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.classification import (
    bag_of_words_baseline,
    classification_report,
)
from keras_textgen.evaluation.corpora import is_corpus
from keras_textgen.evaluation.watching import Watch, unwatched
from keras_textgen.models.base import GlobalBatchModel
from keras_textgen.models.documents.attention import (
    DocumentAttention,
    document_attention,
)
from keras_textgen.models.documents.classification_metrics import (
    of_class_numbers,
)
from keras_textgen.models.raw_data import columns_of_table
from keras_textgen.serving.endpoints import TEXTS, Endpoint, Outputs
from keras_textgen.tokens import PAD, SPECIALS

_TOKENS = tf.TensorSpec([None, None, None], tf.int32, name="tokens")
_SENTENCES = tf.TensorSpec([None, None], tf.string, name="sentences")


class DocumentClassifier(GlobalBatchModel):
    """Base of models that say of documents what class they are of, and why.

    A model adds `call`, which gives "logits" and the weights of sentences and
    words, and what is minimized.

    Attributes:
        table_name: What tables call the model.
        vocabulary: Words to ids; None for a model of ids alone.
        num_ids: Ids are below it; 0 is padding.
        label_names: Names of the classes, by number.
        max_sentences: Of a longer document, the first so many are read.
        max_words: Of a longer sentence, the first so many are read.
        sentence_rule: How texts are cut into sentences.
    """

    has_targets = True
    reads_shards = (PreparedSplit,)
    default_batch_size = 64
    # Of labels as numbers, and as one-hot rows.
    own_losses = ("sparse_categorical_crossentropy", "categorical_crossentropy")

    table_name: str
    vocabulary: Vocabulary | None
    num_ids: int
    label_names: tuple[str, ...]
    max_sentences: int
    max_words: int
    sentence_rule: str

    # -- Documents in, arrays out --------------------------------------------

    @property
    def reader(self) -> DocumentReader:
        """How the model reads documents."""
        return DocumentReader(
            self.vocabulary,
            self.num_ids,
            self.max_sentences,
            self.max_words,
            self.sentence_rule,
        )

    def row_batches(
        self,
        x: Documents,
        y: Labels | None,
        sample_weight: np.ndarray | None,
        batch_size: int,
        *,
        is_shuffled: bool = True,
        is_prediction: bool = False,
    ) -> DocumentBatches | PreparedDocuments:
        """Texts, lists of sentences, or ids [N, sentences, words].

        Labels are numbers of classes, their names, or one-hot rows. Documents
        in shards have theirs.
        """
        if isinstance(x, PreparedSplit):
            return prepared_documents_of(
                x,
                self,
                y,
                batch_size,
                is_shuffled=is_shuffled,
                is_prediction=is_prediction,
                sample_weight=sample_weight,
            )
        return DocumentBatches(
            self.document_ids(x),
            None if y is None else self.class_numbers(y),
            batch_size=batch_size,
            seed=self.seed,
            is_shuffled=is_shuffled,
            sample_weight=sample_weight,
        )

    def from_frame(self, frame: Frame, y: Labels | None) -> tuple[Any, Any]:
        """The column of texts, and that of labels if none are beside it."""
        if y is None:
            y = labels_of(frame, self.label_names)
        return texts_of(frame), y

    def prepared(
        self, x: tf.Tensor, y: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Ids of strings [batch], or ids [batch, sentences, words], checked."""
        ids = self.reader.ids_in_graph(x)
        if y is None:
            return ids, None
        return ids, class_numbers_in_graph(y, self.label_names)

    def _class_weigher(
        self, class_weight: dict[int, float]
    ) -> Callable[..., tuple]:
        return class_weigher(class_weight, len(self.label_names))

    def adapted_metrics(self, metrics: Any) -> Any:
        """Metrics for labels as numbers; some of Keras want one-hot rows."""
        return of_class_numbers(metrics)

    def predict_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Probabilities and which documents are known; Keras calls it."""
        documents, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self.probabilities_and_attention(documents)
        return {name: outputs[name] for name in ("probabilities", "is_known")}

    def predict(
        self,
        x: Documents,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Probabilities of the classes.

        A document without a known word has those of a document of unknown
        words; a warning counts such documents and `is_known` marks them.

        Args:
            x: As in `fit`; labels in batches are not used.
            batch_size: Documents a batch, for texts and ids.
            verbose: As in Keras.
            steps: As in Keras.
            callbacks: As in Keras.

        Returns:
            float32 [N, classes], in the order of `x`.
        """
        outputs = super().predict(x, batch_size, verbose, steps, callbacks)
        is_known = outputs["is_known"]
        unknown = np.flatnonzero(~is_known)
        if len(unknown):
            warnings.warn(
                f"{len(unknown):,} of {counted(len(is_known), 'document')} "
                f"{by_number(len(unknown), 'has', 'have')} no known word, the "
                f"first is number {unknown[0]}, counted from 0; their "
                "probabilities say nothing of them (is_known marks them)",
                stacklevel=2,
            )
        return outputs["probabilities"]

    def is_known(
        self, x: Documents, *, batch_size: int | None = None
    ) -> np.ndarray:
        """Whether the model knows a word of each document.

        Args:
            x: As in `predict`.
            batch_size: As in `predict`.

        Returns:
            bool [N], in the order of `x`.
        """
        return self.predictions(x, batch_size=batch_size)["is_known"]

    def predictions(
        self, x: Documents, *, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """What `predict` and `is_known` give, of one pass.

        Args:
            x: As in `predict`.
            batch_size: As in `predict`.

        Returns:
            "probabilities", float32 [N, classes], and "is_known", bool [N].
        """
        return super().predict(x, batch_size, verbose=0)

    def attention(
        self, texts: Sequence[Document], *, batch_size: int = 64
    ) -> list[DocumentAttention]:
        """What the model attends to in each document.

        Args:
            texts: N texts or lists of sentences, or a table with a column of
                them.
            batch_size: Documents a batch.

        Returns:
            One a document, with the words and sentences that the model reads:
            sentences without words and what is beyond `max_sentences` and
            `max_words` are left out.

        Raises:
            ValueError: If the model has no vocabulary.
        """
        self._check_words("attention")
        texts = in_memory(columns_of_table(self, texts)[0])
        texts = [texts] if isinstance(texts, str) else list(texts)
        dataset, order = self._evaluation_dataset(
            texts, None, None, batch_size, None, is_prediction=True
        )
        rows = [
            row
            for outputs in self._outputs(dataset)
            for row in zip(*outputs.values(), strict=True)
        ]
        whole = self.reader.sentences(texts)
        read = (*self.reader.shown(whole), self.reader.lengths(whole))
        return [
            document_attention(*each, *rows[place])
            for *each, place in zip(*read, order, strict=True)
        ]

    def important_sentences(
        self, texts: Sequence[Document], k: int = 3, *, batch_size: int = 64
    ) -> list[list[tuple[str, float]]]:
        """The sentences that each document is classified by.

        Args:
            texts: N texts or lists of sentences.
            k: At most so many sentences of each.
            batch_size: Documents a batch.

        Returns:
            For each document, sentences and their weights, the largest weight
            first.

        Raises:
            ValueError: If `k` is below 1, or the model has no vocabulary.
        """
        self._check_words("important_sentences")
        check(SIZES, k=k)
        important = []
        for document in self.attention(texts, batch_size=batch_size):
            weights = document.sentence_weights
            chosen = np.argsort(-weights, kind="stable")[:k]
            important.append(
                [(document.sentences[i], float(weights[i])) for i in chosen]
            )
        return important

    def probabilities_and_attention(
        self, documents: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """`call` with "probabilities" in place of "logits", in the graph.

        "is_known", bool [batch], is whether a word of each document is in the
        vocabulary; without one, whether there is a word.
        """
        outputs = self(documents)
        first_word = 1 if self.vocabulary is None else len(SPECIALS)
        return {
            "probabilities": tf.nn.softmax(outputs["logits"]),
            "sentence_weights": outputs["sentence_weights"],
            "word_weights": outputs["word_weights"],
            "is_known": tf.reduce_any(documents >= first_word, axis=[1, 2]),
        }

    def document_ids(self, documents: Documents) -> tf.RaggedTensor:
        """Ids of documents, cut to what the model reads.

        Args:
            documents: Texts, lists of sentences, or ids [N, sentences, words].

        Returns:
            int32 RaggedTensor [N, (sentences), (words)].
        """
        return self.reader.ids(documents)

    def class_numbers(self, labels: Labels) -> np.ndarray:
        """Numbers of classes, int32 [N], from numbers, names or one-hot rows.

        Raises:
            ValueError: If a label is missing, or not one of the model's.
        """
        return class_numbers(labels, self.label_names)

    def _check_classes(self, corpus: Any) -> None:
        """Refuse the numbers of labels that are other classes here."""
        names = tuple(corpus.label_names)
        numbers = tuple(map(str, range(len(names))))
        if self.label_names not in (names, numbers):
            raise refused(
                f"{corpus.name}: the labels {listing(names)}",
                f"those of the model, {listing(self.label_names)}",
            )

    def _outputs(self, dataset: tf.data.Dataset) -> Iterator[dict]:
        """`probabilities_and_attention` of each batch, as arrays."""
        function = self.in_graph("probabilities_and_attention")
        for batch in dataset:
            documents, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
            outputs = function(documents)
            yield {name: each.numpy() for name, each in outputs.items()}

    def _check_words(self, method: str) -> None:
        if self.vocabulary is None:
            raise refused(
                f"{method} of a model without a vocabulary",
                "model(ids), which gives sentence_weights and word_weights",
            )

    # -- Serving and reporting -----------------------------------------------

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""
        endpoints = {
            "classify_tokens": Endpoint(self._classify_tokens, [_TOKENS]),
            "attention_tokens": Endpoint(self._attention_tokens, [_TOKENS]),
            "label_names": Endpoint(
                lambda: {"label_names": tf.constant(self.label_names)}, []
            ),
        }
        if self.vocabulary is None:
            return endpoints
        also = {"sentences": [_SENTENCES]}
        return {
            "classify": Endpoint(self._classify, [TEXTS], also=also),
            "attention": Endpoint(self._attention, [TEXTS], also=also),
            **endpoints,
        }

    def _classify(self, documents: tf.Tensor) -> Outputs:
        return self._classes(self._outputs_of_sentences(_sentences(documents)))

    def _classify_tokens(self, tokens: tf.Tensor) -> Outputs:
        return self._classes(self._outputs_of_tokens(tokens))

    def _classes(self, outputs: Outputs) -> Outputs:
        """Classes and their probabilities."""
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
        read, words = self.reader.shown(sentences)
        return {
            "sentences": read.to_tensor(PAD),
            "sentence_weights": outputs["sentence_weights"],
            "words": words.to_tensor(PAD),
            "word_weights": outputs["word_weights"],
        }

    def _attention_tokens(self, tokens: tf.Tensor) -> Outputs:
        """Weights alone."""
        outputs = self._outputs_of_tokens(tokens)
        return {
            name: outputs[name] for name in ("sentence_weights", "word_weights")
        }

    def _outputs_of_tokens(self, tokens: tf.Tensor) -> Outputs:
        return self.probabilities_and_attention(
            self.reader.ids_in_graph(tokens)
        )

    def _outputs_of_sentences(self, sentences: tf.RaggedTensor) -> Outputs:
        ids = self.reader.ids_of_sentences(sentences)
        return self.probabilities_and_attention(ids)

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
            ValueError: If the data are of another kind, or without labels, or
                have labels of other names.
        """
        test = _test_set(data)
        if is_corpus(data):
            self._check_classes(data)
        probabilities = self.predict(
            test.documents, batch_size=batch_size, verbose=0
        )
        systems = {self.table_name: np.argmax(probabilities, axis=1)}
        if is_corpus(data):
            texts = data
            if isinstance(data, PreparedCorpus):
                texts = document_texts(data)
            baseline = bag_of_words_baseline(texts, watch=watch)
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
            raise refused(
                f"{data.name}: the documents have no labels",
                "a corpus with labels",
            )
        return _TestSet(data.test, data.labels["test"])
    if isinstance(data, tuple) and len(data) == 2:
        return _TestSet(*data)
    raise refused(
        f"data of type {type(data).__name__}",
        "a corpus, as load_documents gives it, or (documents, labels)",
    )


def _sentences(documents: tf.Tensor) -> tf.RaggedTensor:
    """Strings [batch, (sentences)] of documents or of their sentences."""
    if documents.shape.rank == 1:
        return split_sentences_in_graph(documents)
    return tf.RaggedTensor.from_tensor(documents, padding=PAD)
