"""Replicas compute what one computes, for every model.

There are two; with `KERAS_TEXTGEN_TEST_REPLICAS=4` there are four.
"""

import keras
import numpy as np
import pytest

from keras_textgen import (
    LSTMVAE,
    DualMatrixFactorization,
    SoftmaxAutoencoder,
    Vocabulary,
)
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.models import aggressive_encoder
from keras_textgen.optimizers import FusedAdam
from keras_textgen.training.checkpoints import Progress
from keras_textgen.training.collapse import AggressiveTraining
from keras_textgen.training.strategies import get_strategy
from tests.conformance import keras_cases
from tests.conformance.registry import (
    each_model_of_replicas,
    model_case,
    tokens_of,
)

LENGTHS = [4, 1, 0, 6, 2, 2, 5, 3, 1, 4, 2]


def batches(num_sequences):
    rows = [row[row != 0].tolist() for row in tokens_of(*LENGTHS).numpy()]
    sequences = SequenceBatches(rows[:num_sequences], 4, order="stream")
    return sequences.evaluation_dataset()


def data():
    """Three steps that end with 3 rows, and three that end with 1.

    Of a single row, the second replica gets nothing.
    """
    return batches(11).concatenate(batches(9))


def clipping_sgd():
    # So low that every gradient is clipped, and steps that are long anyhow.
    return keras.optimizers.SGD(3.0, global_clipnorm=0.1)


def train(case, strategy, make_optimizer=clipping_sgd, **options):
    """Weights after each step, and the logs of fit and of evaluate."""
    with get_strategy(strategy).scope():
        model = case.make(word_keep_rate=0.5)
        model.compile(make_optimizer(), **options)
    weights = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: weights.append(
            [each.numpy() for each in model.trainable_weights]
        )
    )
    history = model.fit(data(), callbacks=[record], verbose=0).history
    evaluation = model.evaluate(data(), verbose=0, return_dict=True)
    return weights, history, evaluation


def assert_logs_close(found, expected):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(
            value, expected[name], rtol=2e-6, err_msg=name
        )


def changes_by_step(case, weights):
    before = [each.numpy() for each in case.make().trainable_weights]
    for after in weights:
        yield [new - old for new, old in zip(after, before, strict=True)]
        before = after


def assert_trained_alike(two, one):
    for found, expected in zip(two[0], one[0], strict=True):
        for weight, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(weight, other, rtol=2e-6, atol=2e-6)
    for logs, expected in zip(two[1:], one[1:], strict=True):
        assert_logs_close(logs, expected)


@pytest.mark.slow
@each_model_of_replicas
def test_replicas_equal_one(case):
    # Without a graph, as tracing takes most of the time; replicas need one.
    one = train(case, "none", run_eagerly=True)
    assert_trained_alike(train(case, "mirrored"), one)
    for step in changes_by_step(case, one[0]):
        # With SGD, what a step changes is the gradient.
        norm = np.sqrt(sum(np.sum(np.square(each)) for each in step))
        np.testing.assert_allclose(norm, 0.3, rtol=1e-5)


def many_rows(case):
    """A model, and 1,003 rows that it takes, with targets."""
    if "cells" not in case.traits:
        return case.make(), *case.rows([row % 5 for row in range(1003)])
    # Each cell is given once.
    rows, columns = np.divmod(np.arange(1003), 30)
    model = DualMatrixFactorization(
        range(34), range(30), row_dim=3, col_dim=3, seed=3
    )
    values = (rows + 2 * columns) % 5 + 1.0
    return model, {"row": rows, "column": columns, "value": values}, None


@pytest.mark.slow
@keras_cases.parametrized(keras_cases.CASES, in_graphs=True)
def test_replicas_evaluate_every_row_once(case):
    found = []
    for strategy in ("none", "mirrored"):
        with get_strategy(strategy).scope():
            model, x, y = many_rows(case)
            model.compile("sgd")
        # The last batch has 43 rows.
        found.append(
            model.evaluate(x, y, batch_size=64, verbose=0, return_dict=True)
        )
    one, several = found
    assert one.keys() == several.keys()
    for figures in found:
        # Rounding is of the nats; their exponential multiplies it by them.
        if "perplexity" in figures:
            figures["perplexity"] = np.log(figures["perplexity"])
    for name, value in one.items():
        np.testing.assert_allclose(
            several[name], value, rtol=1e-6, err_msg=name
        )


@pytest.mark.slow
def test_replicas_take_the_same_turns(monkeypatch):
    """The loss of all of them decides when the encoder's turn is over."""
    monkeypatch.setattr(aggressive_encoder, "BLOCK_STEPS", 1)
    monkeypatch.setattr(aggressive_encoder, "MAX_ENCODER_STEPS", 3)
    case = model_case("lstm_vae_aggressive")
    one = train(case, "none", run_eagerly=True)
    assert_trained_alike(train(case, "mirrored"), one)
    model = case.make()
    of_encoder = {id(each) for each in model.encoder_variables()}
    turns = ""
    for step in changes_by_step(case, one[0]):
        moved = {
            id(variable) in of_encoder
            for variable, change in zip(
                model.trainable_variables, step, strict=True
            )
            if np.any(change)
        }
        (is_of_encoder,) = moved
        turns += "E" if is_of_encoder else "D"
    assert "ED" in turns
    assert "DE" in turns


@pytest.mark.slow
def test_rates_by_part_on_two_replicas():
    case = model_case("lstm_lm")
    rates = {"learning_rate_of": {"embedding": 0.1, "output_layer": 2.0}}
    one = train(case, "none", run_eagerly=True, **rates)
    assert_trained_alike(train(case, "mirrored", **rates), one)
    plain = train(case, "none", run_eagerly=True)
    assert np.any(plain[0][0][0] != one[0][0][0])


def scaled_adam():
    adam = FusedAdam(0.01, global_clipnorm=0.1)
    return keras.optimizers.LossScaleOptimizer(adam, initial_scale=256.0)


def test_loss_scaling_and_the_optimizer_of_the_recipes():
    """For one model. The norm that clips must be the one without the scale.

    Adam divides by the size of the gradient, which enlarges rounding errors.
    """
    case = model_case("vae_bound")
    one = train(case, "none", scaled_adam, run_eagerly=True)
    two = train(case, "mirrored", scaled_adam)
    for found, expected in zip(two[0][-1], one[0][-1], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_replicas_hold_is_read():
    """Numbers by which a run decides, of variables that replicas share."""
    vocabulary = Vocabulary(["a", "b", "c", "d"])
    texts = ["a b", "c d", "a d", "b c"] * 4
    with get_strategy("mirrored").scope():
        topics = SoftmaxAutoencoder(vocabulary, num_topics=2, latent_dim=2)
        topics.compile("adam")
        lagging = LSTMVAE(
            vocabulary, aggressive_encoder=True, embedding_dim=2, rnn_units=2
        )
    with pytest.raises(ValueError, match="no topics yet; allowed"):
        topics.topics(texts)
    topics.fit_topics(texts)
    assert set(topics.topics(texts).tolist()) == {0, 1}
    training = AggressiveTraining(Progress())
    training.set_model(lagging)
    for information in (1.0, 2.0, 2.0):
        assert lagging.aggressive.numpy() == 1
        training.on_epoch_end(0, {"val_mutual_information": information})
    assert lagging.aggressive.numpy() == 0
