"""Public names of packages, imported when they are used (PEP 562)."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`.

    So that importing the package, and with it the command line's checks, does
    not import TensorFlow.

    Args:
        package: Its name.
        modules: Public name -> the module that has it.

    Returns:
        The two functions.

    Example:
        >>> find, names = lazy_names("texts", {"dedent": "textwrap"})
        >>> find("dedent")("  a rose"), names()
        ('a rose', ['dedent'])
        >>> find("indent")
        Traceback (most recent call last):
        AttributeError: module 'texts' has no attribute 'indent'; public \
names: dedent
    """

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}; "
                f"public names: {', '.join(sorted(modules))}"
            )
        return getattr(importlib.import_module(modules[name]), name)

    return find, lambda: sorted(modules)
