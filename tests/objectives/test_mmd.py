"""The maximum mean discrepancy against a plain double loop."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.objectives.mmd import maximum_mean_discrepancy
from tests.models.sparse_reference import discrepancy


def plain_gradient(first, second, step=1e-4):
    """By the first set; central differences."""
    gradient = np.zeros_like(first)
    for index in np.ndindex(first.shape):
        change = np.zeros_like(first)
        change[index] = step
        above = discrepancy(first + change, second)
        below = discrepancy(first - change, second)
        gradient[index] = (above - below) / (2 * step)
    return gradient


def two_sets(size, width=3):
    generator = np.random.default_rng(size)
    first = generator.normal(size=(size, width))
    return first, generator.normal(0.3, 2.0, size=(size, width))


def tensors(*arrays):
    return [tf.constant(each, tf.float32) for each in arrays]


def with_gradients(first, second):
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        value = maximum_mean_discrepancy(first, second)
    return value, tape.gradient(value, [first, second])


@pytest.mark.parametrize("size", [2, 3, 6, 7])
def test_value_and_gradients(size):
    first, second = two_sets(size)
    value, gradients = with_gradients(*tensors(first, second))
    assert float(value) == pytest.approx(discrepancy(first, second), abs=1e-5)
    # It is the same from the other side.
    expected = plain_gradient(first, second), plain_gradient(second, first)
    np.testing.assert_allclose(gradients, expected, atol=1e-5)


def test_gradients_are_those_of_what_is_made_of_it():
    def loss(first, second):
        return 3 * maximum_mean_discrepancy(2 * first, second) ** 2

    first, second = two_sets(4)
    inputs = tensors(first, second)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = loss(*inputs)
    gradients = tape.gradient(value, inputs)
    outer = 6 * discrepancy(2 * first, second)
    expected = [
        2 * outer * plain_gradient(2 * first, second),
        outer * plain_gradient(second, 2 * first),
    ]
    np.testing.assert_allclose(gradients, expected, rtol=1e-4, atol=1e-4)


def test_in_a_graph_of_any_batch_size():
    spec = tf.TensorSpec([None, None])
    function = tf.function(with_gradients, input_signature=[spec, spec])
    for size, width in ((2, 1), (5, 4), (4, 2)):
        inputs = tensors(*two_sets(size, width))
        value, gradients = function(*inputs)
        expected, expected_gradients = with_gradients(*inputs)
        np.testing.assert_allclose(value, expected, atol=1e-6)
        np.testing.assert_allclose(gradients, expected_gradients, atol=1e-6)


def test_a_single_sample_has_no_discrepancy():
    value, gradients = with_gradients(*tensors([[1.0, 2.0]], [[0.0, 5.0]]))
    assert float(value) == 0
    np.testing.assert_array_equal(gradients, np.zeros((2, 1, 2)))


def test_no_bias_between_sets_of_one_distribution():
    """Though it is not 0: sets of two make it negative as often as not."""
    generator = np.random.default_rng(0)
    pairs = generator.normal(size=(2, 2, 4000)).astype(np.float32)
    # Each dimension is a pair of sets of its own.
    mean = maximum_mean_discrepancy(*pairs) / 4000
    single = [
        discrepancy(pairs[0, :, [i]].T, pairs[1, :, [i]].T) for i in range(50)
    ]
    assert abs(float(mean)) < 4 * np.std(single) / np.sqrt(4000)
    assert min(single) < -0.5
    assert max(single) > 0.5


PEAK_MEMORY = """
import re, tensorflow as tf
from keras_textgen.objectives.mmd import maximum_mean_discrepancy

@tf.function
def gradients(first, second):
    value = maximum_mean_discrepancy(first, second)
    return tf.gradients(value, [first, second])

def train_step(rows, width):
    noise = tf.random.stateless_normal([2, rows, width], [0, 1])
    return gradients(noise[0], noise[1])

def peak():  # Of this program, not of the one that started it.
    status = open("/proc/self/status").read()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024

train_step(4, 3)
before = peak()
train_step(256, 768)
print(peak() - before)
"""


def test_peak_memory():
    """Under 1 GB; all pairs of 256 samples in 768 dimensions are 0.2 GB."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEAK_MEMORY],
        capture_output=True,
        check=True,
        text=True,
    )
    growth = int(done.stdout)
    assert 4 * 256 * 768 * 4 < growth < 1e9
