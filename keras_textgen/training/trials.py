"""Whether this process trains a trial of a sweep, and what is said there."""

import os
from collections.abc import Mapping

# What marks the environment of such a process.
TRIAL: Mapping[str, str] = {"KERAS_TEXTGEN_TRIAL": "1"}


def remedy(of_a_run: str) -> str:
    """What is said after what has ended a run.

    Args:
      of_a_run: what the user can do about a single one.

    Returns:
      That; of a trial, what the sweep does about it.

    Example:
    >>> remedy("choose a smaller model")
    'choose a smaller model'
    """
    if TRIAL.items() <= os.environ.items():
        return "this trial counts as failed, and the sweep goes on"
    return of_a_run
