"""Every setting by its name, and the names that settings had before."""

import types
from collections.abc import Mapping

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
from keras_textgen.cli.setting import Needs, Setting, settings_of
from keras_textgen.specs import SPECS, names_of

SUBJECTS = (
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
)
# A setting stands behind those that it needs.
SETTINGS: Mapping[str, Setting] = types.MappingProxyType(
    {
        name: setting
        for options in SUBJECTS
        for name, setting in settings_of(options)
    }
)
# Other names of settings, by the models that they are for: of flags that were
# called so once, of a paper or of its code.
ALIASES: Mapping[str, Mapping[str, str]] = types.MappingProxyType(
    {
        "iter": dict.fromkeys(SPECS, "seed"),
        "alpha": {
            "hsvae": "gamma_alpha",
            "mat_vae": "mmd_weight",
            "sae": "code_steepness",
            "dmf": "confidence",
        },
        "beta": {"hsvae": "gamma_beta", "mat_vae": "kl_weight"},
        **{
            old: dict.fromkeys(names_of("matrices"), new)
            for old, new in (
                ("row_field", "row_column"),
                ("column_field", "column_column"),
                ("value_field", "value_column"),
                ("user_column", "row_column"),
                ("item_column", "column_column"),
            )
        },
    }
)


def models_taking(name: str) -> tuple[str, ...]:
    """The models that a setting has a meaning for.

    Args:
      name: of a setting.

    Returns:
      Names, in the order of the table of models.

    Example:
    >>> models_taking("kl_ramp") == models_taking("kl_schedule")
    True
    >>> models_taking("fold")
    ('dmf',)
    """
    setting = SETTINGS[name]
    models = names_of(*setting.takes)
    if setting.needs is None:
        return models
    flag, values = setting.needs
    if flag == "dataset":
        return tuple(m for m in models if set(SPECS[m].datasets) & set(values))
    return tuple(model for model in models if model in models_taking(flag))


def needs_of(setting: Setting, model: str | None) -> list[Needs]:
    """Those of the flags, one of which a setting needs, that a model takes.

    Args:
      setting: any.
      model: None for all models.

    Example:
    >>> [flag for flag, _ in needs_of(SETTINGS["rnn_units"], "lstm_lm")]
    ['decoder']
    >>> needs_of(SETTINGS["rnn_units"], "han")
    []
    """
    if model is not None and SPECS[model].is_one_of(setting.needs_nothing):
        return []
    return [
        (flag, values)
        for flag, values in setting.needs_one
        if model is None or model in models_taking(flag)
    ]


def other_names(name: str, model: str | None = None) -> list[str]:
    """What a setting is called besides.

    Args:
      name: of a setting.
      model: for which; None for any.

    Returns:
      Aliases.

    Example:
    >>> other_names("row_column"), other_names("gamma_alpha", "mat_vae")
    (['row_field', 'user_column'], [])
    """
    return [
        old
        for old, targets in ALIASES.items()
        if name
        in (targets.values() if model is None else (targets.get(model),))
    ]
