"""An encoder and a decoder of another kind, which a text model can be given.

They are here to show that nothing else of a model has to know of them.
"""

import keras
import tensorflow as tf

WIDTH = 4


@keras.saving.register_keras_serializable("tests")
class AttentionDecoder(keras.layers.Layer):
    """Self-attention over what was written, after the code was added to it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.of_code = keras.layers.Dense(WIDTH)
        self.of_input = keras.layers.Dense(WIDTH)
        self.query = keras.layers.Dense(WIDTH)
        self.key = keras.layers.Dense(WIDTH, use_bias=False)
        self.value = keras.layers.Dense(WIDTH)

    def first_state(self, code, max_length):
        shape = [tf.shape(code)[0], max_length, WIDTH]
        empty = tf.zeros(shape, self.compute_dtype)
        return {"code": self.of_code(code), "keys": empty, "values": empty}

    def over_time(self, inputs, state):
        time = tf.range(tf.shape(inputs)[1])
        hidden = self._hidden(inputs, state["code"][:, tf.newaxis], time)
        keys, values = self.key(hidden), self.value(hidden)
        is_read = time[:, tf.newaxis] >= time
        return self._attend(hidden, keys, values, is_read)

    def step(self, inputs, state, position):
        hidden = self._hidden(inputs, state["code"], position)
        places = tf.range(tf.shape(state["keys"])[1])
        is_here = (places == position[:, tf.newaxis])[..., tf.newaxis]
        keys, values = (
            tf.where(is_here, new[:, tf.newaxis], state[name])
            for name, new in (
                ("keys", self.key(hidden)),
                ("values", self.value(hidden)),
            )
        )
        is_read = (places <= position[:, tf.newaxis])[:, tf.newaxis]
        hidden = hidden[:, tf.newaxis]
        outputs = self._attend(hidden, keys, values, is_read)[:, 0]
        return outputs, {**state, "keys": keys, "values": values}

    def _hidden(self, inputs, code, position):
        """[..., WIDTH]; the phase of a sine tells the position."""
        phase = tf.cast(position, tf.float32)[..., tf.newaxis]
        phase = phase / tf.constant([1.0, 2.0, 4.0, 8.0])
        phase = tf.cast(tf.sin(phase), self.compute_dtype)
        return tf.tanh(self.of_input(inputs) + code) + phase

    def _attend(self, hidden, keys, values, is_read):
        """Outputs [N, T, WIDTH] of T queries that read some of the keys."""
        scores = tf.matmul(self.query(hidden), keys, transpose_b=True)
        scores = tf.where(is_read, scores / WIDTH**0.5, scores.dtype.min)
        weights = tf.nn.softmax(scores)
        return hidden + tf.matmul(weights, values)


@keras.saving.register_keras_serializable("tests")
class MeanEncoder(keras.layers.Layer):
    """The mean of what is under the mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.of_input = keras.layers.Dense(WIDTH, activation="tanh")

    def call(self, inputs, mask):
        weights = tf.cast(mask, self.compute_dtype)[..., tf.newaxis]
        total = tf.reduce_sum(self.of_input(inputs) * weights, axis=1)
        return total / tf.maximum(tf.reduce_sum(weights, axis=1), 1)

    def compute_mask(self, inputs, previous_mask):
        return None
