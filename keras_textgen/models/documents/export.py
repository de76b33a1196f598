"""SavedModels that classify documents, and need TensorFlow alone."""

from pathlib import Path

import tensorflow as tf

from keras_textgen.data.batches.documents import (
    encode_sentences,
    sentences_and_words,
)
from keras_textgen.data.graph_sentences import split_sentences_in_graph
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.tokens import PAD, PAD_ID

_TEXTS = tf.TensorSpec([None], tf.string, name="texts")
_SENTENCES = tf.TensorSpec([None, None], tf.string, name="sentences")


def export_han(model: HierarchicalAttentionNetwork, path: str | Path) -> None:
    """Write a HAN as a SavedModel with vocabulary and class names inside.

    `tf.saved_model.load(path)` gives an object with the functions below, for
    any batch size, 0 included; it needs no package but `tensorflow`. Their
    argument is either string [batch], documents, or string [batch, sentences],
    documents already split, with "" where a document has no more sentences.
    Documents are split by `split_sentences_in_graph`, as by `model.predict`. A
    model of `sentence_rule="sentencex"` is one that was trained before: its
    `predict` splits by a rule in Python that no SavedModel can hold, so that,
    for the same results, its documents have to be split before, by
    `keras_textgen.data.sentences.split_sentences`.

    - `classify(documents)`: {"label": string [batch], "probabilities":
      float32 [batch, classes], "is_known": bool [batch]}: where no word of a
      document is in the vocabulary, the first two say nothing of it.
    - `attention(documents)`: {"sentences": string [batch, sentences],
      "sentence_weights": float32 [batch, sentences], "words": string [batch,
      sentences, words], "word_weights": float32 [batch, sentences, words]}:
      what the model reads, with "" and 0 for padding.
    - `label_names()`: {"label_names": string [classes]}.

    `signatures` holds the same functions under these names for `texts`, and
    under `classify_sentences` and `attention_sentences` for `sentences`.

    Args:
        model: The model.
        path: Folder to write; made if it is not there.

    Example:
        >>> import tempfile
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> model = HierarchicalAttentionNetwork(
        ...     Vocabulary(["good", "bad"]), ["neg", "pos"], rnn_units=4
        ... )
        >>> path = tempfile.mkdtemp()
        >>> export_han(model, path)
        >>> served = tf.saved_model.load(path)
        >>> documents = tf.constant(["Good. Very good!", "Bad."])
        >>> served.classify(documents)["probabilities"].shape
        TensorShape([2, 2])
    """
    module = tf.Module()
    # A SavedModel holds what hangs on the module: weights and lookup tables,
    # not the Keras objects around them.
    module.weights = [weight.value for weight in model.weights]
    module.tables = model.vocabulary.lookup_tables()
    functions = _Functions(model)
    signatures = {}
    for name in ("classify", "attention"):
        endpoint = tf.function(getattr(functions, name), autograph=False)
        setattr(module, name, endpoint)
        signatures[name] = endpoint.get_concrete_function(_TEXTS)
        signatures[f"{name}_sentences"] = endpoint.get_concrete_function(
            _SENTENCES
        )
    module.label_names = tf.function(
        lambda: {"label_names": tf.constant(model.label_names)},
        input_signature=[],
        autograph=False,
    )
    signatures["label_names"] = module.label_names.get_concrete_function()
    tf.saved_model.save(
        module,
        str(path),
        signatures=signatures,
        # They serve and do not train; tracing gradients takes long.
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


class _Functions:
    """The endpoints, as functions of string tensors."""

    def __init__(self, model: HierarchicalAttentionNetwork) -> None:
        self._model = model
        self._sizes = (model.max_sentences, model.max_words)

    def classify(self, documents: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classes and their probabilities."""
        outputs = self._outputs(_sentences(documents))
        best = tf.argmax(outputs["probabilities"], axis=1)
        names = tf.constant(self._model.label_names)
        return {
            "label": tf.gather(names, best),
            "probabilities": outputs["probabilities"],
            "is_known": outputs["is_known"],
        }

    def attention(self, documents: tf.Tensor) -> dict[str, tf.Tensor]:
        """Sentences, words and their weights."""
        sentences = _sentences(documents)
        outputs = self._outputs(sentences)
        read, words = sentences_and_words(
            sentences, self._model.vocabulary, *self._sizes
        )
        return {
            "sentences": read.to_tensor(PAD),
            "sentence_weights": outputs["sentence_weights"],
            "words": words.to_tensor(PAD),
            "word_weights": outputs["word_weights"],
        }

    def _outputs(self, sentences: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        ids = encode_sentences(sentences, self._model.vocabulary, *self._sizes)
        return self._model.probabilities_and_attention(ids.to_tensor(PAD_ID))


def _sentences(documents: tf.Tensor) -> tf.RaggedTensor:
    """Strings [batch, (sentences)] of documents or of their sentences."""
    if documents.shape.rank == 1:
        return split_sentences_in_graph(documents)
    return tf.RaggedTensor.from_tensor(documents, padding=PAD)
