"""HSVAE: hierarchical sparse variational autoencoder."""

from collections.abc import Generator
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import Numbers, check
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.beta import InteriorBeta
from keras_textgen.distributions.spike_and_slab import SpikeAndSlab
from keras_textgen.layers.gating import GateParameters, SpikeAndSlabGate
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.sparse_text_model import (
    SPIKE_SCALE,
    SparseTextModel,
    sample_by_row,
)
from keras_textgen.noise import RowNoise

tfd = tfp.distributions
_Root = tfd.JointDistributionCoroutine.Root


@keras.saving.register_keras_serializable("keras_textgen")
class HSVAE(SparseTextModel):
    """Hierarchical sparse variational autoencoder.

    Prokhorov et al. 2021, "Learning sparse sentence encoding without
    supervision: an exploration of sparsity in variational autoencoders"
    (RepL4NLP). Every dimension of the code z has a probability gamma of being
    off (a narrow spike at zero) instead of on (a Gaussian slab); gamma itself
    is latent, with a Beta prior.

    The two KL terms are weighed in training; the printed KL is their sum, and
    -(nll + kl) a lower bound of log p(x).

    Args:
        vocabulary: Text to ids and back.
        z_reg_weight: Weight psi of the KL of z given gamma.
        gamma_reg_weight: Weight lambda of the KL of gamma.
        alpha: First concentration of the prior Beta(alpha, beta) of gamma;
            the larger beside `beta`, the sparser the codes.
        beta: Second concentration.
        temperature: Of the relaxed gate.
        concentration_range: Bounds of the posterior's concentrations; None for
            none.
        **kwargs: As in `SparseTextModel`.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> words = "the cat sat on a mat".split()
        >>> model = HSVAE(
        ...     Vocabulary(words), rnn_units=8, embedding_dim=4, latent_dim=3
        ... )
        >>> model.encode(["the cat sat", "on a mat"]).shape
        (2, 3)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        z_reg_weight: float = 0.01,
        gamma_reg_weight: float = 0.01,
        alpha: float = 4.0,
        beta: float = 1.0,
        temperature: float = 0.5,
        concentration_range: tuple[float, float] | None = (0.5, 100.0),
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary, **kwargs)
        check(
            Numbers(at_least=0),
            z_reg_weight=z_reg_weight,
            gamma_reg_weight=gamma_reg_weight,
        )
        check(Numbers(above=0), alpha=alpha, beta=beta, temperature=temperature)
        self.z_reg_weight = z_reg_weight
        self.gamma_reg_weight = gamma_reg_weight
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.temperature = temperature
        self.gate = SpikeAndSlabGate(self.latent_dim, concentration_range)
        self.build()

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The recurrent encoder and the gate."""
        return [self.encoder, self.gate]

    def infer(self, features: tf.Tensor, noise: RowNoise) -> Inference:
        """Draw gamma, then z given gamma; charge for both.

        KL(q(gamma | x) || p(gamma)) is analytic, that of z given gamma is
        log q - log p at the sample.
        """
        gate = self.gate(features)
        gamma = noise.beta("gamma", gate.alpha, gate.beta)
        posterior = self._posterior_given(gate, gamma.logit)
        shape = tf.unstack(tf.shape(gamma.log))
        latent = sample_by_row(posterior, shape, noise)
        log_ratio = posterior.log_prob(latent)
        log_ratio -= self._prior_given(gamma.logit).log_prob(latent)
        q_gamma = InteriorBeta(gate.alpha, gate.beta)
        p_gamma = self._prior_gamma()
        gamma_ratio = q_gamma.log_prob_of_logs(gamma)
        gamma_ratio -= p_gamma.log_prob_of_logs(gamma)
        return Inference(
            code=latent,
            kl_parts=tf.concat(
                [log_ratio, tfd.kl_divergence(q_gamma, p_gamma)], axis=-1
            ),
            log_ratio=tf.reduce_sum(log_ratio + gamma_ratio, axis=-1),
        )

    def weighted_kl_parts(self, kl_parts: tf.Tensor) -> tf.Tensor:
        """psi times the parts of z, lambda times those of gamma."""
        of_z, of_gamma = tf.split(kl_parts, 2, axis=-1)
        return tf.concat(
            [self.z_reg_weight * of_z, self.gamma_reg_weight * of_gamma], -1
        )

    def codes_and_mask(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Means of z; on where the slab is likelier than the spike."""
        gate = self.gate(self.read(tokens))
        return _mean_code(gate), _mean_gamma(gate) < 0.5

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw gamma from Beta(alpha, beta), then z given gamma."""
        shape = [num_rows, self.latent_dim]
        alpha, beta = tf.fill(shape, self.alpha), tf.fill(shape, self.beta)
        logits = noise.beta("gamma", alpha, beta).logit
        return sample_by_row(self._prior_given(logits), shape, noise)

    def gate_probability(self, tokens: tf.Tensor) -> tf.Tensor:
        """E[gamma] of q(gamma | x), the chance of the spike: [batch, Z]."""
        return _mean_gamma(self.gate(self.read(tokens)))

    def code_views(
        self, tokens: tf.Tensor, noise: RowNoise
    ) -> dict[str, tf.Tensor]:
        """Samples of z, means of the slab, and those times 1 - E[gamma]."""
        features = self.read(tokens)
        gate = self.gate(features)
        return {
            "sample": self.infer(features, noise).code,
            "slab_mean": gate.loc,
            "gated_mean": _mean_code(gate),
        }

    def posterior(self, tokens: tf.Tensor) -> tfd.Distribution:
        """q(gamma, z | x) as a joint distribution, gamma first.

        Each part has batch shape [batch] and event shape [latent_dim].
        """
        gate = self.gate(self.read(tokens))

        def chain() -> Generator:
            gamma = yield _Root(
                _of_code(InteriorBeta(gate.alpha, gate.beta), "gamma")
            )
            yield _of_code(self._posterior_given(gate, _logit(gamma)), "z")

        return tfd.JointDistributionCoroutine(chain)

    @property
    def prior(self) -> tfd.Distribution:
        """p(gamma, z) as a joint distribution, gamma first."""

        def chain() -> Generator:
            gamma = yield _Root(_of_code(self._prior_gamma(), "gamma"))
            yield _of_code(self._prior_given(_logit(gamma)), "z")

        return tfd.JointDistributionCoroutine(chain)

    def _posterior_given(
        self, gate: GateParameters, logits: tf.Tensor
    ) -> SpikeAndSlab:
        """q(z | gamma, x), from the logits of gamma."""
        return self._spike_and_slab(logits, gate.loc, gate.scale)

    def _prior_given(self, logits: tf.Tensor) -> SpikeAndSlab:
        """p(z | gamma), from the logits of gamma."""
        return self._spike_and_slab(logits, 0.0, 1.0)

    def _spike_and_slab(
        self,
        logits: tf.Tensor,
        loc: tf.Tensor | float,
        scale: tf.Tensor | float,
    ) -> SpikeAndSlab:
        return SpikeAndSlab(
            None, loc, scale, SPIKE_SCALE, self.temperature, logits
        )

    def _prior_gamma(self) -> InteriorBeta:
        shape = [self.latent_dim]
        return InteriorBeta(
            tf.fill(shape, self.alpha), tf.fill(shape, self.beta)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "z_reg_weight": self.z_reg_weight,
            "gamma_reg_weight": self.gamma_reg_weight,
            "alpha": self.alpha,
            "beta": self.beta,
            "temperature": self.temperature,
            "concentration_range": self.gate.concentration_range,
        }


def _mean_gamma(gate: GateParameters) -> tf.Tensor:
    return gate.alpha / (gate.alpha + gate.beta)


def _mean_code(gate: GateParameters) -> tf.Tensor:
    return (1 - _mean_gamma(gate)) * gate.loc


def _logit(probability: tf.Tensor) -> tf.Tensor:
    return tf.math.log(probability) - tf.math.log1p(-probability)


def _of_code(distribution: tfd.Distribution, name: str) -> tfd.Distribution:
    """The dimensions of a code as one event."""
    return tfd.Independent(distribution, 1, name=name)
