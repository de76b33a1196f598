"""Trackers: what they are handed, offline, and how a run goes on with them."""

import contextlib
import math
import pathlib
import signal
import struct
import sys

import pytest
import tensorflow as tf

import trainer
from keras_textgen.cli import refusals
from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.evaluation.figures import Figure
from keras_textgen.training.callbacks import Interrupted, TensorBoardLogs
from keras_textgen.training.run_directory import RunDirectory
from keras_textgen.training.trackers import Tracker, tracker_of

# What MLflow's and W&B's own dependencies say of each other.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FIGURES = [
    Figure("elbo", -80.5, "nats", "test", "lower"),
    Figure("recall@10", 0.25),
    Figure("real text: self-BLEU", math.nan, "", "train"),
]


def tracked(name, folder, epochs, figures=(), error=None, **settings):
    """A run of some epochs, in a folder."""
    folder.mkdir(exist_ok=True)
    settings = Settings(tracker=name, dropout=0.25, **settings)
    with tracker_of(settings, RunDirectory(folder)) as tracker:
        for epoch in epochs:
            logs = {"loss": 1.0 / epoch, "val_loss": 2.0 / epoch}
            tracker.on_epoch_end(epoch - 1, logs)
        if figures:
            tracker.on_figures(figures)
        if error is not None:
            raise error


# -- TensorBoard --------------------------------------------------------------


def test_tensorboard_reads_the_logs(tmp_path):
    """That of its package, which nothing here needs to write them."""
    reason = "the extra tensorboard is missing"
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_multiplexer", reason=reason
    )
    logs = TensorBoardLogs(tmp_path)
    logs.on_epoch_end(0, {"nll": 3.0, "val_nll": 4.0})
    logs.on_epoch_end(1, {"nll": 1.0, "val_nll": 2.0})
    runs = accumulators.EventMultiplexer().AddRunsFromDirectory(str(tmp_path))
    runs.Reload()
    assert runs.PluginRunToTagToContent("scalars").keys() == {
        "train",
        "validation",
    }
    for run, expected in {"train": [3, 1], "validation": [4, 2]}.items():
        events = runs.Tensors(run, "nll")
        assert [event.step for event in events] == [1, 2]
        assert [
            float(tf.make_ndarray(event.tensor_proto)) for event in events
        ] == expected


# -- MLflow -------------------------------------------------------------------


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Of a store in a file."""
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is missing")
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ours")
    mlflow.set_tracking_uri(store)
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)


def only_run(client):
    experiment = client.get_experiment_by_name("ours")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def history(client, run, name):
    points = client.get_metric_history(run.info.run_id, name)
    return [(each.step, each.value) for each in points]


def test_mlflow_has_settings_epochs_and_figures(client, tmp_path, capsys):
    folder = tmp_path / "several" / "seed_0"
    folder.parent.mkdir()
    tracked("mlflow", folder, [1, 2], FIGURES)
    run = only_run(client)
    assert run.info.run_name == "several/seed_0"
    assert run.info.status == "FINISHED"
    assert run.data.params["model"] == "hdgm"
    assert run.data.params["dropout"] == "0.25"
    assert "max_length" not in run.data.params
    assert "mode" not in run.data.params
    assert history(client, run, "train/loss") == [(1, 1.0), (2, 0.5)]
    assert history(client, run, "valid/loss") == [(1, 2.0), (2, 1.0)]
    assert run.data.metrics["test/elbo"] == -80.5
    assert run.data.metrics["test/recall_10"] == 0.25
    printed = capsys.readouterr().out
    assert printed.startswith("Tracked by mlflow: sqlite:///")
    assert printed.count("\n") == 1


def test_mlflow_goes_on_with_a_run(client, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        tracked("mlflow", folder, [1], error=Interrupted(15))
    assert only_run(client).info.status == "KILLED"
    with pytest.raises(RunError, match="NaN"):
        tracked("mlflow", folder, [2], error=RunError("the loss is NaN"))
    assert only_run(client).info.status == "FAILED"
    tracked("mlflow", folder, [3])
    run = only_run(client)
    assert run.info.status == "FINISHED"
    assert [step for step, _ in history(client, run, "train/loss")] == [1, 2, 3]


def test_what_mlflow_refuses_ends_no_training(client, tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    settings = Settings(tracker="mlflow")
    with tracker_of(settings, RunDirectory(folder)) as tracker:
        client.delete_run(only_run(client).info.run_id)
        tracker.on_epoch_end(0, {"loss": 1.0})
    assert "  --tracker=mlflow: " in capsys.readouterr().out


def test_a_store_that_is_not_there_is_said_before_training(
    client, tmp_path, monkeypatch
):
    del client
    mlflow = sys.modules["mlflow"]
    mlflow.set_tracking_uri("unheard-of://nowhere")
    with pytest.raises(RunError, match="--tracker=mlflow: ") as told:
        tracked("mlflow", tmp_path / "run", [1])
    assert "\n" not in str(told.value)


# -- Weights & Biases ---------------------------------------------------------


@pytest.fixture
def wandb(monkeypatch, tmp_path):
    module = pytest.importorskip("wandb", reason="the extra wandb is missing")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    return module


def records_of(folder):
    """What an offline run has written, in its order."""
    from wandb.proto import wandb_internal_pb2

    return [
        wandb_internal_pb2.Record.FromString(data)
        for path in sorted(
            pathlib.Path(folder).glob("wandb/offline-run-*/*.wandb")
        )
        for data in logged(path.read_bytes())
    ]


def logged(data):
    """The entries of a log as LevelDB writes it, behind a head of 7 bytes.

    In blocks of 32 KiB; an entry is whole (1), or its first (2), middle (3) and
    last (4) pieces, each behind checksum, length and kind.
    """
    at, entry = 7, b""
    while at + 7 <= len(data):
        if 2**15 - at % 2**15 < 7:
            at += 2**15 - at % 2**15
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        entry += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield entry
            entry = b""


def items_of(items):
    """JSON by key; a nested key has dots."""
    return {
        item.key or "/".join(item.nested_key): item.value_json for item in items
    }


def test_wandb_has_settings_epochs_and_figures(wandb, tmp_path, capsys):
    folder = tmp_path / "run"
    tracked("wandb", folder, [1, 2], FIGURES)
    records = records_of(folder)
    (run,) = (r.run for r in records if r.HasField("run"))
    assert run.project == "keras-textgen"
    assert run.display_name == f"{tmp_path.name}/run"
    config = items_of(run.config.update)
    assert config["model"] == '"hdgm"'
    assert config["dropout"] == "0.25"
    assert "mode" not in config
    rows = [items_of(r.history.item) for r in records if r.HasField("history")]
    losses = [(row["train/loss"], row["valid/loss"]) for row in rows]
    assert [tuple(map(float, each)) for each in losses] == [(1, 2), (0.5, 1)]
    summary = {}
    for record in records:
        summary |= items_of(record.summary.update)
    assert summary["test/elbo"] == "-80.5"
    assert summary["test/recall@10"] == "0.25"
    (end,) = (r.exit for r in records if r.HasField("exit"))
    assert end.exit_code == 0
    printed = capsys.readouterr()
    assert printed.out == f"Tracked by wandb: {place_of(folder)}\n"


def place_of(folder):
    (place,) = (folder / "wandb").glob("offline-run-*/files")
    return place


def test_wandb_goes_on_with_a_run(wandb, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(RunError, match="NaN"):
        tracked("wandb", folder, [1], error=RunError("the loss is NaN"))
    tracked("wandb", folder, [2])
    records = records_of(folder)
    ids = {r.run.run_id for r in records if r.HasField("run")}
    assert ids == {(folder / "wandb_id.txt").read_text().strip()}
    codes = sorted(r.exit.exit_code for r in records if r.HasField("exit"))
    assert codes == [0, 1]


def test_without_a_key_nothing_is_trained(wandb, tmp_path, monkeypatch):
    def init(**_):
        raise wandb.errors.UsageError("No API key configured.\nLog in.")

    monkeypatch.setattr(wandb, "init", init)
    with pytest.raises(RunError) as told:
        tracked("wandb", tmp_path / "run", [1])
    assert str(told.value) == "--tracker=wandb: No API key configured."


# -- The program --------------------------------------------------------------


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_package_is_said_at_once(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(refusals, "find_spec", lambda _: None)
    run_dir = tmp_path / "run"
    given = ["trainer.py", f"--tracker={name}", f"--run_dir={run_dir}"]
    assert trainer.main(given) == 2
    error = capsys.readouterr().err
    assert f"pip install 'keras-textgen[{name}]'" in error
    assert error.count("\n") == 1
    assert not run_dir.exists()


def test_a_run_is_tracked_to_its_end(client, tmp_path, monkeypatch):
    cells = [(u, i) for u in range(12) for i in range(9) if (u + i) % 4]
    rows = [f"u{u},i{i},{1 + (u * i) % 5}" for u, i in cells]
    path = tmp_path / "ratings.csv"
    path.write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    names = {"model": "dmf", "dataset": "ratings", "data_dir": path}
    names |= {"run_dir": tmp_path / "run", "epochs": 2, "embedding_dim": 4}
    given = [f"--{name}={value}" for name, value in names.items()]
    assert trainer.main(["trainer.py", *given, "--tracker=mlflow"]) == 0
    run = only_run(client)
    lines = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    columns = dict(zip(lines[0].split(","), lines[-1].split(","), strict=True))
    for name in ("loss", "rmse"):
        assert run.data.metrics[f"train/{name}"] == float(columns[name])
        value = float(columns[f"val_{name}"])
        assert run.data.metrics[f"valid/{name}"] == value
    assert run.data.metrics["test/rmse"] > 0
    assert len(history(client, run, "train/loss")) == 2
    # Without epochs, the same run ends again.
    assert trainer.main(["trainer.py", *given, "--tracker=mlflow"]) == 0
    assert len(history(client, only_run(client), "train/loss")) == 2


class Noted(Tracker):
    """A tracker that keeps what it is told."""

    package = "json"

    def _begin(self, known):
        self.ends = []
        return "1", "here"

    def _log(self, figures, epoch):
        raise AssertionError

    _conclude = _log

    def _end(self, has_failed, was_stopped):
        self.ends.append((has_failed, was_stopped))


@pytest.fixture
def handle():
    """Sets what a signal does, until the test ends."""
    with contextlib.ExitStack() as stack:

        def set_handler(number, handler):
            stack.callback(signal.signal, number, signal.getsignal(number))
            signal.signal(number, handler)

        yield set_handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_outside_training_is_said_before_it_ends(
    number, handle, tmp_path
):
    tracker, seen = Noted(Settings(), RunDirectory(tmp_path)), []

    def end(number, _):
        seen.append((number, list(tracker.ends)))
        raise SystemExit

    handle(number, end)
    with pytest.raises(SystemExit), tracker:
        signal.raise_signal(number)
    assert seen == [(number, [(True, True)])]
    assert signal.getsignal(number) is end


def test_an_interrupt_that_raises_is_said_once(handle, tmp_path):
    tracker = Noted(Settings(), RunDirectory(tmp_path))
    handle(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), tracker:
        signal.raise_signal(signal.SIGINT)
    assert tracker.ends == [(True, True)]


def test_a_signal_that_is_ignored_ends_nothing(handle, tmp_path):
    tracker = Noted(Settings(), RunDirectory(tmp_path))
    handle(signal.SIGINT, signal.SIG_IGN)
    with tracker:
        signal.raise_signal(signal.SIGINT)
    assert tracker.ends == [(False, False)]


def test_without_a_tracker_there_is_none(tmp_path):
    with tracker_of(Settings(), RunDirectory(tmp_path)) as tracker:
        assert tracker is None
    assert list(tmp_path.iterdir()) == []
