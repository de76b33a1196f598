"""The gate of the HSVAE: which dimensions of a code are on."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, Numbers, check, refused

# Keeps concentrations of the Beta distribution above zero.
_SMALLEST_CONCENTRATION = 1e-5
_BOUNDS = Numbers(above=0)


class GateParameters(NamedTuple):
    """Parameters of q(gamma, z | x), each [..., Z].

    Attributes:
        loc: Mean of the slab.
        scale: Standard deviation of the slab.
        alpha: First concentration of gamma's Beta distribution; gamma is the
            probability of the spike.
        beta: Second concentration.
    """

    loc: tf.Tensor
    scale: tf.Tensor
    alpha: tf.Tensor
    beta: tf.Tensor


@keras.saving.register_keras_serializable("keras_textgen")
class SpikeAndSlabGate(keras.layers.Layer):
    """Four linear heads: a Gaussian slab and a Beta-distributed gate.

    Prokhorov et al. 2021 (RepL4NLP). Standard deviation and concentrations
    are softplus. Clipped concentrations keep their gradient, so that they can
    come back: the authors' remedy for NaN, though with the noise of this
    package no run was seen to need it (benchmarks/hsvae_stability.log). Kept
    in float32 under every precision policy.

    Args:
        latent_dim: Dimension Z.
        concentration_range: Bounds of the concentrations; None for none.

    Raises:
        ValueError: If the bounds are not positive numbers in order.

    Example:
        >>> gate = SpikeAndSlabGate(latent_dim=2)
        >>> parameters = gate(tf.zeros([3, 5]))
        >>> parameters.loc.shape, parameters.alpha.numpy()[0].round(3)
        (TensorShape([3, 2]), array([0.693, 0.693], dtype=float32))
    """

    def __init__(
        self,
        latent_dim: int,
        concentration_range: tuple[float, float] | None = (0.5, 100.0),
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        check(SIZES, latent_dim=latent_dim)
        self.latent_dim = latent_dim
        if concentration_range is not None:
            # A file holds a list.
            concentration_range = tuple(np.ravel(concentration_range).tolist())
            are_bounds = all(each in _BOUNDS for each in concentration_range)
            is_pair = are_bounds and len(concentration_range) == 2
            if not is_pair or concentration_range[0] > concentration_range[1]:
                raise refused(
                    f"concentration_range={concentration_range}",
                    "two numbers above 0, the lower one first",
                )
        self.concentration_range = concentration_range
        self.loc = keras.layers.Dense(latent_dim, dtype="float32")
        self.scale, self.alpha, self.beta = (
            keras.layers.Dense(
                latent_dim, activation="softplus", dtype="float32"
            )
            for _ in range(3)
        )

    def build(self, input_shape: tuple) -> None:
        """Build the heads for features [..., input_shape[-1]]."""
        for head in (self.loc, self.scale, self.alpha, self.beta):
            head.build(input_shape)
        self.built = True

    def call(self, features: tf.Tensor) -> GateParameters:
        """Map features [..., F] to parameters [..., Z]."""
        return GateParameters(
            self.loc(features),
            self.scale(features),
            self._concentration(self.alpha(features)),
            self._concentration(self.beta(features)),
        )

    def _concentration(self, values: tf.Tensor) -> tf.Tensor:
        values += _SMALLEST_CONCENTRATION
        if self.concentration_range is None:
            return values
        clipped = tf.clip_by_value(values, *self.concentration_range)
        return values + tf.stop_gradient(clipped - values)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "concentration_range": self.concentration_range,
        }
