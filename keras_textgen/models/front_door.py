"""Keras's methods, written once, for data as users have them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.batches.base import RowBatches
from keras_textgen.data.batches.sources import (
    check_batches,
    is_stream,
    python_dataset,
)
from keras_textgen.data.frames import Frame, texts_of
from keras_textgen.data.rows import in_memory, num_rows
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.models.compiling import Compiling, check_steps
from keras_textgen.models.raw_data import (
    FirstEpoch,
    are_all,
    check_beside,
    check_counts,
    check_epochs,
    check_part,
    check_shards,
    columns_of_table,
    held_out,
    is_numeric_tensor,
    packed,
    unpacked,
    weights_of_batch,
)
from keras_textgen.models.sharing import shared_out
from keras_textgen.private_names import (
    NoSymbolicBuild,
    is_within_fit,
)
from keras_textgen.private_workers import strategy_of


class FrontDoor(NoSymbolicBuild, Compiling):
    """`fit`, `evaluate`, `predict` and the methods on a batch, of all models.

    They take data as users have them, and every argument that Keras gives
    them; what a model can take no account of is refused by name. A model says
    how its data become batches, `row_batches` for data in memory and
    `prepared` for those of a dataset, and nothing else.

    Args:
        **kwargs: As in `keras.Model`.

    Attributes:
        default_batch_size: Rows a batch where nothing else is said.
        default_optimizer: What a model that was not compiled is trained with.
        reads_shards: The kinds of splits of a prepared corpus that it takes.
    """

    default_batch_size = 32
    default_optimizer = "adam"
    reads_shards: tuple[type, ...] = ()

    # -- What a model adds ---------------------------------------------------

    def row_batches(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int,
        *,
        is_shuffled: bool = True,
        is_prediction: bool = False,
    ) -> RowBatches:
        """Batches of data in memory.

        Args:
            x: What a user has.
            y: Targets, or None.
            sample_weight: A weight a row, or None.
            batch_size: Rows a batch.
            is_shuffled: Whether training takes the rows in another order.
            is_prediction: Whether the data need no targets.
        """
        raise NotImplementedError

    def prepared(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Tensors of a batch of a dataset, checked inside the graph.

        Args:
            x: As the dataset gives it: texts as strings, or tensors.
            y: As the dataset gives it, or None.

        Returns:
            What `call` takes, and the targets.
        """
        raise NotImplementedError

    def from_frame(self, frame: Frame, y: Any) -> tuple[Any, Any]:
        """Inputs and targets of a table: its texts, and what is beside it."""
        return texts_of(frame), y

    @property
    def refuses_weights(self) -> str | None:
        """Why weights of rows have no meaning; None where they have one."""
        return None

    # -- Keras's methods -----------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
    ) -> keras.callbacks.History:
        """Train; arguments as in `keras.Model.fit`.

        A model that was not compiled is compiled with `default_optimizer`.

        Args:
            x: Data in memory as the model takes them (texts, arrays, columns
                of a data frame, tables, matrices), which are shuffled and, if
                their lengths differ, batched by length; or batches of them: a
                `tf.data.Dataset`, a `PyDataset`, a generator.
            y: Targets of data in memory.
            batch_size: Rows a batch, for data in memory.
            epochs: As in Keras.
            verbose: As in Keras.
            callbacks: As in Keras.
            validation_split: The last share of data in memory is left for
                validation.
            validation_data: As `x`, or (x, y), or (x, y, sample_weight).
            shuffle: False leaves data in memory in their order. Batches that
                come as such keep theirs.
            class_weight: Number of a class -> factor of its losses.
            sample_weight: Factor of the loss of each row in memory; the third
                of a batch's parts is that of others.
            initial_epoch: As in Keras.
            steps_per_epoch: As in Keras.
            validation_steps: As in Keras.
            validation_batch_size: As in Keras.
            validation_freq: As in Keras.

        Returns:
            Keras's history.

        Raises:
            ValueError: If an argument is not allowed.
        """
        self._compile_if_needed()
        check_epochs(epochs, initial_epoch, validation_freq, shuffle)
        check_counts(
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
        )
        x, y = columns_of_table(self, x, y)
        if validation_split:
            (x, y, sample_weight), validation_data = held_out(
                (x, y, sample_weight), validation_split, validation_data
            )
        given = x, y, sample_weight, batch_size, shuffle
        dataset, steps_per_epoch = self._training_dataset(
            *given, initial_epoch, steps_per_epoch, class_weight
        )
        if validation_data is not None:
            validation_data, _ = self._evaluation_dataset(
                *unpacked(validation_data),
                validation_batch_size or batch_size,
                validation_batch_size,
                steps=validation_steps,
                is_shared=True,
            )
        check_steps(steps_per_epoch, self.steps_per_execution)
        return super().fit(
            dataset,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            # The batches are shuffled already.
            shuffle=False,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Metrics over data, given as in `fit`; what a row adds depends on it.

        Arguments as in `keras.Model.evaluate`.
        """
        self._compile_if_needed()
        if not is_within_fit(kwargs):
            check_counts(steps=steps)
            given = x, y, sample_weight, batch_size, batch_size
            x, _ = self._evaluation_dataset(*given, steps=steps, is_shared=True)
        return super().evaluate(
            x,
            verbose=verbose,
            steps=steps,
            callbacks=callbacks,
            return_dict=return_dict,
            **kwargs,
        )

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """What `call` gives, in the order of `x`.

        Args:
            x: As in `fit`; targets and weights of batches are not used.
            batch_size: As in `fit`.
            verbose: As in Keras.
            steps: As in Keras.
            callbacks: As in Keras.
        """
        check_part(x, steps)
        given = x, None, None, batch_size, batch_size
        dataset, order = self._evaluation_dataset(
            *given, steps=steps, is_prediction=True
        )
        outputs = super().predict(
            dataset, verbose=verbose, steps=steps, callbacks=callbacks
        )
        return keras.tree.map_structure(lambda each: each[order], outputs)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch of data as users have them, as in Keras."""
        self._compile_if_needed()
        batch = self._whole_batch(x, y, sample_weight)
        if class_weight is not None:
            batch = self._class_weigher(class_weight)(*unpacked(batch))
        return super().train_on_batch(*batch, return_dict=return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Metrics of one batch of data as users have them, as in Keras."""
        self._compile_if_needed()
        batch = self._whole_batch(x, y, sample_weight)
        return super().test_on_batch(*batch, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """What `call` gives for one batch of data as users have them."""
        return super().predict_on_batch(self.as_inputs(x))

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """`call`, also of texts and of other data as users have them."""
        return super().__call__(self.as_inputs(x), *args, **kwargs)

    def as_inputs(self, x: Any) -> Any:
        """What `call` takes, from what a user has: one batch in memory."""
        if are_all(is_numeric_tensor, x):
            return x
        batches = self.row_batches(
            in_memory(columns_of_table(self, x)[0]),
            None,
            None,
            self.default_batch_size,
            is_shuffled=False,
            is_prediction=True,
        )
        return unpacked(batches.whole())[0]

    # -- From what users have to datasets ------------------------------------

    def _training_dataset(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        shuffle: bool,
        initial_epoch: int,
        steps_per_epoch: int | None,
        class_weight: dict[int, float] | None,
    ) -> tuple[Any, int | None]:
        """Batches to train on, and the steps of an epoch if they are known."""

        def weighed(dataset: Any) -> Any:
            if class_weight is None:
                return dataset
            return dataset.map(self._class_weigher(class_weight))

        check_beside(x, batch_size, y=y, sample_weight=sample_weight)
        if is_stream(x):
            return weighed(self._streamed(x)), steps_per_epoch
        batches = self._batches(x, y, sample_weight, batch_size, shuffle)
        batches.check_means()
        # Asked for when training begins: a callback may go on later.
        begin: Any = FirstEpoch(self, initial_epoch), 0
        if steps_per_epoch is not None:
            begin = 0, initial_epoch * steps_per_epoch
        dataset = shared_out(
            self, batches, lambda each: weighed(each.training_stream(*begin))
        )
        if steps_per_epoch is None:
            steps_per_epoch = batches.steps_per_epoch
        return dataset, steps_per_epoch

    def _evaluation_dataset(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        given_batch_size: int | None,
        steps: int | None = None,
        is_prediction: bool = False,
        is_shared: bool = False,
    ) -> tuple[Any, np.ndarray | slice]:
        """Every row once, and the index that puts rows into the given order.

        Shared, each of several workers has its own part. Of so many `steps` of
        data in memory, the rows are the first.
        """
        check_beside(x, given_batch_size, y=y, sample_weight=sample_weight)
        if is_stream(x):
            return self._streamed(x, is_prediction), slice(None)
        batches = self._batches(
            x,
            y,
            sample_weight,
            batch_size,
            shuffle=steps is None,
            is_prediction=is_prediction,
        )
        if not is_prediction:
            batches.check_means()
        dataset = batches.evaluation_dataset()
        if is_shared:
            dataset = shared_out(
                self, batches, lambda each: each.evaluation_dataset()
            )
        if steps is not None and not isinstance(x, RowBatches):
            return dataset, slice(None)
        return dataset, batches.original_order

    def _batches(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        shuffle: bool = True,
        is_prediction: bool = False,
    ) -> RowBatches:
        if isinstance(x, RowBatches):
            return x
        if x is None:
            raise refused("x=None", "data (docs/keras.md says which)")
        check_shards(self, x)
        x, y = columns_of_table(self, x, y, has_targets=not is_prediction)
        has_its_own = isinstance(x, PreparedSplit) and y is None
        if not (is_prediction or has_its_own):
            self._check_targets(y is not None)
        self._check_weights(sample_weight)
        return self.row_batches(
            in_memory(x),
            in_memory(y),
            in_memory(sample_weight),
            self.default_batch_size if batch_size is None else batch_size,
            is_shuffled=shuffle,
            is_prediction=is_prediction,
        )

    def _streamed(self, x: Any, is_prediction: bool = False) -> Any:
        """Batches that come as such, as tensors."""
        if isinstance(x, tf.distribute.DistributedDataset):
            return x
        if isinstance(x, tf.data.Dataset):
            check_batches(x)
            # An error reaches the user as it was raised.
            prepare = tf.autograph.experimental.do_not_convert(
                lambda *batch: self._prepared_batch(batch, is_prediction)
            )
            return x.map(prepare)

        def convert(batch: Any, number: int) -> Any:
            return packed(
                *self._whole_batch(*unpacked(batch), number, is_prediction)
            )

        return python_dataset(x, convert)

    def _prepared_batch(self, batch: tuple, is_prediction: bool) -> Any:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(
            batch if len(batch) > 1 else batch[0]
        )
        if not is_prediction:
            self._check_targets(y is not None)
        self._check_weights(sample_weight)
        x, y = self.prepared(x, None if is_prediction else y)
        if is_prediction or sample_weight is None:
            return packed(x, y, None)
        return packed(x, y, weights_of_batch(sample_weight))

    def _whole_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        number: int = 0,
        is_prediction: bool = False,
    ) -> tuple:
        """One batch in memory as tensors (x, y, sample_weight)."""
        if are_all(tf.is_tensor, x):
            batch = self._prepared_batch((x, y, sample_weight), is_prediction)
            return unpacked(batch)
        rows = in_memory(x)
        batches = self._batches(
            rows,
            None if is_prediction else y,
            None if is_prediction else sample_weight,
            max(1, num_rows(rows)),
            shuffle=False,
            is_prediction=is_prediction,
        )
        return unpacked(batches.whole(number))

    def _class_weigher(
        self, class_weight: dict[int, float]
    ) -> Callable[..., tuple]:
        """From (x, y, weights) to the same with those of the classes."""
        raise refused("class_weight of a model without classes", "None")

    # -- What is refused -----------------------------------------------------

    def _check_targets(self, are_given: bool) -> None:
        if are_given == self.has_targets:
            return
        if are_given:
            raise refused(
                "y of a model without targets",
                "None (in batches: x alone, or (x, None, sample_weight))",
            )
        raise refused("y=None", "a target for each row of x")

    def _check_weights(self, sample_weight: Any) -> None:
        if sample_weight is not None and self.refuses_weights:
            raise refused(f"sample_weight with {self.refuses_weights}", "None")

    def _compile_if_needed(self) -> None:
        if not self.compiled:
            # The optimizer belongs to the strategy of the weights.
            with strategy_of(self).scope():
                self.compile(self.default_optimizer)
