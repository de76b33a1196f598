"""Greedy decoding and random sampling: temperature, top-k and nucleus."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_textgen.decoding.common import (
    NextTokenLogits,
    checked_integer,
    checked_temperature,
    checked_top_p,
    forbid,
    num_rows,
    with_shapes_of,
)
from keras_textgen.tokens import END_ID, PAD_ID, START_ID


def greedy(
    next_token_logits: NextTokenLogits,
    state: Any,
    *,
    max_length: int | tf.Tensor,
    banned_ids: Sequence[int] | tf.Tensor = (),
) -> tf.Tensor:
    """Takes the most likely token at each step; ties go to the lower id.

    Padding and the start token are never generated.

    Args:
        next_token_logits: The model's step, `(tokens int32 [N], state) ->
            (logits [N, V], state)`.
        state: The state before the start token, a nested structure of tensors
            with leading axis N.
        max_length: The largest number of tokens after the start token, the end
            token included; a number or a scalar tensor.
        banned_ids: int [K], further ids that are not to be generated.

    Returns:
        int32 [N, 1 + max_length]: the start token, the generated tokens, the
        end token where it was reached, then padding.

    Raises:
        ValueError: If `max_length` is not a whole number of at least 1.

    Example:
        >>> logits = tf.constant([[0.0, 0.0, 0.0, 1.0, 2.0]])
        >>> def step(tokens, state):  # 4 first, then 3, the end token.
        ...     return logits - 2.0 * state * tf.one_hot(4, 5), state + 1.0
        >>> greedy(step, tf.zeros([1, 1]), max_length=4).numpy()
        array([[2, 4, 3, 0, 0]], dtype=int32)
    """

    def most_likely(logits: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        del step
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    return _decode(
        next_token_logits, state, most_likely, max_length, banned_ids
    )


def sample(
    next_token_logits: NextTokenLogits,
    state: Any,
    *,
    seed: Sequence[int] | tf.Tensor,
    max_length: int | tf.Tensor,
    temperature: float | tf.Tensor = 1.0,
    top_k: int | tf.Tensor = 0,
    top_p: float | tf.Tensor = 1.0,
    banned_ids: Sequence[int] | tf.Tensor = (),
    prefix: tf.Tensor | None = None,
) -> tf.Tensor:
    """Draws each token from the tempered and filtered distribution.

    Temperature comes first, then top-k, then the nucleus of what top-k left
    (see `filter_logits`). Padding and the start token are never generated. The
    draw is a function of the seed: generated token t uses
    `tf.random.fold_in(seed, t)`.

    Args:
        next_token_logits: The model's step, `(tokens int32 [N], state) ->
            (logits [N, V], state)`.
        state: The state before the start token, a nested structure of tensors
            with leading axis N.
        seed: int [2].
        max_length: The largest number of tokens after the start token, the end
            token included; a number or a scalar tensor.
        temperature: What logits are divided by; a number or a scalar tensor.
        top_k: How many of the most likely tokens stay, 0 for all; a number or a
            scalar tensor.
        top_p: The probability that the nucleus reaches, in (0, 1]; a number or
            a scalar tensor.
        banned_ids: int [K], further ids that are not to be generated.
        prefix: int32 [P], the first tokens of every text, which are not drawn;
            they count in `max_length`.

    Returns:
        int32 [N, 1 + max_length]: the start token, the generated tokens, the
        end token where it was reached, then padding.

    Raises:
        ValueError: If an argument whose value is known before the graph runs is
            out of its range.

    Example:
        >>> def step(tokens, state):
        ...     return tf.tile([[0.0, 0.0, 0.0, 0.0, 3.0]], [2, 1]), state
        >>> sample(step, tf.zeros([2, 1]), seed=[0, 1], max_length=3, top_k=1)
        <tf.Tensor: shape=(2, 4), dtype=int32, numpy=
        array([[2, 4, 4, 4],
               [2, 4, 4, 4]], dtype=int32)>
        >>> sample(
        ...     step, tf.zeros([2, 1]), seed=[0, 1], max_length=2, prefix=[1]
        ... ).numpy()[:, :2].tolist()
        [[2, 1], [2, 1]]
    """
    seed = tf.cast(seed, tf.int32)
    temperature = checked_temperature(temperature)
    top_k = checked_integer("top_k", top_k, minimum=0)
    top_p = checked_top_p(top_p)

    def draw(logits: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        # The largest at 0: divided by very little, others would be infinite.
        logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
        logits = filter_logits(logits / temperature, top_k, top_p)
        tokens = tf.random.stateless_categorical(
            logits, 1, tf.random.fold_in(seed, step), dtype=tf.int32
        )
        return tokens[:, 0]

    choose = draw if prefix is None else _after(prefix, draw)
    return _decode(next_token_logits, state, choose, max_length, banned_ids)


def filter_logits(
    logits: tf.Tensor,
    top_k: int | tf.Tensor = 0,
    top_p: float | tf.Tensor = 1.0,
) -> tf.Tensor:
    """Keeps the `top_k` most likely tokens, and of these the nucleus.

    The nucleus is the smallest set of most likely tokens whose probability,
    after top-k, reaches `top_p` (Holtzman et al. 2020, section 3.1). At least
    one token stays. Equal logits are ranked by id, so that exactly `top_k`
    tokens stay.

    Args:
        logits: float [N, V].
        top_k: int scalar, at least 0; 0 keeps all.
        top_p: float scalar in (0, 1]; 1 keeps all.

    Returns:
        float [N, V], -inf where the token was dropped.

    Raises:
        ValueError: If `top_k` or `top_p` is known and out of its range.

    Example:
        >>> logits = tf.math.log([[0.5, 0.1, 0.3, 0.1]])
        >>> tf.exp(filter_logits(logits, top_k=3)).numpy().round(1)
        array([[0.5, 0.1, 0.3, 0. ]], dtype=float32)
        >>> tf.exp(filter_logits(logits, top_p=0.6)).numpy().round(1)
        array([[0.5, 0. , 0.3, 0. ]], dtype=float32)
    """
    top_k = checked_integer("top_k", top_k, minimum=0)
    top_p = checked_top_p(top_p)

    def filtered() -> tf.Tensor:
        order = tf.argsort(logits, direction="DESCENDING")
        rank = tf.argsort(order)
        in_top_k = (top_k == 0) | (rank < top_k)
        kept = tf.where(in_top_k, logits, -math.inf)
        sorted_probs = tf.gather(tf.nn.softmax(kept), order, batch_dims=1)
        above = tf.cumsum(sorted_probs, axis=-1, exclusive=True)
        # Rounding lets the sum reach 1 before the last token does.
        in_nucleus = (top_p >= 1.0) | (above < top_p)
        in_nucleus = tf.gather(in_nucleus, rank, batch_dims=1)
        return tf.where(in_nucleus, kept, -math.inf)

    # Two sorts of the vocabulary are worth avoiding.
    is_needed = (top_k > 0) | (top_p < 1.0)
    return tf.cond(is_needed, filtered, lambda: tf.identity(logits))


def _after(
    prefix: tf.Tensor, draw: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Chooses the tokens of a prefix [P], and draws those after it."""
    prefix = tf.cast(prefix, tf.int32)
    length = tf.shape(prefix)[0]
    forced = tf.concat([prefix, [PAD_ID]], axis=0)

    def choose(logits: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        given = forced[tf.minimum(step, length)]
        return tf.where(step < length, given, draw(logits, step))

    return choose


def _decode(
    next_token_logits: NextTokenLogits,
    state: Any,
    choose: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    max_length: int | tf.Tensor,
    banned_ids: Sequence[int] | tf.Tensor,
) -> tf.Tensor:
    """Runs the loop; `choose(logits [N, V], step)` gives the tokens [N]."""
    max_length = checked_integer("max_length", max_length, minimum=1)
    rows = num_rows(state)
    position = tf.range(1 + max_length)
    start = tf.where(position == 0, START_ID, PAD_ID)
    tokens = tf.tile(start[tf.newaxis], [rows, 1])
    last = tf.fill([rows], START_ID)
    ended = tf.fill([rows], False)

    def not_all_ended(
        step: tf.Tensor,
        last: tf.Tensor,
        ended: tf.Tensor,
        tokens: tf.Tensor,
        state: Any,
    ):
        del step, last, tokens, state
        return ~tf.reduce_all(ended)

    def generate_one(
        step: tf.Tensor,
        last: tf.Tensor,
        ended: tf.Tensor,
        tokens: tf.Tensor,
        state: Any,
    ):
        logits, new_state = next_token_logits(last, state)
        logits = forbid(tf.cast(logits, tf.float32), banned_ids)
        last = tf.where(ended, PAD_ID, choose(logits, step))
        tokens = tf.where(position == step + 1, last[:, tf.newaxis], tokens)
        ended = ended | (last == END_ID)
        return step + 1, last, ended, tokens, with_shapes_of(new_state, state)

    _, _, _, tokens, _ = tf.while_loop(
        not_all_ended,
        generate_one,
        (tf.constant(0), last, ended, tokens, state),
        maximum_iterations=max_length,
    )
    return tokens
