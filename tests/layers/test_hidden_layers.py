"""Hidden layers: callables are built once, and what they make is trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers.hidden_layers import (
    built_layers,
    checked_layers,
    layers_config,
)
from keras_textgen.layers.towers import Tower

X = tf.constant(np.sin(np.arange(6.0)).reshape(3, 2), tf.float32)


class Made:
    """A callable that makes a new layer at each call, and counts them."""

    def __init__(self):
        self.layers = []

    def __call__(self, x):
        self.layers.append(keras.layers.Dense(3, activation="tanh"))
        return self.layers[-1](x)


def test_a_callable_is_called_once():
    made = Made()
    (layer,) = built_layers([made], 2)
    eager = [layer(X).numpy() for _ in range(2)]
    graph = tf.function(layer)(X).numpy()
    (dense,) = made.layers
    kernel, bias = (each.numpy() for each in dense.weights)
    for found in (*eager, graph):
        np.testing.assert_allclose(
            found, np.tanh(X.numpy() @ kernel + bias), rtol=1e-5
        )


def test_what_a_callable_makes_is_a_part_of_the_tower():
    made = Made()
    tower = Tower(4, 2, layers=[(5, "relu"), made], use_bias=False)
    (dense,) = made.layers
    assert tower.widths == [2, 5, 3]
    # The embedding, the pair's weights, the callable's weights.
    assert len(tower.trainable_weights) == 5
    assert any(each is dense.kernel for each in tower.trainable_weights)


def test_the_same_callable_twice_makes_two_layers():
    made = Made()
    built_layers([made, made], 2)
    first, second = made.layers
    assert first is not second
    assert second.kernel.shape == (3, 3)


def test_a_layer_of_the_user_is_not_copied():
    shared = keras.layers.Dense(2)
    tower = Tower(4, 2, layers=[lambda x: shared(x), shared], use_bias=False)
    assert len(tower.trainable_weights) == 3
    assert any(each is shared.kernel for each in tower.trainable_weights)


@pytest.mark.parametrize("function", [tf.sinh, lambda x: tf.sinh(x)])
def test_a_function_of_tensorflow_stays(function):
    assert built_layers([function], 2) == (function,)
    tower = Tower(4, 2, layers=[function, (3, None)])
    embedded, found, _ = tower(tf.constant([1, 2]))
    np.testing.assert_allclose(found, np.sinh(embedded.numpy()), rtol=1e-5)


VARIABLE = tf.Variable(tf.ones([2, 3]))
DENSE = keras.layers.Dense(3)
DENSE.build((None, 2))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda x: keras.layers.Dense(3)(tf.tanh(x)),
            "uses the weight .*kernel.*, which would not be trained; allowed: ",
        ),
        (lambda x: tf.matmul(x, VARIABLE), "uses the weight Variable"),
        (lambda x: keras.ops.matmul(x, DENSE.kernel), "uses the weight .*kern"),
        (lambda x: keras.layers.Dense(3), "gives <Dense name=.*; allowed: "),
        (lambda x: keras.ops.sum(x), r"gives <KerasTensor .*; allowed: \[n, w"),
        (lambda x: None, "gives None; allowed"),
    ],
)
def test_callables_that_would_not_be_trained(layer, message):
    with pytest.raises(ValueError, match=message):
        built_layers([layer], 2)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([(2.5, "relu")], "some has units=2.5; allowed: whole numbers"),
        ([("2", "relu")], "some has units='2'; allowed: whole numbers"),
        ([(2, "rleu")], "some has activation='rleu'; allowed: None, a functi"),
        ([(2, 3)], "some has activation=3; allowed"),
        ([(2,)], r"some has \(2,\); allowed: \(units, activation\), or a call"),
    ],
)
def test_what_is_no_layer(layers, message):
    with pytest.raises(ValueError, match=message):
        checked_layers("some", layers)


@pytest.mark.parametrize(
    "activation", ["tanh", tf.tanh, keras.ops.tanh, keras.activations.tanh]
)
def test_an_activation_is_a_name_or_a_function(activation):
    tower = Tower(4, 2, layers=[(3, activation)])
    kernel, _ = (each.numpy() for each in tower.hidden[0].weights)
    embedded, found = (each.numpy() for each in tower(tf.constant([1, 2])))
    np.testing.assert_allclose(found, np.tanh(embedded @ kernel), rtol=1e-5)
    config = layers_config([(3, activation)])
    ((units, again),) = keras.saving.deserialize_keras_object(config)
    assert units == 3
    np.testing.assert_allclose(
        keras.activations.get(again)(X), np.tanh(X), rtol=1e-6
    )


def test_a_built_callable_has_a_config():
    """Also a lambda, which no file could hold."""
    (layer,) = built_layers([lambda x: keras.layers.Dense(3)(x) ** 2], 2)
    (again,) = keras.saving.deserialize_keras_object(layers_config([layer]))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X), layer(X))
    assert built_layers([again], 2) == (again,)
