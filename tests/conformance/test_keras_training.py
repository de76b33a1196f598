"""Optimizers and steps of Keras, for every model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.keras_cases import (
    assert_close,
    dataset,
    each_case,
    each_case_in_graphs,
    figures,
)

SGD = keras.optimizers.SGD
OPTIMIZERS = [
    keras.optimizers.Adadelta,
    keras.optimizers.Adafactor,
    keras.optimizers.Adagrad,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.Adamax,
    keras.optimizers.Ftrl,
    keras.optimizers.Lamb,
    keras.optimizers.Lion,
    keras.optimizers.Muon,
    keras.optimizers.Nadam,
    keras.optimizers.RMSprop,
    keras.optimizers.SGD,
    keras.optimizers.ScheduleFreeAdamW,
]


def test_no_optimizer_of_keras_is_left_out():
    base = keras.optimizers.Optimizer
    kinds = {
        each
        for each in vars(keras.optimizers).values()
        if isinstance(each, type) and issubclass(each, base)
    }
    # They are around others, see `test_half_precision_scales_the_loss`.
    kinds -= {
        base,
        keras.optimizers.LossScaleOptimizer,
        keras.optimizers.MultiOptimizer,
    }
    assert kinds == set(OPTIMIZERS)


def values(model):
    return [each.numpy() for each in model.trainable_variables]


def after_steps(case, optimizer, steps=1):
    """The variables before and after steps on all rows."""
    model = case.make()
    model.compile(optimizer, run_eagerly=True)
    before = values(model)
    for _ in range(steps):
        model.train_on_batch(case.x, case.y)
    return before, values(model), model


def gradients(case):
    """Of the first step, as a step of plain descent has them."""
    before, after, _ = after_steps(case, SGD(1.0))
    return [old - new for old, new in zip(before, after, strict=True)]


def recording(kind, seen):
    """An optimizer's class that keeps the gradients that it is given."""

    def apply(self, grads, trainable_variables=None):
        seen.append([np.asarray(each) for each in grads])
        return kind.apply(self, grads, trainable_variables)

    return type(kind.__name__, (kind,), {"apply": apply})


@each_case
def test_every_optimizer_is_given_the_gradients(case):
    """With decay, averages and clipping, which it does itself."""
    model, expected = case.make(), gradients(case)
    first = model.get_weights()
    for kind in OPTIMIZERS:
        seen = []
        model.set_weights(first)
        optimizer = recording(kind, seen)(
            0.1, weight_decay=0.01, use_ema=True, clipvalue=0.3
        )
        model.compile(optimizer, run_eagerly=True)
        before = values(model)
        model.train_on_batch(case.x, case.y)
        assert len(seen) == int(model.optimizer.iterations) == 1
        assert_close(seen[0], expected)
        after = values(model)
        assert all(np.isfinite(each).all() for each in after)
        assert any(
            np.any(old != new) for old, new in zip(before, after, strict=True)
        )


@each_case
def test_clipping(case):
    expected = gradients(case)
    norm = np.sqrt(sum(np.sum(each**2) for each in expected))
    largest = max(np.abs(each).max() for each in expected)

    def step(**settings):
        before, after, _ = after_steps(case, SGD(1.0, **settings))
        return [old - new for old, new in zip(before, after, strict=True)]

    assert_close(
        step(global_clipnorm=float(norm / 2)), [each / 2 for each in expected]
    )
    limit = float(largest / 2)
    assert_close(
        step(clipvalue=limit),
        [np.clip(each, -limit, limit) for each in expected],
    )
    for clipped, each in zip(
        step(clipnorm=float(norm / 4)), expected, strict=True
    ):
        own = np.sqrt(np.sum(each**2))
        assert_close(clipped, each * min(1.0, norm / 4 / max(own, 1e-9)))


@each_case
def test_weight_decay_and_moving_averages(case):
    plain = after_steps(case, SGD(0.5))
    decayed = after_steps(case, SGD(0.5, weight_decay=0.1))
    for old, without, new in zip(plain[0], plain[1], decayed[1], strict=True):
        assert_close(new, without - 0.5 * 0.1 * old)
    optimizer = SGD(0.5, use_ema=True, ema_momentum=0.75)
    first = after_steps(case, SGD(0.5))[1]
    _, second, model = after_steps(case, optimizer, steps=2)
    optimizer.finalize_variable_values(model.trainable_variables)
    averages = [
        0.75 * one + 0.25 * two for one, two in zip(first, second, strict=True)
    ]
    assert_close(values(model), averages)


@each_case
def test_gradients_are_accumulated(case):
    """A step of two batches is that of their mean."""
    model = case.make()
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    model.compile(optimizer, run_eagerly=True)
    before = values(model)
    model.train_on_batch(*case.rows([0, 1]))
    assert_close(values(model), before)
    model.train_on_batch(*case.rows([2, 3]))
    changes = [
        old - new for old, new in zip(before, values(model), strict=True)
    ]
    if "exact" not in case.traits:
        assert any(np.any(each) for each in changes)
        return
    alone = []
    for chosen in ([0, 1], [2, 3]):
        one = case.make()
        one.compile(SGD(1.0), run_eagerly=True)
        one.train_on_batch(*case.rows(chosen))
        alone.append(values(one))
    for old, change, first, second in zip(before, changes, *alone, strict=True):
        expected = ((old - first) + (old - second)) / 2
        np.testing.assert_allclose(change, expected, rtol=1e-4, atol=1e-5)


@each_case
def test_optimizers_are_given_in_any_form(case):
    model = case.make()
    model.compile("nadam", run_eagerly=True)
    model.train_on_batch(case.x, case.y)
    assert int(model.optimizer.iterations) == 1
    assert isinstance(model.optimizer, keras.optimizers.Nadam)
    config = {"class_name": "SGD", "config": {"learning_rate": 0.25}}
    model.compile(config)
    assert isinstance(model.optimizer, SGD)
    assert float(model.optimizer.learning_rate) == 0.25
    optimizer = SGD(0.5)
    model.compile(optimizer)
    assert model.optimizer is optimizer
    with pytest.raises(ValueError, match="no_such"):
        model.compile("no_such")


@each_case
def test_a_model_that_was_not_compiled_is_compiled_with_its_default(case):
    alone, compiled = case.make(), case.make()
    compiled.compile(compiled.default_optimizer)
    for model in (alone, compiled):
        model.run_eagerly = True
        model.fit(case.x, case.y, batch_size=2, verbose=0)
    assert_close(alone.get_weights(), compiled.get_weights())
    found = alone.optimizer.get_config()
    expected = compiled.optimizer.get_config()
    assert {**found, "name": ""} == {**expected, "name": ""}


@each_case_in_graphs
def test_several_steps_a_call_train_as_single_ones(case):
    one, two = case.make(), case.make()
    calls = []
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: calls.append(batch)
    )
    for steps, model in ((1, one), (2, two)):
        model.compile(SGD(0.1), steps_per_execution=steps)
        x, y = case.rows([0, 1, 2, 3])
        model.fit(x, y, batch_size=1, callbacks=[count], verbose=0)
    assert calls == [0, 1, 2, 3, 1, 3]
    assert_close(two.get_weights(), one.get_weights())
    with pytest.raises(
        ValueError, match=r"^steps_per_execution=2 for an epoch"
    ):
        two.fit(case.x, case.y, batch_size=1, verbose=0)


def subclass(case, **methods):
    """A model of a class with methods of its own."""
    model = case.make()
    kind = type("Own", (type(model),), methods)
    own = kind.from_config(model.get_config())
    own.set_weights(model.get_weights())
    return own


@each_case
def test_run_eagerly_is_honoured(case):
    seen = []

    def train_step(self, data):
        seen.append(tf.executing_eagerly())
        return super(type(self), self).train_step(data)

    model = subclass(case, train_step=train_step)
    model.compile("sgd", run_eagerly=True)
    model.fit(case.x, case.y, batch_size=2, verbose=0)
    assert seen == [True] * 3
    in_graph = subclass(case, train_step=train_step)
    in_graph.compile("sgd")
    in_graph.train_on_batch(case.x, case.y)
    assert False in seen[3:]


@each_case
def test_a_subclass_has_its_own_steps(case):
    """Keras calls them, and what they give is what is told."""
    calls = []

    def train_step(self, data):
        calls.append("train")
        logs = super(type(self), self).train_step(data)
        return {**logs, "own": tf.constant(3.0)}

    def test_step(self, data):
        calls.append("test")
        logs = super(type(self), self).test_step(data)
        return {**logs, "own": tf.constant(4.0)}

    model = subclass(case, train_step=train_step, test_step=test_step)
    model.compile("sgd", run_eagerly=True)
    history = model.fit(
        case.x, case.y, validation_data=dataset(case), verbose=0
    ).history
    assert calls == ["train", *["test"] * 3]
    assert (history["own"], history["val_own"]) == ([3.0], [4.0])


@each_case
def test_a_subclass_trains_on_its_own_loss(case):
    """With what Keras documents that it is given."""
    seen = []

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        seen.append((y is not None, sample_weight is not None, training))
        assert "losses" in y_pred
        loss = super(type(self), self).compute_loss(
            x, y, y_pred, sample_weight, training
        )
        return 2 * loss

    expected = gradients(case)
    model = subclass(case, compute_loss=compute_loss)
    model.compile(SGD(1.0), run_eagerly=True)
    before = values(model)
    model.train_on_batch(case.x, case.y)
    for old, new, gradient in zip(before, values(model), expected, strict=True):
        np.testing.assert_allclose(
            old - new, 2 * gradient, rtol=1e-4, atol=1e-5
        )
    weights = None
    if "weights" in case.traits:
        weights = np.ones(5)
    model.test_on_batch(case.x, case.y, sample_weight=weights)
    has_y = case.y is not None
    assert seen == [
        (has_y, False, True),
        (has_y, weights is not None, False),
    ]


@each_case
def test_half_precision_scales_the_loss(case, dtype_policy):
    with dtype_policy("mixed_float16"):
        half = case.make()
    expected = figures(case.make_eager(), case.x, case.y)["loss"]
    wrapper = keras.optimizers.LossScaleOptimizer
    is_half = "float32" not in case.traits
    for scales in (True, False):
        half.compile(
            SGD(0.01, global_clipnorm=1.0),
            auto_scale_loss=scales,
            run_eagerly=True,
        )
        assert isinstance(half.optimizer, wrapper) == (scales and is_half)
        found = half.evaluate(case.x, case.y, verbose=0, return_dict=True)
        assert found["loss"] == pytest.approx(expected, rel=0.02)
    half.compile(SGD(0.01), run_eagerly=True)
    half.fit(case.x, case.y, epochs=2, verbose=0)
    assert all(np.isfinite(each).all() for each in half.get_weights())


@each_case
def test_dtype_of_a_model(case):
    """A policy of one model, whatever Keras's own is."""
    config = {**case.make().get_config(), "dtype": "mixed_bfloat16"}
    model = type(case.make()).from_config(config)
    policy = "float32" if "float32" in case.traits else "mixed_bfloat16"
    assert model.dtype_policy.name == policy
    model.compile("sgd", run_eagerly=True)
    found = figures(model, case.x, case.y)
    assert np.isfinite(found["loss"])
    again = type(model).from_config(model.get_config())
    assert again.dtype_policy.name == policy
