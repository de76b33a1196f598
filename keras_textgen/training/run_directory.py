"""The folder of a run: what is in it, whose it is, and whole files only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from keras_textgen.cli.modes import STARTING
from keras_textgen.cli.presets import MODEL_FILE
from keras_textgen.cli.settings import (
    FLAGS_FILE,
    SETTINGS,
    RunError,
    Settings,
    flagfile_text,
    read_flagfile,
    value_text,
)
from keras_textgen.serving.versions import version_numbers

FIGURES_FILE = "figures.json"
_LOCK_FILE = ".lock"
# The precision in which the loss is scaled, lest gradients vanish.
_SCALED = "float16"
# Names of what is being written; whatever bears them after a kill is rubbish.
_UNFINISHED = "unfinished"


class RunDirectory:
    """The paths of a run, and the right to write there.

    Args:
      path: the folder; it need not exist.

    Example:
    >>> RunDirectory("saved_models/vae_ptb").metrics_file.name
    'metrics.csv'
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = pathlib.Path(path)

    @property
    def flags_file(self) -> pathlib.Path:
        """The settings of the run, as a flagfile."""
        return self.path / FLAGS_FILE

    @property
    def metrics_file(self) -> pathlib.Path:
        """A row an epoch."""
        return self.path / "metrics.csv"

    @property
    def times_file(self) -> pathlib.Path:
        """How long each epoch took, a row each."""
        return self.path / "times.csv"

    @property
    def figures_file(self) -> pathlib.Path:
        """The figures that the run has ended with, for programs."""
        return self.path / FIGURES_FILE

    @property
    def logs(self) -> pathlib.Path:
        """TensorBoard's folder."""
        return self.path / "logs"

    @property
    def last_checkpoints(self) -> pathlib.Path:
        """Where the last two checkpoints are."""
        return self.path / "checkpoint" / "last"

    @property
    def best_checkpoints(self) -> pathlib.Path:
        """Where the checkpoint of the best epoch is."""
        return self.path / "checkpoint" / "best"

    @property
    def model_file(self) -> pathlib.Path:
        """The model of the best epoch so far."""
        return self.path / MODEL_FILE

    @property
    def export(self) -> pathlib.Path:
        """The SavedModel, or the folder of its versions."""
        return self.path / "export"

    def export_of(self, version: int | None) -> pathlib.Path:
        """Where a SavedModel is written.

        Args:
          version: None for none.

        Example:
        >>> RunDirectory("run").export_of(2).as_posix()
        'run/export/2'
        """
        return self.export if version is None else self.export / str(version)

    def check(self, settings: Settings) -> None:
        """Refuse settings of another run than the one in the folder.

        A larger number of epochs is the same run, where it is trained further.

        Args:
          settings: of the run that is to be started, or gone on with.

        Raises:
          RunError: if the folder holds another run, or no run but something
            else.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise RunError(f"{self.path}: not a folder; allowed: a folder")
        if settings.mode in ("train", "export"):
            self._check_versions(settings.export_version)
        if self.flags_file.is_file():
            self._check_same(read_flagfile(self.flags_file), settings)
        elif any(_is_foreign(path) for path in self.path.iterdir()):
            raise RunError(
                f"{self.path}: not empty, and not the folder of a run "
                f"({FLAGS_FILE} is missing); allowed: an empty or new folder"
            )

    def check_model(self) -> None:
        """Refuse a folder in which no model is yet.

        Raises:
          RunError: if it is not there.
        """
        if not self.model_file.is_file():
            raise RunError(
                f"{self.model_file}: not there yet; --mode=train writes it at "
                "the end of the first epoch, or of the first after "
                "--autoencoder_epochs"
            )

    def _check_same(self, there: Settings, here: Settings) -> None:
        fixed = ["run"] if here.mode in STARTING else ["run", "training"]
        for name, setting in SETTINGS.items():
            old, new = getattr(there, name), getattr(here, name)
            if setting.role not in fixed or old == new:
                continue
            if name == "epochs" and new > old and here.mode in STARTING:
                continue
            if name == "seed" and here.mode == "generate":
                # Of the texts, not of the run.
                continue
            raise RunError(
                f"{self.path}: the run there has "
                f"--{name}={value_text(there, name)}, not "
                f"--{name}={value_text(here, name)}; go on with the same "
                "flags, or choose another --run_dir"
            )

    def check_precision(self, precision: str | None) -> None:
        """Refuse to go on from float16, or in it: it scales the loss.

        The scale and its counter are variables of the optimizer, among its
        others.

        Args:
          precision: of the run that is to be gone on with.

        Raises:
          RunError: if only one of the two is float16.
        """
        if not self.flags_file.is_file():
            return
        there = read_flagfile(self.flags_file).precision
        if (there == _SCALED) != (precision == _SCALED):
            raise RunError(
                f"{self.path}: the run there has --precision="
                f"{there or 'float32'}, not --precision="
                f"{precision or 'float32'}; allowed: to go on in float16 with "
                "what was begun in it, and with nothing else"
            )

    def _check_versions(self, version: int | None) -> None:
        """Refuse a SavedModel that would take the place of all versions."""
        versions = version_numbers(self.export)
        if version is None and versions:
            raise RunError(
                f"{self.export}: holds versions "
                f"{', '.join(map(str, versions))}, which a SavedModel without "
                "a version would replace; allowed: --export_version=N, of a "
                "new version or one to replace"
            )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder and keep other processes from writing there.

        What a killed process had not written to the end is removed. The
        claim ends with the block, or with the process.

        Yields:
          Nothing.

        Raises:
          RunError: if the folder cannot be made, or is another process's.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = open(self.path / _LOCK_FILE, "a")  # noqa: SIM115
        except OSError as error:
            raise RunError(
                f"{self.path}: cannot be written ({error.strerror})"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"{self.path}: another process is writing there; wait "
                    "for it, or choose another --run_dir"
                ) from None
            self._remove_unfinished()
            yield

    @contextlib.contextmanager
    def copied(self) -> Iterator[RunDirectory]:
        """A copy of what training goes on from, which ends with the block.

        Yields:
          It, in a temporary folder.
        """
        unfinished_ones = shutil.ignore_patterns(
            f"*{_UNFINISHED}*", "*.tempstate*", _LOCK_FILE
        )
        with tempfile.TemporaryDirectory() as folder:
            copy = RunDirectory(folder)
            for path in (self.last_checkpoints, self.best_checkpoints):
                if path.is_dir():
                    there = copy.path / path.relative_to(self.path)
                    shutil.copytree(path, there, ignore=unfinished_ones)
            if self.flags_file.is_file():
                shutil.copy(self.flags_file, copy.flags_file)
            yield copy

    def _remove_unfinished(self) -> None:
        for folder in (self.path, self.export):
            for path in folder.glob(f"*{_UNFINISHED}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.path.glob("checkpoint/*/*.tempstate*"):
            path.unlink()

    def write_flags(self, settings: Settings) -> None:
        """Write the settings, if they are not there already.

        Args:
          settings: of this run.
        """
        text = flagfile_text(settings)
        if self.flags_file.is_file() and read_whole(self.flags_file) == text:
            return
        write_whole(self.flags_file, text)


def _is_foreign(path: pathlib.Path) -> bool:
    """Whether a file without a flags file beside it is not ours."""
    return path.name != _LOCK_FILE and _UNFINISHED not in path.name


def unfinished(path: pathlib.Path) -> pathlib.Path:
    """The name under which a file or folder is written, beside its place.

    Args:
      path: the final name.

    Returns:
      A name in the same folder with the same suffix.

    Example:
    >>> unfinished(pathlib.Path("run/model.keras")).as_posix()
    'run/model.unfinished.keras'
    """
    return path.with_name(f"{path.stem}.{_UNFINISHED}{path.suffix}")


def write_whole(path: pathlib.Path, text: str) -> None:
    """Write a text file so that the old or the new one is there, whole.

    Args:
      path: the file.
      text: its new content.

    Raises:
      OSError: if it cannot be written; the old file is untouched.
    """
    temporary = unfinished(path)
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_whole(path: pathlib.Path) -> str:
    """The text of a file that `write_whole` has written.

    Args:
      path: the file.

    Raises:
      RunError: if it is damaged.
      OSError: if it cannot be read.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RunError(
            f"{path}: damaged ({error}); allowed: the file as it was written"
        ) from None


def move_into_place(path: pathlib.Path) -> None:
    """Give what was written under `unfinished(path)` its name.

    Args:
      path: a file or a folder; what bore the name before is replaced.
    """
    if not path.is_dir():
        os.replace(unfinished(path), path)
        return
    old = path.with_name(f"{path.name}.old.{_UNFINISHED}")
    os.rename(path, old)
    os.rename(unfinished(path), path)
    shutil.rmtree(old)


def shown(path: pathlib.Path) -> str:
    """A path as it is printed: from the current folder, if it is below it.

    Example:
    >>> shown(pathlib.Path.cwd() / "run"), shown(pathlib.Path("/run"))
    ('run', '/run')
    """
    if path.is_relative_to(os.getcwd()):
        return str(path.relative_to(os.getcwd()))
    return str(path)
