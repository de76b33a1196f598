"""What the remedies against posterior collapse do to the KL.

The corpus is a Markov chain of 8 words: a decoder that has seen the last word
gains little from a code, so plain training leaves it unused.
"""

from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.sphere import kl_to_uniform
from keras_textgen.evaluation.diagnostics import mutual_information
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.schedules import (
    ConstantSchedule,
    CyclicalSchedule,
    LinearSchedule,
)
from keras_textgen.tokens import END_ID, START_ID

NUM_WORDS, FIRST_WORD = 8, 4
NUM_TEXTS, TEXT_LENGTH, BATCH_SIZE = 256, 6, 128
EPOCH_STEPS = 25


def corpus():
    """Each word determines the next one, in seven cases of ten."""
    generator = np.random.default_rng(0)
    words = [generator.integers(NUM_WORDS, size=NUM_TEXTS)]
    for _ in range(TEXT_LENGTH - 1):
        is_free = generator.random(NUM_TEXTS) < 0.3
        free = generator.integers(NUM_WORDS, size=NUM_TEXTS)
        words.append(np.where(is_free, free, (3 * words[-1] + 1) % NUM_WORDS))
    ends = np.full([NUM_TEXTS, 1], END_ID)
    starts = np.full([NUM_TEXTS, 1], START_ID)
    texts = FIRST_WORD + np.transpose(words)
    return np.hstack([starts, texts, ends]).astype(np.int32)


TOKENS = corpus()


class Trained(NamedTuple):
    """A model after training.

    Attributes:
        model: The model.
        kl: Means over epochs of 25 steps.
    """

    model: keras.Model
    kl: np.ndarray

    def final_kl(self):
        """Mean over the corpus."""
        return np.mean(self.model(tf.constant(TOKENS))["kl"])

    def information(self):
        batches = SequenceBatches(TOKENS.tolist(), BATCH_SIZE)
        return mutual_information(self.model, batches, NUM_TEXTS)


def make(**settings):
    keras.utils.set_random_seed(0)
    return SentenceVAE(
        Vocabulary([f"w{i}" for i in range(NUM_WORDS)]),
        objective="bound",
        embedding_dim=8,
        rnn_units=16,
        num_layers=1,
        latent_dim=4,
        seed=1,
        **settings,
    )


def train(model, steps=200, optimizer=None):
    model.compile(optimizer or keras.optimizers.Adam(0.02, global_clipnorm=5.0))
    batches = SequenceBatches(TOKENS.tolist(), BATCH_SIZE)
    history = model.fit(
        batches.training_stream(),
        steps_per_epoch=EPOCH_STEPS,
        epochs=steps // EPOCH_STEPS,
        verbose=0,
    ).history
    return Trained(model, np.array(history["kl"]))


@pytest.fixture(scope="module")
def plain():
    return train(make())


@pytest.fixture(scope="module")
def plain_fed():
    return train(make(feed_latent=True))


def test_plain_training_collapses(plain, plain_fed):
    """To a tenth of a nat, even with the code at every step."""
    for trained in (plain, plain_fed):
        assert trained.final_kl() < 0.1
        assert trained.information() < 0.1


# -- In the objective ----------------------------------------------------------


def test_free_bits_hold_the_divergence_at_their_floor():
    trained = train(make(free_bits=4.0))
    assert np.all(np.abs(trained.kl[-2:] - 4) < 0.5)
    assert trained.final_kl() == pytest.approx(4, abs=0.5)
    assert trained.information() > 2


def test_free_bits_per_dimension_hold_each_of_them():
    trained = train(make(free_bits_per_dimension=1.0))
    posterior = trained.model.posterior(tf.constant(TOKENS))
    means, scales = posterior.mean().numpy(), posterior.stddev().numpy()
    kl = (scales**2 + means**2 - 1 - 2 * np.log(scales)) / 2
    np.testing.assert_allclose(np.mean(kl, axis=0), np.ones(4), atol=0.3)
    assert trained.final_kl() == pytest.approx(np.sum(np.mean(kl, axis=0)))


def test_bag_of_words_loss_asks_the_code_for_the_words(plain):
    trained = train(make(bag_of_words_weight=1.0))
    assert trained.final_kl() > plain.final_kl() + 0.7
    assert trained.information() > plain.information() + 0.7


def test_divergence_of_the_von_mises_fisher_is_constant():
    model = make(posterior_family="vmf", concentration=30.0)
    constant = kl_to_uniform(4, 30.0)
    before = model.encode(TOKENS)
    trained = train(model, steps=50)
    np.testing.assert_allclose(trained.kl, constant, rtol=1e-5)
    outputs = trained.model(tf.constant(TOKENS))
    np.testing.assert_allclose(outputs["kl"], constant, rtol=1e-6)
    # It is not for want of training.
    assert np.mean(np.abs(model.encode(TOKENS) - before)) > 0.1


# -- In the decoder ------------------------------------------------------------


def test_words_that_are_dropped_must_come_from_the_code(plain):
    trained = train(make(word_keep_rate=0.25))
    assert trained.final_kl() > plain.final_kl() + 0.4


@pytest.mark.slow
def test_more_is_read_from_a_code_at_every_step():
    """Where the weight of the KL is small; at weight 1 nothing is."""
    schedule = ConstantSchedule(0.2)
    kl = [
        train(make(feed_latent=fed, kl_schedule=schedule), steps=100).final_kl()
        for fed in (False, True)
    ]
    assert kl[1] > kl[0] + 0.7


# -- In the schedule -----------------------------------------------------------


def test_divergence_rises_while_a_linear_weight_is_small(plain_fed):
    schedule = LinearSchedule(200)
    trained = train(make(feed_latent=True, kl_schedule=schedule))
    # Up to a weight of 1/4.
    assert np.all(trained.kl[:2] > plain_fed.kl[:2] + 1)
    assert trained.kl[-1] < 0.7 * trained.kl[0]
    assert trained.final_kl() > plain_fed.final_kl() + 0.5


def test_divergence_rises_at_the_start_of_every_cycle(plain_fed):
    schedule = CyclicalSchedule(100, ramp_fraction=1.0)
    trained = train(make(feed_latent=True, kl_schedule=schedule))
    first, second = np.split(trained.kl, 2)
    assert first[0] > plain_fed.kl[0] + 0.5
    assert min(first[0], second[0]) > 2 * first[-1]
    assert second[-1] < second[0]


# -- Encoder and decoder at different times ------------------------------------


@pytest.mark.slow
def test_an_aggressive_encoder_catches_up_with_the_decoder():
    """The decoder depends on the code when a new encoder begins to learn.

    Trained together, the decoder forgets the code before the encoder gives it
    a meaning (He et al. 2019, section 3.2). Steps are equal in number.
    """
    schedule = ConstantSchedule(0.2)
    model = make(feed_latent=True, kl_schedule=schedule)
    pretrained = train(model, steps=150)
    assert pretrained.information() > 2
    information = []
    for is_aggressive in (False, True):
        model = make(feed_latent=True, aggressive_encoder=is_aggressive)
        of_encoder = {id(each) for each in model.encoder_variables()}
        for variable, value in zip(
            model.trainable_variables,
            pretrained.model.trainable_variables,
            strict=True,
        ):
            if id(variable) not in of_encoder:
                variable.assign(value)
        sgd = keras.optimizers.SGD(0.2, global_clipnorm=5.0)
        information.append(train(model, 100, sgd).information())
    assert information[1] > information[0] + 0.5
