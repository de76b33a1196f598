"""Labeled documents in shards: sentences, order, training as from memory."""

import itertools
import random

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

import keras_textgen
from keras_textgen.data.batches.documents import (
    DocumentBatches,
    encode_documents,
)
from keras_textgen.data.corpus import SPLITS
from keras_textgen.data.shards.documents import (
    PreparedDocuments,
    document_texts,
    sentence_texts,
    sentences_of,
)
from keras_textgen.data.shards.order import Share
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.evaluation.report import evaluate_model
from keras_textgen.prepare.__main__ import main
from keras_textgen.prepare.corpus import prepare_corpus
from keras_textgen.prepare.records import split_of
from keras_textgen.prepare.settings import PrepareSettings
from tests.beam import beams_warnings

pytestmark = beams_warnings
LIMITS = {"max_sentences": 3, "max_words": 4}


def some_documents(count):
    """Documents of words and marks, whose classes show in a word."""
    chance = random.Random(3)
    words = ["a", "red", "rose", "thorn", "Mr. Fox", "grows", "there"]
    for number in range(count):
        label = "sad" if number % 3 else "glad"
        sentences = [
            " ".join(chance.choices(words, k=chance.randint(1, 7))).capitalize()
            for _ in range(chance.randint(1, 6))
        ]
        yield label, f"{'. '.join(sentences)}. It is {label} {number}!"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("documents") / "a.tsv"
    rows = [f"{label}\t{text}" for label, text in some_documents(300)]
    path.write_text("\n".join(["label\ttext", *rows]))
    return path


def prepared_of(path, out, **settings):
    return prepare_corpus(
        path,
        out,
        label_column="label",
        sentence_rule="graph",
        valid_share=0.1,
        test_share=0.1,
        **settings,
    )


@pytest.fixture(scope="module")
def corpus(written):
    return prepared_of(written, written.parent / "out", min_count=2)


def stored(split):
    return [
        [each.tolist() for each in sentences_of(ids)]
        for ids in split.ids_of(range(len(split)))
    ]


def test_sentences_are_those_of_documents_in_memory(corpus):
    settings = PrepareSettings("unused", valid_share=0.1, test_share=0.1)
    for split in SPLITS:
        shards = getattr(corpus, split)
        mine = [
            (label, text)
            for label, text in some_documents(300)
            if split_of(text, settings) == split
        ]
        ids = encode_documents([text for _, text in mine], corpus.vocabulary)
        assert stored(shards) == ids.to_list()
        names = [corpus.label_names[each] for each in corpus.labels[split]]
        assert names == [label for label, _ in mine]
        counts = corpus.manifest.counts[split]
        flat = ids.flat_values.numpy()
        assert counts.tokens == len(flat)
        # Words that occur once, such as the numbers.
        assert counts.unknown == np.sum(flat == 1) > 0
        assert shards.lengths.tolist() == ids.row_lengths().numpy().tolist()
        assert len(shards) == counts.texts == len(mine) > 0
    assert corpus.label_names == ("glad", "sad")


def test_twice_the_same_bytes_and_other_rules_are_refused(
    written, corpus, tmp_path, capsys
):
    again = prepared_of(written, tmp_path / "again", min_count=2)
    for path in corpus.folder.iterdir():
        assert (again.folder / path.name).read_bytes() == path.read_bytes()
    again.verify()
    given = [
        f"--input={written}",
        f"--output={tmp_path / 'again'}",
        "--label_column=label",
        "--min_count=2",
        "--valid_share=0.1",
        "--test_share=0.1",
    ]
    assert main([*given, "--sentence_rule=graph"]) == 0
    assert main([*given, "--sentence_rule=sentencex"]) == 2
    message = capsys.readouterr().err
    assert "prepared with another sentence_rule; allowed" in message
    assert main([*given[:2], "--sentence_rule=graph"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "sentence_rule=graph without label_column; allowed: both" in line


def test_long_documents_are_left_out_by_their_words(written, tmp_path):
    corpus = prepared_of(written, tmp_path / "out", max_length=12)
    whole = prepared_of(written, tmp_path / "whole")
    for split in SPLITS:
        sizes = [sum(map(len, each)) for each in stored(getattr(whole, split))]
        short = sum(size <= 12 for size in sizes)
        assert len(getattr(corpus, split)) == short
        assert corpus.dropped[split] == len(sizes) - short > 0


def batches_of(split, **more):
    return PreparedDocuments(split, 8, seed=3, **LIMITS, **more)


def as_tuples(batch):
    documents, labels = batch
    return [
        (
            tuple(tuple(s[s > 0].tolist()) for s in document if np.any(s > 0)),
            int(label),
        )
        for document, label in zip(
            documents.numpy(), labels.numpy(), strict=True
        )
    ]


def expected_rows(split):
    """Every document, cut as batches cut it."""
    return [
        (tuple(tuple(s[:4]) for s in document[:3]), int(label))
        for document, label in zip(stored(split), split.labels, strict=True)
    ]


def test_an_epoch_has_every_document_once(corpus, small_windows):
    batches = batches_of(corpus.train)
    steps = batches.steps_per_epoch
    stream = [
        as_tuples(each) for each in batches.training_stream().take(2 * steps)
    ]
    epochs = [
        list(itertools.chain(*part))
        for part in (stream[:steps], stream[steps:])
    ]
    expected = sorted(expected_rows(corpus.train))
    assert sorted(epochs[0]) == sorted(epochs[1]) == expected
    assert epochs[0] != epochs[1]
    rest = batches_of(corpus.train).training_stream(1, 4).take(5)
    assert list(map(as_tuples, rest)) == stream[steps + 4 : steps + 9]
    assert batches.units == (corpus.manifest.counts["train"].tokens, "words")


def test_evaluation_visits_every_document(corpus, small_windows):
    batches = batches_of(corpus.test)
    found = [as_tuples(each) for each in batches.evaluation_dataset()]
    flat = list(itertools.chain(*found))
    expected = expected_rows(corpus.test)
    assert [flat[place] for place in batches.original_order] == expected
    # Of like numbers of sentences, within a window.
    for begin in range(0, len(found), 3):
        counts = [len(d) for b in found[begin : begin + 3] for d, _ in b]
        assert counts == sorted(counts)


def small_model(corpus, **more):
    return keras_textgen.HierarchicalAttentionNetwork(
        corpus.vocabulary,
        corpus.label_names,
        embedding_dim=4,
        rnn_units=3,
        attention_units=3,
        word_keep_rate=0.8,
        dropout=0.2,
        seed=1,
        **LIMITS,
        **more,
    )


def test_training_from_shards_is_training_from_memory(corpus, small_windows):
    """The same documents in the same order, with noise and dropout on."""
    batches = batches_of(corpus.train)
    documents = tf.ragged.constant(stored(corpus.train), ragged_rank=2)
    memory = DocumentBatches(
        documents[:, :3, :4], np.array(corpus.train.labels), batch_size=8
    )
    epoch = tf.constant(0, tf.int64)

    def from_memory(step):
        rows = batches._training_rows(epoch, step)
        return memory._element(rows, epoch, step)

    steps = batches.steps_per_epoch
    dataset = tf.data.Dataset.range(steps).map(from_memory)
    weights = []
    for data in (dataset, batches):
        model = small_model(corpus)
        model.fit(data, steps_per_epoch=steps, verbose=0)
        weights.append(model.get_weights())
    for mine, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_model_is_fit_evaluated_and_judged(corpus):
    model = small_model(corpus)
    model.compile("adam")
    history = model.fit(
        corpus.train, validation_data=corpus.valid, epochs=2, verbose=0
    )
    assert history.history["loss"][1] < history.history["loss"][0]
    ids = [[list(s) for s in document] for document in stored(corpus.test)]
    labels = corpus.labels["test"]
    expected = model.evaluate(ids, np.array(labels), verbose=0)
    found = model.evaluate(corpus.test, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(
        model.predict(corpus.test, verbose=0),
        model.predict(ids, verbose=0),
        atol=1e-6,
    )
    report = evaluate_model(model, corpus)
    assert report["documents"] == len(labels)
    # The word that says it is there for the baseline, too.
    baseline = [each for each in report["systems"] if each.startswith("bag")]
    assert report["systems"][baseline[0]]["accuracy"] == 1


def test_texts_of_documents_are_read_when_asked_for(corpus):
    texts = document_texts(corpus, most=5)
    assert len(texts.train) == len(texts.valid) == 5
    assert len(texts.test) == len(corpus.test)
    spelled = sentence_texts(
        corpus.test, corpus.vocabulary, np.arange(len(corpus.test))
    )
    expected = [" ".join(each) for each in spelled]
    assert list(texts.test) == texts.test[:] == expected
    assert texts.test[2] == expected[2]
    assert texts.labels["train"].tolist() == [
        corpus.labels["train"][len(corpus.train) * n // 5] for n in range(5)
    ]


def test_what_does_not_fit_is_refused(corpus, written, tmp_path):
    han = small_model(corpus, sentence_rule="sentencex")
    with pytest.raises(ValueError, match="sentence_rule=graph; allowed"):
        han.fit(corpus.train, verbose=0)
    with pytest.raises(ValueError, match="labels beside a prepared corpus"):
        small_model(corpus).fit(
            corpus.train, np.zeros(len(corpus.train), int), verbose=0
        )
    with pytest.raises(ValueError, match="sample_weight of a prepared corp"):
        small_model(corpus).evaluate(
            corpus.test, sample_weight=np.ones(len(corpus.test)), verbose=0
        )
    other = keras_textgen.HierarchicalAttentionNetwork(
        corpus.vocabulary, ["sad", "glad"], rnn_units=3
    )
    with pytest.raises(ValueError, match="the classes glad, sad; allowed"):
        other.fit(corpus.train, verbose=0)
    language = keras_textgen.LSTMLanguageModel(corpus.vocabulary, rnn_units=3)
    with pytest.raises(ValueError, match="sentence_rule=graph; allowed"):
        language.fit(corpus.train, verbose=0)
    texts = prepare_corpus(written, tmp_path / "out", min_count=2)
    with pytest.raises(ValueError, match="sentence_rule=None; allowed"):
        small_model(corpus).fit(texts.train, verbose=0)


@pytest.mark.parametrize("here", [1, 2])
def test_shares_are_the_parts_of_batches(corpus, small_windows, here):
    """Parts of 4 replicas, of 4 processes or 2, joined: the whole batches."""
    whole = batches_of(corpus.train)
    views = [whole.of_share(Share(n, here, 4)) for n in range(0, 4, here)]
    count = whole.steps_per_epoch + 3
    for name in ("training_stream", "evaluation_dataset"):
        expected = list(getattr(whole, name)().take(count))
        parts = [list(getattr(v, name)().take(here * count)) for v in views]
        assert {len(each) for each in parts} == {here * len(expected)}
        for step, (documents, labels) in enumerate(expected):
            mine = [
                each[here * step + replica]
                for each in parts
                for replica in range(here)
            ]
            for place, found in ((0, documents), (1, labels)):
                np.testing.assert_array_equal(
                    np.concatenate([each[place] for each in mine]), found
                )


def test_each_process_reads_its_own_documents_alone(corpus, monkeypatch):
    read = []
    ids_of = PreparedSplit.ids_of
    monkeypatch.setattr(
        PreparedSplit,
        "ids_of",
        lambda self, rows: read.append(rows) or ids_of(self, rows),
    )
    for number in range(2):
        share = batches_of(corpus.train).of_share(Share(number, 1, 2))
        list(share.evaluation_dataset())
    assert max(map(len, read)) == 4
    assert sorted(np.concatenate(read)) == list(range(len(corpus.train)))
