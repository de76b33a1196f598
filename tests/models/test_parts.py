"""Learning rates by part of a model, against steps made by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.cli import parsers, settings
from keras_textgen.cli.errors import RunError
from keras_textgen.optimizers import FusedAdam
from tests.conformance.keras_cases import CASES

TEXTS = ["cat dog", "dog", "cat cat rat"]
RATES = {"embedding": 0.1, "output_layer": 3.0}
SGD = keras.optimizers.SGD


def language_model(**given):
    (case,) = (case for case in CASES if case.name == "lstm_lm")
    model = case.make()
    return type(model).from_config(model.get_config() | given)


def compiled(optimizer, rates=RATES, **given):
    model = language_model(**given)
    model.compile(optimizer, run_eagerly=True, learning_rate_of=rates)
    return model


def values(model):
    return [weight.numpy() for weight in model.trainable_weights]


def factors(model, rates=RATES):
    """By weight, as the attributes of the model say."""
    return [
        next(
            (
                factor
                for name, factor in rates.items()
                for other in getattr(model, name).weights
                if other is weight
            ),
            1.0,
        )
        for weight in model.trainable_weights
    ]


def gradients(model):
    """Of the step that the model would take next; it draws no noise."""
    batch = next(
        iter(model.row_batches(TEXTS, None, None, 3).training_stream())
    )
    with tf.GradientTape() as tape:
        loss = model.compute_loss(
            batch, y_pred=model(batch, training=True), training=True
        )
    found = tape.gradient(loss, model.trainable_weights)
    return [tf.convert_to_tensor(each).numpy() for each in found]


def clipped(parts, norm):
    total = np.sqrt(sum(np.sum(np.square(each)) for each in parts))
    return [each * min(1.0, norm / total) for each in parts]


def assert_close(found, expected, **limits):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, **(limits or {"atol": 1e-6}))


def step(model):
    model.train_on_batch(TEXTS)
    return values(model)


def test_a_step_of_descent():
    """The norm that clips knows nothing of the factors."""
    model = compiled(SGD(0.5, global_clipnorm=0.2))
    before, found = values(model), clipped(gradients(model), 0.2)
    assert len({*factors(model)}) == 3
    expected = [
        value - 0.5 * factor * gradient
        for value, factor, gradient in zip(
            before, factors(model), found, strict=True
        )
    ]
    assert_close(step(model), expected)


@pytest.mark.parametrize("kind", [FusedAdam, keras.optimizers.Adam])
def test_steps_of_adam(kind):
    """A factor on the gradient would do nothing."""
    model = compiled(kind(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3))
    means = squares = [0.0] * len(model.trainable_weights)
    for time in (1, 2, 3):
        before, found = values(model), gradients(model)
        means = [0.8 * m + 0.2 * g for m, g in zip(means, found, strict=True)]
        squares = [
            0.9 * s + 0.1 * g**2 for s, g in zip(squares, found, strict=True)
        ]
        rate = 0.01 * np.sqrt(1 - 0.9**time) / (1 - 0.8**time)
        expected = [
            value - rate * factor * mean / (np.sqrt(square) + 1e-3)
            for value, factor, mean, square in zip(
                before, factors(model), means, squares, strict=True
            )
        ]
        assert_close(step(model), expected, atol=2e-6)


def test_decay_of_weights_is_scaled_as_well():
    model = compiled(SGD(0.5, weight_decay=0.2))
    before, found = values(model), gradients(model)
    expected = [
        value - 0.5 * factor * (gradient + 0.2 * value)
        for value, factor, gradient in zip(
            before, factors(model), found, strict=True
        )
    ]
    assert_close(step(model), expected)
    assert model.optimizer.weight_decay == 0.2


def test_accumulated_gradients():
    model = compiled(SGD(0.5, gradient_accumulation_steps=2))
    before, found = values(model), gradients(model)
    assert_close(step(model), before, atol=0)
    expected = [
        value - 0.5 * factor * gradient
        for value, factor, gradient in zip(
            before, factors(model), found, strict=True
        )
    ]
    assert_close(step(model), expected)


def test_averages_are_of_the_weights_that_were_reached():
    model = compiled(SGD(0.5, use_ema=True, ema_momentum=0.75))
    first, second = step(model), step(model)
    model.optimizer.finalize_variable_values(model.trainable_weights)
    expected = [
        0.75 * one + 0.25 * two for one, two in zip(first, second, strict=True)
    ]
    assert_close(values(model), expected)


def test_schedules_and_scaled_losses():
    plain, rates = compiled(SGD(0.5)), keras.optimizers.schedules
    scheduled = SGD(rates.PiecewiseConstantDecay([0, 9], [0.5, 0.25, 0.1]))
    halved = compiled(keras.optimizers.LossScaleOptimizer(scheduled))
    assert_close(step(halved), step(plain))
    plain.optimizer.learning_rate = 0.25
    assert_close(step(halved), step(plain))


def test_a_graph_takes_the_same_steps():
    eager, model = compiled(FusedAdam(0.1)), language_model()
    model.compile(FusedAdam(0.1), learning_rate_of=RATES)
    for _ in range(2):
        assert_close(step(model), step(eager), atol=1e-5)


def test_factors_of_one_and_none_change_nothing():
    optimizer = SGD(0.5)
    model = compiled(optimizer)
    model.compile(optimizer, run_eagerly=True)
    assert not {"update_step", "_apply_weight_decay"} & vars(optimizer).keys()
    assert "learning_rate_of" not in model.get_compile_config()
    expected = step(model)
    assert_close(step(compiled(SGD(0.5), None)), expected, atol=0)
    assert_close(step(compiled(SGD(0.5), {"decoder": 1})), expected, atol=0)


def test_a_loaded_model_goes_on_as_it_would_have(tmp_path):
    model = compiled(keras.optimizers.Adam(0.05))
    step(model)
    model.save(tmp_path / "model.keras")
    again = keras_textgen.load_model(tmp_path / "model.keras")
    assert again.learning_rate_of == RATES
    state = [each.numpy() for each in model.optimizer.variables]
    assert_close([x.numpy() for x in again.optimizer.variables], state, atol=0)
    assert_close(step(again), step(model))
    # What the optimizer keeps is what it keeps without factors.
    plain = compiled(keras.optimizers.Adam(0.05), None)
    step(plain)
    assert [x.shape for x in plain.optimizer.variables] == [
        x.shape for x in model.optimizer.variables
    ]
    assert plain.optimizer.get_config() == model.optimizer.get_config() | {
        "name": plain.optimizer.name
    }


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"head": 1}, "learning_rate_of=head: no such layer; allowed: embeddi"),
        ({"decoder": 0}, r"'decoder'\]=0; allowed: numbers above 0"),
        ({"decoder": "1"}, "allowed: numbers above 0"),
        ({"decoder": float("nan")}, "allowed: numbers above 0"),
    ],
)
def test_refused(rates, message):
    with pytest.raises(ValueError, match=message):
        compiled("sgd", rates)


def test_what_is_frozen_and_what_is_shared_is_refused():
    model = language_model()
    model.embedding.trainable = False
    with pytest.raises(ValueError, match="=embedding, which is frozen; allow"):
        model.compile("sgd", learning_rate_of=RATES)
    width = model.get_config()["rnn_units"]
    tied = language_model(tied_embeddings=True, embedding_dim=width)
    with pytest.raises(
        ValueError, match=r"3.0 for weights that have 0.1 by an"
    ):
        tied.compile("sgd", learning_rate_of=RATES)
    tied.compile("sgd", learning_rate_of={"embedding": 0.1})
    several = keras.optimizers.OptimizerMap(SGD(0.1))
    with pytest.raises(ValueError, match="and a MultiOptimizer; allowed: one"):
        language_model().compile(
            keras.optimizers.MultiOptimizer(several), learning_rate_of=RATES
        )


# -- The command line ----------------------------------------------------------


def test_it_is_spelled_as_factors():
    asked = "--learning_rate_of=embedding=0.1,decoder=1e-2"
    parsed = settings.parse(["trainer.py", "--model=lstm_lm", asked], "flags")
    assert parsers.factors(parsed.learning_rate_of) == {
        "embedding": 0.1,
        "decoder": 0.01,
    }
    assert asked in settings.flagfile_text(parsed)
    for wrong in (
        "decoder",
        "=1",
        "a=0",
        "a=-1",
        "a=nan",
        "a=1,a=2",
        "a=x",
        "",
    ):
        with pytest.raises(RunError, match=r"; allowed: a name and a factor"):
            settings.parse(
                ["trainer.py", f"--learning_rate_of={wrong}"], "flags"
            )
