"""How fast this machine multiplies matrices of a workload's shapes.

    python -m benchmarks.versus.rates tensorflow|torch WORKLOAD

Prints, as JSON, for each precision what all products of a training step take,
in milliseconds, the least of several rounds, and their GFLOP/s.
"""

import argparse
import json
import time
from collections.abc import Callable

from benchmarks.versus.workloads import WORKLOADS, Product, products_of

ROUNDS, REPEATS = 12, 3
PRECISIONS = ("float32", "bfloat16")


def tensorflow_product(product: Product, precision: str) -> Callable[[], None]:
    """Computes it once."""
    import tensorflow as tf

    left = tf.random.normal([product.rows, product.inner])
    right = tf.random.normal([product.inner, product.columns])
    left, right = tf.cast(left, precision), tf.cast(right, precision)

    def compute() -> None:
        tf.linalg.matmul(left, right)

    return compute


def torch_product(product: Product, precision: str) -> Callable[[], None]:
    """Computes it once."""
    import torch

    dtype = getattr(torch, precision)
    left = torch.randn(product.rows, product.inner).to(dtype)
    right = torch.randn(product.inner, product.columns).to(dtype)

    def compute() -> None:
        torch.matmul(left, right)

    return compute


PRODUCTS = {"tensorflow": tensorflow_product, "torch": torch_product}


def milliseconds_of(product: Product, compute: Callable[[], None]) -> float:
    """Of all that are alike, at the least time of one."""
    compute()
    least = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(REPEATS):
            compute()
        least = min(least, (time.perf_counter() - begin) / REPEATS)
    return 1000 * product.count * least


def main() -> None:
    """Print the rates of a workload."""
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=PRODUCTS)
    parser.add_argument("workload", choices=WORKLOADS)
    options = parser.parse_args()
    make = PRODUCTS[options.framework]
    products = products_of(WORKLOADS[options.workload])
    operations = sum(
        2 * p.rows * p.inner * p.columns * p.count for p in products
    )
    answer = {}
    for precision in PRECISIONS:
        taken = sum(milliseconds_of(p, make(p, precision)) for p in products)
        answer[precision] = {
            "milliseconds": taken,
            "gigaflops": operations / taken / 1e6,
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
