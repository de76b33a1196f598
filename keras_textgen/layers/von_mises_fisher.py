"""From features to the mean direction of a von Mises-Fisher distribution."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check


@keras.saving.register_keras_serializable("keras_textgen")
class DirectionHead(keras.layers.Layer):
    """A linear head whose outputs are scaled to unit length.

    The mean direction of Xu and Durrett 2018 (EMNLP), section 3. Features
    that the head maps to zero have no direction; they give zeros, with a
    finite gradient. Kept in float32 under every precision policy, as unit
    vectors of half precision are too far from the sphere.

    Args:
        latent_dim: Dimension Z of the space around the sphere.

    Example:
        >>> direction = DirectionHead(latent_dim=2)(tf.ones([3, 5]))
        >>> tf.norm(direction, axis=-1).numpy().round(4).tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        check(SIZES, latent_dim=latent_dim)
        self.latent_dim = latent_dim
        self.direction = keras.layers.Dense(latent_dim, dtype="float32")

    def build(self, input_shape: tuple) -> None:
        """Build the head for features [..., input_shape[-1]]."""
        self.direction.build(input_shape)
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map features [..., F] to unit vectors [..., Z]."""
        return tf.math.l2_normalize(self.direction(features), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"latent_dim": self.latent_dim}
