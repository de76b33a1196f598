"""Settings of what is learnt of cells: honoured, or refused by name."""

import math

import pytest
import tensorflow as tf

from keras_textgen.models.matrices.cell_settings import (
    checked_fields,
    checked_negatives,
)
from keras_textgen.models.matrices.dmf import DualMatrixFactorization

SIZES = {"row_dim": 2, "col_dim": 2, "row_layers": (), "col_layers": ()}
TABLE = {"user": ["ann", "bob"], "film": ["Alien", "Emma"], "stars": [5, 1]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value_range": (5, 1)}, r"value_range=\(5, 1\); allowed: None, or"),
        ({"value_range": (1, math.nan)}, r"value_range=\(1, nan\); allowed"),
        ({"value_range": (1, 3, 5)}, r"value_range=\(1, 3, 5\); allowed"),
        ({"value_range": "15"}, "value_range='15'; allowed"),
        ({"value_range": 5}, "value_range=5; allowed"),
        ({"global_mean": math.nan}, "global_mean=nan; allowed: numbers"),
        ({"global_mean": "3"}, "global_mean='3'; allowed: numbers"),
        ({"negatives": 4}, "negatives=4 with feedback='explicit', which draws"),
        ({"alpha": 1.0}, "alpha=1.0 with feedback='explicit'; allowed: None"),
        (
            {"feedback": "ranking", "alpha": 2},
            "alpha=2 with feedback='ranking'; allowed: None; it has a meaning",
        ),
        (
            {"bias_l2": 0.1, "use_biases": False},
            "bias_l2=0.1 with use_biases=False; allowed: 0, or True",
        ),
        ({"use_biases": "no"}, "use_biases='no'; allowed: True, False"),
        ({"multi_level": None}, "multi_level=None; allowed: True, False"),
        ({"fields": "abc"}, "fields='abc'; allowed: a list of three names"),
        ({"row_layers": None}, "row_layers=None; allowed: a list of layers"),
        (
            {"feedback": "ranking", "relevant_above": math.nan},
            "relevant_above=nan; allowed: numbers",
        ),
        ({"fields": ("user", "film")}, r"fields=\('user', 'film'\); allowed"),
        ({"fields": ("user", "user", "stars")}, "fields=.*; allowed: three na"),
    ],
)
def test_settings_without_a_meaning(settings, message):
    with pytest.raises(ValueError, match=message):
        DualMatrixFactorization(2, 3, **{**SIZES, **settings})


@pytest.mark.parametrize("ids", ["ab", b"ab", 2.0, None])
def test_ids_are_a_list_or_a_number(ids):
    with pytest.raises(
        ValueError, match=r"^col_ids=.*; allowed: a list of ids"
    ):
        DualMatrixFactorization(2, ids, **SIZES)


def test_a_text_does_not_switch():
    model = DualMatrixFactorization(2, 3, **SIZES)
    with pytest.raises(ValueError, match=r"^exclude_seen='no'; allowed: True"):
        model.recommend([1], exclude_seen="no")


def test_a_range_without_an_upper_end():
    model = DualMatrixFactorization(
        1, 1, **SIZES, value_range=(0, math.inf), global_mean=-1.0
    )
    cells = {"row": tf.constant([0]), "column": tf.constant([0])}
    assert model(cells).numpy().tolist() == [0]


def test_a_config_of_before_may_have_negatives_without_a_meaning():
    config = DualMatrixFactorization(2, 3, **SIZES).get_config()
    again = DualMatrixFactorization.from_config(config | {"negatives": 4})
    assert again.get_config() == config
    again = DualMatrixFactorization.from_config(config | {"alpha": 1.0})
    assert again.get_config() == config
    without = DualMatrixFactorization(2, 3, **SIZES, use_biases=False)
    config = without.get_config()
    again = DualMatrixFactorization.from_config(config | {"bias_l2": 0.02})
    assert again.get_config() == config
    implicit = DualMatrixFactorization(2, 3, **SIZES, feedback="implicit")
    assert implicit.alpha == 1.0
    config = implicit.get_config() | {"alpha": 3.0}
    assert DualMatrixFactorization.from_config(config).alpha == 3.0


def test_columns_of_a_table_are_three():
    with pytest.raises(ValueError, match=r"fields=.*; allowed: three names"):
        DualMatrixFactorization.from_table(TABLE, fields=("user", "film"))
    assert checked_fields(["a", "b", "c"]) == ("a", "b", "c")


def test_what_is_allowed():
    assert checked_negatives("explicit", 0, None, None) == 0
    assert checked_negatives("explicit", None, None, [3.0, 3.0]) == 0
    assert checked_negatives("ranking", None, -1.5, None) == 32
    model = DualMatrixFactorization(2, 3, **SIZES, value_range=[1, 5])
    again = type(model).from_config(model.get_config())
    assert again.value_range == model.value_range


@pytest.mark.parametrize("k", [0, 2.5, 99.5, None, "3"])
def test_how_many_to_recommend(k):
    settings = {**SIZES, "fields": ("user", "film", "stars")}
    model = DualMatrixFactorization.from_table(TABLE, **settings)
    for method in (model.recommend, model.similar_columns):
        with pytest.raises(ValueError, match=r"k=.*; allowed: whole numbers"):
            method([0], k=k)


# -- Values in batches --------------------------------------------------------


def tables(**columns):
    return tf.data.Dataset.from_tensor_slices(columns).batch(2)


def learner(feedback="explicit"):
    settings = {**SIZES, "fields": ("user", "film", "stars")}
    table = {**TABLE, "stars": [5, 1]}
    return DualMatrixFactorization.from_table(
        table, feedback=feedback, **settings
    )


def test_batches_without_values_teach_nothing():
    model, batches = learner(), tables(user=["ann"], film=["Emma"])
    for method in (model.fit, model.evaluate):
        with pytest.raises(
            ValueError, match=r"batches of .*, without values; allowed: a col"
        ):
            method(batches, verbose=0)
    assert model.predict(batches, verbose=0).shape == (1,)


@pytest.mark.parametrize(
    ("feedback", "value", "message"),
    [
        ("explicit", math.nan, "a value that is not finite; allowed"),
        ("explicit", math.inf, "a value that is not finite; allowed"),
        ("implicit", -2.0, "a value below 0 with feedback=implicit; allowed"),
    ],
)
def test_values_in_batches_are_checked_as_those_in_memory(
    feedback, value, message
):
    model = learner(feedback)
    batches = tables(user=["ann"], film=["Emma"], stars=[value])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.evaluate(batches, verbose=0)
