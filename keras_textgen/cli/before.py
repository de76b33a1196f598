"""What runs mean whose flags.txt is older than a flag; free of TensorFlow."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

# Flag -> the model that takes it, and what this did before there was the flag.
_BEFORE = {"sentence_rule": ("han", "sentencex")}


class Flags(Protocol):
    """The flags of a file: as written, their values, and their names."""

    arguments: Sequence[str]
    values: Mapping[str, object]
    present: Collection[str]


def with_flags_of_before(given: Flags) -> list[str]:
    """The flags of a run, so that it goes on as it began.

    Args:
      given: of the run's flags.txt.

    Returns:
      The same, with what a flag that was not there yet would have said.

    Example:
    >>> import types
    >>> given = types.SimpleNamespace(
    ...     arguments=["--model=han"],
    ...     values={"model": "han"},
    ...     present=["model"],
    ... )
    >>> with_flags_of_before(given)
    ['--model=han', '--sentence_rule=sentencex']
    >>> given.values["model"] = "sae"
    >>> with_flags_of_before(given)
    ['--model=han']
    """
    missing = [
        f"--{name}={value}"
        for name, (model, value) in _BEFORE.items()
        if given.values["model"] == model and name not in given.present
    ]
    return [*given.arguments, *missing]
