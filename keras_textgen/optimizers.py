"""Optimizers."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.private_names import adam_handles, unscaled


@keras.saving.register_keras_serializable("keras_textgen")
class FusedAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) in one pass over each variable.

    Keras's Adam reads and writes every variable several times a step, which
    costs time where the vocabulary is large. The update is the same, in
    TensorFlow's fused kernel; gradients must be dense.

    Args:
        *args: As in `keras.optimizers.Adam`.
        **kwargs: The same, but not `amsgrad`, which the kernel has not.

    Raises:
        ValueError: With `amsgrad`.

    Example:
        >>> variable = keras.Variable([1.0, 2.0])
        >>> optimizer = FusedAdam(learning_rate=0.1)
        >>> optimizer.apply([tf.constant([0.5, 0.0])], [variable])
        >>> variable.numpy().round(3).tolist()
        [0.8999999761581421, 2.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise refused(
                f"amsgrad={self.amsgrad}", "False, or keras.optimizers.Adam"
            )

    def update_step(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        learning_rate: tf.Tensor,
    ) -> None:
        """Update one variable and its two moments."""
        of_variable, first, second = adam_handles(self, variable)
        step = tf.cast(self.iterations.value + 1, variable.dtype)
        beta_1 = tf.constant(self.beta_1, variable.dtype)
        beta_2 = tf.constant(self.beta_2, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=of_variable,
            m=first,
            v=second,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )


def clipped_gradients(
    gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer
) -> list[tf.Tensor]:
    """Gradients as the optimizer's `global_clipnorm` clips them, if it has one.

    Args:
        gradients: Of the loss as the optimizer scales it, dense.
        optimizer: It may scale the loss.

    Returns:
        Of the same shapes.

    Example:
        >>> sgd = keras.optimizers.SGD(global_clipnorm=1.0)
        >>> clipped_gradients([tf.constant([3.0, 4.0])], sgd)[0].numpy()
        array([0.6, 0.8], dtype=float32)
    """
    clipnorm = unscaled(optimizer).global_clipnorm
    if not clipnorm:
        return gradients
    norm = optimizer.scale_loss(tf.constant(clipnorm))
    return tf.clip_by_global_norm(gradients, norm)[0]
