"""Turns of encoder and decoder, driven with scripted losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.models.aggressive_encoder import AggressiveEncoder
from keras_textgen.training.strategies import get_strategy
from tests.conformance.registry import TEXTS, model_case


class Model(keras.Model):
    """A weight on either side, and the state."""

    def __init__(self):
        super().__init__()
        self.encoder = self.add_weight(shape=(2,), name="encoder")
        self.decoder = self.add_weight(shape=(3,), name="decoder")
        self.state = AggressiveEncoder()
        self.state.attach(self)
        self.built = True

    def call(self, inputs):
        return inputs


def turns(losses, num_tokens=None):
    """By the paper's nested loops: "E" and "D", one letter a step."""
    losses = iter(zip(losses, num_tokens or [1.0] * len(losses), strict=True))
    result = ""
    try:
        while True:
            previous, block = np.inf, []
            for step in range(1, 101):
                block.append(next(losses))
                result += "E"
                if step % 10 == 0:
                    nats, tokens = np.sum(block, axis=0)
                    if nats / tokens >= previous:
                        break
                    previous, block = nats / tokens, []
            next(losses)
            result += "D"
    except StopIteration:
        return result


def drive(state, losses, num_tokens=None):
    """The turns that the state gives for scripted losses of steps."""

    @tf.function
    def step(nats, tokens):
        encoder_turn = state.encoder_turn()
        state.record(nats, tokens)
        return encoder_turn

    tokens = num_tokens or [1.0] * len(losses)
    return "".join(
        "E" if step(tf.constant(nats), tf.constant(count)) else "D"
        for nats, count in zip(losses, tokens, strict=True)
    )


def random_losses(count, seed=1, trend=0.0):
    """Multiples of 1/64, so that sums are the same in any order."""
    values = np.random.default_rng(seed).integers(64, 320, count) / 64
    return [float(value) for value in values + trend * np.arange(count)]


# -- Scripted losses -----------------------------------------------------------


def test_losses_that_fall_give_the_encoder_a_hundred_steps():
    losses = [1000.0 - step for step in range(250)]
    expected = "E" * 100 + "D" + "E" * 100 + "D" + "E" * 48
    assert drive(Model().state, losses) == expected


def test_losses_that_stay_end_the_second_block():
    expected = ("E" * 20 + "D") * 2 + "E" * 8
    assert drive(Model().state, [3.0] * 50) == expected


def test_a_worse_block_ends_the_turn():
    losses = [5.0] * 10 + [4.0] * 10 + [4.5] * 10 + [99.0]
    # What the decoder's step costs, and the turn before, are forgotten.
    losses += [9.0] * 10 + [8.0] * 10 + [8.0] * 10 + [0.0]
    expected = ("E" * 30 + "D") * 2
    assert drive(Model().state, losses) == expected


def test_one_bad_step_within_a_good_block_does_not():
    losses = [5.0] * 10 + [1.0] * 9 + [30.0] + [3.0] * 10
    assert drive(Model().state, losses) == "E" * 30


def test_loss_is_that_of_a_token():
    # Twice the nats, but three times the tokens: the second block is better.
    losses = [10.0] * 10 + [20.0] * 10 + [1.0]
    tokens = [1.0] * 10 + [3.0] * 10 + [1.0]
    assert drive(Model().state, losses, tokens) == "E" * 21
    assert drive(Model().state, losses) == "E" * 20 + "D"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("trend", [0.0, -2.0])
def test_random_losses(seed, trend):
    losses = random_losses(400, seed, trend)
    tokens = [float(1 + step % 3) for step in range(400)]
    found = drive(Model().state, losses, tokens)
    assert found == turns(losses, tokens)
    assert found.count("D") > 3 - (trend < 0)


# -- Gradients -----------------------------------------------------------------


def masked(model, gradients):
    variables = model.trainable_variables
    found = model.state.masked(gradients, variables, [model.encoder])
    return [each.numpy().tolist() for each in found]


def test_gradients_of_the_side_without_a_turn_are_zero():
    model = Model()
    gradients = [tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0, 5.0])]
    encoder_alone = [[1.0, 2.0], [0.0, 0.0, 0.0]]
    decoder_alone = [[0.0, 0.0], [3.0, 4.0, 5.0]]
    assert masked(model, gradients) == encoder_alone
    drive(model.state, [3.0] * 20)
    assert masked(model, gradients) == decoder_alone
    drive(model.state, [3.0])
    assert masked(model, gradients) == encoder_alone
    model.state.aggressive.assign(0)
    assert masked(model, gradients) == [[1.0, 2.0], [3.0, 4.0, 5.0]]


def test_gradients_that_are_dropped_need_not_be_finite():
    gradients = [tf.constant([1.0, 2.0]), tf.constant([np.nan, np.inf, 1.0])]
    assert masked(Model(), gradients) == [[1.0, 2.0], [0.0, 0.0, 0.0]]


def test_switched_off_within_the_decoders_turn():
    model = Model()
    drive(model.state, [3.0] * 20)
    model.state.aggressive.assign(0)
    gradients = [tf.ones([2]), tf.ones([3])]
    assert masked(model, gradients) == [[1.0] * 2, [1.0] * 3]
    assert not model.state.encoder_turn()
    drive(model.state, random_losses(40))
    # Nothing of what was recorded meanwhile is left.
    model.state.aggressive.assign(1)
    assert drive(model.state, [3.0] * 21) == "E" * 20 + "D"


# -- Saved state, replicas -----------------------------------------------------


@pytest.mark.parametrize("steps", [7, 23, 100, 157])
@pytest.mark.parametrize("kind", ["checkpoint", "weights"])
def test_a_restored_state_goes_on(kind, steps, tmp_path):
    losses = random_losses(220)
    model, restored = Model(), Model()
    drive(model.state, losses[:steps])
    if kind == "checkpoint":
        path = tf.train.Checkpoint(model=model).write(str(tmp_path / "state"))
        checkpoint = tf.train.Checkpoint(model=restored)
        checkpoint.read(path).assert_consumed()
    else:
        model.save_weights(tmp_path / "state.weights.h5")
        restored.load_weights(tmp_path / "state.weights.h5")
    expected = turns(losses)[steps:]
    assert drive(restored.state, losses[steps:]) == expected


def test_two_replicas_are_one():
    strategy = get_strategy("mirrored")
    with strategy.scope():
        model = Model()

    @tf.function
    def step(nats, tokens):
        def of_replica(nats, tokens):
            encoder_turn = model.state.encoder_turn()
            gradients = [tf.ones([2]), tf.ones([3])]
            kept = model.state.masked(
                gradients, model.trainable_variables, [model.encoder]
            )
            model.state.record(nats, tokens)
            return encoder_turn, kept[0][0], kept[1][0]

        return strategy.run(of_replica, [nats, tokens])

    def split(total, share):
        """Uneven shares of the replicas."""
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                [share, total - share][context.replica_id_in_sync_group]
            )
        )

    losses = random_losses(140)
    tokens = [float(1 + step % 3) for step in range(140)]
    found = ["", ""]
    for nats, count in zip(losses, tokens, strict=True):
        of_replicas = [
            strategy.experimental_local_results(each)
            for each in step(split(nats, 0.25), split(count, 1.0))
        ]
        for replica, values in enumerate(zip(*of_replicas, strict=True)):
            encoder_turn, of_encoder, of_decoder = map(float, values)
            assert (of_encoder, of_decoder) == (encoder_turn, 1 - encoder_turn)
            found[replica] += "E" if encoder_turn else "D"
    assert found == [turns(losses, tokens)] * 2


def test_weights_of_rows_are_refused():
    """The sides take turns by the loss of all rows."""
    model = model_case("lstm_vae_aggressive").make()
    model.compile(keras.optimizers.SGD(0.1))
    message = r"^sample_weight with aggressive_encoder=True; allowed: None"
    with pytest.raises(ValueError, match=message):
        model.fit(TEXTS, sample_weight=[1.0] * len(TEXTS), verbose=0)
    assert int(model.train_steps) == 0
