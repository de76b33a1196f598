"""HAN: hierarchical attention network for classifying documents.

Zichao Yang, Diyi Yang, Chris Dyer, Xiaodong He, Alex Smola, Eduard Hovy:
"Hierarchical Attention Networks for Document Classification", NAACL 2016.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, check
from keras_textgen.data.batches.base import checked_weights
from keras_textgen.data.batches.documents import (
    MAX_SENTENCES,
    MAX_WORDS,
    Document,
    DocumentBatches,
    as_document_ids,
    check_sentence_rule,
    encode_documents,
    encode_sentences,
    sentences_and_words,
    sentences_of,
)
from keras_textgen.data.batches.sequences import asserted, checked_ids
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.data.readers.word_vectors import (
    WordVectors,
    read_word_vectors,
)
from keras_textgen.data.text_lists import is_missing
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.attention import AttentionPooling
from keras_textgen.layers.recurrent import BidirectionalStack
from keras_textgen.models.documents.attention import (
    DocumentAttention,
    document_attention,
)
from keras_textgen.models.documents.classification_metrics import MacroF1
from keras_textgen.models.documents.classifier import DocumentClassifier
from keras_textgen.noise import GlobalRows, Noise
from keras_textgen.tokens import PAD_ID, SPECIALS, UNKNOWN_ID

# What the methods for users take: texts or lists of sentences, ids
# [documents, sentences, words], or batches.
Documents = (
    Sequence[Document]
    | tf.RaggedTensor
    | tf.Tensor
    | np.ndarray
    | tf.data.Dataset
    | DocumentBatches
)
# Numbers of classes, or their names.
Labels = Sequence[int] | Sequence[str] | np.ndarray

# Sentences are encoded in at most so many groups of like length, of so many
# sentences each or more: a time step of few costs as much as one of many.
_LENGTH_GROUPS = 6
_SENTENCES_A_GROUP = 48


@keras.saving.register_keras_serializable("keras_textgen")
class HierarchicalAttentionNetwork(DocumentClassifier):
    """Classifies documents by attention over words and sentences.

    Words become sentence vectors, these the document's vector, each by a
    bidirectional recurrence and attention pooling (section 2.2 of the paper);
    a linear layer and a softmax give the classes. Padding, of words and of
    whole sentences, is neither encoded nor attended to.

    Args:
        vocabulary: Words to ids; it is saved with the model.
        label_names: Names of the classes, by number; saved with the model.
        embedding_dim: Width E of the embedding.
        rnn_units: Width H of the recurrence in one direction, both for words
            and for sentences.
        attention_units: Width A of both attention spaces.
        rnn_type: As in `RecurrentStack`: "gru", or "block" for an LSTM.
        word_keep_rate: Share of the words kept in training; the others become
            the unknown word.
        dropout: Share of the sentence vectors and of the document vector that
            is dropped in training.
        max_sentences: Of a longer document, the first so many are read.
        max_words: Of a longer sentence, the first so many are read.
        sentence_rule: How texts are cut into sentences: "graph", as SavedModels
            do, or "sentencex", as models did that were saved before.
        **kwargs: As in `GlobalBatchModel`.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> model = HierarchicalAttentionNetwork(
        ...     Vocabulary(["good", "bad", "film"]), ["neg", "pos"], rnn_units=4
        ... )
        >>> model.predict(["A good film. Really good!"], verbose=0).shape
        (1, 2)
        >>> attention = model.attention(["A good film. Really good!"])[0]
        >>> attention.words
        [['a', 'good', 'film', '.'], ['really', 'good', '!']]
    """

    has_targets = True
    default_batch_size = 64

    def __init__(
        self,
        vocabulary: Vocabulary,
        label_names: Sequence[str],
        *,
        embedding_dim: int = 200,
        rnn_units: int = 50,
        attention_units: int = 100,
        rnn_type: str = "gru",
        word_keep_rate: float = 1.0,
        dropout: float = 0.0,
        max_sentences: int = MAX_SENTENCES,
        max_words: int = MAX_WORDS,
        sentence_rule: str = "graph",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check(SIZES, embedding_dim=embedding_dim, rnn_units=rnn_units)
        check(SIZES, attention_units=attention_units)
        check(SIZES, max_sentences=max_sentences, max_words=max_words)
        check_sentence_rule(sentence_rule)
        if not 0 < word_keep_rate <= 1:
            raise ValueError(
                f"word_keep_rate={word_keep_rate} is outside (0, 1]"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout} is outside [0, 1)")
        if len(label_names) < 2 or len(set(label_names)) < len(label_names):
            raise ValueError(
                f"label_names={list(label_names)} is not allowed; at least 2, "
                "all different"
            )
        self.vocabulary = vocabulary
        self.label_names = tuple(label_names)
        self.embedding_dim = embedding_dim
        self.rnn_units = rnn_units
        self.attention_units = attention_units
        self.rnn_type = rnn_type
        self.word_keep_rate = word_keep_rate
        self.dropout = dropout
        self.max_sentences = max_sentences
        self.max_words = max_words
        self.sentence_rule = sentence_rule

        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            vocabulary.size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            dtype=policy,
        )
        self.word_encoder = BidirectionalStack(
            rnn_units, 1, rnn_type, dtype=policy
        )
        self.word_attention = AttentionPooling(attention_units)
        self.sentence_encoder = BidirectionalStack(
            rnn_units, 1, rnn_type, dtype=policy
        )
        self.sentence_attention = AttentionPooling(attention_units)
        self.classifier = keras.layers.Dense(len(label_names), dtype="float32")
        self._means = {
            name: keras.metrics.Mean(name=name) for name in ("loss", "accuracy")
        }
        self._macro_f1 = MacroF1(len(label_names))
        self.build()

    table_name = "han"

    def build(self, input_shape: tuple | None = None) -> None:
        """Create all weights; the constructor calls it, users need not."""
        del input_shape
        if not self.built:
            self.built = True
            encoded = (None, None, 2 * self.rnn_units)
            self.embedding.build((None, None))
            self.word_encoder.build((None, None, self.embedding_dim))
            self.word_attention.build(encoded)
            self.sentence_encoder.build(encoded)
            self.sentence_attention.build(encoded)
            self.classifier.build((None, 2 * self.rnn_units))

    # -- The network ---------------------------------------------------------

    def call(
        self, documents: tf.Tensor, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Logits and attention.

        Args:
            documents: int32 [batch, sentences, words], 0 for padding.
            training: Whether there is dropout.

        Returns:
            float32 each: "logits" [batch, classes]; "sentence_weights"
            [batch, sentences] and "word_weights" [batch, sentences, words],
            which add up to 1 over a document's sentences and a sentence's
            words, and are 0 for padding.
        """
        noise = self._noise(documents) if training else None
        documents = self._drop_words(documents, noise)
        is_sentence = tf.reduce_any(documents != PAD_ID, axis=2)
        # N real sentences, without a trace of those of padding.
        vectors, word_weights = self._encode_sentences(
            tf.boolean_mask(documents, is_sentence)
        )
        vectors = self._drop_sentences(vectors, is_sentence, noise)
        vector, weights = self._encode_documents(vectors, is_sentence)
        vector = self._drop_features(vector, noise)
        places = tf.cast(tf.where(is_sentence), tf.int32)  # [N, 2]
        shape = tf.shape(documents)
        return {
            "logits": self.classifier(vector),
            "sentence_weights": tf.scatter_nd(places, weights, shape[:2]),
            "word_weights": tf.scatter_nd(places, word_weights, shape),
        }

    def _encode_sentences(
        self, sentences: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors [N, 2H] and word weights [N, words] of [N, words].

        Lengths differ far more within a batch than from batch to batch, so
        sentences are sorted by length and encoded in groups, each cut to its
        longest.
        """
        width = tf.shape(sentences)[1]
        sentences = tf.pad(sentences, [[0, 0], [0, 1]])  # at least one word
        places = tf.range(1, width + 2)
        places *= tf.cast(sentences != PAD_ID, tf.int32)
        lengths = tf.reduce_max(places, axis=1)
        order = tf.argsort(lengths, stable=True)
        count = tf.size(order)
        groups = tf.clip_by_value(
            count // _SENTENCES_A_GROUP, 1, _LENGTH_GROUPS
        )
        # The groups beyond these are empty.
        ends = tf.minimum(tf.range(_LENGTH_GROUPS + 1), groups)
        bounds = count * ends // groups
        vectors, weights = [], []
        for group in range(_LENGTH_GROUPS):
            rows = order[bounds[group] : bounds[group + 1]]
            longest = tf.reduce_max(tf.gather(lengths, rows))
            longest = tf.maximum(longest, 1)
            words = tf.gather(sentences, rows)[:, :longest]
            # Traced once for all groups.
            pooled, attention = self.in_graph("encode_words")(words)
            vectors.append(pooled)
            padding = [[0, 0], [0, width + 1 - longest]]
            weights.append(tf.pad(attention, padding))
        back = tf.math.invert_permutation(order)
        return (
            tf.gather(tf.concat(vectors, axis=0), back),
            tf.gather(tf.concat(weights, axis=0), back)[:, :width],
        )

    def encode_words(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors [N, 2H] and word weights [N, words] of ids [N, words]."""
        return self._attend(
            self.word_encoder,
            self.word_attention,
            self.embedding(words),
            words != PAD_ID,
        )

    def _encode_documents(
        self, vectors: tf.Tensor, is_sentence: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors [batch, 2H] and weights [N] from sentence vectors [N, 2H]."""
        counts = tf.math.count_nonzero(is_sentence, axis=1, dtype=tf.int32)
        most = tf.maximum(tf.reduce_max(counts), 1)
        mask = tf.sequence_mask(counts, most)
        inputs = tf.scatter_nd(
            tf.cast(tf.where(mask), tf.int32),
            vectors,
            [tf.size(counts), most, 2 * self.rnn_units],
        )
        vectors, weights = self._attend(
            self.sentence_encoder, self.sentence_attention, inputs, mask
        )
        return vectors, tf.boolean_mask(weights, mask)

    def _attend(
        self,
        encoder: BidirectionalStack,
        attention: AttentionPooling,
        inputs: tf.Tensor,
        mask: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """h_t of inputs [rows, time, D]; sum_t a_t h_t [rows, 2H] and a."""
        return attention(encoder(inputs, mask=mask), mask=mask)

    def _noise(self, documents: tf.Tensor) -> Noise:
        return Noise(self.step_seed(), GlobalRows.of(documents).first)

    def _drop_words(
        self, documents: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Replace words by the unknown word; padding stays."""
        if noise is None or self.word_keep_rate == 1:
            return documents
        chance = noise.uniform("words", tf.unstack(tf.shape(documents)))
        dropped = (chance >= self.word_keep_rate) & (documents != PAD_ID)
        return tf.where(dropped, UNKNOWN_ID, documents)

    def _drop_sentences(
        self, vectors: tf.Tensor, is_sentence: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Dropout of sentence vectors [N, 2H]."""
        if noise is None or not self.dropout:
            return vectors
        shape = [*tf.unstack(tf.shape(is_sentence)), 2 * self.rnn_units]
        chance = noise.uniform("sentences", shape)
        return self._dropped(vectors, tf.boolean_mask(chance, is_sentence))

    def _drop_features(
        self, vectors: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Dropout of document vectors [batch, 2H]."""
        if noise is None or not self.dropout:
            return vectors
        shape = [tf.shape(vectors)[0], 2 * self.rnn_units]
        return self._dropped(vectors, noise.uniform("document", shape))

    def _dropped(self, values: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
        kept = values / (1 - self.dropout)
        return tf.where(chance >= self.dropout, kept, 0)

    # -- Training and evaluation steps ---------------------------------------

    def with_losses(
        self,
        outputs: dict[str, tf.Tensor],
        x: tf.Tensor,
        y: tf.Tensor,
        sample_weight: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """Adds the cross-entropy with the labels, in nats."""
        del x, sample_weight, training
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            y, outputs["logits"]
        )
        return {**outputs, "losses": losses, "labels": y}

    def update_metrics(
        self, outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> None:
        """Add a batch."""
        labels = tf.cast(outputs["labels"], tf.int64)
        predicted = tf.argmax(outputs["logits"], axis=1)
        self._means["loss"].update_state(outputs["losses"], sample_weight)
        self._means["accuracy"].update_state(labels == predicted, sample_weight)
        self._macro_f1.update_state(labels, predicted, sample_weight)

    def target_and_prediction(
        self, outputs: dict[str, tf.Tensor], x: tf.Tensor, y: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Numbers of classes [batch], and probabilities [batch, classes]."""
        del x
        return y, tf.nn.softmax(outputs["logits"])

    @property
    def own_metrics(self) -> list[keras.metrics.Metric]:
        """Loss, accuracy, and the mean of the classes' F1."""
        return [*self._means.values(), self._macro_f1]

    # -- Documents in, arrays out --------------------------------------------

    def row_batches(
        self,
        x: Documents,
        y: Labels | None,
        sample_weight: np.ndarray | None,
        batch_size: int,
        *,
        is_shuffled: bool = True,
        is_prediction: bool = False,
    ) -> DocumentBatches:
        """Texts, lists of sentences, or ids int32 [N, sentences, words].

        Labels are numbers of classes, their names, or one-hot rows.
        """
        del is_prediction
        return DocumentBatches(
            self.document_ids(x),
            None if y is None else self.class_numbers(y),
            batch_size=batch_size,
            seed=self.seed,
            is_shuffled=is_shuffled,
            sample_weight=sample_weight,
        )

    def prepared(
        self, x: tf.Tensor, y: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Ids of strings [batch], or ids [batch, sentences, words], checked."""
        ids = self._prepared_documents(x)
        return ids, None if y is None else self._prepared_labels(y)

    def _class_weigher(
        self, class_weight: dict[int, float]
    ) -> Callable[..., tuple]:
        count = len(self.label_names)
        unknown = [each for each in class_weight if each not in range(count)]
        if unknown:
            raise ValueError(
                f"class_weight of {unknown}; allowed: of classes by their "
                f"number, 0 to {count - 1}"
            )
        weights = [float(class_weight.get(i, 1.0)) for i in range(count)]
        checked_weights(weights, count)
        of_classes = tf.constant(weights, tf.float32)

        def weigh(
            x: tf.Tensor, y: tf.Tensor, sample_weight: tf.Tensor | None = None
        ) -> tuple:
            weights = tf.gather(of_classes, y)
            if sample_weight is not None:
                weights *= tf.cast(sample_weight, tf.float32)
            return x, y, weights

        return weigh

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
                f"{len(unknown):,} of {len(is_known):,} documents have no "
                f"known word, the first is number {unknown[0]}, counted from "
                "0; their probabilities say nothing of them (is_known marks "
                "them)",
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
        return super().predict(x, batch_size, verbose=0)["is_known"]

    def attention(
        self, texts: Sequence[Document], *, batch_size: int = 64
    ) -> list[DocumentAttention]:
        """What the model attends to in each document.

        Args:
            texts: N texts or lists of sentences.
            batch_size: Documents a batch.

        Returns:
            One a document, with the words and sentences that the model reads:
            sentences without words and what is beyond `max_sentences` and
            `max_words` are left out.
        """
        texts = list(texts)
        dataset, order = self._evaluation_dataset(
            texts, None, None, batch_size, None, is_prediction=True
        )
        rows = [
            row
            for outputs in self._outputs(dataset)
            for row in zip(*outputs.values(), strict=True)
        ]
        sentences, words = sentences_and_words(
            sentences_of(texts, self.sentence_rule),
            self.vocabulary,
            self.max_sentences,
            self.max_words,
        )
        return [
            document_attention(*read, *rows[place])
            for *read, place in zip(sentences, words, order, strict=True)
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
            ValueError: If `k` is below 1.
        """
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
        vocabulary.
        """
        outputs = self(documents)
        return {
            "probabilities": tf.nn.softmax(outputs["logits"]),
            "sentence_weights": outputs["sentence_weights"],
            "word_weights": outputs["word_weights"],
            "is_known": tf.reduce_any(documents >= len(SPECIALS), axis=[1, 2]),
        }

    def _prepared_documents(self, documents: tf.Tensor) -> tf.Tensor:
        """Ids int32 [batch, sentences, words], inside the graph."""
        if documents.dtype != tf.string:
            return checked_ids(documents, self.vocabulary.size)
        if documents.shape.rank != 1:
            raise ValueError(
                f"documents of shape {documents.shape} in a dataset; allowed: "
                "strings [batch], or ids [batch, sentences, words]"
            )
        if self.sentence_rule != "graph":
            raise ValueError(
                f"strings in a dataset with sentence_rule="
                f"{self.sentence_rule!r}, which is no rule for a graph; "
                "allowed: ids [batch, sentences, words]"
            )
        ids = encode_sentences(
            split_sentences_in_graph(documents),
            self.vocabulary,
            self.max_sentences,
            self.max_words,
        )
        return ids.to_tensor(PAD_ID)

    def _prepared_labels(self, labels: tf.Tensor) -> tf.Tensor:
        """Numbers of classes, inside the graph; a GPU would give a NaN loss.

        Raises:
            ValueError: If the labels are of a type or shape that is none of
                numbers [batch], names [batch] and one-hot rows.
            tf.errors.InvalidArgumentError: If one is outside of the classes.
        """
        count = len(self.label_names)
        if labels.dtype == tf.string and labels.shape.rank == 1:
            names = tf.constant(self.label_names)
            matches = tf.cast(labels[:, tf.newaxis] == names, tf.float32)
        elif labels.shape.rank == 2 and labels.shape[1] in (None, count):
            matches = tf.cast(labels, tf.float32)
        elif labels.shape.rank == 1 and labels.dtype != tf.bool:
            numbers = tf.cast(labels, tf.float32)[:, tf.newaxis]
            matches = tf.cast(numbers == tf.range(float(count)), tf.float32)
        else:
            raise ValueError(
                f"labels of type {labels.dtype.name} and shape "
                f"{labels.shape} in a dataset; allowed: numbers of classes or "
                f"their names [batch], or one-hot rows [batch, {count}]"
            )
        rule = (
            f"a label outside of the classes; allowed: 0 to {count - 1}, or "
            f"{', '.join(self.label_names)}"
        )
        is_class = tf.reduce_all((matches == 0) | (matches == 1), axis=1)
        is_class &= tf.reduce_sum(matches, axis=1) == 1
        numbers = tf.argmax(matches, axis=1, output_type=tf.int32)
        return asserted(numbers, {rule: is_class})

    def document_ids(self, documents: Documents) -> tf.RaggedTensor:
        """Ids of documents, cut to what the model reads.

        Args:
            documents: Texts, lists of sentences, or ids [N, sentences, words].

        Returns:
            int32 RaggedTensor [N, (sentences), (words)].
        """
        if isinstance(documents, str):
            documents = [documents]
        if isinstance(documents, np.ndarray) and documents.dtype.kind in "SUOT":
            documents = documents.tolist()
        if isinstance(documents, list | tuple):
            return encode_documents(
                [_text(document) for document in documents],
                self.vocabulary,
                self.max_sentences,
                self.max_words,
                self.sentence_rule,
            )
        ids = as_document_ids(documents, self.vocabulary.size)
        return ids[:, : self.max_sentences, : self.max_words]

    def class_numbers(self, labels: Labels) -> np.ndarray:
        """Numbers of classes, int32 [N], from numbers, names or one-hot rows.

        Raises:
            ValueError: If a label is missing, or not one of the model's.
        """
        for place, label in enumerate(labels):
            if is_missing(label):
                raise ValueError(
                    f"label {place} is missing ({label}); allowed: one a "
                    "document"
                )
        labels = _from_one_hot(np.asarray(labels), len(self.label_names))
        if labels.dtype.kind in "SO":
            labels = np.array([_text(label) for label in labels])
        is_number = labels.dtype.kind in "iuf"
        if is_number:
            known = np.isin(labels, np.arange(len(self.label_names)))
        else:
            known = np.isin(labels, self.label_names)
        if labels.ndim != 1 or not known.all():
            what = labels[~known][0] if labels.ndim == 1 else labels.shape
            raise ValueError(
                f"label {what!r}; allowed: one a document, 0 to "
                f"{len(self.label_names) - 1} or {', '.join(self.label_names)}"
            )
        if not is_number:
            names = {name: i for i, name in enumerate(self.label_names)}
            labels = [names[label] for label in labels]
        return np.asarray(labels, np.int32)

    def _outputs(self, dataset: tf.data.Dataset) -> Iterator[dict]:
        """`probabilities_and_attention` of each batch, as arrays."""
        function = self.in_graph("probabilities_and_attention")
        for batch in dataset:
            documents, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
            outputs = function(documents)
            yield {name: each.numpy() for name, each in outputs.items()}

    # -- Word vectors and saving ---------------------------------------------

    def use_word_vectors(self, path: str | Path | WordVectors) -> int:
        """Begin with pretrained word vectors; training moves them on.

        Args:
            path: Text file of GloVe or word2vec, or what `read_word_vectors`
                has read of one; of a file, a warning counts the lines that
                were left out.

        Returns:
            How many words of the vocabulary have one; the other words keep the
            vectors they have.

        Raises:
            DataError: If the file cannot be used.
            ValueError: If the vectors are not of width E.
        """
        found, source = path, "word vectors"
        if not isinstance(path, WordVectors):
            source = path
            found = read_word_vectors(path, self.vocabulary.get_vocabulary())
            if found.note:
                warnings.warn(found.note, stacklevel=2)
        width = found.vectors.shape[1]
        if width != self.embedding_dim:
            raise ValueError(
                f"{source}: vectors of {width} numbers; allowed: "
                f"embedding_dim={self.embedding_dim}"
            )
        embeddings = self.embedding.embeddings.numpy()
        embeddings[found.rows] = found.vectors
        self.embedding.embeddings.assign(embeddings)
        return len(found.rows)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "label_names": list(self.label_names),
            "embedding_dim": self.embedding_dim,
            "rnn_units": self.rnn_units,
            "attention_units": self.attention_units,
            "rnn_type": self.rnn_type,
            "word_keep_rate": self.word_keep_rate,
            "dropout": self.dropout,
            "max_sentences": self.max_sentences,
            "max_words": self.max_words,
            "sentence_rule": self.sentence_rule,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any]
    ) -> "HierarchicalAttentionNetwork":
        """Make a model; a config of before has the sentence rule of before."""
        return super().from_config({"sentence_rule": "sentencex"} | config)


def _from_one_hot(labels: np.ndarray, count: int) -> np.ndarray:
    """Numbers of classes [N] of one-hot rows; other labels as they are."""
    if labels.ndim != 2 or labels.shape[1] != count:
        return labels
    is_one_hot = np.isin(labels, (0, 1)).all(1) & (labels.sum(axis=1) == 1)
    if not is_one_hot.all():
        row = int(np.argmin(is_one_hot))
        raise ValueError(
            f"label {row} is {labels[row]}; allowed: one 1 among 0s"
        )
    return labels.argmax(axis=1)


def _text(label: Any) -> Any:
    return label.decode() if isinstance(label, bytes) else label
