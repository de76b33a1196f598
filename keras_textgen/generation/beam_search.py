"""Beam search with exact log-probabilities."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_textgen.data.vocabulary import END_ID, PAD_ID, START_ID
from keras_textgen.generation.common import (
    NextTokenLogits,
    checked_integer,
    forbid,
    num_rows,
    with_shapes_of,
)


def beam_search(
    next_token_logits: NextTokenLogits,
    state: Any,
    *,
    beam_width: int = 5,
    max_length: int | tf.Tensor,
    banned_ids: Sequence[int] | tf.Tensor = (),
) -> tuple[tf.Tensor, tf.Tensor]:
    """Searches the most likely sequence with `beam_width` open prefixes.

    Every step extends the open prefixes by every token and keeps the
    `beam_width` most likely of the extensions that do not end. The best
    sequence that ended is kept beside them, so that no later prefix pushes it
    out. A row is done when its best ended sequence is at least as likely as
    its best open prefix: extensions only lose probability. At `max_length`
    the open prefixes compete with their log-probability so far.

    The log-probability is the model's own, the sum of log softmax(logits) over
    the generated tokens, the end token included. It is neither normalized by
    length nor renormalized for the tokens that may not be generated: padding,
    the start token and `banned_ids`.

    Args:
        next_token_logits: The model's step, `(tokens int32 [N], state) ->
            (logits [N, V], state)`; it is called with N * beam_width rows.
        state: The state before the start token, a nested structure of tensors
            with leading axis N.
        beam_width: How many open prefixes a row has; 1 is a greedy search that
            may stop at an earlier end.
        max_length: The largest number of tokens after the start token, the end
            token included; a number or a scalar tensor.
        banned_ids: int [K], further ids that are not to be generated.

    Returns:
        tokens: int32 [N, 1 + max_length]: the start token, the generated
            tokens, the end token where it was reached, then padding.
        log_prob: float32 [N], the log-probability of each row of tokens, nats.

    Raises:
        ValueError: If `beam_width` or `max_length` is not a whole number of at
            least 1.

    Example:
        >>> logits = tf.math.log([[0.0, 0.0, 0.0, 0.4, 0.6]])
        >>> def step(tokens, state):
        ...     return tf.repeat(logits, tf.shape(tokens)[0], axis=0), state
        >>> tokens, log_prob = beam_search(step, tf.zeros([1, 1]), max_length=3)
        >>> tokens.numpy()
        array([[2, 3, 0, 0]], dtype=int32)
        >>> tf.exp(log_prob).numpy().round(2)
        array([0.4], dtype=float32)
    """
    width = checked_integer("beam_width", beam_width, minimum=1)
    max_length = checked_integer("max_length", max_length, minimum=1)
    rows = num_rows(state)
    found = _only_start(rows, width, max_length)
    state = tf.nest.map_structure(
        lambda part: tf.repeat(part, width, axis=0), state
    )

    def not_all_done(step: tf.Tensor, found: _Found, state: Any):
        del step, state
        best_open = found.open_log_prob[:, 0]
        return tf.reduce_any(best_open > found.ended_log_prob)

    def extend(step: tf.Tensor, found: _Found, state: Any):
        last = tf.reshape(found.open_tokens[:, :, step], [-1])
        logits, new_state = next_token_logits(last, state)
        scores = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        scores = forbid(scores, banned_ids)
        scores = tf.reshape(scores, [rows, width, tf.shape(logits)[-1]])
        scores += found.open_log_prob[:, :, tf.newaxis]
        found = _with_best_ended(found, scores, step + 1)
        found, parent = _with_best_open(found, scores, step + 1)
        parent = tf.range(rows)[:, tf.newaxis] * width + parent
        parent = tf.reshape(parent, [-1])
        new_state = tf.nest.map_structure(
            lambda part: tf.gather(part, parent), new_state
        )
        return step + 1, found, with_shapes_of(new_state, state)

    _, found, _ = tf.while_loop(
        not_all_done,
        extend,
        (tf.constant(0), found, state),
        maximum_iterations=max_length,
    )
    return _best(found)


class _Found(NamedTuple):
    """What the search has found; open prefixes are sorted, best first."""

    open_tokens: tf.Tensor  # [N, W, L]
    open_log_prob: tf.Tensor  # [N, W]
    ended_tokens: tf.Tensor  # [N, L]
    ended_log_prob: tf.Tensor  # [N]


def _only_start(
    rows: tf.Tensor, width: tf.Tensor, max_length: tf.Tensor
) -> _Found:
    start = tf.where(tf.range(1 + max_length) == 0, START_ID, PAD_ID)
    # All prefixes of a row are the same at first: only one may be extended.
    log_prob = tf.where(tf.range(width) == 0, 0.0, -math.inf)
    return _Found(
        open_tokens=tf.tile(start[tf.newaxis, tf.newaxis], [rows, width, 1]),
        open_log_prob=tf.tile(log_prob[tf.newaxis], [rows, 1]),
        ended_tokens=tf.tile(start[tf.newaxis], [rows, 1]),
        ended_log_prob=tf.fill([rows], -math.inf),
    )


def _with_best_ended(
    found: _Found, scores: tf.Tensor, position: tf.Tensor
) -> _Found:
    """Compares the best prefix that ends now with the best ended so far."""
    scores = scores[:, :, END_ID]
    best = tf.argmax(scores, axis=1)
    log_prob = tf.reduce_max(scores, axis=1)
    tokens = tf.gather(found.open_tokens, best, batch_dims=1)
    tokens = _written(tokens, position, END_ID)
    is_better = log_prob > found.ended_log_prob
    return found._replace(
        ended_tokens=tf.where(
            is_better[:, tf.newaxis], tokens, found.ended_tokens
        ),
        ended_log_prob=tf.maximum(log_prob, found.ended_log_prob),
    )


def _with_best_open(
    found: _Found, scores: tf.Tensor, position: tf.Tensor
) -> tuple[_Found, tf.Tensor]:
    """Returns the best extensions that do not end, and their parents [N, W]."""
    rows, width, vocabulary_size = tf.unstack(tf.shape(scores))
    scores = tf.where(tf.range(vocabulary_size) == END_ID, -math.inf, scores)
    scores = tf.reshape(scores, [rows, width * vocabulary_size])
    log_prob, choice = tf.math.top_k(scores, width)
    parent = choice // vocabulary_size
    token = choice % vocabulary_size
    tokens = tf.gather(found.open_tokens, parent, batch_dims=1)
    tokens = _written(tokens, position, token[:, :, tf.newaxis])
    return found._replace(open_tokens=tokens, open_log_prob=log_prob), parent


def _written(
    tokens: tf.Tensor, position: tf.Tensor, token: int | tf.Tensor
) -> tf.Tensor:
    """Writes `token` at one position of the last axis."""
    is_there = tf.range(tf.shape(tokens)[-1]) == position
    return tf.where(is_there, token, tokens)


def _best(found: _Found) -> tuple[tf.Tensor, tf.Tensor]:
    """Lets the ended sequence compete with the best open prefix."""
    log_prob = found.open_log_prob[:, 0]
    is_open = log_prob > found.ended_log_prob
    tokens = tf.where(
        is_open[:, tf.newaxis], found.open_tokens[:, 0], found.ended_tokens
    )
    return tokens, tf.maximum(log_prob, found.ended_log_prob)
