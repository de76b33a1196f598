"""Data as Keras's users have them, line by line, for every model."""

import re
import threading

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorflow as tf

from keras_textgen.data.batches.bags import count_words
from tests.conformance.keras_cases import (
    Rows,
    assert_close,
    columns,
    dataset,
    each_case,
    each_classifier,
    each_weighted,
    ends_with_a_warning,
    figures,
    parametrized,
    python_batches,
    with_trait,
)

WEIGHTS = [2.0, 1.0, 0.0, 1.0, 3.0]
each_with_values = parametrized(with_trait("cells"))


def given(case):
    return [part for part in (case.x, case.y) if part is not None]


# -- What holds the rows -------------------------------------------------------


@each_case
def test_columns_of_pandas_give_the_same_figures(case):
    model = case.make_eager()
    frame = pd.DataFrame(case.x if isinstance(case.x, dict) else {"x": case.x})
    # As what is left of a larger table, whose index has gaps.
    frame = frame.set_index(pd.Index([7, 3, 9, 1, 4]))
    x = frame if isinstance(case.x, dict) else frame["x"]
    y = None if case.y is None else pd.Series(case.y, frame.index)
    assert_close(figures(model, x, y), figures(model, case.x, case.y))
    weights = pd.Series(WEIGHTS, frame.index)
    if "weights" in case.traits:
        assert_close(
            figures(model, x, y, sample_weight=weights),
            figures(model, case.x, case.y, sample_weight=WEIGHTS),
        )
    history = model.fit(x, y, validation_split=0.4, verbose=0).history
    assert np.isfinite(list(history.values())).all()


def forms_of_ids(case, model):
    """The rows as numbers: what is given in memory, and a dataset's batches."""
    if "cells" in case.traits:
        numbers = keras.tree.map_structure(np.asarray, model.as_inputs(case.x))
        numbers = {name: numbers[name] for name in ("row", "column")}
        cells = {**numbers, "value": np.array(case.x["value"], np.float32)}
        matrix = scipy.sparse.coo_array(
            (cells["value"], (cells["row"], cells["column"])), model.shape
        )
        return [matrix], [cells]
    if "bags" in case.traits:
        counts = count_words(case.x, model.vocabulary)
        words = model.vocabulary.tokenize(case.x)
        ids = words.to_tensor().numpy()
        arrays = [counts, counts.toarray(), ids, words.to_list()]
        return arrays, [ids, counts.toarray()]
    ids = np.asarray(model.as_inputs(case.x))
    ragged = tf.RaggedTensor.from_tensor(
        ids, padding=0, ragged_rank=ids.ndim - 1
    )
    return [ids, ids.astype(np.int64), ids.tolist(), ragged], [ids]


@each_case
def test_ids_give_the_same_figures(case):
    model = case.make_eager()
    expected = figures(model, case.x, case.y)
    y = [] if case.y is None else [np.array(case.y)]
    in_memory, batches = forms_of_ids(case, model)
    for ids in in_memory:
        assert_close(figures(model, ids, *y, batch_size=2), expected)
    for ids in batches:
        parts = (ids, *y) if y else ids
        stream = tf.data.Dataset.from_tensor_slices(parts).batch(2)
        assert_close(figures(model, stream), expected)
    model.fit(in_memory[0], *y, verbose=0)
    assert int(model.train_steps) == 1


@each_classifier
def test_targets_of_any_form_give_the_same_figures(case):
    model = case.make_eager()
    numbers = np.array(case.y)
    names = np.array(model.label_names)[numbers]
    expected = figures(model, case.x, numbers)
    for y in (
        numbers.tolist(),
        numbers.astype(np.float64),
        names,
        names.tolist(),
        names.astype(object),
        np.eye(3)[numbers],
        np.eye(3, dtype=bool)[numbers],
        pd.Series(names, dtype="category"),
    ):
        assert_close(figures(model, case.x, y), expected)
    for y in (numbers, numbers.astype(np.float32), names, np.eye(3)[numbers]):
        parts = (tf.constant(case.x), tf.constant(y))
        stream = tf.data.Dataset.from_tensor_slices(parts).batch(2)
        assert_close(figures(model, stream), expected)
        found = model.test_on_batch(case.x, y, return_dict=True)
        assert_close(found, expected)


@each_classifier
@pytest.mark.parametrize(
    "y",
    [[0, 1, 2, 0, 3], [0.5] * 5, ["high", "low", "a", "low", "low"], [[1, 1]]],
    ids=["number", "fraction", "name", "rows"],
)
def test_targets_that_are_no_classes(case, y, record_property):
    record_property("cell", "refused")
    with pytest.raises(ValueError, match=r"^label .*; allowed: "):
        case.make().fit(case.x, y, verbose=0)


@each_with_values
def test_values_may_stand_beside_the_cells(case):
    model = case.make_eager()
    x = {name: case.x[name] for name in ("row", "column")}
    expected = figures(model, case.x)
    assert_close(figures(model, x, case.x["value"]), expected)
    parts = columns(x, tf.constant), tf.constant(case.x["value"])
    stream = tf.data.Dataset.from_tensor_slices(parts).batch(2)
    assert_close(figures(model, stream), expected)


@each_case
def test_targets_are_there_where_a_model_has_them(case, record_property):
    """Whatever the method, whatever the data come in."""
    record_property("cell", "refused")
    model = case.make_eager()
    if "cells" in case.traits:
        wrong = {"x": case.x, "y": [1.0] * 5}
        stream = dataset(case).map(lambda x: (x, x["value"]))
    elif case.y is None:
        wrong = {"x": case.x, "y": [1.0] * 5}
        stream = dataset(case).map(lambda x: (x, tf.zeros(tf.shape(x)[:1])))
    else:
        wrong = {"x": case.x}
        stream = dataset(case).map(lambda x, y: x)
    batches = (
        (each,) if case.y else each for each in stream.as_numpy_iterator()
    )
    refused = pytest.raises(ValueError, match=r"^y(=None;| of | beside )")
    for method in (model.fit, model.evaluate):
        with refused:
            method(**wrong, verbose=0)
        with refused:
            method(stream, verbose=0)
    for method in (model.train_on_batch, model.test_on_batch):
        with refused:
            method(**wrong)
    with refused:
        model.fit(batches, verbose=0)
    assert int(model.train_steps) == 0


WITHOUT_TARGETS = ("predict", "predict_on_batch", "__call__")


@each_case
@pytest.mark.parametrize(
    "method",
    [
        "fit",
        "evaluate",
        "predict",
        "train_on_batch",
        "test_on_batch",
        "predict_on_batch",
        "__call__",
    ],
)
def test_no_rows(case, method, record_property):
    record_property("cell", "refused")
    model = case.make()
    x = columns(case.x, lambda column: column[:0])
    has_y = case.y is not None and method not in WITHOUT_TARGETS
    y = ([],) if has_y else ()
    with pytest.raises(ValueError, match=r"^no .*; allowed: 1"):
        getattr(model, method)(x, *y)
    assert int(model.train_steps) == 0


@each_case
def test_a_stream_without_batches(case, record_property):
    record_property("cell", "refused")
    model = case.make()
    for empty in (dataset(case).take(0), iter(())):
        with pytest.raises(ValueError, match=r"without a batch; allowed: 1"):
            model.fit(empty, verbose=0)


@each_case
def test_one_row_is_enough(case):
    model = case.make_eager()
    x, y = case.rows([0])
    history = model.fit(x, y, epochs=2, verbose=0).history
    figure = figures(model, x, y)
    outputs = keras.tree.flatten(model.predict(x, verbose=0))
    for number in (*history.values(), *figure.values(), *outputs):
        assert np.isfinite(number).all()
    assert {len(each) for each in outputs} == {1}


# -- Batches -------------------------------------------------------------------


@ends_with_a_warning
@each_weighted
def test_weights_come_in_batches_too(case):
    """As the third part; of a model without targets, (x, None, weights)."""
    model = case.make_eager()
    expected = figures(model, case.x, case.y, sample_weight=WEIGHTS)

    def batches():
        for chosen in ([0, 1], [2, 3], [4]):
            weights = np.array(WEIGHTS, np.float32)[chosen]
            yield (*case.rows(chosen), weights)

    assert_close(figures(model, batches()), expected)
    weights = tf.data.Dataset.from_tensor_slices(WEIGHTS).batch(2)

    def with_weights(batch, weights):
        x, y = (batch, None) if case.y is None else batch
        return x, y, weights

    stream = tf.data.Dataset.zip(dataset(case), weights).map(with_weights)
    assert_close(figures(model, stream), expected)
    found = model.test_on_batch(
        case.x, case.y, sample_weight=np.array(WEIGHTS), return_dict=True
    )
    assert_close(found, expected)


@each_weighted
@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_weights_in_batches_that_are_none(case, wrong):
    model = case.make_eager()
    before = model.get_weights()
    weights = tf.data.Dataset.from_tensor_slices([1.0, wrong, 1, 1, 1]).batch(2)
    stream = tf.data.Dataset.zip(dataset(case), weights).map(
        lambda batch, weights: (
            (batch, None, weights) if case.y is None else (*batch, weights)
        )
    )
    message = "a sample_weight that is none; allowed: 0 or more, finite"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.fit(stream, verbose=0)
    assert_close(model.get_weights(), before)


@ends_with_a_warning
@each_case
def test_datasets_of_unknown_length(case):
    model = case.make_eager()
    expected = figures(model, *given(case))
    unknown = dataset(case).filter(lambda *_: True)
    assert unknown.cardinality() == tf.data.UNKNOWN_CARDINALITY
    assert_close(figures(model, unknown), expected)
    model.fit(unknown.repeat(), steps_per_epoch=2, epochs=2, verbose=0)
    assert int(model.train_steps) == 4


class Counted:
    """An endless generator that knows how many batches it has made."""

    def __init__(self, case):
        self.made = 0
        self.case = case
        self.lock = threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            self.made += 1
        (batch,) = list(python_batches(self.case))[:1]
        return batch


@each_case
def test_a_generator_is_read_at_most_16_batches_ahead(case):
    model, endless = case.make_eager(), Counted(case)
    model.fit(endless, steps_per_epoch=2, epochs=2, verbose=0)
    assert int(model.train_steps) == 4
    assert 4 <= endless.made <= 4 + 16
    endless = Counted(case)
    model.evaluate(endless, steps=3, verbose=0)
    assert 3 <= endless.made <= 3 + 16
    endless = Counted(case)
    outputs = model.predict(endless, steps=3, verbose=0)
    assert {len(each) for each in keras.tree.flatten(outputs)} == {6}
    assert 3 <= endless.made <= 3 + 16


@ends_with_a_warning
@each_case
def test_a_finite_generator_is_an_epoch(case):
    model, like = case.make_eager(), case.make_eager()
    history = model.fit(python_batches(case), verbose=0).history
    assert int(model.train_steps) == 3
    expected = like.fit(Rows(case), verbose=0).history
    assert_close(history, expected)
    assert_close(model.get_weights(), like.get_weights())


@ends_with_a_warning
@each_case
def test_validation_data_of_any_kind(case):
    model = case.make_eager()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)

    def validated(data):
        history = model.fit(
            case.x, case.y, validation_data=data, verbose=0
        ).history
        # Weights stay, but training moves the means of batch normalization.
        after = figures(model, case.x, case.y)
        return {name: history[f"val_{name}"] for name in after}, after

    in_memory = case.x if case.y is None else (case.x, case.y)
    for kind in (in_memory, dataset(case), Rows(case), python_batches(case)):
        found, after = validated(kind)
        assert_close(found, {name: [value] for name, value in after.items()})
    if "weights" in case.traits:
        found, _ = validated((case.x, case.y, WEIGHTS))
        weighted = figures(model, case.x, case.y, sample_weight=WEIGHTS)
        assert_close(found["loss"], [weighted["loss"]])


@each_case
def test_the_split_of_validation_is_the_last_part(case):
    model = case.make_eager()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    history = model.fit(case.x, case.y, validation_split=0.4, verbose=0).history
    last = figures(model, *case.rows([3, 4]))
    assert_close(history["val_loss"], [last["loss"]])
    first = figures(model, *case.rows([0, 1, 2]))
    if "exact" in case.traits:
        assert_close(history["loss"], [first["loss"]])


# -- The arguments of Keras's methods ------------------------------------------


class Steps(keras.callbacks.Callback):
    """Counts batches of all kinds."""

    def __init__(self):
        super().__init__()
        self.train = self.test = self.predict = 0

    def on_train_batch_end(self, batch, logs=None):
        self.train += 1

    def on_test_batch_end(self, batch, logs=None):
        self.test += 1

    def on_predict_batch_end(self, batch, logs=None):
        self.predict += 1


@each_case
def test_steps_batch_size_and_callbacks_are_honoured(case):
    model, seen = case.make_eager(), Steps()
    model.fit(case.x, case.y, 2, 2, 0, [seen])
    assert (seen.train, seen.test, seen.predict) == (6, 0, 0)
    numbers = model.evaluate(case.x, case.y, 2, 0, callbacks=[seen])
    expected = figures(model, case.x, case.y, batch_size=2)
    assert_close(numbers, [expected[name] for name in model.metrics_names])
    assert seen.test == 3
    model.evaluate(case.x, case.y, 2, 0, None, 2, [seen])
    assert seen.test == 5
    model.predict(case.x, 2, 0, None, [seen])
    assert seen.predict == 3
    # Of data in memory, the first rows, however long they are.
    whole = model.predict(case.x, 2, 0)
    first = model.predict(case.x, 2, 0, 1)
    assert_close(first, keras.tree.map_structure(lambda each: each[:2], whole))
    x, y = case.rows([0, 1])
    assert_close(
        figures(model, case.x, case.y, batch_size=2, steps=1),
        figures(model, x, y),
    )
    outputs = model.predict(dataset(case), steps=1, verbose=0, callbacks=[seen])
    assert seen.predict == 4
    assert {len(each) for each in keras.tree.flatten(outputs)} == {2}
    model.fit(
        case.x,
        case.y,
        validation_data=dataset(case).repeat(),
        validation_steps=2,
        callbacks=[seen],
        verbose=0,
    )
    assert (seen.train, seen.test) == (7, 7)


@each_case
def test_verbose_is_honoured(case, capsys):
    model = case.make_eager()
    x, y = case.rows([0, 1])
    calls = [
        lambda verbose: model.fit(x, y, verbose=verbose),
        lambda verbose: model.evaluate(x, y, verbose=verbose),
        lambda verbose: model.predict(x, verbose=verbose),
    ]
    for call in calls:
        for verbose in (0, 1, 2):
            capsys.readouterr()
            call(verbose)
            out = capsys.readouterr().out
            assert bool(out) == bool(verbose)
            # A bar is drawn anew in its line.
            assert bool(re.search("[\b\r━]", out)) == (verbose == 1)


@each_case
def test_without_shuffling_rows_keep_their_order(case):
    fitted, by_hand = case.make_eager(), case.make_eager()
    for model in (fitted, by_hand):
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    fitted.fit(case.x, case.y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        for chosen in ([0, 1], [2, 3], [4]):
            by_hand.train_on_batch(*case.rows(chosen))
    assert_close(fitted.get_weights(), by_hand.get_weights())


@each_case
def test_a_batch_is_tested_as_it_is_evaluated(case):
    model = case.make_eager()
    expected = figures(model, case.x, case.y)
    numbers = model.test_on_batch(case.x, case.y)
    assert_close(numbers, [expected[name] for name in model.metrics_names])
    found = model.test_on_batch(case.x, case.y, return_dict=True)
    assert_close(found, expected)
