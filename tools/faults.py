"""Disturbs small runs at random moments, and holds them to ending as if not.

A trial trains a small model of some kind on data of its own, and disturbs it:
it is killed, asked to stop, stopped for a while, started twice; what it has
written is cut, damaged or taken away; the disk is full, or memory is short. The
same command then has to end with the weights of the undisturbed run, to the
bit, or to say why not in one line; and a model or SavedModel that was there
before the fault has to be there, and loadable, after it.

    python tools/faults.py --trials=200 --seed=0 --log=faults.jsonl

Trials that the log has already are not repeated. A trial is a function of the
seed and its number, except for the moment at which the process gets a signal.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODELS: dict[str, tuple[str, ...]] = {
    "lstm_lm": ("--embedding_dim=4", "--rnn_units=4"),
    "vae": ("--embedding_dim=4", "--rnn_units=4", "--latent_dim=3"),
    "han": ("--embedding_dim=4", "--rnn_units=4", "--attention_units=4"),
    "sae": ("--latent_dim=4", "--num_topics=2"),
    "dmf": ("--embedding_dim=4",),
}
SECONDS = 600
# What a process may need for TensorFlow alone, and less than that.
LITTLE_MEMORY = 1_500_000_000
_SMALL_DISK = 400_000


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


class Trial(NamedTuple):
    """What a fault needs to know.

    Attributes:
      command: that trains.
      folder: of the run.
      seconds: that the undisturbed run took.
      hand: what draws the moment and the place.
    """

    command: list[str]
    folder: pathlib.Path
    seconds: float
    hand: random.Random


def main() -> int:
    """Run trials, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=pathlib.Path, required=True)
    options = parser.parse_args()
    done = _done(options.log)
    with (
        tempfile.TemporaryDirectory() as work,
        options.log.open("a", encoding="utf-8") as log,
    ):
        references: dict[str, tuple[str, float]] = {}
        for number in range(options.trials):
            if (options.seed, number) in done:
                continue
            result = _trial(
                options.seed, number, pathlib.Path(work), references
            )
            log.write(json.dumps(result) + "\n")
            log.flush()
            print(_line(result), flush=True)
    return _summary(_results(options.log))


def _results(log: pathlib.Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def _done(log: pathlib.Path) -> set[tuple[int, int]]:
    return {(each["seed"], each["trial"]) for each in _results(log)}


def _line(result: dict[str, Any]) -> str:
    said = f": {result['said']}" if result["said"] else ""
    return (
        f"{result['trial']:4} {result['fault']:20} {result['model']:8} "
        f"{result['outcome']}{said}"
    )


def _summary(results: list[dict[str, Any]]) -> int:
    table: dict[str, collections.Counter[str]] = {}
    for each in results:
        for key in (each["fault"], f"model {each['model']}"):
            table.setdefault(key, collections.Counter())[each["outcome"]] += 1
    outcomes = ("same weights", "one line", "FAULT")
    print(f"\n{'':22}" + "".join(f"{each:>14}" for each in outcomes))
    for key in sorted(table):
        counts = "".join(f"{table[key][each]:14}" for each in outcomes)
        print(f"{key:22}{counts}")
    return 1 if any(each["outcome"] == "FAULT" for each in results) else 0


# -- A trial ------------------------------------------------------------------


def _trial(
    seed: int,
    number: int,
    work: pathlib.Path,
    references: dict[str, tuple[str, float]],
) -> dict[str, Any]:
    hand = random.Random(f"{seed} {number}")
    names = list(FAULTS)
    fault, model = names[number % len(names)], list(MODELS)[hand.randrange(5)]
    if model not in references:
        references[model] = _reference(model, work)
    expected, seconds = references[model]
    with _folder(work, fault) as folder:
        command = _command(model, work, folder)
        found = FAULTS[fault](Trial(command, folder, seconds, hand))
        outcome, said = _judged(found, folder, expected)
    return {
        "seed": seed,
        "trial": number,
        "fault": fault,
        "model": model,
        "outcome": outcome,
        "said": said,
    }


@contextlib.contextmanager
def _folder(work: pathlib.Path, fault: str) -> Iterator[pathlib.Path]:
    """Where the run writes; on a small disk where that is the fault."""
    place = pathlib.Path(tempfile.mkdtemp(dir=work))
    is_small = fault == "full disk"
    if is_small:
        size = f"size={_SMALL_DISK}"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], check=True
        )
    try:
        yield place / "run"
    finally:
        if is_small:
            subprocess.run(["umount", place], check=True)
        shutil.rmtree(place)


def _reference(model: str, work: pathlib.Path) -> tuple[str, float]:
    """The weights and the time of the undisturbed run."""
    folder = work / f"reference_{model}"
    run = _run(_command(model, work, folder))
    if run.status:
        raise SystemExit(f"the undisturbed run failed: {run.error}")
    return weights(folder), run.seconds


def _judged(run: Run, folder: pathlib.Path, expected: str) -> tuple[str, str]:
    """What became of a trial: its outcome, and what was said."""
    if run.status == 0:
        same = weights(folder) == expected
        return ("same weights", "") if same else ("FAULT", "other weights")
    lines = run.error.strip().splitlines()
    if run.status == 2 and len(lines) == 1:
        return "one line", lines[0].replace(str(folder), "RUN")
    return "FAULT", f"status {run.status}: {' '.join(lines[-3:])}"


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


def _command(model: str, work: pathlib.Path, folder: pathlib.Path) -> list[str]:
    data = work / ("ratings.csv" if model == "dmf" else "lines.txt")
    if not data.exists():
        data.write_text(_ratings() if model == "dmf" else _lines(), "utf-8")
    more = ["--importance_samples=0"] if model in ("lstm_lm", "vae") else []
    return [
        sys.executable,
        str(ROOT / "trainer.py"),
        f"--model={model}",
        f"--dataset={'ratings' if model == 'dmf' else 'text'}",
        f"--data_dir={data}",
        f"--run_dir={folder}",
        "--epochs=3",
        "--batch_size=8",
        "--min_steps_per_epoch=1",
        # As often as it can be: faults are to meet it.
        "--checkpoint_seconds=0.05",
        *MODELS[model],
        *more,
    ]


def _lines() -> str:
    texts = [
        f"{'ab'[n % 2]}\t{who} {what} the {thing} of {n % 7} ."
        for n, (who, what, thing) in enumerate(
            (w, v, t)
            for w in ("we", "they", "all", "some")
            for v in ("see", "know", "keep", "love")
            for t in ("sea", "law", "rose", "land", "peace", "road")
        )
    ]
    return "\n".join(texts) + "\n"


def _ratings() -> str:
    cells = [(u, i) for u in range(16) for i in range(12) if (u + i) % 4]
    rows = [f"u{u},i{i},{1 + (u * i) % 5}" for u, i in cells]
    return "user,item,rating\n" + "\n".join(rows) + "\n"


def _start(command: list[str], **options: Any) -> subprocess.Popen:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        **options,
    )


def _end(process: subprocess.Popen, start: float) -> Run:
    _, error = process.communicate(timeout=SECONDS)
    # What TensorFlow's own code writes there is no message of the program.
    said = [
        line
        for line in error.splitlines()
        if not line.startswith(("WARNING: All log", "E0000", "I0000", "W0000"))
    ]
    seconds = time.monotonic() - start
    return Run(process.returncode, seconds, "\n".join(said))


def _run(command: list[str], **options: Any) -> Run:
    start = time.monotonic()
    return _end(_start(command, **options), start)


# -- Faults: each ends with the run that is judged ----------------------------


def _signalled(trial: Trial, number: int) -> Run:
    """A run that gets a signal at any moment of its life."""
    start = time.monotonic()
    process = _start(trial.command)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(trial.hand.uniform(0.2, 1.0) * trial.seconds)
    process.send_signal(number)
    return _end(process, start)


def _killed(trial: Trial) -> Run:
    for _ in range(trial.hand.randint(1, 2)):
        _signalled(trial, signal.SIGKILL)
    return _run(trial.command)


def _stopped(number: int) -> Callable[[Trial], Run]:
    def fault(trial: Trial) -> Run:
        first = _signalled(trial, number)
        if first.status not in (0, 128 + number, -number):
            return first
        return _run(trial.command)

    return fault


def _paused(trial: Trial) -> Run:
    start = time.monotonic()
    process = _start(trial.command)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(trial.hand.uniform(0.2, 0.9) * trial.seconds)
    process.send_signal(signal.SIGSTOP)
    time.sleep(10)
    process.send_signal(signal.SIGCONT)
    return _end(process, start)


def _started_twice(trial: Trial) -> Run:
    start = time.monotonic()
    process = _start(trial.command)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(trial.hand.uniform(0.3, 0.9) * trial.seconds)
    second = _run(trial.command)
    first = _end(process, start)
    lines = second.error.strip().splitlines()
    if second.status not in (0, 2) or len(lines) > 1:
        return second
    return first


def _damaged(
    damage: Callable[[pathlib.Path, random.Random], None],
) -> Callable[[Trial], Run]:
    """A run that is killed, and of whose files one is then damaged."""

    def fault(trial: Trial) -> Run:
        _signalled(trial, signal.SIGKILL)
        files = sorted(
            path
            for path in trial.folder.rglob("*")
            if path.is_file() and path.stat().st_size
        )
        if files:
            damage(trial.hand.choice(files), trial.hand)
        return _run(trial.command)

    return fault


def _cut(path: pathlib.Path, hand: random.Random) -> None:
    os.truncate(path, hand.randrange(path.stat().st_size))


def _flip(path: pathlib.Path, hand: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[hand.randrange(len(data))] ^= 1 << hand.randrange(8)
    path.write_bytes(data)


def _remove(path: pathlib.Path, hand: random.Random) -> None:
    del hand
    path.unlink()


def _short_of_memory(trial: Trial) -> Run:
    import resource

    limit = trial.hand.randint(LITTLE_MEMORY // 2, 4 * LITTLE_MEMORY)

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    first = _run(trial.command, preexec_fn=little)
    lines = first.error.strip().splitlines()
    if first.status == 2 and len(lines) == 1:
        again = _run(trial.command)
        return first if again.status == 0 else again
    # Where not even TensorFlow fits, the process ends as it will.
    return _run(trial.command)


FAULTS: dict[str, Callable[[Trial], Run]] = {
    "kill -9": _killed,
    "SIGTERM": _stopped(signal.SIGTERM),
    "SIGINT": _stopped(signal.SIGINT),
    "SIGSTOP for 10 s": _paused,
    "two on one folder": _started_twice,
    "a file cut": _damaged(_cut),
    "a bit flipped": _damaged(_flip),
    "a file removed": _damaged(_remove),
    "full disk": lambda trial: _run(trial.command),
    "little memory": _short_of_memory,
}


if __name__ == "__main__":
    raise SystemExit(main())
