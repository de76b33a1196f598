"""What is said of long work while it goes on, with a clock set by hand."""

import pytest

from keras_textgen.training.progress_lines import (
    PrintedWatch,
    ProgressLines,
    duration,
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def run_watch(clock, seconds_a_unit, sizes, first=30.0):
    watch = PrintedWatch(seconds=20, clock=clock)
    items = []
    for number, size in watch(
        enumerate(sizes), "bounds", sizes=sizes, hint=" (--none)"
    ):
        clock.seconds += first if number == 0 else seconds_a_unit * size
        items.append(number)
    return items


def test_watch_estimates_by_size_and_leaves_the_first_part_out(clock, capsys):
    # 2 s a unit after a first part that takes 30 s: 4 of 40 s are done when
    # the estimate is made, and lines come 20 s after the one before.
    sizes = [9, 2, 4, 6, 8, 10]
    assert run_watch(clock, 2.0, sizes) == [0, 1, 2, 3, 4, 5]
    assert capsys.readouterr().out.splitlines() == [
        "bounds: about 56 s (--none).",
        "bounds: 4 of 6 done, 36 s left.",
    ]


def test_watch_is_silent_about_short_work(clock, capsys):
    assert run_watch(clock, 0.5, [1] * 8, first=9.0) == [*range(8)]
    assert capsys.readouterr().out == ""


def test_watch_refuses_sizes_of_other_work(clock):
    watch = PrintedWatch(clock=clock)
    with pytest.raises(ValueError, match="zip"):
        list(watch("abc", "letters", sizes=[1, 1]))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (99, "99 s"),
        (100, "1.7 min"),
        (5970, "100 min"),
        (6000, "1.7 h"),
        (360_000, "100 h"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def lines_of(clock, **settings):
    settings = {"epochs": 3, "steps_per_epoch": 100, **settings}
    return ProgressLines(units=(5000, "words"), clock=clock, **settings)


def train(lines, clock, steps, seconds_a_step):
    for step in range(steps):
        clock.seconds += seconds_a_step
        lines.on_train_batch_end(step, {"loss": 2.5})


def test_lines_within_an_epoch(clock, capsys):
    lines = lines_of(clock, seconds=20)
    lines.on_epoch_begin(0)
    train(lines, clock, 50, 1.0)
    # After 20 steps of 1 s: 80 s are left of this epoch, 200 s of the others;
    # 50 words a step.
    assert capsys.readouterr().out.splitlines() == [
        "  step 20 of 100: loss 2.5, 50 words/s, 80 s left of the epoch, "
        "4.7 min of all",
        "  step 40 of 100: loss 2.5, 50 words/s, 60 s left of the epoch, "
        "4.3 min of all",
    ]


@pytest.mark.parametrize(
    ("seconds_a_step", "line"),
    [
        # 94 steps of 1 s are left, 50 words each.
        ([15, 1, 1, 1, 1, 1], "step 6 of 100: loss 2.5, 50 words/s, 94 s left"),
        # Alone, the first is all that is known.
        ([25], "step 1 of 100: loss 2.5, 2 words/s, 41 min left"),
    ],
)
def test_the_first_step_is_no_measure_of_the_others(
    clock, capsys, seconds_a_step, line
):
    lines = lines_of(clock, seconds=20, epochs=1)
    lines.on_epoch_begin(0)
    for seconds in seconds_a_step:
        train(lines, clock, 1, seconds)
    assert capsys.readouterr().out == f"  {line}\n"


def test_no_gap_is_longer_than_a_step_and_the_interval(clock, capsys):
    lines = lines_of(clock, seconds=20, epochs=1)
    lines.on_epoch_begin(0)
    train(lines, clock, 99, 7.0)
    printed = capsys.readouterr().out.splitlines()
    # Every third step, since two take 14 s.
    assert [line.split()[1] for line in printed] == [
        str(step) for step in range(3, 100, 3)
    ]
    assert not any("of all" in line for line in printed)


def test_the_first_epoch_estimates_the_others_once(clock, capsys):
    lines = lines_of(clock, within_epochs=False)
    for epoch in range(3):
        lines.on_epoch_begin(epoch)
        train(lines, clock, 100, 0.5)
        clock.seconds += 10  # validation
        lines.on_epoch_end(epoch)
    assert capsys.readouterr().out.splitlines() == [
        "  about 2.0 min more for 2 further epochs of training"
    ]


def test_the_rest_of_an_epoch_is_counted_but_estimates_nothing(clock, capsys):
    lines = lines_of(clock, first_step=80, seconds=15)
    lines.on_epoch_begin(1)
    train(lines, clock, 20, 1.0)
    lines.on_epoch_end(1)
    assert capsys.readouterr().out.splitlines() == [
        "  step 95 of 100: loss 2.5, 50 words/s, 5 s left of the epoch, "
        "1.8 min of all"
    ]


def test_validation_is_not_silent(clock, capsys):
    lines = lines_of(clock, seconds=20)
    lines.on_epoch_begin(0)
    lines.on_test_begin()
    for batch in range(50):
        clock.seconds += 0.5
        lines.on_test_batch_end(batch)
    assert capsys.readouterr().out.splitlines() == [
        "  validation: 40 batches after 20 s"
    ]
    lines.on_test_begin()
    clock.seconds += 20
    lines.on_test_batch_end(0)
    said = "  validation: 1 batch after 20 s\n"
    assert capsys.readouterr().out == said
