"""Distribution strategies by name."""

import functools
import os

import keras
import tensorflow as tf

from keras_textgen.checks import OneOf, check
from keras_textgen.private_workers import (
    has_workers,
    strategy_of,
    wait_for_workers,
)
from keras_textgen.training.cluster import VARIABLE

NAMES = ("none", "mirrored", "multi_worker_mirrored")
# Seconds for which a worker may be stopped; one that is dead is noticed in a
# minute.
_SILENCE = 30


@functools.cache
def get_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of a name; the same object every time.

    Several mirrored strategies in one process now and then mix up their
    collective operations, hence the cache.

    Args:
      name: "none" (one device); "mirrored" (all GPUs of this machine, or
        all logical CPU devices if there is none); or "multi_worker_mirrored"
        (the devices of the processes that `TF_CONFIG` or Slurm names, see
        `keras_textgen.training.cluster`), to be asked for before TensorFlow has
        computed anything.

    Returns:
      The strategy, to build the model under.

    Raises:
      ValueError: if the name is unknown.

    Example:
    >>> get_strategy("none").num_replicas_in_sync
    1
    """
    check(OneOf(NAMES), distribution_strategy=name)
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "multi_worker_mirrored":
        resolver = _resolver()
        wait_for_workers(_SILENCE, resolver)
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _resolver() -> tf.distribute.cluster_resolver.ClusterResolver:
    resolvers = tf.distribute.cluster_resolver
    if VARIABLE in os.environ:
        return resolvers.TFConfigClusterResolver()
    return resolvers.SlurmClusterResolver()


class Agreement:
    """Lets the workers of a model decide together.

    Where one of them writes a checkpoint or stops, all have to: what they read
    of each other meanwhile would wait for ever.

    Args:
      model: made under a strategy.

    Example:
    >>> Agreement(keras.Sequential()).any(False, True)
    [False, True]
    """

    def __init__(self, model: keras.Model) -> None:
        self._strategy = strategy_of(model)
        self._has_workers = has_workers(model)
        self._sums = tf.function(self._summed)

    def any(self, *asked: bool) -> list[bool]:
        """Whether any worker asks for each; all call it after the same step."""
        if not self._has_workers:
            return list(asked)
        return (self._sums(tf.constant(asked, tf.float32)) > 0).numpy().tolist()

    def _summed(self, values: tf.Tensor) -> tf.Tensor:
        copies = self._strategy.run(tf.identity, (values,))
        return self._strategy.reduce("SUM", copies, axis=None)
