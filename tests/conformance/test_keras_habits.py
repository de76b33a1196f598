"""What Keras users do with a model, line by line, for every model."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.keras_cases import (
    Rows,
    assert_close,
    columns,
    dataset,
    each_case,
    each_exact,
    each_weighted,
    ends_with_a_warning,
    figures,
    python_batches,
)

# Where the loss is of a batch as a whole.
WHOLE = "the MMD"
METHODS = (
    "fit",
    "evaluate",
    "predict",
    "compile",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
)


@each_case
@pytest.mark.parametrize("method", METHODS)
def test_every_argument_of_keras_is_there(case, method):
    ours = inspect.signature(getattr(case.make(), method)).parameters
    theirs = inspect.signature(getattr(keras.Model, method)).parameters
    names = [name for name in theirs if name not in ("self", "kwargs")]
    assert list(ours)[: len(names)] == names


# -- Data into fit, evaluate, predict -----------------------------------------


@ends_with_a_warning
@each_case
def test_all_kinds_of_data_give_the_same_figures(case):
    model = case.make()
    given = [part for part in (case.x, case.y) if part is not None]
    expected = figures(model, *given, batch_size=2)
    assert np.isfinite(list(expected.values())).all()
    in_memory = [
        [columns(part, lambda c: np.array(c, object)) for part in given],
        [columns(part, np.array) for part in given],
        [columns(part, tf.constant) for part in given],
    ]
    if isinstance(case.x, dict):
        in_memory.pop()  # Tensors are a batch of cells already.
    for kind in in_memory:
        assert_close(figures(model, *kind, batch_size=3), expected)
    for stream in (
        dataset(case),
        python_batches(case),
        Rows(case),
        Rows(case, workers=2),
    ):
        assert_close(figures(model, stream), expected)


@ends_with_a_warning
@each_case
def test_predictions_are_in_the_order_of_the_rows(case):
    model = case.make()
    expected = model.predict(case.x, batch_size=1, verbose=0)
    for batch_size in (2, 5):
        found = model.predict(case.x, batch_size=batch_size, verbose=0)
        assert_close(found, expected)
    assert_close(model.predict(dataset(case), verbose=0), expected)
    assert_close(model.predict(python_batches(case), verbose=0), expected)
    whole = model.predict_on_batch(case.x)
    # Of documents, it also says whether they are known.
    if "classes" not in case.traits:
        assert_close(whole, expected)


@each_case
def test_fit_honours_epochs_steps_and_validation(case):
    model = case.make()
    given = {"x": case.x, "y": case.y, "batch_size": 2, "verbose": 0}
    steps = []
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(batch)
    )
    history = model.fit(
        **given,
        epochs=3,
        initial_epoch=1,
        steps_per_epoch=2,
        validation_split=0.4,
        validation_batch_size=1,
        validation_freq=2,
        callbacks=[count],
    ).history
    assert steps == [0, 1] * 2
    assert len(history["loss"]) == 2
    assert len(history["val_loss"]) == 1

    def endless():
        while True:
            yield from python_batches(case)

    model.fit(endless(), steps_per_epoch=2, epochs=2, verbose=0)
    model.fit(dataset(case).repeat(), steps_per_epoch=2, verbose=0)
    model.fit(Rows(case), epochs=2, verbose=0)


@each_case
def test_what_has_no_meaning_is_refused_before_training(case):
    model = case.make_eager()
    wrong = case.x
    if case.y is None:
        wrong = dataset(case).map(lambda x: (x, x))
    with pytest.raises(ValueError, match=r"^y(=None;| of | beside )"):
        model.fit(wrong, verbose=0)
    with pytest.raises(ValueError, match="batch_size"):
        model.fit(dataset(case), batch_size=2, verbose=0)
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(dataset(case), sample_weight=[1.0] * 5, verbose=0)
    batches = model.row_batches(case.x, case.y, None, 2)
    for method in (model.fit, model.evaluate, model.predict):
        with pytest.raises(
            ValueError, match=r"^batch_size with data that come"
        ):
            method(batches, batch_size=3, verbose=0)
    with pytest.raises(ValueError, match=r"^predict with steps=1 of 3 batches"):
        model.predict(batches, steps=1, verbose=0)
    assert len(keras.tree.flatten(model.predict(batches, steps=3, verbose=0)))
    for count in (0, -1, 1.5, "2"):
        for name in ("steps_per_epoch", "validation_steps", "validation_freq"):
            with pytest.raises(ValueError, match=f"^{name}=.*; allowed: whole"):
                model.fit(case.x, case.y, verbose=0, **{name: count})
        with pytest.raises(ValueError, match=r"^validation_batch_size="):
            model.fit(
                case.x,
                case.y,
                validation_data=dataset(case),
                validation_batch_size=count,
            )
        with pytest.raises(ValueError, match=r"^steps_per_execution="):
            model.compile("adam", steps_per_execution=count)
        for method in (model.evaluate, model.predict):
            with pytest.raises(ValueError, match=r"^steps=.*; allowed: whole"):
                method(case.x, steps=count, verbose=0)
    with pytest.raises(ValueError, match=r"^initial_epoch=-1; allowed: whole"):
        model.fit(case.x, case.y, initial_epoch=-1, verbose=0)
    with pytest.raises(ValueError, match=r"^shuffle='no'; allowed: True, Fal"):
        model.fit(case.x, case.y, shuffle="no", verbose=0)
    with pytest.raises(ValueError, match="validation_split"):
        model.fit(dataset(case), validation_split=0.5, verbose=0)
    with pytest.raises(ValueError, match="validation_split"):
        model.fit(case.x, case.y, validation_split=1.5, verbose=0)
    with pytest.raises(ValueError, match="allowed"):
        model.fit(columns(case.x, lambda c: c[:0]), case.y and [], verbose=0)
    with pytest.raises(ValueError, match="loss"):
        model.compile("adam", loss="mse")
    with pytest.raises(ValueError, match="jit_compile"):
        model.compile("adam", jit_compile=True)
    assert int(model.train_steps) == 0


@each_case
def test_class_weight_is_for_classes(case, record_property):
    model = case.make()
    if "classes" not in case.traits:
        record_property("cell", "refused")
        with pytest.raises(ValueError, match="class_weight"):
            model.fit(case.x, case.y, class_weight={0: 2.0}, verbose=0)
        return
    by_class, by_row = case.make(), case.make()
    weights = [2.0 if label == 0 else 1.0 for label in case.y]
    common = {"x": case.x, "y": case.y, "verbose": 0, "shuffle": False}
    by_class.fit(**common, class_weight={0: 2.0})
    by_row.fit(**common, sample_weight=weights)
    assert_close(by_class.get_weights(), by_row.get_weights())


# -- Weights -------------------------------------------------------------------


@each_case
def test_whole_weights_are_repeated_rows_in_evaluate(case, record_property):
    model = case.make()
    weights = [2, 1, 0, 1, 3]
    if "weights" not in case.traits:
        record_property("cell", "refused")
        for method in (model.fit, model.evaluate):
            with pytest.raises(
                ValueError, match=f"^sample_weight with {WHOLE}"
            ):
                method(case.x, sample_weight=weights, verbose=0)
        return
    repeated = case.rows([0, 0, 1, 3, 4, 4, 4])
    found = figures(model, case.x, case.y, sample_weight=weights)
    if "cells" in case.traits:
        # A cell that is given again is refused.
        parts = [figures(model, case.rows([i])[0]) for i in range(5)]
        expected = np.average([p["loss"] for p in parts], weights=weights)
        np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
        return
    assert_close(found, figures(model, *repeated))


@each_exact
def test_whole_weights_are_repeated_rows_in_the_summed_gradient(case):
    if "cells" in case.traits:
        pytest.skip("a cell is given once")
    once, often = case.make(), case.make()
    weights = [2, 1, 0, 1, 3]
    x, y = case.rows([0, 0, 1, 3, 4, 4, 4])
    for model in (once, often):
        model.compile(keras.optimizers.SGD(1.0))
    before = once.get_weights()
    once.train_on_batch(case.x, case.y, sample_weight=weights)
    often.train_on_batch(x, y)
    for old, one, many in zip(
        before, once.get_weights(), often.get_weights(), strict=True
    ):
        if np.issubdtype(old.dtype, np.floating):
            # sum(w g) / 5 and sum(g) / 7.
            np.testing.assert_allclose(
                5 * (one - old), 7 * (many - old), rtol=1e-4, atol=1e-5
            )


@each_weighted
@pytest.mark.parametrize("weights", [[1.0], [1, 1, 1, 1, -1], ["a"] * 5])
def test_wrong_weights(case, weights):
    with pytest.raises(ValueError, match="sample_weight"):
        case.make().fit(case.x, case.y, sample_weight=weights, verbose=0)


# -- compile -------------------------------------------------------------------


@each_case
def test_a_subclass_has_its_own_loss(case):
    class Twice(type(case.make())):
        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            assert "losses" in y_pred
            return 2 * super().compute_loss(
                x, y, y_pred, sample_weight, training
            )

    model = case.make()
    twice = Twice.from_config(model.get_config())
    twice.set_weights(model.get_weights())
    np.testing.assert_allclose(
        figures(twice, case.x, case.y)["loss"],
        2 * figures(model, case.x, case.y)["loss"],
        rtol=1e-5,
    )


# -- Steps by hand -------------------------------------------------------------


@each_exact
def test_a_tape_gives_the_gradients_of_fit(case):
    by_hand, fitted = case.make(), case.make()
    for model in (by_hand, fitted):
        model.compile(keras.optimizers.SGD(0.1))
    fitted.train_on_batch(case.x, case.y)
    x = by_hand.as_inputs(case.x)
    y = None if case.y is None else tf.constant(case.y)
    if "cells" in case.traits:
        x |= {"value": tf.constant(case.x["value"])}
    with tf.GradientTape() as tape:
        loss = by_hand.compute_loss(x=x, y=y, y_pred=by_hand(x, training=True))
    gradients = tape.gradient(loss, by_hand.trainable_variables)
    gradients = [tf.convert_to_tensor(each) for each in gradients]
    by_hand.optimizer.apply(gradients, by_hand.trainable_variables)
    assert_close(
        [each.numpy() for each in by_hand.trainable_variables],
        [each.numpy() for each in fitted.trainable_variables],
    )


@each_case
def test_models_take_raw_data_when_called(case):
    model = case.make()
    outputs = model(case.x)
    again = model(model.as_inputs(case.x))
    assert_close(
        keras.tree.map_structure(np.asarray, outputs),
        keras.tree.map_structure(np.asarray, again),
    )


@each_case
def test_a_frozen_layer_stays(case):
    model = case.make()
    layers = [each for each in model.layers if each.trainable_variables]
    if not layers:
        pytest.skip("the weights are the model's own")
    layer = layers[0]
    layer.trainable = False
    before = [each.numpy() for each in layer.variables]
    model.compile("adam")
    model.train_on_batch(case.x, case.y)
    assert_close([each.numpy() for each in layer.variables], before)


# -- Seeds ---------------------------------------------------------------------


@each_case
def test_one_seed_is_one_fit(case):
    config = case.make().get_config()
    weights = []
    for _ in range(2):
        model = type(case.make()).from_config({**config, "seed": 11})
        model.compile(model.default_optimizer, run_eagerly=not case.is_fast)
        model.fit(case.x, case.y, epochs=2, batch_size=2, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("drawn_seeds")
@each_case
def test_no_seed_draws_one_and_keeps_it(case):
    config = {**case.make().get_config(), "seed": None}
    kind = type(case.make())
    keras.utils.set_random_seed(5)
    first, second = kind.from_config(config), kind.from_config(config)
    assert first.seed != second.seed
    assert first.get_config()["seed"] == first.seed
    keras.utils.set_random_seed(5)
    assert kind.from_config(config).seed == first.seed


@each_case
def test_unbatched_datasets_are_refused(case, record_property):
    record_property("cell", "refused")
    with pytest.raises(ValueError, match=r"of .*; allowed: .*\[batch"):
        case.make().fit(dataset(case).unbatch(), verbose=0)
