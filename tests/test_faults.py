"""What disturbed runs are held to, and that they can be disturbed."""

import collections
import json
import random
import subprocess
import sys

import fault_kinds
import fault_runs
import faults
import pytest
from fault_kinds import KINDS, Outcome
from fault_runs import ROOT, Run

DONE = Run(0, 1.0, "")
REFUSED = Run(2, 1.0, "trainer.py: error: a file is damaged\n")


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (Outcome(DONE), "same weights"),
        (Outcome(DONE, refused=REFUSED), "one line"),
        # A run that says why, and could not be mended.
        (Outcome(REFUSED, refused=REFUSED), "one line"),
        (Outcome(REFUSED), "FAULT"),
        (Outcome(DONE, problem="a file is damaged"), "FAULT"),
        (Outcome(Run(1, 1.0, "Traceback\nKeyError: 3")), "FAULT"),
        (Outcome(Run(-11, 1.0, "")), "FAULT"),
    ],
)
def test_how_a_trial_is_judged(monkeypatch, tmp_path, found, outcome):
    monkeypatch.setattr(faults, "weights", lambda _: "those")
    assert faults._judged(found, tmp_path, "those")[0] == outcome
    # Other weights are a fault, whatever was said before.
    if outcome != "FAULT" and found.last.status == 0:
        assert faults._judged(found, tmp_path, "others")[0] == "FAULT"


def test_what_says_why():
    assert REFUSED.says_why
    assert not DONE.says_why
    assert not Run(2, 1.0, "two\nlines").says_why
    assert not Run(1, 1.0, "a traceback").says_why
    shown = "I0000 00:00 port.cc\ntrainer.py: error: no\n"
    assert fault_runs.said(shown) == "trainer.py: error: no"


def test_damages_are_what_they_say(tmp_path):
    path = tmp_path / "file"
    content = bytes(range(200))
    hand = random.Random(0)
    path.write_bytes(content)
    fault_kinds.flip(path, hand)
    changed = [a ^ b for a, b in zip(path.read_bytes(), content, strict=True)]
    assert sorted(changed)[:-1] == [0] * 199
    assert sum(changed).bit_count() == 1
    fault_kinds.cut(path, hand)
    assert len(path.read_bytes()) < 200
    fault_kinds.remove(path, hand)
    assert not path.exists()


def test_every_kind_has_its_turns_and_every_model():
    pairs = list(map(faults.turn_of, range(faults.TRIALS)))
    of_kinds = collections.Counter(name for name, _ in pairs)
    of_models = collections.Counter(model for _, model in pairs)
    assert of_kinds.keys() == KINDS.keys()
    assert of_models.keys() == fault_runs.MODELS.keys()
    assert min(of_kinds.values()) >= 10
    assert min(of_models.values()) >= 15
    for name, kind in KINDS.items():
        assert {m for n, m in pairs if n == name} == set(kind.models)


def test_a_kind_that_cannot_be_is_left_out_by_name(monkeypatch, tmp_path):
    number = list(KINDS).index("clock set back")
    monkeypatch.setattr(fault_kinds, "_FAKETIME", str(tmp_path / "none"))
    found = faults._tried(0, number, tmp_path, {})
    assert found["outcome"] == "left out"
    assert found["said"] == "libfaketime is not installed"


@pytest.mark.slow
def test_runs_are_disturbed_and_go_on(tmp_path):
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "tools/faults.py", f"--log={log}"]
    for trials in (1, 2):
        done = subprocess.run(
            [*command, f"--trials={trials}", "--resume"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in log.read_text().splitlines()]
    assert [each["trial"] for each in found] == [0, 1]
    assert {each["outcome"] for each in found} == {"same weights"}
    again = subprocess.run(
        [*command, "--trials=1"], cwd=ROOT, capture_output=True, text=True
    )
    assert again.returncode == 2
    assert "--resume goes on with it" in again.stderr
