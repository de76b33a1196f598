"""Beam search against brute force over every sequence of a tiny vocabulary."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.decoding.beam_search import beam_search
from keras_textgen.decoding.sampling import greedy
from keras_textgen.tokens import END_ID, PAD_ID, START_ID

ROWS = 3
VOCABULARY = 6
LENGTH = 4
LENGTH_SPEC = tf.TensorSpec([], tf.int32)


@pytest.fixture
def tables() -> np.ndarray:
    """Logits [row, step, last token, next token]."""
    rng = np.random.default_rng(5)
    shape = [ROWS, LENGTH, VOCABULARY, VOCABULARY]
    return (2.0 * rng.standard_normal(shape)).astype(np.float32)


def step_of(tables):
    """A model whose nested state says which table a row reads, and where."""

    def step(tokens, state):
        index = tf.stack([state["row"], state["time"][0][:, 0], tokens], axis=1)
        time = (state["time"][0] + 1,)
        return tf.gather_nd(tables, index), {**state, "time": time}

    return step


def first_state(rows=ROWS):
    return {"row": tf.range(rows), "time": (tf.zeros([rows, 1], tf.int32),)}


def log_prob_of(table, sequence) -> float:
    """The log-probability of the tokens after the start token."""
    total = 0.0
    last = START_ID
    for position, token in enumerate(sequence):
        logits = table[position, last].astype(np.float64)
        total += logits[token] - np.log(np.sum(np.exp(logits)))
        last = token
    return total


def all_sequences(allowed, length):
    """Every sequence that ends, and every one cut off at `length`."""
    words = [token for token in allowed if token != END_ID]
    ends = [(END_ID,)] if END_ID in allowed else []
    for size in range(length):
        for prefix in itertools.product(words, repeat=size):
            yield from (prefix + end for end in ends)
    yield from itertools.product(words, repeat=length)


def brute_force(table, allowed, length):
    """The most likely sequence [1 + length] and its log-probability."""
    best = max(
        all_sequences(allowed, length), key=lambda s: log_prob_of(table, s)
    )
    padded = [START_ID, *best] + [PAD_ID] * (length - len(best))
    return padded, log_prob_of(table, best)


@pytest.mark.parametrize("length", [1, 2, 3, LENGTH])
@pytest.mark.parametrize("banned", [[], [1], [1, 5], [END_ID]])
def test_wide_beam_finds_what_brute_force_finds(tables, length, banned):
    allowed = [i for i in (1, END_ID, 4, 5) if i not in banned]
    tokens, log_prob = beam_search(
        step_of(tables),
        first_state(),
        beam_width=VOCABULARY ** (length - 1),
        max_length=length,
        banned_ids=banned,
    )
    for row in range(ROWS):
        expected = brute_force(tables[row], allowed, length)
        assert tokens[row].numpy().tolist() == expected[0]
        assert float(log_prob[row]) == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_log_prob_is_that_of_the_tokens(tables, width):
    tokens, log_prob = beam_search(
        step_of(tables), first_state(), beam_width=width, max_length=LENGTH
    )
    for row in range(ROWS):
        generated = [int(i) for i in tokens[row, 1:] if i != PAD_ID]
        expected = log_prob_of(tables[row], generated)
        assert float(log_prob[row]) == pytest.approx(expected, abs=1e-5)


def test_ended_hypothesis_competes_with_longer_ones():
    # The ended sequence is second after the first step (0.31 beside 0.4); the
    # open prefix then splits into 0.16 and less.
    first = [0.0, 0.0, 0.0, 0.31, 0.4, 0.29]
    later = [0.0, 0.0, 0.0, 0.2, 0.4, 0.4]
    tables = np.log(np.array([[[first] * 6, [later] * 6, [later] * 6]]) + 1e-9)
    tokens, log_prob = beam_search(
        step_of(tables.astype(np.float32)),
        first_state(rows=1),
        beam_width=2,
        max_length=3,
    )
    assert tokens.numpy().tolist() == [[START_ID, END_ID, PAD_ID, PAD_ID]]
    assert float(tf.exp(log_prob[0])) == pytest.approx(0.31, abs=1e-5)


def test_unlikely_end_does_not_take_the_place_of_a_likely_prefix():
    # Ending at once (0.2) beats every longer sequence, but is not among the
    # two best hypotheses after the first step.
    first = [0.0, 0.0, 0.0, 0.2, 0.42, 0.38]
    later = [0.0, 0.0, 0.0, 0.4, 0.3, 0.3]
    tables = np.log(np.array([[[first] * 6, [later] * 6, [later] * 6]]) + 1e-9)
    tokens, _ = beam_search(
        step_of(tables.astype(np.float32)),
        first_state(rows=1),
        beam_width=2,
        max_length=3,
    )
    assert tokens.numpy().tolist() == [[START_ID, 4, END_ID, PAD_ID]]


def test_open_prefix_wins_at_the_cap_if_likelier():
    tables = np.zeros([1, 2, VOCABULARY, VOCABULARY], np.float32)
    tables[..., 4] = 5.0
    tokens, _ = beam_search(step_of(tables), first_state(1), max_length=2)
    assert tokens.numpy().tolist() == [[START_ID, 4, 4]]


def test_vocabulary_smaller_than_the_beam():
    tables = np.zeros([1, 3, 4, 4], np.float32)
    tables[..., END_ID] = [-2.0]
    tokens, log_prob = beam_search(
        step_of(tables),
        first_state(1),
        beam_width=50,
        max_length=3,
        banned_ids=[1],
    )
    assert tokens.numpy().tolist() == [[START_ID, END_ID, PAD_ID, PAD_ID]]
    expected = -2.0 - np.log(3.0 + np.exp(-2.0))
    assert float(log_prob[0]) == pytest.approx(expected, abs=1e-6)


def test_rows_do_not_depend_on_each_other(tables):
    together, _ = beam_search(step_of(tables), first_state(), max_length=LENGTH)
    for row in range(ROWS):
        alone, _ = beam_search(
            step_of(tables[row : row + 1]), first_state(1), max_length=LENGTH
        )
        assert alone[0].numpy().tolist() == together[row].numpy().tolist()


def test_rows_have_lengths_of_their_own(tables):
    lengths = [2, LENGTH, 1]
    together = beam_search(
        step_of(tables),
        first_state(),
        max_length=LENGTH,
        max_lengths=tf.constant(lengths),
        banned_ids=[END_ID],
    )
    for row, length in enumerate(lengths):
        alone = beam_search(
            step_of(tables[row : row + 1]),
            first_state(1),
            max_length=length,
            banned_ids=[END_ID],
        )
        found = together[0][row].numpy().tolist()
        padding = [PAD_ID] * (LENGTH - length)
        assert found == alone[0][0].numpy().tolist() + padding
        assert float(together[1][row]) == float(alone[1][0])


@pytest.mark.parametrize("banned", [[], [END_ID], [4]])
def test_beam_of_one_is_greedy(tables, banned):
    arguments = {"max_length": LENGTH, "banned_ids": banned}
    tokens, _ = beam_search(
        step_of(tables), first_state(), beam_width=1, **arguments
    )
    expected = greedy(step_of(tables), first_state(), **arguments)
    np.testing.assert_array_equal(tokens, expected)


@tf.function
def _search_in_graph(tables, beam_width):
    return beam_search(
        step_of(tables),
        first_state(),
        beam_width=beam_width,
        max_length=LENGTH,
    )


@pytest.mark.parametrize("width", [1, 3])
def test_graph_with_a_fixed_width_equals_eager(tables, width):
    tokens, _ = _search_in_graph(tables, width)
    eager, _ = beam_search(
        step_of(tables), first_state(), beam_width=width, max_length=LENGTH
    )
    np.testing.assert_array_equal(tokens, eager)


def test_half_precision_logits_give_float32_log_prob(tables):
    step = step_of(tables.astype(np.float16))
    _, log_prob = beam_search(step, first_state(), max_length=LENGTH)
    assert log_prob.dtype == tf.float32


def test_graph_with_unknown_shapes_equals_eager(tables):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), LENGTH_SPEC])
    def search(row, max_length):
        time = (tf.zeros_like(row)[:, tf.newaxis],)
        state = {"row": row, "time": time}
        return beam_search(step_of(tables), state, max_length=max_length)

    tokens, log_prob = search(tf.range(ROWS), LENGTH)
    eager = beam_search(step_of(tables), first_state(), max_length=LENGTH)
    np.testing.assert_array_equal(tokens, eager[0])
    np.testing.assert_allclose(log_prob, eager[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"beam_width": 0}, "beam_width=0; allowed: whole numbers, 1 to 2"),
        (
            {"beam_width": 2.5},
            r"beam_width=2\.5; allowed: whole numbers",
        ),
        ({"max_length": 0}, "max_length=0; allowed: whole numbers, 1 to 2"),
    ],
)
def test_arguments_out_of_range(tables, argument, message):
    arguments = {"max_length": LENGTH, **argument}
    with pytest.raises(ValueError, match=message):
        beam_search(step_of(tables), first_state(), **arguments)
