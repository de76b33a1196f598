"""Writing models as SavedModels, and what of Keras's export is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_textgen.checks import refused
from keras_textgen.private_names import table_of
from keras_textgen.serving.endpoints import Endpoint, of_no_texts
from keras_textgen.serving.saved_model import write, write_without_texts

FORMAT = "tf_saved_model"


def export_model(model: Any, path: str | Path) -> None:
    """Write a model as a SavedModel, with its vocabulary or ids inside.

    `tf.saved_model.load(path)` gives an object with the functions below; it
    needs no package but `tensorflow`, and where the vocabulary is one of
    subwords, `import tensorflow_text` before it. Then the folder `tokens` in
    `path` is a second SavedModel that does without: of `generate`, and of those
    for ids, as functions of their signatures' names. They take any number of
    rows, 0 included, of any length. `signatures` holds the same functions, with
    all their inputs, under the same names.

    **Text models.** `texts` is string [batch] or, in its place, token ids int32
    [batch, time], start and end tokens inside, padded on the right; others are
    refused, as `checked_tokens` says. The signatures for ids are
    `<name>_tokens`.

    - `encode(texts)`: {"code": float32 [batch, code_size]}; of a sparse model
      also {"mask": bool [batch, code_size]}, the dimensions that are on.
    - `reconstruct(texts)`: {"text": string [batch], "tokens": int32}.
    - `score(texts)`: {"nll", "kl": float32 [batch]}, nats, KL weight 1.
    - `log_likelihood(texts, num_samples=100, seed=0)`: {"log_likelihood":
      float32 [batch]}, the importance-weighted lower bound, nats.
    - `generate(num_texts, seed=0)` and `generate(num_texts, seed,
      temperature, top_k, top_p)`: {"text", "tokens"}.

    The last two need a model with a prior, which HDGM with
    `objective="reference"` is not. A model without latent variables has no
    `encode` and no `reconstruct`, its `score` gives "nll" alone, and its
    `log_likelihood(texts)` is exact.

    **Models that classify documents.** `documents` is string [batch], or string
    [batch, sentences], documents already split, with "" where a document has
    no more sentences. The input is `texts` of the signatures of these names,
    and `sentences` of `classify_sentences` and `attention_sentences`.

    - `classify(documents)`: {"label": string [batch], "probabilities":
      float32 [batch, classes], "is_known": bool [batch]}: where no word of a
      document is in the vocabulary, the first two say nothing of it.
    - `attention(documents)`: {"sentences": string [batch, sentences],
      "sentence_weights": float32 [batch, sentences], "words": string [batch,
      sentences, words], "word_weights": float32 [batch, sentences, words]}:
      what the model reads, with "" and 0 for padding.
    - `classify_tokens(tokens)` and `attention_tokens(tokens)`: the same for ids
      int32 [batch, sentences, words], padded on the right with 0; the latter
      gives the weights alone.
    - `label_names()`: {"label_names": string [classes]}.

    Without a vocabulary there are the last three only.

    Documents are split by `split_sentences_in_graph`, a simpler rule than the
    one of `model.predict`, which is Python; for the same results, split them
    by `keras_textgen.data.sentences.split_sentences` before.

    **Topic models.**

    - `encode(texts)`: {"code": float32 [batch, D]}, for string [batch].
    - `topics(texts)`: {"topic": int32 [batch], "distance": float32 [batch]
      (of the code from the topic's center), "words": string [batch, 10]},
      those of `topic_words`. A document without a known word has the topic -1,
      the distance NaN and the words "".
    - `encode_bags(columns, counts)` and `topics_bags(columns, counts)`: the
      same for counts of words, as `BagBatches` gives them: int32 and float32
      [batch, places], 0 being the count of places that are not needed.

    Without a vocabulary there are the last two only, and no "words". Without
    topics (see `fit_topics`) there is no `topics`.

    **Models of matrices.** Ids are raw ids, string [n]. An unknown one has no
    vector of its own and no bias, and "known" tells.

    - `predict(row_ids, column_ids)`: {"prediction": float32 [n], "known":
      bool [n]}.
    - `recommend(row_ids, k)`: {"column_ids": string, "scores": float32, both
      [n, min(k, columns)], "known": bool [n]}, best first, equal scores in the
      order of the columns. With `seen` cells in the model, they are left out,
      but not by `recommend(row_ids, k, False)`; where no column is left,
      the id is empty and the score -inf.
    - For new rows and columns, if the model has such features, float32
      [n, features]: `predict_new_rows(row_features, column_ids)` and
      `predict_new_columns(row_ids, column_features)`, as `predict`;
      `recommend_to_new_rows(row_features, k)`, as `recommend`.

    Args:
        model: A model of this package: what it serves are its `endpoints()`.
        path: Folder to write; made if it is not there.

    Example:
        >>> import tempfile
        >>> import tensorflow as tf
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> from keras_textgen.models.text.sentence_vae import SentenceVAE
        >>> model = SentenceVAE(
        ...     Vocabulary(["red", "rose"]), rnn_units=4, latent_dim=2
        ... )
        >>> path = tempfile.mkdtemp()
        >>> export_model(model, path)
        >>> served = tf.saved_model.load(path)
        >>> served.encode(tf.constant(["red rose", "rose"]))["code"].shape
        TensorShape([2, 2])
    """
    check_model(model, "endpoints")
    endpoints: Mapping[str, Endpoint] = model.endpoints()
    variables = [weight.value for weight in model.weights]
    tables = [table for layer in model.layers for table in _tables(layer)]
    vocabulary = getattr(model, "vocabulary", None)
    package = getattr(vocabulary, "package", None)
    if package is None:
        write(path, endpoints, variables, tables)
        return
    resources = vocabulary.text_resources()
    write(path, endpoints, variables, [*tables, *resources])
    write_without_texts(
        path, package, of_no_texts(endpoints), variables, tables
    )


def check_model(model: Any, method: str) -> None:
    """Refuse what is no model of this package.

    Args:
        model: As a user gave it.
        method: What is asked of it.

    Example:
        >>> check_model(["a rose"], "endpoints")
        Traceback (most recent call last):
        ValueError: model of type list; allowed: a model of keras_textgen
    """
    if not hasattr(model, method):
        raise refused(
            f"model of type {type(model).__name__}", "a model of keras_textgen"
        )


# What the modules of before called it; they go with their paths (`moved`).
export_han = export_sae = export_dmf = export_model


def _tables(layer: keras.Layer) -> list[Any]:
    """The lookup tables of a vocabulary, or of a lookup of ids."""
    if isinstance(layer, keras.layers.StringLookup):
        return [table_of(layer)]
    return layer.lookup_tables() if hasattr(layer, "lookup_tables") else []


def check_export_arguments(
    format: str, input_signature: Any, others: Mapping[str, Any]
) -> None:
    """Refuse what `keras.Model.export` takes and a model here does not.

    Args:
        format: As in Keras.
        input_signature: As in Keras.
        others: Further arguments of Keras, by name.

    Raises:
        ValueError: If one of them is not what is allowed.

    Example:
        >>> check_export_arguments("onnx", None, {})
        Traceback (most recent call last):
        ValueError: export with format='onnx'; allowed: 'tf_saved_model', \
which TensorFlow and TensorFlow Serving load
    """
    if format != FORMAT:
        raise refused(
            f"export with format={format!r}",
            f"{FORMAT!r}, which TensorFlow and TensorFlow Serving load",
        )
    if input_signature is not None:
        raise refused(
            f"export with input_signature={input_signature!r}",
            "None, as model.endpoints() says what each signature takes",
        )
    for name, value in others.items():
        raise refused(
            f"export with {name}={value!r}", "filepath, format and verbose"
        )
