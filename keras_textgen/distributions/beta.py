"""Beta distribution whose samples are inside of (0, 1)."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

# Samples are no closer to 0 and 1: near 1, float32 has few numbers.
_MARGIN = 1e-6


class InteriorBeta(tfd.Beta):
    """Beta(alpha, beta) with samples in [1e-6, 1 - 1e-6].

    In float32, samples of a Beta distribution can be 0 or 1, where its density
    may be infinite. Here they are moved inside, which is not in the density:
    an error of the order of 1e-6 as long as the concentrations are not far
    below 1. KL divergences are those of `tfd.Beta`, in closed form.

    Example:
        >>> sample = InteriorBeta(100.0, 0.1).sample([9], seed=[0, 1])
        >>> bool(tf.reduce_all(sample < 1))
        True
    """

    def _sample_n(self, n: int, seed: Any = None) -> tf.Tensor:
        return move_inside(super()._sample_n(n, seed))


def move_inside(probability: tf.Tensor) -> tf.Tensor:
    """Values in [1e-6, 1 - 1e-6], without a gradient where they were not.

    Example:
        >>> move_inside(tf.constant([0.25, 1.0])).numpy() < 1
        array([ True,  True])
    """
    return tf.clip_by_value(probability, _MARGIN, 1 - _MARGIN)
