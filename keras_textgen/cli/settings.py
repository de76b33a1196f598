"""The command line: which of its sources settles a flag, and help.

A setting's value is the model's default, unless the experiment's recipe, the
file `<model>_<dataset>.flags`, gives another, unless the command line does.
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

from keras_textgen.cli.before import with_flags_of_before
from keras_textgen.cli.flag_table import (
    DATASETS_OF,
    DEFAULT,
    GROUPS,
    SETTINGS,
    Setting,
    Switch,
)

HELP_FLAGS = ("--help", "--helpshort", "--helpfull", "-h", "-help")
VERSION_FLAG = "--version"
_HELP_WIDTH = 79
# What --value_field is for a table without values.
NO_VALUES = "none"
# Of each pair, one flag can be used.
_ALTERNATIVES = (
    ("kl_steps", "kl_epochs"),
    ("free_bits", "free_bits_per_dimension"),
)
# Where a run's settings stand in its folder.
FLAGS_FILE = "flags.txt"
_READ = ("data_dir", "word_vectors", "beside")  # paths
# Flags that take less of some models than of others: models, flags, what is
# allowed.
_RANGES = (
    (("hsvae",), ("alpha", "beta"), lambda value: value > 0, "above 0"),
    (("sae",), ("alpha",), lambda value: value > 0, "above 0"),
    (("han",), ("word_keep_rate",), lambda value: value > 0, "above 0"),
    (("mat_vae",), ("spike_probability",), lambda value: value < 1, "below 1"),
    (
        ("hsvae", "mat_vae"),
        ("latent_dim",),
        lambda value: value > 1,
        "2 or more, as the sparsity of codes is measured",
    ),
    (
        ("hsvae", "mat_vae"),
        ("feed_latent",),
        lambda value: value,
        "true, as the decoder's first state is zero",
    ),
)


class RunError(Exception):
    """What a user can put right, in one line; ends a run with status 2."""


class Settings(types.SimpleNamespace):
    """The value of every flag by its name; None is "the default"."""


class HelpRequested(Exception):  # noqa: N818 - not an error
    """The command line asks for help."""


class VersionRequested(Exception):  # noqa: N818 - not an error
    """The command line asks for the version."""


def program_name(called: str) -> str:
    """What the program is called in messages: as the user has called it.

    Args:
      called: the first word of the command line, as Python has it.

    Returns:
      The name.

    Example:
    >>> program_name("/usr/bin/keras-textgen"), program_name("./trainer.py")
    ('keras-textgen', 'trainer.py')
    >>> program_name("/usr/lib/python3/keras_textgen/__main__.py")
    'python -m keras_textgen'
    """
    name = os.path.basename(called)
    return "python -m keras_textgen" if name == "__main__.py" else name


def recipe_file(
    recipes: str | os.PathLike, model: str, dataset: str
) -> pathlib.Path | None:
    """The recipe of a model on a data set.

    Args:
      recipes: folder of the recipes.
      model: as `--model` names it.
      dataset: as `--dataset` names it.

    Returns:
      The file, or None if there is none for the two.

    Example:
    >>> recipe_file("flags", "hdgm", "ptb").as_posix()
    'flags/hdgm_ptb.flags'
    >>> recipe_file("flags", "sae", "imdb")
    """
    path = pathlib.Path(recipes) / f"{model}_{dataset}.flags"
    return path if path.is_file() else None


def parse(argv: Sequence[str], recipes: str | os.PathLike) -> Settings:
    """Settle every flag from the command line and the experiment's recipe.

    Args:
      argv: the command line, the program's name first.
      recipes: folder of the recipes.

    Returns:
      The settings. A flag that has no meaning beside the others (given by
      the recipe, not by the user) is None.

    Raises:
      RunError: for whatever is wrong with a flag: one line.
      HelpRequested: if the command line asks for help.
      VersionRequested: if it asks for the version.

    Example:
    >>> settings = parse(["trainer.py", "--model", "vae"], "flags")
    >>> settings.model, settings.dataset, settings.seed
    ('vae', 'sotu', 0)
    >>> parse(["trainer.py", "--epochs=-1"], "flags")
    Traceback (most recent call last):
    ...
    keras_textgen.cli.settings.RunError: --epochs=-1: must be a whole \
number of at least 1
    """
    if any(argument in HELP_FLAGS for argument in argv[1:]):
        raise HelpRequested
    if VERSION_FLAG in argv[1:]:
        raise VersionRequested
    given = _parse_arguments(argv[1:])
    base = _base_arguments(given, recipes)
    resolved = _parse_arguments([*base, *given.arguments])
    settings = _settings(resolved, given.present)
    _check_paths(settings)
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
    parsed = _parse_arguments(with_flags_of_before(_file_arguments(path)))
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


def help_text(program: str) -> str:
    """What `--helpshort` prints: every flag under its heading.

    Args:
      program: what the program is called.

    Returns:
      The text, at most 80 columns wide.
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
        "",
        "Instead of a run:",
        "  --helpshort",
        "      Print this.",
        f"  {VERSION_FLAG}",
        "      Print the version.",
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
    flag_values = _new_flag_values()
    try:
        arguments = flag_values.read_flags_from_files(
            arguments, force_gnu=False
        )
        rest = flag_values(["", *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        raise RunError(_unknown_flag(error.flagname)) from None
    except UnicodeDecodeError:
        raise RunError("--flagfile: the file is not UTF-8 text") from None
    except (flags.Error, ValueError, OSError) as error:
        raise RunError(_reworded(error)) from None
    if rest:
        raise RunError(
            f"stray argument {rest[0]!r}: every setting is a flag, "
            "--name=value (--helpshort lists them)"
        )
    values = {name: flag_values[name].value for name in SETTINGS}
    present = {name for name in SETTINGS if flag_values[name].present}
    return _Parsed(values, list(arguments), present)


def _unknown_flag(name: str) -> str:
    if any(character.isspace() for character in name):
        return f"--{name}: in a file of flags, write --name=value"
    close = difflib.get_close_matches(name, SETTINGS, n=1)
    meant = f"; did you mean --{close[0]}?" if close else ""
    return f"unknown flag --{name}{meant} (--helpshort lists all flags)"


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


def _base_arguments(given: _Parsed, recipes: str | os.PathLike) -> list[str]:
    """What the command line builds on: the recipe, or a run's own flags."""
    own = _run_directory(given) / FLAGS_FILE
    # A run goes on as it began, also where its recipe is another since.
    if given.values["mode"] == "train" and not own.is_file():
        model, dataset = given.values["model"], given.values["dataset"]
        path = recipe_file(recipes, model, dataset)
        return [] if path is None else _file_arguments(path).arguments
    if not own.is_file():
        raise RunError(
            f"{own.parent}: there is no run ({FLAGS_FILE} is missing); "
            "--mode=train begins one"
        )
    return with_flags_of_before(_file_arguments(own))


def _run_directory(parsed: _Parsed) -> pathlib.Path:
    values = parsed.values
    default = f"saved_models/{values['model']}_{values['dataset']}"
    return pathlib.Path(os.path.abspath(values["run_dir"] or default))


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
    _resolve_alternatives(parsed.values, given)
    settings = Settings(**parsed.values)
    _check_schedule(settings)
    _check_encoder(settings)
    _check_pretraining(settings)
    _check_ranges(settings)
    _check_free_bits(settings)
    _check_sphere(settings)
    _check_feedback(settings)
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


def _resolve_alternatives(values: dict[str, object], given: set[str]) -> None:
    """Let what the user gives replace what the recipe has in its place."""
    for pair in _ALTERNATIVES:
        from_recipe = [name for name in pair if name not in given]
        if len(from_recipe) == 1 and values[pair[0]] and values[pair[1]]:
            values[from_recipe[0]] = None


def _check_dataset(values: Mapping[str, object]) -> None:
    allowed = DATASETS_OF[values["model"]]
    if values["dataset"] not in allowed:
        raise RunError(
            f"--dataset={values['dataset']} is not for "
            f"--model={values['model']}; allowed: {', '.join(allowed)}"
        )


def _check_paths(settings: Settings) -> None:
    if settings.mode not in ("train", "evaluate"):
        return
    read = [name for name in _READ if getattr(settings, name) is not None]
    if settings.dataset == "sotu":
        read = [name for name in read if name != "data_dir"]
    elif settings.data_dir is None:
        raise RunError(
            f"--dataset={settings.dataset} needs --data_dir, the file, folder "
            "or archive with its data (docs/data.md says which)"
        )
    for name in read:
        if not os.path.exists(getattr(settings, name)):
            raise RunError(
                f"--{name}={getattr(settings, name)}: no such file or folder"
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


def _check_ranges(settings: Settings) -> None:
    for models, names, is_allowed, allowed in _RANGES:
        for name in names if settings.model in models else ():
            value = getattr(settings, name)
            if value is not None and not is_allowed(value):
                raise RunError(
                    f"--{name}={value_text(settings, name)} with "
                    f"--model={settings.model}; allowed: {allowed}"
                )


def _check_free_bits(settings: Settings) -> None:
    total, each = settings.free_bits, settings.free_bits_per_dimension
    if total and each:
        raise RunError(
            f"--free_bits={total} with --free_bits_per_dimension={each}; "
            "allowed: one of them"
        )


def _check_sphere(settings: Settings) -> None:
    if settings.posterior_family != "vmf":
        return
    if settings.objective == "reference":
        raise RunError(
            "--posterior_family=vmf with --objective=reference, whose noise "
            "is a truncated normal; allowed: --objective=bound"
        )
    if settings.free_bits_per_dimension:
        raise RunError(
            "--posterior_family=vmf with --free_bits_per_dimension="
            f"{settings.free_bits_per_dimension}: its KL is no sum over "
            "dimensions; allowed: --free_bits"
        )
    if settings.latent_dim == 1:
        raise RunError(
            "--posterior_family=vmf with --latent_dim=1; allowed: 2 or more, "
            "on a sphere"
        )


def _check_feedback(settings: Settings) -> None:
    is_explicit = settings.feedback in (None, "explicit")
    if settings.value_field == NO_VALUES and is_explicit:
        raise RunError(
            f"--value_field={NO_VALUES} leaves --feedback=explicit no values "
            "to predict; allowed: --feedback=ranking or implicit"
        )


def _check_schedule(settings: Settings) -> None:
    if settings.kl_steps and settings.kl_epochs:
        raise RunError(
            f"--kl_steps={settings.kl_steps} contradicts "
            f"--kl_epochs={settings.kl_epochs}; give one of them"
        )
    lengths = ("kl_steps", "kl_epochs")
    required = {
        "sigmoid": (("kl_bias",), ("kl_slope",)),
        "linear": (lengths,),
        "cyclical": (lengths,),
    }
    for names in required.get(settings.kl_schedule, ()):
        if all(getattr(settings, name) is None for name in names):
            raise RunError(
                f"--kl_schedule={settings.kl_schedule} needs "
                f"--{' or --'.join(names)}"
            )
