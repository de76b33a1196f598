"""The command line: which of its sources settles a flag, and help.

A setting's value is the model's default, unless the experiment's own file
`flags/<model>_<dataset>.flags` gives another, unless the command line does.
This module never imports TensorFlow, so that help and refusals are quick.
"""

import dataclasses
import difflib
import os
import pathlib
import textwrap
import types
from collections.abc import Mapping, Sequence

from absl import flags

from keras_textgen.training.flag_table import (
    DATASETS_OF,
    DEFAULT,
    GROUPS,
    SETTINGS,
    Setting,
    Switch,
)

PROGRAM = "trainer.py"
HELP_FLAGS = ("--help", "--helpshort", "--helpfull", "-h", "-help")
_HELP_WIDTH = 79
# Where a run's settings stand in its folder.
FLAGS_FILE = "flags.txt"


class RunError(Exception):
    """What a user can put right, in one line; ends a run with status 2."""


class Settings(types.SimpleNamespace):
    """The value of every flag by its name; None is "the default"."""


class HelpRequested(Exception):  # noqa: N818 - not an error
    """The command line asks for help."""


def parse(argv: Sequence[str], recipes: str | os.PathLike) -> Settings:
    """Settle every flag from the command line and the experiment's file.

    Args:
      argv: the command line, the program's name first.
      recipes: folder of the files `<model>_<dataset>.flags`.

    Returns:
      The settings. A flag that has no meaning beside the others (given by
      the file, not by the user) is None.

    Raises:
      RunError: for whatever is wrong with a flag: one line.
      HelpRequested: if the command line asks for help.

    Example:
    >>> settings = parse(["trainer.py", "--model", "vae"], "flags")
    >>> settings.model, settings.dataset, settings.seed
    ('vae', 'sotu', 0)
    >>> parse(["trainer.py", "--epochs=-1"], "flags")
    Traceback (most recent call last):
    ...
    keras_textgen.training.settings.RunError: --epochs=-1: must be a whole \
number of at least 1
    """
    given = _parse_arguments(argv[1:])
    base = _base_arguments(given, pathlib.Path(recipes))
    resolved = _parse_arguments([*base, *given.arguments])
    settings = _settings(resolved, given.present)
    _check_data_dir(settings)
    settings.run_dir = str(_run_directory(resolved))
    return settings


def read_flagfile(path: str | os.PathLike) -> Settings:
    """The settings of a file that `flagfile_text` wrote, and of nothing else.

    Args:
      path: the file.

    Returns:
      The settings.

    Raises:
      RunError: if the file cannot be read or holds a bad flag.
    """
    parsed = _file_arguments(path)
    return _settings(parsed, parsed.present)


def flagfile_text(settings: Settings) -> str:
    """The settings as a flagfile that repeats the run.

    Args:
      settings: resolved settings.

    Returns:
      One line a flag, grouped under comments; what belongs to one call only
      (`role` "call") is left out.

    Example:
    >>> text = flagfile_text(parse(["trainer.py", "--epochs=7"], "flags"))
    >>> [line for line in text.splitlines() if "--epochs" in line]
    ['--epochs=7']
    """
    lines = []
    for group, heading in GROUPS.items():
        lines.append(f"# {heading}")
        for name, setting in SETTINGS.items():
            if setting.group != group or setting.role == "call":
                continue
            if _has_meaning(name, vars(settings)):
                lines.append(f"--{name}={value_text(settings, name)}")
    return "\n".join(lines) + "\n"


def given_values(settings: Settings, group: str) -> dict[str, object]:
    """The flags of a group that have a value.

    Args:
      settings: resolved settings.
      group: such as "model".

    Returns:
      Values by name; flags that leave the choice to the model are not there.

    Example:
    >>> settings = parse(["trainer.py", "--latent_dim=8"], "no_recipes")
    >>> given_values(settings, "model")
    {'latent_dim': 8}
    """
    return {
        name: getattr(settings, name)
        for name, setting in SETTINGS.items()
        if setting.group == group and getattr(settings, name) is not None
    }


def value_text(settings: Settings, name: str) -> str:
    """A flag's value as the command line spells it.

    Args:
      settings: resolved settings.
      name: a flag.

    Returns:
      The text that parses to the same value.
    """
    value = getattr(settings, name)
    if value is None:
        return DEFAULT
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def help_text() -> str:
    """What `--helpshort` prints: every flag under its heading.

    Returns:
      The text, at most 80 columns wide.
    """
    lines = [
        f"usage: {PROGRAM} [--flag=value ...]",
        "",
        "Trains a model of texts, documents or matrices, evaluates and "
        "exports it.",
        "Without any flag: HDGM on the State of the Union addresses.",
        "",
        "A model's own default < flags/<model>_<dataset>.flags < the command "
        "line.",
        "Where no default is shown, it is the model's or the corpus's own;",
        f"--flag={DEFAULT} goes back to it.",
    ]
    for group, heading in GROUPS.items():
        lines += ["", f"{heading}:"]
        for name, setting in SETTINGS.items():
            if setting.group == group:
                lines += _flag_help(name, setting)
    lines += [
        "",
        "Files of flags:",
        "  --flagfile=PATH",
        "      Read flags from a file, one a line; # begins a comment.",
    ]
    return "\n".join(lines) + "\n"


def _flag_help(name: str, setting: Setting) -> list[str]:
    text = setting.help
    if setting.default is not None:
        text += f" Default: {_default_text(setting.default)}."
    if setting.needs:
        flag, values = setting.needs
        text += f" Only with --{flag}={' or '.join(values)}."
    head = f"  --{name}={setting.parser.syntactic_help}"
    if len(head) > _HELP_WIDTH:
        head = f"  --{name}=NAME"
    if isinstance(setting.parser, Switch):
        head = f"  --[no]{name}"
    indent = " " * 6
    return [
        head,
        *textwrap.wrap(
            text, _HELP_WIDTH, initial_indent=indent, subsequent_indent=indent
        ),
    ]


def _default_text(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


@dataclasses.dataclass
class _Parsed:
    """Flag values with the arguments and names they came from."""

    values: dict[str, object]
    arguments: list[str]
    present: set[str]


def _new_flag_values() -> flags.FlagValues:
    flag_values = flags.FlagValues()
    for name, setting in SETTINGS.items():
        flag = flags.Flag(
            setting.parser,
            None,
            name,
            setting.default,
            setting.help,
            boolean=isinstance(setting.parser, Switch),
        )
        flags.DEFINE_flag(flag, flag_values, module_name=setting.group)
    # absl replaces this flag by the lines of the file before it parses.
    flags.DEFINE_string(
        "flagfile", None, "file of flags", flag_values, module_name="run"
    )
    return flag_values


def _parse_arguments(arguments: Sequence[str]) -> _Parsed:
    if any(argument in HELP_FLAGS for argument in arguments):
        raise HelpRequested
    flag_values = _new_flag_values()
    try:
        arguments = flag_values.read_flags_from_files(
            arguments, force_gnu=False
        )
        rest = flag_values([PROGRAM, *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        raise RunError(_unknown_flag(error.flagname)) from None
    except UnicodeDecodeError:
        raise RunError("--flagfile: the file is not UTF-8 text") from None
    except (flags.Error, ValueError, OSError) as error:
        raise RunError(_reworded(error)) from None
    if rest:
        raise RunError(
            f"stray argument {rest[0]!r}: every setting is a flag, "
            f"--name=value ({PROGRAM} --helpshort lists them)"
        )
    values = {name: flag_values[name].value for name in SETTINGS}
    present = {name for name in SETTINGS if flag_values[name].present}
    return _Parsed(values, list(arguments), present)


def _unknown_flag(name: str) -> str:
    if any(character.isspace() for character in name):
        return f"--{name}: in a file of flags, write --name=value"
    close = difflib.get_close_matches(name, SETTINGS, n=1)
    meant = f"; did you mean --{close[0]}?" if close else ""
    return (
        f"unknown flag --{name}{meant} ({PROGRAM} --helpshort lists all flags)"
    )


def _reworded(error: Exception) -> str:
    """A message of absl in one line, in the words of the other messages."""
    text = " ".join(str(error).split())
    for theirs, ours in (
        ("flag --", "--"),
        ("Missing value for flag ", "no value given for "),
        ("ERROR:: Unable to open flagfile: ", "--flagfile: "),
    ):
        if text.startswith(theirs):
            return ours + text.removeprefix(theirs)
    return text


def _base_arguments(given: _Parsed, recipes: pathlib.Path) -> list[str]:
    """What the command line builds on: the recipe, or a run's own flags."""
    path = recipes / f"{given.values['model']}_{given.values['dataset']}.flags"
    own = _run_directory(given) / FLAGS_FILE
    if given.values["mode"] != "train" or own.is_file():
        # A run goes on as it began, also where its recipe is another since.
        path = own
        if not path.is_file():
            raise RunError(
                f"{path.parent}: there is no run ({FLAGS_FILE} is missing); "
                "--mode=train begins one"
            )
    if not path.is_file():
        return []
    return _file_arguments(path).arguments


def _run_directory(parsed: _Parsed) -> pathlib.Path:
    name = f"{parsed.values['model']}_{parsed.values['dataset']}"
    default = os.path.join("saved_models", name)
    return pathlib.Path(os.path.abspath(parsed.values["run_dir"] or default))


def _file_arguments(path: str | os.PathLike) -> _Parsed:
    try:
        return _parse_arguments([f"--flagfile={path}"])
    except RunError as error:
        raise RunError(f"{path}: {error}") from None


def _check_needs(resolved: _Parsed, given: set[str]) -> None:
    """Refuse what the user gave in vain, drop what only the recipe gave."""
    values = resolved.values
    for name, setting in SETTINGS.items():
        if values[name] is None or _has_meaning(name, values):
            continue
        if name in given:
            flag, allowed = setting.needs
            raise RunError(
                f"--{name} has a meaning only with "
                f"--{flag}={' or '.join(allowed)}, "
                f"not with --{flag}={values[flag] or DEFAULT}"
            )
        values[name] = None


def _has_meaning(name: str, values: Mapping[str, object]) -> bool:
    needs = SETTINGS[name].needs
    return needs is None or values[needs[0]] in needs[1]


def _settings(parsed: _Parsed, given: set[str]) -> Settings:
    _check_dataset(parsed.values)
    _check_needs(parsed, given)
    _resolve_inputless(parsed.values, given)
    _resolve_iter(parsed.values, given)
    settings = Settings(**parsed.values)
    _check_schedule(settings)
    _check_encoder(settings)
    _check_pretraining(settings)
    return settings


def _resolve_inputless(values: dict[str, object], given: set[str]) -> None:
    """Make --inputless what it stands for, over what the recipe has."""
    if not values["inputless"]:
        return
    if "word_keep_rate" in given and values["word_keep_rate"]:
        raise RunError(
            f"--word_keep_rate={values['word_keep_rate']} contradicts "
            "--inputless, which is --word_keep_rate=0"
        )
    values["word_keep_rate"] = 0.0


def _resolve_iter(values: dict[str, object], given: set[str]) -> None:
    """Make --iter what it stands for."""
    if values["iter"] is None:
        return
    if "seed" in given and values["seed"] != values["iter"]:
        raise RunError(
            f"--seed={values['seed']} contradicts --iter={values['iter']}, "
            "which is the same as --seed; give one of them"
        )
    values["seed"] = values["iter"]


def _check_dataset(values: Mapping[str, object]) -> None:
    allowed = DATASETS_OF[values["model"]]
    if values["dataset"] not in allowed:
        raise RunError(
            f"--dataset={values['dataset']} is not for "
            f"--model={values['model']}; allowed: {', '.join(allowed)}"
        )


def _check_data_dir(settings: Settings) -> None:
    needs_data = settings.mode in ("train", "evaluate")
    if settings.dataset == "sotu" or not needs_data:
        return
    if settings.data_dir is None:
        raise RunError(
            f"--dataset={settings.dataset} needs --data_dir, where its files "
            "are (docs/data.md says which)"
        )
    if not os.path.exists(settings.data_dir):
        raise RunError(
            f"--data_dir={settings.data_dir}: no such file or folder"
        )


def _check_encoder(settings: Settings) -> None:
    if settings.aggressive_encoder and settings.optimizer != "sgd":
        raise RunError(
            "--aggressive_encoder needs --optimizer=sgd: while only the "
            "encoder is trained, adam would go on moving the decoder, which "
            "has no gradient"
        )


def _check_pretraining(settings: Settings) -> None:
    pretraining = settings.autoencoder_epochs or 0
    if pretraining >= settings.epochs:
        raise RunError(
            f"--autoencoder_epochs={pretraining} leaves none of "
            f"--epochs={settings.epochs} for the model itself"
        )


def _check_schedule(settings: Settings) -> None:
    required = {
        "sigmoid": ("kl_bias", "kl_slope"),
        "linear": ("kl_steps",),
        "cyclical": ("kl_steps",),
    }
    for name in required.get(settings.kl_schedule, ()):
        if getattr(settings, name) is None:
            raise RunError(
                f"--kl_schedule={settings.kl_schedule} needs --{name}"
            )
