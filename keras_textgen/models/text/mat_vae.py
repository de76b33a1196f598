"""MAT-VAE: the sparse VAE of Mathieu et al. 2019, the HSVAE's baseline."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import Numbers, check
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.gaussian import diagonal_normal, per_dimension
from keras_textgen.distributions.spike_and_slab import SpikeAndSlab
from keras_textgen.layers.gaussian import GaussianHead
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.sparse_text_model import (
    SPIKE_SCALE,
    SparseTextModel,
    sample_by_row,
)
from keras_textgen.noise import RowNoise
from keras_textgen.objectives.mmd import maximum_mean_discrepancy
from keras_textgen.replicas import gather_rows

tfd = tfp.distributions


@keras.saving.register_keras_serializable("keras_textgen")
class MATVAE(SparseTextModel):
    """VAE with a Gaussian posterior and a fixed spike-and-slab prior.

    Mathieu et al. 2019, "Disentangling disentanglement in variational
    autoencoders" (ICML), as the baseline of Prokhorov et al. 2021: loss =
    nll + beta KL(q(z|x) || p(z)) + alpha MMD(q(z), p(z)). The KL is log q -
    log p at the sample.

    The MMD is that of the whole batch, over all replicas. -(nll + kl), which
    is what is printed, is a lower bound of log p(x) whatever the weights.

    Args:
        vocabulary: Text to ids and back.
        alpha: Weight of the maximum mean discrepancy between the codes of a
            batch and as many samples of the prior.
        beta: Weight of the KL.
        spike_probability: gamma of the prior, the same for all dimensions; 0
            makes it N(0, I), and with `alpha=0` the model a plain VAE.
        **kwargs: As in `SparseTextModel`.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = MATVAE(
        ...     Vocabulary(words), rnn_units=8, embedding_dim=4, latent_dim=3
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape
        (2, 3)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        alpha: float = 1.0,
        beta: float = 0.01,
        spike_probability: float = 0.8,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary, **kwargs)
        check(Numbers(at_least=0), alpha=alpha, beta=beta)
        check(Numbers(at_least=0, below=1), spike_probability=spike_probability)
        self.alpha = alpha
        self.beta = beta
        self.spike_probability = spike_probability
        self.head = GaussianHead(self.latent_dim)
        self.build()

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The recurrent encoder and the heads on it."""
        return [self.encoder, self.head]

    def infer(self, features: tf.Tensor, noise: RowNoise) -> Inference:
        """Draw z from q(z | x); its KL is log q - log p at the sample."""
        posterior = per_dimension(self._posterior(features))
        epsilon = noise.normal("z", tf.unstack(tf.shape(posterior.loc)))
        latent = posterior.loc + posterior.scale * epsilon
        log_ratio = posterior.log_prob(latent)
        log_ratio -= self._prior_of_dimensions.log_prob(latent)
        return Inference(latent, log_ratio, tf.reduce_sum(log_ratio, axis=-1))

    def training_outputs(
        self, inference: Inference, tokens: tf.Tensor, noise: RowNoise
    ) -> dict[str, tf.Tensor]:
        """Adds "mmd", a number of the whole batch, for every sequence."""
        codes = gather_rows(inference.code)
        prior = gather_rows(self.prior_code(tf.shape(inference.code)[0], noise))
        mmd = maximum_mean_discrepancy(codes, prior)
        outputs = super().training_outputs(inference, tokens, noise)
        return outputs | {"mmd": tf.repeat(mmd, tf.shape(tokens)[0])}

    @property
    def refuses_weights(self) -> str:
        """The MMD is one number of a whole batch."""
        return "the MMD, a number of the batch as a whole"

    def training_losses(
        self,
        outputs: dict[str, tf.Tensor],
        kl_weight: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What is minimized: the base's loss and alpha times the MMD."""
        losses = super().training_losses(outputs, kl_weight, sample_weight)
        return losses + self.alpha * outputs["mmd"]

    def weighted_kl_parts(self, kl_parts: tf.Tensor) -> tf.Tensor:
        """beta times each part."""
        return self.beta * kl_parts

    def codes_and_mask(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Means of z; on where the prior explains them by its slab."""
        codes = self.posterior(tokens).mean()
        return codes, ~self._prior_of_dimensions.is_likely_spike(codes)

    def code_views(
        self, tokens: tf.Tensor, noise: RowNoise
    ) -> dict[str, tf.Tensor]:
        """Samples and means of q(z | x)."""
        features = self.read(tokens)
        return {
            "sample": self.infer(features, noise).code,
            "mean": self._posterior(features).mean(),
        }

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw z from the spike-and-slab prior."""
        return sample_by_row(
            self._prior_of_dimensions, [num_rows, self.latent_dim], noise
        )

    def posterior(self, tokens: tf.Tensor) -> tfd.Distribution:
        """q(z | x): batch shape [batch], event shape [Z]."""
        return self._posterior(self.read(tokens))

    @property
    def prior(self) -> tfd.Distribution:
        """p(z), event shape [Z]."""
        return tfd.Independent(self._prior_of_dimensions, 1)

    @property
    def _prior_of_dimensions(self) -> SpikeAndSlab:
        gamma = tf.fill([self.latent_dim], self.spike_probability)
        return SpikeAndSlab(gamma, 0.0, 1.0, SPIKE_SCALE)

    def _posterior(self, features: tf.Tensor) -> tfd.Distribution:
        return diagonal_normal(*self.head(features))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "alpha": self.alpha,
            "beta": self.beta,
            "spike_probability": self.spike_probability,
        }
