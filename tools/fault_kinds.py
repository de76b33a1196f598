"""What `tools/faults.py` does to runs; each ends with runs that are judged."""

import glob
import importlib.util
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fault_disks import (
    Disk,
    grow,
    hang,
    in_a_file,
    large,
    no_hanging,
    no_mount,
    of_size,
    remount,
)
from fault_runs import (
    MODELS,
    ROOT,
    Run,
    Started,
    contents,
    files_of,
    is_whole,
    of_shards,
    preparing,
    run,
    said,
    workers,
)

# Of a run, and of a preparation.
_SMALL_DISK, _SMALLER_DISK = of_size(30_000, 300_000), of_size(4_000, 60_000)
_MOST_SPARE = 600_000_000
_PAUSE = 10
# Within which a worker notices that another one has died.
_NOTICED = 60
# Within which it gives up one that is stopped.
_SILENCE = 120
# How often a disk hangs.
_HANGS = 5
_FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
_CHEAP = ("lstm_lm", "sae", "dmf")


class Trial(NamedTuple):
    """What a fault needs to know.

    Attributes:
      model: that is trained.
      flags: of the run.
      folder: of the run, which is not there yet.
      work: with the data of all trials.
      seconds: that the undisturbed run took.
      hand: what draws the moment and the place.
    """

    model: str
    flags: list[str]
    folder: pathlib.Path
    work: pathlib.Path
    seconds: float
    hand: random.Random


class Outcome(NamedTuple):
    """How a trial has ended.

    Attributes:
      last: the run that has to end with the weights of the undisturbed one.
      refused: the one before, where it has said in a line why it cannot go on.
      problem: what is wrong, whatever the weights are.
    """

    last: Run
    refused: Run | None = None
    problem: str = ""


class Kind(NamedTuple):
    """A kind of fault.

    Attributes:
      fault: what is done.
      models: to which it is done.
      needs: why it cannot be done here; "" where it can.
      data: what the runs read: `"memory"`, `"shards"`, or `"workers"` for those
        of two processes, or `"preparing"` for what prepares them.
      disk: that they write to; None for that which is there.
    """

    fault: Callable[[Trial], Outcome]
    models: Sequence[str] = tuple(MODELS)
    needs: Callable[[], str] = lambda: ""
    data: str = "memory"
    disk: Disk | None = None


# -- Signals -------------------------------------------------------------------


def _disturbed(trial: Trial, number: int, first: float = 0.0) -> Run:
    """A run that gets a signal at a moment between `first` and its end."""
    started = Started(trial.flags)
    started.wait(trial.hand.uniform(first, 1.0) * trial.seconds)
    started.signal(number)
    return started.end()


def _again(trial: Trial) -> Outcome:
    """The same command, after what has been written was looked at."""
    if not is_whole(trial.folder):
        return Outcome(run(trial.flags), problem="a file is damaged")
    return Outcome(run(trial.flags))


def _killed(trial: Trial) -> Outcome:
    for _ in range(trial.hand.randint(1, 2)):
        _disturbed(trial, signal.SIGKILL)
    return _again(trial)


def _asked_to_stop(number: int) -> Callable[[Trial], Outcome]:
    def fault(trial: Trial) -> Outcome:
        first = _disturbed(trial, number)
        if first.status not in (0, 128 + number, -number):
            return Outcome(first, problem="ended otherwise")
        return _again(trial)

    return fault


def _paused(trial: Trial) -> Outcome:
    started = Started(trial.flags)
    started.wait(trial.hand.uniform(0.0, 0.9) * trial.seconds)
    started.signal(signal.SIGSTOP)
    time.sleep(_PAUSE)
    started.signal(signal.SIGCONT)
    return Outcome(started.end())


def _started_twice(trial: Trial) -> Outcome:
    first = Started(trial.flags)
    first.wait(trial.hand.uniform(0.0, 0.9) * trial.seconds)
    second = run(trial.flags)
    if second.status != 0 and not second.says_why:
        return Outcome(second, problem="the second one ended otherwise")
    return Outcome(first.end())


def _killed_while_exporting(trial: Trial) -> Outcome:
    """Of a whole run: a SavedModel of the true size, and the report."""
    first = Started(trial.flags, is_whole=True)
    limit = time.monotonic() + 20 * trial.seconds
    while not (trial.folder / "export.unfinished").exists():
        if time.monotonic() > limit:
            break
        first.wait(0.05)
    first.wait(trial.hand.uniform(0.0, 3.0) * trial.seconds)
    first.signal(signal.SIGKILL)
    first.end()
    return _again(trial)


# -- Files of the run ----------------------------------------------------------


def cut(path: pathlib.Path, hand: random.Random) -> None:
    """Takes the end of a file away."""
    os.truncate(path, hand.randrange(path.stat().st_size))


def flip(path: pathlib.Path, hand: random.Random) -> None:
    """Flips a bit of a file, where it is not filled up with zeros."""
    data = bytearray(path.read_bytes())
    places = [place for place, byte in enumerate(data) if byte] or [0]
    data[hand.choice(places)] ^= 1 << hand.randrange(8)
    path.write_bytes(data)


def remove(path: pathlib.Path, hand: random.Random) -> None:
    """Removes a file."""
    del hand
    path.unlink()


def _damaged(
    damage: Callable[[pathlib.Path, random.Random], None],
) -> Callable[[Trial], Outcome]:
    """A run that is killed, and of whose files one is then damaged."""

    def fault(trial: Trial) -> Outcome:
        _disturbed(trial, signal.SIGKILL, first=0.3)
        files = list(files_of(trial.folder))
        if files:
            damage(trial.hand.choice(files), trial.hand)
        last = run(trial.flags)
        # What it was trained with is gone: to say so is all that can be done.
        return Outcome(last, last if last.says_why else None)

    return fault


# -- Disks, memory, the clock --------------------------------------------------


def _full_disk(trial: Trial) -> Outcome:
    first = run(trial.flags)
    grow(trial.folder.parent)
    return _repaired(trial, first)


def _read_only(trial: Trial) -> Outcome:
    place = trial.folder.parent
    _disturbed(trial, signal.SIGKILL)
    remount(place, "ro")
    first = run(trial.flags)
    remount(place, "rw")
    return _repaired(trial, first)


def _repaired(trial: Trial, first: Run) -> Outcome:
    """The same command, after the reason why another has ended is gone."""
    if first.status != 0 and not first.says_why:
        return Outcome(first, problem="no line that says why")
    return _again(trial)._replace(refused=first if first.status else None)


def _hanging_disk(trial: Trial) -> Outcome:
    started = Started(trial.flags)
    for _ in range(_HANGS):
        started.wait(trial.hand.uniform(0.0, 2 / _HANGS) * trial.seconds)
        hang(trial.folder.parent, trial.hand.uniform(0.1, 3.0))
    return Outcome(started.end())


def _short_of_memory(trial: Trial) -> Outcome:
    spare = trial.hand.randint(0, _MOST_SPARE)
    first = run(trial.flags, spare=spare)
    last = _again(trial)
    # Where not even a thread fits, the process ends as it will.
    return last._replace(refused=first) if first.says_why else last


def no_faketime() -> str:
    """Why the clock cannot be set back."""
    return "" if glob.glob(_FAKETIME) else "libfaketime is not installed"


def _clock_set_back(trial: Trial) -> Outcome:
    _disturbed(trial, signal.SIGKILL)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, ROOT / "tools/fault_runs.py", *trial.flags],
        cwd=ROOT,
        env={
            **os.environ,
            "LD_PRELOAD": glob.glob(_FAKETIME)[0],
            "FAKETIME": f"-{trial.hand.randint(1, 400)}d",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seconds = time.monotonic() - start
    return Outcome(Run(done.returncode, seconds, said(done.stderr)))


# -- Two workers ---------------------------------------------------------------


def _worker_killed(trial: Trial) -> Outcome:
    pair = workers(trial.flags)
    victim = trial.hand.randrange(2)
    pair[victim].wait(trial.hand.uniform(0.2, 0.9) * trial.seconds)
    pair[victim].signal(signal.SIGKILL)
    pair[victim].end()
    other = pair[1 - victim].end(_NOTICED)
    if other.status not in (0, -signal.SIGTERM) and not other.says_why:
        return Outcome(other, problem="the other one ended otherwise")
    return _together(workers(trial.flags))._replace(
        refused=other if other.status else None
    )


def _worker_paused(trial: Trial) -> Outcome:
    pair = workers(trial.flags)
    victim = pair[trial.hand.randrange(2)]
    victim.wait(trial.hand.uniform(0.0, 0.9) * trial.seconds)
    victim.signal(signal.SIGSTOP)
    time.sleep(_PAUSE)
    victim.signal(signal.SIGCONT)
    return _together(pair)


def _worker_silent(trial: Trial) -> Outcome:
    """One that is stopped for longer than the other one waits."""
    pair = workers(trial.flags)
    victim = trial.hand.randrange(2)
    pair[victim].wait(trial.hand.uniform(0.2, 0.9) * trial.seconds)
    pair[victim].signal(signal.SIGSTOP)
    other = pair[1 - victim].end(_SILENCE)
    pair[victim].signal(signal.SIGCONT)
    for each in (other, pair[victim].end(_NOTICED)):
        if each.status not in (0, -signal.SIGTERM) and not each.says_why:
            return Outcome(each, problem="it ended otherwise")
    return _together(workers(trial.flags))._replace(
        refused=other if other.status else None
    )


def _together(pair: list[Started]) -> Outcome:
    chief, other = [each.end() for each in pair]
    return Outcome(chief if chief.status else other)


# -- Shards --------------------------------------------------------------------


def no_shards() -> str:
    """Why no corpus can be prepared."""
    for name in ("apache_beam", "array_record"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed"
    return ""


def _damaged_data(
    damage: Callable[[pathlib.Path, random.Random], None], pattern: str
) -> Callable[[Trial], Outcome]:
    """A run that is killed, of whose corpus a file is then damaged."""

    def fault(trial: Trial) -> Outcome:
        data = next(
            pathlib.Path(flag.partition("=")[2])
            for flag in reversed(trial.flags)
            if flag.startswith("--data_dir=")
        )
        _disturbed(trial, signal.SIGKILL)
        path = trial.hand.choice(sorted(data.glob(pattern)))
        content = path.read_bytes()
        damage(path, trial.hand)
        first = run(trial.flags)
        path.write_bytes(content)
        return _repaired(trial, first)

    return fault


def _preparing_killed(trial: Trial) -> Outcome:
    for _ in range(trial.hand.randint(1, 2)):
        started = Started(trial.flags, program="prepare")
        started.wait(trial.hand.uniform(0.1, 1.0) * trial.seconds)
        started.signal(signal.SIGKILL)
        started.end()
    return _prepared_anew(trial)


def _preparing_on_a_full_disk(trial: Trial) -> Outcome:
    first = run(trial.flags, program="prepare")
    if first.status != 0 and not first.says_why:
        return Outcome(first, problem="no line that says why")
    grow(trial.folder.parent)
    last = _prepared_anew(trial)
    return last._replace(refused=first if first.status else None)


def _prepared_anew(trial: Trial) -> Outcome:
    """What looks finished has to be; the same command then finishes it."""
    expected = contents(prepared(trial.model, trial.work))
    if trial.folder.exists() and contents(trial.folder) != expected:
        return Outcome(Run(0, 0, ""), problem="it looks finished, and is not")
    last = run(trial.flags, program="prepare")
    if last.status == 0 and contents(trial.folder) != expected:
        return Outcome(last, problem="other bytes")
    return Outcome(last)


def prepared(model: str, work: pathlib.Path) -> pathlib.Path:
    """The shards for a model, prepared when they are first asked for."""
    name = {"dmf": "ratings", "han": "documents"}.get(model, "texts")
    folder = work / f"shards_of_{name}"
    if not folder.exists():
        done = run(preparing(model, work, folder), program="prepare")
        if done.status:
            raise SystemExit(f"preparing failed: {done.error}")
    return folder


def shards_for(
    place: pathlib.Path, model: str, work: pathlib.Path
) -> tuple[str, ...]:
    """The flags of a run on a copy of the shards, which may be damaged."""
    data = place / "data"
    shutil.copytree(prepared(model, work), data)
    return of_shards(data)


_OF_SHARDS = {
    "models": ("lstm_lm", "han", "sae", "dmf"),
    "needs": no_shards,
    "data": "shards",
}
_OF_PREPARING = {"models": ("lstm_lm", "dmf"), "data": "preparing"}
_OF_WORKERS = {"models": _CHEAP, "data": "workers"}
KINDS: dict[str, Kind] = {
    "kill -9": Kind(_killed),
    "SIGTERM": Kind(_asked_to_stop(signal.SIGTERM)),
    "SIGINT": Kind(_asked_to_stop(signal.SIGINT)),
    "SIGSTOP for 10 s": Kind(_paused),
    "two on one folder": Kind(_started_twice),
    "kill -9, exporting": Kind(_killed_while_exporting, models=_CHEAP),
    "a file cut": Kind(_damaged(cut)),
    "a bit flipped": Kind(_damaged(flip)),
    "a file removed": Kind(_damaged(remove)),
    "full disk": Kind(_full_disk, needs=no_mount, disk=_SMALL_DISK),
    "read-only folder": Kind(_read_only, needs=no_mount, disk=large()),
    "little memory": Kind(_short_of_memory),
    "clock set back": Kind(_clock_set_back, needs=no_faketime),
    "a worker killed": Kind(_worker_killed, **_OF_WORKERS),
    "a worker stopped": Kind(_worker_paused, **_OF_WORKERS),
    "a worker silent": Kind(_worker_silent, **_OF_WORKERS),
    "slow disk": Kind(_hanging_disk, needs=no_hanging, disk=in_a_file),
    "a shard removed": Kind(_damaged_data(remove, "*.[an][rp]*"), **_OF_SHARDS),
    "a shard's bit": Kind(_damaged_data(flip, "*.[an][rp]*"), **_OF_SHARDS),
    "a manifest's bit": Kind(_damaged_data(flip, "manif*"), **_OF_SHARDS),
    "preparing killed": Kind(
        _preparing_killed, needs=no_shards, **_OF_PREPARING
    ),
    "preparing, full disk": Kind(
        _preparing_on_a_full_disk,
        needs=lambda: no_mount() or no_shards(),
        disk=_SMALLER_DISK,
        **_OF_PREPARING,
    ),
}
