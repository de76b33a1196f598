"""The printed numbers of the models whose loss is a likelihood, defined once.

All are in nats per sequence, except perplexity, which is per predicted token
(the end token is predicted, padding is not). See docs/likelihoods.md.
"""

import keras
import tensorflow as tf


class Perplexity(keras.metrics.Metric):
    """exp(total nats / total predicted tokens) over the whole set.

    Example:
        >>> metric = Perplexity()
        >>> metric.update_state(
        ...     tf.math.log([4.0, 16.0]), tf.constant([1.0, 2.0])
        ... )
        >>> round(float(metric.result()), 4)
        4.0
    """

    def __init__(self, name: str = "perplexity") -> None:
        super().__init__(name=name)
        self.nats = self.add_variable((), "zeros", name="nats")
        self.tokens = self.add_variable((), "zeros", name="tokens")

    def update_state(
        self,
        nats: tf.Tensor,
        num_tokens: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        """Add sequences: nats, predicted tokens, perhaps weights, [batch]."""
        if sample_weight is not None:
            nats, num_tokens = nats * sample_weight, num_tokens * sample_weight
        self.nats.assign_add(tf.reduce_sum(nats))
        self.tokens.assign_add(tf.reduce_sum(num_tokens))

    def result(self) -> tf.Tensor:
        """Return the perplexity of what was added."""
        return tf.exp(tf.math.divide_no_nan(self.nats.value, self.tokens.value))


class LikelihoodMetrics:
    """Keeps loss and nll, and what else means something.

    A model that is exact has no KL. One whose number is a reconstruction, no
    likelihood, has no perplexity: it would be compared with others'.

    Args:
        likelihood_kind: As in `LikelihoodModel`.
    """

    def __init__(self, likelihood_kind: str) -> None:
        names = ["loss", "nll"]
        if likelihood_kind != "exact":
            names += ["kl", "elbo", "kl_weight"]
        self.means = {name: keras.metrics.Mean(name=name) for name in names}
        has_perplexity = likelihood_kind != "reconstruction"
        self.perplexity = Perplexity() if has_perplexity else None

    @property
    def all(self) -> list[keras.metrics.Metric]:
        """The metrics, in the order in which they are printed."""
        metrics = list(self.means.values())
        return metrics + ([self.perplexity] if self.perplexity else [])

    def update(
        self,
        outputs: dict[str, tf.Tensor],
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        """Add a batch.

        Args:
            outputs: "nll", "kl", "num_tokens" and "losses" of each sequence,
                [batch], and the scalar "kl_weight" of the batch's losses.
            sample_weight: Weight of each sequence in the means, [batch].
        """
        nats = outputs["nll"] + outputs["kl"]
        values = {**outputs, "loss": outputs["losses"], "elbo": -nats}
        if sample_weight is not None:
            sample_weight = tf.cast(sample_weight, nats.dtype)
        for name, mean in self.means.items():
            is_scalar = values[name].shape.rank == 0
            mean.update_state(
                values[name], None if is_scalar else sample_weight
            )
        if self.perplexity:
            self.perplexity.update_state(
                nats, outputs["num_tokens"], sample_weight
            )
