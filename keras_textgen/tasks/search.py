"""What a search tries next; the extra `sweep` has what it needs."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from keras_textgen.cli.settings import RunError
from keras_textgen.cli.sweeping import Direction, Range, Space, Values

# Draws until one is new.
_ATTEMPTS = 50
# Far apart, so that no two trials of near seeds draw the same.
_STEP, _SEEDS = 10_007, 2**32


class Trial(NamedTuple):
    """A run of a sweep.

    Attributes:
      name: of its folder.
      values: by setting, as the command line spells them.
      value: of the metric; None if it has failed.
    """

    name: str
    values: Mapping[str, str]
    value: float | None


def check_search() -> None:
    """Refuse a search without Optuna.

    Raises:
      RunError: if it is not installed.
    """
    if find_spec("optuna") is None:
        raise RunError(
            "--sweep_trials needs optuna, which is not installed; allowed: "
            "pip install 'keras-textgen[sweep]', or lists of values without "
            "--sweep_trials"
        )


def suggested(
    space: Space, direction: Direction, trials: Sequence[Trial], seed: int
) -> dict[str, str] | None:
    """What to try after some trials, by Optuna's TPE.

    A function of what is given, so that a search that was stopped goes on as
    it would have gone.

    Args:
      space: settings and their values.
      direction: "minimize" or "maximize".
      trials: those of before.
      seed: of the search.

    Returns:
      Values by setting, which no trial has had; None where there seem to be
      none left.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(each) for name, each in space.items()}
    history = [_frozen(each, space, distributions) for each in trials]
    tried = [dict(each.values) for each in trials]
    for attempt in range(_ATTEMPTS):
        number = len(trials) * _ATTEMPTS + attempt
        of_trial = (seed * _STEP + number) % _SEEDS
        sampler = optuna.samplers.TPESampler(seed=of_trial)
        study = optuna.create_study(direction=direction, sampler=sampler)
        study.add_trials(history)
        params = study.ask(distributions).params
        values = {
            name: _text(each, params[name]) for name, each in space.items()
        }
        if values not in tried:
            return values
    return None


def _distribution(options: Values | Range) -> Any:
    from optuna import distributions

    if isinstance(options, Values):
        return distributions.CategoricalDistribution(options.texts)
    if options.is_whole:
        return distributions.IntDistribution(
            int(options.low), int(options.high), log=options.is_log
        )
    return distributions.FloatDistribution(
        options.low, options.high, log=options.is_log
    )


def _frozen(
    trial: Trial, space: Space, distributions: Mapping[str, Any]
) -> Any:
    from optuna.trial import TrialState, create_trial

    params = {
        name: _number(space[name], text) for name, text in trial.values.items()
    }
    has_failed = trial.value is None
    return create_trial(
        state=TrialState.FAIL if has_failed else TrialState.COMPLETE,
        params=params,
        distributions=dict(distributions),
        value=trial.value,
    )


def _number(options: Values | Range, text: str) -> Any:
    if isinstance(options, Values):
        return text
    return int(text) if options.is_whole else float(text)


def _text(options: Values | Range, value: Any) -> str:
    return value if isinstance(options, Values) else options.text(value)
