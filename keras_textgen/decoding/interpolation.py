"""Paths between latent codes."""

import tensorflow as tf

from keras_textgen.decoding.common import checked_integer


def homotopy(a: tf.Tensor, b: tf.Tensor, steps: int) -> tf.Tensor:
    """Goes from code `a` to code `b` in equal steps, both ends included.

    Decoding the points shows how sentences change along the way (Bowman et
    al. 2016, section 5.3): code i is (1 - w) a + w b with w = i / (steps - 1).

    Args:
        a: float [D] or [N, D].
        b: float [D] or [N, D]; N is 1 where both are [D].
        steps: The number of codes on the path, at least 2.

    Returns:
        float32 [N, steps, D].

    Raises:
        ValueError: If `steps` is not a whole number of at least 2.

    Example:
        >>> homotopy([0.0, 1.0], [4.0, 3.0], steps=3).numpy().tolist()
        [[[0.0, 1.0], [2.0, 2.0], [4.0, 3.0]]]
    """
    steps = checked_integer("steps", steps, minimum=2)
    a = _as_rows(a)
    b = _as_rows(b)
    weight = tf.linspace(0.0, 1.0, steps)[:, tf.newaxis]
    return (1.0 - weight) * a + weight * b


def _as_rows(code: tf.Tensor) -> tf.Tensor:
    """[D] or [N, D] -> [N, 1, D]."""
    code = tf.cast(code, tf.float32)
    return tf.reshape(code, [-1, 1, tf.shape(code)[-1]])
