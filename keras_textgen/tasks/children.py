"""Runs below one folder, a process each, one after the other.

A process each, so that its memory is given back; this one does without
TensorFlow.
"""

import dataclasses
import fnmatch
import os
import pathlib
import signal
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence

import keras_textgen
from keras_textgen.cli.settings import (
    FLAGS_FILE,
    RunError,
    Settings,
    flagfile_text,
    read_flagfile,
)
from keras_textgen.training.run_directory import (
    RunDirectory,
    read_whole,
    write_whole,
)
from keras_textgen.training.signals import NotedSignals

# The runs that have ended, a name a line.
_FINISHED_FILE = "finished.txt"
_ALWAYS_THERE = (_FINISHED_FILE, ".lock", "*unfinished*")


class ChildRuns:
    """The runs below a folder.

    Args:
      folder: of all of them.
      names: patterns of what may be in it: runs, and files of the caller.
      variables: of the environment of each run.

    Attributes:
      directory: of all of them, to be claimed.
      path: of it.

    Raises:
      RunError: if the folder holds something else.

    Example:
    >>> ChildRuns("keras_textgen", ["seed_*"])
    Traceback (most recent call last):
    keras_textgen.cli.errors.RunError: keras_textgen: holds ..., which is no \
such run; allowed: an empty or new folder
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        names: Sequence[str],
        variables: Mapping[str, str] = types.MappingProxyType({}),
    ) -> None:
        self._variables = variables
        self.directory = RunDirectory(folder)
        self.path = self.directory.path
        self._finished_file = self.path / _FINISHED_FILE
        self._check([*names, *_ALWAYS_THERE])

    def _check(self, allowed: Sequence[str]) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path}: not a folder; allowed: a folder")
        if self.directory.flags_file.is_file():
            raise RunError(
                f"{self.path}: holds a run of its own; allowed: another "
                "--run_dir for several runs"
            )
        for path in sorted(self.path.glob("*")):
            if not any(fnmatch.fnmatch(path.name, each) for each in allowed):
                raise RunError(
                    f"{self.path}: holds {path.name}, which is no such run; "
                    "allowed: an empty or new folder"
                )

    @property
    def have_begun(self) -> bool:
        """Whether there is one of them."""
        return any(self.path.glob("*/" + FLAGS_FILE))

    def of(self, name: str) -> RunDirectory:
        """The folder of a run."""
        return RunDirectory(self.path / name)

    def write(self, name: str, text: str) -> None:
        """Write a file of the caller, whole or not at all.

        Args:
          name: of it.
          text: of it.

        Raises:
          RunError: if it cannot be written.
        """
        path = self.path / name
        try:
            write_whole(path, text)
        except OSError as error:
            raise RunError(
                f"{path}: cannot be written ({error.strerror})"
            ) from None

    def is_finished(self, name: str, settings: Settings) -> bool:
        """Whether a run has ended.

        Args:
          name: of the run.
          settings: that it is to have.
        """
        run = self.of(name)
        if name not in self._finished() or not run.figures_file.is_file():
            return False
        # Not the file's text, which lacks flags that are newer than it.
        there = read_flagfile(run.flags_file)
        if settings.precision == "auto":
            # The run has written what was chosen.
            settings = dataclasses.replace(settings, precision=there.precision)
        return flagfile_text(there) == flagfile_text(settings)

    def run(self, name: str, arguments: Sequence[str]) -> int:
        """Start a run, or go on with it, and wait for its end.

        Args:
          name: of the run.
          arguments: of the program.

        Returns:
          Its exit status; 128 + the number of a signal that has ended it, or
          that came to this process.

        Raises:
          RunError: if another process is at it, such as one that was left
            behind when what had started it was killed.
        """
        with self.of(name).claimed():
            pass
        others = [each for each in self._finished() if each != name]
        self._write_finished(others)
        status = _run_program(arguments, self._variables)
        if status < 0:
            cause = signal.Signals(-status).name
            print(f"{name}: ended by {cause}.", file=sys.stderr)
            status = 128 - status
        if status == 0:
            self._write_finished([*others, name])
        return status

    def _finished(self) -> list[str]:
        if not self._finished_file.is_file():
            return []
        return read_whole(self._finished_file).split()

    def _write_finished(self, names: Sequence[str]) -> None:
        text = "".join(f"{name}\n" for name in names)
        write_whole(self._finished_file, text)


class _SignalsGivenOn(NotedSignals):
    """Lets signals end a process, and this one after it.

    SIGINT, as a terminal sends it, comes to both.

    Attributes:
      process: that is waited for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.process: subprocess.Popen | None = None

    def noted(self, number: int) -> None:
        """Give it on."""
        if number == signal.SIGTERM and self.process is not None:
            self.process.send_signal(number)


def _run_program(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run the program in a process of its own, with more in its environment.

    Returns:
      Its exit status, -n if signal n has ended it; 128 + n if that came to this
      process.
    """
    # This very package, be it installed or not.
    package = str(pathlib.Path(keras_textgen.__file__).parents[1])
    paths = filter(None, [package, os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment |= variables
    command = [sys.executable, "-m", "keras_textgen", *arguments]
    sys.stdout.flush()
    with _SignalsGivenOn() as signals:
        with subprocess.Popen(command, env=environment) as process:
            signals.process = process
            if signals.received == signal.SIGTERM:
                process.send_signal(signals.received)
            status = process.wait()
        if status == 0 and signals.received is not None:
            return 128 + signals.received
    return status
