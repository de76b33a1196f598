"""Traces of functions that a SavedModel takes as they are."""

import contextlib

import tensorflow as tf
from tensorflow.python.saved_model import save_context


def tracing_for(
    options: tf.saved_model.SaveOptions,
) -> contextlib.AbstractContextManager[None]:
    """While it lasts, functions are traced as `tf.saved_model.save` would.

    What was traced before it, or with other options, is traced once more when
    it is saved, and is in the SavedModel twice.
    """
    return save_context.save_context(options)


def can_be_told() -> bool:
    """Whether a function is traced anew for a SavedModel, and not in here."""
    traces = []

    def doubled(x: tf.Tensor) -> tf.Tensor:
        traces.append(x)
        return 2 * x

    double, spec = tf.function(doubled, autograph=False), tf.TensorSpec([])
    for _ in range(2):
        double.get_concrete_function(spec)
        with tracing_for(tf.saved_model.SaveOptions()):
            double.get_concrete_function(spec)
    return len(traces) == 2
