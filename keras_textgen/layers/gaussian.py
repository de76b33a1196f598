"""From features to the parameters of a diagonal Gaussian."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check


@keras.saving.register_keras_serializable("keras_textgen")
class GaussianHead(keras.layers.Layer):
    """Two linear heads: mean and log-variance of a diagonal Gaussian.

    Kept in float32 under every precision policy: exponentials and KL
    divergences lose their small values in half precision.

    Args:
        latent_dim: Dimension Z of the Gaussian.

    Example:
        >>> loc, scale = GaussianHead(latent_dim=2)(tf.zeros([3, 5]))
        >>> loc.shape, scale.numpy()[0].tolist()
        (TensorShape([3, 2]), [1.0, 1.0])
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        check(SIZES, latent_dim=latent_dim)
        self.latent_dim = latent_dim
        self.loc = keras.layers.Dense(latent_dim, dtype="float32")
        self.log_variance = keras.layers.Dense(latent_dim, dtype="float32")

    def build(self, input_shape: tuple) -> None:
        """Build both heads for features [..., input_shape[-1]]."""
        self.loc.build(input_shape)
        self.log_variance.build(input_shape)
        self.built = True

    def call(self, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Map features [..., F] to mean and standard deviation [..., Z]."""
        scale = tf.exp(0.5 * self.log_variance(features))
        return self.loc(features), scale

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"latent_dim": self.latent_dim}
