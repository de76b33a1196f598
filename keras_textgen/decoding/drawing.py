"""Drawing tokens: what is kept of a distribution, and one draw of each row."""

import math

import tensorflow as tf

from keras_textgen.decoding.common import checked_integer, checked_top_p

# Tokens whose probabilities are added up in float32 before float64 goes on.
_BLOCK = 128


def draw_tokens(logits: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Draws a token for each row, by the inverse of its distribution function.

    A row's token is a function of its own logits and number: not of the other
    rows, nor of the threads among which TensorFlow divides them, as that of
    `tf.random.stateless_categorical` is. Nothing is sorted, and nothing of
    float64 is as large as [N, V]: the sums of blocks of tokens say in which
    block the token lies, and only that block is looked at further.

    Args:
        logits: float [N, V]; the largest of each row is 0, so that none of
            their exponentials is infinite, nor all of a row 0.
        uniform: float64 [N], each in [0, 1).

    Returns:
        int32 [N]; no token whose logit is -inf.

    Example:
        >>> logits = tf.math.log([[0.5, 0.0, 1.0], [0.0, 1.0, 0.0]])
        >>> draw_tokens(logits, tf.constant([0.2, 0.9], tf.float64)).numpy()
        array([0, 1], dtype=int32)
    """
    mass = tf.exp(logits)
    missing = -tf.shape(mass)[1] % _BLOCK
    blocks = tf.reshape(
        tf.pad(mass, [[0, 0], [0, missing]]), [tf.shape(mass)[0], -1, _BLOCK]
    )
    of_blocks = tf.cast(tf.reduce_sum(blocks, axis=2), tf.float64)  # [N, V/128]
    up_to = tf.cumsum(of_blocks, axis=1)
    target = uniform * up_to[:, -1]
    block = _first_above(up_to, target)
    before = tf.gather(up_to - of_blocks, block, batch_dims=1)
    inside = tf.gather(blocks, block, batch_dims=1)  # [N, 128]
    token = _first_above(
        tf.cumsum(tf.cast(inside, tf.float64), axis=1), target - before
    )
    return block * _BLOCK + token


def _first_above(cumulative: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """The first place of each row where it is above the target, int32 [N].

    Where rounding leaves none, the last place that adds anything.
    """
    last = tf.reduce_max(cumulative, axis=1, keepdims=True)
    place = tf.reduce_sum(
        tf.cast(cumulative <= target[:, tf.newaxis], tf.int32), axis=1
    )
    end = tf.reduce_sum(tf.cast(cumulative < last, tf.int32), axis=1)
    # Below 0 by rounding, the first place that adds anything is meant.
    start = tf.reduce_sum(tf.cast(cumulative <= 0, tf.int32), axis=1)
    return tf.maximum(start, tf.minimum(place, end))


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
        size = tf.shape(logits)[-1]
        # Only as many as are asked for are sorted; equal ones come by id.
        ranked, ids = tf.math.top_k(
            logits, tf.where(top_k > 0, tf.minimum(top_k, size), size)
        )
        above = tf.cumsum(tf.nn.softmax(ranked), axis=-1, exclusive=True)
        # Rounding lets the sum reach 1 before the last token does.
        in_nucleus = (top_p >= 1.0) | (above < top_p)
        last = tf.reduce_sum(
            tf.cast(in_nucleus, tf.int32), axis=-1, keepdims=True
        )
        last = tf.maximum(last - 1, 0)
        lowest = tf.gather(ranked, last, batch_dims=1)  # [N, 1]
        highest_id = tf.gather(ids, last, batch_dims=1)
        is_tie = (logits == lowest) & (tf.range(size) <= highest_id)
        return tf.where((logits > lowest) | is_tie, logits, -math.inf)

    # A sort of the vocabulary is worth avoiding.
    is_needed = (top_k > 0) | (top_p < 1.0)
    return tf.cond(is_needed, filtered, lambda: tf.identity(logits))
