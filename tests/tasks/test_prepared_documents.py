"""Runs of the HAN on shards, from the command line."""

import itertools
import signal

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

import trainer
from keras_textgen.data.shards import order
from keras_textgen.prepare.corpus import prepare_corpus
from keras_textgen.tasks import runs
from keras_textgen.training import callbacks
from tests.beam import beams_warnings
from tests.data.shards.test_documents import some_documents

pytestmark = beams_warnings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    rows = [f"{label}\t{text}" for label, text in some_documents(200)]
    (folder / "a.tsv").write_text("\n".join(["label\ttext", *rows]))
    for name, rule in (("documents", "graph"), ("texts", None)):
        prepare_corpus(
            folder / "a.tsv",
            folder / name,
            label_column="label",
            sentence_rule=rule,
            valid_share=0.1,
            test_share=0.1,
        )
    return folder


def call(*given, model="han"):
    small = ("--embedding_dim=4", "--rnn_units=3", "--batch_size=8")
    return trainer.main(
        [
            "trainer.py",
            f"--model={model}",
            "--dataset=prepared",
            "--epochs=2",
            *small,
            *map(str, given),
        ]
    )


def newest(run_dir):
    """Every number of the newest checkpoint that training depends on."""
    path = tf.train.latest_checkpoint(run_dir / "checkpoint" / "last")
    reader = tf.train.load_checkpoint(path)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH" and "save_counter" not in name
    }


def test_going_on_in_mid_epoch_equals_no_interruption(
    folder, tmp_path, monkeypatch, capsys
):
    for after in ("_write_export", "print_results"):
        monkeypatch.setattr(runs, after, lambda *_: {})
    monkeypatch.setattr(order, "WINDOW", 4)
    data = (f"--data_dir={folder / 'documents'}", "--word_keep_rate=0.8")
    whole, again = tmp_path / "whole", tmp_path / "again"
    assert call(*data, f"--run_dir={whole}") == 0
    printed = capsys.readouterr().out
    assert "training texts in 1 shard, 2 classes" in printed
    steps = int(printed.partition(" steps an epoch")[0].rpartition(" ")[2])
    counter = itertools.count(1)
    look = callbacks.FiniteLoss.on_train_batch_end

    def look_and_stop(self, batch, logs):
        look(self, batch, logs)
        if next(counter) == steps + 5:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.FiniteLoss, "on_train_batch_end", look_and_stop)
        assert call(*data, f"--run_dir={again}") == 128 + signal.SIGTERM
    assert call(*data, f"--run_dir={again}") == 0
    assert "Going on after step 5 of epoch 2" in capsys.readouterr().out
    mine, theirs = newest(whole), newest(again)
    assert mine.keys() == theirs.keys()
    for name, values in mine.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


def test_a_whole_run_is_judged_again(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs, "_write_export", lambda *_: None)
    # Fewer than there are: predictions are of all, the page of some.
    monkeypatch.setattr("keras_textgen.tasks.prepared_task.HELD", 7)
    run = tmp_path / "run"
    given = (f"--data_dir={folder / 'documents'}", f"--run_dir={run}")
    assert call(*given, "--own_word_vectors") == 0
    printed = capsys.readouterr().out
    table = printed.partition("weights of the best epoch:\n")[2]
    assert "bag of words" in table
    page = (run / "attention.html").read_text()
    assert "Document 1" in page
    arguments = ["trainer.py", "--mode=evaluate", f"--run_dir={run}"]
    assert trainer.main(arguments) == 0
    again = capsys.readouterr().out
    assert (
        again.partition("best epoch:\n")[2].splitlines()[:8]
        == (table.splitlines()[:8])
    )


@pytest.mark.parametrize(
    ("model", "name", "given", "message"),
    [
        ("han", "texts", [], "texts without sentences; allowed: a corpus"),
        ("han", "documents", ["--sentence_rule=sentencex"], "the same"),
        ("han", "documents", ["--min_count=3"], "--min_count=3 with --data"),
        ("lstm_lm", "documents", [], "documents, prepared with --sentence_ru"),
    ],
)
def test_what_is_refused_in_one_line(
    folder, tmp_path, capsys, model, name, given, message
):
    data = (f"--data_dir={folder / name}", f"--run_dir={tmp_path / 'run'}")
    assert call(*data, *given, model=model) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trainer.py: error: ")
    assert message in line
