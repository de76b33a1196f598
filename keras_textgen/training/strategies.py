"""Distribution strategies by name."""

import functools

import tensorflow as tf

from keras_textgen.checks import OneOf, check


@functools.cache
def get_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of a name; the same object every time.

    Several mirrored strategies in one process now and then mix up their
    collective operations, hence the cache.

    Args:
      name: "none" (one device) or "mirrored" (all GPUs of this machine, or
        all logical CPU devices if there is none).

    Returns:
      The strategy, to build the model under.

    Raises:
      ValueError: if the name is unknown.

    Example:
    >>> get_strategy("none").num_replicas_in_sync
    1
    """
    check(OneOf(("none", "mirrored")), distribution_strategy=name)
    if name == "none":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
