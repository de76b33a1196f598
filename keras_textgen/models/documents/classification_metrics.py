"""Metrics of models that classify, and Keras's own among them."""

from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import refused

# Keras chooses what these names mean by the labels, which are numbers.
_BY_LABELS = ("accuracy", "acc")
# What those of Keras derive from that take one-hot rows, and a user's, too.
_BASES = (
    keras.metrics.Metric,
    keras.metrics.Mean,
    keras.metrics.MeanMetricWrapper,
)
_OF_NUMBERS = (
    keras.metrics.SparseCategoricalAccuracy,
    keras.metrics.SparseCategoricalCrossentropy,
    keras.metrics.SparseTopKCategoricalAccuracy,
)
_OF_KERAS = {
    each for each in vars(keras.metrics).values() if isinstance(each, type)
}.difference(_BASES, _OF_NUMBERS)


class MacroF1(keras.metrics.Metric):
    """Mean over the classes of F1, the harmonic mean of precision and recall.

    F1 of a class is 2 * hits / (predicted + actual). The mean is over the
    classes that are there or predicted, as that of scikit-learn's
    `f1_score(average="macro")`.

    Args:
        num_classes: Number of classes C.

    Example:
        >>> metric = MacroF1(3)
        >>> metric.update_state(tf.constant([0, 1, 1]), tf.constant([0, 0, 1]))
        >>> round(float(metric.result()), 4)
        0.6667
    """

    def __init__(self, num_classes: int, name: str = "macro_f1") -> None:
        super().__init__(name=name)
        self.hits, self.predicted, self.actual = (
            self.add_variable((num_classes,), "zeros", name=part)
            for part in ("hits", "predicted", "actual")
        )

    def update_state(
        self,
        labels: tf.Tensor,
        predicted: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        """Add numbers of classes, the right ones and the predicted, [batch].

        With weights [batch], a row counts so many times.
        """
        classes = self.hits.shape[0]
        labels = tf.one_hot(labels, classes)
        predicted = tf.one_hot(predicted, classes)
        hits = labels * predicted
        if sample_weight is not None:
            weights = tf.cast(sample_weight, labels.dtype)[:, tf.newaxis]
            hits, labels, predicted = (
                each * weights for each in (hits, labels, predicted)
            )
        self.hits.assign_add(tf.reduce_sum(hits, axis=0))
        self.predicted.assign_add(tf.reduce_sum(predicted, axis=0))
        self.actual.assign_add(tf.reduce_sum(labels, axis=0))

    def result(self) -> tf.Tensor:
        """Return the macro-F1 of what was added."""
        total = self.predicted.value + self.actual.value
        of_classes = tf.math.divide_no_nan(2 * self.hits.value, total)
        num_classes = tf.math.count_nonzero(total, dtype=total.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(of_classes), num_classes)


@keras.saving.register_keras_serializable("keras_textgen")
class OfOneHotRows(keras.metrics.Metric):
    """A metric that wants one-hot rows, of labels that are numbers.

    Args:
        metric: It is given one-hot rows [batch, classes] and probabilities.

    Example:
        >>> metric = OfOneHotRows(keras.metrics.CategoricalAccuracy())
        >>> metric.update_state(
        ...     tf.constant([0, 1]), tf.constant([[0.9, 0.1], [0.8, 0.2]])
        ... )
        >>> float(metric.result())
        0.5
    """

    def __init__(self, metric: keras.metrics.Metric) -> None:
        super().__init__(name=metric.name, dtype=metric.dtype)
        self.metric = metric

    def update_state(
        self,
        labels: tf.Tensor,
        probabilities: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        """Add numbers of classes [batch], and probabilities of classes.

        With weights [batch], a row counts so many times.
        """
        rows = tf.one_hot(labels, probabilities.shape[-1])
        self.metric.update_state(rows, probabilities, sample_weight)

    def result(self) -> tf.Tensor:
        """Return what the metric does."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Begin anew."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OfOneHotRows":
        """Rebuild it with its metric."""
        return cls(keras.saving.deserialize_keras_object(config["metric"]))


def of_class_numbers(metrics: Any) -> Any:
    """Metrics as `compile` is given them, for labels that are numbers.

    Args:
        metrics: Names, functions, metrics or their configs, and nests of them.

    Returns:
        The same; around those of Keras that want one-hot rows, `OfOneHotRows`.
        A user's own get numbers of classes.

    Raises:
        ValueError: If one compares numbers of classes with probabilities.

    Example:
        >>> metrics = of_class_numbers(["accuracy", "auc", "mse"])
        >>> [getattr(each, "name", each) for each in metrics]
        ['accuracy', 'auc', 'mse']
        >>> of_class_numbers([keras.metrics.Accuracy()])
        Traceback (most recent call last):
        ValueError: compile with the metric 'accuracy' of type Accuracy, \
which compares numbers with probabilities; allowed: 'accuracy', or \
keras.metrics.CategoricalAccuracy()
    """
    if isinstance(metrics, list | tuple):
        return [of_class_numbers(each) for each in metrics]
    if isinstance(metrics, dict) and "class_name" not in metrics:
        return {name: of_class_numbers(each) for name, each in metrics.items()}
    return _of_class_numbers(metrics)


def _of_class_numbers(given: Any) -> Any:
    """One metric."""
    if given is None or (isinstance(given, str) and given in _BY_LABELS):
        return given
    metric = keras.metrics.get(given)
    if not isinstance(metric, keras.metrics.Metric):
        if not _is_one_hot_function(metric):
            return given
        metric = keras.metrics.MeanMetricWrapper(metric, name=metric.__name__)
        return OfOneHotRows(metric)
    _check_predictions(metric)
    if not _wants_one_hot_rows(metric):
        return given
    if isinstance(given, str):
        metric.name = given
    return OfOneHotRows(metric)


def _is_one_hot_function(function: Any) -> bool:
    is_of_keras = function in vars(keras.losses).values()
    is_of_keras |= function in vars(keras.metrics).values()
    return is_of_keras and not function.__name__.startswith("sparse_")


def _wants_one_hot_rows(metric: keras.metrics.Metric) -> bool:
    if isinstance(metric, _OF_NUMBERS):
        return False
    if isinstance(metric, keras.metrics.IoU):
        return not metric.sparse_y_true
    return not _OF_KERAS.isdisjoint(type(metric).__mro__)


def _check_predictions(metric: keras.metrics.Metric) -> None:
    what = f"compile with the metric {metric.name!r} of type "
    what += f"{type(metric).__name__}, which compares numbers with "
    if isinstance(metric, keras.metrics.Accuracy):
        raise refused(
            f"{what}probabilities",
            "'accuracy', or keras.metrics.CategoricalAccuracy()",
        )
    if getattr(metric, "sparse_y_pred", False):
        raise refused(f"{what}probabilities", "sparse_y_pred=False")
