"""Attention pooling with a learned context vector."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check
from keras_textgen.layers.masking import ExplicitMaskLayer


@keras.saving.register_keras_serializable("keras_textgen")
class AttentionPooling(ExplicitMaskLayer):
    """Weighted sum over time, the weights from a learned context vector.

    v_t = tanh(O_t W + b), s_t = u . v_t, a = softmax_t(s), m = sum_t a_t O_t:
    Yang et al. 2016 (NAACL), equations 5 to 7, and the attention of the HDGM
    code base. W, b and u are drawn from N(0, 0.1^2) as there. Computed in
    float32 under every precision policy.

    Args:
        units: Width A of the attention space.

    Example:
        >>> pooling = AttentionPooling(units=3)
        >>> mask = tf.constant([[True, True, False]])
        >>> pooled, weights = pooling(tf.random.normal([1, 3, 4]), mask=mask)
        >>> pooled.shape, float(weights[0, 2])
        (TensorShape([1, 4]), 0.0)
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        check(SIZES, units=units)
        self.units = units

    def build(self, input_shape: tuple) -> None:
        """Create W [D, A], b [A] and the context vector u [A]."""
        normal = keras.initializers.RandomNormal(stddev=0.1)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=normal.clone(),
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer=normal.clone()
        )
        self.context = self.add_weight(
            name="context", shape=(self.units,), initializer=normal.clone()
        )
        self.built = True

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Pool over time.

        Args:
            inputs: O, [batch, time, D].
            mask: Optional bool [batch, time]; masked steps get weight 0. A
                row that is masked throughout is pooled to zeros.

        Returns:
            The pooled vectors [batch, D] and the weights [batch, time].
        """
        keys = tf.tanh(tf.tensordot(inputs, self.kernel, 1) + self.bias)
        scores = tf.tensordot(keys, self.context, 1)  # [batch, time]
        if mask is not None:
            scores = tf.where(mask, scores, scores.dtype.min)
        weights = tf.nn.softmax(scores)
        if mask is not None:
            weights = tf.where(mask, weights, 0.0)
        return tf.einsum("bt,btd->bd", weights, inputs), weights

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"units": self.units}
