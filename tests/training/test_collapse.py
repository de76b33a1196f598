"""When the decoder is reset and when aggressive training ends."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.optimizers import FusedAdam
from keras_textgen.training.checkpoints import Progress
from keras_textgen.training.collapse import (
    AggressiveTraining,
    DecoderReset,
    reset_optimizer,
)


class ModelStub:
    """Counts what the callbacks do to it."""

    def __init__(self):
        self.resets = 0
        self.aggressive = tf.Variable(1)
        self.optimizer = keras.optimizers.SGD(0.5)

    def reset_decoder(self):
        self.resets += 1


@pytest.mark.parametrize(
    ("epoch", "step", "resets"),
    [
        (0, 0, [0, 0, 1, 1]),  # From the start.
        (1, 3, [0, 1, 1]),  # Within the last epoch of the pretraining.
        (2, 0, [1, 1]),  # Between the two.
        (2, 1, [0, 0]),  # After the reset.
        (3, 0, [0]),
        (3, 2, [0]),
    ],
)
def test_decoder_is_reset_once_wherever_the_run_goes_on(epoch, step, resets):
    model = ModelStub()
    reset = DecoderReset(2, step)
    reset.set_model(model)
    counts = []
    for each in range(epoch, 4):
        reset.on_epoch_begin(each)
        counts.append(model.resets)
    assert counts == resets


@pytest.mark.parametrize(
    "make", [FusedAdam, keras.optimizers.Adam, keras.optimizers.SGD]
)
def test_optimizer_goes_on_as_a_new_one(make):
    generator = np.random.default_rng(0)
    gradients = tf.constant(generator.normal(size=[8, 3]), tf.float32)
    used, new = keras.Variable(np.zeros(3)), keras.Variable(np.zeros(3))
    optimizer = make(0.1)
    for gradient in gradients[:4]:
        optimizer.apply([gradient], [used])
    used.assign(np.zeros(3))
    optimizer.learning_rate = 0.025
    reset_optimizer(optimizer)
    fresh = make(0.025)
    for gradient in gradients[4:]:
        optimizer.apply([gradient], [used])
        fresh.apply([gradient], [new])
    np.testing.assert_array_equal(used.numpy(), new.numpy())


@pytest.mark.parametrize(
    ("curve", "aggressive"),
    [
        ([0.0, 0.5, 0.6, 0.7], [1, 1, 1, 1]),
        ([0.5, 0.7, 0.6, 0.9, 1.0], [1, 1, 0, 0, 0]),
        ([0.5, 0.5, 0.6], [1, 0, 0]),
        # The epoch before counts, whatever the best was.
        ([-0.1, -0.2, 0.3], [1, 0, 0]),
    ],
)
@pytest.mark.parametrize("goes_on", [False, True])
def test_aggressive_until_the_mutual_information_falls(
    curve, aggressive, goes_on, capsys
):
    model, progress = ModelStub(), Progress()
    callback = AggressiveTraining(progress)
    callback.set_model(model)
    found = []
    for epoch, information in enumerate(curve):
        if goes_on:  # With what checkpoints hold, and nothing else.
            state = types.SimpleNamespace(
                mutual_information=tf.Variable(progress.mutual_information)
            )
            callback = AggressiveTraining(state)
            callback.set_model(model)
            progress = state
        callback.on_epoch_end(epoch, {"val_mutual_information": information})
        found.append(int(model.aggressive))
    assert found == aggressive
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (0 in aggressive)
