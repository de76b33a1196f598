"""Macro-F1 against scikit-learn."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score

from keras_textgen.models.documents.classification_metrics import MacroF1


def test_macro_f1_over_batches():
    # Class 3 is only predicted, class 4 is neither there nor predicted.
    labels = np.array([0, 0, 1, 2, 2, 2, 1, 0])
    predicted = np.array([0, 1, 1, 2, 3, 0, 1, 0])
    metric = MacroF1(5)
    for part in (slice(0, 3), slice(3, 8)):
        metric.update_state(
            tf.constant(labels[part]), tf.constant(predicted[part])
        )
    expected = f1_score(labels, predicted, average="macro")
    # Of the four classes that occur.
    assert expected == pytest.approx((4 / 6 + 4 / 5 + 2 / 4 + 0) / 4)
    assert float(metric.result()) == pytest.approx(expected)
    metric.reset_state()
    assert float(metric.result()) == 0
