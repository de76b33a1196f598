"""How long work lets itself be watched: a hook, and what stands in for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Watch(Protocol):
    """Gives the items of a long piece of work on, and sees how it advances."""

    def __call__(
        self,
        items: Iterable[Item],
        what: str,
        *,
        sizes: Sequence[float],
        hint: str = "",
    ) -> Iterator[Item]:
        """Yields the items.

        Args:
            items: The parts of the work, N of them.
            what: What the work is, for a line that is printed.
            sizes: The time that each part takes, up to a common factor, [N].
            hint: What a user can do about it.
        """


def unwatched(
    items: Iterable[Item],
    what: str,
    *,
    sizes: Sequence[float],
    hint: str = "",
) -> Iterator[Item]:
    """A `Watch` that does not look.

    Example:
        >>> list(unwatched("ab", "two letters", sizes=[1, 1]))
        ['a', 'b']
    """
    del what, sizes, hint
    return iter(items)
