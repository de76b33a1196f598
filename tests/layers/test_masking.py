"""Masks given to a layer end there."""

import keras
import tensorflow as tf

from keras_textgen.layers.masking import ExplicitMaskLayer


class Sum(ExplicitMaskLayer):
    """Sums over time what is not masked."""

    def call(self, inputs, mask=None):
        kept = tf.cast(mask, inputs.dtype)
        return tf.reduce_sum(inputs * kept[..., tf.newaxis], axis=1)


def test_takes_the_mask_of_an_embedding_and_passes_none_on():
    inputs = keras.Input([None], dtype="int32")
    embedding = keras.layers.Embedding(
        3, 2, mask_zero=True, embeddings_initializer="ones"
    )
    outputs = Sum()(embedding(inputs))
    model = keras.Model(inputs, outputs)
    result = model(tf.constant([[1, 2, 0, 0]]))
    assert result.numpy().tolist() == [[2.0, 2.0]]
    assert getattr(result, "_keras_mask", None) is None
