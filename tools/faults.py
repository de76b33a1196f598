"""Disturbs small runs at random moments, and holds them to ending as if not.

A trial trains a small model of some kind on data of its own, and disturbs it:
it is killed, asked to stop, stopped for a while, started twice; one of two
workers is; what it has written, or the shards that it reads, are cut, damaged
or taken away; the disk is full or read-only, memory is short, the clock is set
back. The same command then has to end with the weights of the undisturbed run,
to the bit, or to say why not in one line; and what was written before the fault
has to be whole after it.

    python tools/faults.py --trials=264 --seed=0 --resume --log=faults.jsonl

Kinds of faults that cannot be brought about here (they need the right to mount
a disk, libfaketime, or the extra beam) are named and left out. A trial is a
function of the seed and its number, but for the speed of the machine.
`--resume` goes on where a log ends.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
from typing import Any

from fault_kinds import (
    KINDS,
    Kind,
    Outcome,
    Trial,
    prepared,
    shards_for,
)
from fault_runs import (
    ROOT,
    Run,
    flags_of,
    preparing,
    run,
    weights,
    workers,
    write_data,
)

# Each kind of fault has twelve, and each model fifteen or more.
TRIALS = 264
SAME, LINE, FAULT, OUT = "same weights", "one line", "FAULT", "left out"
# By model and kind of data: weights, and the seconds that they took.
References = dict[tuple[str, str], tuple[str, float]]


def main() -> int:
    """Run trials, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--log", type=pathlib.Path, required=True)
    options = parser.parse_args()
    if options.log.exists() and not options.resume:
        parser.error(f"{options.log} is there; --resume goes on with it")
    # What a shell starts in the background is deaf to it, and so are its runs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = {(each["seed"], each["trial"]) for each in _results(options.log)}
    with (
        tempfile.TemporaryDirectory() as work,
        options.log.open("a", encoding="utf-8") as log,
    ):
        write_data(pathlib.Path(work))
        references: References = {}
        for number in range(options.trials):
            if (options.seed, number) in done:
                continue
            result = _tried(
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


def _line(result: dict[str, Any]) -> str:
    told = f": {result['said']}" if result["said"] else ""
    return (
        f"{result['trial']:4} {result['fault']:21} {result['model']:8} "
        f"{result['outcome']}{told}"
    )


def _summary(results: list[dict[str, Any]]) -> int:
    table: dict[str, collections.Counter[str]] = {}
    for each in results:
        for key in (each["fault"], f"model {each['model']}"):
            table.setdefault(key, collections.Counter())[each["outcome"]] += 1
    outcomes = (SAME, LINE, FAULT, OUT)
    print(f"\n{'':22}" + "".join(f"{each:>14}" for each in outcomes))
    for key in sorted(table):
        counts = "".join(f"{table[key][each]:14}" for each in outcomes)
        print(f"{key:22}{counts}")
    return 1 if any(each["outcome"] == FAULT for each in results) else 0


# -- A trial -------------------------------------------------------------------


def _tried(
    seed: int, number: int, work: pathlib.Path, references: References
) -> dict[str, Any]:
    name, model = turn_of(number)
    kind = KINDS[name]
    outcome, told = OUT, kind.needs()
    if not told:
        hand = random.Random(f"{seed} {number}")
        outcome, told = _trial(kind, model, hand, work, references)
    return {
        "seed": seed,
        "trial": number,
        "commit": _commit(),
        "fault": name,
        "model": model,
        "outcome": outcome,
        "said": told,
    }


def turn_of(number: int) -> tuple[str, str]:
    """The kind of fault and the model whose turn it is.

    Args:
      number: of the trial.
    """
    turn, place = divmod(number, len(KINDS))
    name = list(KINDS)[place]
    models = KINDS[name].models
    return name, models[(place + turn) % len(models)]


def _commit() -> str:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip()


def _trial(
    kind: Kind,
    model: str,
    hand: random.Random,
    work: pathlib.Path,
    references: References,
) -> tuple[str, str]:
    place = pathlib.Path(tempfile.mkdtemp(dir=work))
    folder = place / "disk" / "run"
    flags = _flags(kind, model, work, place, folder)
    key = (model, kind.data)
    if key not in references:
        references[key] = _reference(kind, model, work)
    expected, seconds = references[key]
    trial = Trial(model, flags, folder, work, seconds, hand)
    disk = kind.disk or (lambda *_: contextlib.nullcontext())
    with disk(folder.parent, hand):
        outcome, told = _judged(kind.fault(trial), folder, expected)
    shutil.rmtree(place)
    return outcome, told.replace(str(folder), "RUN").replace(str(place), "DIR")


def _flags(
    kind: Kind,
    model: str,
    work: pathlib.Path,
    place: pathlib.Path,
    folder: pathlib.Path,
) -> list[str]:
    if kind.data == "preparing":
        return preparing(model, work, folder)
    more = shards_for(place, model, work) if kind.data == "shards" else ()
    return flags_of(model, work, folder, *more)


def _reference(kind: Kind, model: str, work: pathlib.Path) -> tuple[str, float]:
    """The weights and the time of the undisturbed run."""
    place = pathlib.Path(tempfile.mkdtemp(dir=work))
    folder = place / "run"
    flags = _flags(kind, model, work, place, folder)
    if kind.data == "preparing":
        prepared(model, work)
        return "", _ended(run(flags, program="prepare")).seconds
    if kind.data == "workers":
        both = [_ended(each.end()) for each in workers(flags)]
        return weights(folder), both[0].seconds
    seconds = _ended(run(flags)).seconds
    return weights(folder), seconds


def _ended(done: Run) -> Run:
    if done.status:
        raise SystemExit(f"the undisturbed run failed: {done.error}")
    return done


def _judged(
    found: Outcome, folder: pathlib.Path, expected: str
) -> tuple[str, str]:
    """What became of a trial: its outcome, and what was said."""
    last, refused = found.last, found.refused
    if found.problem:
        said = " ".join(last.lines[-3:])
        return FAULT, f"{found.problem} (status {last.status}): {said}"
    told = refused.lines[0] if refused is not None else ""
    if last.status == 0:
        if expected and weights(folder) != expected:
            return FAULT, "other weights"
        return (LINE, told) if told else (SAME, "")
    if last is refused:
        return LINE, told
    return FAULT, f"status {last.status}: {' '.join(last.lines[-3:])}"


if __name__ == "__main__":
    raise SystemExit(main())
