"""Remedies against posterior collapse: objects that a model is given."""

from typing import Any

import tensorflow as tf

from keras_textgen.layers.bag_of_words import BagOfWordsLogLikelihood


class Remedy:
    """What a remedy may change of training; this one changes nothing.

    Attributes:
        refuses_weights: Which setting of the model does not go with weights of
            rows; None where weights are taken.
    """

    refuses_weights: str | None = None

    def attach(self, model: Any) -> None:
        """Give the model the layers and variables that the remedy needs."""

    def outputs(
        self, model: Any, code: tf.Tensor, x: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """What `added_to` needs, beside the outputs of the model's `call`.

        Args:
            model: In training.
            code: Of its inference, [batch * codes_per_text, code_size].
            x: What it was called with, [batch, ...].

        Returns:
            Tensors [batch, ...].
        """
        del model, code, x
        return {}

    def added_to(
        self, losses: tf.Tensor, outputs: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """The losses of the rows, [batch], with what the remedy adds."""
        del outputs
        return losses

    def selected(
        self,
        model: Any,
        gradients: list[tf.Tensor],
        outputs: dict[str, tf.Tensor],
    ) -> list[tf.Tensor]:
        """The gradients, those set to zero that do not apply."""
        del model, outputs
        return gradients


class BagOfWordsLoss(Remedy):
    """The words must be predicted from the code alone, too.

    Zhao et al. 2017 (ACL), equation 6; the layer is the model's
    `bag_of_words`.

    Args:
        weight: Of this loss in the training loss.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def attach(self, model: Any) -> None:
        """Give the model the layer from a code to its words."""
        model.bag_of_words = BagOfWordsLogLikelihood(model.vocabulary.size)

    def outputs(
        self, model: Any, code: tf.Tensor, x: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Minus the log-likelihood of tokens x [batch, time] as a bag."""
        targets = tf.repeat(x[:, 1:], model.codes_per_text, axis=0)
        latents = code[:, model.latent_columns]
        log_likelihood = model.bag_of_words(latents, targets)
        return {"bag_of_words_nll": -model.mean_over_codes(log_likelihood)}

    def added_to(
        self, losses: tf.Tensor, outputs: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """Adds the loss of the bag by its weight."""
        return losses + self.weight * outputs["bag_of_words_nll"]
