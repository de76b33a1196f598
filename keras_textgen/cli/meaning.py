"""Which settings have a meaning beside the others."""

from collections.abc import Iterable, Mapping
from typing import Any

from keras_textgen.cli.errors import RunError
from keras_textgen.cli.parsers import spelling
from keras_textgen.cli.setting import Needs, Setting, values_text
from keras_textgen.cli.table import SETTINGS, models_taking, needs_of
from keras_textgen.specs import SPECS


def check_meaning(
    values: dict[str, Any], given: Iterable[str], spelled: Mapping[str, str]
) -> None:
    """Refuse what the user gave in vain, drop what only the recipe gave.

    Args:
      values: of all settings by name; what is dropped becomes None.
      given: names of those that the user gave.
      spelled: what settings were called, where not by their names.

    Raises:
      RunError: for the first that was given in vain.
    """
    for name in SETTINGS:
        if values[name] is None or has_meaning(name, values):
            continue
        if name in given:
            typed = spelled.get(name, _typed(name, values[name]))
            raise RunError(_missing(name, values, typed))
        values[name] = None


def check_heeded(
    mode: str,
    given: Mapping[str, Any],
    kept: Mapping[str, Any],
    spelled: Mapping[str, str],
) -> None:
    """Refuse what the mode would not heed.

    Args:
      mode: value of `--mode`.
      given: by the user.
      kept: what the run has anyway, which says nothing if it is repeated, as
        `--flagfile` of a run does.
      spelled: what settings were called, where not by their names.

    Raises:
      RunError: for the first.

    Example:
    >>> check_heeded("generate", {"export_version": 2}, {}, {})
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: --export_version has a meaning only \
with --mode=train or sweep or export, not with --mode=generate
    """
    for name, value in given.items():
        modes = SETTINGS[name].modes
        if value is None or not modes or mode in modes:
            continue
        if name not in kept or kept[name] != value:
            typed = spelled.get(name, _typed(name, value))
            raise RunError(only_with(typed, "mode", modes, mode))


def _typed(name: str, value: object) -> str:
    return f"no{name}" if value is False else name


def _missing(name: str, values: Mapping[str, Any], spelled: str) -> str:
    """What a setting lacks to have a meaning."""
    setting = SETTINGS[name]
    if setting.takes and not SPECS[values["model"]].is_one_of(setting.takes):
        return only_with(spelled, "model", models_taking(name), values["model"])
    if not _has_one(setting, values):
        return _only_with_one(
            spelled, needs_of(setting, values["model"]), values
        )
    flag, allowed = setting.needs
    return only_with(spelled, flag, allowed, values[flag])


def only_with(
    name: str, flag: str, allowed: Iterable[object], value: object
) -> str:
    """That a flag has a meaning beside some values of another one only."""
    return (
        f"--{name} has a meaning only with --{flag}={values_text(allowed)}, "
        f"not with --{flag}={spelling(value)}"
    )


def _only_with_one(
    name: str, needs: Iterable[Needs], values: Mapping[str, Any]
) -> str:
    needed = [
        f"--{flag}={value}" for flag, allowed in needs for value in allowed
    ]
    given = [f"--{flag}={values[flag]}" for flag, _ in needs]
    return (
        f"--{name} has a meaning only with {' or '.join(needed)}, not with "
        f"{' and '.join(given)}"
    )


def has_meaning(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a setting says something beside the values of the others."""
    setting = SETTINGS[name]
    if setting.takes and not SPECS[values["model"]].is_one_of(setting.takes):
        return False
    needs = setting.needs
    if needs is not None and values[needs[0]] not in needs[1]:
        return False
    return _has_one(setting, values)


def _has_one(setting: Setting, values: Mapping[str, Any]) -> bool:
    taken = needs_of(setting, values["model"])
    return not taken or any(values[flag] in allowed for flag, allowed in taken)
