"""Parsers: from the text of a flag to its value."""

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

_ACTIVATIONS = ("elu", "gelu", "linear", "relu", "selu", "sigmoid", "tanh")
# What stands for "not given" where the model or the corpus has the default.
DEFAULT = "default"
# What stands for standard input in the place of a file.
STANDARD_INPUT = "-"


class Integer(flags.ArgumentParser):
    """A whole number within bounds."""

    def __init__(self, low: int, optional: bool, high: int = 2**31 - 1):
        self.low, self.high, self.optional = low, high, optional
        self.syntactic_help = "N"

    def parse(self, argument: Any) -> Any:
        """The value, or None for the default."""
        if self.optional and argument == DEFAULT:
            return None
        try:
            value = int(str(argument))
        except ValueError:
            value = None
        if value is None or not self.low <= value <= self.high:
            bound = f"of at least {self.low}"
            if value is not None and value > self.high:
                bound = f"of at most {self.high}"
            raise ValueError(f"must be a whole number {bound}")
        return value


class Number(flags.ArgumentParser):
    """A finite number within bounds, the lower one perhaps excluded."""

    def __init__(
        self, low: float, high: float, above: bool, optional: bool
    ) -> None:
        self.low, self.high, self.above = low, high, above
        self.optional = optional
        self.syntactic_help = "X"

    def parse(self, argument: Any) -> Any:
        """The value, or None for the default."""
        if self.optional and argument == DEFAULT:
            return None
        try:
            value = float(argument)
        except ValueError:
            value = math.nan
        in_range = self.low <= value <= self.high and math.isfinite(value)
        if not in_range or (self.above and value == self.low):
            start = "above" if self.above else "of at least"
            end = "" if math.isinf(self.high) else f" and at most {self.high:g}"
            raise ValueError(f"must be a number {start} {self.low:g}{end}")
        return value


class Choice(flags.ArgumentParser):
    """One of a few words."""

    def __init__(self, choices: Sequence[str], optional: bool) -> None:
        self.choices, self.optional = tuple(choices), optional
        self.syntactic_help = "|".join(choices)

    def parse(self, argument: Any) -> Any:
        """The value, or None for the default."""
        if self.optional and argument == DEFAULT:
            return None
        if argument not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        return argument


class Switch(flags.BooleanParser):
    """On or off; None, where it may, leaves the choice to the model."""

    def __init__(self, optional: bool = False) -> None:
        super().__init__()
        self.optional = optional

    def parse(self, argument: Any) -> bool | None:
        """True or False, or None for the model's default."""
        if self.optional and argument == DEFAULT:
            return None
        try:
            return super().parse(argument)
        except ValueError:
            raise ValueError("must be true or false") from None


class Text(flags.ArgumentParser):
    """Any text but none at all."""

    syntactic_help = "TEXT"

    def parse(self, argument: Any) -> Any:
        """The value, or None for the default."""
        if argument == DEFAULT:
            return None
        if not argument:
            raise ValueError("must not be empty")
        return argument


class Spelled(flags.ArgumentParser):
    """What has parts of its own: checked, and kept as it is spelled."""

    def __init__(self, read: Callable[[str], Any], syntactic_help: str) -> None:
        self.read = read
        self.syntactic_help = syntactic_help

    def parse(self, argument: Any) -> Any:
        """The value, or None for the default."""
        if argument == DEFAULT:
            return None
        self.read(argument)
        return argument


def hidden_layers(text: str) -> list[tuple[int, str]]:
    """Hidden layers as the command line spells them.

    Args:
      text: such as "50:tanh,20:relu"; "none" for no layer.

    Returns:
      Units and activation of each.

    Raises:
      ValueError: if it is spelled otherwise.

    Example:
    >>> hidden_layers("50:tanh,20:relu")
    [(50, 'tanh'), (20, 'relu')]
    """
    if text == "none":
        return []
    layers = []
    for part in text.split(","):
        units, _, activation = part.partition(":")
        is_number = units.isascii() and units.isdigit() and int(units) > 0
        if not is_number or activation not in _ACTIVATIONS:
            raise ValueError(
                f"{part!r}; allowed: units and activation, such as "
                "50:tanh,20:relu, or none; activations: "
                f"{', '.join(_ACTIVATIONS)}"
            )
        layers.append((int(units), activation))
    return layers


def factors(text: str | None) -> dict[str, float]:
    """Factors as the command line spells them.

    Args:
      text: such as "encoder=0.1,decoder=1"; None for none.

    Returns:
      A number above 0 by name.

    Raises:
      ValueError: if it is spelled otherwise.

    Example:
    >>> factors("encoder=0.1,decoder=1")
    {'encoder': 0.1, 'decoder': 1.0}
    """
    found: dict[str, float] = {}
    for part in [] if text is None else text.split(","):
        name, _, number = (each.strip() for each in part.partition("="))
        try:
            factor = float(number)
        except ValueError:
            factor = math.nan
        if not name or name in found or not 0 < factor < math.inf:
            raise ValueError(
                f"{part!r}; allowed: a name and a factor above 0, each name "
                "once, such as encoder=0.1,decoder=1"
            )
        found[name] = factor
    return found


def seeds(text: str) -> list[int]:
    """Seeds as the command line spells them.

    Args:
      text: such as "0,1,2".

    Returns:
      Two or more, each once.

    Raises:
      ValueError: if it is spelled otherwise.

    Example:
    >>> seeds("0,1,2")
    [0, 1, 2]
    """
    one = Integer(0, optional=False)
    try:
        found = [one.parse(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) < 2 or len(set(found)) < len(found):
        raise ValueError(
            f"must be two or more whole numbers, {one.low} to {one.high}, each "
            "once, such as 0,1,2"
        )
    return found


class Path(flags.ArgumentParser):
    """A file or folder, kept as an absolute path; `-` for standard input."""

    syntactic_help = "PATH"

    def parse(self, argument: Any) -> Any:
        """The value, or None for the default."""
        if argument == DEFAULT:
            return None
        if not argument:
            raise ValueError("must be the path of a file or folder")
        if argument == STANDARD_INPUT:
            return argument
        return os.path.abspath(os.path.expanduser(argument))


def spelling(value: object) -> str:
    """A value as the command line spells it.

    Args:
      value: of a setting.

    Returns:
      The text that parses to the same value.

    Example:
    >>> spelling(None), spelling(True), spelling(0.5)
    ('default', 'true', '0.5')
    """
    if value is None:
        return DEFAULT
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
