"""What tests that prepare corpora share."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Of Beam's own code.
beams_warnings = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::PendingDeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


def command(*arguments):
    """The command that prepares a corpus, to be run in `ROOT`."""
    return [sys.executable, "-m", "keras_textgen.prepare", *arguments]


def kill_when_there(arguments, pattern):
    """Prepare a corpus, and kill that once a file of a pattern is there."""
    with subprocess.Popen(command(*arguments), cwd=ROOT) as process:
        while not any(pattern.parent.glob(pattern.name)):
            assert process.poll() is None, "it has ended before"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)


def contents(folder):
    """The bytes of each file in a folder, by its name."""
    return {
        path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()
    }
