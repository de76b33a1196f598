"""The fused optimizer computes Keras's Adam."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.optimizers import FusedAdam


def _updated(optimizer, gradients):
    variables = [keras.Variable(np.linspace(-1, 1, 6).reshape(2, 3))]
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, tf.float32)], variables)
    return variables[0].numpy()


@pytest.mark.parametrize("global_clipnorm", [None, 0.1])
def test_equals_keras_adam(global_clipnorm):
    generator = np.random.default_rng(0)
    gradients = generator.normal(size=(20, 2, 3))
    settings = {"learning_rate": 0.03, "global_clipnorm": global_clipnorm}
    fused = _updated(FusedAdam(**settings), gradients)
    plain = _updated(keras.optimizers.Adam(**settings), gradients)
    np.testing.assert_allclose(fused, plain, rtol=1e-5, atol=1e-6)


def test_first_step_is_the_learning_rate_against_the_gradient():
    # After bias correction the first step is lr * g / (|g| + eps).
    gradient = np.array([[1.0, -2.0, 0.5], [3.0, -0.1, 10.0]])
    start = np.linspace(-1, 1, 6).reshape(2, 3)
    end = _updated(FusedAdam(learning_rate=0.25), [gradient])
    np.testing.assert_allclose(start - end, 0.25 * np.sign(gradient), atol=1e-5)


def test_config_round_trip():
    optimizer = FusedAdam(learning_rate=0.25, global_clipnorm=2.0)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, FusedAdam)
    assert copy.get_config() == optimizer.get_config()


def test_what_the_kernel_has_not_is_refused():
    with pytest.raises(
        ValueError, match=r"^amsgrad=True; allowed: False, or k"
    ):
        FusedAdam(amsgrad=True)
    again = FusedAdam.from_config(FusedAdam(0.5, beta_1=0.7).get_config())
    assert (float(again.learning_rate.numpy()), again.beta_1) == (0.5, 0.7)
