"""What the package uses of Keras and TensorFlow beyond their public interfaces.

All of it is here, so that another version of Keras breaks one file. `NAMES`
says of each name how to find it, who uses it, and what is lost without it;
`tests/test_private_names.py` looks them all up, and looks for others.
"""

import contextlib
import functools
import importlib.util
import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_textgen import (
    private_gradients,
    private_saving,
    private_workers,
)
from keras_textgen.private_workers import strategy_of


class PrivateName(NamedTuple):
    """A name that another version may not have.

    Attributes:
        name: Such as "_initial_epoch".
        of: What has it, as a user would import it.
        used_by: The function or class here, or the module, that needs it.
        breaks: What goes wrong without it.
        is_there: Whether the installed version has it.
    """

    name: str
    of: str
    used_by: str
    breaks: str
    is_there: Callable[[], bool]


def initial_epoch(model: keras.Model) -> int | None:
    """The epoch that `keras.callbacks.BackupAndRestore` goes on with, if any.

    Example:
        >>> print(initial_epoch(keras.Sequential()))
        None
    """
    return model._initial_epoch


def is_within_fit(evaluate_arguments: Mapping[str, Any]) -> bool:
    """Whether `fit` calls `evaluate`, with batches that it has made before.

    Args:
        evaluate_arguments: Those beside Keras's documented ones.

    Example:
        >>> is_within_fit({})
        False
    """
    return "_use_cached_eval_dataset" in evaluate_arguments


def compiled_metrics(
    metrics: Sequence[keras.metrics.Metric],
) -> list[keras.metrics.Metric]:
    """Of `keras.Model.metrics`, the one that holds those given to `compile`.

    Example:
        >>> compiled_metrics([keras.metrics.Mean("loss")])
        []
    """
    return [each for each in metrics if each.name == "compile_metrics"]


def take_any_argument(layer: keras.Layer) -> None:
    """Let a layer be called with lists of strings, which are no tensors.

    Example:
        >>> layer = keras.layers.Identity()
        >>> take_any_argument(layer)
        >>> layer(["a rose"])
        ['a rose']
    """
    layer._convert_input_args = False
    layer._allow_non_tensor_positional_args = True


def unscaled(
    optimizer: keras.optimizers.Optimizer,
) -> keras.optimizers.Optimizer:
    """The optimizer, without Keras's scaling of the loss around it.

    Example:
        >>> inner = keras.optimizers.SGD()
        >>> unscaled(keras.optimizers.LossScaleOptimizer(inner)) is inner
        True
        >>> unscaled(inner) is inner
        True
    """
    return getattr(optimizer, "inner_optimizer", optimizer)


def adam_handles(
    optimizer: keras.optimizers.Adam, variable: tf.Variable
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What TensorFlow's fused kernels need to find a variable's state.

    Args:
        optimizer: It has been built.
        variable: One of those that it updates.

    Returns:
        The resources of the variable, its first and its second moment.

    Example:
        >>> optimizer = keras.optimizers.Adam()
        >>> variable = keras.Variable([1.0, 2.0])
        >>> optimizer.build([variable])
        >>> _, first, _ = adam_handles(optimizer, variable.value)
        >>> tf.raw_ops.ReadVariableOp(resource=first, dtype="float32").shape
        TensorShape([2])
    """
    index = optimizer._get_variable_index(variable)
    return (
        variable.handle,
        optimizer._momentums[index].value.handle,
        optimizer._velocities[index].value.handle,
    )


def set_rates(
    optimizer: keras.optimizers.Optimizer, factors: Mapping[int, float]
) -> None:
    """Let an optimizer move some variables at other rates.

    The factors come on top of its learning rate, whatever that is at a step, in
    the update of a variable and in the decay of weights; gradients, clipping,
    accumulation, averages and the optimizer's state know nothing of them.

    Args:
        optimizer: Without Keras's scaling of the loss around it.
        factors: By `id` of a variable; others have 1. None at all undoes it.

    Example:
        >>> variables = [keras.Variable([1.0]), keras.Variable([1.0])]
        >>> optimizer = keras.optimizers.SGD(0.5)
        >>> set_rates(optimizer, {id(variables[1]): 0.1})
        >>> optimizer.apply([tf.constant([1.0])] * 2, variables)
        >>> [float(variable[0]) for variable in variables]
        [0.5, 0.949999988079071]
    """
    for name in ("update_step", "_apply_weight_decay"):
        vars(optimizer).pop(name, None)
    if not factors:
        return
    kind = type(optimizer)

    def factor_of(variable: tf.Variable | keras.Variable) -> float:
        place = optimizer._get_variable_index(variable)
        return factors.get(id(optimizer._trainable_variables[place]), 1.0)

    def update_step(
        gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        rate = learning_rate * factor_of(variable)
        kind.update_step(optimizer, gradient, variable, rate)

    def apply_weight_decay(variables: Sequence[keras.Variable]) -> None:
        decay = optimizer.weight_decay
        if decay is None:
            return
        for variable in variables:
            optimizer.weight_decay = decay * factor_of(variable)
            kind._apply_weight_decay(optimizer, [variable])
        optimizer.weight_decay = decay

    optimizer.update_step = update_step
    optimizer._apply_weight_decay = apply_weight_decay


def table_of(lookup: keras.layers.StringLookup) -> tf.lookup.StaticHashTable:
    """The table of a lookup layer, for a SavedModel to track.

    Example:
        >>> int(table_of(keras.layers.StringLookup(vocabulary=["a"])).size())
        1
    """
    return lookup.lookup_table


@contextlib.contextmanager
def default_seeds_from(seed: int) -> Iterator[None]:
    """A context in which a seed decides the seeds that Keras draws itself.

    Initializers and layers without a seed take theirs from Python's generator,
    which is left as it was found.

    Example:
        >>> with default_seeds_from(3):
        ...     one = keras.initializers.RandomNormal()([2]).numpy()
        >>> with default_seeds_from(3):
        ...     other = keras.initializers.RandomNormal()([2]).numpy()
        >>> bool((one == other).all())
        True
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


class NoSymbolicBuild:
    """Of a `keras.Model`: training builds the optimizer, and nothing else.

    Under a distribution strategy, Keras would first run the model on the mean
    of the replicas' inputs, which are no inputs and need not even be of one
    shape.
    """

    optimizer: keras.optimizers.Optimizer
    trainable_variables: list[keras.Variable]

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        del iterator, data_batch
        if self.optimizer is not None and not self.optimizer.built:
            with strategy_of(self).scope():
                self.optimizer.build(self.trainable_variables)


class OwnLoop(keras.layers.RNN):
    """A recurrent layer of Keras with a loop over time of its own.

    It stands before Keras's own layer among the bases, whose loop it calls
    where `over_time` does not apply.
    """

    def over_time(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor],
        mask: tf.Tensor | None,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]] | None:
        """Run over [batch, time, features]; None for Keras's own loop.

        Returns:
            The last output [batch, units], all of them [batch, time, units],
            and the last states, as Keras's own loop gives them.
        """
        raise NotImplementedError

    def inner_loop(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor],
        mask: tf.Tensor | None,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Keras calls it; see `over_time`."""
        results = self.over_time(sequences, initial_state, mask)
        if results is not None:
            return results
        return super().inner_loop(sequences, initial_state, mask, training)


def _calls(method: Callable, name: str) -> bool:
    return name in inspect.getsource(method)


def _of_adam(name: str) -> bool:
    optimizer = keras.optimizers.Adam()
    optimizer.build([keras.Variable(0.0)])
    return hasattr(optimizer, name)


def _of_gpt2(name: str) -> bool:
    if importlib.util.find_spec("keras_hub") is None:
        return True
    kind = importlib.import_module("keras_hub").layers.TransformerDecoder
    layer = kind(intermediate_dim=1, num_heads=1)
    layer.build((None, None, 1))
    return hasattr(layer, name) or hasattr(layer._self_attention_layer, name)


def _draws_from_python() -> bool:
    with default_seeds_from(3):
        before = random.getstate()
        keras.initializers.RandomNormal()
        return random.getstate() != before


def _of_distributions(name: str) -> bool:
    # It takes a second to import, which vocabularies need not wait for.
    from tensorflow_probability import distributions

    return hasattr(distributions.Normal, name)


def _has(kind: type, name: str) -> bool:
    return hasattr(kind(), name)


def _compiled() -> keras.Model:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(metrics=["mae"])
    return model


NAMES = (
    PrivateName(
        "_initial_epoch",
        "keras.Model",
        "initial_epoch",
        "after BackupAndRestore, data begin again with their first epoch",
        functools.partial(_has, keras.Model, "_initial_epoch"),
    ),
    PrivateName(
        "_use_cached_eval_dataset",
        "keras.Model.evaluate",
        "is_within_fit",
        "validation data of fit are prepared a second time",
        lambda: _calls(keras.Model.fit, "_use_cached_eval_dataset=True"),
    ),
    PrivateName(
        "compile_metrics",
        "keras.Model.metrics",
        "compiled_metrics",
        "metrics given to compile are neither reset nor saved",
        lambda: _compiled().metrics[-1].name == "compile_metrics",
    ),
    *(
        PrivateName(
            name,
            "keras.Layer",
            "take_any_argument",
            "a vocabulary cannot be called with lists of strings",
            functools.partial(_has, keras.Layer, name),
        )
        for name in ("_convert_input_args", "_allow_non_tensor_positional_args")
    ),
    PrivateName(
        "distribute_strategy",
        "keras.Model",
        "keras_textgen.private_workers",
        "models cannot be trained on several replicas",
        functools.partial(_has, keras.Model, "distribute_strategy"),
    ),
    PrivateName(
        "configure_coordination_service",
        "tf.distribute.MultiWorkerMirroredStrategy",
        "keras_textgen.private_workers",
        "a worker that is stopped for 10 seconds ends the others",
        private_workers.can_be_told,
    ),
    PrivateName(
        "_all_reduce_sum_gradients",
        "keras.optimizers.Optimizer",
        "keras_textgen.private_workers",
        "replicas send each gradient that is clipped twice",
        private_workers.can_leave_out_sums,
    ),
    PrivateName(
        "save_context",
        "tf.saved_model.save",
        "keras_textgen.private_saving",
        "every function of a SavedModel is traced twice and is there twice",
        private_saving.can_be_told,
    ),
    PrivateName(
        "_gradient_function",
        "tf.Operation",
        "keras_textgen.private_gradients",
        "the graphs of models that are gone stay in memory",
        private_gradients.can_be_held,
    ),
    PrivateName(
        "inner_optimizer",
        "keras.optimizers.LossScaleOptimizer",
        "unscaled",
        "in float16, gradients of several replicas are not clipped",
        lambda: _calls(
            keras.optimizers.LossScaleOptimizer, "self.inner_optimizer ="
        ),
    ),
    *(
        PrivateName(
            name,
            "keras.optimizers.Adam",
            "adam_handles",
            "FusedAdam does not find a variable's moments",
            functools.partial(_of_adam, name),
        )
        for name in ("_get_variable_index", "_momentums", "_velocities")
    ),
    *(
        PrivateName(
            name,
            "keras.optimizers.Optimizer",
            "set_rates",
            f"learning_rate_of {breaks}",
            functools.partial(_of_adam, name),
        )
        for name, breaks in (
            ("_trainable_variables", "does not find what it names"),
            ("_apply_weight_decay", "has no say in the decay of weights"),
        )
    ),
    PrivateName(
        "handle",
        "tf.Variable",
        "adam_handles",
        "FusedAdam cannot update a variable",
        lambda: hasattr(tf.Variable(0.0), "handle"),
    ),
    PrivateName(
        "lookup_table",
        "keras.layers.StringLookup",
        "table_of",
        "a SavedModel has no vocabulary",
        functools.partial(_has, keras.layers.StringLookup, "lookup_table"),
    ),
    PrivateName(
        "random.randint",
        "keras.random.SeedGenerator",
        "default_seeds_from",
        "a model's seed does not decide its first weights",
        _draws_from_python,
    ),
    PrivateName(
        "_maybe_symbolic_build",
        "keras.Model",
        "NoSymbolicBuild",
        "on several replicas, models are called with the mean of their inputs",
        lambda: _calls(keras.Model.fit, "self._maybe_symbolic_build("),
    ),
    PrivateName(
        "inner_loop",
        "keras.layers.RNN",
        "OwnLoop",
        "recurrent layers are slow without a GPU",
        lambda: _calls(keras.layers.RNN.call, "self.inner_loop("),
    ),
    *(
        PrivateName(
            name,
            "keras.Model",
            "keras_textgen.models.front_door",
            "fit does not know whether, and how, a model was compiled",
            functools.partial(_has, keras.Model, name),
        )
        for name in ("compiled", "steps_per_execution")
    ),
    *(
        PrivateName(
            name,
            "keras_hub.layers.TransformerDecoder",
            "keras_textgen.layers.backbones",
            "a code is no memory of GPT-2's layers",
            functools.partial(_of_gpt2, name),
        )
        for name in (
            "_self_attention_layer",
            "_self_attention_layer_norm",
            "_key_dense",
            "_value_dense",
        )
    ),
    # What tensorflow-probability asks of who writes a distribution.
    *(
        PrivateName(
            name,
            "tensorflow_probability.distributions.Normal",
            "keras_textgen.distributions",
            f"SpikeAndSlab's {name} is not called",
            functools.partial(_of_distributions, name),
        )
        for name in (
            "_event_shape",
            "_event_shape_tensor",
            "_log_prob",
            "_mean",
            "_parameter_control_dependencies",
            "_parameter_properties",
            "_sample_n",
            "_variance",
        )
    ),
)
"""Each name, once."""
