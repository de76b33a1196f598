"""Families of posteriors of a single latent variable, each with its prior."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.distributions.gaussian import (
    diagonal_normal,
    per_dimension,
    standard_normal,
)
from keras_textgen.distributions.sphere import (
    kl_to_uniform,
    sample_from_noise,
    uniform_on_sphere,
    von_mises_fisher,
)
from keras_textgen.layers.gaussian import GaussianHead
from keras_textgen.layers.von_mises_fisher import DirectionHead
from keras_textgen.noise import RowNoise

tfd = tfp.distributions


class GaussianPosterior:
    """q(z | x) = N(mean, diag(scale^2)); p(z) = N(0, I).

    Args:
        latent_dim: Dimension Z.
    """

    def __init__(self, latent_dim: int) -> None:
        self.latent_dim = latent_dim

    def make_head(self) -> keras.Layer:
        """The layer from features to what `given` takes."""
        return GaussianHead(self.latent_dim)

    def given(
        self, parameters: tuple[tf.Tensor, tf.Tensor]
    ) -> tfd.Distribution:
        """q(z | x) of batch shape [N] from the head's mean and scale."""
        return diagonal_normal(*parameters)

    @property
    def prior(self) -> tfd.Distribution:
        """p(z), batch shape []."""
        return standard_normal(self.latent_dim)

    def center(self, posterior: tfd.Distribution) -> tf.Tensor:
        """The mean codes [N, Z]."""
        return posterior.mean()

    def sample(self, posterior: tfd.Distribution, noise: RowNoise) -> tf.Tensor:
        """z = mean + scale * noise, [N, Z]."""
        mean = posterior.mean()
        epsilon = noise.normal("z", tf.unstack(tf.shape(mean)))
        return mean + posterior.stddev() * epsilon

    def sample_prior(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """z ~ p(z), [num_rows, Z]."""
        return noise.normal("z", [num_rows, self.latent_dim])

    def kl_parts(self, posterior: tfd.Distribution) -> tf.Tensor:
        """KL(q(z | x) || p(z)) by dimension, [N, Z]."""
        return tfd.kl_divergence(
            per_dimension(posterior), per_dimension(self.prior)
        )


class VonMisesFisherPosterior:
    """q(z | x) = vMF(mu, kappa); p(z) uniform on the sphere.

    Xu and Durrett 2018, "Spherical latent spaces for stable variational
    autoencoders" (EMNLP). kappa is fixed, so the KL is a constant that
    training cannot bring to zero.

    Args:
        latent_dim: Dimension Z, at least 2.
        concentration: kappa.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, latent_dim: int, concentration: float) -> None:
        self.latent_dim = latent_dim
        self.concentration = concentration
        self._kl = kl_to_uniform(latent_dim, concentration)

    def make_head(self) -> keras.Layer:
        """The layer from features to mean directions."""
        return DirectionHead(self.latent_dim)

    def given(self, mean_direction: tf.Tensor) -> tfd.Distribution:
        """q(z | x) of batch shape [N]."""
        return von_mises_fisher(mean_direction, self.concentration)

    @property
    def prior(self) -> tfd.Distribution:
        """p(z), batch shape []."""
        return uniform_on_sphere(self.latent_dim)

    def center(self, posterior: tfd.Distribution) -> tf.Tensor:
        """The mean directions [N, Z]: the mean itself is inside the sphere."""
        return posterior.mode()

    def sample(self, posterior: tfd.Distribution, noise: RowNoise) -> tf.Tensor:
        """z around the mean direction, [N, Z]."""
        direction = posterior.mode()
        rows = tf.shape(direction)[0]
        return sample_from_noise(
            direction,
            self.concentration,
            noise.uniform("angle", [rows]),
            noise.normal("z", [rows, self.latent_dim]),
        )

    def sample_prior(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """z ~ p(z), [num_rows, Z]."""
        normal = noise.normal("z", [num_rows, self.latent_dim])
        return tf.math.l2_normalize(normal, axis=-1)

    def kl_parts(self, posterior: tfd.Distribution) -> tf.Tensor:
        """KL(q(z | x) || p(z)), undivided, [N, 1]."""
        return tf.fill([posterior.batch_shape_tensor()[0], 1], self._kl)
