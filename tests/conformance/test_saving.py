"""What holds for every model that is saved and made again."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.saving import load_model
from tests.conformance.registry import MODELS, each_model, made, tokens_of

TOKENS = tokens_of(4, 1, 0, 6, 2)
ROOT = pathlib.Path(keras_textgen.__file__).parent.parent


def in_training(case):
    """A compiled model with everything that decides its next step."""
    model = case.make(word_keep_rate=0.5, seed=3)
    model.compile(
        keras.optimizers.Adam(0.01, global_clipnorm=0.5), run_eagerly=True
    )
    return model


def logs_of_step(model):
    return model.train_on_batch(TOKENS, return_dict=True)


def assert_goes_on_as(model, original):
    """Both are the same, and still are after one more step, to the bit."""
    assert int(model.train_steps) == int(original.train_steps)
    np.testing.assert_array_equal(
        model.encode_tokens(TOKENS), original.encode_tokens(TOKENS)
    )
    for each in (model, original):
        each.reset_metrics()
    assert logs_of_step(model) == logs_of_step(original)
    for weight, expected in zip(
        model.get_weights(), original.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, expected)


@each_model
def test_file_of_a_compiled_model(case, tmp_path):
    original = in_training(case)
    logs_of_step(original)
    original.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.get_config() == original.get_config()
    assert_goes_on_as(loaded, original)


@each_model
def test_checkpoint(case, tmp_path):
    original = in_training(case)
    logs_of_step(original)
    checkpoint = tf.train.Checkpoint(
        model=original, optimizer=original.optimizer
    )
    path = checkpoint.write(str(tmp_path / "checkpoint"))

    restored = in_training(case)
    for weight in restored.trainable_weights:
        weight.assign(weight + 1)
    restored.optimizer.build(restored.trainable_weights)
    reader = tf.train.Checkpoint(model=restored, optimizer=restored.optimizer)
    reader.read(path).assert_consumed()
    assert_goes_on_as(restored, original)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_file_keeps_the_precision(precision, tmp_path):
    case = MODELS[-1]
    original = case.make(dtype=precision)
    original.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.encode_tokens(TOKENS), original.encode_tokens(TOKENS)
    )


_READER = """
import pathlib, sys
import numpy as np
from keras_textgen import load_model
for path in pathlib.Path(sys.argv[1]).glob("*.keras"):
    model = load_model(path)
    tokens = np.load(path.with_name("tokens.npy"))
    np.save(path.with_suffix(".npy"), model.encode_tokens(tokens))
"""


def test_files_in_a_fresh_process(tmp_path):
    np.save(tmp_path / "tokens.npy", TOKENS)
    for case in MODELS:
        made(case.name).save(tmp_path / f"{case.name}.keras")
    subprocess.run(
        [sys.executable, "-c", _READER, tmp_path],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    for case in MODELS:
        np.testing.assert_array_equal(
            np.load(tmp_path / f"{case.name}.npy"),
            made(case.name).encode_tokens(TOKENS),
        )
