"""Sides of a comparison: a process each, which take turns.

A side prints a line when it is ready, and then one of JSON for each line that
comes: what a round has taken. A shared machine's speed wanders, hence rounds
of all sides one after the other, and the least time of each step.
"""

import contextlib
import itertools
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TextIO


class Side(NamedTuple):
    """A process that measures.

    Attributes:
        process: It answers each line with one.
        errors: What it writes beside, to be shown if it fails.
    """

    process: subprocess.Popen
    errors: TextIO

    def line(self) -> str:
        """The next line that the process prints.

        Raises:
            RuntimeError: If it has ended.
        """
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(f"a side has ended:\n{self.errors.read()}")
        return line

    def ask(self) -> Any:
        """Let the process make a round."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.line())


@contextlib.contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Side]:
    """A side; it ends with the context.

    Args:
        command: What to run.
        environment: Variables beside those of this process.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            env={"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Side(process, errors)


def take_turns(sides: Sequence[Side], rounds: int) -> list[list[Any]]:
    """The answers of each side, which has said that it is ready.

    Every other round goes through them from the last to the first.
    """
    answers: list[list[Any]] = [[] for _ in sides]
    for number in range(rounds):
        order = range(len(sides))
        for index in reversed(order) if number % 2 else order:
            answers[index].append(sides[index].ask())
    return answers


def least_milliseconds(rounds: Sequence[Sequence[float]]) -> float:
    """Mean over the steps of a round of the least time of each."""
    least = [min(seconds) for seconds in zip(*rounds, strict=True)]
    return 1000 * sum(least) / len(least)


def peak_gigabytes() -> float:
    """The most memory this process has had so far."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1e6


def step_seconds(method: Callable, data: dict[str, Any]) -> list[float]:
    """Seconds from the end of a step to that of the next one."""
    # Not above: a process that starts others is to stay small.
    import keras

    ends: list[float] = []

    def note(batch: int, logs: dict[str, float]) -> None:
        del batch, logs
        ends.append(time.perf_counter())

    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=note, on_test_batch_end=note
    )
    method(**data, callbacks=[callback], verbose=0)
    return [end - begin for begin, end in itertools.pairwise(ends)]
