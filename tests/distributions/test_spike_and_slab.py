"""Spike and slab against numerical integration and finite differences."""

import math
import re

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.distributions.spike_and_slab import (
    SpikeAndSlab,
    straight_through_choice,
)

tfd = tfp.distributions

# gamma, loc, scale, spike_scale
MIXTURES = [
    (0.5, 0.0, 1.0, 0.05),
    (0.8, -1.5, 0.3, 0.05),
    (0.2, 3.0, 2.0, 0.5),
    (1e-6, 1.0, 0.5, 0.05),
    (1 - 1e-6, 1.0, 0.5, 0.05),
    (0.0, 1.0, 0.5, 0.05),
    (1.0, 1.0, 0.5, 0.05),
]
each_mixture = pytest.mark.parametrize("mixture", MIXTURES)


def density(z, gamma, loc, scale, spike_scale=0.05):
    spike = scipy.stats.norm.pdf(z, 0, spike_scale)
    return gamma * spike + (1 - gamma) * scipy.stats.norm.pdf(z, loc, scale)


def noise(*shape, seed=0):
    generator = np.random.default_rng(seed)
    arrays = generator.uniform(size=shape), *generator.normal(size=(2, *shape))
    return [tf.constant(each, tf.float32) for each in arrays]


# -- The density ---------------------------------------------------------------


@each_mixture
def test_density(mixture):
    z = np.concatenate([np.linspace(-12, 12, 40_001), [-0.05, 0.05, 1.0]])
    prob = SpikeAndSlab(*mixture).prob(tf.constant(z, tf.float32)).numpy()
    np.testing.assert_allclose(prob, density(z, *mixture), rtol=2e-4, atol=1e-6)
    # A cell of the grid is a hundredth of the narrowest standard deviation.
    assert np.trapezoid(prob[:-3], z[:-3]) == pytest.approx(1, abs=1e-5)


def test_density_far_from_spike_and_slab():
    """In float32, the densities themselves are 0 there."""
    mixture = SpikeAndSlab(0.3, 30.0, 0.01)
    log_normalizer = math.log(2 * math.pi) / 2
    # The spike is the nearer one, measured in standard deviations.
    of_spike = math.log(0.3 / 0.05) - (10 / 0.05) ** 2 / 2 - log_normalizer
    of_slab = math.log(0.7 / 0.01) - (1 / 0.01) ** 2 / 2 - log_normalizer
    np.testing.assert_allclose(
        mixture.log_prob([10.0, 31.0]), [of_spike, of_slab], rtol=1e-5
    )
    assert np.all(mixture.prob([10.0, 31.0]) == 0)


def test_density_at_extreme_probabilities_has_finite_gradients():
    gamma = tf.constant([[1e-6], [1 - 1e-6]])
    loc, scale = tf.constant(2.0), tf.constant(0.5)
    z = tf.constant([-50.0, -0.05, 0.0, 0.3, 2.0, 50.0])
    inputs = [gamma, loc, scale, z]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        mixture = SpikeAndSlab(gamma, loc, scale)
        log_prob = mixture.log_prob(z)
        sample = mixture.from_noise(*noise(2, 6))
    for value in (log_prob, sample):
        assert np.all(np.isfinite(value))
        for gradient in tape.gradient(value, inputs[:3]):
            assert np.all(np.isfinite(gradient))
    assert np.all(np.isfinite(tape.gradient(log_prob, z)))


def test_gradients_of_the_density():
    values = np.array([[0.3], [0.7]]), np.array([0.5, -1.0]), np.array(0.4)
    z = np.array([0.04, -0.9])
    inputs = [tf.constant(each, tf.float32) for each in (*values, z)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        log_prob = SpikeAndSlab(*inputs[:3]).log_prob(inputs[3])
    gradients = tape.gradient(log_prob, inputs)

    def total(*values):
        gamma, loc, scale, z = values
        return np.sum(np.log(density(z, gamma, loc, scale)))

    np.testing.assert_allclose(
        log_prob, np.log(density(z, *values)), rtol=1e-5, atol=1e-5
    )
    expected = numerical_gradients(total, [*values, z])
    for gradient, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-3, atol=1e-4)


def numerical_gradients(function, arrays, step=1e-5):
    """Of a scalar by each array; central differences in float64."""
    gradients = []
    for which, array in enumerate(arrays):
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            change = np.zeros_like(array)
            change[index] = step
            above, below = list(arrays), list(arrays)
            above[which] = array + change
            below[which] = array - change
            gradient[index] = (function(*above) - function(*below)) / (2 * step)
        gradients.append(gradient)
    return gradients


@each_mixture
def test_logits_are_another_way_to_say_it(mixture):
    gamma, *others = mixture
    by_logits = SpikeAndSlab(
        None,
        *others,
        spike_logits=scipy.special.logit(np.float64(np.float32(gamma))),
    )
    by_probability = SpikeAndSlab(*mixture)
    z = tf.linspace(-3.0, 3.0, 61)
    for name in ("log_prob", "prob"):
        np.testing.assert_allclose(
            getattr(by_logits, name)(z),
            getattr(by_probability, name)(z),
            rtol=1e-4,
        )
    for name in ("mean", "variance"):
        np.testing.assert_allclose(
            getattr(by_logits, name)(),
            getattr(by_probability, name)(),
            rtol=1e-4,
            atol=1e-6,
        )
    assert by_logits.batch_shape == by_probability.batch_shape
    assert by_logits.copy().batch_shape == by_probability.batch_shape


@pytest.mark.parametrize("logit", [-1e5, -300.0, 300.0, 1e5])
def test_probabilities_that_are_no_numbers(logit):
    """Densities and choices, both with finite gradients."""
    logits = tf.fill([2], logit)
    z = np.array([0.02, 1.5])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        mixture = SpikeAndSlab(None, 1.0, 0.5, spike_logits=logits)
        log_prob = mixture.log_prob(tf.constant(z, tf.float32))
        signs = tf.constant([1.0, -1.0])
        sample = mixture.from_noise(tf.constant([0.01, 0.99]), signs, signs)
    expected = np.logaddexp(
        -np.logaddexp(0, -logit) + scipy.stats.norm.logpdf(z, 0, 0.05),
        -np.logaddexp(0, logit) + scipy.stats.norm.logpdf(z, 1.0, 0.5),
    )
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    chosen = [0.05, -0.05] if logit > 0 else [1.5, 0.5]
    np.testing.assert_allclose(sample, chosen, rtol=1e-6)
    for value in (log_prob, sample):
        assert np.all(np.isfinite(tape.gradient(value, logits)))


@pytest.mark.parametrize("logits", [None, 0.0])
def test_one_of_probability_and_logits(logits):
    gamma = None if logits is None else 0.5
    message = "spike_probability and spike_logits; allowed: one of them"
    with pytest.raises(ValueError, match=f"^{message}$"):
        SpikeAndSlab(gamma, 0.0, 1.0, spike_logits=logits)


# -- Samples -------------------------------------------------------------------


@each_mixture
def test_moments(mixture):
    distribution, count = SpikeAndSlab(*mixture), 100_000
    sample = distribution.sample(count, seed=[1, 2]).numpy()
    mean, variance = float(distribution.mean()), float(distribution.variance())
    assert float(distribution.stddev()) == pytest.approx(math.sqrt(variance))
    # Mean and variance by integration over the density.
    z = np.linspace(-20, 20, 400_001)
    weights = density(z, *mixture)
    assert mean == pytest.approx(np.trapezoid(z * weights, z), abs=1e-6)
    squares = (z - mean) ** 2
    by_integral = np.trapezoid(squares * weights, z)
    assert variance == pytest.approx(by_integral, rel=1e-4)
    fourth = np.trapezoid(squares**2 * weights, z) - variance**2
    assert np.mean(sample) == pytest.approx(
        mean, abs=4 * math.sqrt(variance / count)
    )
    assert np.mean((sample - mean) ** 2) == pytest.approx(
        variance, abs=4 * math.sqrt(fourth / count)
    )


def test_samples_follow_the_distribution_function():
    gamma, loc, scale = 0.6, 1.0, 0.8
    sample = SpikeAndSlab(gamma, loc, scale).sample(20_000, seed=[3, 4])

    def below(z):
        spike = scipy.stats.norm.cdf(z, 0, 0.05)
        return gamma * spike + (1 - gamma) * scipy.stats.norm.cdf(z, loc, scale)

    assert scipy.stats.kstest(sample.numpy(), below).pvalue > 0.01


def test_samples_from_noise_are_hard():
    gamma, loc, scale = [0.2, 0.5, 0.9], [1.0, 2.0, 3.0], [0.5, 1.0, 2.0]
    uniform, spike, slab = noise(1000, 3)
    sample = SpikeAndSlab(gamma, loc, scale).from_noise(uniform, spike, slab)
    is_spike = uniform >= 1 - np.array(gamma)
    expected = np.where(is_spike, 0.05 * spike, loc + scale * slab.numpy())
    np.testing.assert_array_equal(sample, expected.astype(np.float32))


def test_seeds():
    mixture = SpikeAndSlab(0.5, tf.zeros([3]), 1.0)
    first, again = (mixture.sample(4, seed=[1, 2]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first)) == 12
    assert not np.any(first == mixture.sample(4, seed=[1, 3]))


def test_gradients_of_samples():
    """By loc and scale they are exact, by gamma those of the soft choice."""
    temperature = 0.7
    values = [np.array([0.3, 0.6]), np.array([0.5, -1.0]), np.array([0.4, 2.0])]
    random = noise(5, 2)
    inputs = [tf.constant(each, tf.float32) for each in values]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        mixture = SpikeAndSlab(*inputs, temperature=temperature)
        sample = mixture.from_noise(*random)
    by_gamma, by_loc, by_scale = tape.gradient(sample, inputs)

    uniform, spike, slab = (each.numpy().astype(float) for each in random)
    is_slab = uniform < 1 - values[0]
    np.testing.assert_allclose(by_loc, np.sum(is_slab, axis=0))
    np.testing.assert_allclose(
        by_scale, np.sum(is_slab * slab, axis=0), rtol=1e-5
    )
    difference = 0.05 * spike - values[1] - values[2] * slab
    expected = numerical_gradients(
        lambda gamma: np.sum(
            difference * soft_choice(gamma, uniform, temperature)
        ),
        [values[0]],
    )
    np.testing.assert_allclose(by_gamma, expected[0], rtol=1e-3)


def test_gradients_reach_the_parameters_of_a_sample():
    inputs = [tf.constant(each) for each in ([0.5, 0.5], [1.0, 2.0], 0.5)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        sample = SpikeAndSlab(*inputs).sample(20, seed=[0, 1])
    for gradient in tape.gradient(sample, inputs):
        assert np.all(gradient != 0)


# -- The relaxed choice --------------------------------------------------------


def logits_of(probability):
    return tf.math.log(probability) - tf.math.log1p(-probability)


def soft_choice(probability, uniform, temperature):
    logistic = np.log(uniform / (1 - uniform))
    logits = (np.log(probability / (1 - probability)) + logistic) / temperature
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_choices_are_hard_and_their_gradient_is_soft(temperature):
    probability = np.array([[0.02], [0.3], [0.5], [0.9]])
    uniform = np.random.default_rng(0).uniform(0.02, 0.98, size=(4, 50))
    variable = tf.constant(probability, tf.float32)
    weights = np.cos(np.arange(200)).reshape(4, 50)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        choice = straight_through_choice(
            logits_of(variable), tf.constant(uniform, tf.float32), temperature
        )
        total = tf.reduce_sum(tf.constant(weights, tf.float32) * choice)
    np.testing.assert_array_equal(choice, uniform >= 1 - probability)
    expected = numerical_gradients(
        lambda value: np.sum(
            weights * soft_choice(value, uniform, temperature)
        ),
        [probability],
        step=1e-6,
    )
    gradient = tape.gradient(total, variable)
    np.testing.assert_allclose(gradient, expected[0], rtol=2e-3, atol=2e-3)


def test_choices_at_the_ends_of_the_noise():
    """0 is among the uniform numbers, and 1 - 2^-23 the largest of them."""
    probability = tf.constant([[1e-6], [0.5], [1 - 1e-6]])
    uniform = tf.constant([0.0, 1e-7, 0.5, 1 - 2.0**-23])
    with tf.GradientTape() as tape:
        tape.watch(probability)
        choice = straight_through_choice(logits_of(probability), uniform, 0.5)
    assert choice.numpy().tolist() == [
        [0, 0, 0, 1],
        [0, 0, 1, 1],
        [0, 0, 1, 1],
    ]
    assert np.all(np.isfinite(tape.gradient(choice, probability)))


# -- As a distribution of TensorFlow Probability -------------------------------


@pytest.mark.parametrize(
    ("gamma", "loc", "scale", "batch"),
    [
        ((), (), (), ()),
        ((3,), (), (), (3,)),
        ((), (3,), (), (3,)),
        ((), (), (2, 1), (2, 1)),
        ((2, 1), (3,), (), (2, 3)),
        ((4, 1, 1), (2, 1), (3,), (4, 2, 3)),
    ],
)
def test_shapes(gamma, loc, scale, batch):
    mixture = SpikeAndSlab(
        tf.fill(gamma, 0.4), tf.fill(loc, 1.0), tf.ones(scale)
    )
    assert mixture.batch_shape == batch
    assert mixture.event_shape == ()
    assert tuple(mixture.batch_shape_tensor()) == batch
    assert mixture.event_shape_tensor().shape == (0,)
    for sample_shape in ((), (5,), (2, 5)):
        sample = mixture.sample(sample_shape, seed=[0, 0])
        assert sample.shape == (*sample_shape, *batch)
        assert mixture.log_prob(sample).shape == sample.shape
    assert mixture.log_prob(tf.zeros([7, *batch])).shape == (7, *batch)
    assert mixture.log_prob(0.5).shape == batch
    assert mixture.mean().shape == mixture.variance().shape == batch
    assert mixture.is_likely_spike(0.0).shape == batch
    assert np.all(mixture.mean() == np.float32(0.6))


def test_a_value_broadcasts():
    mixture = SpikeAndSlab(0.4, tf.zeros([2, 1]), 1.0)
    assert mixture.log_prob(tf.zeros([3])).shape == (2, 3)


def test_copies_and_slices():
    mixture = SpikeAndSlab(
        [0.1, 0.9], [1.0, 2.0], 0.5, spike_scale=0.3, temperature=2.0
    )
    copy = mixture.copy(scale=0.7)
    assert (copy.spike_scale, copy.temperature) == (0.3, 2.0)
    expected = density(0.2, 0.9, 2.0, 0.7, 0.3)
    assert float(copy[1].prob(0.2)) == pytest.approx(expected, rel=1e-5)


def test_as_the_dimensions_of_an_event():
    mixture = SpikeAndSlab(tf.fill([3], 0.4), tf.ones([2, 3]), 1.0)
    event = tfd.Independent(mixture, 1)
    assert (event.batch_shape, event.event_shape) == ([2], [3])
    np.testing.assert_allclose(
        event.log_prob(tf.zeros([3])),
        np.full(2, 3 * np.log(density(0.0, 0.4, 1.0, 1.0))),
        rtol=1e-5,
    )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_a_graph(jit_compile):
    """Compiled, too; the compiler draws other random numbers."""

    @tf.function(jit_compile=jit_compile)
    def of_parameters(gamma, loc, scale):
        with tf.GradientTape() as tape:
            tape.watch([gamma, loc, scale])
            mixture = SpikeAndSlab(gamma, loc, scale)
            sample = mixture.sample(10_000, seed=[1, 2])
            cost = tf.reduce_mean(mixture.log_prob(tf.stop_gradient(sample)))
            cost += tf.reduce_mean(sample)
        return (
            sample,
            mixture.log_prob([0.02, 1.5]),
            tape.gradient(cost, [gamma, loc, scale]),
        )

    gamma = tf.constant([0.3, 0.6])
    sample, log_prob, gradients = of_parameters(
        gamma, tf.ones([2]), tf.constant(0.5)
    )
    gamma = gamma.numpy()
    np.testing.assert_allclose(np.mean(sample, axis=0), 1 - gamma, atol=0.03)
    # The share of small values: all spikes, and some slabs.
    of_slab = np.diff(scipy.stats.norm.cdf([-0.2, 0.2], 1.0, 0.5))
    np.testing.assert_allclose(
        np.mean(np.abs(sample) < 0.2, axis=0),
        gamma + (1 - gamma) * of_slab,
        atol=0.02,
    )
    expected = np.log(density(np.array([0.02, 1.5]), gamma, 1.0, 0.5))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    for gradient in gradients:
        assert np.all(np.isfinite(gradient))
        assert np.all(gradient != 0)


def test_more_likely_spike():
    """On both sides of where the two densities cross."""
    gamma, scale = 0.8, 1.0
    log_odds = math.log(gamma / (1 - gamma) * scale / 0.05)
    crossing = math.sqrt(2 * log_odds / (1 / 0.05**2 - 1 / scale**2))
    values = [-1.01 * crossing, -0.99 * crossing, 0.99 * crossing, 1.0]
    mixture = SpikeAndSlab(gamma, 0.0, scale)
    found = mixture.is_likely_spike(tf.constant(values, tf.float32))
    assert found.numpy().tolist() == [False, True, True, False]


def test_divergence_has_no_closed_form():
    mixture = SpikeAndSlab(0.5, 0.0, 1.0)
    with pytest.raises(NotImplementedError, match="No KL"):
        tfd.kl_divergence(mixture, mixture)


@pytest.mark.parametrize(
    ("gamma", "scale", "message"),
    [
        (-0.1, 1.0, "spike_probability is outside [0, 1]"),
        (1.1, 1.0, "spike_probability is outside [0, 1]"),
        (float("nan"), 1.0, "spike_probability is outside [0, 1]"),
        (0.5, 0.0, "scale holds others; allowed: numbers above 0"),
        (0.5, -1.0, "scale holds others; allowed: numbers above 0"),
    ],
)
def test_parameters_are_checked_if_asked(gamma, scale, message):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=re.escape(message)
    ):
        SpikeAndSlab([0.5, gamma], 0.0, [1.0, scale], validate_args=True)
    checked = SpikeAndSlab([0.0, 1.0], 0.0, 1.0, validate_args=True)
    assert checked.sample(seed=[0, 0]).shape == (2,)


@pytest.mark.parametrize("argument", ["spike_scale", "temperature"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_settings_are_checked(argument, value):
    message = f"^{argument}={value}; allowed: numbers above 0$"
    with pytest.raises(ValueError, match=message):
        SpikeAndSlab(0.5, 0.0, 1.0, **{argument: value})
