"""What holds for every model, trained or not."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.tokens import END_ID, PAD_ID, START_ID
from tests.conformance.registry import (
    INSTALLED,
    TEXTS,
    assert_moved_by,
    each_latent_model,
    each_model,
    made,
    tokens_of,
)

TOKENS = tokens_of(4, 1, 0, 6, 2)
SEED = (5, 6)


def row_lengths(tokens):
    return np.count_nonzero(tokens, axis=1)


def outputs_of(model, tokens):
    return {name: each.numpy() for name, each in model(tokens).items()}


def assert_close(found, expected, atol=1e-6):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=atol)


@each_model
def test_outputs(case):
    model = made(case.name)
    assert model.built
    outputs = outputs_of(model, TOKENS)
    expected = {"kl", "nll", "num_tokens"}
    if isinstance(model, SparseTextModel):
        expected.add("weighted_kl")
    assert outputs.keys() == expected
    for output in outputs.values():
        assert output.shape == (len(TOKENS),)
        assert output.dtype == np.float32
        assert np.isfinite(output).all()
    assert np.all(outputs["nll"] > 0)
    np.testing.assert_array_equal(
        outputs["num_tokens"], row_lengths(TOKENS) - 1
    )


@each_latent_model
def test_codes(case):
    model = made(case.name)
    codes = model.encode(TEXTS)
    assert codes.shape == (len(TEXTS), model.code_size)
    assert codes.dtype == np.float32
    assert np.isfinite(codes).all()
    assert len(np.unique(codes, axis=0)) == len(TEXTS)


@each_model
def test_gradient_reaches_every_weight(case):
    model = made(case.name)
    with tf.GradientTape() as tape:
        outputs = model(TOKENS, training=True)
        losses = model.training_losses(outputs, tf.constant(1.0))
        loss = tf.reduce_sum(losses)
    weights = model.trainable_weights
    assert_moved_by(tape.gradient(loss, weights), weights)


@each_latent_model
def test_encoder_variables_are_those_of_the_posterior_alone(case):
    model = made(case.name)
    value = model.posterior(TOKENS).sample(seed=SEED)
    with tf.GradientTape() as tape:
        density = model.posterior(TOKENS).log_prob(value)
    variables = model.trainable_variables
    gradients = tape.gradient(density, variables)
    found = [
        variable.path
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is not None
    ]
    expected = [variable.path for variable in model.encoder_variables()]
    if model.shares_embedding:
        expected.append(model.embedding.embeddings.path)
    assert sorted(found) == sorted(expected)


@each_model
def test_more_padding_changes_nothing(case):
    model = made(case.name)
    padded = tf.pad(TOKENS, [[0, 0], [0, 3]], constant_values=PAD_ID)
    expected = outputs_of(model, TOKENS)
    for name, output in outputs_of(model, padded).items():
        assert_close(output, expected[name])
    if not case.is_latent:
        return
    assert_close(model.encode_tokens(padded), model.encode_tokens(TOKENS))
    if model.has_prior:
        weights = [
            model.log_importance_weights(tokens, 2, SEED)
            for tokens in (TOKENS, padded)
        ]
        assert_close(*weights)


@each_model
def test_first_row_alone_is_what_it_is_in_a_batch(case):
    """Without its padding, and with the noise of a first row."""
    model = made(case.name)
    alone = TOKENS[:1, : row_lengths(TOKENS)[0]]
    together = outputs_of(model, TOKENS)
    for name, output in outputs_of(model, alone).items():
        assert_close(output, together[name][:1])


@each_latent_model
def test_rows_do_not_depend_on_each_other(case):
    """Each row alone, without padding: batches of 1, lengths from 2 up."""
    model = made(case.name)
    codes = model.encode_tokens(TOKENS)
    sample = model.posterior(TOKENS).sample(seed=SEED)
    densities = model.posterior(TOKENS).log_prob(sample)
    for row, length in enumerate(row_lengths(TOKENS)):
        one = slice(row, row + 1)
        alone = TOKENS[one, :length]
        assert_close(model.encode_tokens(alone), codes[one])
        value = tf.nest.map_structure(lambda each, one=one: each[one], sample)
        density = model.posterior(alone).log_prob(value)
        # On a sphere, the difference of numbers as large as kappa.
        assert_close(density, densities[one], atol=1e-5)


@each_model
def test_one_text_without_words(case):
    """The smallest input there is: batch 1, time 2."""
    model = made(case.name)
    tokens = np.array([[START_ID, END_ID]], np.int32)
    outputs = outputs_of(model, tf.constant(tokens))
    assert all(np.isfinite(each).all() for each in outputs.values())
    if not case.is_latent:
        assert np.isfinite(model.log_likelihood([""])).all()
        assert len(model.generate(1)) == 1
        return
    for data in (tokens, [""]):
        assert model.encode(data).shape == (1, model.code_size)
        assert len(model.reconstruct(data)) == 1
    if model.has_prior:
        assert np.isfinite(model.log_likelihood(tokens, num_samples=2)).all()
        assert len(model.generate(1)) == 1


# In a graph alone; outside of one, Keras's LSTMCell refuses to have no rows.
@pytest.mark.parametrize(
    "case",
    [each for each in INSTALLED if "deterministic_layers" not in each.settings],
    ids=lambda case: case.name,
)
def test_no_rows(case):
    """Of no texts, nothing; not even an error."""
    model = made(case.name)
    tokens = model.vocabulary(tf.constant([], tf.string))
    assert tokens.shape[0] == 0
    for training in (False, True):
        for name, output in model(tokens, training=training).items():
            assert output.shape[0] == 0, name
    if not case.is_latent:
        assert model.token_log_likelihood(tokens).shape == (0,)
        return
    assert model.encode_tokens(tokens).shape == (0, model.code_size)
    assert model.reconstruct_tokens(tokens).shape[0] == 0
    if model.has_prior:
        bound = model.importance_weighted_bound(tokens, tf.constant(3), SEED)
        assert bound.shape == (0,)


@each_latent_model
def test_models_without_prior_say_so(case):
    model = made(case.name)
    if model.has_prior:
        assert model.prior is not None
        return
    with pytest.raises(ValueError, match="no prior"):
        model.generate(1)
    with pytest.raises(ValueError, match="no prior"):
        model.log_likelihood(TEXTS)


def test_compiled_by_xla():
    """For one model and fixed shapes; `compile` does not offer it.

    XLA has generators of its own, so only what has no noise can be equal.
    """
    model = made("vae_bound")

    @tf.function(jit_compile=True)
    def codes_and_gradients():
        with tf.GradientTape() as tape:
            outputs = model(TOKENS, training=True)
            loss = tf.reduce_sum(outputs["nll"] + outputs["kl"])
        gradients = tape.gradient(loss, model.trainable_weights)
        return model.encode_tokens(TOKENS), gradients

    codes, gradients = codes_and_gradients()
    assert_close(codes, model.encode_tokens(TOKENS))
    for gradient in gradients:
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()
