"""What holds for every model in half precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.transformer_decoder import TransformerDecoder
from keras_textgen.noise import Noise
from tests.conformance.registry import (
    FLOAT32_LAYERS,
    each_model,
    made,
    tokens_of,
)

TOKENS = tokens_of(4, 1, 0, 6, 2)

each_precision = pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("mixed_float16", 0.01), ("mixed_bfloat16", 0.08)],
)


@each_model
@each_precision
def test_outputs_are_near_those_of_float32(case, precision, tolerance):
    model, full = case.make(dtype=precision), made(case.name)
    assert {each.compute_dtype for each in layers_of(model)} == {
        precision.removeprefix("mixed_"),
        "float32",
    }
    outputs, expected = model(TOKENS), full(TOKENS)
    for name, output in outputs.items():
        assert output.dtype == tf.float32
        np.testing.assert_allclose(
            output, expected[name], rtol=tolerance, atol=10 * tolerance
        )
    if case.is_latent:
        codes = model.encode_tokens(TOKENS)
        np.testing.assert_allclose(
            codes, full.encode_tokens(TOKENS), atol=3 * tolerance
        )


def layers_of(model):
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if layer.trainable_weights
    ]


@each_model
def test_what_needs_float32_has_it(case, dtype_policy):
    with dtype_policy("mixed_float16"):
        model = case.make()
    for layer in model._flatten_layers():
        if isinstance(layer, FLOAT32_LAYERS):
            assert layer.compute_dtype == "float32", layer.path
    assert {each.dtype for each in model.weights} == {"float32", "int32"}
    if case.is_latent:
        posterior = model.posterior(TOKENS)
        for part in tf.nest.flatten(posterior.sample(seed=(1, 2))):
            assert part.dtype == tf.float32
        state = model.initial_state(model.encode_tokens(TOKENS))
    else:
        state = model.generation_state(len(TOKENS), Noise(tf.constant([0, 0])))
    logits, state = model.next_token_logits(TOKENS[:, 0], state)
    assert logits.dtype == tf.float32
    # The recurrence is what half precision is for.
    if model.has_own_decoder:
        for part in tf.nest.flatten(state.memory.layers):
            assert part.dtype == tf.float16
    if isinstance(model.decoder, TransformerDecoder):
        for part in tf.nest.flatten(state.memory):
            assert part.dtype == tf.float16


@each_model
@each_precision
def test_training_step(case, precision, tolerance):
    del tolerance
    model = case.make(dtype=precision)
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=1.0)
    model.compile(optimizer, run_eagerly=True)
    is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (precision == "mixed_float16")
    if is_scaled:
        # Low enough that the first step is not skipped.
        model.optimizer.build(model.trainable_weights)
        model.optimizer.dynamic_scale.assign(256.0)

    full = case.make()
    full.compile(
        keras.optimizers.SGD(0.1, global_clipnorm=1.0), run_eagerly=True
    )
    before = full.get_weights()
    for each in (model, full):
        each.train_on_batch(TOKENS)
    changes = [
        np.concatenate(
            [
                np.ravel(new - old)
                for new, old in zip(each.get_weights(), before, strict=True)
            ]
        )
        for each in (model, full)
    ]
    assert np.isfinite(changes[0]).all()
    # The step has the length and the direction of the one in float32.
    np.testing.assert_allclose(*map(np.linalg.norm, changes), rtol=0.1)
    cosine = np.dot(*changes) / np.prod([*map(np.linalg.norm, changes)])
    assert cosine > 0.98


@each_model
def test_generation(case):
    model = case.make(dtype="mixed_bfloat16")
    if case.is_latent:
        assert len(model.reconstruct(["the cat sat"])) == 1
    if not case.is_latent or model.has_prior:
        assert len(model.generate(2)) == 2
