"""Gradients of one's own that are freed with the graphs they were traced in.

See `private_names`, which lists what is private here.
"""

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops

_NAME = "_gradient_op_type"


def custom_gradient(function: Callable) -> Callable:
    """`tf.custom_gradient`, whose graphs are freed with the model.

    Args:
        function: As `tf.custom_gradient` takes it, of tensors by position.

    Example:
        >>> @custom_gradient
        ... def doubled(x):
        ...     return 2 * x, lambda upstream: 2 * upstream
        >>> with tf.GradientTape() as tape:
        ...     x = tf.constant(3.0)
        ...     tape.watch(x)
        ...     y = doubled(x)
        >>> float(tape.gradient(y, x))
        2.0
    """
    decorated = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return freed_with_graph(decorated(*args))

    return call


def freed_with_graph(results: Any) -> Any:
    """Results of a gradient of its own, which their graph alone then holds.

    TensorFlow keeps such a gradient, once it is traced, in a table of the
    process, and with it the graph and whatever that has captured, of each model
    that was ever trained. Here the operation holds it, and the table only finds
    it as long as that does: for a SavedModel of the graph.

    Args:
        results: What `tf.custom_gradient` gave: one or several tensors.

    Returns:
        The same.
    """
    tensor = tf.nest.flatten(results)[0]
    if tf.executing_eagerly() or not hasattr(tensor, "op"):
        return results
    operation = tensor.op
    if operation.type != "IdentityN":
        return results
    table = ops.gradient_registry._registry
    name = operation.get_attr(_NAME).decode()
    if name in table and operation._gradient_function is None:
        gradient = operation._gradient_function = table[name]["type"]
        table[name]["type"] = _while_it_lives(gradient)
        weakref.finalize(gradient, table.pop, name, None).atexit = False
    return results


def _while_it_lives(function: Callable) -> Callable:
    """What calls a function, and does not keep it."""
    held = weakref.ref(function)
    return lambda *args: held()(*args)


def can_be_held() -> bool:
    """Whether TensorFlow still looks for a gradient at the operation first."""
    found = inspect.getsource(ops.get_gradient_function)
    return "op._gradient_function" in found and isinstance(
        ops.gradient_registry._registry, dict
    )
