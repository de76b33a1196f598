"""SavedModels that give codes and topics, and need TensorFlow alone."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from keras_textgen.data.batches.bags import Bags, bags_of_tokens, checked_bags
from keras_textgen.models.topics.sae import SoftmaxAutoencoder

_TEXTS = tf.TensorSpec([None], tf.string, name="texts")
_COLUMNS = tf.TensorSpec([None, None], tf.int32, name="columns")
_COUNTS = tf.TensorSpec([None, None], tf.float32, name="counts")
_WORDS_A_TOPIC = 10


def export_sae(model: SoftmaxAutoencoder, path: str | Path) -> None:
    """Write a softmax autoencoder as a SavedModel with its vocabulary inside.

    `tf.saved_model.load(path)` gives an object with the functions below, for
    any batch size, 0 included; it needs no package but `tensorflow`.

    - `encode(texts)`: {"code": float32 [batch, D]}, for string [batch].
    - `topics(texts)`: {"topic": int32 [batch], "distance": float32 [batch]
      (of the code from the topic's center), "words": string [batch, 10]},
      those of `SoftmaxAutoencoder.topic_words`. A document without a known
      word has the topic -1, the distance NaN and the words "".
    - `encode_bags(columns, counts)` and `topics_bags(columns, counts)`: the
      same for counts of words, as `BagBatches` gives them: int32 and float32
      [batch, places], 0 being the count of places that are not needed.

    Without a vocabulary there are the last two only, and no "words". Without
    topics (see `fit_topics`) there is no `topics`. `signatures` holds the same
    functions under the same names.

    Args:
        model: The model.
        path: Folder to write; made if it is not there.

    Example:
        >>> import tempfile
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> model = SoftmaxAutoencoder(
        ...     Vocabulary(["red", "rose"]), latent_dim=3
        ... )
        >>> path = tempfile.mkdtemp()
        >>> export_sae(model, path)
        >>> served = tf.saved_model.load(path)
        >>> served.encode(tf.constant(["Red!", "A rose."]))["code"].shape
        TensorShape([2, 3])
    """
    module = tf.Module()
    # A SavedModel holds what hangs on the module: weights and lookup tables,
    # not the Keras objects around them.
    module.weights = [weight.value for weight in model.weights]
    functions = {"encode": lambda bags: {"code": model(bags)}}
    if int(model.has_topics):
        functions["topics"] = _topics(model)
    signatures = {}
    for name, function in functions.items():
        if model.vocabulary is not None:
            module.tables = model.vocabulary.lookup_tables()
            of_texts = _of_texts(model, function)
            setattr(module, name, of_texts)
            signatures[name] = of_texts.get_concrete_function(_TEXTS)
        of_bags = _of_bags(function, model.num_words)
        setattr(module, f"{name}_bags", of_bags)
        signatures[f"{name}_bags"] = of_bags.get_concrete_function(
            _COLUMNS, _COUNTS
        )
    tf.saved_model.save(
        module,
        str(path),
        signatures=signatures,
        # They serve and do not train; tracing gradients takes long.
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def _of_texts(model: SoftmaxAutoencoder, function: Callable) -> Callable:
    @tf.function(autograph=False)
    def endpoint(texts: tf.Tensor) -> dict[str, tf.Tensor]:
        return function(bags_of_tokens(model.vocabulary.tokenize(texts)))

    return endpoint


def _of_bags(function: Callable, num_words: int) -> Callable:
    @tf.function(autograph=False)
    def endpoint(columns: tf.Tensor, counts: tf.Tensor) -> dict[str, tf.Tensor]:
        bags = {"columns": columns, "counts": counts}
        return function(checked_bags(bags, num_words))

    return endpoint


def _topics(model: SoftmaxAutoencoder) -> Callable:
    words = None
    if model.vocabulary is not None:
        shown = min(_WORDS_A_TOPIC, model.num_words)
        # The last row is for the topic -1.
        words = [*model.topic_words(shown), shown * [""]]

    def topics(bags: Bags) -> dict[str, tf.Tensor]:
        topic, distance = model.nearest_topics(bags)
        outputs = {"topic": topic, "distance": distance}
        if words is not None:
            outputs["words"] = tf.gather(
                tf.constant(words), topic % (model.num_topics + 1)
            )
        return outputs

    return topics
