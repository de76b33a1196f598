"""Asks a server from 1, 8 and 64 clients at a time, and times its answers.

Server and clients are processes of this machine, so they share its cores.

    python benchmarks/serve_load.py hdgm_sotu --seconds=10
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import socket
import subprocess
import sys
import time

import numpy as np

CLIENTS = (1, 8, 64)
TEXT = "we must protect our country and the state of the union is strong ."
SIZES = (1, 64)


def main() -> None:
    """Serve, ask, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--endpoint", default="encode")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "keras_textgen.serve", options.run]
    server = subprocess.Popen([*command, f"--port={port}"], env=os.environ)
    try:
        _wait(port)
        print(
            "| clients | texts a request | requests/s | texts/s | p50 ms "
            "| p99 ms | lost |"
        )
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for clients in CLIENTS:
            for size in SIZES:
                _row(port, options, clients, size)
    finally:
        server.terminate()
        server.wait()


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health")
            connection.getresponse().read()
            return
        except ConnectionError:
            time.sleep(0.2)
    raise SystemExit("the server does not answer")


def _row(
    port: int, options: argparse.Namespace, clients: int, size: int
) -> None:
    body = json.dumps({"texts": [TEXT] * size})
    _ask(port, options.endpoint, body, time.monotonic() + 2)
    start = time.monotonic()
    end = start + options.seconds
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        each = [
            pool.submit(_ask, port, options.endpoint, body, end)
            for _ in range(clients)
        ]
        answers = [answer for one in each for answer in one.result()]
    seconds = time.monotonic() - start
    times = np.array([taken for taken, status in answers if status == 200])
    lost = len(answers) - len(times)
    rate = len(times) / seconds
    p50, p99 = 1000 * np.quantile(times, [0.5, 0.99])
    print(
        f"| {clients} | {size} | {rate:.1f} | {rate * size:.0f} | {p50:.1f} | "
        f"{p99:.1f} | {lost} |",
        flush=True,
    )


def _ask(
    port: int, endpoint: str, body: str, end: float
) -> list[tuple[float, int]]:
    """Seconds and status of each request, one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "application/json"}
    answers = []
    while time.monotonic() < end:
        start = time.monotonic()
        connection.request("POST", f"/{endpoint}", body, headers)
        response = connection.getresponse()
        response.read()
        answers.append((time.monotonic() - start, response.status))
    return answers


if __name__ == "__main__":
    main()
