"""What `--sweep` says: settings, their values, and what trials are judged by.

Free of TensorFlow, so that what is wrong is said before anything runs.
"""

import difflib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from keras_textgen.cli import parsers
from keras_textgen.cli.errors import RunError
from keras_textgen.cli.table import ALIASES, SETTINGS, models_taking
from keras_textgen.cli.values import Settings

Direction = Literal["minimize", "maximize"]
MINIMIZE: Direction = "minimize"
MAXIMIZE: Direction = "maximize"
_LOG = "log"
# Digits of numbers that are drawn from a range.
_DIGITS = 4
# Trials that differ in these do not measure a validation set alike.
_UNLIKE = ("objective", "feedback", "negatives")
# And these are a part of the loss itself.
_IN_LOSS = ("confidence", "l2", "bias_l2", "kernel_l2")
# These change the words; a share of right documents is measured alike.
_OF_WORDS = ("tokenizer", "vocab_size", "min_count", "subwords")
_ELSEWHERE = {
    "model": "a sweep of each",
    "dataset": "a sweep of each",
    "seed": "--seeds, which chooses none",
}


class Values(NamedTuple):
    """Values to choose from.

    Attributes:
      texts: as the command line spells them.
    """

    texts: tuple[str, ...]


class Range(NamedTuple):
    """Numbers to draw.

    Attributes:
      low: the least.
      high: the largest.
      is_log: whether their logarithms are drawn evenly.
      is_whole: whether they are whole numbers.
    """

    low: float
    high: float
    is_log: bool
    is_whole: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """Its ends, as the command line spells them."""
        return self.text(self.low), self.text(self.high)

    def text(self, value: float) -> str:
        """A number of the range, as the command line spells it.

        Example:
        >>> Range(0.1, 0.5, False, False).text(0.123456)
        '0.1235'
        >>> Range(2, 9, False, True).text(4.0)
        '4'
        """
        if self.is_whole:
            return str(int(value))
        rounded = float(f"{value:.{_DIGITS}g}")
        return parsers.spelling(min(max(rounded, self.low), self.high))


Space = dict[str, Values | Range]


def search_space(text: str, model: str) -> Space:
    """The settings of a sweep and their values.

    Args:
      text: of `--sweep`.
      model: whose other names of settings are understood.

    Returns:
      By the name of the setting, in their order.

    Raises:
      RunError: for a setting that cannot be swept, or a value out of range.

    Example:
    >>> space = search_space("dropout=0.1:0.5;rnn_units=8,016", "vae")
    >>> space["dropout"]
    Range(low=0.1, high=0.5, is_log=False, is_whole=False)
    >>> space["rnn_units"]
    Values(texts=('8', '16'))
    """
    space: Space = {}
    for part in text.split(";"):
        given, is_there, values = (each.strip() for each in part.partition("="))
        if not is_there or not values:
            raise RunError(
                f"--sweep: {part.strip()!r}; allowed: NAME=VALUE,VALUE,... or "
                "NAME=LOW:HIGH, with ; between two settings"
            )
        name = _setting_of(given.removeprefix("--"), model)
        if name in space:
            raise RunError(f"--sweep: {name} twice; allowed: each once")
        space[name] = _options(name, values)
    return space


def _setting_of(given: str, model: str) -> str:
    name = ALIASES.get(given, {}).get(model, given)
    if name not in SETTINGS:
        close = difflib.get_close_matches(given, SETTINGS, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise RunError(
            f"--sweep: unknown setting {given}{meant} (--helpshort lists all)"
        )
    if name in _ELSEWHERE:
        raise RunError(f"--sweep: {name}; allowed: {_ELSEWHERE[name]}")
    if SETTINGS[name].role != "run":
        raise RunError(
            f"--sweep: {name}, on which the training does not depend; allowed: "
            "settings of the model and of its training"
        )
    if model not in models_taking(name):
        raise RunError(
            f"--sweep: {name} is not for --model={model}; allowed: settings "
            f"that --helpshort --model={model} lists"
        )
    return name


def _options(name: str, text: str) -> Values | Range:
    parser = SETTINGS[name].parser
    if isinstance(parser, parsers.Integer | parsers.Number) and ":" in text:
        return _range(name, text)
    texts = text.split("|" if "|" in text else ",")
    spelled = [parsers.spelling(_parsed(name, each.strip())) for each in texts]
    if len(set(spelled)) < len(spelled):
        raise RunError(f"--sweep: {name}={text}; allowed: each value once")
    return Values(tuple(spelled))


def _range(name: str, text: str) -> Range:
    low_text, _, rest = text.partition(":")
    high_text, *how = rest.split(":")
    low, high = _parsed(name, low_text), _parsed(name, high_text)
    is_number = low is not None and high is not None and low < high
    if not is_number or how not in ([], [_LOG]) or (how and low <= 0):
        raise RunError(
            f"--sweep: {name}={text}; allowed: LOW:HIGH, or LOW:HIGH:{_LOG} "
            "with LOW above 0, and LOW below HIGH"
        )
    is_whole = isinstance(SETTINGS[name].parser, parsers.Integer)
    return Range(low, high, bool(how), is_whole)


def _parsed(name: str, text: str) -> Any:
    try:
        return SETTINGS[name].parser.parse(text)
    except ValueError as error:
        raise RunError(f"--sweep: {name}={text}: {error}") from None


def combinations(space: Space) -> Iterator[dict[str, str]]:
    """All combinations of lists.

    Args:
      space: of a sweep.

    Yields:
      Values by setting; those of the last change first.

    Example:
    >>> space = search_space("dropout=0.1,0.5;rnn_units=8,9", "vae")
    >>> [list(each.values()) for each in combinations(space)]
    [['0.1', '8'], ['0.1', '9'], ['0.5', '8'], ['0.5', '9']]
    """
    lists = (each.texts for each in space.values())
    for texts in itertools.product(*lists):
        yield dict(zip(space, texts, strict=True))


def single_changes(space: Space) -> Iterator[dict[str, str]]:
    """Every value of a list and both ends of a range, beside the first others.

    Args:
      space: of a sweep.

    Yields:
      Values by setting.

    Example:
    >>> space = search_space("dropout=0.1:0.5;rnn_units=8,9", "vae")
    >>> [list(each.values()) for each in single_changes(space)]
    [['0.1', '8'], ['0.5', '8'], ['0.1', '8'], ['0.1', '9']]
    """
    first = {name: options.texts[0] for name, options in space.items()}
    for name, options in space.items():
        for text in options.texts:
            yield {**first, name: text}


def is_grid(settings: Settings) -> bool:
    """Whether all combinations are trained, and none is searched for."""
    return settings.sweep_trials is None


def metrics_of(settings: Settings) -> Mapping[str, Direction]:
    """The validation figures by which trials can be compared.

    Args:
      settings: of the sweep.

    Returns:
      For each, as metrics.csv names it, which direction is better; the first
      is the one that is taken if none is named.

    Example:
    >>> metrics_of(Settings(model="vae"))
    {'val_elbo': 'maximize', 'val_nll': 'minimize'}
    """
    spec = settings.spec
    if spec.kind == "documents":
        return {"val_accuracy": MAXIMIZE, "val_macro_f1": MAXIMIZE}
    if spec.kind == "matrices":
        if settings.feedback in (None, "explicit"):
            return {"val_rmse": MINIMIZE, "val_mae": MINIMIZE}
        return {"val_loss": MINIMIZE}
    if spec.is_one_of(("latent",)):
        return {"val_elbo": MAXIMIZE, "val_nll": MINIMIZE}
    if spec.kind == "topics":
        return {"val_kl": MINIMIZE}
    return {"val_nll": MINIMIZE}


def metric_of(settings: Settings) -> tuple[str, Direction]:
    """The figure by which trials are compared, and its direction."""
    metrics = metrics_of(settings)
    name = settings.sweep_metric or next(iter(metrics))
    return name, metrics[name]


def check_sweep(settings: Settings) -> None:
    """Refuse a sweep that cannot be run, or whose trials are not alike.

    Args:
      settings: of the sweep.

    Raises:
      RunError: for the first thing that is wrong.

    Example:
    >>> check_sweep(
    ...     Settings(mode="sweep", sweep="epochs=2,3", sweep_metric="loss")
    ... )
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: --sweep_metric=loss with --model=hdgm; \
allowed: val_elbo, val_nll, of the validation set
    """
    if settings.sweep is None:
        raise RunError(
            "--mode=sweep needs --sweep, settings and their values, such as "
            '--sweep="learning_rate=0.001,0.003"'
        )
    space = search_space(settings.sweep, settings.model)
    metrics = metrics_of(settings)
    if settings.sweep_metric not in (None, *metrics):
        raise RunError(
            f"--sweep_metric={settings.sweep_metric} with "
            f"--model={settings.model}; allowed: {', '.join(metrics)}, of the "
            "validation set"
        )
    metric, _ = metric_of(settings)
    for name in space:
        if _changes(name, metric):
            raise RunError(
                f"--sweep: {name} changes what {metric} is measured by; "
                "allowed: settings with which it is the same"
            )
    for name, options in space.items():
        if is_grid(settings) and isinstance(options, Range):
            raise RunError(
                f"--sweep: {name} has a range, which is searched; allowed: "
                "with --sweep_trials, or a list"
            )


def _changes(name: str, metric: str) -> bool:
    """Whether trials with other values have figures that are not alike."""
    if metric in ("val_accuracy", "val_macro_f1") and name in _OF_WORDS:
        return False
    is_in_loss = metric == "val_loss" and name in _IN_LOSS
    return SETTINGS[name].heading == "data" or name in _UNLIKE or is_in_loss
