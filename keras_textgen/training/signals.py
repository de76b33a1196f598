"""Signals that end a run, noted in place of raised; free of TensorFlow."""

import signal
from typing import Any, Self


class NotedSignals:
    """A context manager: within it, SIGINT and SIGTERM do not raise.

    What happens when one comes is that of `noted`.

    Attributes:
      received: number of the last one that came, or None.

    Example:
    >>> with NotedSignals() as signals:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     signals.received == signal.SIGTERM
    True
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def noted(self, number: int) -> None:
        """Called when a signal has come, before it is `received`."""
        del number

    def _note(self, number: int, _: Any) -> None:
        self.noted(number)
        self.received = number
