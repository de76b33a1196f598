"""Several processes train together, and write as one."""

import argparse
import csv
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.distribute import multi_worker_util

import trainer
from keras_textgen import load_model
from keras_textgen.cli.settings import RunError
from keras_textgen.tasks import runs
from keras_textgen.training.cluster import Cluster, read_cluster
from keras_textgen.training.strategies import Agreement
from tests.conformance.keras_cases import INSTALLED

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKERS = {"worker": ["a:1", "b:1"]}


def config(**changes):
    whole = {"cluster": WORKERS, "task": {"type": "worker", "index": 1}}
    return {"TF_CONFIG": json.dumps({**whole, **changes})}


def test_what_the_environment_says():
    assert read_cluster(config()) == Cluster(2, 1)
    assert not read_cluster(config()).is_chief
    slurm = {
        "SLURM_PROCID": "0",
        "SLURM_NTASKS": "3",
        "SLURM_STEP_NODELIST": "n[1-3]",
    }
    assert read_cluster(slurm) == Cluster(3, 0)
    assert read_cluster(slurm).is_chief
    # TensorFlow's own comes first.
    assert read_cluster(slurm | config()) == Cluster(2, 1)


def test_a_chief_is_the_worker_before_the_first_one():
    jobs = {"chief": ["c:1"], **WORKERS}
    chief = config(cluster=jobs, task={"type": "chief", "index": 0})
    assert read_cluster(chief) == Cluster(3, 0)
    assert read_cluster(chief).is_chief
    assert read_cluster(config(cluster=jobs)) == Cluster(3, 2)
    tasks = [("chief", 0), ("worker", 0), ("worker", 1)]
    for kind, index in tasks:
        found = config(cluster=jobs, task={"type": kind, "index": index})
        # As TensorFlow numbers them.
        expected = multi_worker_util.id_in_cluster(jobs, kind, index)
        assert read_cluster(found).index == expected


def test_the_clusters_of_the_docs_are_read():
    page = (ROOT / "docs" / "devices.md").read_text("utf-8")
    (line,) = re.findall(r"export (TF_CONFIG=.*JOB_COMPLETION_INDEX.*)", page)
    shown = subprocess.run(
        ["sh", "-c", f'{line}; printf %s "$TF_CONFIG"'],
        env={"JOB_COMPLETION_INDEX": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert read_cluster({"TF_CONFIG": shown}) == Cluster(2, 1)
    shown = next(
        block
        for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)
        if '"cluster"' in block
    )
    assert read_cluster({"TF_CONFIG": shown}) == Cluster(3, 2)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "neither TF_CONFIG nor the variables of a task of Slurm"),
        ({"TF_CONFIG": "{"}, "TF_CONFIG={: Expecting"),
        ({"TF_CONFIG": "{}"}, "'cluster' is missing"),
        (config(task={"type": "worker"}), "'index' is missing"),
        (config(task={"type": "worker", "index": 2}), "no worker of index 2"),
        (config(task={"type": "worker", "index": "0"}), "no worker of index 0"),
        (
            config(task={"type": "ps", "index": 0}),
            "jobs other than worker and chief",
        ),
        (
            config(cluster={**WORKERS, "ps": ["c:1"]}),
            "jobs other than worker and chief",
        ),
        (config(cluster={"worker": []}), "no list of workers"),
        (config(cluster=[]), "list indices must be"),
        (config(cluster={**WORKERS, "chief": "c:1"}), "no list of one"),
        (config(cluster={**WORKERS, "chief": ["c", "d"]}), "no list of one"),
        (
            config(task={"type": "chief", "index": 0}),
            "jobs other than worker and chief",
        ),
    ],
)
def test_a_cluster_that_is_none_is_refused(environment, problem):
    with pytest.raises(RunError) as error:
        read_cluster(environment)
    message = str(error.value)
    assert problem in message
    assert "; allowed: " in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "kind",
    ["UnavailableError", "AbortedError", "DeadlineExceededError"],
)
def test_a_lost_worker_is_told_in_one_line(monkeypatch, kind):
    def lost(*_):
        raise getattr(tf.errors, kind)(None, None, "RPC:\nCollective ops")

    monkeypatch.setattr(runs, "_train", lost)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    settings = argparse.Namespace(mode="train", seed=0, run_dir="RUN")
    with pytest.raises(RunError) as error:
        runs.run(settings, None, None, Cluster(2, 1))
    assert str(error.value) == (
        "a worker has stopped, or cannot be reached; start all 2 again: they "
        "go on from the last checkpoint in RUN"
    )


@pytest.mark.parametrize("name", ["tpu", "parameter_server"])
def test_strategies_that_cannot_be_are_refused_first(capsys, name):
    given = [f"--distribution_strategy={name}", "--data_dir=nowhere"]
    assert trainer.main(["trainer.py", "--dataset=text", *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"trainer.py: error: --distribution_strategy={name}")
    assert line.endswith("none, mirrored, multi_worker_mirrored")


def test_a_process_alone_agrees_with_itself():
    agreement = Agreement(INSTALLED[0].make())
    assert agreement.any(True, False) == [True, False]


# -- Two processes -------------------------------------------------------------


def addresses():
    """Two that are free."""
    found = []
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("localhost", 0))
            found.append(f"localhost:{each.getsockname()[1]}")
    return found


def one_thread():
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    # What the tests set; by itself, the program keeps TensorFlow quiet.
    others = {
        k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"
    }
    return {**others, **dict.fromkeys(names, "1")}


@pytest.mark.slow
def test_two_workers_train_every_model_as_one_process():
    """Twenty steps, with the noise and the dropout of the cases."""
    command = [sys.executable, "-m", "tests.conformance.two_workers"]
    pair = addresses()
    chief, other = (
        subprocess.Popen(
            [*command, *pair, index],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=one_thread(),
            text=True,
        )
        for index in "01"
    )
    try:
        output, errors = chief.communicate(timeout=900)
        assert not chief.returncode, errors[-2000:]
        assert not other.wait(timeout=60)
    finally:
        for each in (chief, other):
            each.kill()
            each.communicate()
    lines = [json.loads(line) for line in output.splitlines()]
    assert [name for name, *_ in lines] == [case.name for case in INSTALLED]
    for case, (_, losses, loss, weights) in zip(INSTALLED, lines, strict=True):
        model = case.make()
        model.compile("sgd")
        data = case.x, case.y
        expected = model.fit(*data, epochs=10, batch_size=4, verbose=0).history
        found = model.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
        np.testing.assert_allclose(
            [*losses, loss], [*expected["loss"], found["loss"]], rtol=1e-5
        )
        np.testing.assert_allclose(
            weights,
            [np.abs(each).sum() for each in model.get_weights()],
            rtol=1e-5,
            err_msg=case.name,
        )


def write_texts(folder):
    draw = np.random.default_rng(0)
    texts = [
        " ".join(draw.choice(list("abcdefgh"), draw.integers(2, 10)))
        for _ in range(403)
    ]
    path = folder / "texts.txt"
    path.write_text("\n".join(texts) + "\n", "utf-8")
    return path


def flags_of(texts, run_dir, *more):
    return [
        "--model=lstm_vae",
        "--dataset=text",
        f"--data_dir={texts}",
        f"--run_dir={run_dir}",
        "--embedding_dim=8",
        "--rnn_units=8",
        "--latent_dim=4",
        "--batch_size=32",
        "--epochs=3",
        "--min_steps_per_epoch=1",
        "--early_stopping_patience=0",
        "--importance_samples=0",
        *more,
    ]


def start(flags, pair=None, index=0):
    """A run, alone or as one of two workers."""
    environment = one_thread()
    if pair is not None:
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": pair}, "task": task}
        environment["TF_CONFIG"] = json.dumps(cluster)
        flags = [*flags, "--distribution_strategy=multi_worker_mirrored"]
    return subprocess.Popen(
        [sys.executable, "trainer.py", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
        text=True,
    )


def start_two(flags):
    pair = addresses()
    return [start(flags, pair, index) for index in (0, 1)]


def ended(process, timeout=600):
    """Its status, and what it has printed."""
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, output, errors


def wait_for(path, seconds=300):
    limit = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < limit, f"{path} never came"
        time.sleep(0.2)


def rows_of(run_dir):
    with open(run_dir / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def assert_same_run(found, expected):
    for row, other in zip(rows_of(found), rows_of(expected), strict=True):
        for name in ("loss", "nll", "kl", "val_loss"):
            assert float(row[name]) == pytest.approx(
                float(other[name]), rel=1e-5
            )
    models = [load_model(each / "model.keras") for each in (found, expected)]
    for weight, other in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process, its texts beside it."""
    folder = tmp_path_factory.mktemp("alone")
    texts = write_texts(folder)
    status, _, errors = ended(start(flags_of(texts, folder / "run")))
    assert status == 0, errors
    return folder


@pytest.mark.slow
def test_two_workers_make_the_run_of_one(alone, tmp_path):
    flags = flags_of(alone / "texts.txt", tmp_path / "run")
    chief, other = map(ended, start_two(flags))
    assert chief[0] == other[0] == 0, chief[2] + other[2]
    assert "Test set, with the weights" in chief[1]
    assert other[1] == ""
    assert_same_run(tmp_path / "run", alone / "run")
    assert tf.saved_model.contains_saved_model(tmp_path / "run" / "export")


@pytest.mark.slow
def test_what_two_workers_began_one_process_ends(alone, tmp_path):
    run = tmp_path / "run"
    flags = flags_of(alone / "texts.txt", run)
    pair = start_two(flags)
    wait_for(run / "metrics.csv")
    pair[1].send_signal(signal.SIGTERM)
    chief, other = map(ended, pair)
    assert chief[0] == other[0] == 128 + signal.SIGTERM
    assert "Stopped by SIGTERM, and saved." in chief[1]
    status, output, errors = ended(
        start([*flags, "--distribution_strategy=none"])
    )
    assert status == 0, errors
    assert "Going on after step" in output
    assert_same_run(run, alone / "run")


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_dead_worker_ends_the_other_with_one_line(alone, tmp_path, victim):
    run = tmp_path / "run"
    flags = flags_of(alone / "texts.txt", run, "--epochs=500")
    pair = start_two(flags)
    # What an epoch writes last.
    wait_for(run / "model.keras")
    pair[victim].kill()
    status, _, errors = ended(pair[1 - victim], timeout=60)
    pair[victim].communicate()
    assert status == 2
    message = r"\Atrainer.py: error: a worker has stopped, .* in (.*)\n\Z"
    assert re.findall(message, errors) == [str(run)], errors
    (run / "model.keras").stat()


@pytest.mark.slow
def test_a_worker_that_is_stopped_for_a_while_is_waited_for(alone, tmp_path):
    run = tmp_path / "run"
    pair = start_two(flags_of(alone / "texts.txt", run))
    wait_for(run / "metrics.csv")
    pair[1].send_signal(signal.SIGSTOP)
    # TensorFlow's own patience is 10 seconds.
    time.sleep(15)
    pair[1].send_signal(signal.SIGCONT)
    for status, _, errors in map(ended, pair):
        assert status == 0, errors
    assert_same_run(run, alone / "run")
