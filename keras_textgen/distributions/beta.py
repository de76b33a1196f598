"""Beta distribution near 0 and 1: in logarithms, or inside of (0, 1)."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

# The least and the largest number of float32 inside of (0, 1).
_LEAST = float(np.finfo(np.float32).tiny)
_LARGEST = 1 - 2.0**-24


class LogBeta(NamedTuple):
    """A probability gamma, too near 0 or 1 at times to be a number itself.

    Attributes:
        log: log gamma.
        log_complement: log(1 - gamma).
    """

    log: tf.Tensor
    log_complement: tf.Tensor

    @classmethod
    def of_logit(cls, logit: tf.Tensor) -> "LogBeta":
        """From log gamma - log(1 - gamma).

        Example:
            >>> gamma = LogBeta.of_logit(tf.constant(-200.0))
            >>> float(gamma.log), float(gamma.log_complement)
            (-200.0, -0.0)
        """
        return cls(-tf.nn.softplus(-logit), -tf.nn.softplus(logit))

    @property
    def logit(self) -> tf.Tensor:
        """log gamma - log(1 - gamma)."""
        return self.log - self.log_complement


class InteriorBeta(tfd.Beta):
    """Beta(alpha, beta) with samples inside of (0, 1).

    In float32, samples of a Beta distribution can be 0 or 1, where its density
    may be infinite. Here they become the nearest numbers inside, 1e-38 and
    1 - 6e-8, which is not in the density. With concentrations far below 1 that
    is most of the mass: `log_prob_of_logs` takes logarithms, which `Noise`
    draws. KL divergences are those of `tfd.Beta`, in closed form.

    Example:
        >>> sample = InteriorBeta(100.0, 0.1).sample([9], seed=[0, 1])
        >>> bool(tf.reduce_all(sample < 1))
        True
    """

    def _sample_n(self, n: int, seed: Any = None) -> tf.Tensor:
        sample = super()._sample_n(n, seed)
        return tf.clip_by_value(sample, _LEAST, _LARGEST)

    def log_prob_of_logs(self, gamma: LogBeta) -> tf.Tensor:
        """The log-density at gamma, however near it is to 0 or 1.

        Example:
            >>> beta = InteriorBeta(1.0, 2.0)  # Its density is 2 (1 - gamma).
            >>> beta.log_prob_of_logs(LogBeta(-1e-9, -20.0)).numpy().round(4)
            np.float32(-19.3069)
        """
        alpha, beta = self.concentration1, self.concentration0
        return (
            (alpha - 1) * gamma.log
            + (beta - 1) * gamma.log_complement
            - tfp.math.lbeta(alpha, beta)
        )
