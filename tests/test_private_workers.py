"""What replicas send each other."""

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.private_workers import sums_of_replicas
from keras_textgen.training.strategies import get_strategy


def test_what_is_summed_already_is_not_summed_again():
    strategy = get_strategy("mirrored")
    replicas = strategy.num_replicas_in_sync
    assert replicas > 1

    def changes(is_summed):
        with strategy.scope():
            variable = keras.Variable([0.0, 0.0])
            optimizer = keras.optimizers.SGD(1.0)
            optimizer.build([variable])

        def step():
            gradients = [tf.constant([1.0, 2.0])]
            if is_summed:
                with sums_of_replicas(optimizer):
                    optimizer.apply(gradients, [variable])
            else:
                optimizer.apply(gradients, [variable])

        tf.function(lambda: strategy.run(step))()
        assert not [name for name in vars(optimizer) if "sum_grad" in name]
        return variable.numpy()

    np.testing.assert_array_equal(changes(is_summed=True), [-1.0, -2.0])
    found = changes(is_summed=False)
    np.testing.assert_array_equal(found, [-replicas, -2.0 * replicas])
