"""Normal form C by TensorFlow alone, for SavedModels."""

from __future__ import annotations

import tensorflow as tf

from keras_textgen.data.characters import (
    HANGUL_FINALS,
    HANGUL_SYLLABLES,
    HANGUL_VOWELS,
    JOINERS,
    composition,
    invisible_class,
    unusual_pattern,
)

_WORD = r"\p{L}\p{M}\p{N}"
# A mark beyond so many on one letter is composed with none: the limit of
# Unicode's stream-safe text (UAX #15, section 13), which bounds the memory.
_LONGEST = 32


def normalize_in_graph(texts: tf.Tensor) -> tf.Tensor:
    r"""`normalize_text` inside the graph; zero bytes become spaces.

    Texts without marks that compose, format characters and the like are
    looked through once and stay as they are.

    Args:
        texts: strings, shape `[batch]`.

    Returns:
        strings `[batch]`.

    Example:
        >>> texts = tf.constant(["cafe\u0301s\u00ad", "a\0b"])
        >>> normalize_in_graph(texts).numpy().tolist()
        [b'caf\xc3\xa9s', b'a b']
    """
    texts = tf.strings.regex_replace(texts, r"\x00", " ")
    # \C is a byte: what is no UTF-8 must not hide what comes after it.
    unusual = tf.strings.regex_full_match(
        texts, rf"(?s)\C*(?:{unusual_pattern()})\C*"
    )
    return tf.cond(
        tf.reduce_any(unusual),
        lambda: _normalize_rows(texts, unusual),
        lambda: texts,
    )


def without_accents(texts: tf.Tensor) -> tf.Tensor:
    r"""Texts in normal form D, without their marks that take no space.

    Args:
        texts: strings, shape `[batch]`.

    Returns:
        strings `[batch]`.

    Example:
        >>> without_accents(
        ...     tf.constant(["cr\u00e8me", "\uac01"])
        ... ).numpy().tolist()
        [b'creme', b'\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8']
    """
    # Strings are on the host, and so is all that is done to their characters.
    with tf.device("CPU:0"):
        decoded = tf.strings.unicode_decode(texts, "UTF-8")
        parts = _syllable_parts(_decomposed(decoded.flat_values))
        codes = tf.ragged.boolean_mask(parts, parts > 0)
        codes = decoded.with_values(codes).merge_dims(1, 2)
        texts = tf.strings.unicode_encode(codes, "UTF-8")
        return tf.strings.regex_replace(texts, r"\p{Mn}", "")


def _syllable_parts(parts: tf.Tensor) -> tf.Tensor:
    """Code points [N, 4], syllables of Hangul as their letters.

    The Unicode Standard, section 3.12; see `_composites`.
    """
    syllables, num_syllables = HANGUL_SYLLABLES
    vowels, num_vowels = HANGUL_VOWELS
    finals, num_finals = HANGUL_FINALS
    place = parts[:, 0] - syllables
    pair, final = place // (num_finals + 1), place % (num_finals + 1)
    letters = [
        0x1100 + pair // num_vowels,
        vowels + pair % num_vowels,
        tf.where(final > 0, finals + final - 1, 0),
        tf.zeros_like(place),
    ]
    is_syllable = _below(place, num_syllables)[:, tf.newaxis]
    return tf.where(is_syllable, tf.stack(letters, axis=1), parts)


# Strings are on the host, and so is all that is done to their characters.
@tf.function(
    autograph=False,
    input_signature=[
        tf.TensorSpec([None], tf.string),
        tf.TensorSpec([None], tf.bool),
    ],
)
def _normalize_rows(texts: tf.Tensor, unusual: tf.Tensor) -> tf.Tensor:
    with tf.device("CPU:0"):
        rows = tf.where(unusual)
        changed = tf.boolean_mask(texts, unusual)
        for pattern, replacement in (
            (invisible_class(), ""),
            (rf"(^|[^{_WORD}{JOINERS}])[{JOINERS}]+", r"\1"),
            (rf"[{JOINERS}]+([^{_WORD}{JOINERS}]|$)", r"\1"),
        ):
            changed = tf.strings.regex_replace(changed, pattern, replacement)
        return tf.tensor_scatter_nd_update(texts, rows, _composed(changed))


def _composed(texts: tf.Tensor) -> tf.Tensor:
    """Normal form C of texts (UAX #15): decompose, order, compose."""
    decoded = tf.strings.unicode_decode(texts, "UTF-8")
    parts = _decomposed(decoded.flat_values)
    is_part = parts > 0
    codes = tf.boolean_mask(parts, is_part)
    counts = tf.math.count_nonzero(is_part, axis=1)
    rows = tf.repeat(decoded.value_rowids(), counts)
    is_first = tf.concat([[True], rows[1:] != rows[:-1]], 0)[: tf.size(rows)]
    classes = _classes(codes)
    # Marks stand behind their letter in the order of their classes.
    letters = tf.cumsum(tf.cast(is_first | (classes == 0), tf.int64))
    keys = 256 * letters + tf.cast(classes, tf.int64)
    order = tf.cond(
        tf.reduce_all(keys[1:] >= keys[:-1]),
        lambda: tf.range(tf.size(keys)),
        lambda: tf.argsort(keys, stable=True),
    )
    codes, classes = tf.gather(codes, order), tf.gather(classes, order)
    seconds = tf.constant(composition().seconds)
    begins = is_first | ((classes == 0) & ~_find(seconds, codes)[1])
    codes = _composed_clusters(codes, classes, begins)
    kept = codes > 0
    composed = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(codes, kept),
        tf.boolean_mask(rows, kept),
        nrows=decoded.nrows(),
    )
    return tf.strings.unicode_encode(composed, "UTF-8")


def _composed_clusters(
    codes: tf.Tensor, classes: tf.Tensor, begins: tf.Tensor
) -> tf.Tensor:
    """Code points [N], 0 for those that went into the one before them."""
    places = tf.range(tf.size(codes))
    firsts = tf.gather(tf.boolean_mask(places, begins), _numbers(begins))
    begins |= (places - firsts) % _LONGEST == 0
    numbers = _numbers(begins)
    lengths = tf.math.bincount(numbers)
    several = lengths > 1
    clusters = [
        tf.ragged.boolean_mask(
            tf.RaggedTensor.from_row_lengths(each, lengths), several
        ).to_tensor()
        for each in (codes, classes)
    ]
    mask = tf.sequence_mask(tf.boolean_mask(lengths, several))
    composed = tf.boolean_mask(_compose(*clusters), mask)
    return tf.tensor_scatter_nd_update(
        codes, tf.where(tf.gather(several, numbers)), composed
    )


def _numbers(begins: tf.Tensor) -> tf.Tensor:
    return tf.cumsum(tf.cast(begins, tf.int32)) - 1


def _compose(codes: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Letters with their marks, [clusters, places], each composed.

    Place by place, a mark goes into the letter if the two are a pair and
    nothing between them keeps them apart.
    """
    columns = tf.range(tf.shape(codes)[1])

    def step(
        place: tf.Tensor,
        codes: tf.Tensor,
        letters: tf.Tensor,
        at: tf.Tensor,
        last: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        code, kind = codes[:, place], classes[:, place]
        composites = _composites(letters, code)
        goes_in = (composites > 0) & ((last < kind) | (last == 0))
        is_letter = (kind == 0) & (code > 0) & ~goes_in
        letters = tf.where(goes_in, composites, letters)
        letters = tf.where(is_letter, code, letters)
        at = tf.where(is_letter, place, at)
        last = tf.where(goes_in, last, kind)
        code = tf.where(goes_in, 0, code)
        codes = tf.where(columns == place, code[:, tf.newaxis], codes)
        is_there = columns == at[:, tf.newaxis]
        codes = tf.where(is_there, letters[:, tf.newaxis], codes)
        return place + 1, codes, letters, at, last

    none = tf.zeros(tf.shape(codes)[:1], tf.int32)
    _, codes, *_ = tf.while_loop(
        lambda place, *_: place < tf.size(columns),
        step,
        (0, codes, none, none - 1, none),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, None]),
            *(3 * [tf.TensorShape([None])]),
        ),
    )
    return codes


def _composites(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """What pairs of code points are composed to; 0 for nothing."""
    pairs = tf.bitwise.left_shift(tf.cast(first, tf.int64), 21)
    pairs += tf.cast(second, tf.int64)
    tables = composition()
    place, is_pair = _find(tf.constant(tables.pairs), pairs)
    composites = tf.where(is_pair, tf.gather(tables.composites, place), 0)
    # Hangul (The Unicode Standard, section 3.12): 19 initials, 21 vowels and
    # 27 finals or none, in this order.
    syllables, _ = HANGUL_SYLLABLES
    vowels, num_vowels = HANGUL_VOWELS
    finals, num_finals = HANGUL_FINALS
    initial, vowel, final = first - 0x1100, second - vowels, second - finals
    with_vowel = syllables + (initial * num_vowels + vowel) * (num_finals + 1)
    takes_vowel = _below(initial, 19) & _below(vowel, num_vowels)
    composites = tf.where(takes_vowel, with_vowel, composites)
    syllable = first - syllables
    takes_final = (
        _below(syllable, HANGUL_SYLLABLES[1])
        & (syllable % (num_finals + 1) == 0)
        & _below(final, num_finals)
    )
    return tf.where(takes_final, first + final + 1, composites)


def _below(numbers: tf.Tensor, limit: int) -> tf.Tensor:
    return (numbers >= 0) & (numbers < limit)


def _decomposed(codes: tf.Tensor) -> tf.Tensor:
    """Full decompositions [N, 4] of code points [N], 0 where shorter."""
    tables = composition()
    place, found = _find(tf.constant(tables.decomposed), codes)
    alone = tf.pad(codes[:, tf.newaxis], [[0, 0], [0, 3]])
    return tf.where(found[:, tf.newaxis], tf.gather(tables.parts, place), alone)


def _classes(codes: tf.Tensor) -> tf.Tensor:
    """Canonical combining classes."""
    tables = composition()
    place, found = _find(tf.constant(tables.combining), codes)
    return tf.where(found, tf.gather(tables.classes, place), 0)


def _find(table: tf.Tensor, keys: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Places of keys in an increasing table, and whether they are there."""
    place = tf.minimum(tf.searchsorted(table, keys), tf.size(table) - 1)
    return place, tf.gather(table, place) == keys
