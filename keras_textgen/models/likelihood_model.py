"""What the models share whose loss is a likelihood, whatever they read."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.models.base import GlobalBatchModel
from keras_textgen.models.metrics import LikelihoodMetrics


class LikelihoodModel(GlobalBatchModel):
    """Base of the models that minimize nll + weight * KL of each row.

    A model's `call` gives, float32 [batch] each: "nll", the reconstruction
    term in nats; "kl", the KL term in nats; "num_tokens", the words that are
    predicted. In training it adds what else `training_losses` needs.

    Args:
        likelihood_kind: What -(nll + kl) is: "exact", "lower bound" or
            "reconstruction".
        **kwargs: As in `GlobalBatchModel`.
    """

    def __init__(self, *, likelihood_kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.likelihood_kind = likelihood_kind
        self._likelihood_metrics = LikelihoodMetrics(likelihood_kind)

    def kl_weight(self) -> tf.Tensor:
        """Weight of the KL in the training loss at the current step."""
        return tf.constant(1.0)

    def training_losses(
        self,
        outputs: dict[str, tf.Tensor],
        kl_weight: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What is minimized, of each row: float32 [batch].

        Args:
            outputs: Of `call`.
            kl_weight: Weight of the KL, a scalar.
            sample_weight: float32 [batch], or None: of what is a mean over
                the batch.
        """
        del sample_weight
        return outputs["nll"] + kl_weight * outputs["kl"]

    def evaluation_losses(self, outputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """What decides which epoch is the best, of each row: [batch]."""
        return outputs["nll"] + outputs["kl"]

    def with_losses(
        self,
        outputs: dict[str, tf.Tensor],
        x: tf.Tensor,
        y: None,
        sample_weight: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """Adds the loss of each row; in evaluation the KL has weight 1."""
        del x, y
        if training:
            weight = self.kl_weight()
            losses = self.training_losses(outputs, weight, sample_weight)
        else:
            weight = tf.constant(1.0)
            losses = self.evaluation_losses(outputs)
        return {**outputs, "losses": losses, "kl_weight": weight}

    def update_metrics(
        self, outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> None:
        """Add a batch to the likelihoods."""
        self._likelihood_metrics.update(outputs, sample_weight)

    @property
    def own_metrics(self) -> list[keras.metrics.Metric]:
        """Loss and likelihoods."""
        return self._likelihood_metrics.all
