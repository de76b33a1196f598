"""What a server lets through: limits, and a few requests at a time."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import fastapi

from keras_textgen.checks import counted, refused
from keras_textgen.data.formats.collect import NoWordsError

_BUSY, _TOO_LONG = 503, 504


class Limits(NamedTuple):
    """What is refused.

    Attributes:
        records: most texts, rows or samples of a request.
        characters: most of a text.
        bytes: most of a request.
        waiting: most requests at a time; further ones are told to come later.
        at_once: requests that the model works on at a time.
        seconds: until a request is given up.
    """

    records: int = 1000
    characters: int = 20_000
    bytes: int = 10_000_000
    waiting: int = 64
    at_once: int = 2
    seconds: float = 60.0


class Worker:
    """Lets the model work on a few requests at a time, and refuses many."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self._inside = 0

    async def run(self, answer: Callable[[Any], Any], given: Any) -> Any:
        """What a function answers, computed in a thread.

        Raises:
            HTTPException: 503 if too many wait, 504 if it takes too long.
        """
        if self._inside >= self.limits.waiting:
            raise fastapi.HTTPException(
                _BUSY,
                f"{self._inside} requests wait; allowed: {self.limits.waiting}",
                {"Retry-After": "1"},
            )
        # What is given up goes on, as no thread can be stopped, and keeps its
        # place until it ends.
        work = asyncio.ensure_future(self._run(answer, given))
        try:
            return await asyncio.wait_for(
                asyncio.shield(work), self.limits.seconds
            )
        except TimeoutError:
            work.add_done_callback(_forgotten)
            raise fastapi.HTTPException(
                _TOO_LONG,
                f"not done after {self.limits.seconds:g} s; allowed: fewer "
                "or shorter records",
            ) from None

    async def _run(self, answer: Callable[[Any], Any], given: Any) -> Any:
        self._inside += 1
        try:
            async with self._free:
                return await asyncio.to_thread(answer, given)
        finally:
            self._inside -= 1


def _forgotten(work: asyncio.Future) -> None:
    """Nobody waits for the answer any more, nor for the error."""
    if not work.cancelled():
        work.exception()


def known_records(
    records: Sequence[tuple[str, ...]], checked: Callable[[str, Any], str]
) -> Iterator[tuple[str, ...] | None]:
    """Records as the shell reads them; None for one without words."""
    for number, record in enumerate(records):
        try:
            yield tuple(checked(f"record {number}", each) for each in record)
        except NoWordsError:
            yield None


def check_records(
    field: str, records: Sequence[tuple[str, ...]], width: int, limits: Limits
) -> None:
    """Refuses too many records, and too long ones.

    Args:
        field: what they are called in a request.
        records: their texts.
        width: how many texts a record has.
        limits: on requests.

    Raises:
        ValueError: what is wrong, and what is allowed.
    """
    if not 1 <= len(records) <= limits.records:
        raise refused(f"{len(records)} {field}", f"1 to {limits.records:,}")
    for number, each in enumerate(records):
        if len(each) != width:
            raise refused(
                f"{field}[{number}] of {counted(len(each), 'text')}", f"{width}"
            )
        longest = max(map(len, each))
        if longest > limits.characters:
            raise refused(
                f"{field}[{number}] of {counted(longest, 'character')}",
                f"at most {limits.characters:,}",
            )
