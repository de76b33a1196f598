"""SavedModels that take and give text, and need TensorFlow alone."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from keras_textgen.data.batches.sequences import checked_tokens
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.models.text.text_model import TextModel

# A function of tokens, and the specs of its optional arguments.
Endpoint = tuple[Callable, list[tf.TensorSpec]]

_TEXTS = tf.TensorSpec([None], tf.string, name="texts")
_TOKENS = tf.TensorSpec([None, None], tf.int32, name="tokens")
_NUM_SAMPLES = tf.TensorSpec([], tf.int32, name="num_samples")
_NUM_TEXTS = tf.TensorSpec([], tf.int32, name="num_texts")
_SEED = tf.TensorSpec([], tf.int32, name="seed")
_SAMPLING = [
    tf.TensorSpec([], tf.float32, name="temperature"),
    tf.TensorSpec([], tf.int32, name="top_k"),
    tf.TensorSpec([], tf.float32, name="top_p"),
]


def export_model(model: TextModel, path: str | Path) -> None:
    """Write a model as a SavedModel with its vocabulary inside.

    `tf.saved_model.load(path)` gives an object with the functions below, for
    any batch size, 0 included, and any length; it needs no package but
    `tensorflow`. `texts` is string [batch] or, in its place, token ids int32
    [batch, time], start and end tokens inside, padded on the right; others are
    refused, as `checked_tokens` says.

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
    `log_likelihood(texts)` is exact. `signatures` holds the same functions
    with all their arguments under these names, for ids under
    `<name>_tokens`.

    Args:
        model: The model.
        path: Folder to write; made if it is not there.

    Example:
        >>> import tempfile
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
    module = tf.Module()
    # A SavedModel holds what hangs on the module: weights and lookup tables,
    # not the Keras objects around them.
    module.weights = [weight.value for weight in model.weights]
    module.tables = model.vocabulary.lookup_tables()
    signatures = {}
    for name, (function, options) in _text_endpoints(model).items():
        endpoint = tf.function(_of_texts(model, function), autograph=False)
        setattr(module, name, endpoint)
        signatures[name] = _traced(endpoint, _TEXTS, options)
        signatures[f"{name}_tokens"] = _traced(endpoint, _TOKENS, options)
    if not isinstance(model, LatentTextModel) or model.has_prior:
        module.generate = tf.function(_generate(model), autograph=False)
        module.generate.get_concrete_function(_NUM_TEXTS, _SEED)
        signatures["generate"] = _traced(
            module.generate, _NUM_TEXTS, [_SEED, *_SAMPLING]
        )
    tf.saved_model.save(
        module,
        str(path),
        signatures=signatures,
        # They serve and do not train; tracing gradients takes long.
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def _traced(
    endpoint: Callable, first: tf.TensorSpec, options: list[tf.TensorSpec]
) -> Callable:
    """Trace with the first argument alone, and with all arguments."""
    endpoint.get_concrete_function(first)
    return endpoint.get_concrete_function(first, *options)


def _text_endpoints(model: TextModel) -> dict[str, Endpoint]:
    """The functions of texts by their names."""
    if isinstance(model, LatentTextModel):
        return _latent_endpoints(model)

    def score(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"nll": model(tokens, training=False)["nll"]}

    def log_likelihood(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"log_likelihood": model.token_log_likelihood(tokens)}

    return {"score": (score, []), "log_likelihood": (log_likelihood, [])}


def _latent_endpoints(model: LatentTextModel) -> dict[str, Endpoint]:
    def encode(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        if not isinstance(model, SparseTextModel):
            return {"code": model.encode_tokens(tokens)}
        code, mask = model.codes_and_mask(tokens)
        return {"code": code, "mask": mask}

    def reconstruct(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        return _with_text(model, model.reconstruct_tokens(tokens))

    def score(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(tokens, training=False)
        return {"nll": outputs["nll"], "kl": outputs["kl"]}

    def log_likelihood(
        tokens: tf.Tensor,
        num_samples: tf.Tensor | int = 100,
        seed: tf.Tensor | int = 0,
    ) -> dict[str, tf.Tensor]:
        seed = tf.stack([model.seed, seed])
        bound = model.importance_weighted_bound(tokens, num_samples, seed)
        return {"log_likelihood": bound}

    endpoints = {
        "encode": (encode, []),
        "reconstruct": (reconstruct, []),
        "score": (score, []),
    }
    if model.has_prior:
        endpoints["log_likelihood"] = (log_likelihood, [_NUM_SAMPLES, _SEED])
    return endpoints


def _of_texts(model: TextModel, function: Callable) -> Callable:
    """A function of tokens as one of texts or tokens."""

    def endpoint(
        inputs: tf.Tensor, *options: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        is_text = inputs.dtype == tf.string
        tokens = (
            model.vocabulary(inputs) if is_text else _checked(model, inputs)
        )
        return function(tokens, *options)

    return endpoint


def _checked(model: TextModel, tokens: tf.Tensor) -> tf.Tensor:
    """Tokens [batch, time] of two columns or more, also where no rows are."""
    tokens = checked_tokens(tokens, model.vocabulary.size)
    missing = tf.maximum(2 - tf.shape(tokens)[1], 0)
    return tf.pad(tokens, [[0, 0], [0, missing]])


def _generate(model: TextModel) -> Callable:
    def generate(
        num_texts: tf.Tensor,
        seed: tf.Tensor | int = 0,
        temperature: tf.Tensor | float = 1.0,
        top_k: tf.Tensor | int = 0,
        top_p: tf.Tensor | float = 1.0,
    ) -> dict[str, tf.Tensor]:
        tokens = model.generate_tokens(
            num_texts,
            seed=tf.stack([model.seed, seed]),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
        )
        return _with_text(model, tokens)

    return generate


def _with_text(model: TextModel, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"text": model.vocabulary.to_text(tokens), "tokens": tokens}
