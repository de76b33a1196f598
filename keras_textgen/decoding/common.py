"""What every decoder shares: checks, forbidden tokens, state shapes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import (
    SWITCHES,
    Allowed,
    Numbers,
    WholeNumbers,
    check,
)
from keras_textgen.data.id_checks import asserted
from keras_textgen.layers.masking import NEVER_PREDICTED, without_tokens
from keras_textgen.tokens import UNKNOWN_ID

# Smaller numbers of float32 are 0 for some processors.
_SMALLEST = float(np.finfo(np.float32).tiny)
_LARGEST = float(np.finfo(np.float32).max)

NextTokenLogits = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]
"""A model's step: `(tokens [N], state) -> (logits [N, V], new state)`.

The state is any nested structure of tensors whose leading axis is N.
"""


def checked_integer(
    name: str, number: int | tf.Tensor, minimum: int
) -> tf.Tensor:
    """Returns `number` as an int32 scalar, at least `minimum`.

    Example:
        >>> int(checked_integer("max_length", 3, minimum=1))
        3
        >>> checked_integer("top_k", None, minimum=0)
        Traceback (most recent call last):
        ValueError: top_k=None; allowed: whole numbers, 0 to 2147483647
    """
    # What is cast to fewer bits would be another number.
    allowed = WholeNumbers(minimum, tf.int32.max)
    if not _is_known(number):
        return _required(
            number >= minimum, tf.cast(number, tf.int32), name, allowed
        )
    value = _value(number)
    # A float that is whole, as of a table's column, counts as what it is.
    whole = int(value) if value in Numbers() and value % 1 == 0 else value
    check(allowed, **{name: whole})
    return tf.cast(number, tf.int32)


def checked_seed(seed: int) -> int:
    """Returns `seed` as a number of 32 bits, as noise is drawn with.

    One that has more is folded, so that all of its bits make a difference.

    Example:
        >>> checked_seed(-3)
        -3
        >>> checked_seed(2**40) == checked_seed(2**41)
        False
        >>> checked_seed(None)
        Traceback (most recent call last):
        ValueError: seed=None; allowed: whole numbers, -9223372036854775808 to
        9223372036854775807
    """
    check(WholeNumbers(tf.int64.min, tf.int64.max), seed=seed)
    seed = int(seed)
    if tf.int32.min <= seed <= tf.int32.max:
        return seed
    (folded,) = np.random.SeedSequence(seed % 2**64).generate_state(1)
    return int(folded.astype(np.int32))


def checked_top_p(top_p: float | tf.Tensor) -> tf.Tensor:
    """Returns `top_p` as a float32 scalar in (0, 1].

    Example:
        >>> float(checked_top_p(0.5))
        0.5
    """
    allowed = Numbers(above=0, at_most=1)
    if not _is_known(top_p):
        is_share = (top_p > 0) & (top_p <= 1)
        return _required(is_share, tf.cast(top_p, tf.float32), "top_p", allowed)
    check(allowed, top_p=_value(top_p))
    # Of what float32 has nothing as small as, the smallest that it has.
    return tf.maximum(tf.cast(top_p, tf.float32), _SMALLEST)


def checked_temperature(temperature: float | tf.Tensor) -> tf.Tensor:
    """Returns `temperature` as a float32 scalar, positive and finite.

    Example:
        >>> float(checked_temperature(0.5))
        0.5
    """
    allowed = Numbers(above=0)
    if _is_known(temperature):
        value = _value(temperature)
        check(allowed, temperature=value)
        temperature = min(float(value), _LARGEST)
    else:
        is_finite = (temperature > 0) & tf.math.is_finite(temperature)
        temperature = _required(is_finite, temperature, "temperature", allowed)
    # Where float32 has nothing as small or as large, the nearest that it has.
    return tf.clip_by_value(
        tf.cast(temperature, tf.float32), _SMALLEST, _LARGEST
    )


def _required(
    holds: tf.Tensor, value: tf.Tensor, name: str, allowed: Allowed
) -> tf.Tensor:
    """A value that only the running graph knows, which refuses it there."""
    return asserted(
        value, {f"{name} out of its range; allowed: {allowed}": holds}
    )


def _is_known(number: Any) -> bool:
    """Whether a number is known before the graph runs."""
    return not tf.is_tensor(number) or tf.get_static_value(number) is not None


def _value(number: Any) -> Any:
    """A number that is known, out of its tensor if it is in one."""
    return tf.get_static_value(number) if tf.is_tensor(number) else number


def banned_ids(ban_unknown: bool) -> list[int]:
    """Returns the ids that are not to be generated.

    Example:
        >>> banned_ids(True), banned_ids(False)
        ([1], [])
        >>> banned_ids("no")
        Traceback (most recent call last):
        ValueError: ban_unknown='no'; allowed: True, False
    """
    check(SWITCHES, ban_unknown=ban_unknown)
    return [UNKNOWN_ID] if ban_unknown else []


def forbid(
    log_scores: tf.Tensor, banned_ids: Sequence[int] | tf.Tensor
) -> tf.Tensor:
    """Sets the scores of padding, the start token and `banned_ids` to -inf.

    The models' own logits leave out padding and the start token already. Any
    other step may give them a score, and a decoder must not take them: padding
    is what follows the end.

    Args:
        log_scores: float [N, V], logits or log-probabilities.
        banned_ids: int [K], ids that are not to be generated.

    Returns:
        float [N, V].

    Example:
        >>> forbid(tf.zeros([1, 5]), banned_ids=[4]).numpy().tolist()
        [[-inf, 0.0, -inf, 0.0, -inf]]
    """
    banned_ids = tf.cast(banned_ids, tf.int32)
    return without_tokens(
        log_scores, tf.concat([NEVER_PREDICTED, banned_ids], axis=0)
    )


def num_rows(state: Any) -> tf.Tensor:
    """Returns N, the length of the leading axis of a nested state.

    Example:
        >>> int(num_rows({"cell": tf.zeros([3, 2]), "steps": tf.zeros([3])}))
        3
    """
    return tf.shape(tf.nest.flatten(state)[0])[0]


def with_shapes_of(state: Any, like: Any) -> Any:
    """Pins the static shapes of `state` to those of `like`.

    A loop in a graph insists that its variables keep their static shapes; a
    step may have lost what was known about them.

    Example:
        >>> with_shapes_of([tf.zeros([3, 2])], like=[tf.ones([3, 2])])[0].shape
        TensorShape([3, 2])
    """
    return tf.nest.map_structure(
        lambda new, old: tf.ensure_shape(new, old.shape), state, like
    )
