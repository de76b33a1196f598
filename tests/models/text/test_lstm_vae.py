"""The LSTM-VAE and LSTM-VAE-AVG against their equations in NumPy."""

import itertools
import re

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.noise import TextNoise
from tests.models import numpy_reference as reference
from tests.models.tiny_models import (
    BATCHES,
    SEQUENCES,
    SIZES,
    WORDS,
    KnownNoise,
    KnownUniform,
    close,
    log_likelihood,
    lstm_vae,
    padded,
    ptb_parameters,
    recorded_noises,
    reference_weights,
)

ROWS = len(SEQUENCES)
TIME = max(map(len, SEQUENCES)) - 1
E, H, Z, L = 3, 4, SIZES["latent_dim"], 3

LIKELIHOODS = {"num_samples": L}
STATES = {"averages": True, "num_samples": L}
VARIANTS = {
    "one sample": {},
    "likelihoods": LIKELIHOODS,
    "states": STATES,
    "states of two GRUs": {**STATES, "rnn_type": "gru", "num_layers": 2},
    "code in the first state alone": {**LIKELIHOODS, "feed_latent": False},
}
each_averaging = pytest.mark.parametrize(
    "settings", [LIKELIHOODS, STATES], ids=["likelihoods", "states"]
)


def averages(model):
    return isinstance(model, LSTMVAEAVG)


def by_sequence(epsilon):
    """Noise [rows, L, Z] from [rows * L, Z]."""
    return np.reshape(epsilon, [ROWS, -1, Z])


def expected(model, sequences, epsilon, **options):
    """Results in NumPy, epsilon [rows, L, Z]."""
    weights = reference_weights(model)
    return [
        reference.lstm_vae(
            weights,
            tokens,
            of_row,
            averages_states=averages(model),
            feed_latent=model.feed_latent,
            **options,
        )
        for tokens, of_row in zip(sequences, epsilon, strict=True)
    ]


def infer(model, tokens, noise):
    """One inference for each code that is decoded."""
    features = tf.repeat(model.read(tokens), model.codes_per_text, axis=0)
    return model.infer(features, noise)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("inputless", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_agrees_with_numpy(batch, inputless, variant):
    keep = 0 if inputless else 1
    model = lstm_vae(word_keep_rate=keep, **VARIANTS[variant])
    sequences, noise = BATCHES[batch], KnownNoise(ROWS * model.num_samples, Z)
    tokens = padded(sequences, 9 if batch == "padded" else None)
    inference = infer(model, tokens, noise)
    scores = log_likelihood(model, inference.code, tokens)
    found = [
        np.reshape(each, [ROWS, model.codes_per_text])
        for each in (inference.kl, inference.log_ratio, scores)
    ]
    epsilon = by_sequence(noise.values("z"))
    results = expected(model, sequences, epsilon, inputless=inputless)
    for kl, log_ratio, score, code, result in zip(
        *found, by_sequence(inference.code), results, strict=True
    ):
        close(code, result.code)
        close(kl, result.divergences * model.codes_per_text)
        close(log_ratio, result.log_ratio)
        close(np.mean(score), -result.nll)


@pytest.mark.parametrize("training", [False, True])
@each_averaging
def test_call_agrees_with_numpy(monkeypatch, settings, training):
    model, dropout = lstm_vae(dropout=0.4, **settings), 0.4
    owner = LSTMVAEAVG if averages(model) else LSTMVAE
    noises = recorded_noises(monkeypatch, owner)
    outputs = model(padded(SEQUENCES), training=training)
    (noise,) = noises
    latents = noise.of_copies(L) if averages(model) else noise
    epsilon = by_sequence(latents.normal("z", [ROWS * L, Z]))
    inputs = np.ones([ROWS, TIME, E])
    hidden = np.ones([ROWS, model.codes_per_text, TIME, H])
    if training:
        for name, factors in (("inputs", inputs), ("outputs", hidden)):
            chance = noise.uniform(name, [ROWS, factors[0].size])
            kept = np.reshape(chance, factors.shape) >= dropout
            factors[:] = kept / (1 - dropout)
    results = with_dropout(model, epsilon, inputs, hidden)
    close(outputs["nll"], [result.nll for result in results])
    close(outputs["kl"], [result.divergences[0] for result in results])
    lengths = [len(sequence) - 1 for sequence in SEQUENCES]
    assert outputs["num_tokens"].numpy().tolist() == lengths


def with_dropout(model, epsilon, inputs, hidden):
    """Results, given factors [rows, time, E] and [rows, codes, time, H]."""
    results = []
    for row, tokens in enumerate(SEQUENCES):
        steps, one = len(tokens) - 1, slice(row, row + 1)
        of_hidden = np.moveaxis(hidden[row, :, :steps], 0, 1)
        if averages(model):
            of_hidden = of_hidden[:, 0]
        results += expected(
            model,
            [tokens],
            epsilon[one],
            factors=inputs[row, :steps],
            outputs=of_hidden,
        )
    return results


@each_averaging
def test_dropout_of_embedded_words_and_of_hidden_states(settings):
    """The code is joined afterwards; states are averaged before."""
    model, noise = lstm_vae(dropout=0.3, **settings), KnownUniform()
    known = KnownNoise(ROWS * L, Z)
    tokens = padded(SEQUENCES)
    code = infer(model, tokens, known).code
    state = model.initial_state(code)
    scores = model.decode_log_likelihood(state, tokens, noise)
    shape = (ROWS, model.codes_per_text, TIME, H)
    results = with_dropout(
        model,
        by_sequence(known.values("z")),
        noise.factors("inputs", (ROWS, TIME, E), 0.3),
        noise.factors("outputs", shape, 0.3),
    )
    means = np.mean(np.reshape(scores, [ROWS, model.codes_per_text]), axis=1)
    close(means, [-result.nll for result in results])


def test_training_loss_agrees_with_numpy():
    """Free bits per dimension, bag of words, and a weight of the KL."""
    floor, of_words, kl_weight = 0.26, 0.5, 0.25
    model = lstm_vae(
        **LIKELIHOODS,
        free_bits_per_dimension=floor,
        bag_of_words_weight=of_words,
    )
    tokens, noise = padded(SEQUENCES), KnownNoise(ROWS * L, Z)
    inference = infer(model, tokens, noise)
    outputs = model.training_outputs(inference, tokens, noise)
    results = expected(model, SEQUENCES, by_sequence(noise.values("z")))
    nll = np.array([result.nll for result in results])
    outputs["nll"] = tf.constant(nll, tf.float32)

    weights = reference_weights(model)
    words = [
        -np.mean(reference.bag_of_words(weights, tokens, result.code))
        for tokens, result in zip(SEQUENCES, results, strict=True)
    ]
    close(outputs["bag_of_words_nll"], words)
    posteriors = [result.posterior[0] for result in results]
    means = np.array([each.mean for each in posteriors])
    log_variances = np.array([each.log_variance for each in posteriors])
    kl = (np.exp(log_variances) + means**2 - 1 - log_variances) / 2
    floored = np.maximum(np.mean(kl, axis=0), floor)
    assert np.count_nonzero(floored == floor) == 1
    losses = model.training_losses(outputs, tf.constant(kl_weight))
    mean = np.mean(nll) + kl_weight * np.sum(floored)
    close(np.mean(losses), mean + of_words * np.mean(words))


# -- Known numbers -------------------------------------------------------------

GOLDEN_CODE = [
    [-0.051762, -2.381127],
    [0.460645, 0.445030],
    [-0.447654, -1.950560],
]
GOLDEN_KL = [0.571018, 0.588744, 0.438340]
GOLDEN_NLL = {
    "likelihoods": [10.078206, 3.637397, 9.710834],
    "states": [9.916728, 3.631653, 9.638223],
}


@pytest.mark.parametrize("variant", GOLDEN_NLL)
def test_golden_values(variant):
    """Numbers of the NumPy reference, written down once."""
    model, noise = lstm_vae(**VARIANTS[variant]), KnownNoise(ROWS * L, Z)
    tokens = padded(SEQUENCES)
    inference = infer(model, tokens, noise)
    scores = np.reshape(
        log_likelihood(model, inference.code, tokens), [ROWS, -1]
    )
    kl = np.reshape(inference.kl, [ROWS, -1])
    close(by_sequence(inference.code)[0], GOLDEN_CODE)
    close(kl[:, 0], GOLDEN_KL)
    close(-np.mean(scores, axis=1), GOLDEN_NLL[variant])


def test_number_of_parameters_with_the_ptb_settings():
    embedding = 10_002 * 100
    encoder = 4 * (100 * 400 + 400 * 400 + 400)
    heads = 2 * (400 * 32 + 32)
    initial_map = 32 * 400
    decoder = 4 * ((100 + 32) * 400 + 400 * 400 + 400)
    softmax = 400 * 10_002 + 10_002
    expected = 2 * embedding + encoder + heads + initial_map + decoder + softmax
    sizes = {"embedding_dim": 100, "rnn_units": 400, "latent_dim": 32}
    assert ptb_parameters(LSTMVAE, **sizes) == expected == 7_704_066


def test_all_parameters_start_from_the_papers_distribution():
    model = LSTMVAE(Vocabulary(WORDS), seed=3)
    for weight in model.trainable_variables:
        values = weight.numpy()
        assert np.max(np.abs(values)) <= 0.1
        assert len(np.unique(values)) > 0.9 * values.size
        if values.size > 1000:
            assert np.var(values) == pytest.approx(0.01 / 3, rel=0.1)


# -- Decoding ------------------------------------------------------------------


@pytest.mark.parametrize("copies", [1, L])
def test_averaged_states_token_by_token(copies):
    """From one latent or L of them, what the whole sequence costs."""
    model = lstm_vae(**STATES)
    code = np.sin(np.arange(copies * Z))[np.newaxis]
    tokens, total = SEQUENCES[0], 0.0
    state = model.initial_state(tf.constant(code, tf.float32))
    for token, target in itertools.pairwise(tokens):
        logits, state = model.next_token_logits(tf.constant([token]), state)
        total += tf.nn.log_softmax(logits)[0, target]
    weights = reference_weights(model)
    hidden = reference.decode_hidden(
        weights, tokens, code.reshape(copies, Z), feed_latent=True
    )
    mean = reference.next_token_logits(weights, np.mean(hidden, axis=1))
    close(total, reference.at_targets(mean, tokens))


def test_equal_latents_are_as_good_as_one():
    model, tokens = lstm_vae(**STATES), padded(SEQUENCES)
    code = model.encode_tokens(tokens)
    one = log_likelihood(model, code, tokens)
    close(log_likelihood(model, tf.tile(code, [1, L]), tokens), one)
    close(log_likelihood(lstm_vae(), code, tokens), one)


def test_codes_are_single_latents():
    tokens = padded(SEQUENCES).numpy()
    codes = lstm_vae().encode(tokens)
    assert codes.shape == (ROWS, Z)
    model = lstm_vae(**STATES)
    assert model.code_size == Z
    close(model.encode(tokens), codes)
    assert len(model.decode(codes, beam_width=2)) == ROWS


def test_averaged_states_generate_from_the_prior_of_all_latents():
    model, noise = lstm_vae(**STATES, max_length=8), KnownNoise(5 * L, Z)
    codes = model.prior_code(tf.constant(5), noise)
    close(codes, noise.values("z").reshape(5, L * Z))
    texts = model.generate(10, seed=1)
    assert texts == model.generate(10, seed=1) != model.generate(10, seed=2)
    assert {word for text in texts for word in text.split()} <= set(WORDS)


# -- Bounds --------------------------------------------------------------------


def test_kinds_of_likelihood():
    assert lstm_vae(**LIKELIHOODS).likelihood_kind == "lower bound"
    assert lstm_vae(**STATES).likelihood_kind == "reconstruction"


@each_averaging
def test_importance_weights_agree_with_numpy(settings):
    model, count = lstm_vae(**settings), 4
    seed = tf.constant([3, 4])
    tokens = padded(SEQUENCES)
    weights = model.log_importance_weights(tokens, count, seed)
    assert weights.shape == (count, ROWS)
    # The samples of a sequence follow each other, and the latents of a sample.
    latents = L if averages(model) else 1
    noise = TextNoise.of(tokens, seed).of_samples(0, count * latents)
    epsilon = noise.normal("z", [ROWS * count * latents, Z])
    epsilon = np.reshape(epsilon, [ROWS, count, latents, Z])
    for row, tokens in enumerate(SEQUENCES):
        results = expected(model, [tokens] * count, epsilon[row])
        log_weights = [-each.nll - each.log_ratio for each in results]
        close(weights[:, row], np.ravel(log_weights))


def test_single_latent_bound_agrees_with_numpy():
    seed = tf.constant([3, 4])
    noise = TextNoise.of(padded(SEQUENCES), seed)
    epsilon = by_sequence(noise.normal("z", [ROWS, Z]))
    model = lstm_vae(**STATES)
    bound = model.single_latent_bound_of_tokens(padded(SEQUENCES), seed)
    results = expected(model, SEQUENCES, epsilon)
    close(bound, [-each.nll - each.divergences[0] for each in results])


def test_single_latent_bound_of_data():
    model = lstm_vae(**STATES)
    tokens = padded(SEQUENCES).numpy()
    bound = model.single_latent_bound(tokens, seed=1, batch_size=2)
    assert bound.shape == (ROWS,)
    again = model.single_latent_bound(tokens, seed=1, batch_size=2)
    np.testing.assert_array_equal(bound, again)
    assert np.all(bound != model.single_latent_bound(tokens, seed=2))


# -- Bad input -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"objective": "reference"},
            "objective='reference'; allowed: bound",
        ),
        (
            {"num_samples": 0},
            "num_samples=0; allowed: whole numbers, 1 or more",
        ),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lstm_vae(**settings)
