"""What the text models with one latent variable share."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import OneOf, check, refused
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.latent import Inference
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.posteriors import (
    GaussianPosterior,
    VonMisesFisherPosterior,
)
from keras_textgen.noise import RowNoise

tfd = tfp.distributions

POSTERIOR_FAMILIES = ("gaussian", "vmf")
_CONCENTRATION = 80.0


class SingleLatentTextModel(LatentTextModel):
    """Base of the models with one latent variable z.

    The parameters of q(z | x) are linear in the features that `read` gives.

    Args:
        vocabulary: Text to ids and back.
        posterior_family: "gaussian", with the prior N(0, I), or "vmf", von
            Mises-Fisher, with a uniform prior (Xu and Durrett 2018).
        concentration: Fixed kappa of "vmf"; None for 80.
        **kwargs: As in `LatentTextModel`.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        posterior_family: str = "gaussian",
        concentration: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary, **kwargs)
        check(OneOf(POSTERIOR_FAMILIES), posterior_family=posterior_family)
        self.posterior_family = posterior_family
        self._family: GaussianPosterior | VonMisesFisherPosterior
        if posterior_family == "vmf":
            self._check_sphere()
            if concentration is None:
                concentration = _CONCENTRATION
            self._family = VonMisesFisherPosterior(
                self.latent_dim, concentration
            )
        elif concentration is not None:
            raise refused(
                f"concentration={concentration} with posterior_family="
                f"{posterior_family!r}, which has none",
                "None, or posterior_family='vmf'",
            )
        else:
            self._family = GaussianPosterior(self.latent_dim)
        self.concentration = concentration
        self.head = self._family.make_head()

    def _check_sphere(self) -> None:
        if self.objective == "reference":
            raise refused(
                "posterior_family='vmf' with objective='reference', whose "
                "noise is a truncated normal",
                "objective='bound'",
            )
        if self.free_bits_per_dimension:
            raise refused(
                f"free_bits_per_dimension={self.free_bits_per_dimension} with "
                "posterior_family='vmf', whose KL is no sum over dimensions",
                "free_bits_per_dimension=0",
            )

    def infer(self, features: tf.Tensor, noise: RowNoise) -> Inference:
        """Draw z from q(z | x); its KL to the prior is analytic."""
        posterior = self._posterior(features)
        latent = self._family.sample(posterior, noise)
        return Inference(
            code=latent,
            kl_parts=self._family.kl_parts(posterior),
            log_ratio=posterior.log_prob(latent) - self.prior.log_prob(latent),
        )

    def encode_tokens(self, tokens: tf.Tensor) -> tf.Tensor:
        """Centers of q(z | x), [batch, latent_dim]."""
        return self._family.center(self.posterior(tokens))

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw z from p(z)."""
        return self._family.sample_prior(num_rows, noise)

    def posterior(self, tokens: tf.Tensor) -> tfd.Distribution:
        """q(z | x): batch shape [batch], event shape [latent_dim]."""
        return self._posterior(self.read(tokens))

    @property
    def prior(self) -> tfd.Distribution:
        """p(z), event shape [latent_dim]."""
        return self._family.prior

    def _posterior(self, features: tf.Tensor) -> tfd.Distribution:
        return self._family.given(self.head(features))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "posterior_family": self.posterior_family,
            "concentration": self.concentration,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SingleLatentTextModel":
        """Rebuild the model.

        Files of before may have a concentration of Gaussians, which have none.
        """
        if config.get("posterior_family", "gaussian") == "gaussian":
            config = {
                name: value
                for name, value in config.items()
                if name != "concentration"
            }
        return super().from_config(config)
