"""Training steps on a batch as a whole, however it is split."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.models.exporting import (
    check_export_arguments,
    export_model,
)
from keras_textgen.noise import GlobalRows
from keras_textgen.serving.endpoints import Endpoint


class GlobalBatchModel(keras.Model):
    """Base of all models: what Keras's own steps get wrong with replicas.

    The loss is the mean over the rows of the global batch, whose last one
    need not be divided evenly among the replicas; the summed gradient is
    clipped, not each replica's; figures are means over rows. Steps of training
    are counted in a variable that checkpoints hold, so that noise and
    schedules can be functions of them; evaluation changes no variable but
    those of the metrics.

    A model adds `step_outputs`, `update_metrics` and `metrics`.

    Args:
        seed: Seed of all noise.
        **kwargs: As in `keras.Model`.
    """

    # Arguments of Keras's methods that a model does without.
    _not_honored = (
        "sample_weight",
        "class_weight",
        "validation_split",
        "shuffle",
    )

    def __init__(self, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # XLA makes recurrent models slower on a CPU, compiles them anew for
        # each length, and draws other noise.
        self.supports_jit = False
        self.seed = seed
        self.train_steps = self._counter("train_steps")
        # Nothing counts in it any more; files hold it.
        self.test_steps = self._counter("test_steps")
        self._in_graph: dict[str, Callable] = {}

    # -- What a model adds ---------------------------------------------------

    def step_outputs(self, data: Any, training: bool) -> dict[str, tf.Tensor]:
        """What a step computes of one batch.

        Args:
            data: What the dataset gives for one batch.
            training: Whether the step is one of training.

        Returns:
            "losses", what is minimized, of each row: float32 [batch]. Beside
            it, what `update_metrics` and `selected_gradients` need.
        """
        raise NotImplementedError

    def update_metrics(self, outputs: dict[str, tf.Tensor]) -> None:
        """Add what `step_outputs` gave to the metrics."""
        raise NotImplementedError

    def selected_gradients(
        self, gradients: list[tf.Tensor], outputs: dict[str, tf.Tensor]
    ) -> list[tf.Tensor]:
        """This replica's gradients, those set to zero that do not apply.

        Args:
            gradients: Of `trainable_variables`; with several replicas they
                are clipped already, with one the optimizer is still to do it.
            outputs: What `step_outputs` gave.
        """
        del outputs
        return gradients

    # -- What Keras's methods take -------------------------------------------

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit`, which refuses what the models do not honor."""
        self._check_compiled()
        _refuse("fit", kwargs, self._not_honored)
        per_call = self.steps_per_execution
        steps = kwargs.get("steps_per_epoch")
        if steps and steps % per_call:
            # Keras would go on into the next epoch.
            raise ValueError(
                f"steps_per_execution={per_call} for an epoch of {steps} "
                "steps; allowed: what divides them"
            )
        # The batches are shuffled already.
        return super().fit(*args, shuffle=False, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.evaluate`, which refuses what is not honored."""
        self._check_compiled()
        _refuse("evaluate", kwargs, self._not_honored)
        return super().evaluate(*args, **kwargs)

    def _check_compiled(self) -> None:
        # Keras would take no account of them, as the steps are the model's.
        config = self._compile_config.config if self.compiled else {}
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if config.get(name) is not None:
                raise ValueError(
                    f"compile with {name}={config[name]!r}; allowed: None, as "
                    "the model has a loss and metrics of its own"
                )

    # -- Steps ---------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update; Keras calls it, in every replica."""
        with tf.GradientTape() as tape:
            outputs = self.step_outputs(data, training=True)
            losses = outputs["losses"]
            # Replicas add up their gradients, so each divides by the rows of
            # all of them; the last batch need not be divided evenly.
            rows = tf.cast(GlobalRows.of(losses).total, tf.float32)
            loss = self.optimizer.scale_loss(tf.reduce_sum(losses) / rows)
        gradients = tape.gradient(loss, self.trainable_weights)
        # Dense before they are clipped: the norm of a sparse gradient counts
        # the rows of a repeated word separately.
        gradients = [tf.convert_to_tensor(each) for each in gradients]
        gradients = _clip_over_replicas(gradients, self.optimizer)
        gradients = self.selected_gradients(gradients, outputs)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.train_steps.assign_add(1)
        self.update_metrics(outputs)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One evaluation batch; Keras calls it."""
        outputs = self.step_outputs(data, training=False)
        self.update_metrics(outputs)
        return self.get_metrics_result()

    def step_seed(self) -> tf.Tensor:
        """Seed int32 [2] of the noise of the current step of training."""
        return tf.random.experimental.stateless_fold_in(
            tf.constant([self.seed, 0]), tf.convert_to_tensor(self.train_steps)
        )

    def in_graph(self, method: str) -> Callable:
        """A method of this model as one graph, traced once."""
        if method not in self._in_graph:
            # Without AutoGraph, an error reaches the user as it was raised.
            graph = tf.function(
                getattr(self, method), reduce_retracing=True, autograph=False
            )
            # Another thread may have been faster.
            self._in_graph.setdefault(method, graph)
        return self._in_graph[method]

    # -- Building ------------------------------------------------------------

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        """Build what is left to build: the optimizer.

        Under a distribution strategy, Keras would first run the model on the
        mean of the replicas' inputs, which are no inputs and need not even be
        of one shape.
        """
        del iterator, data_batch
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def _counter(self, name: str) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )

    # -- Serving -------------------------------------------------------------

    def endpoints(self) -> dict[str, Endpoint]:
        """The functions that are served, by name; a model has some."""
        raise NotImplementedError

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """`keras_textgen.export_model`, by Keras's name.

        Args:
            filepath: Folder to write.
            format: "tf_saved_model".
            verbose: Whether to print what was written; None is False.
            input_signature: None; `endpoints` says what is served.
            **kwargs: None of Keras's further arguments.

        Raises:
            ValueError: For any other value.
        """
        check_export_arguments(format, input_signature, kwargs)
        export_model(self, filepath)
        if verbose:
            print(f"Written to {filepath}: {', '.join(self.endpoints())}.")

    def quantize(
        self,
        mode: str | None = None,
        config: Any = None,
        filters: Any = None,
        **kwargs: Any,
    ) -> None:
        """Refused: the layers of these models have no quantized form.

        Raises:
            ValueError: Always.
        """
        del config, filters, kwargs
        raise ValueError(
            f"quantize with mode={mode!r}; allowed: a model made under "
            "keras.config.set_dtype_policy('mixed_bfloat16')"
        )

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GlobalBatchModel":
        """Rebuild the model with its parts, such as the vocabulary."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            **{name: deserialize(value) for name, value in config.items()}
        )


def _refuse(
    method: str, arguments: dict[str, Any], names: tuple[str, ...]
) -> None:
    for name in names:
        if arguments.get(name) is not None:
            raise ValueError(
                f"{method} with {name}, of which this model takes no account; "
                "allowed: None"
            )


def check_sizes(**sizes: int) -> None:
    """Refuse a named size below 1.

    Example:
        >>> check_sizes(latent_dim=0)
        Traceback (most recent call last):
        ValueError: latent_dim=0 is not allowed; at least 1
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size} is not allowed; at least 1")


def _clip_over_replicas(
    gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer
) -> list[tf.Tensor]:
    """Clip the summed gradient of all replicas to the optimizer's norm.

    Keras clips each replica's gradient before adding them up, which is not
    what one replica does with the whole batch.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    if replicas == 1 or not inner.global_clipnorm:
        return gradients
    gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    norm = optimizer.scale_loss(tf.constant(inner.global_clipnorm))
    clipped, _ = tf.clip_by_global_norm(gradients, norm)
    # The optimizer adds the replicas' gradients up once more.
    return [gradient / replicas for gradient in clipped]
