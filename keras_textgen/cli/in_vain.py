"""What a user gives in vain: flags without an effect beside the others.

Where the values of one other flag decide, they stand with the setting in
`cli/options/`, and a recipe's value is dropped. What more decides is here, and
only the user is told: recipes and runs keep what they have.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from keras_textgen.cli.errors import RunError
from keras_textgen.cli.parsers import spelling
from keras_textgen.cli.table import SETTINGS
from keras_textgen.cli.values import Settings
from keras_textgen.datasets import find_view

# Corpora without features of rows and columns.
_FEATURELESS = ("ratings", "prepared")


class _Rule(NamedTuple):
    """When some flags say nothing.

    Attributes:
      names: of the flags.
      are_in_vain: whether they say nothing, in settled settings.
      reason: why, and what is allowed; `{name}` stands for a setting's value.
    """

    names: Iterable[str]
    are_in_vain: Callable[[Settings], Any]
    reason: str


def _is_exact(settings: Settings) -> bool:
    return not settings.spec.is_one_of(("latent",))


def _has_no_prior(settings: Settings) -> bool:
    return settings.model == "hdgm" and settings.objective != "bound"


def _draws_split(settings: Settings) -> bool:
    """Whether a seed decides which rows are for training."""
    view = find_view(settings.dataset, settings.spec.view)
    return "seed" in view.arguments


def _is_by_time(settings: Settings) -> bool:
    named = settings.split in ("time", "leave_last_out")
    return named or (settings.split is None and bool(settings.time_column))


def _is_probed(settings: Settings) -> bool:
    if settings.probes is None:
        return settings.spec.is_one_of(("sparse",))
    return settings.probes


def _has_no_hidden_layer(settings: Settings) -> bool:
    return settings.hidden_layers in (None, "none")


_RULES = (
    _Rule(
        ("multi_level",),
        _has_no_hidden_layer,
        "without a hidden layer, which it is about; allowed: with "
        "--hidden_layers",
    ),
    # Where a run ends, its figures say what the likelihood is.
    _Rule(
        ("importance_samples",),
        lambda s: s.importance_samples and s.mode == "score" and _is_exact(s),
        "with --model={model}, whose likelihood is exact; allowed: 0",
    ),
    _Rule(
        ("importance_samples",),
        lambda s: (
            s.importance_samples and s.mode == "score" and _has_no_prior(s)
        ),
        "with --objective=reference, by which there is no likelihood to "
        "bound; allowed: 0",
    ),
    _Rule(
        ("importance_samples",),
        lambda s: (
            s.importance_samples == 0
            and s.mode == "score"
            and not (_is_exact(s) or _has_no_prior(s))
        ),
        "with --mode=score; allowed: 1 or more",
    ),
    _Rule(
        ("split_seed",),
        lambda s: not _draws_split(s),
        "with --dataset={dataset}, whose split draws nothing; allowed: 0",
    ),
    _Rule(
        ("split_seed",),
        _is_by_time,
        "with a split by time, which draws nothing; allowed: 0",
    ),
    _Rule(
        ("window",),
        lambda s: s.ptb_protocol == "sentences",
        "with --ptb_protocol=sentences, which are not cut; allowed: "
        "--ptb_protocol=stream",
    ),
    _Rule(
        ("beside",),
        lambda s: not _is_probed(s),
        "without --probes, whose table it is for; allowed: with --probes",
    ),
    _Rule(
        ("beside",),
        lambda s: not s.finish,
        "with --nofinish, which judges nothing; allowed: --finish",
    ),
    _Rule(
        ("side_features",),
        lambda s: s.side_features and s.dataset in _FEATURELESS,
        "with --dataset={dataset}, which has none; allowed: false",
    ),
    _Rule(
        ("feature_dim", "join"),
        lambda s: s.dataset in _FEATURELESS and not s.history_features,
        "with --dataset={dataset}, which has no features of rows or columns; "
        "allowed: with --history_features",
    ),
)


def check_given(
    settings: Settings,
    kept: Mapping[str, Any],
    given: Mapping[str, Any],
    spelled: Mapping[str, str],
) -> None:
    """Refuse what the user has given in vain.

    Args:
      settings: resolved ones.
      kept: what the recipe or the run has anyway, which says nothing if it is
        repeated, as `--flagfile` of a run does.
      given: by the user.
      spelled: what settings were called, where not by their names.

    Raises:
      RunError: for the first.

    Example:
    >>> settings = Settings(model="vae", dataset="ptb", split_seed=5)
    >>> check_given(settings, {}, {"split_seed": 5}, {})
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: --split_seed=5 with --dataset=ptb, \
whose split draws nothing; allowed: 0
    """
    for names, are_in_vain, reason in _RULES:
        for name in names:
            value = given.get(name)
            usual = kept.get(name, SETTINGS[name].default)
            # Off is what a switch without an effect is anyway.
            if value in (None, usual) or value is False:
                continue
            if not are_in_vain(settings):
                continue
            typed = f"--{spelled.get(name, name)}={spelling(value)}"
            values = {each: spelling(v) for each, v in vars(settings).items()}
            raise RunError(f"{typed} {reason.format(**values)}")
