"""HAN: hierarchical attention network for classifying documents.

Zichao Yang, Diyi Yang, Chris Dyer, Xiaodong He, Alex Smola, Eduard Hovy:
"Hierarchical Attention Networks for Document Classification", NAACL 2016.
"""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    Lists,
    Numbers,
    check,
    counted,
    refused,
)
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.documents import (
    MAX_SENTENCES,
    MAX_WORDS,
    check_sentence_rule,
)
from keras_textgen.data.readers.word_vectors import (
    WordVectors,
    read_word_vectors,
    word_vectors_of,
)
from keras_textgen.layers.attention import AttentionPooling
from keras_textgen.layers.length_groups import encode_in_length_groups
from keras_textgen.layers.recurrent import BidirectionalStack
from keras_textgen.layers.transformer import TransformerStack
from keras_textgen.models.components import chosen, given, is_recurrent
from keras_textgen.models.documents.classification_metrics import MacroF1
from keras_textgen.models.documents.classifier import DocumentClassifier
from keras_textgen.noise import Noise
from keras_textgen.replicas import GlobalRows
from keras_textgen.tokens import PAD_ID, UNKNOWN_ID


@keras.saving.register_keras_serializable("keras_textgen")
class HierarchicalAttentionNetwork(DocumentClassifier):
    """Classifies documents by attention over words and sentences.

    Words become sentence vectors, these the document's vector, each by a
    bidirectional recurrence and attention pooling (section 2.2 of the paper);
    a linear layer and a softmax give the classes. Padding, of words and of
    whole sentences, is neither encoded nor attended to.

    Args:
        vocabulary: Words to ids; it is saved with the model. Or, of a model
            that reads ids alone, the number of words V: ids 1 to V are words
            and 0 is padding.
        label_names: Names of the classes, by number; saved with the model. Or
            the number of classes, whose names are then "0", "1" and so on.
        embedding_dim: Width E of the embedding.
        rnn_units: Width H of the recurrence over words in one direction.
        sentence_rnn_units: Width of that over sentences; None for H, too.
        attention_units: Width A of both attention spaces.
        rnn_type: As in `RecurrentStack`: "gru", or "block" for an LSTM.
        encoder: What reads the words of a sentence: "recurrent" (None), as in
            the paper; "transformer", a `TransformerStack` of width E; or a
            layer that is called with embedded words [rows, words, E] and their
            mask and gives a vector for each, [rows, words, D]. Sentences are
            read by the recurrence, whatever reads their words.
        word_keep_rate: Share of the words kept in training; the others become
            the unknown word, which only a vocabulary has.
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
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> model = HierarchicalAttentionNetwork(
        ...     Vocabulary(["good", "bad", "film"]), ["neg", "pos"], rnn_units=4
        ... )
        >>> model.predict(["A good film. Really good!"], verbose=0).shape
        (1, 2)
        >>> attention = model.attention(["A good film. Really good!"])[0]
        >>> attention.words
        [['a', 'good', 'film', '.'], ['really', 'good', '!']]
        >>> of_ids = HierarchicalAttentionNetwork(8, 2, rnn_units=4)
        >>> of_ids.predict([[[1, 2], [8]], [[3, 4, 5]]], verbose=0).shape
        (2, 2)
    """

    table_name = "han"

    def __init__(
        self,
        vocabulary: BaseVocabulary | int,
        label_names: Sequence[str] | int,
        *,
        embedding_dim: int = 200,
        rnn_units: int = 50,
        sentence_rnn_units: int | None = None,
        attention_units: int = 100,
        rnn_type: str = "gru",
        encoder: keras.Layer | str | None = None,
        word_keep_rate: float = 1.0,
        dropout: float = 0.0,
        max_sentences: int = MAX_SENTENCES,
        max_words: int = MAX_WORDS,
        sentence_rule: str = "graph",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sentence_units = sentence_rnn_units
        if sentence_units is None:
            sentence_units = rnn_units
        check(
            SIZES,
            embedding_dim=embedding_dim,
            rnn_units=rnn_units,
            sentence_rnn_units=sentence_units,
            attention_units=attention_units,
            max_sentences=max_sentences,
            max_words=max_words,
        )
        check_sentence_rule(sentence_rule)
        self.vocabulary, self.num_ids = _vocabulary_and_size(vocabulary)
        self.label_names = _checked_names(label_names)
        _check_dropout(word_keep_rate, dropout, self.vocabulary is not None)
        self.embedding_dim = embedding_dim
        self.rnn_units = rnn_units
        self.sentence_rnn_units = sentence_rnn_units
        self.attention_units = attention_units
        self.rnn_type = rnn_type
        self.word_keep_rate = word_keep_rate
        self.dropout = dropout
        self.max_sentences = max_sentences
        self.max_words = max_words
        self.sentence_rule = sentence_rule

        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            self.num_ids,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            dtype=policy,
        )
        self.has_own_encoder = is_recurrent(encoder)
        if self.has_own_encoder:
            self.word_encoder = BidirectionalStack(
                rnn_units, 1, rnn_type, dtype=policy
            )
        else:
            self.word_encoder = chosen(
                encoder,
                "encoder",
                TransformerStack,
                units=embedding_dim,
                dtype=policy,
            )
        self.word_attention = AttentionPooling(attention_units)
        self.sentence_encoder = BidirectionalStack(
            sentence_units, 1, rnn_type, dtype=policy
        )
        self.sentence_attention = AttentionPooling(attention_units)
        num_classes = len(self.label_names)
        self.classifier = keras.layers.Dense(num_classes, dtype="float32")
        self._means = {
            name: keras.metrics.Mean(name=name) for name in ("loss", "accuracy")
        }
        self._macro_f1 = MacroF1(num_classes)
        self.build()

    def build(self, input_shape: tuple | None = None) -> None:
        """Create all weights; the constructor calls it, users need not."""
        del input_shape
        if not self.built:
            self.built = True
            sentences = (None, None, 2 * self.sentence_encoder.units)
            self.embedding.build((None, None))
            words = self._build_word_encoder()
            self.word_attention.build(words)
            self.sentence_encoder.build(words)
            self.sentence_attention.build(sentences)
            self.classifier.build((None, sentences[-1]))

    def _build_word_encoder(self) -> tuple[None, None, int]:
        """The shape of what it makes of the words of sentences."""
        encoder, width = self.word_encoder, self.embedding_dim
        if not encoder.built:
            encoder.build((None, None, width))
        if self.has_own_encoder:
            return None, None, 2 * encoder.units
        one = tf.zeros([1, 1, width], self.compute_dtype)
        shape = encoder(one, mask=tf.fill([1, 1], True)).shape
        if shape.rank != 3:
            raise refused(
                f"encoder={type(encoder).__name__}, whose outputs are "
                f"{shape.rank}-dimensional",
                "a layer that gives a vector a word, such as TransformerStack",
            )
        return None, None, shape[-1]

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
        # N real sentences, without a trace of those of padding; how they are
        # encoded is traced once for all groups.
        vectors, word_weights = encode_in_length_groups(
            self.embedding,
            self.in_graph("encode_words"),
            tf.boolean_mask(documents, is_sentence),
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

    def encode_words(
        self, words: tf.Tensor, inputs: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors [N, D] and word weights [N, words] of sentences.

        D is 2H of the recurrence, or the width of the encoder that was given.

        Args:
            words: Ids, int32 [N, words].
            inputs: Their embeddings, [N, words, E].
        """
        return self._attend(
            self.word_encoder, self.word_attention, inputs, words != PAD_ID
        )

    def _encode_documents(
        self, vectors: tf.Tensor, is_sentence: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors [batch, 2H'] and weights [N] of sentence vectors [N, D]."""
        counts = tf.math.count_nonzero(is_sentence, axis=1, dtype=tf.int32)
        most = tf.maximum(tf.reduce_max(counts), 1)
        mask = tf.sequence_mask(counts, most)
        inputs = tf.scatter_nd(
            tf.cast(tf.where(mask), tf.int32),
            vectors,
            [tf.size(counts), most, vectors.shape[-1]],
        )
        vectors, weights = self._attend(
            self.sentence_encoder, self.sentence_attention, inputs, mask
        )
        return vectors, tf.boolean_mask(weights, mask)

    def _attend(
        self,
        encoder: keras.Layer,
        attention: AttentionPooling,
        inputs: tf.Tensor,
        mask: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """sum_t a_t h_t [rows, 2H] and a, for inputs [rows, time, D]."""
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
        """Dropout of sentence vectors [N, D]."""
        if noise is None or not self.dropout:
            return vectors
        shape = [*tf.unstack(tf.shape(is_sentence)), vectors.shape[-1]]
        chance = noise.uniform("sentences", shape)
        return self._dropped(vectors, tf.boolean_mask(chance, is_sentence))

    def _drop_features(
        self, vectors: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Dropout of document vectors [batch, 2H']."""
        if noise is None or not self.dropout:
            return vectors
        chance = noise.uniform("document", tf.unstack(tf.shape(vectors)))
        return self._dropped(vectors, chance)

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

    # -- Word vectors and saving ---------------------------------------------

    def use_word_vectors(
        self, source: str | os.PathLike | WordVectors | np.ndarray
    ) -> int:
        """Begin with pretrained word vectors; training moves them on.

        Args:
            source: Text file of GloVe or word2vec, or what `read_word_vectors`
                has read of one; of a file, a warning counts the lines that
                were left out. Or a matrix [ids, E], whose row i is the vector
                of id i: with a vocabulary, of the i-th of `get_vocabulary()`.
                Row 0 is that of padding, which nothing reads.

        Returns:
            How many words of the vocabulary, or ids, have one; the other words
            keep the vectors they have.

        Raises:
            DataError: If the file cannot be used.
            ValueError: If the vectors are not of width E, the matrix is not as
                above, or there is no vocabulary for the words of a file.
        """
        found, name = self._word_vectors(source)
        width = found.vectors.shape[1]
        if width != self.embedding_dim:
            raise refused(
                f"{name}: vectors of {counted(width, 'number')}",
                f"embedding_dim={self.embedding_dim}",
            )
        embeddings = self.embedding.embeddings.numpy()
        embeddings[found.rows] = found.vectors
        self.embedding.embeddings.assign(embeddings)
        return len(found.rows)

    def _word_vectors(self, source: Any) -> tuple[WordVectors, str]:
        """The vectors, and what messages call their source."""
        if isinstance(source, WordVectors):
            return source, "word vectors"
        if not isinstance(source, str | os.PathLike):
            return word_vectors_of(source, self.num_ids), "word vectors"
        if self.vocabulary is None:
            raise refused(
                f"{source}: vectors of words for a model without a vocabulary",
                f"a matrix [{self.num_ids}, {self.embedding_dim}]",
            )
        found = read_word_vectors(source, self.vocabulary.get_vocabulary())
        if found.note:
            warnings.warn(found.note, stacklevel=3)
        return found, str(source)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary": self._vocabulary_config(),
            "label_names": list(self.label_names),
            "embedding_dim": self.embedding_dim,
            "rnn_units": self.rnn_units,
            "sentence_rnn_units": self.sentence_rnn_units,
            "attention_units": self.attention_units,
            "rnn_type": self.rnn_type,
            "encoder": given(self.word_encoder, self.has_own_encoder),
            "word_keep_rate": self.word_keep_rate,
            "dropout": self.dropout,
            "max_sentences": self.max_sentences,
            "max_words": self.max_words,
            "sentence_rule": self.sentence_rule,
        }

    def _vocabulary_config(self) -> dict[str, Any] | int:
        if self.vocabulary is None:
            return self.num_ids - 1
        return keras.saving.serialize_keras_object(self.vocabulary)

    @classmethod
    def from_config(
        cls, config: dict[str, Any]
    ) -> "HierarchicalAttentionNetwork":
        """Make a model; a config of before has the sentence rule of before."""
        return super().from_config({"sentence_rule": "sentencex"} | config)


def _vocabulary_and_size(
    vocabulary: BaseVocabulary | int,
) -> tuple[BaseVocabulary | None, int]:
    """The vocabulary, if there is one, and the number of ids."""
    if isinstance(vocabulary, BaseVocabulary):
        return vocabulary, vocabulary.size
    if not isinstance(vocabulary, int | np.integer):
        raise refused(
            f"vocabulary of type {type(vocabulary).__name__}",
            "a Vocabulary, or the number of words",
        )
    check(SIZES, vocabulary=vocabulary)
    return None, 1 + int(vocabulary)


def _checked_names(label_names: Sequence[str] | int) -> tuple[str, ...]:
    if isinstance(label_names, int | np.integer):
        label_names = range(label_names)
    check(Lists("names, or their number"), label_names=label_names)
    names = tuple(
        str(name) if isinstance(name, int | np.integer) else name
        for name in label_names
    )
    are_texts = all(isinstance(name, str) for name in names)
    if not are_texts or len(set(names)) < max(len(names), 2):
        raise refused(
            f"label_names={list(names)}",
            "2 or more, all different strings; or the number of classes",
        )
    return names


def _check_dropout(
    word_keep_rate: float, dropout: float, has_unknown_word: bool
) -> None:
    check(Numbers(above=0, at_most=1), word_keep_rate=word_keep_rate)
    if word_keep_rate < 1 and not has_unknown_word:
        raise refused(
            f"word_keep_rate={word_keep_rate} of a model without a "
            "vocabulary, hence without an unknown word",
            "1",
        )
    check(Numbers(at_least=0, below=1), dropout=dropout)
