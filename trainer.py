"""Trains, evaluates, exports and samples the models from the command line.

`python trainer.py --helpshort` lists the flags.
"""

import contextlib
import logging
import os
import pathlib
import sys
import time
from collections.abc import Iterator

from keras_textgen.training.run_directory import RunDirectory
from keras_textgen.training.settings import (
    PROGRAM,
    HelpRequested,
    RunError,
    Settings,
    help_text,
    parse,
)

RECIPES = pathlib.Path(__file__).parent / "flags"


def main(argv: list[str]) -> int:
    """Run the command line.

    Args:
      argv: the program's name, then flags.

    Returns:
      Exit status: 0, or 2 after one line about what is wrong, or 128 + the
      number of the signal that ended the run.
    """
    started = time.monotonic()
    # Whole lines at once, also into a file, so that a kill loses none.
    sys.stdout.reconfigure(line_buffering=True)
    try:
        settings = parse(argv, RECIPES)
        directory = RunDirectory(settings.run_dir)
        directory.check(settings)
        writes = settings.mode in ("train", "export")
        with directory.claimed() if writes else contextlib.nullcontext():
            status = _run(settings, directory)
    except HelpRequested:
        print(help_text(), end="")
        return 0
    except RunError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: interrupted", file=sys.stderr)
        return 130
    if status == 0:
        print(f"Took {(time.monotonic() - started) / 60:.1f} minutes.")
    return status


def _run(settings: Settings, directory: RunDirectory) -> int:
    # TensorFlow is imported only when the command line is known to be good.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        from keras_textgen.training import runs
    # It warns whenever a function is traced for a few more shapes.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)

    try:
        runs.run(settings, directory)
    except runs.Interrupted as interrupted:
        print(
            f"\nStopped by {interrupted}, and saved. The same command goes on."
        )
        return 128 + interrupted.signal_number
    return 0


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop what TensorFlow logs while it is imported; no setting stops it."""
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
