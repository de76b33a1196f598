"""Batch normalization over the rows of all replicas."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import Numbers, check
from keras_textgen.private_gradients import custom_gradient
from keras_textgen.replicas import sum_over_replicas

_EPSILON = 1e-3


@keras.saving.register_keras_serializable("keras_textgen")
class GlobalBatchNormalization(keras.layers.Layer):
    """Batch normalization (Ioffe and Szegedy 2015) with an offset, unscaled.

        y = (x - mean) / sqrt(variance + 0.001) + offset

    In training mean and variance are those of the global batch, so that two
    replicas compute what one does, and of the rows that count alone;
    otherwise moving ones, so that no row's answer depends on the others.
    Always float32.

    Args:
        momentum: What moving mean and variance keep of themselves in a step.

    Example:
        >>> layer = GlobalBatchNormalization()
        >>> values = tf.constant([[1.0], [3.0], [99.0]])
        >>> counted = tf.constant([1.0, 1.0, 0.0])
        >>> layer(values, counted, training=True).numpy()[:2].round(2).tolist()
        [[-1.0], [1.0]]
        >>> round(float(layer.moving_mean[0]), 4)  # 0.9 * 0 + 0.1 * 2
        0.2
    """

    def __init__(self, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        check(Numbers(at_least=0, at_most=1), momentum=momentum)
        self.momentum = momentum

    def build(self, input_shape: tuple) -> None:
        """Make the offset and the moving figures of values [..., D]."""
        shape = (input_shape[-1],)
        self.offset = self.add_weight(
            name="offset", shape=shape, initializer="zeros"
        )
        self.moving_mean = self._moving("moving_mean", shape, "zeros")
        self.moving_variance = self._moving("moving_variance", shape, "ones")
        self.built = True

    def call(
        self,
        values: tf.Tensor,
        is_counted: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Normalize.

        Args:
            values: float [batch, D].
            is_counted: float32 [batch], 1 for rows that mean and variance are
                taken over, else 0.
            training: Whether they are those of the batch, which the moving
                ones then follow.

        Returns:
            float32 [batch, D].
        """
        values = tf.cast(values, tf.float32)
        if training:
            values, mean, variance = _normalized(values, is_counted)
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
            return values + self.offset.value
        scale = tf.math.rsqrt(self.moving_variance.value + _EPSILON)
        return (values - self.moving_mean.value) * scale + self.offset.value

    def _follow(self, moving: keras.Variable, value: tf.Tensor) -> None:
        moving.assign_add((1 - self.momentum) * (value - moving.value))

    def _moving(
        self, name: str, shape: tuple[int], initializer: str
    ) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            # All replicas have the same.
            aggregation="only_first_replica",
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"momentum": self.momentum}


@custom_gradient
def _normalized(values: tf.Tensor, is_counted: tf.Tensor) -> tuple:
    """Values [batch, D] normalized, and their mean and variance [D].

    Mean and variance, of which no gradient is asked, are over the counted rows
    of all replicas. The gradient is that of Ioffe and Szegedy 2015, section 3,
    with fewer passes over [batch, D] than operation by operation: sums over
    rows are products with their weights.
    """
    weights = is_counted[tf.newaxis]  # [1, batch]
    count = tf.maximum(sum_over_replicas(tf.reduce_sum(weights)), 1.0)
    mean = sum_over_replicas(tf.matmul(weights, values)) / count  # [1, D]
    centered = values - mean
    squares = tf.matmul(weights, tf.square(centered))
    variance = sum_over_replicas(squares) / count
    scale = tf.math.rsqrt(variance + _EPSILON)
    normalized = centered * scale

    def gradient(upstream: tf.Tensor, *unused: tf.Tensor) -> tuple:
        del unused
        # Of the rows of all replicas, each of which the mean moves.
        sums = tf.stack(
            [
                tf.reduce_sum(upstream, axis=0),
                tf.reduce_sum(upstream * normalized, axis=0),
            ]
        )
        by_mean, by_scale = tf.unstack(sum_over_replicas(sums) / count)
        through_moments = tf.transpose(weights) * (
            normalized * by_scale + by_mean
        )
        return scale * (upstream - through_moments), None

    return (normalized, mean[0], variance[0]), gradient
