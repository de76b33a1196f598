"""What holds for every model that is saved and made again."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.models.loading import load_model
from tests.conformance.registry import (
    INSTALLED,
    MODELS,
    each_model,
    made,
    tokens_of,
)

TOKENS = tokens_of(4, 1, 0, 6, 2)
ROOT = pathlib.Path(keras_textgen.__file__).parent.parent


def in_training(case):
    """A compiled model with everything that decides its next step."""
    model = case.make(word_keep_rate=0.5, seed=3)
    model.compile(case.make_optimizer(), run_eagerly=True)
    return model


def nll(model):
    """With noise, which depends on the saved seed."""
    return model(TOKENS)["nll"].numpy()


def interrupted(case):
    """The model after a step, with state that is not its initial one."""
    model = in_training(case)
    if case.is_latent:
        model.annealing_start.assign(2)
    logs_of_step(model)
    return model


def logs_of_step(model):
    return model.train_on_batch(TOKENS, return_dict=True)


def assert_goes_on_as(model, original):
    """Both are the same, and still are after one more step, to the bit."""
    assert int(model.train_steps) == int(original.train_steps)
    np.testing.assert_array_equal(nll(model), nll(original))
    for each in (model, original):
        each.reset_metrics()
    assert logs_of_step(model) == logs_of_step(original)
    for weight, expected in zip(
        model.get_weights(), original.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, expected)


@each_model
def test_file_of_a_compiled_model(case, tmp_path):
    original = interrupted(case)
    original.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    config = loaded.get_config()
    assert config == original.get_config()
    assert config.items() >= case.plain_settings.items()
    assert_goes_on_as(loaded, original)


@each_model
def test_checkpoint(case, tmp_path):
    original = interrupted(case)
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
    np.testing.assert_array_equal(nll(loaded), nll(original))


_READER = """
import pathlib, sys
import numpy as np
import tests.conformance.attention  # Whose classes are not the package's.
from keras_textgen import load_model
for path in pathlib.Path(sys.argv[1]).glob("*.keras"):
    model = load_model(path)
    tokens = np.load(path.with_name("tokens.npy"))
    np.save(path.with_suffix(".npy"), model(tokens)["nll"])
"""


def test_files_in_a_fresh_process(tmp_path):
    np.save(tmp_path / "tokens.npy", TOKENS)
    for case in INSTALLED:
        made(case.name).save(tmp_path / f"{case.name}.keras")
    subprocess.run(
        [sys.executable, "-c", _READER, tmp_path],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    for case in INSTALLED:
        found = np.load(tmp_path / f"{case.name}.npy")
        np.testing.assert_array_equal(found, nll(made(case.name)))
