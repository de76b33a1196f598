"""What text models serve; `keras_textgen.export_model` says what it gives."""

from typing import Any

import tensorflow as tf

from keras_textgen.serving.endpoints import (
    SEED,
    Endpoint,
    Outputs,
    noise_seed,
    of_texts_or_tokens,
    traced_once,
)

_NUM_SAMPLES = tf.TensorSpec([], tf.int32, name="num_samples")
_NUM_TEXTS = tf.TensorSpec([], tf.int32, name="num_texts")
_SAMPLING = [
    tf.TensorSpec([], tf.float32, name="temperature"),
    tf.TensorSpec([], tf.int32, name="top_k"),
    tf.TensorSpec([], tf.float32, name="top_p"),
]


def text_endpoints(model: Any) -> dict[str, Endpoint]:
    """`score` and `generate` of a text model without latent variables."""

    def score(tokens: tf.Tensor) -> Outputs:
        return {"nll": model(tokens, training=False)["nll"]}

    return {
        "score": of_texts_or_tokens(model.vocabulary, score),
        "generate": _generate(model),
    }


def latent_endpoints(model: Any) -> dict[str, Endpoint]:
    """Those of a model with latent variables; the last two need a prior."""
    vocabulary = model.vocabulary

    def encode(tokens: tf.Tensor) -> Outputs:
        return {"code": model.encode_tokens(tokens)}

    def reconstruct(tokens: tf.Tensor) -> Outputs:
        return _with_text(model, model.reconstruct_tokens(tokens))

    def score(tokens: tf.Tensor) -> Outputs:
        outputs = model(tokens, training=False)
        return {"nll": outputs["nll"], "kl": outputs["kl"]}

    def log_likelihood(
        tokens: tf.Tensor,
        num_samples: tf.Tensor | int = 100,
        seed: tf.Tensor | int = 0,
    ) -> Outputs:
        seed = noise_seed(model.seed, seed)
        bound = model.importance_weighted_bound(tokens, num_samples, seed)
        return {"log_likelihood": bound}

    endpoints = {
        "encode": of_texts_or_tokens(vocabulary, encode),
        "reconstruct": of_texts_or_tokens(vocabulary, reconstruct),
        "score": of_texts_or_tokens(vocabulary, score),
    }
    if model.has_prior:
        endpoints["log_likelihood"] = of_texts_or_tokens(
            vocabulary, log_likelihood, [_NUM_SAMPLES, SEED]
        )
        endpoints["generate"] = _generate(model)
    return endpoints


def _generate(model: Any) -> Endpoint:
    def generate(
        num_texts: tf.Tensor,
        seed: tf.Tensor | int = 0,
        temperature: tf.Tensor | float = 1.0,
        top_k: tf.Tensor | int = 0,
        top_p: tf.Tensor | float = 1.0,
    ) -> Outputs:
        tokens = model.generate_tokens(
            num_texts,
            seed=noise_seed(model.seed, seed),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
        )
        return _with_text(model, tokens)

    options = [SEED, *_SAMPLING]
    return Endpoint(traced_once(generate, options), [_NUM_TEXTS], options)


def _with_text(model: Any, tokens: tf.Tensor) -> Outputs:
    return {"text": model.vocabulary.to_text(tokens), "tokens": tokens}
