"""Which token ids are refused, of arrays and inside the graph."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.tokens import PAD_ID, START_ID


def check_known_ids(ids: np.ndarray, vocabulary_size: int) -> None:
    """Refuses ids of padding, which has its own place, and unknown ids.

    Args:
        ids: integers, without the padding on the right.
        vocabulary_size: ids are below it.

    Raises:
        ValueError: an id is not allowed.

    Example:
        >>> check_known_ids(np.array([2, 4, 9]), vocabulary_size=5)
        Traceback (most recent call last):
        ValueError: token id 9; allowed: 1 to 4, and 0 on the right
    """
    outside = ids[(ids <= PAD_ID) | (ids >= vocabulary_size)]
    if len(outside):
        raise refused(
            f"token id {outside[0]}",
            f"1 to {vocabulary_size - 1}, and {PAD_ID} on the right",
        )


def checked_tokens(tokens: tf.Tensor, vocabulary_size: int) -> tf.Tensor:
    """Refuses the token ids inside the graph that arrays are refused for.

    Args:
        tokens: integers `[batch, time]`.
        vocabulary_size: ids are below it.

    Returns:
        int32 `[batch, time]`.

    Raises:
        tf.errors.InvalidArgumentError: padding before a token, an id outside
            the vocabulary, a row of fewer than 2 tokens, or a start token
            inside of one.

    Example:
        >>> checked_tokens(tf.constant([[2, 4, 3, 0]]), 5).numpy().tolist()
        [[2, 4, 3, 0]]
    """
    tokens = checked_ids(tokens, vocabulary_size)
    rules = {
        "a row of fewer than 2 tokens; allowed: 2 or more, the start and end "
        "tokens among them": tf.math.count_nonzero(tokens, axis=1) >= 2,
        f"the id {START_ID} of the start token after the first token; "
        "allowed: as the first token": tokens[:, 1:] != START_ID,
    }
    return asserted(tokens, rules)


def checked_ids(ids: tf.Tensor, vocabulary_size: int) -> tf.Tensor:
    """Refuses ids outside the vocabulary, and padding before an id.

    Args:
        ids: integers `[..., time]`.
        vocabulary_size: ids are below it.

    Returns:
        int32 `[..., time]`.

    Raises:
        tf.errors.InvalidArgumentError: there is such an id.

    Example:
        >>> checked_ids(tf.constant([[0, 4]]), vocabulary_size=5)
        Traceback (most recent call last):
        tensorflow.python.framework.errors_impl.InvalidArgumentError: ...
    """
    is_padding = ids == PAD_ID
    rules = {
        f"a token id outside the vocabulary; allowed: 1 to "
        f"{vocabulary_size - 1}, and {PAD_ID} on the right": (
            (ids >= PAD_ID) & (ids < vocabulary_size)
        ),
        f"the padding id {PAD_ID} before a token; allowed: padding on the "
        "right": ~is_padding[..., :-1] | is_padding[..., 1:],
    }
    return asserted(tf.cast(ids, tf.int32), rules)


def asserted(values: tf.Tensor, rules: dict[str, tf.Tensor]) -> tf.Tensor:
    """Refuses values inside the graph.

    Args:
        values: any tensor.
        rules: what is wrong and what is allowed, with where it is right,
            booleans of any shape.

    Returns:
        The values.

    Raises:
        tf.errors.InvalidArgumentError: with the message of a rule that does
            not hold everywhere.

    Example:
        >>> x = tf.constant([3, 4])
        >>> asserted(x, {"a number below 0; allowed: others": x >= 0}).numpy()
        array([3, 4], dtype=int32)
    """
    with tf.control_dependencies(
        [
            tf.debugging.assert_equal(tf.reduce_all(holds), True, message)
            for message, holds in rules.items()
        ]
    ):
        return tf.identity(values)
