"""The settled values of all settings, and what they say to a model."""

import dataclasses
from typing import Any

from keras_textgen.cli.options.application import ApplicationOptions
from keras_textgen.cli.options.collapse import CollapseOptions
from keras_textgen.cli.options.components import ComponentOptions
from keras_textgen.cli.options.data import DataOptions
from keras_textgen.cli.options.documents import DocumentOptions
from keras_textgen.cli.options.latent import LatentOptions
from keras_textgen.cli.options.matrices import MatrixOptions
from keras_textgen.cli.options.run import RunOptions
from keras_textgen.cli.options.several import SeveralOptions
from keras_textgen.cli.options.text import TextOptions
from keras_textgen.cli.options.topics import TopicOptions
from keras_textgen.cli.parsers import spelling
from keras_textgen.cli.table import SETTINGS, models_taking
from keras_textgen.specs import SPECS, ModelSpec


@dataclasses.dataclass(frozen=True)
class Settings(
    RunOptions,
    SeveralOptions,
    ApplicationOptions,
    DataOptions,
    ComponentOptions,
    TextOptions,
    LatentOptions,
    CollapseOptions,
    DocumentOptions,
    TopicOptions,
    MatrixOptions,
):
    """The value of every setting by its name.

    None is the default of the model or the corpus, and the value of what has
    no meaning beside the others.
    """

    @property
    def spec(self) -> ModelSpec:
        """The row of the model in the table of models."""
        return SPECS[self.model]


def constructor_arguments(settings: Settings) -> dict[str, Any]:
    """What the settings say to the constructor of their model.

    Args:
      settings: of a run.

    Returns:
      Values by the names of arguments; what is left to the model is not there.

    Example:
    >>> constructor_arguments(Settings(model="vae", latent_dim=8, seed=3))
    {'seed': 3, 'latent_dim': 8}
    >>> constructor_arguments(Settings(model="dmf", hidden_layers="5:tanh"))
    {'seed': 0, 'row_layers': [(5, 'tanh')], 'col_layers': [(5, 'tanh')]}
    """
    arguments: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        value = getattr(settings, name)
        if value is None or settings.model not in models_taking(name):
            continue
        if setting.convert is not None:
            value = setting.convert(value)
        arguments |= dict.fromkeys(setting.arguments(settings.spec), value)
    return arguments


def value_text(settings: Settings, name: str) -> str:
    """A setting's value as the command line spells it.

    Args:
      settings: resolved settings.
      name: of a setting.

    Returns:
      The text that parses to the same value.

    Example:
    >>> settings = Settings(ban_unknown=True)
    >>> value_text(settings, "ban_unknown"), value_text(settings, "max_length")
    ('true', 'default')
    """
    return spelling(getattr(settings, name))
