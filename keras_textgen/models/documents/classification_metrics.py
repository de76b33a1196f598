"""Metrics of models that classify."""

import keras
import tensorflow as tf


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
