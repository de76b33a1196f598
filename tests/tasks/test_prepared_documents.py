"""Runs of the HAN on shards, from the command line."""

import pytest

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

import trainer
from keras_textgen.prepare.corpus import prepare_corpus
from keras_textgen.tasks import runs
from tests.beam import beams_warnings
from tests.data.shards.test_documents import some_documents
from tests.interrupted import assert_going_on_equals_no_interruption

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


def test_going_on_in_mid_epoch_equals_no_interruption(
    folder, tmp_path, monkeypatch, capsys
):
    data = (f"--data_dir={folder / 'documents'}", "--word_keep_rate=0.8")
    printed = assert_going_on_equals_no_interruption(
        lambda run: call(*data, f"--run_dir={run}"),
        tmp_path,
        monkeypatch,
        capsys,
    )
    assert "training texts in 1 shard, 2 classes" in printed


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
