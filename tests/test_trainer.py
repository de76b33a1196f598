"""The trainer from the command line: whole runs, interruptions, bad input."""

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

import trainer
from keras_textgen import program
from keras_textgen.models.loading import load_model
from keras_textgen.serving.saved_model import read
from keras_textgen.tasks import runs
from keras_textgen.training import precision as faster
from keras_textgen.training.checkpoints import newest_first
from tests.interrupted import (
    assert_same_state,
    terminate_after,
    train_alone,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "man",
    "house",
    "sees",
    "likes",
    "big",
    "small",
    "red",
    "and",
]
# What would depend on the recipes for a text of one's own.
NO_RECIPE = [
    "--min_count=1",
    "--vocab_size=default",
    "--dropout=default",
    "--nolr_halve_on_plateau",
    "--early_stopping_patience=0",
    "--learning_rate=0.001",
    "--min_steps_per_epoch=1",
    "--sampling_temperature=1",
]
NO_REMEDIES = ["--feed_latent=default", "--free_bits_per_dimension=default"]
SMALL = [
    "--model=vae",
    "--dataset=text",
    *NO_RECIPE,
    *NO_REMEDIES,
    "--kl_schedule=constant",
    "--objective=bound",
    "--embedding_dim=4",
    "--rnn_units=8",
    "--num_layers=1",
    "--latent_dim=2",
    "--generated_length=8",
    "--importance_samples=2",
    "--batch_size=8",
    "--epochs=2",
]


def write_corpus(folder, size=40, seed=0):
    generator = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, number in (("train", size), ("valid", 12), ("test", 12)):
        lines = [
            " ".join(generator.choices(WORDS, k=generator.randint(2, 7)))
            for _ in range(number)
        ]
        # Every word is in every corpus, so that the vocabulary is one.
        (folder / f"{split}.txt").write_text(
            "\n".join([" ".join(WORDS), *lines]) + "\n"
        )
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def arguments(corpus, run_dir, *more):
    return [*SMALL, f"--data_dir={corpus}", f"--run_dir={run_dir}", *more]


def call(*given):
    return trainer.main(["trainer.py", *given])


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    """The folder of a finished run, not to be written to."""
    run_dir = tmp_path_factory.mktemp("finished") / "vae_text"
    assert call(*arguments(corpus, run_dir)) == 0
    return run_dir


@pytest.fixture
def run_dir(finished, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(finished, tmp_path / "run")


def digest(folder):
    """Content of every file, without the lock."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


# -- Whole runs ---------------------------------------------------------------


def generated(printed):
    """The texts of each call."""
    parts = printed.split("\nGenerated ")[1:]
    return [part.split("\nTook ")[0] for part in parts]


def test_a_run_starts_from_another(corpus, finished, tmp_path, capsys):
    new = tmp_path / "new"
    given = [f"--preset={finished}", "--epochs=1", "--freeze=embedding"]
    given += ["--learning_rate_of=decoder=0.5"]
    still = ["--optimizer=sgd", "--learning_rate=1e-30"]
    assert call(*arguments(corpus, new, *given, *still)) == 0
    assert f"Starting from {finished}, which has 12 of 12 words." in (
        capsys.readouterr().out
    )
    weights, expected = (
        load_model(folder / "model.keras").trainable_weights
        for folder in (new, finished)
    )
    for weight, other in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(weight.numpy(), other.numpy())
    assert f"--preset={finished}" in (new / "flags.txt").read_text()
    # The same command goes on, and another preset is another run.
    assert call(*arguments(corpus, new, *given, *still)) == 0
    other = shutil.copytree(finished, tmp_path / "other")
    given[0] = f"--preset={other}"
    assert call(*arguments(corpus, new, *given, *still)) == 2
    assert "the run there has --preset=" in capsys.readouterr().err
    # What it has learnt is found without the preset.
    mode = ["--mode=generate", "--num_samples=2"]
    assert call(*mode, f"--run_dir={new}") == 0
    assert call(*mode, f"--preset={new}") == 0
    # Its seed is that of the run, unless one is given for the texts.
    same = generated(capsys.readouterr().out)
    assert call(*mode, f"--preset={new}", "--seed=5") == 0
    (other,) = generated(capsys.readouterr().out)
    assert len(same) == 2
    assert same[0] == same[1] != other


def test_a_run_writes_everything(finished):
    assert {path.name for path in finished.iterdir()} == {
        ".lock",
        "checkpoint",
        "export",
        "figures.json",
        "flags.txt",
        "importance_weighted_bounds.npz",
        "logs",
        "metrics.csv",
        "model.keras",
        "report.html",
        "results.txt",
        "sample_quality.csv",
        "times.csv",
    }
    rows = (finished / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2"]


def test_a_finished_run_prints_its_results_again(run_dir, corpus, capsys):
    before = digest(run_dir)
    assert call(*arguments(corpus, run_dir)) == 0
    out = capsys.readouterr().out
    assert "All 2 epochs are done" in out
    for heading in (
        "Test set, with the weights of the best epoch:",
        "Reconstructions of test sequences:",
        "Generated from the prior (temperature 1):",
        f"Written to {run_dir}:",
    ):
        assert f"\n{heading}\n" in out
    _, _, shown = out.partition("\nReconstructions of test sequences:\n")
    assert shown.count("  text   ") == 3
    after = digest(run_dir)
    kept = [
        name
        for name in before
        # The report names the folder, which is another one.
        if not name.startswith("export")
        and name not in ("model.keras", "report.html")
    ]
    assert {name: after[name] for name in kept} == {
        name: before[name] for name in kept
    }


def test_flagfile_of_a_run_repeats_it(finished, tmp_path):
    again = tmp_path / "again"
    flags = f"--flagfile={finished / 'flags.txt'}"
    assert call(flags, f"--run_dir={again}") == 0
    assert_same_state(finished, again)


def test_more_epochs_train_a_finished_run_further(run_dir, corpus, tmp_path):
    more = ["--epochs=3", "--importance_samples=0"]
    assert call(*arguments(corpus, run_dir, *more)) == 0
    in_one_go = tmp_path / "in_one_go"
    assert call(*arguments(corpus, in_one_go, *more)) == 0
    assert_same_state(in_one_go, run_dir)
    assert "--epochs=3\n" in (run_dir / "flags.txt").read_text()


def test_the_run_directory_is_enough_for_other_modes(run_dir, capsys):
    here = f"--run_dir={run_dir}"
    assert call("--mode=generate", here, "--num_samples=3") == 0
    out = capsys.readouterr().out
    assert [line[:4] for line in out.splitlines()[2:5]] == [
        "  1 ",
        "  2 ",
        "  3 ",
    ]
    assert call("--mode=evaluate", here) == 0
    assert "importance-weighted bound" in capsys.readouterr().out
    shutil.rmtree(run_dir / "export")
    assert call("--mode=export", here) == 0
    assert (run_dir / "export" / "saved_model.pb").is_file()


def test_versions_of_the_saved_model(run_dir, capsys):
    export = ["--mode=export", f"--run_dir={run_dir}"]
    shutil.rmtree(run_dir / "export")
    for version in (1, 2, 1):
        assert call(*export, f"--export_version={version}") == 0
        written = run_dir / "export" / str(version)
        assert f"Written to {written}.\n" in capsys.readouterr().out
    names = {path.name for path in (run_dir / "export").iterdir()}
    assert names == {"1", "2"}
    served = read(run_dir / "export")
    assert served.encode(tf.constant(["the cat"]))["code"].shape[0] == 1
    refused(capsys, export, "holds versions 1, 2", "--export_version=N")


def test_reference_hdgm_says_that_it_cannot_generate(corpus, tmp_path, capsys):
    given = arguments(corpus, tmp_path / "run", "--model=hdgm", "--epochs=1")
    given.remove("--objective=bound")
    assert call(*given, "--objective=reference") == 0
    out = capsys.readouterr().out
    assert "\n  nothing: HDGM with objective='reference'" in out
    # Said before the training, too, with the flag that mends it.
    notice = out.index("--objective=bound trains one that can")
    assert notice < out.index("\n  training ")
    assert "not a bound" in out


def test_two_replicas(corpus, tmp_path):
    given = arguments(
        corpus,
        tmp_path / "run",
        "--distribution_strategy=mirrored",
        "--epochs=1",
        "--importance_samples=0",
    )
    assert call(*given) == 0
    assert call("--mode=generate", f"--run_dir={tmp_path / 'run'}") == 0


# -- Interruptions ------------------------------------------------------------


def start(*given):
    return subprocess.Popen(
        [sys.executable, str(ROOT / "trainer.py"), *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def steps_saved(run_dir):
    paths = newest_first(run_dir / "checkpoint" / "last")
    return int(paths[0].name.split("-")[1]) if paths else -1


def wait_for_step(process, run_dir, step):
    deadline = time.monotonic() + 120
    while steps_saved(run_dir) < step and process.poll() is None:
        assert time.monotonic() < deadline, "no checkpoint in two minutes"
        time.sleep(0.01)


def finish(process):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert "Traceback" not in out


LONG = [
    "--epochs=3",
    "--batch_size=1",
    "--importance_samples=0",
    "--checkpoint_seconds=0",
]


@pytest.mark.slow
def test_kill_and_go_on_equals_no_interruption(corpus, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(*arguments(corpus, whole, *LONG))
    generator = random.Random(10)
    given = arguments(corpus, killed, *LONG)
    for _ in range(4):
        process = start(*given)
        wait_for_step(process, killed, steps_saved(killed) + 2)
        time.sleep(generator.uniform(0, 0.2))
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    finish(start(*given))
    finish(uninterrupted)
    assert_same_state(whole, killed)


def test_signal_saves_and_the_same_command_goes_on(corpus, tmp_path):
    given = arguments(corpus, tmp_path / "run", *LONG)
    process = start(*given)
    wait_for_step(process, tmp_path / "run", 1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out.splitlines()[-1] == (
        "Stopped by SIGINT, and saved. The same command goes on."
    )
    saved = steps_saved(tmp_path / "run")
    epoch, step = divmod(saved, 41)
    process = start(*given)
    lines = []
    while not lines or not lines[-1].startswith("Going on"):
        lines.append(process.stdout.readline())
        assert process.poll() is None, lines
    process.kill()
    process.communicate()
    assert lines[-1] == f"Going on after step {step} of epoch {epoch + 1}.\n"


LSTM = [
    "--dataset=text",
    *NO_RECIPE,
    "--embedding_dim=4",
    "--rnn_units=8",
    "--generated_length=8",
    "--importance_samples=0",
    "--batch_size=8",
    "--optimizer=sgd",
    "--learning_rate=1",
]
LSTM_VAE = [
    *LSTM,
    *NO_REMEDIES,
    "--model=lstm_vae",
    "--latent_dim=2",
    "--num_latent_samples=2",
    "--kl_schedule=linear",
]
INTERRUPTED = {
    # No improvement in epochs 3, 7 and 8, of 6 steps each; all by more than
    # 0.05 nats, beyond what rounding does.
    "plateau": (
        [
            "--learning_rate=1.5",
            "--seed=2",
            "--kl_steps=12",
            "--epochs=12",
            "--lr_halve_on_plateau",
            "--early_stopping_patience=2",
        ],
        [20, 48],
        ("the learning rate is halved", 3),
    ),
    "pretraining": (
        ["--kl_steps=6", "--epochs=3", "--autoencoder_epochs=1"],
        [6, 8],
        ("the decoder begins anew", 1),
    ),
    "aggressive encoder": (
        ["--kl_steps=6", "--epochs=6", "--aggressive_encoder"],
        [12],
        ("no longer climbs", 1),
    ),
    # Of a pass of 6 steps, so that one is cut in the middle.
    "cut epochs": (
        ["--kl_epochs=2", "--epochs=3", "--steps_per_epoch=4"],
        [3, 6],
        ("Epoch 3/3", 1),
    ),
    "bfloat16": (
        ["--kl_steps=6", "--epochs=2", "--precision=bfloat16"],
        [4],
        ("Epoch 2/2", 1),
    ),
    # The scale of the loss is part of the state.
    "float16": (
        ["--kl_steps=6", "--epochs=2", "--precision=float16"],
        [4],
        ("Epoch 2/2", 1),
    ),
}


@pytest.mark.parametrize(
    ("flags", "precision"), [({"amx_bf16"}, "bfloat16"), (set(), "float32")]
)
def test_the_faster_precision_is_said_and_kept(
    corpus, tmp_path, capsys, monkeypatch, flags, precision
):
    monkeypatch.setattr(faster, "_processor_flags", lambda: flags)
    monkeypatch.setattr(
        faster.tf.config, "list_physical_devices", lambda *_: []
    )
    for after in ("_write_export", "print_results"):
        monkeypatch.setattr(runs, after, lambda *_: {})
    run_dir = tmp_path / "run"
    given = [*LSTM, "--model=lstm_lm", f"--data_dir={corpus}", "--epochs=1"]
    assert call(*given, "--precision=auto", f"--run_dir={run_dir}") == 0
    assert f"--precision=auto: {precision}, as " in capsys.readouterr().out
    assert f"--precision={precision}\n" in (run_dir / "flags.txt").read_text()
    model = load_model(run_dir / "model.keras")
    assert model.compute_dtype == precision


def test_language_model(corpus, tmp_path, capsys):
    given = [*LSTM, "--model=lstm_lm", "--epochs=1", f"--data_dir={corpus}"]
    run_dir = f"--run_dir={tmp_path / 'run'}"
    assert call(*given, run_dir) == 0
    out = capsys.readouterr().out
    assert re.search("\n  likelihood +exact\n", out)
    assert "Reconstructions" not in out
    assert "\nGenerated (temperature 1):\n" in out
    assert call("--mode=evaluate", run_dir, "--importance_samples=2") == 0
    assert "\n  perplexity " in capsys.readouterr().out


def test_sparse_codes_of_a_labeled_text(tmp_path, capsys):
    generator = random.Random(0)
    lines = []
    for number in range(60):
        words = WORDS[:6] if number % 2 else WORDS[6:]
        text = " ".join(generator.choices(words, k=5))
        lines.append(f"{'ab'[number % 2]}\t{text}\n")
    path = tmp_path / "labeled.txt"
    path.write_text("".join(lines))
    given = [
        "--dataset=text",
        f"--data_dir={path}",
        "--embedding_dim=4",
        "--rnn_units=8",
        "--latent_dim=4",
        "--generated_length=8",
        "--importance_samples=2",
        "--batch_size=8",
        "--epochs=1",
    ]
    first, second = tmp_path / "hsvae", tmp_path / "mat_vae"
    flags = ["--model=hsvae", "--alpha=4", "--iter=3", f"--run_dir={first}"]
    assert call(*given, *flags) == 0
    out = capsys.readouterr().out
    assert "hoyer sample " in out
    assert "\n  hsvae: masked mean " in out
    header = (first / "metrics.csv").read_text().splitlines()[0]
    assert "val_hoyer_gated_mean_normalized" in header.split(",")
    assert "--seed=3\n" in (first / "flags.txt").read_text()
    page = (first / "sparsity.html").read_text()
    assert "Sparse codes: HSVAE on text" in page

    flags = ["--model=mat_vae", f"--beside={first}", f"--run_dir={second}"]
    assert call(*given, *flags) == 0
    rows = (second / "probes.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [
        "majority class",
        "bag of words",
        "mat_vae: sample",
        "mat_vae: mean",
        "mat_vae: masked mean",
        "hsvae: sample",
        "hsvae: slab mean",
        "hsvae: gated mean",
        "hsvae: masked mean",
    ]
    assert rows[1].split(",")[1] == str(len(WORDS) + 4)


@pytest.mark.parametrize("name", INTERRUPTED)
def test_state_of_the_training_survives_interruptions(
    corpus, tmp_path, capsys, monkeypatch, name
):
    more, stops, (line, times) = INTERRUPTED[name]
    train_alone(monkeypatch)
    given = [*LSTM_VAE, f"--data_dir={corpus}", *more]
    whole, again = tmp_path / "whole", tmp_path / "again"
    assert call(*given, f"--run_dir={whole}") == 0
    assert capsys.readouterr().out.count(line) == times
    done = 0
    for stop in stops:
        with monkeypatch.context() as patch:
            terminate_after(stop - done, patch)
            assert call(*given, f"--run_dir={again}") == 128 + signal.SIGTERM
        done = stop
    assert call(*given, f"--run_dir={again}") == 0
    assert_same_state(whole, again)
    out = capsys.readouterr().out
    assert out.count(line) == times
    stopped = "\nStopped early after epoch 8: nothing had improved.\n"
    assert (stopped in out) == (name == "plateau")


# -- Bad input ----------------------------------------------------------------


def refused(capsys, given, *fragments):
    """The command ends with status 2 and one line that has the fragments."""
    assert call(*given) == 2
    error = capsys.readouterr().err
    assert error.startswith("trainer.py: error: ")
    assert error.count("\n") == 1
    for fragment in fragments:
        assert fragment in error
    return error


FLAGS = [
    ("--model=lstm", "must be one of hdgm, vae, lstm_lm"),
    ("--dataset=wiki", "must be one of sotu, ptb, yahoo, yahoo_short"),
    ("--mode=fly", "must be one of train, sweep, evaluate, export"),
    ("--epoch=1", "did you mean --epochs?"),
    ("--epochs=-1", "must be a whole number of at least 1"),
    ("--steps_per_epoch=0", "must be a whole number of at least 1"),
    ("--export_version=0", "must be a whole number of at least 1"),
    ("--epochs=many", "must be a whole number of at least 1"),
    ("--batch_size=0", "must be a whole number of at least 1"),
    ("--rnn_units=-200", "must be a whole number of at least 1"),
    ("--vocab_size=-1", "must be a whole number of at least 5"),
    ("--max_length=-3", "must be a whole number of at least 1"),
    ("--latent_dim=1.5", "must be a whole number of at least 1"),
    ("--seed=-1", "must be a whole number of at least 0"),
    ("--learning_rate=-1", "must be a number above 0"),
    ("--learning_rate=fast", "must be a number above 0"),
    ("--clip_norm=nan", "must be a number above 0"),
    ("--word_keep_rate=2", "at least 0 and at most 1"),
    ("--model=lstm_lm", "--latent_dim has a meaning only with"),
    ("--model=lstm_vae", "--objective has a meaning only with"),
    ("--dropout=1", "at least 0 and at most 0.99"),
    ("--num_latent_samples=0", "must be a whole number of at least 1"),
    ("--free_bits=-1", "must be a number of at least 0"),
    ("--free_bits_per_dimension=x", "must be a number of at least 0"),
    ("--bag_of_words_weight=inf", "must be a number of at least 0"),
    ("--posterior_family=cauchy", "must be one of gaussian, vmf"),
    ("--vmf_concentration=3", "only with --posterior_family=vmf"),
    ("--vmf_concentration=0", "must be a number above 0"),
    ("--feed_latent=2.5", "must be true or false"),
    ("--aggressive_encoder", "needs --optimizer=sgd: "),
    ("--autoencoder_epochs=2", "leaves none of --epochs=2"),
    ("--optimizer=lion", "must be one of adam, nadam, sgd"),
    ("--early_stopping_patience=-1", "must be a whole number of at least 0"),
    ("--lr_halve_on_plateau=0.5", "must be true or false"),
    ("--rnn_type=rnn", "must be one of block, basic, gru"),
    ("--objective=none", "must be one of reference, bound"),
    ("--kl_schedule=step", "must be one of constant, linear"),
    ("--kl_schedule=sigmoid", "needs --kl_bias"),
    ("--kl_slope=1", "only with --kl_schedule=sigmoid"),
    ("--num_levels=2", "only with --model=hdgm, not with --model=vae"),
    ("--window=5", "only with --dataset=ptb or imdb"),
    ("--flagfile=nowhere", "No such file or directory"),
    ("--epochs", "no value given for --epochs"),
    ("train", "stray argument 'train'"),
]


@pytest.mark.parametrize(("argument", "fragment"), FLAGS)
def test_bad_flags(corpus, tmp_path, capsys, argument, fragment):
    run_dir = tmp_path / "run"
    refused(capsys, arguments(corpus, run_dir, argument), fragment)
    assert not run_dir.exists()


TOGETHER = [
    (
        ["--free_bits=1", "--free_bits_per_dimension=1"],
        "--free_bits=1.0 with --free_bits_per_dimension=1.0",
    ),
    (
        ["--posterior_family=vmf", "--free_bits_per_dimension=1"],
        "--posterior_family=vmf with --free_bits_per_dimension=1.0",
    ),
    (
        ["--posterior_family=vmf", "--objective=reference"],
        "--posterior_family=vmf with --objective=reference",
    ),
    (
        ["--posterior_family=vmf", "--latent_dim=1"],
        "--posterior_family=vmf with --latent_dim=1",
    ),
    (
        ["--inputless", "--word_keep_rate=0.5"],
        "--word_keep_rate=0.5 contradicts --inputless",
    ),
    (["--posterior_family=vmf", "--model=hdgm"], "--posterior_family has"),
]


@pytest.mark.parametrize(("together", "fragment"), TOGETHER)
def test_flags_that_exclude_each_other(
    corpus, tmp_path, capsys, together, fragment
):
    run_dir = tmp_path / "run"
    refused(capsys, arguments(corpus, run_dir, *together), fragment)
    assert not run_dir.exists()


def text_file(folder, content):
    path = folder / "mine.txt"
    path.write_bytes(content)
    return path


def damaged_archive(folder):
    path = folder / "mine.txt.gz"
    path.write_bytes(gzip.compress(b"a line\n" * 100)[:-20])
    return path


def without_validation(folder):
    write_corpus(folder)
    (folder / "valid.txt").unlink()
    return folder


LINES = b"some words here\n" * 20
DATA = {
    "missing folder": (lambda folder: folder / "missing", [], "no such file"),
    "empty folder": (lambda folder: folder, [], "no .txt file"),
    "split missing": (without_validation, [], "valid.txt is missing"),
    "empty file": (
        lambda folder: text_file(folder, b""),
        [],
        "mine.txt: the file is empty",
    ),
    "line without words": (
        lambda folder: text_file(folder, LINES + b" \t\n" + LINES),
        [],
        "mine.txt:21: a line without words",
    ),
    "invalid UTF-8": (
        lambda folder: text_file(folder, LINES + b"caf\xe9 closed\n"),
        [],
        "mine.txt:21: invalid UTF-8 (byte 0xe9)",
    ),
    "binary file": (
        lambda folder: text_file(folder, b"\x7fELF\0\0\0"),
        [],
        "mine.txt:1: a zero byte, as binary files have",
    ),
    "damaged gzip": (damaged_archive, [], "compressed file is damaged"),
    "too few lines": (
        lambda folder: text_file(folder, b"one\ntwo\n"),
        [],
        "2 sequences leave nothing for validation",
    ),
    "vocabulary of no word": (
        lambda folder: text_file(folder, LINES),
        ["--min_count=1000"],
        "min_count",
    ),
    "vocabulary of one word": (
        lambda folder: text_file(folder, b"word\n" * 40),
        [],
        "a vocabulary of 1 word; allowed: 2 words or more",
    ),
    "all longer than the cap": (
        lambda folder: text_file(folder, LINES),
        ["--max_length=2"],
        "max_length",
    ),
    "ptb without files": (
        lambda folder: folder,
        ["--dataset=ptb"],
        "ptb.train.txt is missing",
    ),
    "yahoo without files": (
        lambda folder: folder,
        ["--dataset=yahoo"],
        "yahoo.valid.txt is missing",
    ),
    "imdb without reviews": (
        lambda folder: folder,
        ["--dataset=imdb"],
        "no aclImdb there",
    ),
    "imdb archive damaged": (
        lambda folder: damaged_archive(folder),
        ["--dataset=imdb"],
        "archive is damaged",
    ),
}


@pytest.mark.parametrize("name", DATA)
def test_bad_data(tmp_path, capsys, name):
    make, more, fragment = DATA[name]
    data = tmp_path / "data"
    data.mkdir()
    refused(capsys, arguments(make(data), tmp_path / "run", *more), fragment)


# What only the words themselves show, which TensorFlow splits.
OF_WORDS = {
    "vocabulary of no word",
    "vocabulary of one word",
    "all longer than the cap",
}


def table(folder):
    """A table whose last value is no number."""
    path = folder / "films.csv"
    lines = ["user,item,rating", *(f"ann,{i},3" for i in range(998))]
    path.write_text("\n".join([*lines, "ann,999,good"]))
    return path


def ratings_with(line):
    """Writes a table of numbers of 1 to 5, and one line more."""

    def write(folder):
        lines = [
            "user,item,rating",
            *(f"ann,{i},{i % 5 + 1}" for i in range(20)),
        ]
        path = folder / "films.csv"
        path.write_text("\n".join([*lines, line]))
        return path

    return write


def matrix_file(folder):
    path = folder / "matrix.mtx"
    path.write_text("no matrix\n")
    return path


OTHER_DATA = {
    "column missing": (
        table,
        ["--dataset=ratings", "--model=dmf", "--value_field=stars"],
        "films.csv:1: no column 'stars'; there are user, item, rating",
    ),
    "value that is no number": (
        table,
        ["--dataset=ratings", "--model=dmf"],
        "films.csv:1000: ",
    ),
    "id that is missing": (
        ratings_with("nan,1,3"),
        ["--dataset=ratings", "--model=dmf"],
        "films.csv:22: user is missing ('nan'); allowed: an id",
    ),
    "no occurrence": (
        ratings_with("ann,a,0"),
        ["--dataset=ratings", "--model=dmf", "--feedback=implicit"],
        "films.csv:22: value 0; allowed with --feedback=implicit: above 0",
    ),
    "value whose square is infinite": (
        ratings_with("ann,a,1e38"),
        ["--dataset=ratings", "--model=dmf"],
        "films.csv:22: value 1e+38; allowed with --feedback=explicit: -1e+15",
    ),
    "unreadable matrix": (
        matrix_file,
        ["--dataset=matrix", "--model=dmf"],
        "matrix.mtx: ",
    ),
    "documents without labels": (
        lambda folder: text_file(folder, LINES),
        ["--dataset=text", "--model=han"],
        "documents without labels for han",
    ),
    "label of another corpus": (
        lambda folder: text_file(folder, LINES),
        ["--dataset=text", "--model=han", "--label=party"],
        "label='party' for text",
    ),
    "no run": (lambda folder: folder, ["--mode=generate"], "there is no run"),
    "no model beside": (
        lambda folder: text_file(folder, LINES),
        [f"--beside={ROOT}", "--probes"],
        "model.keras: not there yet",
    ),
}
# Reads argument lists, runs each, and says what was imported for them.
WITHOUT_TENSORFLOW = """
import json, sys
from keras_textgen.__main__ import main
for argv in json.load(sys.stdin):
    print(main(["trainer.py", *argv]), flush=True)
    print(file=sys.stderr, flush=True)
slow = {"tensorflow", "keras", "sklearn", "pandas"}
print(slow & set(sys.modules))
"""


def test_bad_data_are_refused_without_tensorflow(tmp_path):
    cases = {
        **{name: DATA[name] for name in DATA if name not in OF_WORDS},
        **OTHER_DATA,
    }
    commands = []
    for number, (make, more, _) in enumerate(cases.values()):
        data = tmp_path / str(number)
        data.mkdir()
        where = [f"--data_dir={make(data)}", f"--run_dir={data / 'run'}"]
        commands.append(["--model=vae", "--dataset=text", *where, *more])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW],
        input=json.dumps(commands),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["2"] * len(cases) + ["set()"]
    errors = done.stderr.splitlines()
    assert errors[1::2] == [""] * len(cases)
    for error, (_, _, fragment) in zip(
        errors[::2], cases.values(), strict=True
    ):
        assert error.startswith("trainer.py: error: ")
        assert fragment in error
    assert not list(tmp_path.glob("*/run"))


# They look words up, or cut sentences, with TensorFlow.
GRAPH_MODULES = {
    "base_vocabulary",
    "class_numbers",
    "corpora",
    "corpus_vocabulary",
    "graph_normalization",
    "graph_sentences",
    "id_checks",
    "own_word_vectors",
    "raw_documents",
    "rows",
    "views",
    "vocabulary",
    "words",
}


def test_readers_import_no_tensorflow():
    data = ROOT / "keras_textgen" / "data"
    names = {path.stem for path in data.glob("*.py")} - GRAPH_MODULES
    names |= {f"readers.{path.stem}" for path in data.glob("readers/*.py")}
    code = "\n".join(
        f"import keras_textgen.data.{name}"
        for name in sorted(names)
        if not name.endswith("__init__")
    )
    code += "\nimport sys; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_missing_recipe_is_said(corpus, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(program, "_run_with_tensorflow", lambda *_: 0)
    given = [f"--data_dir={corpus}", f"--run_dir={tmp_path / 'run'}"]
    assert call("--model=hsvae", "--dataset=ptb", *given) == 2
    assert "No recipe" not in capsys.readouterr().out
    for split in ("train", "valid", "test"):
        shutil.copy(corpus / f"{split}.txt", tmp_path / f"ptb.{split}.txt")
    given[0] = f"--data_dir={tmp_path}"
    assert call("--model=hsvae", "--dataset=ptb", *given) == 0
    said = "No recipe for hsvae on ptb: where no flag is given, the defaults"
    assert capsys.readouterr().out.startswith(said)
    assert call("--model=vae", "--dataset=ptb", *given) == 0
    assert "No recipe" not in capsys.readouterr().out


def test_sequences_longer_than_the_cap_are_counted(corpus, tmp_path, capsys):
    more = ["--max_length=6", "--epochs=1", "--importance_samples=0"]
    assert call(*arguments(corpus, tmp_path / "run", *more)) == 0
    out = capsys.readouterr().out
    lines = (corpus / "train.txt").read_text().splitlines()
    longer = sum(len(line.split()) > 6 for line in lines)
    assert (
        f"Left out of the train set: {longer} of {len(lines)} sequences, "
        "longer than --max_length=6 words.\n"
    ) in out
    assert call(*arguments(corpus, tmp_path / "run", *more)) == 0
    assert "\nThe one epoch is done; a larger" in capsys.readouterr().out


def truncate(path, size=64):
    with open(path, "r+b") as file:
        file.truncate(size)


def truncate_all(run_dir):
    for path in run_dir.glob("checkpoint/last/*.data*"):
        truncate(path)


FOLDERS = {
    "another model": (
        None,
        ["--model=hdgm"],
        "has --model=vae, not --model=hdgm",
    ),
    "another size": (
        None,
        ["--latent_dim=9"],
        "has --latent_dim=2, not --latent_dim=9",
    ),
    "fewer epochs": (None, ["--epochs=1"], "has --epochs=2, not --epochs=1"),
    "not a run": (
        lambda run_dir: (run_dir / "flags.txt").unlink(),
        [],
        "not the folder of a run",
    ),
    "damaged flags": (
        lambda run_dir: (run_dir / "flags.txt").write_text("--epochs=x\n"),
        [],
        "flags.txt: --epochs=x: must be a whole number",
    ),
    "no whole checkpoint": (
        truncate_all,
        ["--epochs=3"],
        "every checkpoint is damaged",
    ),
    "damaged table": (
        lambda run_dir: (run_dir / "metrics.csv").write_text("epoch\nx\n"),
        ["--epochs=3"],
        "metrics.csv:2: no epoch number",
    ),
    "damaged model file": (
        lambda run_dir: truncate(run_dir / "model.keras"),
        ["--mode=generate"],
        "model.keras: cannot be loaded",
    ),
    "no model file": (
        lambda run_dir: (run_dir / "model.keras").unlink(),
        ["--mode=export"],
        "model.keras: not there yet",
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_bad_run_directories(run_dir, corpus, capsys, name):
    damage, more, fragment = FOLDERS[name]
    if damage:
        damage(run_dir)
    before = digest(run_dir)
    refused(capsys, arguments(corpus, run_dir, *more), fragment)
    after = digest(run_dir)
    after.pop("flags.txt", None)
    before.pop("flags.txt", None)
    assert after == before


def test_run_directory_that_is_a_file(corpus, tmp_path, capsys):
    path = text_file(tmp_path, LINES)
    refused(capsys, arguments(corpus, path), "not a folder")
    refused(capsys, arguments(corpus, path / "run"), "cannot be written")
    assert path.read_bytes() == LINES


def test_mode_without_a_run(tmp_path, capsys):
    given = ["--mode=generate", f"--run_dir={tmp_path / 'run'}"]
    refused(capsys, given, "there is no run")


def test_run_directory_in_use(run_dir, corpus, capsys):
    with open(run_dir / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        given = arguments(corpus, run_dir)
        refused(capsys, given, "another process is writing there")


def test_data_that_changed(run_dir, tmp_path, capsys):
    other = write_corpus(tmp_path / "other", seed=1)
    began = (run_dir / "flags.txt").stat().st_mtime
    for path in other.iterdir():
        os.utime(path, (began - 60, began - 60))
    given = arguments(other, run_dir, "--epochs=3")
    message = f"{other}: not the data of the run in {run_dir}, begun on 2"
    refused(capsys, given, message)
    os.utime(other / "valid.txt", (began + 60, began + 60))
    message = f"{other / 'valid.txt'}: changed on 2"
    refused(capsys, given, message)
    # Of fewer words, so that no weight of the checkpoint fits.
    (other / "train.txt").write_text("the cat\n" * 40, "utf-8")
    os.utime(other / "train.txt", (began + 90, began + 90))
    message = f"{other / 'train.txt'}: changed on 2"
    refused(capsys, given, message)


def test_evaluation_of_data_that_changed(corpus, run_dir, tmp_path, capsys):
    """The words are the same, but what was trained on would be tested."""
    other = shutil.copytree(corpus, tmp_path / "other")
    given = [
        "--mode=evaluate",
        f"--data_dir={other}",
        f"--run_dir={run_dir}",
        "--importance_samples=0",
    ]
    lines = (other / "train.txt").read_text("utf-8").splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    (other / "train.txt").write_text("\n".join(lines) + "\n", "utf-8")
    refused(capsys, given, f"{other / 'train.txt'}: changed on 2")
    # A run of which the checkpoints were thrown away cannot tell.
    shutil.rmtree(run_dir / "checkpoint")
    assert call(*given) == 0


def text_files(folder):
    """The files of a run that are text, but for what browsers alone read."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".html", ".lock", ".png"):
            with contextlib.suppress(UnicodeDecodeError):
                if path.read_text("utf-8"):
                    yield path


@pytest.mark.parametrize("mode", ["train", "evaluate", "report"])
def test_a_damaged_text_file_of_a_run_is_a_line(
    corpus, run_dir, tmp_path, capsys, monkeypatch, mode
):
    monkeypatch.setattr(runs, "_write_export", lambda *_: {})
    found = list(text_files(run_dir))
    names = {str(path.relative_to(run_dir)) for path in found}
    assert names >= {
        "checkpoint/last/checkpoint",
        "figures.json",
        "flags.txt",
        "metrics.csv",
        "results.txt",
    }
    whole = shutil.copytree(run_dir, tmp_path / "whole")
    for path in found:
        shutil.rmtree(run_dir)
        shutil.copytree(whole, run_dir)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + b"\xb4")
        capsys.readouterr()
        status = call(
            *arguments(corpus, run_dir),
            f"--mode={mode}",
            "--importance_samples=0",
        )
        lines = capsys.readouterr().err.splitlines()
        assert (status, len(lines)) in [(0, 0), (2, 1)], (path, lines)


def test_truncated_checkpoint_falls_back(run_dir, corpus, finished, capsys):
    folder = run_dir / "checkpoint" / "last"
    last = newest_first(folder)[0]
    truncate(last.with_name(f"{last.name}.data-00000-of-00001"))
    assert call(*arguments(corpus, run_dir)) == 0
    out = capsys.readouterr().out
    assert f"{last}: damaged checkpoint, left aside\n" in out
    assert "Going on after step 0 of epoch 2." in out
    assert_same_state(finished, run_dir)


def test_loss_that_is_not_a_number(corpus, tmp_path, capsys):
    given = arguments(corpus, tmp_path / "run", "--learning_rate=1e30")
    refused(capsys, given, "not a finite number after step", "of epoch 1")


def test_full_disk(run_dir, corpus, capsys):
    """Files larger than a limit cannot be written, as on a full disk."""
    before = digest(run_dir)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        given = arguments(corpus, run_dir, "--epochs=3")
        refused(capsys, given, "cannot be written", "is whole")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    after = digest(run_dir)
    whole = [
        name
        for name in before
        if name.startswith("export") or name == "model.keras"
    ]
    assert {name: after[name] for name in whole} == {
        name: before[name] for name in whole
    }
    assert call(*arguments(corpus, run_dir, "--epochs=3")) == 0


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mount"), reason="needs mount"
)
@pytest.mark.slow
def test_full_disk_of_a_small_file_system(corpus, tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)],
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        given = arguments(corpus, disk / "run", "--rnn_units=64")
        refused(capsys, given, "cannot be written")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
