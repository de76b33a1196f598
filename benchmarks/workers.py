"""Times a training step of one, two and four workers on this machine.

    python -m benchmarks.workers [--workload=lstm_vae] [--workers=1,2,4]

The workers share the machine's cores, so that a step of more of them is no
faster; what they add is shown apart. Of each number of workers, three kinds of
processes take turns: "step" trains together, as `model.fit` does under
`MultiWorkerMirroredStrategy`; "work" are the same processes, each with its part
of the batch, that know nothing of each other; "sums" add up arrays as large as
the gradients, and nothing else. Beside the bytes that the loopback device has
carried in a step stand those of rings on paper, 2 (n - 1) 4 P for P parameters.
"""

import argparse
import contextlib
import json
import os
import pathlib
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmarks.processes import Side, least_milliseconds, started

KINDS = ("step", "work", "sums")
# Sums of a round of "sums".
SUMS = 4


class Round(NamedTuple):
    """What a round of one worker has taken.

    Attributes:
        seconds: Of its steps.
        steps: How many there were, those that were not timed included.
    """

    seconds: list[float]
    steps: int


class Answer(NamedTuple):
    """What a round of all workers of a kind has taken.

    Attributes:
        seconds: Of each step, of the slowest worker.
        octets: What the loopback device has carried, a step.
    """

    seconds: list[float]
    octets: float


def steps_of(
    workload_name: str, strategy: Any, parts: int
) -> Callable[[], Round]:
    """Makes rounds of training.

    Args:
        workload_name: Of `benchmarks.versus.workloads`.
        strategy: Under which the model is made.
        parts: Each process takes one of so many parts of a batch.
    """
    from benchmarks.processes import step_seconds
    from benchmarks.versus.ours import compiled, data_of
    from benchmarks.versus.workloads import WORKLOADS

    workload = WORKLOADS[workload_name]
    workload = workload._replace(batch=workload.batch // parts)
    with strategy.scope():
        model = compiled(workload)
    data = data_of(workload)

    def make_round() -> Round:
        seconds = step_seconds(model.fit, data)
        # From the end of a step to that of the next one.
        return Round(seconds, len(seconds) + 1)

    return make_round


def sums_of(workload_name: str, strategy: Any) -> Callable[[], Round]:
    """Makes rounds of sums over the workers."""
    import tensorflow as tf

    from benchmarks.versus.ours import compiled, data_of
    from benchmarks.versus.workloads import WORKLOADS

    model = compiled(WORKLOADS[workload_name])
    data = data_of(WORKLOADS[workload_name])
    model.predict(data["x"][:1], verbose=0)
    arrays = [tf.zeros(each.shape) for each in model.trainable_variables]

    @tf.function
    def summed() -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            total = context.all_reduce("SUM", arrays)
            return tf.add_n([tf.reduce_sum(each) for each in total])

        return strategy.run(of_replica)

    def make_round() -> Round:
        seconds = []
        for _ in range(SUMS):
            begin = time.perf_counter()
            strategy.experimental_local_results(summed())[0].numpy()
            seconds.append(time.perf_counter() - begin)
        return Round(seconds, SUMS)

    return make_round


def work(kind: str, workload_name: str, workers: int) -> None:
    """Be one of the workers: a round for each line that comes."""
    import tensorflow as tf

    is_apart = kind == "work" or workers == 1
    strategy = (
        tf.distribute.get_strategy()
        if is_apart
        else tf.distribute.MultiWorkerMirroredStrategy()
    )
    parts = workers if kind == "work" else 1
    make_round = (
        sums_of(workload_name, strategy)
        if kind == "sums"
        else steps_of(workload_name, strategy, parts)
    )
    for _ in range(2):
        make_round()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(make_round()), flush=True)


def loopback_octets() -> int:
    """What the loopback device has received since the machine's start."""
    for line in pathlib.Path("/proc/net/dev").read_text("ascii").splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[0])
    return 0


def round_of(sides: Sequence[Side]) -> Answer:
    """A round of all workers at once."""
    before = loopback_octets()
    for side in sides:
        side.process.stdin.write("\n")
        side.process.stdin.flush()
    rounds = [Round(*json.loads(side.line())) for side in sides]
    octets = (loopback_octets() - before) / rounds[0].steps
    seconds = zip(*(each.seconds for each in rounds), strict=True)
    return Answer([max(each) for each in seconds], octets)


def free_addresses(number: int) -> list[str]:
    """Addresses of this machine on which nothing listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [f"localhost:{each.getsockname()[1]}" for each in sockets]


def measured(
    workload: str, workers: int, rounds: int
) -> dict[str, list[Answer]]:
    """Rounds of each kind, which take turns."""
    found: dict[str, list[Answer]] = {}
    with contextlib.ExitStack() as stack:
        kinds = {}
        for kind in KINDS if workers > 1 else KINDS[:1]:
            addresses = free_addresses(workers)
            kinds[kind] = [
                stack.enter_context(
                    started(
                        [
                            *(sys.executable, "-m", "benchmarks.workers"),
                            f"--workload={workload}",
                            f"--workers={workers}",
                            f"--kind={kind}",
                        ],
                        {
                            "TF_CONFIG": json.dumps(
                                {
                                    "cluster": {"worker": addresses},
                                    "task": {"type": "worker", "index": index},
                                }
                            )
                        },
                    )
                )
                for index in range(workers)
            ]
            for side in kinds[kind]:
                side.line()
        for _ in range(rounds):
            for kind, sides in kinds.items():
                found.setdefault(kind, []).append(round_of(sides))
        for sides in kinds.values():
            for side in sides:
                side.process.stdin.close()
    return found


def num_parameters(workload_name: str) -> int:
    """P, of the model of a workload."""
    from benchmarks.versus.ours import compiled, data_of
    from benchmarks.versus.workloads import WORKLOADS

    workload = WORKLOADS[workload_name]
    model = compiled(workload)
    model.predict(data_of(workload)["x"][:1], verbose=0)
    return sum(
        int(each.value.shape.num_elements())
        for each in model.trainable_variables
    )


def line_of(
    workers: int, found: dict[str, list[Answer]], parameters: int
) -> str:
    """A row of the table."""

    def milliseconds(kind: str) -> str:
        if kind not in found:
            return "-"
        rounds = [each.seconds for each in found[kind]]
        return f"{least_milliseconds(rounds):,.0f}"

    def megabytes(kind: str) -> str:
        if kind not in found:
            return "-"
        return f"{min(each.octets for each in found[kind]) / 1e6:,.1f}"

    on_paper = 2 * (workers - 1) * 4 * parameters / 1e6
    cells = [
        *map(milliseconds, KINDS),
        *(megabytes("step"), megabytes("sums"), f"{on_paper:,.1f}"),
    ]
    return f"| {workers} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table, or be one of the workers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workload", default="lstm_vae")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        work(options.kind, options.workload, int(options.workers))
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parameters = num_parameters(options.workload)
    print(f"{options.workload}, {parameters:,} parameters\n")
    print(
        "| workers | step, ms | its work alone | its sums alone | MB a step | "
        "MB of the sums alone | rings on paper |\n"
        "|---:|---:|---:|---:|---:|---:|---:|"
    )
    for workers in map(int, options.workers.split(",")):
        found = measured(options.workload, workers, options.rounds)
        print(line_of(workers, found, parameters), flush=True)


if __name__ == "__main__":
    main()
