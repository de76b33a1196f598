"""Beam search with exact log-probabilities."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_textgen.decoding.common import (
    NextTokenLogits,
    checked_integer,
    forbid,
    num_rows,
    with_shapes_of,
)
from keras_textgen.tokens import END_ID, PAD_ID, START_ID


def beam_search(
    next_token_logits: NextTokenLogits,
    state: Any,
    *,
    beam_width: int = 5,
    max_length: int | tf.Tensor,
    max_lengths: tf.Tensor | None = None,
    banned_ids: Sequence[int] | tf.Tensor = (),
) -> tuple[tf.Tensor, tf.Tensor]:
    """Searches the most likely sequence with `beam_width` hypotheses.

    Every step extends the hypotheses that have not ended by every token, and
    keeps the `beam_width` most likely of these and of the ended ones. A row is
    done when its most likely hypothesis has ended, as extensions only lose
    probability. At `max_length` the others compete with their log-probability
    so far.

    The log-probability is the model's own, the sum of log softmax(logits) over
    the generated tokens, the end token included. It is neither normalized by
    length nor renormalized for the tokens that may not be generated: padding
    and the start token, to which the models of this package give no
    probability, and `banned_ids`.

    Args:
        next_token_logits: The model's step, `(tokens int32 [N], state) ->
            (logits [N, V], state)`; it is called with N * beam_width rows.
        state: The state before the start token, a nested structure of tensors
            with leading axis N.
        beam_width: How many hypotheses a row has; 1 is a greedy search.
        max_length: The largest number of tokens after the start token, the end
            token included; a number or a scalar tensor.
        max_lengths: The same of each row, int32 [N], none above `max_length`;
            None for `max_length` of all. A row is found as it would be alone.
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
    beams = _only_start(rows, width, max_length)
    state = tf.nest.map_structure(
        lambda part: tf.repeat(part, width, axis=0), state
    )

    def not_all_done(step: tf.Tensor, beams: _Beams, state: Any):
        del step, state
        return ~tf.reduce_all(beams.ended[:, 0])

    def extend(step: tf.Tensor, beams: _Beams, state: Any):
        last = tf.reshape(beams.tokens[:, :, step], [-1])
        logits, new_state = next_token_logits(last, state)
        scores = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        scores = forbid(scores, banned_ids)
        scores = tf.reshape(scores, [rows, width, tf.shape(logits)[-1]])
        new, parent = _extended(beams, scores, step + 1)
        if max_lengths is not None:
            is_cut = max_lengths[:, tf.newaxis] <= step + 1
            new = new._replace(ended=new.ended | is_cut)
        parent = tf.range(rows)[:, tf.newaxis] * width + parent
        parent = tf.reshape(parent, [-1])
        new_state = tf.nest.map_structure(
            lambda part: tf.gather(part, parent), new_state
        )
        return (
            step + 1,
            with_shapes_of(new, beams),
            with_shapes_of(new_state, state),
        )

    _, beams, _ = tf.while_loop(
        not_all_done,
        extend,
        (tf.constant(0), beams, state),
        maximum_iterations=max_length,
    )
    return beams.tokens[:, 0], beams.log_prob[:, 0]


class _Beams(NamedTuple):
    """The hypotheses of each row, the most likely first."""

    tokens: tf.Tensor  # [N, W, L]
    log_prob: tf.Tensor  # [N, W]
    ended: tf.Tensor  # [N, W]


def _only_start(
    rows: tf.Tensor, width: tf.Tensor, max_length: tf.Tensor
) -> _Beams:
    start = tf.where(tf.range(1 + max_length) == 0, START_ID, PAD_ID)
    # All hypotheses of a row are the same at first: only one may be extended.
    log_prob = tf.where(tf.range(width) == 0, 0.0, -math.inf)
    return _Beams(
        tokens=tf.tile(start[tf.newaxis, tf.newaxis], [rows, width, 1]),
        log_prob=tf.tile(log_prob[tf.newaxis], [rows, 1]),
        ended=tf.fill([rows, width], False),
    )


def _extended(
    beams: _Beams, scores: tf.Tensor, position: tf.Tensor
) -> tuple[_Beams, tf.Tensor]:
    """The best extensions by scores [N, W, V], and their parents [N, W]."""
    rows, width, vocabulary_size = tf.unstack(tf.shape(scores))
    # What has ended goes on with padding, which costs nothing.
    is_padding = tf.range(vocabulary_size) == PAD_ID
    unchanged = tf.where(is_padding, 0.0, -math.inf)
    scores = tf.where(beams.ended[:, :, tf.newaxis], unchanged, scores)
    scores += beams.log_prob[:, :, tf.newaxis]
    scores = tf.reshape(scores, [rows, width * vocabulary_size])
    log_prob, choice = tf.math.top_k(scores, width)
    parent = choice // vocabulary_size
    token = choice % vocabulary_size
    tokens = tf.gather(beams.tokens, parent, batch_dims=1)
    is_there = tf.range(tf.shape(tokens)[-1]) == position
    tokens = tf.where(is_there, token[:, :, tf.newaxis], tokens)
    ended = tf.gather(beams.ended, parent, batch_dims=1) | (token == END_ID)
    return _Beams(tokens, log_prob, ended), parent
