"""What all models share: training steps on a batch as a whole."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.models.exporting import (
    check_export_arguments,
    export_model,
)
from keras_textgen.models.front_door import FrontDoor
from keras_textgen.models.seeding import seeded
from keras_textgen.optimizers import clipped_gradients
from keras_textgen.private_gradients import freed_with_graph
from keras_textgen.private_names import (
    compiled_metrics,
    unscaled,
)
from keras_textgen.private_workers import (
    are_workers,
    has_workers,
    sums_of_replicas,
)
from keras_textgen.replicas import GlobalRows, one_of_several
from keras_textgen.serving.endpoints import Endpoint

# Words from which a batch has fewer rows than half of the matrix, as batches
# have hardly more than 16,000 words.
ROWS_SENT_FROM = 8192


class GlobalBatchModel(FrontDoor):
    """Base of all models: what Keras's own steps get wrong with replicas.

    A model says how its data become batches, see `FrontDoor`, and what is
    minimized (`with_losses`), and nothing else.

    The loss is the mean over the rows of the global batch, whose last one
    need not be divided evenly among the replicas; the summed gradient is
    clipped, not each replica's; figures are means over rows, by their weights.
    Steps of training are counted in a variable that checkpoints hold, so that
    noise and schedules can be functions of them; evaluation changes no
    variable but those of the metrics.

    Args:
        seed: Of the first weights, the order of data, and all noise; None
            draws one from Keras's generator, and keeps it.
        **kwargs: As in `keras.Model`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the seed of each class decide its first weights."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            type.__setattr__(cls, "__init__", seeded(cls.__init__))

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
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

    def with_losses(
        self,
        outputs: Any,
        x: Any,
        y: Any,
        sample_weight: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """What `call` gave, with the losses of the rows beside it.

        Args:
            outputs: Of `call`.
            x: What `call` was given.
            y: Targets, or None.
            sample_weight: float32 [batch], or None. It multiplies the losses
                later; here it is for what rows share.
            training: Whether the step is one of training.

        Returns:
            "losses", what is minimized, of each row: float32 [batch]. Beside
            it, what `update_metrics` and `selected_gradients` need.
        """
        raise NotImplementedError

    def update_metrics(
        self, outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> None:
        """Add what `with_losses` gave to the model's metrics."""
        raise NotImplementedError

    @property
    def own_metrics(self) -> list[keras.metrics.Metric]:
        """The model's metrics, in the order in which they are printed."""
        raise NotImplementedError

    def target_and_prediction(
        self, outputs: dict[str, tf.Tensor], x: Any, y: Any
    ) -> tuple[tf.Tensor, tf.Tensor] | None:
        """What metrics that a user compiles compare; None without targets."""
        del outputs, x, y
        return None

    def selected_gradients(
        self, gradients: list[tf.Tensor], outputs: dict[str, tf.Tensor]
    ) -> list[tf.Tensor]:
        """This replica's gradients, those set to zero that do not apply.

        Args:
            gradients: Of `trainable_variables`; with several replicas they
                are clipped already, with one the optimizer is still to do it.
            outputs: What `with_losses` gave.
        """
        del outputs
        return gradients

    # -- Steps ---------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: tf.Tensor | None = None,
        training: bool = True,
    ) -> tf.Tensor:
        """What is minimized: sum(weights * losses) / rows, a scalar.

        Args:
            x: What `call` was given.
            y: Targets, or None.
            y_pred: What `call` gave.
            sample_weight: float [batch], or None for 1 throughout.
            training: Whether the step is one of training.

        Returns:
            Scalar; with several replicas, this one's part of the sum.
        """
        if not (isinstance(y_pred, dict) and "losses" in y_pred):
            y_pred = self.with_losses(y_pred, x, y, sample_weight, training)
        losses = y_pred["losses"]
        # Replicas add up their gradients, so each divides by the rows of all
        # of them; the last batch need not be divided evenly.
        rows = tf.cast(GlobalRows.of(losses).total, tf.float32)
        if sample_weight is not None:
            losses *= tf.cast(sample_weight, losses.dtype)
        return tf.reduce_sum(losses) / rows

    def step_outputs(self, data: Any, training: bool) -> dict[str, tf.Tensor]:
        """`call` of one batch, and `with_losses` of what it gives.

        Args:
            data: What a dataset gives for one batch.
            training: Whether the step is one of training.
        """
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(x, training=training)
        return self.with_losses(outputs, x, y, weights, training)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update; Keras calls it, in every replica."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            outputs = self.step_outputs(data, training=True)
            loss = self.compute_loss(x, y, outputs, weights, training=True)
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        with _of_all_replicas(
            gradients, self.trainable_weights, self.optimizer
        ) as gradients:
            gradients = self.selected_gradients(gradients, outputs)
            self.optimizer.apply(gradients, self.trainable_weights)
        self.train_steps.assign_add(1)
        return self._results(data, outputs, loss)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One evaluation batch; Keras calls it."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self.step_outputs(data, training=False)
        loss = self.compute_loss(x, y, outputs, weights, training=False)
        return self._results(data, outputs, loss)

    def _results(
        self, data: Any, outputs: dict[str, tf.Tensor], loss: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Metrics after a batch."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if type(self).compute_loss is not GlobalBatchModel.compute_loss:
            # The loss is a subclass's own, and no sum over rows.
            of_rows = tf.fill(tf.shape(outputs["losses"]), loss)
            outputs = {**outputs, "losses": of_rows}
        self.update_metrics(outputs, weights)
        compared = self.target_and_prediction(outputs, x, y)
        if compared is None:
            return _reducible(self, self.get_metrics_result())
        return _reducible(self, self.compute_metrics(x, *compared, weights))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The model's own metrics, and those that it was compiled with.

        Keras's loss tracker is not among them: the model has its own.
        """
        return [*self.own_metrics, *compiled_metrics(super().metrics)]

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
        raise refused(
            f"quantize with mode={mode!r}",
            "a model made under "
            "keras.config.set_dtype_policy('mixed_bfloat16')",
        )

    # -- Saving --------------------------------------------------------------

    def save(
        self,
        filepath: str | Path,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """As in Keras, to a `.keras` file.

        Raises:
            ValueError: If the file is one of HDF5, which Keras would write but
                could not load.
        """
        if Path(filepath).suffix in (".h5", ".hdf5"):
            raise refused(
                f"save to filepath={str(filepath)!r}",
                "a .keras file, or save_weights to a .weights.h5 file",
            )
        super().save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)

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


@contextlib.contextmanager
def _of_all_replicas(
    gradients: Sequence[tf.Tensor | tf.IndexedSlices],
    variables: Sequence[keras.Variable],
    optimizer: keras.optimizers.Optimizer,
) -> Iterator[list[tf.Tensor]]:
    """Gradients of the whole batch, dense, to be applied within.

    They are clipped here: Keras clips each replica's before adding them up,
    which is not what one replica does with the whole batch. They are dense
    before that, as the norm of rows counts those of a repeated word separately.
    """
    context = one_of_several()
    if context is None:
        with sums_of_replicas(unscaled(optimizer)):
            yield [tf.convert_to_tensor(each) for each in gradients]
        return
    sent = [
        _as_sent(gradient, tuple(variable.shape), context.strategy)
        for gradient, variable in zip(gradients, variables, strict=True)
    ]
    received = freed_with_graph(
        context.all_reduce(tf.distribute.ReduceOp.SUM, sent)
    )
    summed = [tf.convert_to_tensor(each) for each in received]
    with sums_of_replicas(unscaled(optimizer)):
        yield clipped_gradients(summed, optimizer)


def _as_sent(
    gradient: tf.Tensor | tf.IndexedSlices,
    shape: tuple[int, ...],
    strategy: tf.distribute.Strategy,
) -> tf.Tensor | tf.IndexedSlices:
    """Between workers the rows of the batch's words, of large vocabularies.

    In a ring of n, a matrix of V rows is sent 2 (n - 1) times, the rows of the
    N words of all parts together n - 1 times: fewer bytes where N < 2 V.
    """
    is_large = shape[:1] >= (ROWS_SENT_FROM,)
    is_rows = isinstance(gradient, tf.IndexedSlices)
    if is_rows and is_large and are_workers(strategy):
        return gradient
    return tf.convert_to_tensor(gradient)


def _reducible(
    model: keras.Model, results: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Figures of a step in the shape in which Keras can reduce them.

    It takes the mean of several workers' along an axis, which scalars have not
    got.

    Args:
        model: whose step it is.
        results: scalars, by name.

    Returns:
        The same; of several workers, each [1].
    """
    if not has_workers(model):
        return results
    return {name: tf.reshape(each, [1]) for name, each in results.items()}
