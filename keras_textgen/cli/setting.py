"""What a setting is: a flag, the models that take it, and what it sets.

The settings are the fields of the dataclasses in `cli/options/`, one file a
subject. To add one is to write its field there; flag, help, refusals and
`flags.txt` follow from it.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from keras_textgen.cli import parsers
from keras_textgen.datasets import DATASETS, View
from keras_textgen.specs import ModelSpec

# What help and flags.txt show settings under. It has no other meaning.
HEADINGS = {
    "run": "What to run",
    "several": "Several runs",
    "data": "Data",
    "model": "Model",
    "kl": "Weight of the KL term during training",
    "collapse": "Remedies against posterior collapse",
    "optimizer": "Optimization",
    "evaluation": "Evaluation",
    "generation": "Generation",
    "application": "What a trained model is applied to",
}
# Another flag, and the values of it beside which a setting has a meaning.
Needs = tuple[str, tuple[object, ...]]
_KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One flag.

    Attributes:
      heading: key of the heading that help shows it under.
      help: what it does.
      parser: turns its text into a value.
      default: the value if it is given nowhere; None leaves the choice to
        the model or the corpus.
      takes: the models that it has a meaning for, by names, kinds or traits of
        `keras_textgen.specs`; none for all.
      needs: another flag, and the values of it that it has a meaning beside.
      needs_one: of several such; of those flags that the model takes, it has a
        meaning beside any. Where it takes none, nothing is needed.
      needs_nothing: models for which it has a meaning beside none of these,
        either, as `takes` names them.
      modes: values of `--mode` in which it is heeded; none for all.
      role: "run" (defines the run: another value is another run), "training"
        (written with the run, may change where it is trained further), "stored"
        (written with the run, may change) or "call" (not written).
      argument: of the model's constructor, which it sets; more than one where
        it sets several; by name, kind or trait where models differ. None where
        it sets none.
      convert: turns its value into that of the argument.
      in_preset: whether a preset gives it, as it says which weights a model has
        or what its words are.
    """

    heading: str
    help: str
    parser: flags.ArgumentParser
    default: object = None
    takes: tuple[str, ...] = ()
    needs: Needs | None = None
    needs_one: tuple[Needs, ...] = ()
    needs_nothing: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    role: str = "run"
    argument: str | tuple[str, ...] | Mapping[str, tuple[str, ...]] | None = (
        None
    )
    convert: Callable[[Any], object] | None = None
    in_preset: bool = False

    def arguments(self, spec: ModelSpec) -> tuple[str, ...]:
        """The arguments of a model's constructor that it sets.

        Args:
          spec: of a model that takes it.

        Returns:
          Their names.

        Example:
        >>> from keras_textgen.cli.table import SETTINGS
        >>> from keras_textgen.specs import SPECS
        >>> setting = SETTINGS["embedding_dim"]
        >>> setting.arguments(SPECS["vae"]), setting.arguments(SPECS["dmf"])
        (('embedding_dim',), ('row_dim', 'col_dim'))
        """
        named = self.argument
        if isinstance(named, Mapping):
            named = next(
                names
                for word, names in named.items()
                if spec.is_one_of((word,))
            )
        return (named,) if isinstance(named, str) else named or ()


def values_text(values: Iterable[object]) -> str:
    """Values of a flag as the command line spells them, but its default.

    Example:
    >>> values_text(("adam", "nadam")), values_text((None, True))
    ('adam or nadam', 'true')
    """
    return " or ".join(
        parsers.spelling(each) for each in values if each is not None
    )


def settings_of(options: type) -> Iterator[tuple[str, Setting]]:
    """The settings that a dataclass carries.

    Args:
      options: such as `keras_textgen.cli.options.run.RunOptions`.

    Yields:
      Names and settings, in the order of the fields.
    """
    for field in dataclasses.fields(options):
        yield field.name, field.metadata[_KEY]


def corpora_with(has: Callable[[View], bool]) -> Needs:
    """What a setting needs that only some corpora have.

    Args:
      has: whether a view of a corpus has it.

    Returns:
      The flag `--dataset` and the corpora's names.

    Example:
    >>> corpora_with(lambda view: "fold" in view.arguments)
    ('dataset', ('ml100k',))
    """
    names = (
        name
        for name, row in DATASETS.items()
        if any(has(view) for view in row.views.values())
    )
    return "dataset", tuple(names)


# Each of the following is a field of a dataclass. They are `Any` to type
# checkers, as `dataclasses.field` is: the field says its type.


def integer(
    heading: str,
    text: str,
    low: int = 1,
    high: int = 2**31 - 1,
    default: int | None = None,
    **facts: Any,
) -> Any:
    """A whole number of `low` to `high`; further facts as in `Setting`."""
    parser = parsers.Integer(low, default is None, high)
    return setting(heading, text, parser, default, **facts)


def number(
    heading: str,
    text: str,
    low: float = 0.0,
    high: float = math.inf,
    above: bool = False,
    default: float | None = None,
    **facts: Any,
) -> Any:
    """A number of `low` (or, with `above`, from there on) to `high`."""
    parser = parsers.Number(low, high, above, default is None)
    return setting(heading, text, parser, default, **facts)


def choice(
    heading: str,
    text: str,
    choices: Sequence[str],
    default: str | None = None,
    **facts: Any,
) -> Any:
    """One of a few words."""
    parser = parsers.Choice(choices, default is None)
    return setting(heading, text, parser, default, **facts)


def switch(
    heading: str, text: str, default: bool | None = None, **facts: Any
) -> Any:
    """On or off."""
    parser = parsers.Switch(default is None)
    return setting(heading, text, parser, default, **facts)


def text(heading: str, text: str, **facts: Any) -> Any:
    """Any text."""
    return setting(heading, text, parsers.Text(), **facts)


def path(heading: str, text: str, **facts: Any) -> Any:
    """A file or a folder."""
    return setting(heading, text, parsers.Path(), **facts)


def setting(
    heading: str,
    text: str,
    parser: flags.ArgumentParser,
    default: object = None,
    **facts: Any,
) -> Any:
    """A value of a parser of its own."""
    described = Setting(heading, text, parser, default, **facts)
    return dataclasses.field(default=default, metadata={_KEY: described})
