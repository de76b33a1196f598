"""Keras's metrics, given to `compile`, against numbers worked out otherwise."""

import keras
import numpy as np
import pytest
import sklearn.metrics

from tests.conformance.keras_cases import (
    assert_close,
    each_case,
    each_classifier,
    figures,
    parametrized,
    with_trait,
)

each_with_values = parametrized(with_trait("cells"))
WEIGHTS = [2.0, 1.0, 0.0, 1.0, 3.0]


@each_case
def test_metrics_compare_predictions_with_targets(case, record_property):
    model = case.make()
    if "metrics" not in case.traits:
        record_property("cell", "refused")
        for given in ({"metrics": ["mse"]}, {"weighted_metrics": ["mse"]}):
            with pytest.raises(ValueError, match="metrics"):
                model.compile("adam", **given)
        return
    name = "accuracy" if "classes" in case.traits else "mae"
    own = figures(model, case.x, case.y, sample_weight=WEIGHTS)[name]
    unweighted = figures(model, case.x, case.y)[name]
    kind = "SparseCategoricalAccuracy" if name == "accuracy" else "mae"
    for given, expected in (
        ({"metrics": [keras.metrics.get(kind)]}, unweighted),
        ({"weighted_metrics": [keras.metrics.get(kind)]}, own),
    ):
        (metric,) = next(iter(given.values()))
        metric.name = "compiled"
        model.compile("adam", **given, run_eagerly=True)
        found = figures(model, case.x, case.y, sample_weight=WEIGHTS)
        assert found["compiled"] == pytest.approx(expected, rel=1e-5)


def labels_and_probabilities(case):
    return np.array(case.y), case.make().predict(case.x, verbose=0)


def binary(numbers, count):
    return np.eye(count)[numbers]


def in_numpy(y, p):
    """Name in Keras -> (metric as `compile` takes it, its number)."""
    rows, best = binary(y, p.shape[1]), p.argmax(axis=1)
    hit = np.mean(best == y)
    of_two = np.mean([y[i] in np.argsort(-p[i])[:2] for i in range(len(y))])
    nats = -np.mean(np.log(p[np.arange(len(y)), y]))
    above = p > 0.5
    f1 = [
        sklearn.metrics.f1_score(y == c, best == c, zero_division=0)
        for c in range(p.shape[1])
    ]
    met = keras.metrics
    return {
        "accuracy": ("accuracy", hit),
        "categorical_accuracy": ("categorical_accuracy", hit),
        "CategoricalAccuracy": ("CategoricalAccuracy", hit),
        "sparse_categorical_accuracy": ("sparse_categorical_accuracy", hit),
        "top": (met.TopKCategoricalAccuracy(2, name="top"), of_two),
        "sparse_top": (
            met.SparseTopKCategoricalAccuracy(2, name="sparse_top"),
            of_two,
        ),
        "categorical_crossentropy": (
            keras.losses.categorical_crossentropy,
            nats,
        ),
        "nats": (met.CategoricalCrossentropy(name="nats"), nats),
        "sparse_categorical_crossentropy": (
            "sparse_categorical_crossentropy",
            nats,
        ),
        "mse": ("mse", np.mean((rows - p) ** 2)),
        "precision": (
            met.Precision(name="precision"),
            (above * rows).sum() / max(1, above.sum()),
        ),
        "recall": (
            met.Recall(class_id=0, name="recall"),
            (above * rows)[:, 0].sum() / rows[:, 0].sum(),
        ),
        "f1_score": (met.F1Score(average="macro"), np.mean(f1)),
        "f1_of_each": (met.F1Score(name="f1_of_each"), f1),
        "iou": (
            met.OneHotIoU(3, [0], sparse_y_pred=False, name="iou"),
            sklearn.metrics.jaccard_score(y == 0, best == 0),
        ),
        "mean_iou": (
            met.MeanIoU(3, sparse_y_pred=False, name="mean_iou"),
            sklearn.metrics.jaccard_score(y, best, average="macro"),
        ),
    }


@each_classifier
def test_metrics_of_classes(case):
    """Those that want one-hot rows get them; the others, numbers."""
    expected = in_numpy(*labels_and_probabilities(case))
    model = case.make()
    model.compile("adam", metrics=[each for each, _ in expected.values()])
    found = figures(model, case.x, case.y, batch_size=2)
    for name, (_, number) in expected.items():
        np.testing.assert_allclose(
            found[name], number, rtol=1e-5, atol=1e-6, err_msg=name
        )


@each_classifier
def test_the_area_under_the_curve_is_of_each_class_against_the_others(case):
    y, p = labels_and_probabilities(case)
    many = keras.metrics.AUC(
        2000, multi_label=True, num_labels=p.shape[1], name="auc"
    )
    model = case.make()
    model.compile("adam", metrics=[many], run_eagerly=True)
    expected = np.mean(
        [
            sklearn.metrics.roc_auc_score(y == c, p[:, c])
            for c in range(p.shape[1])
        ]
    )
    found = figures(model, case.x, case.y)["auc"]
    # Keras's is between thresholds.
    assert found == pytest.approx(expected, abs=0.01)


@each_classifier
def test_weighted_metrics_count_a_row_by_its_weight(case):
    y, p = labels_and_probabilities(case)
    metrics = ["categorical_accuracy", keras.metrics.F1Score(name="f1")]
    model = case.make()
    model.compile("adam", weighted_metrics=metrics, run_eagerly=True)
    found = figures(model, case.x, case.y, sample_weight=WEIGHTS)
    best = p.argmax(axis=1)
    hit = np.average(best == y, weights=WEIGHTS)
    f1 = [
        sklearn.metrics.f1_score(
            y == c, best == c, sample_weight=WEIGHTS, zero_division=0
        )
        for c in range(p.shape[1])
    ]
    np.testing.assert_allclose(found["categorical_accuracy"], hit, rtol=1e-5)
    np.testing.assert_allclose(found["f1"], f1, rtol=1e-5, atol=1e-6)


class ShareOfFirst(keras.metrics.Mean):
    """Of a user: how many labels are the first class."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        del y_pred
        return super().update_state(y_true == 0, sample_weight)


def share_of_last(y_true, y_pred):
    return keras.ops.cast(y_true == y_pred.shape[-1] - 1, "float32")


@each_classifier
def test_metrics_of_a_user_get_numbers_of_classes(case):
    model = case.make()
    metrics = [ShareOfFirst(name="first"), share_of_last]
    model.compile("adam", metrics=metrics, run_eagerly=True)
    found = figures(model, case.x, case.y)
    assert found["first"] == pytest.approx(np.mean(np.array(case.y) == 0))
    share = np.mean(np.array(case.y) == 2)
    assert found["share_of_last"] == pytest.approx(share)


@each_classifier
def test_metrics_are_saved_with_the_model(case, tmp_path):
    model = case.make()
    metrics = ["categorical_accuracy", keras.metrics.F1Score(name="f1")]
    model.compile("adam", metrics=metrics, run_eagerly=True)
    model.train_on_batch(case.x, case.y)
    path = str(tmp_path / "model.keras")
    model.save(path)
    loaded = keras.saving.load_model(path)
    expected = figures(model, case.x, case.y)
    assert {"categorical_accuracy", "f1"} <= set(expected)
    assert_close(figures(loaded, case.x, case.y), expected)


@each_classifier
@pytest.mark.parametrize(
    "metric",
    [keras.metrics.Accuracy(), keras.metrics.MeanIoU(3)],
    ids=["accuracy", "mean_iou"],
)
def test_metrics_that_compare_numbers_with_probabilities(
    case, metric, record_property
):
    record_property("cell", "refused")
    message = f"^compile with the metric {metric.name!r}.*; allowed: "
    with pytest.raises(ValueError, match=message):
        case.make().compile("adam", metrics=[metric])


@each_with_values
def test_metrics_of_values(case):
    model = case.make()
    values = np.array(case.x["value"])
    found = model.predict(case.x, verbose=0)
    metrics = {
        "mse": ("mse", sklearn.metrics.mean_squared_error(values, found)),
        "mean_absolute_error": (
            keras.losses.mean_absolute_error,
            sklearn.metrics.mean_absolute_error(values, found),
        ),
        "r2": (
            keras.metrics.R2Score(name="r2"),
            sklearn.metrics.r2_score(values, found),
        ),
        "mape": (
            "mape",
            100 * sklearn.metrics.mean_absolute_percentage_error(values, found),
        ),
        "log_cosh": (
            keras.metrics.LogCoshError(name="log_cosh"),
            np.mean(np.log(np.cosh(found - values))),
        ),
    }
    model.compile("adam", metrics=[each for each, _ in metrics.values()])
    figure = figures(model, case.x, batch_size=2)
    for name, (_, number) in metrics.items():
        np.testing.assert_allclose(figure[name], number, rtol=1e-4)


@each_with_values
def test_accuracy_of_values(case, record_property):
    record_property("cell", "refused")
    with pytest.raises(ValueError, match=r"^compile with the metric 'acc.*mae"):
        case.make().compile("adam", metrics=["accuracy"])
