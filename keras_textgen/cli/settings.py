"""The command line: which of its sources settles a setting.

A setting's value is the model's default, unless the experiment's recipe, the
file `<model>_<dataset>.flags`, gives another, unless the command line does.
Nothing in `cli/` imports TensorFlow, so that help and refusals are quick.
"""

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from keras_textgen.cli.before import with_settings_of_before
from keras_textgen.cli.errors import HelpRequested, RunError, VersionRequested
from keras_textgen.cli.help import VERSION_FLAG, help_text
from keras_textgen.cli.in_vain import check_given
from keras_textgen.cli.meaning import (
    check_heeded,
    check_meaning,
    has_meaning,
    only_with,
)
from keras_textgen.cli.modes import APPLYING, STARTING
from keras_textgen.cli.parsers import DEFAULT, Switch, spelling
from keras_textgen.cli.presets import find_preset, kept_spelling, preset_names
from keras_textgen.cli.recipes import recipe_file
from keras_textgen.cli.refusals import (
    NO_VALUES,
    check_dataset,
    check_paths,
    check_settings,
    check_start,
)
from keras_textgen.cli.setting import HEADINGS
from keras_textgen.cli.table import (
    ALIASES,
    SETTINGS,
)
from keras_textgen.cli.values import (
    Settings,
    constructor_arguments,
    value_text,
)

__all__ = [
    "DEFAULT",
    "NO_VALUES",
    "SETTINGS",
    "HelpRequested",
    "RunError",
    "Settings",
    "VersionRequested",
    "constructor_arguments",
    "flagfile_text",
    "help_text",
    "parse",
    "read_flagfile",
    "recipe_settings",
    "value_text",
]

HELP_FLAGS = ("--help", "--helpshort", "--helpfull", "-h", "-help")
# Of each pair, one flag can be used.
_ALTERNATIVES = (
    ("kl_steps", "kl_epochs"),
    ("free_bits", "free_bits_per_dimension"),
)
# What is heeded beside --runs.
_OF_COMPARISONS = ("mode", "runs", "output")
# Where a run's settings stand in its folder.
FLAGS_FILE = "flags.txt"


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
    keras_textgen.cli.errors.RunError: --epochs=-1: must be a whole \
number of at least 1
    """
    if any(argument in HELP_FLAGS for argument in argv[1:]):
        raise HelpRequested(_model_named(argv[1:]))
    if VERSION_FLAG in argv[1:]:
        raise VersionRequested
    given = _with_preset(_with_first_run(_parse_arguments(argv[1:])))
    base = _base_values(given, recipes)
    settings = _settings(base, given)
    check_paths(settings)
    kept, _ = _by_todays_names(base, settings.model)
    check_given(settings, kept, *_by_todays_names(given, settings.model))
    directory = _run_directory(_with_defaults(base | given))
    if not (directory / FLAGS_FILE).is_file():
        check_start(settings)
    return dataclasses.replace(settings, run_dir=str(directory))


def recipe_settings(
    model: str, dataset: str, recipes: str | os.PathLike
) -> Settings:
    """The settings of a recipe, or of the defaults where there is none.

    Args:
      model: name of a model.
      dataset: name of a corpus.
      recipes: folder of the recipes.

    Returns:
      The settings of a run for which nothing is given but these.

    Example:
    >>> recipe_settings("lstm_vae", "sotu", "flags").objective is None
    True
    """
    path = recipe_file(recipes, model, dataset)
    values = {} if path is None else _file_values(path)
    return _settings(values | {"model": model, "dataset": dataset}, {})


def read_flagfile(path: str | os.PathLike) -> Settings:
    """The settings of a file that `flagfile_text` wrote, and of nothing else.

    Args:
      path: the file.

    Returns:
      The settings; what has no meaning beside the others is None, as runs of
      before have written some of it.

    Raises:
      RunError: if the file cannot be read or holds a bad flag.
    """
    return _settings(with_settings_of_before(_file_values(path)), {})


def flagfile_text(settings: Settings) -> str:
    """The settings as a flagfile that repeats the run.

    Args:
      settings: resolved settings.

    Returns:
      One line a setting, grouped under comments; what belongs to one call only
      (`role` "call") is left out.

    Example:
    >>> text = flagfile_text(parse(["trainer.py", "--epochs=7"], "flags"))
    >>> [line for line in text.splitlines() if "--epochs" in line]
    ['--epochs=7']
    """
    lines = []
    for heading, title in HEADINGS.items():
        lines.append(f"# {title}")
        for name, setting in SETTINGS.items():
            if setting.heading != heading or setting.role == "call":
                continue
            if has_meaning(name, vars(settings)):
                lines.append(f"--{name}={value_text(settings, name)}")
    return "\n".join(lines) + "\n"


# Values by name: of settings, or of aliases, whose values are still texts.
_Values = dict[str, Any]


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
        flags.DEFINE_flag(flag, flag_values, module_name=setting.heading)
    for name in ALIASES:
        flag = flags.Flag(flags.ArgumentParser(), None, name, None, "")
        flags.DEFINE_flag(flag, flag_values, module_name="aliases")
    # absl replaces this flag by the lines of the file before it parses.
    flags.DEFINE_string(
        "flagfile", None, "file of flags", flag_values, module_name="run"
    )
    return flag_values


def _parse_arguments(arguments: Sequence[str]) -> _Values:
    """The flags that are given, and no others."""
    flag_values = _new_flag_values()
    try:
        arguments = flag_values.read_flags_from_files(
            arguments, force_gnu=False
        )
        rest = flag_values(["", *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        raise RunError(_unknown_flag(error.flagname)) from None
    except RecursionError:
        # absl compares what it does not know with every flag, letter by letter.
        raise RunError(
            "an argument that is too long for a flag (--helpshort lists all "
            "flags)"
        ) from None
    except UnicodeDecodeError:
        raise RunError("--flagfile: the file is not UTF-8 text") from None
    except (flags.Error, ValueError, OSError) as error:
        raise RunError(_reworded(error)) from None
    if rest:
        raise RunError(
            f"stray argument {rest[0]!r}: every setting is a flag, "
            "--name=value (--helpshort lists them)"
        )
    return {
        name: flag_values[name].value
        for name in (*SETTINGS, *ALIASES)
        if flag_values[name].present
    }


def _unknown_flag(name: str) -> str:
    if any(character.isspace() for character in name):
        return f"--{name}: in a file of flags, write --name=value"
    close = difflib.get_close_matches(name, [*SETTINGS, *ALIASES], n=1)
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


def _model_named(arguments: Sequence[str]) -> str | None:
    """The model of a command line that may hold whatever else."""
    named = None
    for argument, following in zip(
        arguments, [*arguments[1:], None], strict=True
    ):
        flag, is_joined, value = argument.partition("=")
        if flag in ("--model", "-model"):
            named = value if is_joined else following
    return None if named is None else _parse_value("model", named)


def _parse_value(name: str, text: str, spelled: str | None = None) -> Any:
    try:
        return SETTINGS[name].parser.parse(text)
    except ValueError as error:
        raise RunError(f"--{spelled or name}={text}: {error}") from None


def _base_values(given: _Values, recipes: str | os.PathLike) -> _Values:
    """What the command line builds on: the recipe, or a run's own flags."""
    asked = _with_defaults(given)
    own = _run_directory(asked) / FLAGS_FILE
    # A run goes on as it began, also where its recipe is another since.
    if asked["mode"] in STARTING and not own.is_file():
        path = recipe_file(recipes, asked["model"], asked["dataset"])
        recipe = {} if path is None else _file_values(path)
        base = recipe | _sizes_of(asked["preset"])
        if given.get("tokenizer", base.get("tokenizer")) == "subword":
            _drop_number_of_words(base, recipe)
        return base
    if not own.is_file():
        raise RunError(
            f"{own.parent}: there is no run ({FLAGS_FILE} is missing); "
            "--mode=train begins one"
        )
    return with_settings_of_before(_file_values(own))


def _drop_number_of_words(base: _Values, recipe: _Values) -> None:
    if recipe.get("tokenizer") != "subword":
        base.pop("vocab_size", None)


def _with_first_run(given: _Values) -> _Values:
    """Of several runs, the first settles what all need."""
    if given.get("runs") is None:
        return given
    runs = given["runs"].split(",")
    if not all(runs):
        raise RunError(
            f"--runs={given['runs']}: must be folders, with a comma between two"
        )
    if "run_dir" in given:
        raise RunError(
            f"--runs={given['runs']} contradicts --run_dir={given['run_dir']}; "
            "give one of them"
        )
    if others := [name for name in given if name not in _OF_COMPARISONS]:
        raise RunError(
            f"--{others[0]}={spelling(given[others[0]])} with "
            f"--runs={given['runs']}, which are compared as they are; allowed: "
            "--output"
        )
    runs = [run for each in runs for run in _runs_in(each)]
    return {**given, "runs": ",".join(runs), "run_dir": runs[0]}


def _runs_in(folder: str) -> list[str]:
    """A run; or those in a folder, as of a sweep or of seeds, by number."""
    own = pathlib.Path(folder) / FLAGS_FILE
    found = [each.parent for each in own.parent.glob(f"*/{FLAGS_FILE}")]
    if own.is_file() or not found:
        return [folder]
    found.sort(key=lambda run: (len(run.name), run.name))
    return [str(run) for run in found]


def _with_preset(given: _Values) -> _Values:
    """What a preset stands for: a run that generates, or a model to train."""
    if given.get("preset") is None:
        return given
    found = find_preset(given["preset"])
    if found is None or not (found / FLAGS_FILE).is_file():
        raise RunError(
            f"--preset={given['preset']}: not there; allowed: "
            f"{', '.join(preset_names())}, or the folder of a preset with "
            f"{FLAGS_FILE}"
        )
    if given.get("mode") not in APPLYING:
        return {**given, "model": _model_of(found, given)}
    if "run_dir" in given:
        raise RunError(
            f"--preset={given['preset']} contradicts "
            f"--run_dir={given['run_dir']}; give one of them"
        )
    # It may have been trained from another preset, which stays its own.
    others = {name: value for name, value in given.items() if name != "preset"}
    return {**others, "run_dir": str(found.absolute())}


def _model_of(preset: pathlib.Path, given: _Values) -> str:
    model = read_flagfile(preset / FLAGS_FILE).model
    if given.get("model", model) != model:
        raise RunError(
            f"--preset={given['preset']} with --model={given['model']}; "
            f"allowed: {model}, which it is"
        )
    return model


def _sizes_of(preset: str | None) -> _Values:
    """The settings of a preset that say which weights it has."""
    found = None if preset is None else find_preset(preset)
    if found is None:
        return {}
    values = vars(read_flagfile(found / FLAGS_FILE))
    return {name: values[name] for name in SETTINGS if SETTINGS[name].in_preset}


def _with_defaults(given: _Values) -> _Values:
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    return defaults | given


def _run_directory(values: _Values) -> pathlib.Path:
    name = f"{values['model']}_{values['dataset']}"
    if values["seeds"] is not None and values["mode"] == "train":
        name += "_seeds"
    elif values["mode"] == "sweep":
        name += "_sweep"
    default = os.path.join("saved_models", name)
    return pathlib.Path(os.path.abspath(values["run_dir"] or default))


def _file_values(path: str | os.PathLike) -> _Values:
    try:
        return _parse_arguments([f"--flagfile={path}"])
    except RunError as error:
        raise RunError(f"{path}: {error}") from None


def _settings(base: _Values, given: _Values) -> Settings:
    """Settle every setting.

    Args:
      base: what is dropped where it has no meaning.
      given: by the user, who is told so.

    Returns:
      The settings.
    """
    model = _with_defaults(base | given)["model"]
    _check_aliases(given, model)
    base, _ = _by_todays_names(base, model)
    given, spelled = _by_todays_names(given, model)
    values = _with_defaults(base | given)
    check_dataset(values, given)
    check_meaning(values, given, spelled)
    check_heeded(values["mode"], given, base, spelled)
    _resolve_inputless(values, given)
    _resolve_download(values)
    values["preset"] = kept_spelling(values["preset"])
    _resolve_alternatives(values, given)
    check_settings(settings := Settings(**values))
    return settings


def _by_todays_names(
    given: _Values, model: str
) -> tuple[_Values, dict[str, str]]:
    """Values by the names of settings, and how these were spelled."""
    values = {name: given[name] for name in given if name in SETTINGS}
    spelled: dict[str, str] = {}
    for alias in (name for name in given if name in ALIASES):
        text = given[alias]
        name = _named_by(alias, text, model)
        if name is None:
            continue
        value = _parse_value(name, text, alias)
        first = spelled.get(name, name)
        if name in values and values[name] != value:
            raise RunError(
                f"--{first}={spelling(values[name])} contradicts "
                f"--{alias}={text}, which is the same as --{name}; give one "
                "of them"
            )
        if name not in values:
            values[name], spelled[name] = value, alias
    return values, spelled


def _named_by(alias: str, text: str, model: str) -> str | None:
    """The setting that an alias is for; None where it says nothing."""
    name = ALIASES[alias].get(model)
    if name is None or SETTINGS[name].default is None or text != DEFAULT:
        return name
    return None


def _check_aliases(given: _Values, model: str) -> None:
    for alias, targets in ALIASES.items():
        if model not in targets and given.get(alias, DEFAULT) != DEFAULT:
            raise RunError(only_with(alias, "model", targets, model))


def _resolve_inputless(values: _Values, given: _Values) -> None:
    """Make --inputless what it stands for, over what the recipe has."""
    if not values["inputless"]:
        return
    if "word_keep_rate" in given and values["word_keep_rate"]:
        raise RunError(
            f"--word_keep_rate={values['word_keep_rate']} contradicts "
            "--inputless, which is --word_keep_rate=0"
        )
    values["word_keep_rate"] = 0.0


def _resolve_download(values: _Values) -> None:
    """Choose a folder for what is downloaded, where none is named."""
    if values["download"] and values["data_dir"] is None:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        folder = os.path.join(caches, "keras_textgen", values["dataset"])
        values["data_dir"] = os.path.abspath(os.path.expanduser(folder))


def _resolve_alternatives(values: _Values, given: _Values) -> None:
    """Let what the user gives replace what the recipe has in its place."""
    for pair in _ALTERNATIVES:
        from_recipe = [name for name in pair if name not in given]
        if len(from_recipe) == 1 and values[pair[0]] and values[pair[1]]:
            values[from_recipe[0]] = None
