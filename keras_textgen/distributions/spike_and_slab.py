"""Spike and slab: a mixture of a narrow normal at zero and another normal."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import Numbers, check, refused
from keras_textgen.distributions.beta import LogBeta

tfd = tfp.distributions

# Half of the step between float32 uniform numbers.
_SMALLEST_UNIFORM = 2.0**-24


class SpikeAndSlab(tfd.Distribution):
    """gamma N(0, spike_scale^2) + (1 - gamma) N(loc, scale^2).

    Prokhorov et al. 2021 (RepL4NLP); gamma is the probability of the spike.
    Samples are hard: each is from the spike or from the slab. Their gradient
    by gamma is that of a relaxed choice (a straight-through binary concrete),
    which is biased; the gradients by loc and scale are exact.

    Mixtures have no KL divergence in closed form, so none is registered:
    estimate it as the mean of log q - log p over samples of q.

    Args:
        spike_probability: gamma, [...]; at 0 and 1 themselves, densities are
            right but have no gradient. None where `spike_logits` are given.
        loc: Mean of the slab, [...].
        scale: Standard deviation of the slab, above 0, [...].
        spike_scale: Standard deviation of the spike, above 0.
        temperature: Of the relaxed choice, above 0; lower is closer to a hard
            one, and its gradient noisier.
        spike_logits: log gamma - log(1 - gamma), [...], in place of gamma, for
            one that is nearer to 0 or 1 than a number of float32 can be.
        validate_args: Whether to check gamma and scale, in the graph; wrong
            values otherwise give NaN.
        allow_nan_stats: As in every tfp distribution.
        name: As in every tfp distribution.

    Raises:
        ValueError: If `spike_scale` or `temperature` is out of its range, or
            not one of gamma and its logits is given.

    Example:
        >>> prior = SpikeAndSlab(0.8, loc=0.0, scale=tf.ones([3]))
        >>> prior.batch_shape, prior.event_shape
        (TensorShape([3]), TensorShape([]))
        >>> round(float(prior.stddev()[0]), 4)  # sqrt(0.8 0.05^2 + 0.2)
        0.4494
    """

    def __init__(
        self,
        spike_probability: Any,
        loc: Any,
        scale: Any,
        spike_scale: float = 0.05,
        temperature: float = 0.5,
        spike_logits: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "SpikeAndSlab",
    ) -> None:
        parameters = dict(locals())
        check(
            Numbers(above=0), spike_scale=spike_scale, temperature=temperature
        )
        if (spike_probability is None) == (spike_logits is None):
            raise refused("spike_probability and spike_logits", "one of them")
        if spike_probability is None:
            self.spike_logits = tf.convert_to_tensor(spike_logits, tf.float32)
            self.spike_probability = tf.sigmoid(self.spike_logits)
            self._log_spike, self._log_slab = LogBeta.of_logit(
                self.spike_logits
            )
        else:
            gamma = tf.convert_to_tensor(spike_probability, tf.float32)
            self.spike_probability = gamma
            self._log_spike = tf.math.log(gamma)
            self._log_slab = tf.math.log1p(-gamma)
            self.spike_logits = self._log_spike - self._log_slab
        self.loc = tf.convert_to_tensor(loc, tf.float32)
        self.scale = tf.convert_to_tensor(scale, tf.float32)
        self.spike_scale = spike_scale
        self.temperature = temperature
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(
        cls, dtype: Any, num_classes: int | None = None
    ) -> dict[str, Any]:
        del dtype, num_classes
        return {
            "spike_probability": tfp.util.ParameterProperties(),
            "spike_logits": tfp.util.ParameterProperties(),
            "loc": tfp.util.ParameterProperties(),
            "scale": tfp.util.ParameterProperties(),
        }

    def _parameter_control_dependencies(self, is_init: bool) -> list:
        if not (is_init and self.validate_args):
            return []
        return [
            tf.debugging.assert_non_negative(
                self.spike_probability,
                "spike_probability is outside [0, 1]",
            ),
            tf.debugging.assert_less_equal(
                self.spike_probability,
                1.0,
                "spike_probability is outside [0, 1]",
            ),
            tf.debugging.assert_positive(
                self.scale, "scale holds others; allowed: numbers above 0"
            ),
        ]

    def _event_shape(self) -> tf.TensorShape:
        return tf.TensorShape([])

    def _event_shape_tensor(self) -> tf.Tensor:
        return tf.constant([], tf.int32)

    def _sample_n(self, n: int, seed: Any = None) -> tf.Tensor:
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        seed = tfp.random.sanitize_seed(seed, salt="spike_and_slab")
        choice, spike, slab = tf.unstack(tfp.random.split_seed(seed, n=3))
        return self.from_noise(
            tf.random.stateless_uniform(shape, choice),
            tf.random.stateless_normal(shape, spike),
            tf.random.stateless_normal(shape, slab),
        )

    def from_noise(
        self, uniform: tf.Tensor, spike_noise: tf.Tensor, slab_noise: tf.Tensor
    ) -> tf.Tensor:
        """Samples as a function of noise.

        Args:
            uniform: From U[0, 1), [..., of the batch shape].
            spike_noise: From N(0, 1), of the same shape.
            slab_noise: From N(0, 1), of the same shape.

        Returns:
            Samples of the noise's shape.
        """
        is_spike = straight_through_choice(
            self.spike_logits, uniform, self.temperature
        )
        spike = self.spike_scale * spike_noise
        slab = self.loc + self.scale * slab_noise
        return is_spike * spike + (1 - is_spike) * slab

    def _log_prob(self, value: tf.Tensor) -> tf.Tensor:
        return tfp.math.log_add_exp(*self._log_joint(value))

    def is_likely_spike(self, value: tf.Tensor) -> tf.Tensor:
        """Where a value is more likely from the spike than from the slab.

        Args:
            value: Of a shape that the batch shape broadcasts with.

        Returns:
            bool of the common shape.
        """
        spike, slab = self._log_joint(value)
        return spike > slab

    def _log_joint(self, value: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Log-density of a value and the spike, and of it and the slab."""
        spike = tfd.Normal(0.0, self.spike_scale).log_prob(value)
        slab = tfd.Normal(self.loc, self.scale).log_prob(value)
        return self._log_spike + spike, self._log_slab + slab

    def _mean(self) -> tf.Tensor:
        mean = (1 - self.spike_probability) * self.loc
        return tf.broadcast_to(mean, self.batch_shape_tensor())

    def _variance(self) -> tf.Tensor:
        spike, slab = self.spike_probability, 1 - self.spike_probability
        within = spike * self.spike_scale**2 + slab * tf.square(self.scale)
        return within + spike * slab * tf.square(self.loc)


def straight_through_choice(
    logits: tf.Tensor, uniform: tf.Tensor, temperature: float
) -> tf.Tensor:
    """1 with probability sigmoid(logits), else 0; gradient of a soft choice.

    The soft choice is a binary concrete (Maddison et al. 2017; Jang et al.
    2017): sigmoid((logits + logistic noise) / temperature).

    Args:
        logits: log p - log(1 - p) of the probability p of 1, [...].
        uniform: Noise from U[0, 1), [...].
        temperature: Above 0.

    Returns:
        0 or 1 as floats, of the common shape.

    Example:
        >>> logits = tf.Variable([2.0, -2.0])
        >>> with tf.GradientTape() as tape:
        ...     choice = straight_through_choice(logits, [0.5, 0.5], 0.5)
        >>> choice.numpy().tolist()
        [1.0, 0.0]
        >>> tape.gradient(choice, logits).numpy().round(3)
        array([0.035, 0.035], dtype=float32)
    """
    # 0 is among the uniform numbers, and has no logit.
    uniform = tf.maximum(uniform, _SMALLEST_UNIFORM)
    logistic = tf.math.log(uniform) - tf.math.log1p(-uniform)
    logits = logits + logistic
    soft = tf.sigmoid(logits / temperature)
    hard = tf.cast(logits >= 0, soft.dtype)
    # Exact: where hard is 1, soft is at least a half, so nothing is rounded.
    return soft + tf.stop_gradient(hard - soft)
