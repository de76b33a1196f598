"""Lines that say how far a long piece of work is, and how long it will take."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras

from keras_textgen.checks import counted
from keras_textgen.evaluation.watching import Item

# Between two lines; a step that takes long may add to it.
LINE_SECONDS = 20.0
# Work that takes less is not worth a line before it begins.
_WORTH_SAYING_SECONDS = 15.0
# An estimate from less than that says little.
_MEASURED_SECONDS = 1.0


class PrintedWatch:
    """A `Watch` that prints an estimate at the start, and a line at times.

    Args:
      seconds: between two lines.
      clock: gives the time in seconds.

    Example:
    >>> times = iter([0, 4, 6, 12, 60])
    >>> watch = PrintedWatch(seconds=6, clock=lambda: next(times))
    >>> for letter in watch(
    ...     "abcd", "Four letters", sizes=[1, 1, 1, 20], hint=" (--few)"
    ... ):
    ...     print(letter)
    a
    b
    Four letters: about 42 s (--few).
    c
    Four letters: 3 of 4 done, 80 s left.
    d
    """

    def __init__(
        self,
        seconds: float = LINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._clock = clock

    def __call__(
        self,
        items: Iterable[Item],
        what: str,
        *,
        sizes: Sequence[float],
        hint: str = "",
    ) -> Iterator[Item]:
        """Yields the items, and prints between them.

        Args:
          items: the parts of the work, N of them.
          what: what the work is, as a line begins.
          sizes: the time that each part takes, up to a common factor, [N].
          hint: what a user can do about it, after the estimate.

        Yields:
          The items.
        """
        printed = self._clock()
        begun, done, is_announced = None, 0.0, False
        for number, (item, size) in enumerate(
            zip(items, sizes, strict=True), 1
        ):
            yield item
            now = self._clock()
            if begun is None:
                # The first part includes what is done once, such as tracing.
                begun = now
                continue
            done += size
            seconds_a_unit = (now - begun) / done
            left = seconds_a_unit * sum(sizes[number:])
            if not is_announced and now - begun >= _MEASURED_SECONDS:
                is_announced = True
                if left >= _WORTH_SAYING_SECONDS:
                    print(f"{what}: about {duration(left)}{hint}.")
                    printed = now
            elif left and now - printed >= self._seconds:
                print(
                    f"{what}: {number:,} of {len(sizes):,} done, "
                    f"{duration(left)} left."
                )
                printed = now


def duration(seconds: float) -> str:
    """A length of time for people.

    Args:
      seconds: 0 or more.

    Returns:
      Two digits of seconds, minutes or hours.

    Example:
    >>> duration(7.2), duration(200), duration(1500), duration(9000)
    ('7 s', '3.3 min', '25 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    for unit, size in (("min", 60), ("h", 3600)):
        number = seconds / size
        if number < 100 or unit == "h":
            break
    return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"


class ProgressLines(keras.callbacks.Callback):
    """Says within an epoch how far it is, and after the first what is to come.

    A line within an epoch has the step, the loss so far in this epoch, the
    units of data a second and the time left of the epoch, and of all epochs.
    The first step, in which the model is traced, is left out of the speed.

    Args:
      epochs: of the whole run.
      steps_per_epoch: of a whole epoch.
      units: what an epoch consists of, such as (300_000, "words").
      first_step: steps that the first epoch has behind it.
      within_epochs: whether there are lines within epochs; a progress bar
        says the same.
      seconds: between two lines.
      clock: gives the time in seconds.
    """

    def __init__(
        self,
        epochs: int,
        steps_per_epoch: int,
        units: tuple[int, str],
        *,
        first_step: int = 0,
        within_epochs: bool = True,
        seconds: float = LINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._epochs, self._steps = epochs, steps_per_epoch
        self._units, self._unit = units
        self._step = first_step
        self._within_epochs = within_epochs
        self._seconds = seconds
        self._clock = clock
        self._is_estimated = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes when, and after which step, the epoch begins."""
        self._epoch = epoch
        self._begun = self._printed = self._clock()
        self._first_step = self._step
        self._timed_from = self._step, self._begun

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Prints a line, if it is time to."""
        self._step += 1
        now = self._clock()
        if self._is_time(now) and self._step < self._steps:
            step, begun = self._timed_from
            speed = (self._step - step) / (now - begun)
            rest = (self._steps - self._step) / speed
            epochs = (self._epochs - self._epoch - 1) * self._steps / speed
            in_all = f" of the epoch, {duration(rest + epochs)} of all"
            print(
                f"  step {self._step:,} of {self._steps:,}: "
                f"loss {logs['loss']:.4g}, "
                f"{self._units / self._steps * speed:,.0f} {self._unit}/s, "
                f"{duration(rest)} left{in_all if epochs else ''}"
            )
        if self._step == self._first_step + 1:
            self._timed_from = self._step, now

    def on_test_begin(self, logs: Any = None) -> None:
        """Notes when validation begins."""
        self._test_begun = self._clock()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Says that validation goes on, if it is time to."""
        now = self._clock()
        if self._is_time(now):
            elapsed = duration(now - self._test_begun)
            batches = counted(batch + 1, "batch", "batches")
            print(f"  validation: {batches} after {elapsed}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After the first whole epoch, estimates the others."""
        is_whole, self._step = self._first_step == 0, 0
        left = self._epochs - epoch - 1
        if self._is_estimated or not is_whole or not left:
            return
        self._is_estimated = True
        seconds = left * (self._clock() - self._begun)
        print(
            f"  about {duration(seconds)} more for "
            f"{counted(left, 'further epoch')} of training"
        )

    def _is_time(self, now: float) -> bool:
        is_time = self._within_epochs and now - self._printed >= self._seconds
        if is_time:
            self._printed = now
        return is_time
