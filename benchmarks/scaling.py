"""Training by 1, 2 and 4 processes over loopback: computing, communicating.

    python benchmarks/scaling.py --steps=20

trains the LSTM-VAE on a batch of 64 texts, of which each worker has its part.
Computing is what as many processes take with such parts and no word to each
other; communicating is what they take more together. Where the cores are fewer
than the workers, wall time says how long these wait for a core; time of the CPU
does not. Bytes are those that loopback has carried, beside
2 (n - 1) times four for each parameter, which all-reduce in a ring sends.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from typing import Any

BATCH, TIME, VOCABULARY = 64, 20, 10_000
SIZES = {"embedding_dim": 128, "rnn_units": 128, "latent_dim": 16}
WARM = 3
_SENT = pathlib.Path("/sys/class/net/lo/statistics/tx_bytes")


def main() -> None:
    """Prints a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--worker", type=json.loads, help="of this program")
    options = parser.parse_args()
    if options.worker is not None:
        print(json.dumps(work(options.steps, **options.worker)))
        return
    print(
        f"{'workers':>7}{'computing':>24}{'communicating':>18}"
        f"{'MB a step':>13}{'on paper':>10}"
    )
    print(f"{'':7}{'wall ms':>12}{'CPU ms':>12}{'wall ms':>9}{'CPU ms':>9}")
    for count in (1, 2, 4):
        apart = measured(count, options.steps, is_together=False)
        both = apart
        if count > 1:
            both = measured(count, options.steps, is_together=True)
        paper = 2 * (count - 1) * 4 * both["parameters"] / 1e6
        print(
            f"{count:7}{apart['wall']:12.0f}{apart['cpu']:12.0f}"
            f"{both['wall'] - apart['wall']:9.0f}"
            f"{both['cpu'] - apart['cpu']:9.0f}"
            f"{both['megabytes'] if count > 1 else 0:13.1f}{paper:10.1f}",
            flush=True,
        )


def measured(count: int, steps: int, is_together: bool) -> dict[str, float]:
    """The mean of workers that run at the same time, a step."""
    ports = _free_ports(count)
    workers = [
        subprocess.Popen(
            [
                sys.executable,
                __file__,
                f"--steps={steps}",
                "--worker="
                + json.dumps(
                    {
                        "index": index,
                        "count": count,
                        "ports": ports if is_together else None,
                    }
                ),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for index in range(count)
    ]
    found = [json.loads(each.communicate()[0]) for each in workers]
    return {
        name: sum(each[name] for each in found) / count for name in found[0]
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def work(
    steps: int, index: int, count: int, ports: list[int] | None
) -> dict[str, float]:
    """Trains as one of several; time a step, and what it has trained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if ports is not None:
        addresses = [f"localhost:{port}" for port in ports]
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": addresses}, "task": task}
        os.environ["TF_CONFIG"] = json.dumps(config)
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    if ports is not None:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()

    import keras_textgen

    words = [f"w{number}" for number in range(VOCABULARY - 4)]
    with strategy.scope():
        model = keras_textgen.LSTMVAE(keras_textgen.Vocabulary(words), **SIZES)
        model.compile("sgd")
    # Of one batch after the other, all of these; of some, their parts.
    rows = BATCH if ports is not None else BATCH // count
    ids = tf.random.stateless_uniform(
        [rows, TIME], [0, 1], 4, VOCABULARY, tf.int32
    )
    ids = tf.concat([tf.fill([rows, 1], 2), ids, tf.fill([rows, 1], 3)], 1)
    batches = tf.data.Dataset.from_tensors(ids).repeat()
    model.fit(batches, steps_per_epoch=WARM, verbose=0)
    wall, cpu, sent = time.monotonic(), time.process_time(), _sent()
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    return {
        "wall": 1000 * (time.monotonic() - wall) / steps,
        "cpu": 1000 * (time.process_time() - cpu) / steps,
        "megabytes": (_sent() - sent) / steps / 1e6,
        "parameters": _count(model),
    }


def _sent() -> int:
    return int(_SENT.read_text())


def _count(model: Any) -> int:
    return int(sum(each.numpy().size for each in model.trainable_variables))


if __name__ == "__main__":
    main()
