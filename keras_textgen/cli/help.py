"""What `--helpshort` prints."""

import textwrap
from collections.abc import Mapping

from keras_textgen.cli.parsers import DEFAULT, Choice, Switch
from keras_textgen.cli.setting import HEADINGS, Setting, values_text
from keras_textgen.cli.table import (
    SETTINGS,
    models_taking,
    needs_of,
    other_names,
)
from keras_textgen.datasets import DATASETS, Dataset
from keras_textgen.specs import SPECS, ModelSpec

_WIDTH = 79
# Settings that name a row of a table, whose help is shown with theirs.
_TABLES: Mapping[str, Mapping[str, ModelSpec | Dataset]] = {
    "model": SPECS,
    "dataset": DATASETS,
}
VERSION_FLAG = "--version"


def help_text(program: str, model: str | None = None) -> str:
    """Every flag under its heading.

    Args:
      program: what the program is called.
      model: whose flags are shown; None for all.

    Returns:
      The text, at most 80 columns wide.

    Example:
    >>> "--num_topics=N" in help_text("trainer.py", "sae")
    True
    >>> "--num_topics=N" in help_text("trainer.py", "dmf")
    False
    """
    lines = [
        f"usage: {program} [--flag=value ...]",
        "",
        "Trains a model of texts, documents or matrices, evaluates and "
        "exports it.",
        "Without any flag: HDGM on the State of the Union addresses.",
        "",
        "A model's own default < the recipe <model>_<dataset>.flags < the "
        "command line.",
        "Where no default is shown, it is the model's or the corpus's own;",
        f"--flag={DEFAULT} goes back to it.",
    ]
    if model is not None:
        lines += ["", f"Only what --model={model} takes is shown."]
    for title, described in flags_by_heading(model).items():
        lines += ["", f"{title}:"]
        for head, text in described:
            lines += [f"  {head}", *_wrapped(text)]
    lines += [
        "",
        "Files of flags:",
        "  --flagfile=PATH",
        "      Read flags from a file, one a line; # begins a comment.",
        "",
        "Instead of a run:",
        "  --helpshort",
        "      Print this; beside --model, only what that model takes.",
        f"  {VERSION_FLAG}",
        "      Print the version.",
    ]
    return "\n".join(lines) + "\n"


def flags_by_heading(
    model: str | None = None,
) -> dict[str, list[tuple[str, str]]]:
    """What is said of every flag.

    Args:
      model: whose flags are given; None for all.

    Returns:
      By the title of a heading: each flag with its values, and what it does.
      Headings without a flag are left out.

    Example:
    >>> "--seed=N" in dict(flags_by_heading("sae")["What to run"])
    True
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for heading, title in HEADINGS.items():
        for name, setting in SETTINGS.items():
            is_taken = model is None or model in models_taking(name)
            if setting.heading == heading and is_taken:
                found.setdefault(title, []).append(
                    (
                        _head(name, setting, model),
                        _description(name, setting, model),
                    )
                )
    return found


def _wrapped(text: str) -> list[str]:
    indent = " " * 6
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent
    )


def _head(name: str, setting: Setting, model: str | None) -> str:
    parser = setting.parser
    if isinstance(parser, Switch):
        return f"--[no]{name}"
    values = parser.syntactic_help
    if isinstance(parser, Choice):
        values = "|".join(_choices(name, parser, model))
    head = f"--{name}={values}"
    return head if len(head) <= _WIDTH - 2 else f"--{name}=NAME"


def _choices(name: str, parser: Choice, model: str | None) -> tuple[str, ...]:
    if model is not None and name == "dataset":
        return SPECS[model].datasets
    if model is not None and name == "model":
        return (model,)
    return parser.choices


def _description(name: str, setting: Setting, model: str | None) -> str:
    text = setting.help
    if name in _TABLES and isinstance(setting.parser, Choice):
        listed = _choices(name, setting.parser, model)
        rows = (f"{each}: {_TABLES[name][each].help}" for each in listed)
        text += f" {'; '.join(rows)}."
    is_settled = name == "model" and model is not None
    if setting.default is not None and not is_settled:
        text += f" Default: {_default_text(setting.default)}."
    if setting.takes and model is None:
        text += f" Only with --model={' or '.join(models_taking(name))}."
    if setting.modes:
        text += f" Only with --mode={' or '.join(setting.modes)}."
    if setting.needs:
        flag, values = setting.needs
        text += f" Only with --{flag}={values_text(values)}."
    if setting.needs_one and _needed_text(setting, model):
        text += f" Only with {_needed_text(setting, model)}."
    others = other_names(name, model)
    if others:
        text += f" Also --{', --'.join(others)}."
    return text


def _needed_text(setting: Setting, model: str | None) -> str:
    """The flags of which a setting needs one; those that the model takes."""
    return " or ".join(
        f"--{flag}={value}"
        for flag, values in needs_of(setting, model)
        for value in values
    )


def _default_text(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)
