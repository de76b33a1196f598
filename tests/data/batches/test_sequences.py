"""SequenceBatches: what is in a batch, and in which order."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.sequences import (
    SequenceBatches,
    prepared_tokens,
    sequence_batches,
)
from keras_textgen.data.id_checks import checked_tokens
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.training.strategies import get_strategy


def make_sequences(count=53, seed=0):
    """Sequences of 2 to 12 tokens; the second token tells them apart."""
    lengths = np.random.default_rng(seed).integers(0, 11, size=count)
    return [
        [2, 4 + i, *range(500, 500 + length)]
        for i, length in enumerate(lengths)
    ]


def take(dataset, count):
    return [batch.numpy() for batch in dataset.take(count)]


def unpad(batches):
    return [
        row[row != 0].tolist() for batch in batches for row in np.asarray(batch)
    ]


def assert_equal_batches(actual, expected):
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_counts():
    batches = SequenceBatches([[2, 4, 3], [2, 3], [2, 4, 4, 3]], 2)
    assert batches.num_sequences == 3
    assert batches.num_predicted_tokens == 2 + 1 + 3
    assert batches.steps_per_epoch == 2


@pytest.mark.parametrize("order", ["length", "stream"])
@pytest.mark.parametrize("batch_size", [1, 10, 53, 100])
def test_each_sequence_once_an_epoch(order, batch_size):
    sequences = make_sequences()
    batches = SequenceBatches(sequences, batch_size, seed=3, order=order)
    steps = batches.steps_per_epoch
    stream = take(batches.training_stream(), 3 * steps)
    for epoch in range(3):
        of_epoch = unpad(stream[epoch * steps : (epoch + 1) * steps])
        assert sorted(of_epoch) == sorted(sequences)
    assert sorted(unpad(batches.evaluation_dataset())) == sorted(sequences)


def test_ragged_and_lists_are_the_same():
    sequences = make_sequences()
    ragged = tf.ragged.constant(sequences, tf.int32)
    from_ragged = SequenceBatches(ragged, 7).training_stream()
    from_lists = SequenceBatches(sequences, 7).training_stream()
    assert_equal_batches(take(from_ragged, 9), take(from_lists, 9))


def test_a_slice_of_a_ragged_tensor():
    sequences = make_sequences()
    ragged = tf.ragged.constant(sequences, tf.int32)[10:20]
    batches = SequenceBatches(ragged, 4, order="stream")
    assert unpad(batches.evaluation_dataset()) == sequences[10:20]


@pytest.mark.parametrize("order", ["length", "stream"])
def test_starting_later_equals_skipping(order):
    batches = SequenceBatches(make_sequences(), 10, seed=5, order=order)
    steps = batches.steps_per_epoch
    whole = take(batches.training_stream(), 4 * steps)
    for epoch, step in itertools.product(range(3), range(steps)):
        later = take(batches.training_stream(epoch, step), steps)
        begin = epoch * steps + step
        assert_equal_batches(later, whole[begin : begin + steps])


def test_first_step_may_reach_into_later_epochs():
    batches = SequenceBatches(make_sequences(), 10)
    steps = batches.steps_per_epoch
    reaching = batches.training_stream(1, 2 * steps + 1)
    assert_equal_batches(
        take(reaching, 4), take(batches.training_stream(3, 1), 4)
    )


def test_a_batch_depends_on_seed_epoch_and_step_alone():
    first = SequenceBatches(make_sequences(), 10, seed=1)
    # What has been read before, and from where, must not matter.
    take(first.training_stream(2, 1), 7)
    second = SequenceBatches(make_sequences(), 10, seed=1)
    assert_equal_batches(
        take(first.training_stream(), 20), take(second.training_stream(), 20)
    )


def test_seeds_and_epochs_differ():
    batches = SequenceBatches(make_sequences(), 10, seed=1)
    other = SequenceBatches(make_sequences(), 10, seed=2)
    steps = batches.steps_per_epoch
    epochs = [
        unpad(take(batches.training_stream(epoch), steps)) for epoch in range(3)
    ]
    epochs.append(unpad(take(other.training_stream(), steps)))
    for one, another in itertools.combinations(epochs, 2):
        assert one != another


def test_batches_hold_sequences_of_like_length():
    batches = SequenceBatches(make_sequences(400), 20)
    lengths = [
        np.count_nonzero(batch, axis=1)
        for batch in take(batches.training_stream(), batches.steps_per_epoch)
    ]
    # Sorted by length, the ranges of two batches can only touch.
    spans = sorted((row.min(), row.max()) for row in lengths)
    for (_, longest), (shortest, _) in itertools.pairwise(spans):
        assert longest <= shortest
    # And the batches themselves are not sorted.
    means = [row.mean() for row in lengths]
    assert means != sorted(means)


def test_equal_lengths_are_shuffled_too():
    batches = SequenceBatches([[2, 4 + i, 3] for i in range(60)], 60)
    first, second = take(batches.training_stream(), 2)
    assert sorted(first[:, 1]) == list(range(4, 64))
    assert first.tolist() != second.tolist()


def test_the_first_sequence_is_found_evenly_in_the_batches():
    batches = SequenceBatches([[2, 4 + i, 3] for i in range(12)], 3)
    stream = take(batches.training_stream(), 4 * 400)
    steps = [i % 4 for i, batch in enumerate(stream) if 4 in batch]
    # 400 draws of 4 equal cells: a standard deviation is 8.7.
    counts = np.bincount(steps, minlength=4)
    assert counts.sum() == 400
    assert np.all(np.abs(counts - 100) < 40)


def test_stream_order_is_kept():
    sequences = make_sequences()
    batches = SequenceBatches(sequences, 10, order="stream")
    steps = batches.steps_per_epoch
    assert unpad(take(batches.training_stream(), steps)) == sequences
    assert unpad(take(batches.training_stream(1), steps)) == sequences
    assert unpad(batches.evaluation_dataset()) == sequences


@pytest.mark.parametrize("order", ["length", "stream"])
def test_original_order_undoes_the_grouping(order):
    sequences = make_sequences()
    batches = SequenceBatches(sequences, 10, order=order)
    evaluated = unpad(batches.evaluation_dataset())
    assert [evaluated[i] for i in batches.original_order] == sequences


def test_evaluation_is_the_same_every_time():
    batches = SequenceBatches(make_sequences(), 10)
    first = take(batches.evaluation_dataset(), 99)
    assert_equal_batches(take(batches.evaluation_dataset(), 99), first)
    lengths = [len(sequence) for sequence in unpad(first)]
    assert lengths == sorted(lengths)


def test_no_more_padding_than_the_longest_sequence_needs():
    batches = SequenceBatches(make_sequences(), 10)
    for batch in take(batches.training_stream(), 20):
        assert np.all(np.any(batch != 0, axis=0))
        assert batch.dtype == np.int32


def test_specs_and_cardinality():
    batches = SequenceBatches(make_sequences(), 10)
    spec = tf.TensorSpec([None, None], tf.int32)
    assert batches.training_stream().element_spec == spec
    assert batches.evaluation_dataset().element_spec == spec
    assert (
        batches.training_stream().cardinality() == tf.data.INFINITE_CARDINALITY
    )
    assert batches.evaluation_dataset().cardinality() == 6


def test_replicas_share_each_batch():
    batches = SequenceBatches(make_sequences(), 10)
    steps = batches.steps_per_epoch
    strategy = get_strategy("mirrored")
    shared = strategy.experimental_distribute_dataset(batches.training_stream())
    for values, whole in zip(
        itertools.islice(shared, 2 * steps),
        take(batches.training_stream(), 2 * steps),
        strict=True,
    ):
        parts = strategy.experimental_local_results(values)
        assert len(parts) == 2
        np.testing.assert_array_equal(tf.concat(parts, 0), whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": []}, "no sequences"),
        ({"sequences": tf.ragged.constant([], tf.int32, 1)}, "no sequences"),
        ({"sequences": [[2, 3], [2]]}, "sequence 1 has 1 token"),
        ({"batch_size": 0}, "batch_size=0; allowed: whole numbers, 1 or more"),
        ({"order": "random"}, "order='random'; allowed: length, stream"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SequenceBatches(**{"sequences": [[2, 3]], "batch_size": 2} | arguments)


def test_negative_starts_are_refused():
    batches = SequenceBatches([[2, 3]], 1)
    with pytest.raises(ValueError, match="first_step=-1"):
        batches.training_stream(0, -1)
    with pytest.raises(ValueError, match="first_epoch=-1"):
        batches.training_stream(-1)


IDS = [[2, 4, 5, 3], [2, 5, 3, 0]]


@pytest.mark.parametrize(
    "data",
    [
        ["a b", "b"],
        np.array(["a b", "b"]),
        np.array(["a b", "b"], dtype=object),
        np.array([b"a b", b"b"]),
        tf.constant(["a b", "b"]),
        np.array(IDS),
        np.array(IDS, np.int32),
        tf.constant(IDS),
        IDS,
        tf.RaggedTensor.from_tensor(tf.constant(IDS), padding=0),
    ],
)
def test_as_batches_takes(data):
    batches = sequence_batches(data, Vocabulary(["a", "b"]), batch_size=2)
    (tokens,) = batches.evaluation_dataset()
    found = tokens.numpy()[batches.original_order]
    np.testing.assert_array_equal(found, IDS)


def test_as_batches_takes_one_text():
    batches = sequence_batches("a b", Vocabulary(["a", "b"]))
    (tokens,) = batches.evaluation_dataset()
    assert tokens.numpy().tolist() == IDS[:1]


@pytest.mark.parametrize("values", [["a b", "b"], np.array(IDS, np.int64)])
def test_as_batches_takes_datasets(values):
    dataset = tf.data.Dataset.from_tensor_slices(values).batch(2)
    vocabulary = Vocabulary(["a", "b"])
    batches = dataset.map(lambda batch: prepared_tokens(batch, vocabulary))
    assert batches.element_spec.dtype == tf.int32
    (tokens,) = batches
    np.testing.assert_array_equal(tokens, IDS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no sequences; allowed: 1 sequence or more"),
        (np.array([2, 4, 3]), r"shape \[3\]; allowed: strings"),
        (np.ones([2, 3]), "data of type float64"),
        (np.array([[2, 0, 3]]), "row 0 has the padding id 0 before"),
        (np.array([[2, 4, 6, 3]]), "token id 6; allowed: 1 to 5"),
        (np.array([[2, -4, 3]]), "token id -4; allowed"),
        (tf.ragged.constant([[2, 0, 3]]), "token id 0; allowed"),
    ],
)
def test_as_batches_refuses(data, message):
    with pytest.raises(ValueError, match=message):
        sequence_batches(data, Vocabulary(["a", "b"]))


@pytest.mark.parametrize(
    "batch", [tf.constant("a"), tf.constant([[0.5]]), {"text": ["a"]}]
)
def test_other_batches_are_refused(batch):
    with pytest.raises(ValueError, match="allowed: batches of strings"):
        prepared_tokens(batch, Vocabulary(["a", "b"]))


def test_ids_of_different_lengths():
    data = [[2, 4, 5, 3], [2, 5, 3]]
    (tokens,) = sequence_batches(
        data, Vocabulary(["a", "b"]), order="stream"
    ).evaluation_dataset()
    assert tokens.numpy().tolist() == [[2, 4, 5, 3], [2, 5, 3, 0]]


_REFUSED_TOKENS = [
    ([[0, 2, 4, 3]], "padding id 0 before a token; allowed: padding on the r"),
    ([[2, 4, 3, 0], [2, 0, 4, 3]], "padding id 0 before a token"),
    ([[2, 6, 3]], "id outside the vocabulary; allowed: 1 to 5, and 0 on the"),
    ([[2, -1, 3]], "token id outside the vocabulary"),
    ([[2, 4, 3], [0, 0, 0]], "a row of fewer than 2 tokens; allowed: 2"),
    ([[2], [3]], "a row of fewer than 2 tokens"),
]


@pytest.mark.parametrize(("tokens", "message"), _REFUSED_TOKENS)
def test_datasets_of_ids_are_checked_as_arrays_are(tokens, message):
    vocabulary = Vocabulary(["red", "rose"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        prepared_tokens(tf.constant(tokens), vocabulary)
    with pytest.raises(ValueError, match="allowed"):
        sequence_batches(np.array(tokens), vocabulary)


def test_allowed_ids_pass_the_check_of_a_graph():
    check = tf.function(lambda tokens: checked_tokens(tokens, 6))
    tokens = tf.constant([[2, 5, 3, 0], [3, 1, 4, 5]], tf.int64)
    assert check(tokens).dtype == tf.int32
    np.testing.assert_array_equal(check(tokens), tokens)
    # No rows are no fault.
    assert check(tf.zeros([0, 0], tf.int64)).shape == [0, 0]


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan")])
def test_missing_texts(missing):
    vocabulary = Vocabulary(["red", "nan"])
    for data in (["red", missing], np.array(["red", missing], object)):
        with pytest.raises(ValueError, match=r"^text 1 is missing \("):
            sequence_batches(data, vocabulary)


def test_zero_bytes_in_lists_and_arrays():
    vocabulary = Vocabulary(["red", "rose"])
    for data in (["red\0rose"], np.array(["red\0rose"])):
        (tokens,) = sequence_batches(data, vocabulary).evaluation_dataset()
        assert tokens.numpy().tolist() == [[2, 4, 5, 3]]
