"""Copies of models, and models made otherwise, for every model."""

import copy
import gc
import pickle
import re
import weakref

import keras
import numpy as np
import pytest

from keras_textgen.training.strategies import get_strategy
from tests.conformance.keras_cases import (
    assert_close,
    each_case,
    each_case_in_graphs,
    each_classifier,
    figures,
)

# Of an optimizer that has not begun; the model's weights are there.
without_a_step = pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer"
)


def predictions(case, model):
    return keras.tree.map_structure(np.asarray, model(case.x))


@without_a_step
@each_case
def test_a_saved_model_answers_the_same(case, tmp_path):
    model = case.make()
    path = str(tmp_path / "model.keras")
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert_close(predictions(case, loaded), predictions(case, model))


@each_case
def test_a_saved_model_trains_on_the_same(case, tmp_path):
    model = case.make_eager()
    model.train_on_batch(case.x, case.y)
    path = str(tmp_path / "model.keras")
    model.save(path)
    loaded = keras.saving.load_model(path)
    for each in (model, loaded):
        each.train_on_batch(case.x, case.y)
    assert_close(loaded.get_weights(), model.get_weights())


@each_case
def test_weights_are_saved_and_loaded(case, tmp_path):
    model = case.make()
    path = str(tmp_path / "model.weights.h5")
    model.save_weights(path)
    fresh = type(model).from_config(model.get_config())
    fresh.load_weights(path)
    assert_close(predictions(case, fresh), predictions(case, model))


@each_case
def test_weights_are_got_and_set(case):
    model = case.make()
    fresh = type(model).from_config(model.get_config())
    fresh.set_weights(model.get_weights())
    assert_close(predictions(case, fresh), predictions(case, model))
    with pytest.raises(ValueError, match="weights"):
        fresh.set_weights(model.get_weights()[:-1])


@without_a_step
@each_case
def test_pickled_and_copied_models_answer_the_same(case):
    model = case.make()
    expected = predictions(case, model)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_close(predictions(case, other), expected)


@each_case
def test_a_clone_has_first_weights_of_its_own(case):
    model = case.make()
    clone = keras.models.clone_model(model)
    assert type(clone) is type(model)
    fresh = type(model).from_config(model.get_config())
    assert_close(clone.get_weights(), fresh.get_weights())
    clone.set_weights(model.get_weights())
    expected = predictions(case, model)
    clone.compile("sgd", run_eagerly=True)
    clone.train_on_batch(case.x, case.y)
    assert_close(predictions(case, model), expected)


@each_case
def test_the_summary_counts_the_parameters(case):
    model = case.make()
    lines = []
    model.summary(print_fn=lines.append)
    (total,) = re.findall(r"Total params: ([\d,]+)", "\n".join(lines))
    assert int(total.replace(",", "")) == sum(
        each.size for each in model.get_weights()
    )


@each_case
def test_a_precision_policy(case, dtype_policy):
    full = case.make_eager()
    with dtype_policy("mixed_bfloat16"):
        half = case.make_eager()
    assert {each.dtype for each in half.weights} <= {"float32", "int32"}
    policy = "float32" if "float32" in case.traits else "mixed_bfloat16"
    assert half.dtype_policy.name == policy
    found = figures(half, case.x, case.y)
    expected = figures(full, case.x, case.y)
    assert found["loss"] == pytest.approx(expected["loss"], rel=0.08)
    half.fit(case.x, case.y, verbose=0)
    assert all(np.isfinite(each).all() for each in half.get_weights())


@each_case_in_graphs
def test_two_replicas_train_as_one(case):
    with get_strategy("mirrored").scope():
        two = case.make()
    assert get_strategy("mirrored").num_replicas_in_sync == 2
    # Of the second batch, one of two replicas has no row.
    losses = [
        model.fit(case.x, case.y, epochs=2, batch_size=4, verbose=0).history[
            "loss"
        ]
        for model in (two, case.make())
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


@each_case
def test_onnx_is_refused(case, tmp_path, record_property):
    record_property("cell", "refused")
    with pytest.raises(ValueError, match=r"^export with format='onnx'; allow"):
        case.make().export(tmp_path / "model.onnx", format="onnx")
    assert not (tmp_path / "model.onnx").exists()


@each_classifier
def test_the_wrapper_of_scikit_learn(case, record_property):
    """It takes rows of numbers: no texts, and no ids by sentence."""
    record_property("cell", "refused")
    model = case.make()
    wrapper = keras.wrappers.SKLearnClassifier(model)
    with pytest.raises(ValueError, match="required by SKLearnClassifier"):
        wrapper.fit(np.asarray(model.as_inputs(case.x)), case.y)
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        wrapper.fit([str(document) for document in case.x], case.y)


@each_case
def test_a_model_that_nobody_holds_is_gone(case):
    """A search over settings in one process keeps no more than it needs."""
    model = case.make()
    model.compile(model.default_optimizer, run_eagerly=not case.is_fast)
    model.fit(case.x, case.y, verbose=0)
    model.predict(case.x, verbose=0)
    seen = weakref.ref(model)
    del model
    gc.collect()
    assert seen() is None
