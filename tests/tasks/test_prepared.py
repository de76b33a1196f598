"""Runs of text models on shards, from the command line."""

import random
import shutil

import pytest

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

import trainer
from keras_textgen.prepare.corpus import prepare_corpus
from keras_textgen.tasks import runs
from keras_textgen.tasks.prepared import PreparedTextTask
from tests.beam import beams_warnings
from tests.interrupted import assert_going_on_equals_no_interruption

pytestmark = beams_warnings
SMALL = (
    "--model=lstm_vae",
    "--dataset=prepared",
    "--embedding_dim=4",
    "--rnn_units=5",
    "--latent_dim=2",
    "--batch_size=8",
    "--epochs=2",
    "--importance_samples=0",
    "--num_samples=1",
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    chance = random.Random(0)
    folder = tmp_path_factory.mktemp("prepared")
    words = ["a", "red", "rose", "is", "the", "thorn", "of", "one", "who"]
    texts = (chance.choices(words, k=2 + n % 6) for n in range(300))
    lines = [f"{'ab'[n % 2]}\t{' '.join(t)}" for n, t in enumerate(texts)]
    (folder / "a.tsv").write_text("\n".join(["label\ttext", *lines]))
    out = folder / "out"
    prepare_corpus(
        folder / "a.tsv",
        out,
        label_column="label",
        valid_share=0.1,
        test_share=0.1,
    )
    return out


def call(*given):
    return trainer.main(["trainer.py", *SMALL, *map(str, given)])


def test_going_on_in_mid_epoch_equals_no_interruption(
    prepared, tmp_path, monkeypatch, capsys
):
    printed = assert_going_on_equals_no_interruption(
        lambda run: call(f"--data_dir={prepared}", f"--run_dir={run}"),
        tmp_path,
        monkeypatch,
        capsys,
    )
    assert "training texts in 1 shard" in printed


def test_a_whole_run_is_judged_and_its_data_are_known(
    prepared, tmp_path, capsys, monkeypatch
):
    run = (f"--data_dir={prepared}", f"--run_dir={tmp_path / 'run'}")
    monkeypatch.setattr(runs, "_write_export", lambda *_: None)
    assert call(*run, "--epochs=1", "--probes") == 0
    printed = capsys.readouterr().out
    assert "Accuracy of classifiers on the codes" in printed
    assert "Reconstructions of test sequences" in printed
    monkeypatch.setattr(runs, "print_results", lambda *_: {})
    other = tmp_path / "other"
    texts = [f"a red rose number {n % 9} of {n}" for n in range(90)]
    (tmp_path / "a.txt").write_text("\n".join(texts))
    prepare_corpus(tmp_path / "a.txt", other)
    assert call(f"--data_dir={other}", run[1], "--epochs=2") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "manifest.json: changed on" in line
    assert f"the run in {tmp_path / 'run'}" in line


def test_a_damaged_shard_is_named_in_one_line(prepared, tmp_path, capsys):
    copy = shutil.copytree(prepared, tmp_path / "copy")
    # What is held in memory is read before the training: all, as it is small.
    shard = copy / "train-00000.array_record"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(content)
    assert call(f"--data_dir={copy}", f"--run_dir={tmp_path / 'run'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trainer.py: error: {shard}: damaged (")


def test_a_damaged_shard_met_in_training_is_named_in_one_line(
    prepared, tmp_path, capsys, monkeypatch
):
    copy = shutil.copytree(prepared, tmp_path / "copy")
    shard = copy / "train-00000.array_record"
    content = bytearray(shard.read_bytes())
    monkeypatch.setattr("keras_textgen.tasks.prepared_task.HELD", 1)
    # Of a text in the middle: the first one, which is held, can be read.
    content[1500] ^= 255
    shard.write_bytes(content)
    prepare = PreparedTextTask.prepare
    seen = []

    def prepared_then(self, data):
        seen.append(prepare(self, data))
        return seen[-1]

    monkeypatch.setattr(PreparedTextTask, "prepare", prepared_then)
    monkeypatch.setattr(PreparedTextTask, "diagnostics", lambda *_: [])
    given = (f"--data_dir={copy}", f"--run_dir={tmp_path / 'run'}")
    assert call(*given, "--epochs=1") == 2
    assert seen
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trainer.py: error: {shard}: damaged (")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--vocab_size=99"], "--vocab_size=99 with --dataset=prepared; allow"),
        (["--tokenizer=character"], "--tokenizer=character with --dataset=pre"),
        (["--max_length=9"], "--max_length=9 with --dataset=prepared; allowed"),
    ],
)
def test_what_was_decided_is_refused(
    prepared, tmp_path, capsys, given, message
):
    run = (f"--data_dir={prepared}", f"--run_dir={tmp_path / 'run'}")
    assert call(*run, *given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_an_unfinished_folder_is_refused(tmp_path, capsys):
    assert call(f"--data_dir={tmp_path}", f"--run_dir={tmp_path / 'run'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}: no manifest.json; allowed" in line


@pytest.mark.parametrize("model", ["sae", "prodlda"])
def test_a_topic_model_is_trained(
    prepared, tmp_path, capsys, monkeypatch, model
):
    monkeypatch.setattr(runs, "_write_export", lambda *_: None)
    given = [
        f"--model={model}",
        "--dataset=prepared",
        f"--data_dir={prepared}",
        f"--run_dir={tmp_path / 'run'}",
        "--num_topics=2",
        "--epochs=2",
        "--batch_size=16",
    ]
    assert trainer.main(["trainer.py", *given]) == 0
    printed = capsys.readouterr().out
    assert "training texts in 1 shard" in printed
    topics = printed.partition("\nTopics:\n")[2].splitlines()[:2]
    words = {"a", "red", "rose", "is", "the", "thorn", "of", "one", "who"}
    for line in topics:
        assert set(line.split()[1:]) <= words
