"""What the text models with one latent variable share."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.gaussian import (
    diagonal_normal,
    per_dimension,
    standard_normal,
)
from keras_textgen.layers.gaussian import GaussianHead
from keras_textgen.layers.noise import Noise, NoNoise
from keras_textgen.models.latent_text_model import Inference, LatentTextModel

tfd = tfp.distributions


class SingleLatentTextModel(LatentTextModel):
    """Base of the models with one Gaussian latent variable z.

    q(z | x) has mean and log-variance linear in the features that `read`
    gives; the prior is N(0, I).

    Args:
        vocabulary: Text to ids and back.
        **kwargs: As in `LatentTextModel`.
    """

    def __init__(self, vocabulary: Vocabulary, **kwargs: Any) -> None:
        super().__init__(vocabulary, **kwargs)
        self.head = GaussianHead(self.latent_dim)

    @property
    def code_size(self) -> int:
        """Width of a code: the latent variable itself."""
        return self.latent_dim

    def infer(self, features: tf.Tensor, noise: Noise | NoNoise) -> Inference:
        """z = mean + scale * noise; KL(q(z|x) || N(0, I)) is analytic."""
        posterior = self._posterior(features)
        shape = [tf.shape(features)[0], self.latent_dim]
        epsilon = noise.normal("z", shape)
        latent = posterior.mean() + posterior.stddev() * epsilon
        return Inference(
            code=latent,
            kl_parts=tfd.kl_divergence(
                per_dimension(posterior), per_dimension(self.prior)
            ),
            log_ratio=posterior.log_prob(latent) - self.prior.log_prob(latent),
        )

    def prior_code(self, num_rows: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Draw z from N(0, I)."""
        return noise.normal("z", [num_rows, self.latent_dim])

    def posterior(self, tokens: tf.Tensor) -> tfd.Distribution:
        """q(z | x): batch shape [batch], event shape [latent_dim]."""
        return self._posterior(self.read(tokens))

    @property
    def prior(self) -> tfd.Distribution:
        """p(z) = N(0, I), event shape [latent_dim]."""
        return standard_normal(self.latent_dim)

    def _posterior(self, features: tf.Tensor) -> tfd.Distribution:
        return diagonal_normal(*self.head(features))
