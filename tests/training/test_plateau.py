"""Halving and early stopping, on curves that are written down by hand."""

import types

import pytest

from keras_textgen.training.checkpoints import Progress
from keras_textgen.training.plateau import LearningRate, Plateau


def new_model():
    return types.SimpleNamespace(
        optimizer=types.SimpleNamespace(learning_rate=None),
        stop_training=False,
    )


class Run:
    """Epochs with scripted figures, as training would have them.

    The state outlives `goes_on`, as it does in a checkpoint; nothing else
    does.
    """

    def __init__(self, first_halved=0, **settings):
        self.settings = {
            "halve": True,
            "patience": 3,
            "full_kl_weight": 1.0,
            **settings,
        }
        self.first_halved = first_halved
        self.state = Progress()
        self.rates = []
        self.goes_on()

    def goes_on(self):
        progress = Progress()
        for name, variable in progress.variables().items():
            variable.assign(self.state.variables()[name])
        self.state = progress
        self.model = new_model()
        self.callbacks = [
            LearningRate(1.0, self.first_halved, progress),
            Plateau(progress, **self.settings),
        ]
        for callback in self.callbacks:
            callback.set_model(self.model)

    def train(self, losses, weights=None):
        weights = weights or [1.0] * len(losses)
        for loss, weight in zip(losses, weights, strict=True):
            logs = {"val_loss": loss, "kl_weight": weight}
            epoch = int(self.state.epoch)
            for callback in self.callbacks:
                callback.on_epoch_begin(epoch)
            for callback in self.callbacks:
                callback.on_epoch_end(epoch, logs)
            # What saving the epoch does.
            if loss < float(self.state.best_loss):
                self.state.best_loss.assign(loss)
            self.state.advance_to(epoch + 1, 0)
            self.rates.append(logs["learning_rate"])
            if self.model.stop_training:
                break
        return self


def test_rate_halves_after_each_bad_epoch():
    run = Run().train([9.0, 8.0, 8.5, 7.0, 7.0, 7.1, 6.0, 5.0])
    #                    ok   ok   bad  ok   bad  bad  ok   ok
    assert run.rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.125, 0.125]
    assert not run.state.stopped
    assert int(run.state.bad_epochs) == 0


def test_three_bad_epochs_in_a_row_end_the_run():
    run = Run().train([9.0, 9.5, 9.5, 8.0, 8.5, 8.1, 8.0, 1.0])
    assert len(run.rates) == 7
    assert run.model.stop_training
    assert run.state.stopped


def test_what_was_best_is_the_best_of_all_epochs_not_the_last():
    run = Run().train([5.0, 7.0, 6.0, 5.5])
    assert run.rates == [1.0, 1.0, 0.5, 0.25]
    assert run.state.stopped


def test_neither_acts_before_the_weight_is_full():
    # Linear over four epochs: the mean of the fourth is still below 1.
    losses = [5.0, 6.0, 7.0, 8.0, 8.0, 4.0, 5.0, 5.0, 5.0, 5.0]
    weights = [0.125, 0.375, 0.625, 0.875] + [1.0] * 6
    run = Run().train(losses, weights)
    # The fifth is bad: the first, with little weight, had been better.
    assert run.rates == [1.0] * 5 + [0.5, 0.5, 0.25, 0.125]
    assert run.state.stopped


def test_full_weight_is_that_of_the_schedule():
    run = Run(full_kl_weight=0.2).train([5.0] * 3, [0.1, 0.2, 0.2])
    assert run.rates == [1.0, 1.0, 0.5]
    # As near to its limit as a sigmoid comes in float32 within an epoch.
    run = Run().train([5.0] * 3, [0.5, 0.9991, 0.9999])
    assert run.rates == [1.0, 1.0, 0.5]


def test_bad_epochs_in_a_row_are_counted_within_cycles_too():
    """An epoch below full weight neither adds to the row nor breaks it."""
    run = Run().train([5.0, 6.0, 6.0, 6.0, 6.0], [1.0, 1.0, 0.5, 1.0, 1.0])
    assert run.state.stopped
    assert run.rates == [1.0, 1.0, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(
    ("settings", "rate", "stopped"),
    [
        ({"halve": False}, 1.0, True),
        ({"patience": 0}, 0.125, False),
        ({"halve": False, "patience": 0}, 1.0, False),
        ({"patience": 1}, 1.0, True),
    ],
)
def test_each_works_without_the_other(settings, rate, stopped):
    run = Run(**settings).train([5.0] * 5)
    assert bool(run.state.stopped) == stopped
    assert run.rates[-1] == rate


def test_halving_by_epoch_comes_on_top():
    run = Run(first_halved=3, patience=0).train([5.0, 6.0, 4.0, 3.0])
    # By epoch 1, 1, 1/2, 1/4; and half of it after the bad second.
    assert run.rates == [1.0, 1.0, 0.25, 0.125]


@pytest.mark.parametrize("stop", range(1, 8))
def test_going_on_anywhere_gives_the_same(stop):
    losses = [9.0, 8.0, 8.5, 8.2, 7.0, 7.5, 7.5, 7.5, 1.0]
    weights = [0.5, 1.0, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    whole = Run().train(losses, weights)
    run = Run().train(losses[:stop], weights[:stop])
    run.goes_on()
    run.train(losses[stop:], weights[stop:])
    assert run.rates == whole.rates
    assert len(run.rates) == 8
    for name, variable in run.state.variables().items():
        assert variable.numpy() == whole.state.variables()[name].numpy()


def test_lines_that_are_printed(capsys):
    Run(patience=2).train([5.0, 5.0, 5.0])
    assert capsys.readouterr().out.splitlines() == [
        "  no improvement: the learning rate is halved",
        "  no improvement: the learning rate is halved",
        "  stopped early: no improvement in 2 epochs",
    ]


def test_a_classifier_is_judged_by_its_error():
    # The loss rises from the start, the error falls twice.
    run = Run(full_kl_weight=None, patience=2)
    for loss, accuracy in ((1.0, 0.5), (2.0, 0.6), (3.0, 0.75), (4.0, 0.75)):
        for callback in run.callbacks:
            callback.on_epoch_begin(0)
        for callback in run.callbacks:
            callback.on_epoch_end(
                0, {"val_loss": loss, "val_accuracy": accuracy}
            )
        best = min(float(run.state.best_loss), 1 - accuracy)
        run.state.best_loss.assign(best)
    assert int(run.state.halvings) == 1
    assert int(run.state.bad_epochs) == 1
