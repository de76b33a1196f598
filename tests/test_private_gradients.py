"""Gradients of one's own: what they are, and that their graphs are freed."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from keras_textgen.private_gradients import (
    custom_gradient,
    freed_with_graph,
)


@custom_gradient
def cubed(x):
    """x^3, with twice the gradient that it has."""
    return x**3, lambda upstream: 6 * x**2 * upstream


def in_a_loop(x):
    """((x^3)^3)."""
    return tf.while_loop(
        lambda i, _: i < 2, lambda i, y: (i + 1, cubed(y)), (0, x)
    )[1]


def in_a_branch(x):
    return tf.cond(x > 0, lambda: cubed(x), lambda: x)


def in_a_function(x):
    return tf.function(cubed)(x)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (cubed, 2 * 3 * 2.0**2),
        (in_a_branch, 2 * 3 * 2.0**2),
        (in_a_function, 2 * 3 * 2.0**2),
        # Each of the two has twice its gradient.
        (in_a_loop, 4 * 9 * 2.0**8),
    ],
)
@pytest.mark.parametrize("is_traced", [False, True])
def test_the_gradient_is_ones_own(function, expected, is_traced):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    found = (tf.function(gradient) if is_traced else gradient)(tf.constant(2.0))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_several_results_have_a_gradient_each():
    @custom_gradient
    def halves(x):
        return (x[:1], x[1:]), lambda a, b: tf.concat([5 * a, 7 * b], 0)

    @tf.function
    def gradient(x):
        return tf.gradients(tf.add_n(halves(x)), x)[0]

    assert gradient(tf.constant([1.0, 2.0])).numpy().tolist() == [5, 7]


def test_a_graph_that_nobody_has_is_freed():
    @tf.function
    def gradient(x):
        return tf.gradients(cubed(x), x)[0]

    registered = ops.gradient_registry.list
    gc.collect()
    before = len(registered())
    graph = weakref.ref(gradient.get_concrete_function(tf.TensorSpec([])).graph)
    assert graph() is not None
    assert len(registered()) == before + 1
    del gradient
    gc.collect()
    assert graph() is None
    assert len(registered()) == before


def test_what_is_saved_and_loaded_has_the_gradient(tmp_path):
    """In the process that has what was saved."""
    module = tf.Module()
    module.cubed = tf.function(cubed, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loaded.cubed(x)
    assert float(y) == 8
    assert float(tape.gradient(y, x)) == 24


def test_a_result_that_is_freed_twice_has_its_gradient():
    @tf.function
    def gradient(x):
        y = freed_with_graph(cubed(x))
        gc.collect()
        return tf.gradients(y, x)[0]

    assert float(gradient(tf.constant(2.0))) == 24
