"""The small runs that `tools/faults.py` disturbs: data, starts and ends.

A run is a process that is forked from this one, which has imported TensorFlow
and computed nothing: an import would take longer than all the rest. What a
program does is done by its own `main`. Of a run that is not whole, SavedModel
and report are stand-ins of a few kilobytes, since the true ones take most of
its time; they are written as the true ones are.

    python tools/fault_runs.py FLAGS

trains in a process of its own, for what has to be there from its start.
"""

import contextlib
import csv
import hashlib
import json
import multiprocessing
import os
import pathlib
import resource
import signal
import socket
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from unittest import mock

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import trainer  # noqa: E402
from keras_textgen.tasks import results, runs  # noqa: E402

# The quick ones first.
MODELS: dict[str, tuple[str, ...]] = {
    "sae": ("--latent_dim=4", "--num_topics=2"),
    "dmf": ("--embedding_dim=4",),
    "lstm_lm": ("--embedding_dim=4", "--rnn_units=4"),
    "vae": ("--embedding_dim=4", "--rnn_units=4", "--latent_dim=3"),
    "lstm_vae": (
        "--embedding_dim=4",
        "--rnn_units=4",
        "--latent_dim=3",
        "--aggressive_encoder",
        "--optimizer=sgd",
    ),
    "prodlda": ("--num_topics=3",),
    "hdgm": ("--embedding_dim=4", "--rnn_units=4", "--latent_dim=2"),
    "han": ("--embedding_dim=4", "--rnn_units=4", "--attention_units=4"),
    "hsvae": ("--embedding_dim=4", "--rnn_units=4", "--latent_dim=3"),
}
_TEXTS = ("lstm_lm", "vae", "lstm_vae", "hdgm", "hsvae")
# A run that takes longer hangs.
SECONDS = 600
_TOO_LONG = 1000


class Run(NamedTuple):
    """A run that has ended.

    Attributes:
      status: exit status; negative for a signal.
      seconds: that it took.
      error: what it said on standard error.
    """

    status: int
    seconds: float
    error: str

    @property
    def lines(self) -> list[str]:
        """What it said."""
        return self.error.strip().splitlines()

    @property
    def says_why(self) -> bool:
        """Whether it has refused, in one line."""
        return self.status == 2 and len(self.lines) == 1


class Started:
    """A run that goes on.

    Args:
      arguments: of the program.
      program: `"train"` or `"prepare"`.
      environment: what is set of it.
      spare: bytes of address space beside those that there are; None for all.
      is_whole: whether SavedModel and report are the true ones.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        program: str = "train",
        environment: dict[str, str] | None = None,
        spare: int | None = None,
        is_whole: bool = False,
    ) -> None:
        self._start = time.monotonic()
        handle, name = tempfile.mkstemp()
        os.close(handle)
        self._errors = pathlib.Path(name)
        self._process = multiprocessing.get_context("fork").Process(
            target=_child,
            args=(
                list(arguments),
                program,
                name,
                environment or {},
                spare,
                is_whole,
            ),
        )
        self._process.start()

    def wait(self, seconds: float) -> None:
        """Waits until it has ended, but no longer."""
        self._process.join(seconds)

    def signal(self, number: int) -> None:
        """Sends a signal, if it has not ended."""
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def end(self, seconds: float = SECONDS) -> Run:
        """Waits for its end; what takes longer is killed, and says so."""
        self._process.join(seconds)
        status, more = self._process.exitcode, ""
        if status is None:
            self._process.kill()
            self._process.join()
            status, more = _TOO_LONG, f"\nno end within {seconds:.0f} s"
        error = said(self._errors.read_text("utf-8", "replace")) + more
        self._errors.unlink()
        return Run(status, time.monotonic() - self._start, error)


def run(arguments: Sequence[str], **options: Any) -> Run:
    """Starts a run, and waits for its end."""
    return Started(arguments, **options).end()


def said(text: str) -> str:
    """What a program has said, without what TensorFlow's own code has."""
    its = (
        "WARNING: All log",
        "WARNING:root:apitools",
        "E0000",
        "I0000",
        "W0000",
    )
    return "\n".join(
        line for line in text.splitlines() if not line.startswith(its)
    )


def _child(
    arguments: list[str],
    program: str,
    errors: str,
    environment: dict[str, str],
    spare: int | None,
    is_whole: bool,
) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(errors, os.O_WRONLY), 2)
    os.environ.update(environment)
    if not is_whole:
        _stand_in()
    if spare is not None:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + spare
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        status = _main(program, arguments)
    except KeyboardInterrupt:
        # As Python ends where nobody has caught it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


def _main(program: str, arguments: list[str]) -> int:
    if program == "train":
        return trainer.main(["trainer.py", *arguments])
    from keras_textgen.prepare.__main__ import main

    return main(arguments)


def _stand_in() -> None:
    """Let a run write small files in place of SavedModel and report."""
    tasks = (*runs._TASKS.values(), *runs._PREPARED.values())
    for place, name, small in (
        (runs, "export_model", _small_export),
        (results, "run_report", lambda *_: "a report\n" * 500),
        *((task, "print_results", _no_figures) for task in tasks),
    ):
        # What stands in for a name that has moved would stand in for nothing.
        mock.patch.object(place, name, small).start()


def _small_export(model: Any, path: pathlib.Path) -> None:
    del model
    (path / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/variables.index"):
        (path / name).write_bytes(b"stand-in" * 1000)


def _no_figures(task: Any, model: Any, folder: pathlib.Path) -> dict[str, str]:
    del model, folder
    task.print_heading()
    return {}


# -- What is trained -----------------------------------------------------------


def flags_of(
    model: str, work: pathlib.Path, folder: pathlib.Path, *more: str
) -> list[str]:
    """The flags of a run.

    Args:
      model: one of `MODELS`.
      work: where its data are.
      folder: where it writes.
      *more: further flags.
    """
    data = work / ("ratings.csv" if model == "dmf" else "lines.txt")
    return [
        f"--model={model}",
        f"--dataset={'ratings' if model == 'dmf' else 'text'}",
        f"--data_dir={data}",
        f"--run_dir={folder}",
        "--epochs=2",
        "--batch_size=8",
        "--min_steps_per_epoch=1",
        # As often as it can be: faults are to meet it.
        "--checkpoint_seconds=0.05",
        *MODELS[model],
        *(["--importance_samples=0"] if model in _TEXTS else []),
        *more,
    ]


def write_data(work: pathlib.Path) -> None:
    """Writes lines, a table of them, and ratings."""
    texts = [
        ("ab"[n % 2], f"{who} {what} the {thing} of {n % 7} .")
        for n, (who, what, thing) in enumerate(
            (w, v, t)
            for w in ("we", "they", "all")
            for v in ("see", "know", "keep", "love")
            for t in ("sea", "law", "rose", "land")
        )
    ]
    lines = "".join(f"{label}\t{text}\n" for label, text in texts)
    (work / "lines.txt").write_text(lines, "utf-8")
    with (work / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *texts * 3])
    cells = [(u, i) for u in range(12) for i in range(9) if (u + i) % 4]
    rows = [f"u{u},i{i},{1 + (u * i) % 5}\n" for u, i in cells]
    (work / "ratings.csv").write_text("user,item,rating\n" + "".join(rows))


def preparing(
    model: str, work: pathlib.Path, folder: pathlib.Path
) -> list[str]:
    """The flags that prepare a corpus, or a matrix, for a model."""
    table = "ratings.csv" if model == "dmf" else "table.csv"
    columns = {
        "dmf": ["--row_column=user"],
        "han": ["--label_column=label", "--sentence_rule=graph"],
    }
    return [
        f"--input={work / table}",
        f"--output={folder}",
        "--valid_share=0.2",
        "--test_share=0.2",
        *columns.get(model, ["--label_column=label"]),
    ]


def of_shards(data: pathlib.Path) -> tuple[str, ...]:
    """The flags that train on what was prepared."""
    return "--dataset=prepared", f"--data_dir={data}"


def workers(flags: list[str]) -> list[Started]:
    """Two processes that train together; the first one is the chief."""
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("localhost", 0))
        ports = [each.getsockname()[1] for each in (first, second)]
    addresses = [f"localhost:{port}" for port in ports]
    flags = [*flags, "--distribution_strategy=multi_worker_mirrored"]
    found = []
    for index in (0, 1):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        found.append(Started(flags, environment={"TF_CONFIG": config}))
    return found


# -- What has become of it -----------------------------------------------------


def weights(folder: pathlib.Path) -> str:
    """A checksum of all weights of a run's model, without its file's times.

    Args:
      folder: of the run.
    """
    digest = hashlib.sha256()
    with (
        zipfile.ZipFile(folder / "model.keras") as archive,
        archive.open("model.weights.h5") as stream,
        h5py.File(stream, "r") as file,
    ):
        names: list[str] = []
        file.visit(names.append)
        for name in sorted(names):
            node = file[name]
            if isinstance(node, h5py.Dataset):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(node[()]).tobytes())
    return digest.hexdigest()


def contents(folder: pathlib.Path) -> str:
    """A checksum of all files of a folder, and their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def is_whole(folder: pathlib.Path) -> bool:
    """Whether what a run has written so far can be read."""
    model, export = folder / "model.keras", folder / "export"
    if model.exists() and zipfile.ZipFile(model).testzip() is not None:
        return False
    return not export.exists() or (export / "saved_model.pb").exists()


def files_of(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """The files of a run that hold something, in the order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            yield path


if __name__ == "__main__":
    _stand_in()
    sys.exit(_main("train", sys.argv[1:]))
