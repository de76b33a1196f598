"""ProdLDA: parity with NumPy, the bound, invariances, topics."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp

import keras_textgen
from keras_textgen.data.batches.bags import count_words
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.topics.prodlda import ProdLDA
from keras_textgen.noise import Noise, TextNoise
from keras_textgen.schedules import LinearSchedule
from tests.models.tiny_bags import COUNTS, WORDS, bags
from tests.models.tiny_models import close, known_values, with_values_in_order

DENSE = COUNTS.toarray().astype(np.float64)
KNOWN = DENSE.sum(axis=1) > 0
SETTINGS = {
    "num_topics": 3,
    "hidden_units": 4,
    "concentration": 0.7,
    "dropout": 0.4,
    "seed": 5,
}
NORMS = ("loc_norm", "log_variance_norm", "word_norm")


def tiny(**settings):
    model = ProdLDA(Vocabulary(WORDS), **{**SETTINGS, **settings})
    with_values_in_order(model)
    for phase, name in enumerate(NORMS):
        layer = getattr(model, name)
        layer.moving_mean.assign(known_values(layer.moving_mean.shape, phase))
        spread = known_values(layer.moving_variance.shape, phase + 9)
        layer.moving_variance.assign(1.5 + spread)
    return model


@pytest.fixture(scope="module")
def model():
    return tiny()


# -- Parity -------------------------------------------------------------------


def normalized(layer, values, training):
    offset, mean, variance = layer.get_weights()
    if training:
        mean = values[KNOWN].mean(axis=0)
        variance = values[KNOWN].var(axis=0)
    return (values - mean) / np.sqrt(variance + 1e-3) + offset


def softplus(layer, values):
    kernel, bias = (np.float64(each) for each in layer.get_weights())
    return np.log1p(np.exp(values @ kernel + bias))


def reference(model, counts, noise, training=False):
    """nll and kl by part of each document, from the equations.

    Args:
        noise: What z is drawn with; and in training the chances of dropout of
            h and of theta.
    """
    z_noise, *chances = (np.float64(each) for each in noise)

    def dropped(values, chance):
        kept = chance >= model.dropout
        return np.where(kept, values / (1 - model.dropout), 0)

    hidden = softplus(model.hidden_2, softplus(model.hidden_1, counts))
    if training:
        hidden = dropped(hidden, chances[0])
    parameters = [
        normalized(norm, hidden @ head.kernel.numpy(), training)
        for head, norm in (
            (model.loc, model.loc_norm),
            (model.log_variance, model.log_variance_norm),
        )
    ]
    loc, variance = parameters[0], np.exp(parameters[1])
    z = loc + np.sqrt(variance) * z_noise
    theta = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    if training:
        theta = dropped(theta, chances[1])
    logits = normalized(model.word_norm, theta @ model.beta.numpy(), training)
    log_p = logits - logsumexp(logits, axis=1, keepdims=True)
    # Of Dirichlet(a, a, a): all means are 0, all variances (1 - 1/3) / a.
    prior = (1 - 1 / 3) / model.concentration
    kl = variance / prior + loc**2 / prior - 1 + np.log(prior / variance)
    return -(counts * log_p).sum(axis=1), KNOWN[:, np.newaxis] * kl / 2


def test_evaluation_against_numpy(model):
    batch = bags()
    noise = TextNoise.of_bags(batch["columns"], batch["counts"], [5, 0])
    nll, kl = reference(model, DENSE, [noise.normal("z", [5, 3])])
    outputs = model.step_outputs(batch, training=False)
    close(outputs["nll"], nll, 1e-5)
    close(outputs["kl"], kl.sum(axis=1), 1e-5)
    close(outputs["losses"], nll + kl.sum(axis=1), 1e-5)
    assert nll[2] == kl[2].sum() == 0
    assert outputs["num_tokens"].numpy().tolist() == [3, 10, 0, 5, 7]
    assert outputs["is_known"].numpy().tolist() == [1, 1, 0, 1, 1]


def test_training_against_numpy():
    model = tiny(free_bits_per_dimension=0.7, kl_schedule=LinearSchedule(8))
    model.train_steps.assign(2)
    noise = Noise(model.step_seed())
    drawn = [
        noise.normal("z", [5, 3]),
        noise.uniform("hidden", [5, 4]),
        noise.uniform("shares", [5, 3]),
    ]
    nll, kl = reference(model, DENSE, drawn, training=True)
    outputs = model.step_outputs(bags(), training=True)
    close(outputs["nll"], nll, 1e-5)
    close(outputs["kl_parts"], kl, 1e-5)
    floors = np.where(kl.mean(axis=0) > 0.7, kl, 0.7)
    assert (kl.mean(axis=0) > 0.7).any()
    assert (kl.mean(axis=0) < 0.7).any()
    # Two of eight steps are behind it.
    close(outputs["losses"], nll + 0.25 * floors.sum(axis=1), 1e-5)


def test_kl_and_prior_against_tfp(model):
    prior = model.prior
    deviation = np.sqrt((1 / 0.7) * (1 - 2 / 3) + 3 / 0.7 / 9)
    close(prior.mean(), np.zeros(3))
    close(prior.stddev(), np.full(3, deviation))
    posterior = model.posterior(bags())
    tfd = tfp.distributions
    expected = tfd.kl_divergence(
        tfd.MultivariateNormalDiag(posterior.mean(), posterior.stddev()),
        tfd.MultivariateNormalDiag(tf.zeros(3), prior.stddev()),
    )
    found = model(bags())["kl"]
    close(tf.boolean_mask(found, KNOWN), tf.boolean_mask(expected, KNOWN), 1e-5)


def test_codes_are_the_shares_at_the_mean(model):
    loc = model.posterior(bags()).mean().numpy()
    expected = np.exp(loc) / np.exp(loc).sum(axis=1, keepdims=True)
    close(model.encode(COUNTS), expected, 1e-6)


def test_the_bound_is_below_the_likelihood():
    """The integral over z by a grid; the mean of the bound, too."""
    model = tiny(num_topics=2)
    model.log_variance_norm.offset.assign([-1.0, -1.0])
    batch = bags(rows=[0, 1, 3, 4])
    counts = DENSE[[0, 1, 3, 4]]
    ends = np.linspace(-15, 15, 301)
    grid = np.stack(np.meshgrid(ends, ends), axis=-1).reshape(-1, 2)
    shares = tf.nn.softmax(tf.constant(grid, tf.float32))
    log_words = tf.nn.log_softmax(model.word_logits(shares)).numpy()
    log_px_z = counts @ np.float64(log_words).T  # [documents, points]
    cell = 2 * np.log(ends[1] - ends[0])

    def densities(distribution):
        points = tf.constant(grid[:, np.newaxis], tf.float32)
        return np.float64(distribution.log_prob(points)).T

    log_px = logsumexp(log_px_z + densities(model.prior), axis=1) + cell
    q = np.exp(densities(model.posterior(batch)) + cell)
    np.testing.assert_allclose(q.sum(axis=1), 1, rtol=1e-4)
    bound = (q * log_px_z).sum(axis=1) - model(batch)["kl"].numpy()
    assert np.all(bound < log_px - 1e-3)
    # A sample's nll has this mean.
    noise = np.random.default_rng(0).normal(size=(4000, 4, 2))
    posterior = model.posterior(batch)
    z = posterior.mean().numpy() + posterior.stddev().numpy() * noise
    z = tf.constant(z.reshape(-1, 2), tf.float32)
    logits = model.word_logits(tf.nn.softmax(z))
    logs = tf.nn.log_softmax(logits).numpy().reshape(4000, 4, -1)
    sampled = (counts * logs).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(
        sampled, (q * log_px_z).sum(axis=1), rtol=0.01, atol=0.05
    )


# -- Invariances ---------------------------------------------------------------


def test_one_text_has_one_answer(model):
    texts = ["Red rose! Red...", "ship, SAIL ship sail ship sea ship waves"]
    counts = count_words(texts, model.vocabulary)
    ids = [[4, 5, 4], [2, 8, 10, 8, 10, 8, 7, 8, 1, 3]]
    expected = model.predict(counts, verbose=0)
    for data in (texts, ids, counts.toarray(), texts[:1] * 3 + texts[1:]):
        found = model.predict(data, batch_size=3, verbose=0)
        for name, values in expected.items():
            close(found[name][[0, -1]], values, 1e-5)
    # A word with two places, as a served model reads it.
    twice = {
        "columns": tf.constant([[1, 0, 0, 5]]),
        "counts": tf.constant([[1.0, 1.0, 1.0, 0.0]]),
    }
    close(model(twice)["nll"][0], expected["nll"][0], 1e-5)


def test_documents_without_a_known_word_are_in_no_mean():
    model = tiny(dropout=0.0)
    expected = model.evaluate(COUNTS[KNOWN], verbose=0)
    close(model.evaluate(COUNTS, verbose=0), expected, 1e-6)
    alone = tiny(dropout=0.0)
    alone.train_on_batch(COUNTS[[0, 1, 3, 4]])
    # The noise of a row is by its place; the last one is nobody's.
    model.train_on_batch(COUNTS[[0, 1, 3, 4, 2]])
    for name in NORMS[:2]:
        close(
            getattr(model, name).moving_mean, getattr(alone, name).moving_mean
        )


def test_training_draws_by_step():
    model = tiny()
    first = model(bags(), training=True)["nll"].numpy()
    again = tiny()
    close(again(bags(), training=True)["nll"], first)
    again.train_steps.assign(1)
    assert np.abs(again(bags(), training=True)["nll"] - first).max() > 0.01


# -- Training and topics -------------------------------------------------------

ROSES = ["red rose wine", "red wine rose red", "rose wine red", "wine red"]
SHIPS = ["sea ship wave", "wave sea sail", "sail ship wave", "sail sea ship"]


@pytest.fixture(scope="module")
def trained():
    model = ProdLDA(Vocabulary(WORDS), num_topics=2, hidden_units=8, seed=3)
    optimizer = keras.optimizers.Adam(0.05, beta_1=0.9)
    model.compile(optimizer)
    history = model.fit(
        4 * (ROSES + SHIPS),
        batch_size=16,
        epochs=60,
        validation_data=ROSES + SHIPS,
        verbose=0,
    )
    return model, history.history


def test_training_separates_topics(trained):
    model, history = trained
    assert history["val_loss"][-1] < 0.9 * history["val_loss"][0]
    assert history["val_elbo"][-1] == -history["val_loss"][-1]
    topics = model.topics(ROSES + SHIPS + ["a rosy rose", "to sea", "none"])
    rose, ship = topics[0], topics[4]
    assert rose != ship
    assert topics.tolist() == [rose] * 4 + [ship] * 4 + [rose, ship, -1]
    words = model.topic_words(3)
    assert set(words[rose]) == {"red", "rose", "wine"}
    assert set(words[ship]) < {"sea", "ship", "wave", "sail"}


def test_topic_words_are_those_of_beta(model):
    expected = np.argsort(-model.beta.numpy(), axis=1)[:, :2]
    words = [[WORDS[each] for each in row] for row in expected]
    assert model.topic_words(2) == words


def test_topics_and_shares(model):
    found = model.topic_outputs(bags())
    codes = model.encode(COUNTS)
    topics = np.where(KNOWN, codes.argmax(axis=1), -1)
    assert found["topic"].numpy().tolist() == topics.tolist()
    assert model.topics(COUNTS).tolist() == topics.tolist()
    close(found["share"][:2], codes.max(axis=1)[:2])
    assert np.isnan(found["share"][2])


def test_saved_with_vocabulary_and_moving_figures(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path / "model.keras")
    loaded = keras_textgen.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    texts = [*ROSES, *SHIPS, "sail the sea", "unknown"]
    np.testing.assert_array_equal(loaded.encode(texts), model.encode(texts))
    found = loaded.predict(texts, verbose=0)
    np.testing.assert_array_equal(
        found["nll"], model.predict(texts, verbose=0)["nll"]
    )


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    def made():
        model = tiny(kl_schedule=LinearSchedule(8))
        model.compile(model.default_optimizer)
        return model

    def train(model, first, last):
        model.fit(
            COUNTS,
            batch_size=2,
            initial_epoch=first,
            epochs=last,
            verbose=0,
        )

    whole, first = made(), made()
    train(whole, 0, 4)
    train(first, 0, 2)
    first.save(tmp_path / "half.keras")
    second = keras_textgen.load_model(tmp_path / "half.keras")
    train(second, 2, 4)
    for found, expected in zip(
        second.get_weights(), whole.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_the_optimizer_of_the_paper():
    model = tiny()
    model.fit(COUNTS, verbose=0)
    assert model.optimizer.beta_1 == 0.99
    assert float(model.optimizer.learning_rate) == pytest.approx(2e-3)


def test_number_of_parameters():
    model = ProdLDA(num_words=11, num_topics=3, hidden_units=5)
    hidden = 11 * 5 + 5 + 5 * 5 + 5
    heads = 2 * (5 * 3 + 3)
    words = 3 * 11 + 11
    sizes = [np.prod(each.shape) for each in model.trainable_variables]
    assert sum(sizes) == hidden + heads + words


# -- Refusals ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "neither vocabulary nor num_words"),
        ({"num_words": 0}, "num_words=0; allowed: whole"),
        ({"num_words": 3, "num_topics": 1}, "num_topics=1; allowed: whole num"),
        ({"num_words": 3, "num_topics": "3"}, "num_topics='3'; allowed: whole"),
        ({"num_words": 3, "num_topics": 2.5}, "num_topics=2.5; allowed: whole"),
        ({"num_words": 3, "concentration": "a"}, "concentration='a'; allowed"),
        ({"num_words": 3, "hidden_units": 0}, "hidden_units=0"),
        ({"num_words": 3, "dropout": 1.0}, "dropout=1.0; allowed: numbers"),
        ({"num_words": 3, "concentration": 0.0}, "concentration=0.0; allowed"),
        ({"num_words": 3, "free_bits": -1.0}, "free_bits=-1.0"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        ProdLDA(**settings)
