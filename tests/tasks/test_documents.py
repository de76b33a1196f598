"""A run of the HAN on documents: data, model, figures, page."""

import gzip
import zlib

import numpy as np
import pytest

from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.batches.documents import encode_documents
from keras_textgen.data.documents import DataError, load_documents
from keras_textgen.data.own_word_vectors import own_word_vectors
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.tasks.documents import DocumentTask

DEFAULTS = {
    "model": "han",
    "dataset": "text",
    "label": None,
    "split_seed": 0,
    "vocab_size": None,
    "min_count": 1,
    "tokenizer": "word",
    "seed": 0,
    "batch_size": 8,
    "embedding_dim": 3,
    "rnn_type": None,
    "rnn_units": 4,
    "attention_units": None,
    "word_keep_rate": None,
    "dropout": None,
    "max_sentences": None,
    "max_words": None,
    "sentence_rule": None,
    "word_vectors": None,
    "own_word_vectors": False,
}


def line(number):
    kind = ["dogs", "cats"][number % 2]
    return f"{kind}\tWe met {kind}. Number {number}, it was! Very nice."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    lines = [line(number) for number in range(60)]
    (folder / "all.txt").write_text("\n".join(lines) + "\n")
    return folder


def task_of(folder, **settings):
    settings = {"data_dir": folder / "all.txt", **DEFAULTS, **settings}
    return DocumentTask(Settings(**settings))


@pytest.fixture(scope="module")
def task(folder):
    return task_of(folder)


@pytest.fixture(scope="module")
def model(task):
    return task.make_model()


def test_data(task):
    batches = task.training_batches()
    assert batches.num_documents == 48
    assert batches.steps_per_epoch == 6
    documents, labels = next(iter(batches.training_stream()))
    assert documents.shape[:2] == (8, 3)
    assert set(labels.numpy()) <= {0, 1}
    sizes = [len(labels) for _, labels in task.evaluation_data("valid")]
    assert sum(sizes) == 6
    words = task.make_model().vocabulary.size
    assert task.size_text == f"{words} words, 48 training documents, 2 classes"
    assert task.corpus.note == ""


def test_settings_reach_data_and_model(folder):
    task = task_of(
        folder,
        vocab_size=12,
        max_sentences=2,
        max_words=3,
        rnn_type="block",
        attention_units=6,
        word_keep_rate=0.75,
        dropout=0.25,
        seed=9,
    )
    config = task.make_model().get_config()
    expected = {
        "label_names": ["cats", "dogs"],
        "max_sentences": 2,
        "max_words": 3,
        "rnn_type": "block",
        "attention_units": 6,
        "word_keep_rate": 0.75,
        "dropout": 0.25,
        "seed": 9,
    }
    assert {name: config[name] for name in expected} == expected
    documents, _ = next(iter(task.training_batches().training_stream()))
    assert documents.shape == (8, 2, 3)
    assert int(np.max(documents)) < 12


def test_what_is_left_out_is_the_models_default(model):
    default = HierarchicalAttentionNetwork(model.vocabulary, ["a", "b"])
    for name in ("rnn_type", "attention_units", "max_sentences", "max_words"):
        assert getattr(model, name) == getattr(default, name)


def test_fingerprint(folder, task):
    assert task_of(folder).fingerprint() == task.fingerprint()
    others = [task_of(folder, split_seed=1), task_of(folder, vocab_size=12)]
    assert task.fingerprint() not in [each.fingerprint() for each in others]


def test_fits(folder, task, model):
    assert task.fits(model)
    assert not task.fits(task_of(folder, vocab_size=12).make_model())
    config = {**model.get_config(), "label_names": ["dogs", "cats"]}
    assert not task.fits(HierarchicalAttentionNetwork.from_config(config))


def test_word_vectors(folder, tmp_path, capsys):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(b"dogs 1 2 3\nelephants 4 5 6\n"))
    model = task_of(folder, word_vectors=path).make_model()
    row = model.vocabulary.get_vocabulary().index("dogs")
    assert model.embedding.embeddings[row].numpy().tolist() == [1, 2, 3]
    size = model.vocabulary.size - 4  # Without the special tokens.
    out = capsys.readouterr().out
    assert out.endswith(f".\n{path}: vectors of 1 of {size} words.\n")


def test_own_word_vectors_are_as_wide_as_the_model(folder, capsys):
    task = task_of(folder, own_word_vectors=True, embedding_dim=None)
    model = task.make_model()
    assert "The training texts: vectors of " in capsys.readouterr().out
    assert model.embedding.embeddings.shape[1] == 200


def test_own_word_vectors(folder, capsys):
    task = task_of(folder, own_word_vectors=True)
    model = task.make_model()
    ids = encode_documents(task.corpus.train, task.corpus.vocabulary)
    expected = own_word_vectors(
        ids,
        task.corpus.labels["train"],
        task.corpus.vocabulary.size,
        model.embedding_dim,
    )
    np.testing.assert_array_equal(
        model.embedding.embeddings.numpy()[expected.rows], expected.vectors
    )
    count = len(expected.rows)
    assert (
        f"The training texts: vectors of {count} of" in capsys.readouterr().out
    )


def test_a_file_of_vectors_goes_before_those_of_the_texts(folder, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("dogs 1 2 3\n")
    task = task_of(folder, own_word_vectors=True, word_vectors=path)
    embeddings = task.make_model().embedding.embeddings.numpy()
    words = task.corpus.vocabulary.get_vocabulary()
    np.testing.assert_array_equal(embeddings[words.index("dogs")], [1, 2, 3])
    own = task_of(folder, own_word_vectors=True).make_model()
    cats = words.index("cats")
    np.testing.assert_array_equal(
        embeddings[cats], own.embedding.embeddings.numpy()[cats]
    )


def test_broken_lines_of_word_vectors_are_said(folder, tmp_path, capsys):
    path = tmp_path / "vectors.txt"
    lines = [f"w{number} 1 2 3" for number in range(2000)]
    path.write_text("\n".join(["dogs 1 2 3", "", *lines]), "utf-8")
    task = task_of(folder, word_vectors=path)
    model = task.make_model()
    said = f"Left out: 1 of 2,002 lines; {path}:2: not a word and 3 numbers."
    assert capsys.readouterr().out.endswith(f" words.\n{said}\n")
    with pytest.warns(UserWarning, match=r"^Left out: 1 of 2,002 lines; "):
        assert model.use_word_vectors(path) == 1


def test_documents_without_a_known_word_are_named_and_left_out(
    folder, tmp_path, capsys
):
    lines = (folder / "all.txt").read_text().splitlines()
    unknown = [f"birds\tzebra{number}" for number in range(20)]
    (tmp_path / "all.txt").write_text("\n".join(lines + unknown) + "\n")
    task = task_of(tmp_path, min_count=2)
    out = capsys.readouterr().out
    assert "Left out of the train set: 16 of 64 documents, without a" in out
    assert " of it, counted from 1)." in out
    assert "Left out of the test set: 2 of 8 documents, without a kn" in out
    # Of 13 tokens, the number is rare: 48 of 48 * 13, and 16 of 16.
    assert out.startswith("Unknown words: 10.0 % of train, ")
    assert len(task.corpus.test) == len(task.corpus.labels["test"]) == 6
    # A run from before they were left out goes on.
    whole = load_documents("text", tmp_path / "all.txt")
    words = "\n".join(task.corpus.vocabulary.get_vocabulary())
    number = zlib.crc32(words.encode())
    for split in ("train", "valid"):
        content = "".join(getattr(whole, split)).encode()
        content += whole.labels[split].tobytes()
        number = zlib.crc32(content, number)
    assert task.fingerprint() == number


def test_the_sentence_rule_reaches_model_and_batches(tmp_path):
    lines = ["a\tSo it is. it is", "b\tNo. no, no"] * 10
    (tmp_path / "all.txt").write_text("\n".join(lines), "utf-8")
    for rule, sentences in (("graph", 1), ("sentencex", 2), (None, 1)):
        task = task_of(tmp_path, sentence_rule=rule)
        assert task.make_model().sentence_rule == (rule or "graph")
        documents, _ = next(iter(task.training_batches().training_stream()))
        assert documents.shape[1] == sentences


def test_characters(tmp_path, capsys):
    lines = ["a\t我爱你", "b\t你不爱我"] * 10
    (tmp_path / "all.txt").write_text("\n".join(lines), "utf-8")
    task = task_of(tmp_path, tokenizer="character")
    words = task.make_model().vocabulary.get_vocabulary()[4:]
    assert sorted(words) == sorted("我爱你不")
    assert capsys.readouterr().out.startswith("Unknown characters: 0.0 % of ")


def test_results(task, model, tmp_path, capsys):
    assert task.print_results(model, tmp_path) == {
        "attention.html": "words and sentences colored by attention"
    }
    heading, *lines = capsys.readouterr().out.splitlines()[1:]
    assert heading == "Test set, with the weights of the best epoch:"
    assert lines[0].split() == ["system", "accuracy", "macro-F1"]
    assert lines[1].split()[0] == "han"
    # The class is a word of the text.
    assert "bag of words" in lines[2]
    assert lines[2].split()[-2:] == ["1.0000", "1.0000"]
    assert [line.split()[0] for line in lines[4:]] == ["class", "cats", "dogs"]
    page = (tmp_path / "attention.html").read_text()
    assert page.count("<h3>Document ") == 6
    assert "<title>Attention in test documents of text</title>" in page


def test_class_without_test_documents_is_named(folder, model, tmp_path, capsys):
    task = task_of(folder)
    of_cats = np.flatnonzero(task.corpus.labels["test"] == 0)
    task.corpus.test = [task.corpus.test[row] for row in of_cats]
    task.corpus.labels["test"] = np.zeros(len(of_cats), int)
    task.print_results(model, tmp_path)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "  Not in the test set: dogs. Macro-F1 is of classes that are there or "
        "predicted."
    )


def test_documents_need_labels(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text("".join(f"Text {number}.\n" for number in range(20)))
    with pytest.raises(
        RunError, match=r"^--dataset=text --data_dir=.*: documents without "
    ):
        task_of(tmp_path)


def test_refused_data(folder, tmp_path):
    with pytest.raises(DataError, match="none"):
        task_of(folder, data_dir=tmp_path / "none")
    with pytest.raises(RunError, match=r"all\.txt: --label='party' for text"):
        task_of(folder, label="party")
    with pytest.raises(RunError, match=r"txt: no word occurs --min_count=10"):
        task_of(folder, min_count=1000)
