"""Sentence VAE: Bowman et al. 2016, the baseline of the HDGM code base."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.data.vocabulary import PAD_ID, Vocabulary
from keras_textgen.distributions.gaussian import (
    diagonal_normal,
    standard_normal,
)
from keras_textgen.layers.gaussian import GaussianHead
from keras_textgen.layers.noise import Noise, NoNoise
from keras_textgen.layers.recurrent import RecurrentStack
from keras_textgen.models.latent_text_model import Inference, LatentTextModel

tfd = tfp.distributions


@keras.saving.register_keras_serializable("keras_textgen")
class SentenceVAE(LatentTextModel):
    """Variational autoencoder of sentences with a single Gaussian latent.

    Bowman et al. 2016, "Generating sentences from a continuous space"
    (CoNLL), as the HDGM code base has it: a recurrent encoder whose final
    state gives the posterior, and a recurrent decoder that sees the latent
    variable in its initial state only.

    With `objective="reference"` the noise is a truncated normal, in
    evaluation too, and -(nll + kl) is a reconstruction score; with "bound" it
    is normal, and -(nll + kl) a lower bound of log p(x). Importance weights
    (`log_likelihood`) use normal noise in both cases.

    Args:
        vocabulary: Text to ids and back.
        **kwargs: As in `LatentTextModel`.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = SentenceVAE(
        ...     Vocabulary(words), rnn_units=8, embedding_dim=4, latent_dim=2
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape
        (2, 2)
    """

    def __init__(self, vocabulary: Vocabulary, **kwargs: Any) -> None:
        super().__init__(vocabulary, **kwargs)
        self.encoder = RecurrentStack(
            self.rnn_units,
            self.num_layers,
            self.rnn_type,
            dtype=self.dtype_policy,
        )
        self.head = GaussianHead(self.latent_dim)
        self.build()

    @property
    def code_size(self) -> int:
        """Width of a code: the latent variable itself."""
        return self.latent_dim

    def read(self, tokens: tf.Tensor) -> tf.Tensor:
        """The top layer's final [c; h], [batch, 2 * units].

        The encoder reads the decoder's own inputs, hence all targets but the
        last.
        """
        is_predicted = tokens[:, 1:] != PAD_ID
        embedded = self.embed(tokens[:, :-1])
        _, states = self.encoder(embedded, mask=is_predicted)
        return tf.concat(states[-1][::-1], axis=-1)

    def infer(self, features: tf.Tensor, noise: Noise | NoNoise) -> Inference:
        """z = mean + scale * noise; KL(q(z|x) || N(0, I)) is analytic."""
        posterior = self._posterior(features)
        shape = [tf.shape(features)[0], self.latent_dim]
        epsilon = noise.normal("z", shape)
        latent = posterior.mean() + posterior.stddev() * epsilon
        return Inference(
            code=latent,
            kl=tfd.kl_divergence(posterior, self.prior),
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
