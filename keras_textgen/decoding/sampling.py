"""Greedy decoding and random sampling: temperature, top-k and nucleus."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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
from keras_textgen.decoding.drawing import draw_tokens, filter_logits
from keras_textgen.tokens import END_ID, PAD_ID, START_ID

_Choice = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""`(logits [M, V], step, rows [M]) -> tokens [M]`."""


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

    def most_likely(logits: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
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
    draw is a function of seed, row and place: token t of row n uses number n of
    `tf.random.fold_in(seed, t)`, however many rows and threads there are.

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

    num_texts = num_rows(state)

    def draw(logits: tf.Tensor, step: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        # The largest at 0: divided by very little, others would be infinite.
        logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
        logits = filter_logits(logits / temperature, top_k, top_p)
        # Of all rows, so that a row's number is one however many are left.
        uniform = tf.random.stateless_uniform(
            [num_texts], tf.random.fold_in(seed, step), dtype=tf.float64
        )
        return draw_tokens(logits, tf.gather(uniform, rows))

    choose = draw if prefix is None else _after(prefix, draw)
    return _decode(next_token_logits, state, choose, max_length, banned_ids)


def _after(prefix: tf.Tensor, draw: _Choice) -> _Choice:
    """Chooses the tokens of a prefix [P], and draws those after it."""
    prefix = tf.cast(prefix, tf.int32)
    length = tf.shape(prefix)[0]
    forced = tf.concat([prefix, [PAD_ID]], axis=0)

    def choose(
        logits: tf.Tensor, step: tf.Tensor, rows: tf.Tensor
    ) -> tf.Tensor:
        given = forced[tf.minimum(step, length)]
        return tf.where(step < length, given, draw(logits, step, rows))

    return choose


def _decode(
    next_token_logits: NextTokenLogits,
    state: Any,
    choose: _Choice,
    max_length: int | tf.Tensor,
    banned_ids: Sequence[int] | tf.Tensor,
) -> tf.Tensor:
    """Runs the loop, which texts leave some time after they have ended."""
    max_length = checked_integer("max_length", max_length, minimum=1)
    texts = num_rows(state)
    position = tf.range(1 + max_length)
    start = tf.where(position == 0, START_ID, PAD_ID)
    tokens = tf.tile(start[tf.newaxis], [texts, 1])

    def not_all_ended(step: tf.Tensor, tokens: tf.Tensor, going: _Going):
        del step, tokens
        return ~tf.reduce_all(going.ended)

    def generate_one(step: tf.Tensor, tokens: tf.Tensor, going: _Going):
        going = _without_ended(going)
        logits, state = next_token_logits(going.last, going.state)
        logits = forbid(tf.cast(logits, tf.float32), banned_ids)
        last = choose(logits, step, going.rows)
        last = tf.where(going.ended, PAD_ID, last)
        column = tf.scatter_nd(going.rows[:, tf.newaxis], last, [texts])
        tokens = tf.where(position == step + 1, column[:, tf.newaxis], tokens)
        going = going._replace(
            last=last,
            ended=going.ended | (last == END_ID),
            state=with_shapes_of(state, going.state),
        )
        return step + 1, tokens, going

    going = _Going(
        tf.range(texts),
        tf.fill([texts], START_ID),
        tf.fill([texts], False),
        state,
    )
    first = (tf.constant(0), tokens, going)
    _, tokens, _ = tf.while_loop(
        not_all_ended,
        generate_one,
        first,
        shape_invariants=(
            tf.TensorShape([]),
            tokens.shape,
            tf.nest.map_structure(_of_any_rows, going),
        ),
        maximum_iterations=max_length,
    )
    return tokens


class _Going(NamedTuple):
    """The M of all N texts that have not left the loop.

    Attributes:
        rows: Which of the texts they are, int32 [M].
        last: Their last tokens, int32 [M].
        ended: Whether they have ended, bool [M].
        state: The model's, a nested structure with leading axis M.
    """

    rows: tf.Tensor
    last: tf.Tensor
    ended: tf.Tensor
    state: Any


def _without_ended(going: _Going) -> _Going:
    """Drops the texts that have ended, once they are a quarter of those left.

    Each time costs a copy of the state, which thus stays below the steps that
    it saves.
    """
    kept = tf.where(~going.ended)[:, 0]
    is_due = 4 * tf.size(kept) <= 3 * tf.size(going.ended)

    def smaller() -> _Going:
        return tf.nest.map_structure(lambda each: tf.gather(each, kept), going)

    return tf.cond(is_due, smaller, lambda: going)


def _of_any_rows(tensor: tf.Tensor) -> tf.TensorShape:
    """The static shape of a tensor whose leading axis is to shrink."""
    return tf.TensorShape([None]).concatenate(tensor.shape[1:])
