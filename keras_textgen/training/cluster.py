"""The processes that train together, as their environment describes them.

Nothing here imports TensorFlow: a description that cannot be used is refused
before any data are read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from keras_textgen.cli.errors import RunError

VARIABLE = "TF_CONFIG"
# What Slurm sets in every task of a step.
SLURM_VARIABLES = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_NODELIST")
_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


class Cluster(NamedTuple):
    """A process among those that train together.

    Attributes:
      size: number of processes.
      index: of this one, counted from 0.
    """

    size: int
    index: int  # type: ignore[assignment]

    @property
    def is_chief(self) -> bool:
        """Whether it is the one that writes."""
        return self.index == 0


ALONE = Cluster(1, 0)


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster:
    """This process among the workers.

    Args:
      environment: with `TF_CONFIG`, as TensorFlow reads it, or the variables of
        a task of Slurm.

    Returns:
      The number of workers, and which of them this one is.

    Raises:
      RunError: if neither is there, or `TF_CONFIG` cannot be used.

    Example:
    >>> read_cluster(
    ...     {
    ...         "SLURM_PROCID": "1",
    ...         "SLURM_NTASKS": "4",
    ...         "SLURM_STEP_NODELIST": "node[1-4]",
    ...     }
    ... )
    Cluster(size=4, index=1)
    """
    if VARIABLE in environment:
        return _of_config(environment[VARIABLE])
    if all(name in environment for name in SLURM_VARIABLES):
        index, size = (int(environment[name]) for name in SLURM_VARIABLES[:2])
        return Cluster(size, index)
    raise RunError(
        "--distribution_strategy=multi_worker_mirrored: neither "
        f"{VARIABLE} nor the variables of a task of Slurm are set; allowed: "
        f"{VARIABLE}='{_EXAMPLE}', index 0 to 1, in the two processes"
    )


def _of_config(text: str) -> Cluster:
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        workers, kind, index = jobs["worker"], task["type"], task["index"]
        chiefs = jobs.get("chief", [])
    except KeyError as error:
        raise _unusable(text, f"{error} is missing") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise _unusable(text, str(error)) from None
    if set(jobs) - {"chief", "worker"} or kind not in jobs:
        raise _unusable(text, "jobs other than worker and chief")
    if not isinstance(workers, list) or not workers:
        raise _unusable(text, "no list of workers")
    if not isinstance(chiefs, list) or len(chiefs) > 1:
        raise _unusable(text, "chiefs that are no list of one")
    if not isinstance(index, int) or not 0 <= index < len(jobs[kind]):
        raise _unusable(text, f"no {kind} of index {index}")
    # A chief counts as the worker before the first one.
    first = len(chiefs) if kind == "worker" else 0
    return Cluster(len(chiefs) + len(workers), first + index)


def _unusable(text: str, reason: str) -> RunError:
    return RunError(
        f"{VARIABLE}={text:.200}: {reason}; allowed: as in {_EXAMPLE}"
    )
