"""From hidden states to log-likelihoods of tokens."""

from typing import Any

import keras
import tensorflow as tf


@tf.custom_gradient
def _log_softmax_at(
    hidden: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor
) -> tuple[tf.Tensor, Any]:
    """Log-probabilities [N] of targets [N] given hidden states [N, H].

    One [N, V] array lives from the forward to the backward pass, the
    probabilities; the backward pass turns it into the gradient in place.
    """
    logits = tf.linalg.matmul(hidden, kernel) + bias  # [N, V]
    probabilities = tf.nn.softmax(logits)
    rows = tf.range(tf.shape(targets)[0], dtype=targets.dtype)
    index = tf.stack([rows, targets], axis=1)
    # The largest probability is at least 1/V, so its logarithm is exact where
    # that of a rare target's probability would underflow.
    log_normalizer = tf.reduce_max(logits, 1) - tf.math.log(
        tf.reduce_max(probabilities, 1)
    )
    log_likelihood = tf.gather_nd(logits, index) - log_normalizer

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
        delta = probabilities * -upstream[:, tf.newaxis]
        delta = tf.tensor_scatter_nd_add(delta, index, upstream)
        return (
            tf.linalg.matmul(delta, kernel, transpose_b=True),
            tf.linalg.matmul(hidden, delta, transpose_a=True),
            tf.reduce_sum(delta, 0),
            None,
        )

    return log_likelihood, gradient


@keras.saving.register_keras_serializable("keras_textgen")
class VocabularyLogLikelihood(keras.layers.Layer):
    """A softmax over the vocabulary, evaluated at the targets only.

    Padding (target 0) costs nothing: its positions are dropped before the
    product with the vocabulary. Computed in float32 under every precision
    policy, as half precision rounds probabilities of rare words to zero.

    Args:
        vocabulary_size: Number V of tokens, the special ones included.

    Example:
        >>> layer = VocabularyLogLikelihood(vocabulary_size=8)
        >>> targets = tf.constant([[5, 3, 0]])
        >>> log_likelihood = layer(tf.zeros([1, 3, 4]), targets)
        >>> log_likelihood.numpy().round(3).tolist()  # log(1/8) twice
        [[-2.0789999961853027, -2.0789999961853027, 0.0]]
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.vocabulary_size = vocabulary_size

    def build(self, input_shape: tuple) -> None:
        """Create the kernel [H, V] and the bias [V]."""
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.vocabulary_size)
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.vocabulary_size,), initializer="zeros"
        )
        self.built = True

    def call(self, hidden: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Log-likelihoods of the targets.

        Args:
            hidden: Hidden states [batch, time, H].
            targets: Token ids, int32 [batch, time]; 0 is padding.

        Returns:
            Log-probabilities in nats, [batch, time]; 0 at padding.
        """
        index = tf.where(targets != 0)  # [N, 2]
        values = _log_softmax_at(
            tf.gather_nd(hidden, index),
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.bias),
            tf.gather_nd(targets, index),
        )
        shape = tf.shape(targets, out_type=index.dtype)
        return tf.scatter_nd(index, values, shape)

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Unnormalized log-probabilities [..., V] of the next token."""
        hidden = tf.cast(hidden, tf.float32)
        return tf.linalg.matmul(hidden, self.kernel) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"vocabulary_size": self.vocabulary_size}
