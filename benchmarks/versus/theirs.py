"""The side of PyTorch: the loop that its users write.

python -m benchmarks.versus.theirs WORKLOAD [--compile] [--precision=...]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.processes import peak_gigabytes
from benchmarks.versus.peers import made
from benchmarks.versus.workloads import (
    WORKLOADS,
    Batch,
    Workload,
    batches_of,
)

CLIP_NORM = 5.0
WARM_UPS = 2


def tensors(batch: Batch) -> list[Tensor]:
    """Ids as PyTorch's embeddings read them fastest, and floats."""
    parts = [torch.as_tensor(part) for part in batch]
    return [part if part.is_floating_point() else part.long() for part in parts]


def step_of(
    workload: Workload, is_compiled: bool, precision: str
) -> Callable[[Sequence[Tensor]], float]:
    """What makes a training step and gives its loss."""
    model = made(workload)
    optimizer = {
        "sgd": lambda weights: torch.optim.SGD(weights, lr=1.0),
        "adam": lambda weights: torch.optim.Adam(weights, lr=1e-3, fused=True),
    }[workload.optimizer](model.parameters())
    loss_of = torch.compile(model) if is_compiled else model
    dtype = getattr(torch, precision)
    is_mixed = dtype is not torch.float32

    def step(batch: Sequence[Tensor]) -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=dtype, enabled=is_mixed):
            loss = loss_of(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        return loss.item()

    return step


def main() -> None:
    """Make a round for each line that comes, and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--precision", default="float32")
    options = parser.parse_args()

    torch.manual_seed(0)
    workload = WORKLOADS[options.workload]
    step = step_of(workload, options.compile, options.precision)
    # The first one is that which sets the package's side up.
    batches = [tensors(batch) for batch in batches_of(workload)][1:]

    def round_seconds() -> list[float]:
        seconds = []
        for batch in batches:
            begin = time.perf_counter()
            step(batch)
            seconds.append(time.perf_counter() - begin)
        return seconds

    for _ in range(WARM_UPS):
        round_seconds()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps([round_seconds(), peak_gigabytes()]), flush=True)


if __name__ == "__main__":
    main()
