"""What the program calls itself; imported before everything else."""

import os
import signal
import sys


def program_name(called: str) -> str:
    """What the program is called in messages: as the user has called it.

    Args:
      called: the first word of the command line, as Python has it.

    Returns:
      The name.

    Example:
    >>> program_name("/usr/bin/keras-textgen"), program_name("./trainer.py")
    ('keras-textgen', 'trainer.py')
    >>> program_name("/usr/lib/python3/keras_textgen/__main__.py")
    'python -m keras_textgen'
    """
    name = os.path.basename(called)
    return "python -m keras_textgen" if name == "__main__.py" else name


def say_refused(program: str, error: Exception, place: object) -> int:
    """Say in a line why the program ends.

    Args:
      program: its name.
      error: of the file system, or one that says all by itself.
      place: what the file system may have refused if it does not say so.

    Returns:
      The exit status of that.
    """
    told = str(error)
    if isinstance(error, OSError):
        told = f"{error.filename or place}: {error.strerror or error}"
    print(f"{program}: {told}", file=sys.stderr)
    return 2


# What Ctrl-C raises; from within the import of a module written in C, it
# arrives as the cause of another error.
INTERRUPTS = KeyboardInterrupt, SystemError, ImportError


def say_interrupted(program: str, error: BaseException) -> int:
    """Say in a line that Ctrl-C has ended the program.

    Args:
      program: its name.
      error: one of `INTERRUPTS`, which is raised again if it is none.

    Returns:
      The exit status of that.
    """
    cause: BaseException | None = error
    while not isinstance(cause, KeyboardInterrupt):
        if cause is None:
            raise error
        cause = cause.__cause__
    print(f"\n{program}: interrupted", file=sys.stderr)
    return 128 + signal.SIGINT
