"""Active units by hand, mutual information by numerical integration."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.evaluation import diagnostics
from keras_textgen.evaluation.diagnostics import (
    active_units,
    mutual_information,
)

tfd = tfp.distributions

KINDS = 6
SCALE = 0.7


def word_of(tokens) -> tf.Tensor:
    """The word of a sequence, 0 to KINDS - 1, as float [M, 1]."""
    return tf.cast(tokens[:, 1:2] - 4, tf.float32)


class FlatModel:
    """q(z | x) = N(word of x, SCALE^2)."""

    def posterior(self, tokens):
        return tfd.MultivariateNormalDiag(word_of(tokens), [SCALE])


class LowerLevelModel:
    """The first part tells the word; the second only repeats the first."""

    def posterior(self, tokens):
        return tfd.JointDistributionSequential(
            [
                tfd.MultivariateNormalDiag(word_of(tokens), [SCALE]),
                lambda z: tfd.MultivariateNormalDiag(3.0 * z, [0.5]),
            ]
        )


class UpperLevelModel:
    """The word shows in the difference of the parts alone."""

    def posterior(self, tokens):
        word = word_of(tokens)
        return tfd.JointDistributionSequential(
            [
                tfd.MultivariateNormalDiag(tf.zeros_like(word), [2.0]),
                lambda z: tfd.MultivariateNormalDiag(word + z, [SCALE]),
            ]
        )


class FactorModel:
    """Two independent parts of one code, both of them the word."""

    def posterior(self, tokens):
        loc = tf.repeat(word_of(tokens), 2, axis=1)
        return tfd.MultivariateNormalDiag(
            loc, [float(SCALE * np.sqrt(2.0))] * 2
        )


@pytest.fixture(scope="module")
def batches() -> SequenceBatches:
    words = np.arange(1200) % KINDS + 4
    sequences = [[2, word, 3] for word in words]
    return SequenceBatches(sequences, batch_size=500)


def exact_mutual_information() -> float:
    """The entropy of the mixture less that of a component."""
    z = np.linspace(-8.0, KINDS + 8.0, 20_001)
    loc = np.arange(KINDS)[:, np.newaxis]
    components = np.exp(-(((z - loc) / SCALE) ** 2) / 2)
    mixture = np.mean(components, 0) / (SCALE * np.sqrt(2 * np.pi))
    entropy = -np.trapezoid(mixture * np.log(mixture), z)
    return float(entropy - np.log(SCALE * np.sqrt(2 * np.pi * np.e)))


# The mean of two measurements with noise of variance 2 s^2 has noise s^2.
@pytest.mark.parametrize(
    "model", [FlatModel(), LowerLevelModel(), UpperLevelModel(), FactorModel()]
)
def test_mutual_information_is_the_integral(batches, model):
    estimate = mutual_information(model, batches, num_sequences=1200)
    assert estimate == pytest.approx(exact_mutual_information(), abs=0.06)


def test_blocks_do_not_change_the_estimate(batches, monkeypatch):
    expected = mutual_information(UpperLevelModel(), batches, 40)
    monkeypatch.setattr(diagnostics, "_PAIRS_PER_BLOCK", 280)
    estimate = mutual_information(UpperLevelModel(), batches, 40)
    assert estimate == pytest.approx(expected, abs=1e-5)
    monkeypatch.setattr(diagnostics, "_PAIRS_PER_BLOCK", 1)
    estimate = mutual_information(UpperLevelModel(), batches, 40)
    assert estimate == pytest.approx(expected, abs=1e-5)


def test_posterior_that_ignores_the_sequence_tells_nothing(batches):
    class Collapsed:
        def posterior(self, tokens):
            loc = tf.zeros([tf.shape(tokens)[0], 3])
            return tfd.MultivariateNormalDiag(loc)

    assert mutual_information(Collapsed(), batches) == pytest.approx(
        0.0, abs=1e-5
    )


def test_estimate_is_capped_by_the_number_of_sequences():
    class Sharp:
        def posterior(self, tokens):
            return tfd.MultivariateNormalDiag(word_of(tokens), [1e-3])

    sequences = [[2, word, 3] for word in range(4, 104)]
    batches = SequenceBatches(sequences, batch_size=32)
    for count in (1, 10, 100, 500):
        estimate = mutual_information(Sharp(), batches, count)
        expected = np.log(min(count, 100))
        assert estimate == pytest.approx(expected, abs=1e-5)


def test_seed_repeats(batches):
    first = mutual_information(FlatModel(), batches, 50, seed=1)
    assert first == mutual_information(FlatModel(), batches, 50, seed=1)
    assert first != mutual_information(FlatModel(), batches, 50, seed=2)


class Recorder(FlatModel):
    """Writes down the batches whose posterior was asked for."""

    def __init__(self):
        self.seen = []

    def posterior(self, tokens):
        self.seen.append(tokens.numpy().tolist())
        return super().posterior(tokens)


def test_sequences_of_unequal_lengths_make_one_batch():
    model = Recorder()
    sequences = [[2] + [4] * length + [3] for length in (3, 1, 2)]
    mutual_information(model, SequenceBatches(sequences, batch_size=2))
    assert model.seen == [[[2, 4, 3, 0, 0], [2, 4, 4, 3, 0], [2, 4, 4, 4, 3]]]


def test_every_sequence_is_as_likely_to_be_taken():
    model = Recorder()
    sequences = [[2, word, 3] for word in range(4, 24)]
    batches = SequenceBatches(sequences, batch_size=7)
    for seed in range(24):
        mutual_information(model, batches, num_sequences=10, seed=seed)
    words = np.array(model.seen)[:, :, 1]  # [24, 10]
    assert all(len(set(row)) == 10 for row in words.tolist())
    # 12 times each on average, with a standard deviation of 2.4.
    counts = np.bincount(words.ravel())[4:]
    assert len(counts) == 20
    assert counts.min() >= 3
    assert counts.max() <= 21


def test_number_of_sequences_out_of_range(batches):
    with pytest.raises(ValueError, match="num_sequences=0; allowed: whole"):
        mutual_information(FlatModel(), batches, num_sequences=0)


def test_active_units_by_hand():
    # Variances 0, 0.01, 0.0121 and 1.
    means = np.array([[5.0, 0.1, 0.11, 1.0], [5.0, -0.1, -0.11, -1.0]])
    assert active_units(means, threshold=0.0099) == 3
    assert active_units(means, threshold=0.0101) == 2
    assert active_units(means) in (2, 3)  # 0.01 itself is up to rounding.
    assert active_units(means, threshold=0.5) == 1


def test_active_units_far_from_zero_in_half_precision():
    means = np.array([[100.0], [100.5]], np.float16)
    assert active_units(means) == 1


def test_one_sequence_has_no_active_units():
    assert active_units(np.ones([1, 4])) == 0
