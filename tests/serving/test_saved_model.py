"""The frame: what is traced, under which names, and what is read back."""

import pytest
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.serving.endpoints import (
    SEED,
    Endpoint,
    noise_seed,
    of_texts_or_tokens,
)
from keras_textgen.serving.saved_model import read, write
from keras_textgen.serving.versions import version_numbers

X = tf.TensorSpec([None], tf.float32, name="x")
WHOLE = tf.TensorSpec([None], tf.int32, name="whole")
POWER = tf.TensorSpec([], tf.float32, name="power")


def constant(value):
    return Endpoint(lambda: {"value": tf.constant(value)}, [])


def test_inputs_options_and_other_inputs(tmp_path):
    scale = tf.Variable(3.0)

    def power(x, seed=5, power=2.0):
        return {"y": scale * tf.cast(x, tf.float32) ** power, "seed": seed + 0}

    endpoint = Endpoint(power, [X], [SEED, POWER], also={"whole": [WHOLE]})
    write(tmp_path, {"power": endpoint}, variables=[scale])
    served = read(tmp_path)
    inputs = {
        name: sorted(each.structured_input_signature[1])
        for name, each in served.signatures.items()
    }
    assert inputs == {
        "power": ["power", "seed", "x"],
        "power_whole": ["power", "seed", "whole"],
    }
    # Alone, with a seed, and with all options, of two kinds of input.
    assert len(served.power.concrete_functions) == 6
    two = tf.constant([2.0])
    calls = [((), 12, 5), ((7,), 12, 7), ((7, 3.0), 24, 7)]
    for x in (two, tf.constant([2])):
        for given, y, seed in calls:
            found = served.power(x, *map(tf.constant, given))
            assert found["y"].numpy().tolist() == [y]
            assert int(found["seed"]) == seed
    found = served.signatures["power_whole"](
        whole=tf.constant([2]), seed=tf.constant(1), power=tf.constant(1.0)
    )
    assert found["y"].numpy().tolist() == [6]


def test_a_function_is_traced_once_whatever_it_is_given(tmp_path):
    vocabulary = Vocabulary(["rose"])
    traces = []

    def counted(tokens, factor=2, seed=0):
        traces.append(tokens)
        return {"total": factor * tf.reduce_sum(tokens, axis=1) + seed}

    factor = tf.TensorSpec([], tf.int32, name="factor")
    endpoint = of_texts_or_tokens(vocabulary, counted, [factor, SEED])
    write(tmp_path, {"counted": endpoint}, tables=vocabulary.lookup_tables())

    assert len(traces) == 1
    served = read(tmp_path).counted
    texts, tokens = tf.constant(["rose"]), tf.constant([[2, 4, 3]])
    for inputs in (texts, tokens):
        for given, total in (((), 18), ((3, 5), 32)):
            options = [tf.constant(each) for each in given]
            assert served(inputs, *options)["total"].numpy() == [total]


def test_tables_travel_with_the_functions(tmp_path):
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["red", "sea"], [4, 5]), -1
    )
    texts = tf.TensorSpec([None], tf.string, name="texts")
    found = Endpoint(lambda texts: {"ids": table.lookup(texts)}, [texts])
    with pytest.raises(AssertionError, match="untracked"):
        write(tmp_path / "without", {"ids": found})
    write(tmp_path / "with", {"ids": found}, tables=[table])
    served = read(tmp_path / "with")
    ids = served.ids(tf.constant(["sea", "sky"]))["ids"]
    assert ids.numpy().tolist() == [5, -1]


def test_two_signatures_of_one_name(tmp_path):
    function = lambda x: {"x": x}  # noqa: E731
    endpoints = {
        "a": Endpoint(function, [X], also={"b": [WHOLE]}),
        "a_b": Endpoint(function, [X]),
    }
    with pytest.raises(ValueError, match="signature 'a_b' of endpoint 'a_b'"):
        write(tmp_path, endpoints)


def test_one_meaning_of_a_seed():
    assert noise_seed(7, 0).numpy().tolist() == [7, 0]
    assert noise_seed(0, tf.constant(7)).numpy().tolist() == [0, 7]


def test_the_newest_version_is_read(tmp_path):
    for version in ("9", "10"):
        write(tmp_path / version, {"value": constant(int(version))})
    (tmp_path / "11").mkdir()  # Not written to its end.
    (tmp_path / "x12").mkdir()
    (tmp_path / "x12" / "saved_model.pb").touch()
    assert version_numbers(tmp_path) == [9, 10]
    served = read(tmp_path)
    assert int(served.value()["value"]) == 10
    assert version_numbers(tmp_path / "nowhere") == []
    with pytest.raises(ValueError, match=r"11: no SavedModel; allowed: "):
        read(tmp_path / "11")
