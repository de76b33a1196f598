"""Batches from shards: their order, their content, and what is damaged."""

import collections
import itertools
import json
import random
import shutil

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

import keras_textgen
from keras_textgen.data.corpora import load_corpus
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.shards.bags import PreparedBags
from keras_textgen.data.shards.batches import PreparedBatches
from keras_textgen.data.shards.corpus import open_prepared
from keras_textgen.data.shards.manifest import read_manifest
from keras_textgen.data.shards.order import Share, shuffled
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.report import evaluate_model
from keras_textgen.prepare.corpus import prepare_corpus
from tests.beam import beams_warnings

pytestmark = beams_warnings


@pytest.fixture(scope="module")
def texts():
    chance = random.Random(7)
    return [
        " ".join(
            f"w{min(int(chance.paretovariate(1)), 40)}"
            for _ in range(chance.randint(1, 12))
        )
        + f" t{number}"
        for number in range(700)
    ]


@pytest.fixture(scope="module")
def corpus(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "a.txt").write_text("\n".join(texts))
    return prepare_corpus(
        folder / "a.txt", folder / "out", valid_share=0.1, test_share=0.1
    )


def rows_of(dataset, count=None):
    """The texts of batches, as tuples of ids without padding."""
    dataset = dataset if count is None else dataset.take(count)
    return [
        [tuple(row[row > 0].tolist()) for row in batch.numpy()]
        for batch in dataset
    ]


def stored(split):
    return [tuple(ids.tolist()) for ids in split.ids_of(range(len(split)))]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_order_is_a_permutation(size):
    places = tf.range(size, dtype=tf.int64)
    orders = {
        (seed, epoch): shuffled(places, size, [seed, epoch]).numpy().tolist()
        for seed in (0, 5)
        for epoch in (0, 1)
    }
    for each in orders.values():
        assert sorted(each) == list(range(size))
    if size == 1000:
        assert len(set(map(tuple, orders.values()))) == len(orders)
        # A part is computed as the whole is.
        part = shuffled(places[10:20], size, [5, 1]).numpy().tolist()
        assert part == orders[5, 1][10:20]


def test_an_epoch_has_every_text_once_in_another_order(corpus, small_windows):
    batches = PreparedBatches(corpus.train, 8, seed=3)
    steps = batches.steps_per_epoch
    assert steps == -(-len(corpus.train) // 8)
    stream = rows_of(batches.training_stream(), 2 * steps)
    epochs = [
        list(itertools.chain(*part))
        for part in (stream[:steps], stream[steps:])
    ]
    assert (
        sorted(epochs[0]) == sorted(epochs[1]) == sorted(stored(corpus.train))
    )
    assert epochs[0] != epochs[1]
    other = rows_of(
        PreparedBatches(corpus.train, 8, seed=4).training_stream(), steps
    )
    assert other != stream[:steps]


def test_batches_are_of_like_lengths_inside_windows(corpus, small_windows):
    batches = PreparedBatches(corpus.train, 8, seed=3)
    stream = rows_of(batches.training_stream(), batches.steps_per_epoch)
    for begin in range(0, len(stream), 3):
        window = stream[begin : begin + 3]
        spans = sorted((min(map(len, b)), max(map(len, b))) for b in window)
        for (_, longest), (shortest, _) in itertools.pairwise(spans):
            assert longest <= shortest
    # The batches of a window come in any order.
    longest = [max(map(len, batch)) for batch in stream[:-1]]
    ascending = [
        a <= b <= c for a, b, c in zip(*[iter(longest)] * 3, strict=False)
    ]
    assert 0 < sum(ascending) < len(ascending)


@pytest.mark.parametrize("step", [1, 4, 5])
def test_going_on_is_as_if_nothing_had_stopped(corpus, small_windows, step):
    def batches():
        return PreparedBatches(corpus.train, 8, seed=3)

    whole = rows_of(batches().training_stream(first_epoch=2), step + 6)
    rest = rows_of(batches().training_stream(first_epoch=2, first_step=step), 6)
    assert rest == whole[step:]


def test_evaluation_visits_every_text(corpus, small_windows):
    for is_shuffled in (True, False):
        batches = PreparedBatches(corpus.test, 4, is_shuffled=is_shuffled)
        found = rows_of(batches.evaluation_dataset())
        flat = list(itertools.chain(*found))
        assert [flat[i] for i in batches.original_order] == stored(corpus.test)
        assert batches.evaluation_sizes == [
            len(batch) * max(map(len, batch)) for batch in found
        ]
    assert len(found) == batches.steps_per_epoch > 3


@pytest.mark.parametrize("kind", [PreparedBatches, PreparedBags])
def test_shares_are_the_parts_of_batches(corpus, small_windows, kind):
    """Parts of 3 processes, joined, are the whole batches."""
    whole = kind(corpus.train, 8, seed=3)
    views = [whole.of_share(Share(number, 1, 3)) for number in range(3)]
    count = whole.steps_per_epoch + 2
    for name in ("training_stream", "evaluation_dataset"):
        expected = list(getattr(whole, name)().take(count))
        parts = [list(getattr(v, name)().take(count)) for v in views]
        assert {len(each) for each in parts} == {len(expected)}
        for step, batch in enumerate(expected):
            mine = [each[step] for each in parts]
            if kind is PreparedBatches:
                # As wide as the whole batch, on which noise depends.
                np.testing.assert_array_equal(np.concatenate(mine), batch)
                continue
            sums = [each["counts"].numpy().sum(axis=1) for each in mine]
            np.testing.assert_array_equal(
                np.concatenate(sums), batch["counts"].numpy().sum(axis=1)
            )


def test_it_is_as_the_corpus_in_memory(corpus, texts, tmp_path):
    """The same texts, split alike, by the readers for what fits memory."""
    words = corpus.vocabulary.get_vocabulary()
    for split in SPLITS:
        shards = getattr(corpus, split)
        lines = (
            " ".join(words[each] for each in ids[1:-1])
            for ids in shards.ids_of(range(len(shards)))
        )
        # Words of which the training texts have none cannot be spelled.
        mine = [
            line for line in lines if "<unk>" not in line or split != "train"
        ]
        (tmp_path / f"{split}.txt").write_text("\n".join(mine))
    memory = load_corpus("text", tmp_path)
    assert memory.vocabulary.get_vocabulary() == words
    for split in SPLITS:
        ids = getattr(memory, split).to_list()
        assert list(map(list, stored(getattr(corpus, split)))) == ids
    batches = PreparedBatches(corpus.train, 8)
    plain = keras_textgen.SequenceBatches(memory.train, 8)
    assert batches.num_predicted_tokens == plain.num_predicted_tokens
    assert batches.units == plain.units
    assert batches.unknown_share == plain.unknown_share == 0
    held_out = PreparedBatches(corpus.test, 8)
    assert held_out.unknown_share == pytest.approx(
        keras_textgen.SequenceBatches(memory.test, 8).unknown_share
    )
    assert held_out.unknown_share > 0


def small_model(vocabulary):
    return keras_textgen.LSTMLanguageModel(
        vocabulary, embedding_dim=4, rnn_units=5, seed=1
    )


def test_a_model_is_fit_and_evaluated(corpus):
    model = small_model(corpus.vocabulary)
    history = model.fit(
        corpus.train,
        validation_data=corpus.valid,
        batch_size=64,
        epochs=2,
        verbose=0,
    )
    assert history.history["loss"][1] < history.history["loss"][0]
    results = evaluate_model(model, corpus)
    in_memory = evaluate_model(
        model, [list(ids) for ids in stored(corpus.test)]
    )
    assert results["nll"] == pytest.approx(in_memory["nll"], rel=1e-5)
    assert results["predicted_tokens"] == in_memory["predicted_tokens"]
    with pytest.raises(ValueError, match="validation_split of PreparedSplit"):
        model.fit(corpus.train, validation_split=0.1, verbose=0)


def test_models_of_other_data_are_refused(corpus):
    model = keras_textgen.DualMatrixFactorization(3, 3, row_dim=2, col_dim=2)
    with pytest.raises(ValueError, match="prepared corpus of texts for Dual"):
        model.fit(corpus.train, np.zeros(len(corpus.train)), verbose=0)


def test_bags_are_those_of_a_counter(corpus, small_windows):
    batches = PreparedBags(corpus.test, 8)
    documents = [
        collections.Counter(each - 4 for each in ids if each >= 4)
        for ids in stored(corpus.test)
    ]
    found = []
    for bags in batches.evaluation_dataset():
        columns, counts = bags["columns"].numpy(), bags["counts"].numpy()
        for row in range(len(columns)):
            there = counts[row] > 0
            pairs = zip(columns[row][there], counts[row][there], strict=True)
            found.append({int(column): int(count) for column, count in pairs})
    assert found == documents
    trained = sum(
        bags["counts"].numpy().sum()
        for bags in batches.training_stream().take(batches.steps_per_epoch)
    )
    assert trained == sum(each.total() for each in documents)


@pytest.mark.parametrize("name", ["ProdLDA", "SoftmaxAutoencoder"])
def test_topic_models_read_shards_as_they_read_ids(corpus, name):
    model = getattr(keras_textgen, name)(
        corpus.vocabulary, num_topics=2, seed=1
    )
    history = model.fit(corpus.train, batch_size=64, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    ids = [list(each) for each in stored(corpus.valid)]
    np.testing.assert_allclose(
        model.encode(corpus.valid), model.encode(ids), atol=1e-5
    )
    figures = model.evaluate(corpus.valid, batch_size=16, verbose=0)
    expected = model.evaluate(ids, batch_size=16, verbose=0)
    np.testing.assert_allclose(figures, expected, rtol=1e-4)


def test_predictions_are_in_the_order_of_the_corpus(corpus):
    model = keras_textgen.LSTMVAE(
        corpus.vocabulary, embedding_dim=3, rnn_units=4, latent_dim=2, seed=0
    )
    expected = model.encode([list(ids) for ids in stored(corpus.test)])
    for data in (corpus.test, PreparedBatches(corpus.test, 8)):
        found = model.encode(data, batch_size=8)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_model_of_another_vocabulary_is_refused(corpus):
    words = list(corpus.vocabulary.tokens)
    model = small_model(Vocabulary([*words[1:], words[0]]))
    with pytest.raises(
        ValueError, match=r"a model of another vocabulary; allowed"
    ):
        model.fit(corpus.train, verbose=0)


@pytest.fixture
def copy(corpus, tmp_path):
    return shutil.copytree(corpus.folder, tmp_path / "copy")


def test_damaged_shards_are_named_in_one_line(copy):
    shard = copy / "train-00000.array_record"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(content)
    opened = open_prepared(copy)
    with pytest.raises(DataError) as error:
        opened.train.ids_of(range(len(opened.train)))
    assert str(error.value).startswith(f"{shard}: damaged (")
    assert "\n" not in str(error.value)
    with pytest.raises(
        DataError, match=r"00000\.array_record: damaged, as its"
    ):
        opened.verify()
    shard.write_bytes(content[:-9])
    with pytest.raises(
        DataError, match=r"00000\.array_record: .* bytes; allow"
    ):
        open_prepared(copy)
    shard.unlink()
    with pytest.raises(DataError, match=r"00000\.array_record: missing; allow"):
        open_prepared(copy)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("train.lengths.npy", lambda opened: opened.train.lengths),
        ("vocabulary.json", lambda opened: opened.vocabulary),
    ],
)
def test_damages_that_nothing_else_would_notice(copy, name, read):
    content = bytearray((copy / name).read_bytes())
    # Of the last number, or of a letter of the last word.
    content[-4 if name.endswith(".npy") else -30] ^= 1
    (copy / name).write_bytes(content)
    opened = open_prepared(copy)
    with pytest.raises(DataError, match=f"{name}: damaged, as its checksum"):
        read(opened)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m.update(format=9), "another format"),
        (lambda m: m["files"][0].update(name="../a"), "the name '../a'"),
        (lambda m: m["files"][0].update(name=".."), "the name '..'"),
        (lambda m: m["shards"]["train"][0].update(name="/a"), "the name '/a'"),
        (lambda m: m.pop("counts"), "counts"),
    ],
)
def test_a_manifest_that_cannot_be_used(copy, change, told):
    path = copy / "manifest.json"
    content = json.loads(path.read_text())
    # Without it, as it was written before there was one.
    del content["checksum"]
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="no manifest of this format") as error:
        read_manifest(copy)
    assert told in str(error.value)


def test_the_fingerprint_is_of_all_that_is_trained_on(copy):
    number = open_prepared(copy).fingerprint
    path = copy / "manifest.json"
    content = json.loads(path.read_text())
    content["shards"]["test"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="another checksum; allowed: that of"):
        open_prepared(copy)
    del content["checksum"]
    path.write_text(json.dumps(content))
    assert open_prepared(copy).fingerprint != number
    assert 0 <= number < 2**63


def test_lengths_are_not_held_in_memory(corpus):
    assert isinstance(corpus.train.lengths, np.memmap)
